"""What Binance does for the owner of a key: orders, money, trades, and what the key may do.

The rule: one function an endpoint, from the account and the parameters to the answer; every parameter is read before
the ledger is touched, so a refused request has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from tests.venue import binance_shapes as shapes
from tests.venue.binance_desk import Desk, named
from tests.venue.binance_shapes import number
from tests.venue.binance_wire import Json, Params, Refusal, missing
from tests.venue.market import Market
from tests.venue.model import Account, NewOrder, Order, Refused, Side, Tif

_DAY_MS = 86_400_000
_TEN_SECONDS = 10_000
_DETAILS = ("ACK", "RESULT", "FULL")
T = TypeVar("T")


def _unknown_order() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def _neither() -> Refusal:
    return Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")


# --- orders ---------------------------------------------------------------------------------------


def place(desk: Desk, account: Account, params: Params) -> object:
    """POST order."""
    market = desk.market(params)
    side = params.choice("side", ("BUY", "SELL"), Refusal(-1117, "Invalid side."))
    kind = params.choice("type", shapes.ORDER_TYPES, Refusal(-1116, "Invalid orderType."))
    wish = NewOrder(
        market=market.rules.id, side=Side[side], client_id=params.client_id("newClientOrderId") or desk.new_id()
    )
    {"LIMIT": _limit, "LIMIT_MAKER": _maker, "MARKET": _market}[kind](wish, params)
    params.unwanted("stopPrice", "trailingDelta", "icebergQty")
    if params.text("selfTradePreventionMode") not in (None, *shapes.STP_MODES):
        raise Refusal(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
    detail = params.text("newOrderRespType") or ("ACK" if kind == "LIMIT_MAKER" else "FULL")
    if detail not in _DETAILS:
        raise Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    params.finish()
    _within_filters(market, wish)
    _count(desk)
    order = desk.ledger.place(account, wish)
    desk.order_times.append(desk.now)
    fills = [fill for fill in desk.ledger.fills_of(account, market.rules.id) if fill.order is order]
    return shapes.order_placed(order, desk.status(order), fills, detail)


def _amount(params: Params) -> Decimal:
    if (amount := params.decimal("quantity")) is None:
        raise missing("quantity")
    if amount == 0:
        raise Refusal(-1013, "Invalid quantity.")
    return amount


def _price(params: Params) -> Decimal:
    if (price := params.decimal("price")) is None:
        raise missing("price")
    if price == 0:
        raise Refusal(-1013, "Invalid price.")
    return price


def _limit(wish: NewOrder, params: Params) -> None:
    name = params.choice("timeInForce", tuple(shapes.TIFS), Refusal(-1115, "Invalid timeInForce."))
    wish.tif, wish.amount, wish.price = shapes.TIFS[name], _amount(params), _price(params)
    params.unwanted("quoteOrderQty")


def _maker(wish: NewOrder, params: Params) -> None:
    params.unwanted("timeInForce", "quoteOrderQty")
    wish.tif, wish.amount, wish.price = Tif.POST_ONLY, _amount(params), _price(params)


def _market(wish: NewOrder, params: Params) -> None:
    params.unwanted("timeInForce", "price")
    wish.quote_amount = params.decimal("quoteOrderQty")
    if wish.quote_amount is None:
        wish.amount = _amount(params)
    else:
        params.unwanted("quantity")


def _within_filters(market: Market, wish: NewOrder) -> None:
    """The upper ends of two filters, which the ledger does not know."""
    if wish.price is None:
        return
    if wish.price > shapes.highest_price(market.rules):
        raise Refusal(-1013, "Filter failure: PRICE_FILTER")
    if wish.price * wish.amount > shapes.HIGHEST_COST:
        raise Refusal(-1013, "Filter failure: NOTIONAL")


def _count(desk: Desk) -> None:
    if desk.order_limit is None:
        return
    desk.order_times[:] = [at for at in desk.order_times if at > desk.now - _TEN_SECONDS]
    if len(desk.order_times) >= desk.order_limit:  # without Retry-After: the client has to know the limit
        raise Refusal(-1015, f"Too many new orders; current limit is {desk.order_limit} orders per 10 SECOND.", 429)


def cancel(desk: Desk, account: Account, params: Params) -> object:
    """DELETE order. It meets the true ledger: an order that reads hide can be cancelled."""
    market = desk.market(params)
    order = named(desk.ledger.open_orders(account, market.rules.id), params, _neither())
    cancel_id = params.client_id("newClientOrderId") or desk.new_id()
    restriction = params.text("cancelRestrictions")
    params.finish()
    if order is None:
        raise _unknown_order()
    if restriction is not None and restriction != {"NEW": "ONLY_NEW"}.get(desk.status(order), "ONLY_PARTIALLY_FILLED"):
        raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
    return _cancelled(desk, order, cancel_id)


def cancel_all(desk: Desk, account: Account, params: Params) -> object:
    """DELETE openOrders of one market."""
    market = desk.market(params)
    params.finish()
    orders = desk.ledger.open_orders(account, market.rules.id)
    if not orders:
        raise _unknown_order()
    cancel_id = desk.new_id()
    return [_cancelled(desk, order, cancel_id) for order in orders]


def _cancelled(desk: Desk, order: Order, cancel_id: str) -> Json:
    desk.cancel_ids[order.id] = cancel_id
    try:
        desk.ledger.cancel(order)
    except Refused:
        raise _unknown_order() from None
    return shapes.order_cancelled(order, desk.status(order), cancel_id)


def order_get(desk: Desk, account: Account, params: Params) -> object:
    """GET order."""
    market = desk.market(params)
    order = named(desk.orders(account, market), params, _neither())
    params.finish()
    if order is None:
        raise Refusal(-2013, "Order does not exist.")
    return _read(desk, order)


def open_orders(desk: Desk, account: Account, params: Params) -> object:
    """GET openOrders of a market, or of all."""
    market = desk.market(params) if params.symbol() is not None else None
    return [_read(desk, order) for order in desk.open_orders(account, market)]


def all_orders(desk: Desk, account: Account, params: Params) -> object:
    """GET allOrders."""
    market = desk.market(params)
    first, limit = params.integer("orderId"), params.limit(500, 1000)
    start, end = _window(params)
    orders = desk.orders(account, market)
    if first is not None:
        orders = [order for order in orders if int(order.id) >= first]
    chosen = _cut(orders, lambda order: order.created_ms, start, end, limit, from_first=first is not None)
    return [_read(desk, order) for order in chosen]


def _read(desk: Desk, order: Order) -> Json:
    return shapes.order_read(order, desk.status(order))


# --- trades ---------------------------------------------------------------------------------------


def my_trades(desk: Desk, account: Account, params: Params) -> object:
    """GET myTrades."""
    market = desk.market(params)
    first, limit, order_id = params.integer("fromId"), params.limit(500, 1000), params.integer("orderId")
    start, end = _window(params)
    if (start, end) != (None, None) and (first, order_id) != (None, None):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    fills = desk.fills(account, market)
    if order_id is not None:
        fills = [fill for fill in fills if fill.order.id == str(order_id)]
    if first is not None:
        fills = [fill for fill in fills if int(fill.id) >= first]
    chosen = _cut(fills, lambda fill: fill.at_ms, start, end, limit, from_first=first is not None)
    return [shapes.trade_read(fill) for fill in chosen]


def _window(params: Params) -> tuple[int | None, int | None]:
    start, end = params.integer("startTime"), params.integer("endTime")
    if start is not None and end is not None:
        if end < start:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        if end - start > _DAY_MS:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def _cut(
    things: list[T], at: Callable[[T], int], start: int | None, end: int | None, limit: int, *, from_first: bool
) -> list[T]:
    """From a first id or a start the oldest `limit`, otherwise the newest."""
    late = [thing for thing in things if start is None or at(thing) >= start]
    chosen = [thing for thing in late if end is None or at(thing) <= end]
    return chosen[:limit] if from_first or start is not None else chosen[-limit:]


# --- money and permissions ------------------------------------------------------------------------


def balances(desk: Desk, account: Account, params: Params) -> object:
    """GET account."""
    sparse = params.text("omitZeroBalances") == "true"
    rows = [
        {
            "asset": coin,
            "free": number(desk.ledger.free(account, coin)),
            "locked": number(desk.ledger.locked(account, coin)),
        }
        for coin in desk.coins()
        if not sparse or desk.ledger.total(account, coin)
    ]
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": number(Decimal("0.001")), "taker": number(Decimal("0.001")),
                            "buyer": number(0), "seller": number(0)},
        "canTrade": not account.read_only,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": desk.updated_ms.get(account.key, 0),
        "accountType": "SPOT",
        "balances": rows,
        "permissions": ["SPOT"],
        "uid": 354937868,
    }  # fmt: skip


def api_restrictions(desk: Desk, account: Account, params: Params) -> object:
    """GET sapi account/apiRestrictions."""
    answer = {
        "ipRestrict": account.ips != ("*",),
        "createTime": 1_600_000_000_000,
        "enableReading": True,
        "enableWithdrawals": account.can_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableFutures": False,
        "enableMargin": False,
        "enablePortfolioMarginTrading": False,
        "enableSpotAndMarginTrading": not account.read_only,
    }
    return answer if account.expires_ms is None else answer | {"tradingAuthorityExpirationTime": account.expires_ms}


def coins(desk: Desk, account: Account, params: Params) -> object:
    """GET sapi capital/config/getall."""
    return [
        {
            "coin": coin,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "name": coin,
            "free": number(desk.ledger.free(account, coin)),
            "locked": number(desk.ledger.locked(account, coin)),
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for coin in desk.coins()
    ]


def trade_fees(desk: Desk, account: Account, params: Params) -> object:
    """GET sapi asset/tradeFee."""
    markets = [desk.market(params)] if params.symbol() is not None else desk.markets()
    return [
        {
            "symbol": market.rules.id,
            "makerCommission": f"{market.rules.maker_fee:f}",
            "takerCommission": f"{market.rules.taker_fee:f}",
        }
        for market in markets
    ]
