"""Real exchanges of ccxt whose last step, the network, is a list: what would leave is kept, what is answered is given.

Nothing of ccxt is replaced but `fetch`, so a test sees the method, URL, headers and body that would leave.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DefaultContext, localcontext
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bot.core.actions import PlaceOrder
from bot.core.model import Leg
from bot.exchange.venues import VENUES, Call, Venue

KEY, SECRET, PASSWORD = "key-of-a-test", "c2VjcmV0IG9mIGEgdGVzdA==", "password-of-a-test"
WALLET, PRIVATE = "0x" + "11" * 20, "0x" + "22" * 32
PEM = (
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49\n"
    "AwEHoUQDQgAEPR3tU2Fta9ktY+6P9G0cWO+0kETA6SFs38GecTyudlHz6xvCdz8q\n"
    "EKTcWGekdmdDPsHloRNtsiCa697B2O9IFA==\n"
    "-----END EC PRIVATE KEY-----"
)
"""The key of RFC 9500, published for tests."""

CLIENT_ID = "rx1aaa010020003e01"
IDS = {
    "bybit": "BTCUSDT",
    "binance": "BTCUSDT",
    "okx": "BTC-USDT",
    "kraken": "XBTUSDT",
    "kucoin": "BTC-USDT",
    "gate": "BTC_USDT",
    "bitget": "BTCUSDT",
    "mexc": "BTCUSDT",
    "coinbase": "BTC-USDT",
    "hyperliquid": "10107",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that would have left."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def fields(self) -> dict[str, Any]:
        """What was said in the query and the body, whichever way the body is written."""
        said: dict[str, Any] = dict(parse_qsl(urlsplit(self.url).query))
        text = self.body or ""
        if text.startswith(("{", "[")):
            parsed = json.loads(text)
            return said | (parsed if isinstance(parsed, dict) else {"items": parsed})
        return said | dict(parse_qsl(text))


@dataclass(slots=True)
class Wire:
    """What left, and what comes back: the given replies in turn, then the last one (or `{}`) again and again."""

    sent: list[Sent] = field(default_factory=list)
    replies: deque[Any] = field(default_factory=deque)

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        text = body.decode() if isinstance(body, bytes) else body
        self.sent.append(Sent(method, url, dict(headers or {}), text))
        return self.replies.popleft() if len(self.replies) > 1 else self.replies[0] if self.replies else {}


def spot_market(venue_id: str, **changes: Any) -> dict[str, Any]:
    """A BTC/USDT as `load_markets` would hold it."""
    return {
        "id": IDS[venue_id],
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "baseId": IDS[venue_id] if venue_id == "hyperliquid" else "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "active": True,
        "contract": False,
        "swap": False,
        "future": False,
        "option": False,
        "linear": None,
        "inverse": None,
        "maker": "0.001",
        "taker": "0.001",
        "precision": {"price": "0.01", "amount": "0.00000001"},
        "limits": {"amount": {"min": "0.0001"}, "cost": {"min": "5"}},
        "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER"]},
    } | changes


def swap_market(venue_id: str, **changes: Any) -> dict[str, Any]:
    """A BTC/USDT:USDT as `load_markets` would hold it."""
    perpetual = {"symbol": "BTC/USDT:USDT", "settle": "USDT", "settleId": "USDT", "type": "swap", "spot": False}
    kind = {"contract": True, "swap": True, "linear": True, "inverse": False, "contractSize": "1", "subType": "linear"}
    return spot_market(venue_id) | perpetual | kind | changes


def open_exchange(venue: Venue, wire: Wire, *markets: dict[str, Any]) -> Any:
    """A real exchange of ccxt behind the wire, knowing these markets (a spot one when none is given)."""
    cls = getattr(import_module(f"ccxt.async_support.{venue.id}"), venue.id)
    key, secret = (WALLET, PRIVATE) if venue.id == "hyperliquid" else (KEY, PEM if venue.id == "coinbase" else SECRET)
    exchange = cls(venue.settings(key, secret, PASSWORD))
    venue.dismiss_errands(exchange)
    exchange.number = str
    exchange.enableRateLimit = False
    exchange.fetch = wire.fetch
    exchange.set_markets(list(markets) or [spot_market(venue.id)])
    return exchange


def wired(venue_id: str, act: Callable[[Any], Awaitable[Any]], *replies: Any, markets: Sequence[Any] = ()) -> Any:
    """Do something on a wired exchange: (what came of it, what was sent)."""
    venue, wire = VENUES[venue_id], Wire(replies=deque(replies))

    async def story() -> Any:
        return await act(open_exchange(venue, wire, *markets))  # no socket was opened: there is nothing to close

    with localcontext(DefaultContext):  # ccxt rounds, where our own context would raise
        return asyncio.run(story()), wire.sent


def sent_by(venue_id: str, call: Call, *replies: Any, markets: Sequence[Any] = ()) -> Sent:
    """The last request a call makes."""
    _, sent = wired(venue_id, call.on, *replies, markets=markets)
    last: Sent = sent[-1]
    return last


def order(
    leg: Leg = Leg.ENTRY, *, taker: bool = False, symbol: str = "BTC/USDT", client_id: str = CLIENT_ID
) -> PlaceOrder:
    """A buy (or sale) of 0.12345678 at 60000.1: digits a float would not keep apart from their neighbours."""
    return PlaceOrder(client_id, "g1.2", symbol, leg, Decimal("60000.1"), Decimal("0.12345678"), taker)
