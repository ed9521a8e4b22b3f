"""Binance spot as ccxt sees it, over HTTP and websockets on 127.0.0.1.

The rule: here is only what stands before the rooms: which endpoint, whose key, how much weight, and how Binance says
that it will not answer at all.

    async with BinanceVenue() as venue:
        market = venue.add_spot("BTCUSDT", bid="50000.00", ask="50000.01")
        account = venue.ledger.add_account("key", "secret", {"USDT": "1000"})
        exchange = ccxt.pro.binance({"apiKey": "key", "secret": "secret", **venue.exchange_options()})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, inf
from typing import Any

from aiohttp import web

from tests.venue import binance_private as private
from tests.venue import binance_public as public
from tests.venue.binance_desk import Desk
from tests.venue.binance_shapes import refusal_of
from tests.venue.binance_streams import API, HOST, RAW, Streams
from tests.venue.binance_wire import (
    Params,
    Refusal,
    check_clock,
    check_key_format,
    not_permitted,
    open_signed,
    pairs_of,
)
from tests.venue.events import Event
from tests.venue.faults import CALM, CANCEL, CREATE, PUBLIC, READ, Plan
from tests.venue.ledger import Ledger
from tests.venue.market import Market, Number
from tests.venue.model import Account, Band, Ending, Order, Refused, Rules
from tests.venue.server import Asked, Clock, Reply, Venue
from tests.venue.streams import Feed
from tests.venue.witness import Call

_ADDRESS = "127.0.0.1"
_BAND = Band(buy_low=Decimal("0.2"), buy_high=Decimal(5), sell_low=Decimal("0.2"), sell_high=Decimal(5))
_FIRST_ORDER, _FIRST_TRADE = 61_000_000_000, 5_900_000_000
_STEP = Decimal("0.00001")
_STATUS = "/sapi/v1/system/status"
_MORE = "Please use WebSocket Streams for live updates to avoid"
_NOWHERE = "<html><body><h2>404 Not found</h2></body></html>"
_UNKNOWN_OUTCOME = {  # what Binance says when even it does not know what became of a request
    "error_after": Reply(
        {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."}, 500, "-1001"
    ),
    "timeout_408": Reply(
        {
            "code": -1007,
            "msg": "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        },
        408,
        "-1007",
    ),
}

Open = Callable[[Desk, Params], object]
Closed = Callable[[Desk, Account, Params], object]


Weight = Callable[[Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path; `signed` is what it does for the owner of a key, `anybody` what it does for everybody."""

    kind: str
    weight: int | Weight
    anybody: Open | None = None
    signed: Closed | None = None

    def weight_of(self, values: Mapping[str, str]) -> int:
        """What a request costs."""
        return self.weight if isinstance(self.weight, int) else self.weight(values)


def _either(name: str, with_it: int, without: int) -> Weight:
    return lambda values: with_it if name in values else without


def _by_depth(values: Mapping[str, str]) -> int:
    limit = int(values.get("limit", "100")) if values.get("limit", "100").isdigit() else 100
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (inf, 250)) if limit <= most)


def _by_tickers(values: Mapping[str, str]) -> int:
    if "symbol" in values:
        return 2
    count = values["symbols"].count(",") + 1 if "symbols" in values else inf
    return next(weight for most, weight in ((20, 2), (100, 40), (inf, 80)) if count <= most)


ENDPOINTS = {
    ("GET", "/api/v3/ping"): Endpoint(PUBLIC, 1, public.ping),
    ("GET", "/api/v3/time"): Endpoint(PUBLIC, 1, public.time),
    ("GET", "/api/v3/exchangeInfo"): Endpoint(PUBLIC, 20, public.exchange_info),
    ("GET", "/api/v3/depth"): Endpoint(PUBLIC, _by_depth, public.depth),
    ("GET", "/api/v3/klines"): Endpoint(PUBLIC, 2, public.klines),
    ("GET", "/api/v3/ticker/24hr"): Endpoint(PUBLIC, _by_tickers, public.day_ticker),
    ("GET", "/api/v3/ticker/bookTicker"): Endpoint(PUBLIC, _either("symbol", 2, 4), public.book_ticker),
    ("GET", "/api/v3/ticker/price"): Endpoint(PUBLIC, _either("symbol", 2, 4), public.price_ticker),
    ("POST", "/api/v3/order"): Endpoint(CREATE, 1, signed=private.place),
    ("DELETE", "/api/v3/order"): Endpoint(CANCEL, 1, signed=private.cancel),
    ("DELETE", "/api/v3/openOrders"): Endpoint(CANCEL, 1, signed=private.cancel_all),
    ("GET", "/api/v3/order"): Endpoint(READ, 4, signed=private.order_get),
    ("GET", "/api/v3/openOrders"): Endpoint(READ, _either("symbol", 6, 80), signed=private.open_orders),
    ("GET", "/api/v3/allOrders"): Endpoint(READ, 20, signed=private.all_orders),
    ("GET", "/api/v3/myTrades"): Endpoint(READ, _either("orderId", 5, 20), signed=private.my_trades),
    ("GET", "/api/v3/account"): Endpoint(READ, 20, signed=private.balances),
    ("GET", _STATUS): Endpoint(PUBLIC, 0, public.system_status),
    ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(READ, 0, signed=private.api_restrictions),
    ("GET", "/sapi/v1/capital/config/getall"): Endpoint(READ, 0, signed=private.coins),
    ("GET", "/sapi/v1/asset/tradeFee"): Endpoint(READ, 0, signed=private.trade_fees),
}
_PATHS = {path for _, path in ENDPOINTS}


def ccxt_options(port: int) -> dict[str, Any]:
    """What ccxt's binance (REST and pro) is constructed with to talk to a venue on that port, apart from the keys.

    The addresses; and spot only (`fetchMarkets`) without margin pairs (`fetchMargins`), as nothing else is here. ccxt
    looks up some error codes by the host name and does not find ours: -1004, -1008, -1131, -2008 and -2026 come out as
    plain ExchangeError.
    """
    http, ws = f"http://{_ADDRESS}:{port}", f"ws://{_ADDRESS}:{port}"
    rest = {"public": "/api/v3", "private": "/api/v3", "v1": "/api/v1", "sapi": "/sapi/v1"}
    streams = {"spot": ws + HOST + RAW, "ws-api": {"spot": ws + API}}
    return {
        "urls": {"api": {name: http + path for name, path in rest.items()} | {"ws": streams}},
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
    }


class BinanceVenue(Venue):
    """Binance spot.

    For tests, beyond what every venue has: `desk` (`closed_as`, `order_limit`), `weight_limit` (None: no limit),
    `patience` (requests inside a Retry-After window before the ban), `ban_ms`, `ban`, `expire_in_match`,
    `streams.announce_shutdown`, `streams.end_user_streams`.
    """

    def __init__(self, *, seed: int = 0, plan: Plan = CALM, port: int = 0, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        ledger = Ledger(
            clock,
            seed,
            unique_for_ever=False,
            refuse_takers=True,
            order_id=lambda _, number: str(_FIRST_ORDER + number),
            trade_id=lambda _, number: str(_FIRST_TRADE + number),
        )
        super().__init__(ledger, clock, seed=seed, plan=plan, port=port)
        self.desk = Desk(ledger, self.faults, in_maintenance=lambda: clock() < self._maintenance_until)
        self.streams = Streams(self.desk, self.feeds, self._login)
        self.weight_limit: int | None = 6000
        self.patience = 10
        self.ban_ms = 120_000
        self._minute, self._used = 0, 0
        self._banned_until = self._closed_for = self._knocks = 0

    def add_spot(self, market_id: str, bid: Number, ask: Number, **rules: Any) -> Market:
        """A spot market against USDT with Binance's usual rules, but for what is given."""
        usual: dict[str, Any] = {"base": market_id.removesuffix("USDT"), "quote": "USDT", "band": _BAND, "step": _STEP}
        return self.ledger.add_market(Rules(id=market_id, **{**usual, **rules}), bid, ask)

    def expire_in_match(self, order: Order) -> None:
        """Self-trade prevention ends an order."""
        self.desk.in_match.add(order.id)
        self.ledger.cancel_by_venue(order, Ending.VENUE)

    # --- REST -------------------------------------------------------------------------------------

    def kind_of(self, asked: Asked) -> str:
        """The kind of endpoint."""
        endpoint = ENDPOINTS.get((asked.method, asked.path))
        return endpoint.kind if endpoint else PUBLIC

    def answer(self, asked: Asked, call: Call) -> Reply:
        """Carries the request out."""
        if asked.path not in _PATHS:
            return Reply(_NOWHERE, 404, "404")
        try:
            reply = Reply(_compact(self._carry_out(asked)))
        except Refusal as refusal:
            reply = _no(refusal)
        except Refused as refused:
            reply = _no(refusal_of(refused))
        if asked.path.startswith("/api/"):
            reply.headers |= dict.fromkeys(("x-mbx-used-weight", "x-mbx-used-weight-1m"), str(self._used))
        return reply

    def _carry_out(self, asked: Asked) -> object:
        endpoint = ENDPOINTS.get((asked.method, asked.path))
        if endpoint is None:
            raise Refusal(-1020, "This operation is not supported.")
        if endpoint.anybody is not None:
            params = Params.of_pairs(pairs_of(asked.raw_query))
            result = endpoint.anybody(self.desk, params)
        else:
            assert endpoint.signed is not None, "an endpoint is for anybody or for somebody"
            account = self._login(asked.headers.get("X-MBX-APIKEY"), trading=endpoint.kind in (CREATE, CANCEL))
            params = Params.of_pairs(open_signed(asked.raw_query, asked.body, account.secret))
            check_clock(params, asked.at_ms, lenient=not self.check_time)
            result = endpoint.signed(self.desk, account, params)
        params.finish()
        return result

    def _login(self, sent: str | None, *, trading: bool = False) -> Account:
        account = self.ledger.accounts.get(check_key_format(sent))
        if account is None:
            raise not_permitted()
        expired = account.expires_ms is not None and account.expires_ms <= self.clock()
        elsewhere = "*" not in account.ips and _ADDRESS not in account.ips
        if expired or elsewhere or (trading and account.read_only):
            raise not_permitted()
        return account

    # --- limits and troubles ----------------------------------------------------------------------

    def _refusal(self, asked: Asked, call: Call) -> Reply | None:
        values = dict(pairs_of(asked.raw_query) + pairs_of(asked.body))
        call.params, call.account = values, asked.headers.get("X-MBX-APIKEY", "")
        call.client_ids = tuple(values[name] for name in ("newClientOrderId", "origClientOrderId") if name in values)
        if asked.path == _STATUS:
            return None
        refusal = super()._refusal(asked, call)
        endpoint = ENDPOINTS.get((asked.method, asked.path))
        if refusal is not None or endpoint is None:
            return refusal
        minute = asked.at_ms // 60_000
        self._minute, self._used = minute, (self._used if minute == self._minute else 0) + endpoint.weight_of(values)
        if self.weight_limit is not None and self._used > self.weight_limit:
            return self._close("", (minute + 1) * 60_000)
        return None

    def rate_limited(self, until_ms: int) -> Reply:
        """429; and 418 for who goes on knocking."""
        self._knocks = self._knocks + 1 if until_ms == self._closed_for else 0
        self._closed_for = until_ms
        if self._knocks >= self.patience:
            self.ban(self.ban_ms)
        after = {"Retry-After": str(max(1, ceil((self._closed_for - self.clock()) / 1000)))}
        if self.clock() < self._banned_until:
            words = f"Way too much request weight used; IP banned until {self._banned_until}. {_MORE} bans."
            return _no(Refusal(-1003, words, 418, after))
        words = (
            f"Too much request weight used; current limit is {self.weight_limit or 6000} request weight per 1 MINUTE."
        )
        return _no(Refusal(-1003, f"{words} {_MORE} polling the API.", 429, after))

    def ban(self, ms: int) -> None:
        """418 to everything for a while."""
        self._banned_until = self._closed_for = self._closed_until[""] = self.clock() + ms
        self._knocks = 0

    def in_maintenance(self) -> Reply:
        """Closed; the system status says it too."""
        return Reply({"code": 1, "msg": "System is under maintenance."}, 503, "1")

    def clock_skewed(self) -> Reply:
        """The time stamp is outside of the window."""
        return _no(Refusal(-1021, "Timestamp for this request is outside of the recvWindow."))

    async def _after(self, name: str, reply: Reply, request: web.Request, call: Call) -> web.StreamResponse:
        said = _UNKNOWN_OUTCOME.get(name)
        if said is None:
            return await super()._after(name, reply, request, call)
        call.status, call.code = said.status, said.code
        return web.Response(status=said.status, text=said.text, content_type="application/json")

    # --- websockets -------------------------------------------------------------------------------

    def on_connect(self, feed: Feed) -> None:
        """A new websocket."""
        self.streams.on_connect(feed)

    def on_frame(self, feed: Feed, frame: str) -> None:
        """A frame of a client."""
        self.streams.on_frame(feed, frame, check_time=self.check_time)

    def publish(self, event: Event) -> None:
        """What the ledger tells goes to the streams."""
        self.streams.publish(event)

    def exchange_options(self) -> dict[str, Any]:
        """What ccxt's constructor is given."""
        return ccxt_options(self.port)


def demo(seed: int, plan: Plan, port: int) -> BinanceVenue:
    """A venue to play with: two markets, and an account `key` with `secret`."""
    venue = BinanceVenue(seed=seed, plan=plan, port=port)
    venue.add_spot("BTCUSDT", bid="50000.00", ask="50000.01")
    venue.add_spot("ETHUSDT", bid="3000.00", ask="3000.01", step=Decimal("0.0001"))
    venue.ledger.add_account("key", "secret", {"USDT": "100000", "BTC": "1", "ETH": "10"})
    return venue


def _compact(body: object) -> str:
    """As Binance writes it: clients quote bodies in their errors."""
    return json.dumps(body, separators=(",", ":"))


def _no(refusal: Refusal) -> Reply:
    return Reply(_compact(refusal.body()), refusal.status, str(refusal.code), dict(refusal.headers))
