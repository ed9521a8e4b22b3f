"""How Bybit refuses: its codes and messages, and what it demands of the parameters of an order.

The rule: a refusal is a retCode in an envelope with HTTP 200; the same reason has another code on spot than on
perpetuals.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.venue.model import Kind, NewOrder, Reason, Refused, Side, Tif

Json = dict[str, Any]

LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
MOST_OF_A_BATCH = 10

_SPOT: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_MARKET: (170121, "Invalid symbol."),
    Reason.MARKET_CLOSED: (170151, "The trading pair is not open yet."),
    Reason.PRICE_TICK: (170134, "Order price has too many decimals."),
    Reason.PRICE_TOO_HIGH: (170372, "Order price cannot be higher than {}, the price limitation"),
    Reason.PRICE_TOO_LOW: (170371, "Order price cannot be lower than {}, the price limitation"),
    Reason.AMOUNT_STEP: (170137, "Order quantity has too many decimals."),
    Reason.AMOUNT_TOO_SMALL: (170136, "Order quantity exceeded lower limit."),
    Reason.AMOUNT_TOO_LARGE: (170135, "Order quantity exceeded upper limit."),
    Reason.COST_TOO_SMALL: (170140, "Order value exceeded lower limit."),
    Reason.TOO_MANY_ORDERS: (170810, "Cannot exceed maximum of {} conditional, TP/SL and active orders."),
    Reason.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId"),
    Reason.INSUFFICIENT_FUNDS: (170131, "Insufficient balance."),
    Reason.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Reason.FINISHED_ORDER: (170213, "Order does not exist."),
    Reason.REDUCE_ONLY: (10001, "params error: reduceOnly is for derivatives only"),
}
_LINEAR: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_MARKET: (10001, "params error: symbol invalid"),
    Reason.MARKET_CLOSED: (110066, "No trading is allowed at the current time"),
    Reason.PRICE_TICK: (10001, "params error: Price invalid"),
    Reason.PRICE_TOO_HIGH: (110003, "Order price exceeds the allowable range: {}"),
    Reason.PRICE_TOO_LOW: (110003, "Order price exceeds the allowable range: {}"),
    Reason.AMOUNT_STEP: (10001, "Qty invalid"),
    Reason.AMOUNT_TOO_SMALL: (10001, "The number of contracts exceeds minimum limit allowed"),
    Reason.AMOUNT_TOO_LARGE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reason.COST_TOO_SMALL: (110094, "Order does not meet minimum order value {}USDT"),
    Reason.TOO_MANY_ORDERS: (110020, "Cannot have more than {} active orders."),
    Reason.DUPLICATE_CLIENT_ID: (110072, "OrderLinkedID is duplicate"),
    Reason.INSUFFICIENT_FUNDS: (110007, "ab not enough for new order"),
    Reason.REDUCE_ONLY: (110017, "orderQty will be truncated to zero."),
    Reason.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Reason.FINISHED_ORDER: (110001, "order not exists or too late to cancel"),
    Reason.LEVERAGE_UNCHANGED: (110043, "leverage not modified"),
    Reason.LEVERAGE_OUT_OF_RANGE: (10001, "buy leverage invalid"),
    Reason.MODE_UNCHANGED: (110025, "Position mode is not modified"),
    Reason.POSITION_OPEN: (110024, "You have an existing position, so position mode cannot be switched"),
    Reason.ORDERS_OPEN: (110028, "Open orders exist, so you cannot change position mode"),
}


class Refusal(Exception):
    """A retCode that is not 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refusal_of(refused: Refused, kind: Kind) -> Refusal:
    """What the engine said, in Bybit's words."""
    code, message = (_SPOT if kind is Kind.SPOT else _LINEAR).get(refused.reason, (10001, refused.reason.value))
    return Refusal(code, message.format(plain(refused.limit) if refused.limit is not None else ""))


def plain(value: Decimal) -> str:
    """A number as spot writes it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def category(params: Json) -> Kind:
    """Spot or linear; the others exist, and have no markets here."""
    name = params.get("category")
    if name in ("inverse", "option"):
        raise Refusal(10001, f"params error: nothing is traded in category {name}")
    if name not in ("spot", "linear"):
        raise Refusal(10001, "params error: Illegal category")
    return Kind(name)


_STRINGS = frozenset({
    "category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "marketUnit",
    "orderFilter", "smpType",
})  # fmt: skip
_FLAGS = frozenset({"reduceOnly", "closeOnTrigger"})
_INTEGERS = frozenset({"positionIdx", "isLeverage", "triggerDirection"})
_TIFS = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK, "PostOnly": Tif.POST_ONLY}


def _typed(params: Json) -> None:
    for name, value in params.items():
        if name in _STRINGS:
            fits = isinstance(value, str)
        elif name in _FLAGS:
            fits = isinstance(value, bool)
        elif name in _INTEGERS:
            fits = isinstance(value, int) and not isinstance(value, bool)
        else:
            raise Refusal(10001, f"params error: unknown parameter {name}")
        if not fits:
            raise Refusal(10001, f"params error: {name} has the wrong type")


def _number(params: Json, name: str) -> Decimal:
    text = params.get(name)
    if not isinstance(text, str) or not re.fullmatch(r"\d+(\.\d+)?", text):
        raise Refusal(10001, f"params error: {name} invalid")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Refusal(10001, f"params error: {name} invalid") from error


def new_order(params: Json, *, hedged: bool) -> NewOrder:
    """The wish in the parameters of create, or a refusal of the parameters themselves."""
    _typed(params)
    kind = category(params)
    side, order_type = params.get("side"), params.get("orderType")
    if side not in ("Buy", "Sell"):
        raise Refusal(10001, "params error: side invalid")
    if order_type not in ("Market", "Limit"):
        raise Refusal(10001, "params error: orderType invalid")
    tif = params.get("timeInForce") or ("GTC" if order_type == "Limit" else "IOC")
    if tif not in _TIFS or (order_type == "Market" and tif == "PostOnly"):
        raise Refusal(10001, "params error: timeInForce invalid")
    link_id = params.get("orderLinkId", "")
    if link_id and not LINK_ID.fullmatch(link_id):
        raise Refusal(10001, "params error: OrderLinkId invalid")
    if params.get("orderFilter", "Order") != "Order":
        raise Refusal(170202, "Invalid orderFilter parameter.")
    if kind is Kind.SPOT and params.get("reduceOnly"):
        raise Refusal(10001, "params error: reduceOnly is for derivatives only")
    if kind is Kind.LINEAR and (params.get("positionIdx", 0) == 0) == hedged:
        raise Refusal(10001, "position idx not match position mode")
    amount = _number(params, "qty")
    in_quote = kind is Kind.SPOT and order_type == "Market" and _in_quote(params)
    return NewOrder(
        market=params.get("symbol", ""),
        kind=kind,
        side=Side.BUY if side == "Buy" else Side.SELL,
        amount=Decimal(0) if in_quote else amount,
        quote_amount=amount if in_quote else None,
        price=_number(params, "price") if order_type == "Limit" else None,
        tif=_TIFS[tif],
        reduce_only=bool(params.get("reduceOnly", False)),
        client_id=link_id,
    )


def _in_quote(params: Json) -> bool:
    """A spot market buy counts in the quote coin unless told otherwise."""
    return bool(params.get("marketUnit", "quoteCoin" if params["side"] == "Buy" else "baseCoin") == "quoteCoin")
