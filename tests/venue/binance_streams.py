"""Binance's websockets: market streams (`/ws`, `/stream`) and the user's own events over the websocket API.

The rule: a connection gets what it asked for by name, and nothing before; what the ledger tells is put into Binance's
words here and offered to the feeds, and only they decide what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.venue import binance_book, binance_shapes
from tests.venue.binance_book import Book, Levels, rows
from tests.venue.binance_desk import Desk
from tests.venue.binance_public import RATE_LIMITS
from tests.venue.binance_shapes import number
from tests.venue.binance_wire import Json, Refusal, check_clock, missing, open_signed_frame
from tests.venue.events import BookMoved, Event, OrderChanged, Traded, WalletChanged
from tests.venue.market import Market
from tests.venue.model import Account, Fill, Kind, Order
from tests.venue.streams import Feed

HOST = "/stream.binance.com"  # ccxt tells spot from futures by the word in the URL
COMBINED, RAW, API = "/stream", "/ws", "/ws-api/v3"
_METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`"
_SUBSCRIPTION = 0  # of the user's data; one account, one number


class Streams:
    """Who listens to what, and what is said to them."""

    def __init__(self, desk: Desk, feeds: list[Feed], login: Callable[[str], Account]) -> None:
        self._desk = desk
        self._feeds = feeds
        self._login = login
        self._fills: dict[str, Fill] = {}  # by order: the trade that its next state is about

    # --- what clients say -------------------------------------------------------------------------

    def on_connect(self, feed: Feed) -> None:
        """A path may name its stream."""
        feed.path = feed.path.removeprefix(HOST)
        name = feed.path.removeprefix(RAW).strip("/")
        if feed.path.startswith(RAW + "/") and "@" in name:
            self._subscribe(feed, [name])

    def on_frame(self, feed: Feed, frame: str, *, check_time: bool) -> None:
        """A frame of a client."""
        try:
            asked = json.loads(frame)
        except json.JSONDecodeError:
            feed.reply({"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}})
            return
        if feed.path == API:
            feed.reply(self._api(feed, asked, check_time))
        else:
            self._market_frame(feed, asked)

    def _market_frame(self, feed: Feed, asked: Json) -> None:
        number_, method, names = asked.get("id"), asked.get("method"), asked.get("params", [])
        if not (number_ is None or isinstance(number_, int) or (isinstance(number_, str) and len(number_) <= 36)):
            feed.reply(_wrong(None, "request ID must be an unsigned integer"))
        elif method == "LIST_SUBSCRIPTIONS":
            feed.reply({"result": sorted(feed.topics), "id": number_})
        elif method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            feed.reply(_wrong(number_, f"unknown variant {method}, expected one of {_METHODS}"))
        elif not isinstance(names, list) or not all(isinstance(name, str) and self._known(name) for name in names):
            feed.reply(_wrong(number_, "invalid stream"))
        else:
            feed.reply({"result": None, "id": number_})
            if method == "SUBSCRIBE":
                self._subscribe(feed, names)
            else:
                feed.topics.difference_update(names)

    def _known(self, name: str) -> bool:
        """Binance lets nonsense pass, and is silent then; here it is a mistake of the client's that must be seen."""
        symbol, _, channel = name.partition("@")
        lower = {market.rules.id.lower() for market in self._desk.markets()}
        return symbol in lower and channel.split("@")[0] in ("bookTicker", "depth", "ticker", "miniTicker")

    def _subscribe(self, feed: Feed, names: list[str]) -> None:
        feed.topics.update(names)
        for market in self._desk.markets():
            first = [name for name in names if name.startswith(market.rules.id.lower() + "@") and "@depth" not in name]
            self._tell_market(market, [feed], first, ({}, {}))

    # --- the websocket API ------------------------------------------------------------------------

    def _api(self, feed: Feed, asked: Json, check_time: bool) -> Json:
        answer: Json = {"id": asked.get("id")}
        try:
            result = self._api_result(feed, str(asked.get("method", "")), asked.get("params", {}), check_time)
            answer |= {"status": 200, "result": result}
        except Refusal as refusal:
            answer |= {"status": refusal.status, "error": refusal.body()}
        return answer | {"rateLimits": [RATE_LIMITS[0] | {"count": 2}]}

    def _api_result(self, feed: Feed, method: str, values: dict[str, Any], check_time: bool) -> Json:
        if method in ("ping", "time"):
            return {} if method == "ping" else {"serverTime": self._desk.now}
        if method == "userDataStream.unsubscribe":
            feed.account = ""
            return {}
        if method != "userDataStream.subscribe.signature":
            raise Refusal(-1000, f"Method '{method}' is not supported.")
        if "apiKey" not in values:
            raise missing("apiKey")
        account = self._login(str(values["apiKey"]))
        params = open_signed_frame(values, account.secret)
        params.need("apiKey")
        check_clock(params, self._desk.now, lenient=not check_time)
        params.finish()
        if feed.account == account.key:
            raise Refusal(-2035, "User Data Stream subscription already active.")
        feed.account = account.key
        return {"subscriptionId": _SUBSCRIPTION}

    # --- what the ledger tells --------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Offers an event to whom it concerns."""
        if isinstance(event, Traded):
            self._fills[event.fill.order.id] = event.fill
        elif isinstance(event, OrderChanged) and event.order.rules.kind is Kind.SPOT:
            self._tell_order(event.order)
            self._refresh(self._desk.ledger.market(event.order.rules.id))
        elif isinstance(event, WalletChanged):
            self._tell_wallet(event.account, event.coins)
        elif isinstance(event, BookMoved) and event.market.rules.kind is Kind.SPOT:
            self._refresh(event.market)

    def _tell_order(self, order: Order) -> None:
        status = self._desk.status(order)
        if status == "CANCELED" and order.id not in self._desk.cancel_ids:
            self._desk.cancel_ids[order.id] = f"web_{self._desk.new_id()}"  # a person cancelled it
        fill = self._fills.pop(order.id, None)
        report = binance_shapes.execution_report(
            order, status, self._desk.cancel_ids.get(order.id, ""), fill, self._desk.now
        )
        self._tell_user(order.account, report)

    def _tell_wallet(self, account: Account, coins: frozenset[str]) -> None:
        ledger, now = self._desk.ledger, self._desk.now
        self._desk.updated_ms[account.key] = now
        held = [
            {"a": coin, "f": number(ledger.free(account, coin)), "l": number(ledger.locked(account, coin))}
            for coin in sorted(coins)
        ]
        self._tell_user(account.key, {"e": "outboundAccountPosition", "E": now, "u": now, "B": held})

    def _tell_user(self, account: str, event: Json) -> None:
        for feed in self._feeds:
            if feed.account == account:
                feed.offer({"subscriptionId": _SUBSCRIPTION, "event": event})

    def _refresh(self, market: Market) -> None:
        changed = self._desk.book(market).refresh()
        for feed in self._feeds:
            mine = [name for name in feed.topics if name.startswith(market.rules.id.lower() + "@")]
            self._tell_market(market, [feed], mine, changed)

    def _tell_market(self, market: Market, feeds: list[Feed], names: list[str], changed: tuple[Levels, Levels]) -> None:
        book = self._desk.book(market)
        for feed in feeds:
            for name in names:
                event = _market_event(book, name.split("@")[1], changed, self._desk.now)
                if event is not None:
                    whole = {"stream": name, "data": event} if feed.path == COMBINED else event
                    feed.offer(whole, private=False)

    # --- farewells --------------------------------------------------------------------------------

    def announce_shutdown(self) -> None:
        """Tells every connection that the server is about to go away."""
        event: Json = {"e": "serverShutdown", "E": self._desk.now}
        wrapped = {API: {"event": event}, COMBINED: {"stream": "!serverShutdown", "data": event}}
        for feed in self._feeds:
            feed.offer(wrapped.get(feed.path, event), private=feed.path == API)

    def end_user_streams(self) -> None:
        """The user's events end, and the connections stay."""
        event: Json = {"e": "eventStreamTerminated", "E": self._desk.now}
        for feed in self._feeds:
            if feed.account:
                feed.offer({"subscriptionId": _SUBSCRIPTION, "event": event})
                feed.account = ""


def _wrong(number_: object, words: str) -> Json:
    return {"error": {"code": 2, "msg": f"Invalid request: {words}"}, "id": number_}


def _market_event(book: Book, channel: str, changed: tuple[Levels, Levels], now: int) -> Json | None:
    if channel == "depth":
        return _depth(book, changed, now) if changed != ({}, {}) else None
    if channel == "bookTicker":
        top = book.ticker()
        return {
            "u": book.update_id,
            "s": top["symbol"],
            "b": top["bidPrice"],
            "B": top["bidQty"],
            "a": top["askPrice"],
            "A": top["askQty"],
        }
    return _ticker(book, now, mini=channel == "miniTicker")


def _depth(book: Book, changed: tuple[Levels, Levels], now: int) -> Json:
    return {
        "e": "depthUpdate",
        "E": now,
        "s": book.market.rules.id,
        "U": book.update_id,
        "u": book.update_id,
        "b": rows(changed[0]),
        "a": rows(changed[1]),
    }


def _ticker(book: Book, now: int, *, mini: bool) -> Json:
    whole = binance_book.ticker(book)
    short = {"c": "lastPrice", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume"}
    long = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "x": "prevClosePrice",
        "Q": "lastQty",
        "b": "bidPrice",
        "B": "bidQty",
        "a": "askPrice",
        "A": "askQty",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    names = short if mini else short | long
    head = {"e": "24hrMiniTicker" if mini else "24hrTicker", "E": now, "s": book.market.rules.id}
    return head | {name: whole[source] for name, source in names.items()}
