"""What a market looks like from outside on Binance: its book, its candles, its last day.

The rule: levels are reckoned anew from the ledger each time; an update id counts every change of them once, so a
snapshot and the diffs that follow it fit together, and a gap in them can be seen.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.venue.binance_shapes import number
from tests.venue.binance_wire import Json
from tests.venue.market import Market
from tests.venue.model import ZERO, Side, floor_to, ratio

Levels = dict[Decimal, Decimal]

_STRANGERS = 20  # levels that strangers fill, one tick apart
_DAY_MS = 86_400_000
_MONDAY_MS = 4 * _DAY_MS  # the first since 1970
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS, "w": 7 * _DAY_MS}
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")


def interval_ms(name: str) -> int:
    """How long a candle is."""
    return int(name[:-1]) * _UNITS[name[-1]]


def _levels(market: Market, side: Side) -> Levels:
    rules = market.rules
    first = market.bid if side is Side.BUY else market.ask
    prices = [first - side.sign * rules.tick * step for step in range(_STRANGERS)]
    levels = {price: market.depth for price in prices if price > 0}
    for order in market.ledger.book_of(market):
        if order.side is side and not order.doomed:
            levels[order.price] = levels.get(order.price, ZERO) + order.remaining
    return dict(sorted(levels.items(), reverse=side is Side.BUY))


@dataclass(slots=True)
class Book:
    """One market's book as it was last looked at."""

    market: Market
    update_id: int = 1
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)

    def refresh(self) -> tuple[Levels, Levels]:
        """Looks again; answers what changed (amount 0: the level is gone), and counts the change."""
        bids, asks = _levels(self.market, Side.BUY), _levels(self.market, Side.SELL)
        changed = _difference(self.bids, bids), _difference(self.asks, asks)
        if changed != ({}, {}):
            self.update_id += 1
        self.bids, self.asks = bids, asks
        return changed

    def snapshot(self, limit: int) -> Json:
        """GET depth."""
        return {
            "lastUpdateId": self.update_id,
            "bids": rows(self.bids)[:limit],
            "asks": rows(self.asks)[:limit],
        }

    def tops(self) -> tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]]:
        """Best bid and best ask, each with its amount."""
        return next(iter(self.bids.items())), next(iter(self.asks.items()))

    def ticker(self) -> Json:
        """GET ticker/bookTicker."""
        (bid, bid_amount), (ask, ask_amount) = self.tops()
        return {
            "symbol": self.market.rules.id,
            "bidPrice": number(bid),
            "bidQty": number(bid_amount),
            "askPrice": number(ask),
            "askQty": number(ask_amount),
        }


def _difference(old: Levels, new: Levels) -> Levels:
    gone = {price: ZERO for price in old if price not in new}
    return gone | {price: amount for price, amount in new.items() if old.get(price) != amount}


def rows(levels: Levels) -> list[list[str]]:
    """Price and amount, as Binance writes them."""
    return [[number(price), number(amount)] for price, amount in levels.items()]


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours of a market."""

    start_ms: int
    end_ms: int
    opened: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    volume: Decimal

    @property
    def change(self) -> Decimal:
        """Of the price."""
        return self.last - self.opened

    @property
    def percent(self) -> str:
        """Of the change, three places."""
        return f"{ratio(self.change * 100, self.opened):.3f}"


def day(market: Market) -> Day:
    """The last 24 hours; what strangers trade is taken to be their depth."""
    now = market.ledger.now_ms()
    prices = [price for _, price in _within(market, now - _DAY_MS, now)]
    return Day(now - _DAY_MS, now, prices[0], max(prices), min(prices), market.last, market.depth)


def ticker(book: Book) -> Json:
    """GET ticker/24hr."""
    stats = day(book.market)
    return book.ticker() | {
        "priceChange": number(stats.change),
        "priceChangePercent": stats.percent,
        "weightedAvgPrice": number(book.market.mark),
        "prevClosePrice": number(stats.opened),
        "lastPrice": number(stats.last),
        "lastQty": number(book.market.rules.step),
        "openPrice": number(stats.opened),
        "highPrice": number(stats.high),
        "lowPrice": number(stats.low),
        "volume": number(stats.volume),
        "quoteVolume": number(stats.volume * book.market.mark),
        "openTime": stats.start_ms,
        "closeTime": stats.end_ms,
        "firstId": 1,
        "lastId": 1,
        "count": 1,
    }


def _within(market: Market, start: int, end: int) -> list[tuple[int, Decimal]]:
    """Prices of the time, led by the one that stood when it began."""
    times = [at for at, _ in market.candles]
    first = max(0, bisect.bisect_right(times, start) - 1)
    tick = market.rules.tick
    return [(at, floor_to(price, tick)) for at, price in market.candles[first : bisect.bisect_right(times, end)]]


def candles(market: Market, interval: str, start: int | None, end: int | None, limit: int) -> list[list[str | int]]:
    """GET klines: the first `limit` from `start`, or the last `limit` up to `end`; none before the market began."""
    length = interval_ms(interval)
    shift = _MONDAY_MS if interval == "1w" else 0  # weeks begin on Monday
    now = market.ledger.now_ms()
    begun = (market.candles[0][0] - shift) // length * length + shift
    newest = (min(now, end if end is not None else now) - shift) // length * length + shift
    first = newest - (limit - 1) * length if start is None else -(-(start - shift) // length) * length + shift
    first = max(first, begun)
    return list(_bars(market, range(first, min(newest, first + (limit - 1) * length) + 1, length), length))


def _bars(market: Market, starts: range, length: int) -> Iterator[list[str | int]]:
    for at in starts:
        prices = [price for _, price in _within(market, at, at + length - 1)]
        volume = number(market.depth)
        value = number(market.depth * prices[-1])
        shown = [number(price) for price in (prices[0], max(prices), min(prices), prices[-1])]
        yield [at, *shown, volume, at + length - 1, value, 1, number(0), number(0), "0"]
