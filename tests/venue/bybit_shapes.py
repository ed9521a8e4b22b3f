"""How Bybit writes things down: the JSON of orders, executions, positions, wallets, tickers, books and instruments.

The rule: numbers are strings, padded to the tick or step on perpetuals and bare on spot; times are strings of ms; what
a category does not have is missing or empty exactly where it is there.
"""

from __future__ import annotations

from decimal import Decimal

from tests.venue import funds
from tests.venue.bybit_rules import Json, plain
from tests.venue.ledger import Ledger, Market
from tests.venue.model import (
    ZERO,
    Account,
    Actor,
    Ending,
    Fill,
    Funding,
    Kind,
    Order,
    Position,
    Rules,
    Side,
    Status,
    Tif,
    ratio,
    rounded,
)

_TIFS = {Tif.GTC: "GTC", Tif.IOC: "IOC", Tif.FOK: "FOK", Tif.POST_ONLY: "PostOnly"}
_STATUS = {Status.NEW: "New", Status.PARTLY_FILLED: "PartiallyFilled", Status.FILLED: "Filled"}
_CANCEL_TYPE = {
    Ending.USER: "CancelByUser",
    Ending.HAND: "CancelByUser",
    Ending.VENUE: "CancelByAdmin",
    Ending.REDUCE_ONLY: "CancelByReduceOnly",
    Ending.LIQUIDATION: "CancelAllBeforeLiq",
}
_REJECT_REASON = {
    Ending.USER: "EC_PerCancelRequest",
    Ending.HAND: "EC_PerCancelRequest",
    Ending.POST_ONLY: "EC_PostOnlyWillTakeLiquidity",
    Ending.IOC: "EC_NoImmediateQtyToFill",
}
_CREATE_TYPE = {Actor.API: "CreateByUser", Actor.HAND: "CreateByClosing", Actor.VENUE: "CreateByLiq"}


def _padded(value: Decimal, unit: Decimal, kind: Kind) -> str:
    return format(rounded(value, unit), "f") if kind is Kind.LINEAR else plain(value)


def side(value: Side) -> str:
    """Capitalised."""
    return value.value.capitalize()


def status(order: Order) -> str:
    """Of an order. Only spot knows a cancelled order that traded in part, and calls a post-only order that would have
    taken rejected, where a perpetual's is cancelled."""
    if order.status is not Status.CANCELLED:
        return _STATUS[order.status]
    if order.rules.kind is Kind.LINEAR:
        return "Cancelled"
    if order.ending is Ending.POST_ONLY:
        return "Rejected"
    return "PartiallyFilledCanceled" if order.filled else "Cancelled"


def order(state: Order) -> Json:
    """An order, as realtime, history and the stream tell of it."""
    rules, wish = state.rules, state.wish
    kind = rules.kind
    leaves = state.remaining if state.is_open else ZERO
    shape: Json = {
        "symbol": rules.id,
        "orderId": state.id,
        "orderLinkId": state.client_id,
        "blockTradeId": "",
        "price": _padded(state.price, rules.tick, kind),
        "qty": _padded(wish.quote_amount or state.amount, rules.step, kind),
        "side": side(state.side),
        "isLeverage": "0" if kind is Kind.SPOT else "",
        "positionIdx": 0,
        "orderStatus": status(state),
        "cancelType": _CANCEL_TYPE.get(state.ending, "UNKNOWN"),
        "rejectReason": _REJECT_REASON.get(state.ending, "EC_NoError"),
        "avgPrice": plain(rounded(state.average)) if state.filled else "",
        "leavesQty": _padded(leaves, rules.step, kind),
        "leavesValue": plain(leaves * state.price),
        "cumExecQty": _padded(state.filled, rules.step, kind),
        "cumExecValue": plain(state.cost),
        "cumExecFee": plain(sum(state.fees.values(), ZERO)),
        "cumFeeDetail": {coin: plain(fee) for coin, fee in state.fees.items()},
        "timeInForce": _TIFS[wish.tif],
        "orderType": "Market" if wish.price is None else "Limit",
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": "" if wish.price is not None or kind is Kind.LINEAR else _unit(state),
        "triggerPrice": "" if kind is Kind.LINEAR else "0",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "",
        "reduceOnly": wish.reduce_only,
        "closeOnTrigger": False,
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "placeType": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "",
        "createdTime": str(state.created_ms),
        "updatedTime": str(state.updated_ms),
        "extraFees": "",
    }
    if kind is Kind.SPOT:
        shape["ocoTriggerBy"] = "OcoTriggerByUnknown"
    else:
        shape |= {"createType": _CREATE_TYPE[wish.by], "tpslMode": ""}
    return shape


def _unit(state: Order) -> str:
    return "quoteCoin" if state.wish.quote_amount is not None else "baseCoin"


def execution(fill: Fill, *, streamed: bool = False) -> Json:
    """A trade. The stream alone names the category and the profit."""
    state, rules = fill.order, fill.order.rules
    kind = rules.kind
    left = state.amount - fill.filled
    shape: Json = {
        "symbol": rules.id,
        "orderId": state.id,
        "orderLinkId": state.client_id,
        "side": side(state.side),
        "orderPrice": _padded(state.price, rules.tick, kind),
        "orderQty": _padded(state.amount, rules.step, kind),
        "leavesQty": _padded(left, rules.step, kind),
        "orderType": "Market" if state.wish.price is None else "Limit",
        "stopOrderType": "" if kind is Kind.SPOT else "UNKNOWN",
        "execFee": plain(fill.fee),
        "execId": fill.id,
        "execPrice": _padded(fill.price, rules.tick, kind),
        "execQty": _padded(fill.amount, rules.step, kind),
        "execType": "BustTrade" if state.wish.by is Actor.VENUE else "Trade",
        "execValue": plain(fill.price * fill.amount),
        "execTime": str(fill.at_ms),
        "feeCurrency": fill.fee_coin if kind is Kind.SPOT else "",
        "isMaker": fill.maker,
        "feeRate": plain(fill.fee_rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": plain(fill.price) if kind is Kind.LINEAR else "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "marketUnit": "",
        "closedSize": _padded(fill.closed, rules.step, kind) if kind is Kind.LINEAR else "",
        "seq": fill.at_ms,
        "extraFees": "",
    }
    if kind is Kind.LINEAR:
        shape["createType"] = _CREATE_TYPE[state.wish.by]
    if streamed:
        shape |= {"category": kind.value, "isLeverage": "0", "execPnl": plain(rounded(fill.realised))}
    return shape


def funding(paid: Funding) -> Json:
    """A funding payment, among the executions: a positive fee was paid by us."""
    return {
        "symbol": paid.market,
        "orderId": paid.id,
        "orderLinkId": "",
        "side": "Sell" if paid.position < 0 else "Buy",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "createType": "",
        "execFee": plain(-paid.amount),
        "execId": paid.id,
        "execPrice": plain(paid.mark),
        "execQty": plain(abs(paid.position)),
        "execType": "Funding",
        "execValue": plain(abs(paid.position) * paid.mark),
        "execTime": str(paid.at_ms),
        "feeCurrency": "",
        "isMaker": False,
        "feeRate": plain(paid.rate),
        "markPrice": plain(paid.mark),
        "closedSize": "0",
        "seq": paid.at_ms,
    }


def position(held: Position, market: Market, account: Account) -> Json:
    """A position; of size 0 and without a side when nothing is held."""
    rules, mark = market.rules, market.mark
    value = abs(held.amount) * held.entry
    sign = 1 if held.amount > 0 else -1
    bust = held.entry * (1 - sign * (ratio(Decimal(1), held.leverage) - rules.maintenance))
    return {
        "symbol": rules.id,
        "positionIdx": int(account.hedged),
        "riskId": 1,
        "riskLimitValue": "2000000",
        "side": side(Side.BUY if held.amount > 0 else Side.SELL) if held.amount else "",
        "size": _padded(abs(held.amount), rules.step, Kind.LINEAR),
        "avgPrice": plain(rounded(held.entry)),
        "positionValue": plain(rounded(value)) if held.amount else "",
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": plain(held.leverage),
        "markPrice": _padded(mark, rules.tick, Kind.LINEAR),
        "liqPrice": _padded(bust, rules.tick, Kind.LINEAR) if held.amount else "",
        "bustPrice": "",
        "positionIM": plain(rounded(funds.position_margin(held, mark))) if held.amount else "",
        "positionMM": plain(rounded(value * rules.maintenance)) if held.amount else "",
        "positionBalance": plain(rounded(funds.position_margin(held, mark))) if held.amount else "0",
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": plain(rounded(funds.unrealised(held, mark))) if held.amount else "",
        "curRealisedPnl": plain(rounded(held.realised)),
        "cumRealisedPnl": plain(rounded(held.realised)),
        "adlRankIndicator": 2 if held.amount else 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "sessionAvgPrice": "",
        "createdTime": str(held.created_ms or market.candles[0][0]),
        "updatedTime": str(held.updated_ms or market.candles[0][0]),
        "seq": held.updated_ms or -1,
    }


def streamed_position(held: Position, market: Market, account: Account) -> Json:
    """The stream calls the mean price otherwise, and names the category."""
    shape = position(held, market, account)
    return {**shape, "entryPrice": shape.pop("avgPrice"), "category": "linear"}


def wallet(ledger: Ledger, account: Account, coins: set[str] | None = None) -> Json:
    """The unified account. What may be withdrawn is not told any more: the field is there, and empty."""
    rows = [
        _coin(ledger, account, coin)
        for coin, total in account.wallet.items()
        if (coin in coins if coins is not None else total != 0)
    ]
    total = plain(rounded(sum((Decimal(row["usdValue"]) for row in rows), ZERO)))
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "totalEquity": total,
        "totalWalletBalance": total,
        "totalMarginBalance": total,
        "totalAvailableBalance": total,
        "totalPerpUPL": "0",
        "totalInitialMargin": "0",
        "totalMaintenanceMargin": "0",
        "coin": rows,
    }


def _coin(ledger: Ledger, account: Account, coin: str) -> Json:
    orders, marks = ledger.open_orders(account), ledger.marks()
    upl = order_margin = held_margin = realised = ZERO
    for market, (quote, mark) in marks.items():
        if quote == coin:
            held = account.positions.get(market, Position(market))
            upl += funds.unrealised(held, mark)
            realised += held.realised
            held_margin += funds.position_margin(held, mark)
            order_margin += funds.order_margin(account, market, mark, orders)
    total = account.wallet[coin]
    spot = next((m.mark for m in ledger.markets.values() if m.rules.base == coin), Decimal(1))
    return {
        "coin": coin,
        "equity": plain(rounded(total + upl)),
        "usdValue": plain(rounded((total + upl) * spot)),
        "walletBalance": plain(total),
        "locked": plain(funds.locked(coin, orders)),
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "accruedInterest": "0",
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "totalOrderIM": plain(rounded(order_margin)),
        "totalPositionIM": plain(rounded(held_margin)),
        "totalPositionMM": "0",
        "unrealisedPnl": plain(rounded(upl)),
        "cumRealisedPnl": plain(rounded(realised)),
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
    }


def instrument(market: Market) -> Json:
    """A market's rules."""
    rules = market.rules
    state = "Trading" if market.open else "Closed"
    if rules.kind is Kind.SPOT:
        return {
            "symbol": rules.id,
            "baseCoin": rules.base,
            "quoteCoin": rules.quote,
            "innovation": "0",
            "symbolType": "",
            "status": state,
            "marginTrading": "utaOnly",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": plain(rules.step),
                "quotePrecision": "0.00000001",
                "minOrderQty": plain(rules.min_amount),
                "maxOrderQty": plain(rules.max_amount),
                "minOrderAmt": plain(rules.min_cost),
                "maxOrderAmt": "4000000",
                "maxLimitOrderQty": plain(rules.max_amount),
                "maxMarketOrderQty": plain(rules.max_amount),
                "postOnlyMaxLimitOrderSize": plain(rules.max_amount),
            },
            "priceFilter": {"tickSize": plain(rules.tick)},
            "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        }
    return {"contractType": "LinearPerpetual", **_contract(rules, state)}


def _contract(rules: Rules, state: str) -> Json:
    return {
        "symbol": rules.id,
        "status": state,
        "baseCoin": rules.base,
        "quoteCoin": rules.quote,
        "settleCoin": rules.quote,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{rules.max_leverage:.2f}", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": plain(rules.tick), "maxPrice": "1999999.80", "tickSize": plain(rules.tick)},
        "lotSizeFilter": {
            "maxOrderQty": plain(rules.max_amount),
            "minOrderQty": plain(rules.min_amount),
            "qtyStep": plain(rules.step),
            "postOnlyMaxOrderQty": plain(rules.max_amount),
            "maxMktOrderQty": plain(rules.max_amount),
            "minNotionalValue": plain(rules.min_cost),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.1", "priceLimitRatioY": "0.2"},
        "displayName": "",
        "symbolType": "",
    }
