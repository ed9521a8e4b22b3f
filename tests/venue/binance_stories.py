"""How the stories about the loopback Binance begin: a venue, a market, a rich account, and real ccxt.

The rule: every client is closed, whatever the story does; ccxt's own waits (its limiter, its parting pause) are off, as
the server is what is asked about.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import ccxt.pro as ccxt

from tests.venue.binance import BinanceVenue

PAIR = "BTC/USDT"
Story = Callable[[BinanceVenue, Any], Awaitable[None]]


@contextlib.asynccontextmanager
async def client(venue: BinanceVenue, **changed: Any) -> AsyncIterator[Any]:
    keys = {"apiKey": "key", "secret": "secret", "enableRateLimit": False, "timeout": 2000, "timeout_on_exit": 0}
    exchange = ccxt.binance(venue.exchange_options() | keys | changed)
    exchange.number = str
    try:
        yield exchange
    finally:
        await exchange.close()


def told(story: Story) -> BinanceVenue:
    """Runs a story with a market, a rich account and a client, and hands back the venue to look at."""

    async def run() -> BinanceVenue:
        async with BinanceVenue() as venue:
            venue.add_spot("BTCUSDT", bid="50000.00", ask="50000.01")
            venue.ledger.add_account("key", "secret", {"USDT": "10000", "BTC": "1"})
            async with client(venue) as exchange:
                await story(venue, exchange)
        return venue

    return asyncio.run(run())


async def buy(exchange: Any, client_id: str = "first", price: str = "49000", amount: str = "0.01") -> Any:
    return await exchange.create_order(
        PAIR, "limit", "buy", amount, price, {"postOnly": True, "clientOrderId": client_id}
    )


async def begin(watch: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Starts to watch; what happens next is seen, provided the connection stands."""
    task = asyncio.create_task(watch)
    await asyncio.sleep(0)  # lets ccxt note that somebody waits
    return task
