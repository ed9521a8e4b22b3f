"""Bybit V5 on loopback: who asks, whether the request is genuine, and which endpoint answers.

The rule: as strict as the original about signature, time stamp, key and parameters, and as loose as it is about when an
acknowledged thing is really done.

    async with BybitVenue() as venue:
        market = venue.add_spot("BTCUSDT", bid="100", ask="100.1")
        account = venue.ledger.add_account("key", "secret", {"USDT": "1000"})
        exchange = ccxt.pro.bybit({"apiKey": "key", "secret": "secret", **venue.exchange_options()})
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.venue import bybit_account, bybit_streams, bybit_trading
from tests.venue.bybit_market import PUBLIC as PUBLIC_ENDPOINTS
from tests.venue.bybit_rules import Json, Refusal
from tests.venue.bybit_trading import Batch
from tests.venue.faults import CALM, CANCEL, CREATE, CREATE_BATCH, PUBLIC, READ, Plan
from tests.venue.ledger import Event, Ledger, Market, Number
from tests.venue.model import Account, Band, Kind, Rules
from tests.venue.server import Asked, Clock, Reply, Venue
from tests.venue.streams import Feed
from tests.venue.witness import Call

Endpoint = Callable[["BybitVenue", Account, Json], "Json | Batch"]

_READS: dict[str, Endpoint] = {
    "/v5/order/realtime": bybit_trading.realtime,
    "/v5/order/history": bybit_trading.history,
    "/v5/execution/list": bybit_trading.executions,
    "/v5/account/wallet-balance": bybit_account.wallet_balance,
    "/v5/account/info": bybit_account.info,
    "/v5/account/fee-rate": bybit_account.fee_rate,
    "/v5/user/query-api": bybit_account.query_api,
    "/v5/asset/coin/query-info": bybit_account.coin_info,
    "/v5/position/list": bybit_account.positions,
}
_WRITES: dict[str, Endpoint] = {
    "/v5/order/create": bybit_trading.create,
    "/v5/order/create-batch": bybit_trading.create_batch,
    "/v5/order/cancel": bybit_trading.cancel,
    "/v5/order/cancel-batch": bybit_trading.cancel_batch,
    "/v5/order/cancel-all": bybit_trading.cancel_all,
    "/v5/position/set-leverage": bybit_account.set_leverage,
    "/v5/account/set-margin-mode": bybit_account.set_margin_mode,
    "/v5/position/switch-mode": bybit_account.switch_mode,
}
_KINDS = {
    "/v5/order/create": CREATE,
    "/v5/order/create-batch": CREATE_BATCH,
    "/v5/order/cancel": CANCEL,
    "/v5/order/cancel-batch": CANCEL,
    "/v5/order/cancel-all": CANCEL,
}
_LONGEST_WINDOW_MS = 60_000


def ccxt_options(port: int) -> dict[str, Any]:
    """What ccxt's bybit (REST and pro) is constructed with to talk to a venue on that port: every url is replaced by
    one without {hostname}; ccxt merges the rest into its own description."""
    rest, stream = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/v5"
    public = {kind: f"{stream}/public/{kind}" for kind in ("spot", "linear", "inverse", "option")}
    private = {
        "spot": {"unified": f"{stream}/private", "nonUnified": f"{stream}/private"},
        "contract": f"{stream}/private",
        "usdc": f"{stream}/private",
        "trade": f"{stream}/trade",
    }
    api = dict.fromkeys(("public", "private", "spot", "futures", "v2"), rest)
    return {"urls": {"api": {**api, "ws": {"public": public, "private": private}}}}


def order_id(kind: Kind, number: int) -> str:
    """Digits on spot, a UUID on perpetuals."""
    if kind is Kind.SPOT:
        return str(1_900_000_000_000_000_000 + number * 256)
    return str(uuid.UUID(int=(number << 64) | 0x8000_0000_0000_0000))


def trade_id(kind: Kind, number: int) -> str:
    """Likewise, from another range."""
    if kind is Kind.SPOT:
        return str(2_290_000_000_000_000_000 + number)
    return str(uuid.UUID(int=(number << 64) | 0xA000_0000_0000_0001))


class BybitVenue(Venue):
    """Bybit with spot and linear markets of your making. `remembers_ms`: how long order/realtime finds an ended order
    by its id; `history_lag_ms`: how late order/history learns of it."""

    def __init__(self, *, seed: int = 0, plan: Plan = CALM, port: int = 0, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        ledger = Ledger(clock, seed, cancel_lag_ms=10, order_id=order_id, trade_id=trade_id)
        self.remembers_ms = 60_000
        self.history_lag_ms = 0
        feeds: list[Feed] = []
        self._books = bybit_streams.Books(ledger, feeds)
        self._frames = bybit_streams.Frames(ledger, self._books)
        super().__init__(ledger, clock, seed=seed, plan=plan, port=port)
        self.feeds = feeds

    # --- markets ----------------------------------------------------------------------------------

    def add_spot(self, market_id: str, bid: Number, ask: Number, **rules: Any) -> Market:
        """A spot market against USDT with Bybit's usual rules, but for what is given."""
        usual: dict[str, Any] = {
            "base": market_id.removesuffix("USDT"),
            "quote": "USDT",
            "band": Band(buy_high=Decimal("1.5"), sell_low=Decimal("0.5")),
        }
        return self.ledger.add_market(Rules(id=market_id, **{**usual, **rules}), bid, ask)

    def add_linear(self, market_id: str, bid: Number, ask: Number, **rules: Any) -> Market:
        """A perpetual against USDT."""
        usual: dict[str, Any] = {
            "base": market_id.removesuffix("USDT"),
            "quote": "USDT",
            "kind": Kind.LINEAR,
            "tick": Decimal("0.10"),
            "step": Decimal("0.001"),
            "min_amount": Decimal("0.001"),
            "maker_fee": Decimal("0.0002"),
            "taker_fee": Decimal("0.00055"),
            "band": Band(buy_high=Decimal("1.5"), sell_low=Decimal("0.5")),
        }
        return self.ledger.add_market(Rules(id=market_id, **{**usual, **rules}), bid, ask)

    # --- in Bybit's own words ---------------------------------------------------------------------

    def exchange_options(self) -> dict[str, Any]:
        """See `ccxt_options`."""
        return ccxt_options(self.port)

    def kind_of(self, asked: Asked) -> str:
        """By the path."""
        return PUBLIC if asked.path in PUBLIC_ENDPOINTS else _KINDS.get(asked.path, READ)

    def client_ids_of(self, asked: Asked) -> tuple[str, ...]:
        """Every orderLinkId in the body or the query."""
        if asked.method == "GET":
            return tuple(value for key, value in asked.query.items() if key == "orderLinkId")
        body = _body(asked)
        items = [body, *(item for item in body.get("request", []) if isinstance(item, dict))]
        return tuple(str(item["orderLinkId"]) for item in items if item.get("orderLinkId"))

    def window_of(self, asked: Asked) -> str:
        """Each endpoint has a limit of its own."""
        return asked.path

    def rate_limited(self, until_ms: int) -> Reply:
        """10006, and when to come back."""
        reply = self._refused(Refusal(10006, "Too many visits. Exceeded the API Rate Limit."))
        reply.headers = {
            "X-Bapi-Limit": "10",
            "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": str(until_ms),
            "Retry-After": str(max(1, (until_ms - self.clock() + 999) // 1000)),
        }
        return reply

    def in_maintenance(self) -> Reply:
        """10016, which is also what an internal error looks like."""
        return self._refused(Refusal(10016, "Internal System Error. Service is restarting"))

    def clock_skewed(self) -> Reply:
        """10002."""
        return self._refused(_skew(0, self.clock(), 5000))

    def on_frame(self, feed: Feed, frame: str) -> None:
        """See bybit_streams."""
        self._frames.on(feed, frame)

    def publish(self, event: Event) -> None:
        """See bybit_streams."""
        bybit_streams.publish(self.ledger, self.feeds, self._books, event)

    # --- answering --------------------------------------------------------------------------------

    def answer(self, asked: Asked, call: Call) -> Reply:
        """One envelope, HTTP 200 whatever it says."""
        try:
            result, extra = self._result(asked, call)
        except Refusal as refusal:
            return self._refused(refusal)
        reply = Reply({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": extra, "time": self.clock()})
        if call.kind != PUBLIC:
            limit = self.limits.get(asked.path, 50)
            reply.headers = {
                "X-Bapi-Limit": str(limit),
                "X-Bapi-Limit-Status": str(limit - 1),
                "X-Bapi-Limit-Reset-Timestamp": str(self.clock()),
            }
        return reply

    def _refused(self, refusal: Refusal) -> Reply:
        body = {
            "retCode": refusal.code,
            "retMsg": refusal.message,
            "result": {},
            "retExtInfo": {},
            "time": self.clock(),
        }
        return Reply(body, code=str(refusal.code))

    def _result(self, asked: Asked, call: Call) -> tuple[Json, Json]:
        public = PUBLIC_ENDPOINTS.get(asked.path)
        if public is not None:
            return public(self.ledger, dict(asked.query)), {}
        endpoint = (_WRITES if asked.method == "POST" else _READS).get(asked.path)
        if endpoint is None:
            raise Refusal(10017, "Route not found.")
        account = self._admit(asked)
        call.account = account.key
        if account.read_only and asked.method == "POST":
            raise Refusal(10005, "Permission denied, please check your API key permissions.")
        params: Json = _body(asked) if asked.method == "POST" else dict(asked.query)
        if asked.method == "POST":
            call.params = params
        answer = endpoint(self, account, params)
        return (answer.result, answer.extra) if isinstance(answer, Batch) else (answer, {})

    def _admit(self, asked: Asked) -> Account:
        """Whose request it is, if it is genuine and in time."""
        headers = {name.upper(): value for name, value in asked.headers.items()}
        account = self.ledger.accounts.get(headers.get("X-BAPI-API-KEY", ""))
        if account is None:
            raise Refusal(10003, "API key is invalid.")
        stamp, window = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", "5000")
        payload = stamp + account.key + window + (asked.body if asked.method == "POST" else asked.raw_query)
        expected = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("X-BAPI-SIGN", "")):
            raise Refusal(10004, f"error sign! origin_string[{payload}]")
        if not stamp.isdigit() or not window.isdigit() or int(window) > _LONGEST_WINDOW_MS:
            raise _skew(0, asked.at_ms, 5000)
        if self.check_time and not asked.at_ms - int(window) <= int(stamp) < asked.at_ms + 1000:
            raise _skew(int(stamp), asked.at_ms, int(window))
        if "*" not in account.ips and "127.0.0.1" not in account.ips:
            raise Refusal(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        if account.expires_ms is not None and account.expires_ms <= asked.at_ms:
            raise Refusal(33004, "Your api key has expired.")
        return account


def _skew(stamp: int, now: int, window: int) -> Refusal:
    return Refusal(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{stamp}],server_timestamp[{now}],recv_window[{window}]",
    )


def _body(asked: Asked) -> Json:
    try:
        body = json.loads(asked.body or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def demo(*, seed: int, plan: Plan, port: int) -> BybitVenue:
    """A venue to play with: two spot markets, a perpetual, and one account."""
    venue = BybitVenue(seed=seed, plan=plan, port=port)
    venue.add_spot("BTCUSDT", bid="60000.00", ask="60000.01")
    venue.add_spot("ETHUSDT", bid="3000.00", ask="3000.01", step=Decimal("0.00001"))
    venue.add_linear("BTCUSDT", bid="60000.0", ask="60000.1")
    venue.ledger.add_account("key", "secret", {"USDT": "10000", "BTC": "0.1", "ETH": "1"})
    return venue
