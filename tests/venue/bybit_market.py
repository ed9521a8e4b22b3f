"""Bybit's public endpoints: time, instruments, tickers, books, candles.

The rule: each is a function of the ledger and the query; what is asked for and is not there is a refusal or an empty
list, as it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tests.venue import bybit_shapes as shapes
from tests.venue.bybit_rules import Json, Refusal, category, plain, refusal_of
from tests.venue.ledger import Ledger, Market
from tests.venue.model import Kind, Refused, Side, ratio

_LEVELS = 5
_MONDAY_MS = 4 * 86_400_000  # the first since 1970
_MINUTES = {"D": 1440, "W": 10080, **{str(m): m for m in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)}}

PublicEndpoint = Callable[[Ledger, Json], Json]


def market_of(ledger: Ledger, params: Json) -> Market:
    """The market that category and symbol name."""
    kind = category(params)
    try:
        return ledger.market(str(params.get("symbol", "")), kind)
    except Refused as refused:
        raise refusal_of(refused, kind) from refused


def levels(market: Market) -> tuple[dict[str, str], dict[str, str]]:
    """Bids and asks (price -> amount), best first: a few levels of strangers and all own orders."""
    sides: list[dict[Decimal, Decimal]] = []
    for side, best, away in ((Side.BUY, market.bid, -1), (Side.SELL, market.ask, 1)):
        book = {best + away * n * market.rules.tick: market.depth * (n + 1) for n in range(_LEVELS)}
        book = {price: amount for price, amount in book.items() if price > 0}
        for order in market.ledger.book_of(market):
            if order.side is side and not order.doomed:
                book[order.price] = book.get(order.price, Decimal(0)) + order.remaining
        sides.append(dict(sorted(book.items(), reverse=side is Side.BUY)))
    bids, asks = ({plain(price): plain(amount) for price, amount in side.items()} for side in sides)
    return bids, asks


def ticker(market: Market) -> Json:
    """One row of tickers."""
    bid, ask = market.best
    kind = market.rules.kind
    day = [price for _, price in market.candles]
    shape = {
        "symbol": market.rules.id,
        "bid1Price": plain(bid),
        "bid1Size": plain(market.depth),
        "ask1Price": plain(ask),
        "ask1Size": plain(market.depth),
        "lastPrice": plain(market.last),
        "prevPrice24h": plain(day[0]),
        "price24hPcnt": "0",
        "highPrice24h": plain(max(day)),
        "lowPrice24h": plain(min(day)),
        "turnover24h": "1000000",
        "volume24h": "1000",
        "usdIndexPrice": plain(market.mark),
    }
    if kind is Kind.LINEAR:
        shape |= {
            "indexPrice": plain(market.mark),
            "markPrice": plain(market.mark),
            "prevPrice1h": plain(day[0]),
            "openInterest": "1000",
            "openInterestValue": "1000000",
            "fundingRate": "0.0001",
            "nextFundingTime": str((market.ledger.now_ms() // 28_800_000 + 1) * 28_800_000),
            "predictedDeliveryPrice": "",
            "basisRate": "",
            "deliveryFeeRate": "",
            "deliveryTime": "0",
            "curPreListingPhase": "",
            "preOpenPrice": "",
            "preQty": "",
            "basis": "",
        }
    return shape


def _time(ledger: Ledger, params: Json) -> Json:
    now = ledger.now_ms()
    return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}


def _instruments(ledger: Ledger, params: Json) -> Json:
    name = params.get("category")
    markets = [
        market
        for market in ledger.markets.values()
        if market.rules.kind == name
        and params.get("symbol", market.rules.id) == market.rules.id
        and params.get("status", "Trading") == "Trading"
    ]
    rows = [shapes.instrument(market) for market in markets]
    return {"category": name, "list": rows, "nextPageCursor": ""}


def _tickers(ledger: Ledger, params: Json) -> Json:
    kind = category(params)
    markets = [market_of(ledger, params)] if params.get("symbol") else list(ledger.markets.values())
    return {"category": kind.value, "list": [ticker(market) for market in markets if market.rules.kind is kind]}


def _orderbook(ledger: Ledger, params: Json) -> Json:
    market = market_of(ledger, params)
    limit = int(params.get("limit", 1 if market.rules.kind is Kind.SPOT else 25))
    bids, asks = ([list(level) for level in side.items()][:limit] for side in levels(market))
    now = ledger.now_ms()
    return {"s": market.rules.id, "b": bids, "a": asks, "ts": now, "u": len(market.candles), "seq": now, "cts": now}


def _kline(ledger: Ledger, params: Json) -> Json:
    market = market_of(ledger, params)
    minutes = _MINUTES.get(str(params.get("interval")))
    if minutes is None:
        raise Refusal(10001, "params error: invalid interval")
    length = minutes * 60_000
    limit = int(params.get("limit", 200))
    newest = ledger.now_ms()
    if "start" in params and "end" not in params:  # forward from there; else the last ones
        newest = min(newest, int(params["start"]) + (limit - 1) * length)
    end = min(int(params.get("end", newest)), newest)
    begin = _MONDAY_MS if minutes == _MINUTES["W"] else 0  # weeks begin on Monday
    start = (int(params.get("start", end - (limit - 1) * length)) - begin) // length * length + begin
    rows: list[list[str]] = []
    opened = next((price for at, price in reversed(market.candles) if at < start), market.candles[0][1])
    for at in range(max(start, (end - begin) // length * length + begin - (limit - 1) * length), end + 1, length):
        prices = [opened, *(price for moment, price in market.candles if at <= moment < at + length)]
        row = [opened, max(prices), min(prices), prices[-1], Decimal(1), prices[-1]]
        rows.append([str(at), *(plain(value) for value in row)])
        opened = prices[-1]
    return {"symbol": market.rules.id, "category": market.rules.kind.value, "list": rows[::-1]}


def _risk_limit(ledger: Ledger, params: Json) -> Json:
    kind = category(params)
    rows = [
        {
            "id": 1,
            "symbol": market.rules.id,
            "riskLimitValue": "2000000",
            "maintenanceMargin": plain(market.rules.maintenance),
            "initialMargin": plain(ratio(Decimal(1), market.rules.max_leverage)),
            "isLowestRisk": 1,
            "maxLeverage": plain(market.rules.max_leverage),
            "mmDeduction": "",
        }
        for market in ledger.markets.values()
        if market.rules.kind is kind and params.get("symbol", market.rules.id) == market.rules.id
    ]
    return {"category": kind.value, "list": rows, "nextPageCursor": ""}


PUBLIC: dict[str, PublicEndpoint] = {
    "/v5/market/time": _time,
    "/v5/market/instruments-info": _instruments,
    "/v5/market/tickers": _tickers,
    "/v5/market/orderbook": _orderbook,
    "/v5/market/kline": _kline,
    "/v5/market/risk-limit": _risk_limit,
}
