"""How Binance writes things: orders, trades, balances, symbols, and why it refuses.

The rule: pure functions from the ledger's nouns to Binance's JSON; every amount is a string of eight places, every id a
number, every time milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_DOWN, Context, Decimal

from tests.venue.binance_wire import Json, Refusal
from tests.venue.market import Market
from tests.venue.model import Band, Ending, Fill, Order, Reason, Refused, Rules, Side, Status, Tif

NO_LIST = -1  # orderListId of an order that is in none
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
TIFS = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK}
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
HIGHEST_COST = Decimal(9_000_000)

_EIGHT = Decimal("1e-8")
_CUT = Context(prec=40, rounding=ROUND_DOWN, traps=[])  # whatever the caller's context traps
_STATUSES = {Status.NEW: "NEW", Status.PARTLY_FILLED: "PARTIALLY_FILLED", Status.FILLED: "FILLED"}
_BY_PERSON = (Ending.USER, Ending.HAND)
_PRICE, _BAND, _LOT, _COST = "PRICE_FILTER", "PERCENT_PRICE_BY_SIDE", "LOT_SIZE", "NOTIONAL"
_FILTERS = {
    Reason.PRICE_TICK: _PRICE,
    Reason.PRICE_TOO_HIGH: _BAND,
    Reason.PRICE_TOO_LOW: _BAND,
    Reason.AMOUNT_STEP: _LOT,
    Reason.AMOUNT_TOO_SMALL: _LOT,
    Reason.AMOUNT_TOO_LARGE: _LOT,
    Reason.COST_TOO_SMALL: _COST,
}
_ENGINE = {  # what the matching engine itself answers; the count of open orders is one of its filters, too
    Reason.TOO_MANY_ORDERS: (-2010, "Filter failure: MAX_NUM_ORDERS"),
    Reason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Reason.INSUFFICIENT_FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Reason.POST_ONLY: (-2010, "Order would immediately match and take."),
    Reason.UNKNOWN_MARKET: (-1121, "Invalid symbol."),
    Reason.MARKET_CLOSED: (-1013, "Market is closed."),
    Reason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reason.FINISHED_ORDER: (-2011, "Unknown order sent."),
}


def refusal_of(refused: Refused) -> Refusal:
    """The ledger's no, in Binance's words."""
    if refused.reason in _FILTERS:
        return Refusal(-1013, f"Filter failure: {_FILTERS[refused.reason]}")
    return Refusal(*_ENGINE[refused.reason])


def number(value: Decimal | int) -> str:
    """Eight places, cut off."""
    return f"{Decimal(value).quantize(_EIGHT, context=_CUT):f}"


def status_of(order: Order, in_match: Iterable[str] = ()) -> str:
    """Of an order; `in_match` are the ids of those that self-trade prevention ended."""
    if order.status is not Status.CANCELLED:
        return _STATUSES[order.status]
    if order.ending in _BY_PERSON:
        return "CANCELED"
    return "EXPIRED_IN_MATCH" if order.id in in_match else "EXPIRED"


def type_of(order: Order) -> str:
    """Of an order."""
    if order.wish.price is None:
        return "MARKET"
    return "LIMIT_MAKER" if order.wish.tif is Tif.POST_ONLY else "LIMIT"


def tif_of(order: Order) -> str:
    """Of an order; those that never said one are GTC."""
    return next((name for name, tif in TIFS.items() if tif is order.wish.tif), "GTC")


def order_core(order: Order, status: str) -> Json:
    """What every answer about an order holds."""
    return {
        "symbol": order.rules.id,
        "orderId": int(order.id),
        "orderListId": NO_LIST,
        "clientOrderId": order.client_id,
        "price": number(order.price),
        "origQty": number(order.amount),
        "executedQty": number(order.filled),
        "origQuoteOrderQty": number(order.wish.quote_amount or 0),
        "cummulativeQuoteQty": number(order.cost),
        "status": status,
        "timeInForce": tif_of(order),
        "type": type_of(order),
        "side": order.side.name,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def order_read(order: Order, status: str) -> Json:
    """An order as it is read."""
    return order_core(order, status) | {
        "stopPrice": number(0),
        "icebergQty": number(0),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
    }


def order_placed(order: Order, status: str, fills: Iterable[Fill], detail: str) -> Json:
    """The answer to a new order: ACK, RESULT or FULL."""
    core = order_core(order, status) | {"transactTime": order.updated_ms}
    if detail == "ACK":
        return {name: core[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}
    core["workingTime"] = order.created_ms
    if detail == "FULL":
        core["fills"] = [
            {
                "price": number(fill.price),
                "qty": number(fill.amount),
                "commission": number(fill.fee),
                "commissionAsset": fill.fee_coin,
                "tradeId": int(fill.id),
            }
            for fill in fills
        ]
    return core


def order_cancelled(order: Order, status: str, cancel_id: str) -> Json:
    """The answer to a cancel: `clientOrderId` is the cancel's own id, not the order's."""
    own = {"origClientOrderId": order.client_id, "clientOrderId": cancel_id, "transactTime": order.updated_ms}
    return order_core(order, status) | own


def trade_read(fill: Fill) -> Json:
    """A trade of ours; it does not name the client's id."""
    return {
        "symbol": fill.order.rules.id,
        "id": int(fill.id),
        "orderId": int(fill.order.id),
        "orderListId": NO_LIST,
        "price": number(fill.price),
        "qty": number(fill.amount),
        "quoteQty": number(fill.price * fill.amount),
        "commission": number(fill.fee),
        "commissionAsset": fill.fee_coin,
        "time": fill.at_ms,
        "isBuyer": fill.order.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def execution_report(order: Order, status: str, cancel_id: str, fill: Fill | None, now_ms: int) -> Json:
    """The event of an order; of a cancelled one `c` is the cancel's id and `C` the order's."""
    cancelled = status == "CANCELED"
    what = {"PARTIALLY_FILLED": "TRADE", "FILLED": "TRADE", "EXPIRED_IN_MATCH": "TRADE_PREVENTION"}.get(status, status)
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": order.rules.id,
        "c": cancel_id if cancelled else order.client_id,
        "S": order.side.name,
        "o": type_of(order),
        "f": tif_of(order),
        "q": number(order.amount),
        "p": number(order.price),
        "P": number(0),
        "F": number(0),
        "g": NO_LIST,
        "C": order.client_id if cancelled else "",
        "x": what,
        "X": status,
        "r": "NONE",
        "i": int(order.id),
        "l": number(fill.amount if fill else 0),
        "z": number(order.filled),
        "L": number(fill.price if fill else 0),
        "n": number(fill.fee) if fill else "0",
        "N": fill.fee_coin if fill else None,
        "T": order.updated_ms,
        "t": int(fill.id) if fill else -1,
        "I": int(order.id) * 2 + 1,
        "w": order.is_open,
        "m": bool(fill and fill.maker),
        "M": False,
        "O": order.created_ms,
        "Z": number(order.cost),
        "Y": number(fill.price * fill.amount if fill else 0),
        "Q": number(order.wish.quote_amount or 0),
        "W": order.created_ms,
        "V": "EXPIRE_MAKER",
    }


def highest_price(rules: Rules) -> Decimal:
    """What PRICE_FILTER allows."""
    return rules.tick * 10**8


def _band_filter(band: Band) -> list[Json]:
    if None in (band.buy_low, band.buy_high, band.sell_low, band.sell_high):
        return []
    ratios = {
        "bidMultiplierUp": band.buy_high,
        "bidMultiplierDown": band.buy_low,
        "askMultiplierUp": band.sell_high,
        "askMultiplierDown": band.sell_low,
    }
    texts = {name: f"{ratio:f}" for name, ratio in ratios.items()}
    return [{"filterType": _BAND, **texts, "avgPriceMins": 5}]


def symbol_info(market: Market, closed_as: str) -> Json:
    """A market with its filters."""
    rules = market.rules
    return {
        "symbol": rules.id,
        "status": "TRADING" if market.open else closed_as,
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": _PRICE,
                "minPrice": number(rules.tick),
                "maxPrice": number(highest_price(rules)),
                "tickSize": number(rules.tick),
            },
            {
                "filterType": _LOT,
                "minQty": number(rules.min_amount),
                "maxQty": number(rules.max_amount),
                "stepSize": number(rules.step),
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": number(0),
                "maxQty": number(rules.max_amount),
                "stepSize": number(0),
            },
            *_band_filter(rules.band),
            {
                "filterType": _COST,
                "minNotional": number(rules.min_cost),
                "applyMinToMarket": True,
                "maxNotional": number(HIGHEST_COST),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_open_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }
