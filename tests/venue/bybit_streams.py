"""Bybit's websockets: /v5/public/spot, /v5/public/linear and /v5/private.

The rule: the client pings, logs in and subscribes with frames of its own, each acknowledged; an event of the ledger is
written once per topic and offered to every connection that subscribed to it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from typing import Any

from tests.venue import bybit_shapes as shapes
from tests.venue.bybit_market import levels, ticker
from tests.venue.bybit_rules import Json, plain
from tests.venue.events import BookMoved, Event, FundingPaid, OrderChanged, PositionChanged, Traded, WalletChanged
from tests.venue.ledger import Ledger, Market
from tests.venue.model import Kind
from tests.venue.streams import Feed

PRIVATE_PATH = "/v5/private"
_PUBLIC_PATHS = {"/v5/public/spot": Kind.SPOT, "/v5/public/linear": Kind.LINEAR}
_PRIVATE_TOPICS = ("order", "execution", "execution.fast", "wallet", "position")
_PUBLIC_TOPICS = ("orderbook", "tickers", "publicTrade")
_MOST_ARGS = 10  # of one subscription to the spot stream


class Frames:
    """What a client may say, and what it is answered."""

    def __init__(self, ledger: Ledger, books: Books) -> None:
        self._ledger = ledger
        self._books = books

    def on(self, feed: Feed, frame: str) -> None:
        """Answers a frame."""
        try:
            said = json.loads(frame)
            op = said["op"]
        except (ValueError, KeyError, TypeError):
            feed.reply({"success": False, "ret_msg": "error:invalid json", "conn_id": _conn(feed), "op": ""})
            return
        if op == "ping":
            self._pong(feed, said)
        elif op == "auth":
            self._auth(feed, said)
        elif op == "subscribe":
            self._subscribe(feed, said)
        elif op == "unsubscribe":
            feed.topics -= set(said.get("args", []))
            self._say(feed, said, success=True, message="")
        else:
            self._say(feed, said, success=False, message=f"error:unknown op {op}")

    def _pong(self, feed: Feed, said: Json) -> None:
        req_id = str(said.get("req_id", ""))
        if feed.path == PRIVATE_PATH:
            args = [str(self._ledger.now_ms())]
            feed.reply({"req_id": req_id, "op": "pong", "args": args, "conn_id": _conn(feed)})
        else:
            feed.reply({"success": True, "ret_msg": "pong", "conn_id": _conn(feed), "req_id": req_id, "op": "ping"})

    def _auth(self, feed: Feed, said: Json) -> None:
        key, expires, signature = (*said.get("args", []), "", "", "")[:3]
        account = self._ledger.accounts.get(str(key))
        message = ""
        if account is None:
            message = "10003:API key is invalid."
        elif int(expires or 0) <= self._ledger.now_ms():
            message = "Params Error"
        elif not hmac.compare_digest(_signature(account.secret, f"GET/realtime{expires}"), str(signature)):
            message = "10004:Error sign, please check your signature generation algorithm."
        else:
            feed.account = account.key
        answer = {"success": not message, "ret_msg": message, "op": "auth", "conn_id": _conn(feed)}
        feed.reply(answer if not message else {**answer, "request": {"op": "auth"}})

    def _subscribe(self, feed: Feed, said: Json) -> None:
        args = said.get("args")
        if not isinstance(args, list) or not args:
            self._say(feed, said, success=False, message="error:args invalid")
            return
        if feed.path == PRIVATE_PATH and not feed.account:
            self._say(feed, said, success=False, message="Request not authorized")
            return
        if feed.path == "/v5/public/spot" and len(args) > _MOST_ARGS:
            self._say(feed, said, success=False, message="args size >10")
            return
        wrong = next((topic for topic in args if not self._known(feed, str(topic))), None)
        if wrong is not None:
            self._say(feed, said, success=False, message=f"error:handler not found,topic:{wrong}")
            return
        again = next((topic for topic in args if topic in feed.topics), None)
        if again is not None:
            self._say(feed, said, success=False, message=f"error:already subscribed,topic:{again}")
            return
        feed.topics |= set(args)
        self._say(feed, said, success=True, message="" if feed.path == PRIVATE_PATH else "subscribe")
        for topic in args:
            self._books.first(feed, topic)

    def _known(self, feed: Feed, topic: str) -> bool:
        if feed.path == PRIVATE_PATH:
            base = topic.removesuffix(".spot").removesuffix(".linear")
            return base in _PRIVATE_TOPICS
        kind = _PUBLIC_PATHS.get(feed.path)
        name, _, market_id = topic.partition(".")
        if name == "orderbook":
            depth, _, market_id = market_id.partition(".")
            if depth not in ("1", "50", "200", "1000"):
                return False
        return name in _PUBLIC_TOPICS and kind is not None and (kind, market_id) in self._ledger.markets

    def _say(self, feed: Feed, said: Json, *, success: bool, message: str) -> None:
        req_id = str(said.get("req_id", ""))
        answer = {"success": success, "ret_msg": message, "conn_id": _conn(feed), "req_id": req_id, "op": said["op"]}
        feed.reply(answer)


class Books:
    """Public topics. Books and the tickers of perpetuals come once whole, then as what changed."""

    def __init__(self, ledger: Ledger, feeds: list[Feed]) -> None:
        self._ledger = ledger
        self._feeds = feeds
        self._sent: dict[tuple[int, str], tuple[dict[str, str], dict[str, str]]] = {}
        self._tickers: dict[tuple[int, str], Json] = {}
        self._update = 1

    def first(self, feed: Feed, topic: str) -> None:
        """What a subscription begins with."""
        kind = _PUBLIC_PATHS.get(feed.path)
        market = self._ledger.markets.get((kind, topic.rpartition(".")[2])) if kind is not None else None
        if market is not None and not topic.startswith("publicTrade"):
            self._sent.pop((id(feed), topic), None)
            self._tickers.pop((id(feed), topic), None)
            self._offer(feed, topic, market)

    def moved(self, market: Market) -> None:
        """Tells everybody who watches the market."""
        self._update += 1
        for feed in list(self._feeds):
            if _PUBLIC_PATHS.get(feed.path) is market.rules.kind:
                for topic in sorted(feed.topics):
                    if topic.endswith(f".{market.rules.id}") and not topic.startswith("publicTrade"):
                        self._offer(feed, topic, market)

    def traded(self, event: Traded) -> None:
        """publicTrade."""
        fill = event.fill
        rules, now = fill.order.rules, fill.at_ms
        taker = fill.order.side.opposite if fill.maker else fill.order.side
        data = [
            {
                "T": now,
                "s": rules.id,
                "S": shapes.side(taker),
                "v": plain(fill.amount),
                "p": plain(fill.price),
                "L": "PlusTick",
                "i": fill.id,
                "BT": False,
                "seq": now,
            }
        ]
        topic = f"publicTrade.{rules.id}"
        for feed in list(self._feeds):
            if topic in feed.topics and _PUBLIC_PATHS.get(feed.path) is rules.kind:
                feed.offer({"topic": topic, "type": "snapshot", "ts": now, "data": data}, private=False)

    def _offer(self, feed: Feed, topic: str, market: Market) -> None:
        now = self._ledger.now_ms()
        event: Json = {"topic": topic, "ts": now, "type": "snapshot", "cs": self._update, "cts": now}
        if topic.startswith("tickers"):
            shape = ticker(market)
            if market.rules.kind is Kind.SPOT:  # always whole, and without bid and ask
                shape = {key: value for key, value in shape.items() if key[:4] not in ("bid1", "ask1")}
            elif (told := self._tickers.get((id(feed), topic))) is not None:
                event["type"] = "delta"
                shape = {"symbol": shape["symbol"], **dict(shape.items() - told.items())}
            self._tickers[id(feed), topic] = ticker(market)
            feed.offer({**event, "data": shape}, private=False)
            return
        depth = int(topic.split(".")[1])
        bids, asks = (dict(list(side.items())[:depth]) for side in levels(market))
        before = self._sent.get((id(feed), topic))
        self._sent[id(feed), topic] = (bids, asks)
        data: Json = {"s": market.rules.id, "u": self._update, "seq": self._update}
        if before is None:
            data |= {"b": [list(level) for level in bids.items()], "a": [list(level) for level in asks.items()]}
        else:
            event["type"] = "delta"
            data |= {"b": _changes(before[0], bids), "a": _changes(before[1], asks)}
            if not data["b"] and not data["a"]:
                return
        feed.offer({**event, "data": data}, private=False)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[list[str]]:
    gone = [[price, "0"] for price in before if price not in after]
    return gone + [[price, amount] for price, amount in after.items() if before.get(price) != amount]


def private_events(ledger: Ledger, event: Event) -> Iterator[tuple[str, str, str, Any]]:
    """(account, topic, category, row) of each private message an event makes."""
    if isinstance(event, OrderChanged):
        state = event.order
        kind = state.rules.kind.value
        yield state.account, "order", kind, {"category": kind, **shapes.order(state)}
    elif isinstance(event, Traded):
        fill = event.fill
        kind = fill.order.rules.kind.value
        yield fill.order.account, "execution", kind, shapes.execution(fill, streamed=True)
    elif isinstance(event, FundingPaid):  # among the executions: who does not look takes it for a trade
        yield event.payment.account, "execution", "linear", {"category": "linear", **shapes.funding(event.payment)}
    elif isinstance(event, WalletChanged):
        yield event.account.key, "wallet", "", shapes.wallet(ledger, event.account, set(event.coins))
    elif isinstance(event, PositionChanged):
        market = ledger.market(event.position.market, Kind.LINEAR)
        yield event.account.key, "position", "linear", shapes.streamed_position(event.position, market, event.account)


def publish(ledger: Ledger, feeds: list[Feed], books: Books, event: Event) -> None:
    """Offers an event to the feeds that subscribed to it."""
    if isinstance(event, BookMoved):
        books.moved(event.market)
        return
    for account, topic, kind, row in private_events(ledger, event):
        message = {"id": uuid.uuid4().hex, "topic": topic, "creationTime": ledger.now_ms(), "data": [row]}
        for feed in list(feeds):
            if feed.account == account and feed.topics & {topic, f"{topic}.{kind}"}:
                feed.offer(message)
    if isinstance(event, Traded):
        books.traded(event)


def _conn(feed: Feed) -> str:
    return f"c{id(feed):x}"


def _signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
