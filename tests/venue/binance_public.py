"""What Binance tells anybody: its markets, their books, prices and candles, the time.

The rule: one function an endpoint, from the parameters to the answer; it reads every parameter it knows, and the server
refuses what is left over.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.venue import binance_book
from tests.venue.binance_desk import Desk
from tests.venue.binance_shapes import number, symbol_info
from tests.venue.binance_wire import Json, Params, Refusal
from tests.venue.market import Market

RATE_LIMITS: list[Json] = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
]


def ping(desk: Desk, params: Params) -> object:
    """GET ping."""
    return {}


def time(desk: Desk, params: Params) -> object:
    """GET time."""
    return {"serverTime": desk.now}


def system_status(desk: Desk, params: Params) -> object:
    """GET sapi system/status, which answers in a maintenance too."""
    return {"status": 1, "msg": "system_maintenance"} if desk.in_maintenance() else {"status": 0, "msg": "normal"}


def exchange_info(desk: Desk, params: Params) -> object:
    """GET exchangeInfo, of all markets or of some."""
    params.text("permissions")
    params.text("showPermissionSets")
    wanted, _ = _chosen(desk, params)
    return {
        "timezone": "UTC",
        "serverTime": desk.now,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [symbol_info(market, desk.closed_as) for market in wanted],
    }


def depth(desk: Desk, params: Params) -> object:
    """GET depth."""
    return desk.book(desk.market(params)).snapshot(params.limit(100, 5000))


def klines(desk: Desk, params: Params) -> object:
    """GET klines."""
    market = desk.market(params)
    interval = params.choice("interval", binance_book.INTERVALS, Refusal(-1120, "Invalid interval."))
    start, end = params.integer("startTime"), params.integer("endTime")
    return binance_book.candles(market, interval, start, end, params.limit(500, 1000))


def day_ticker(desk: Desk, params: Params) -> object:
    """GET ticker/24hr."""
    return _of_each(desk, params, lambda market: binance_book.ticker(desk.book(market)))


def book_ticker(desk: Desk, params: Params) -> object:
    """GET ticker/bookTicker."""
    return _of_each(desk, params, lambda market: desk.book(market).ticker())


def price_ticker(desk: Desk, params: Params) -> object:
    """GET ticker/price."""
    return _of_each(desk, params, lambda market: {"symbol": market.rules.id, "price": number(market.last)})


def _of_each(desk: Desk, params: Params, tell: Callable[[Market], Json]) -> object:
    markets, single = _chosen(desk, params)
    return tell(markets[0]) if single else [tell(market) for market in markets]


def _chosen(desk: Desk, params: Params) -> tuple[list[Market], bool]:
    """The markets a request is about, and whether it named exactly one by `symbol`."""
    several, one = params.text("symbols"), params.symbol()
    if several is not None and one is not None:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    if one is not None:
        return [desk.market(params)], True
    if several is None:
        return desk.markets(), False
    try:
        names = json.loads(several)
    except json.JSONDecodeError:
        raise Refusal(-1100, "Illegal characters found in parameter 'symbols'; legal range is '^\\[.*\\]$'.") from None
    known = {market.rules.id: market for market in desk.markets()}
    if not set(names) <= set(known):
        raise Refusal(-1121, "Invalid symbol.")
    return [known[name] for name in names], False
