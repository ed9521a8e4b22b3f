"""What the stories about the loopback Bybit share: a venue with two markets, an account, and the real ccxt before it.

The rule: nothing is asserted here but what a story asks for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import ccxt.pro
import pytest

from tests.venue.bybit import BybitVenue
from tests.venue.ledger import Market
from tests.venue.model import Account

SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
D = Decimal


@dataclass(slots=True)
class Stage:
    """A venue with both markets, one account, and ccxt before it."""

    venue: BybitVenue
    spot: Market
    perp: Market
    account: Account
    ccxt: Any

    async def buy(self, price: str, client_id: str = "", symbol: str = SPOT, amount: str = "0.1", **params: Any) -> Any:
        if client_id:
            params["clientOrderId"] = client_id
        return await self.ccxt.create_order(symbol, "limit", "buy", amount, price, params)

    async def status(self, order_id: str, symbol: str = SPOT) -> tuple[str, str, str]:
        order = (await self.ccxt.fetch_order(order_id, symbol, {"acknowledged": True}))["info"]
        return order["orderStatus"], order["cancelType"], order["rejectReason"]

    async def settled(self) -> None:
        """Lets what was put off by the venue come true."""
        self.venue.clock.forward(self.venue.ledger.cancel_lag_ms)
        self.venue.ledger.run_due()


def dress(venue: BybitVenue) -> tuple[Market, Market, Account]:
    account = venue.ledger.add_account("key", "secret", {"USDT": "10000", "BTC": "1"})
    return venue.add_spot("BTCUSDT", "100.00", "100.10"), venue.add_linear("BTCUSDT", "100.0", "100.1"), account


def client(venue: BybitVenue, **more: Any) -> Any:
    keys = {"apiKey": "key", "secret": "secret", "enableRateLimit": False, "timeout": 2000}
    haste = {"timeout_on_exit": 0, "enableLastJsonResponse": True}
    exchange = ccxt.pro.bybit({**keys, **haste, **venue.exchange_options(), **more})
    exchange.number = str
    return exchange


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    async with BybitVenue(seed=1) as venue:
        spot, perp, account = dress(venue)
        exchange = client(venue)
        try:
            await exchange.load_markets()
            await exchange.is_unified_enabled()
            yield Stage(venue, spot, perp, account, exchange)
        finally:
            await exchange.close()


def told(story: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    async def tell() -> None:
        async with stage() as here:
            await story(here)

    asyncio.run(tell())


async def code(work: Awaitable[Any], kind: type[Exception] = ccxt.BaseError) -> str:
    """The retCode a refused call comes back with."""
    with pytest.raises(kind) as caught:
        await work
    return str(caught.value).partition('"retCode":')[2].partition(",")[0]


async def heard(work: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(work, 3)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def subscribed(here: Stage, *topics: str) -> None:
    await heard(until(lambda: any(set(topics) <= feed.topics for feed in here.venue.feeds)))
