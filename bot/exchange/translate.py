"""ccxt's dicts as our types. Rule: no float touches money; what is missing makes None or MarketError, never a guess.

The exchange is built with `number = str`, so ccxt's numbers are texts; order books are its floats all the same, and
turned by their shortest text. Amounts counted in contracts become base coin here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.core.events import CloseReason
from bot.core.model import Balance, Candle, FeeSide, Fill, FundingPaid, Market, Position, Quote, Side
from bot.core.money import HUNDRED, ZERO, average
from bot.errors import MarketError
from bot.exchange.calls import Raw
from bot.exchange.venues import Venue

DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
"""ccxt's ways to give a precision (`exchange.precisionMode`)."""

USUAL_FEE_RATIO = Decimal("0.002")
"""For previews, where an exchange tells no fee at all."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SeenTrade:
    """One trade of this account. `client_id` is None where the trade does not carry it: match by `order_id`."""

    client_id: str | None
    order_id: str
    symbol: str
    side: Side
    fill: Fill


@dataclass(frozen=True, slots=True)
class SeenOrder:
    """An order of ours as a reply shows it: base coin, quote currency.

    `is_open` None: the reply does not tell whether it still rests. `reason` None: not told why it left.
    """

    client_id: str
    order_id: str | None
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    filled: Decimal
    is_open: bool | None
    reason: CloseReason | None
    at: datetime | None


def market_of(raw: Raw, venue: Venue | None, mode: int = TICK_SIZE, price: Decimal | None = None) -> Market:
    """The rules of a market. `mode` is the exchange's way to give a precision; where that is significant digits, the
    tick is right for prices of the size of `price`. MarketError for one that can't be traded here, and says why.
    """
    symbol, limits = str(raw["symbol"]), raw.get("limits") or {}
    _refuse_unless_tradable(raw, symbol)
    size, precision = contract_size_of(raw), raw.get("precision") or {}
    is_perpetual = bool(raw.get("swap"))
    info = raw.get("info")
    filters = _filters(info)
    band = filters.get("PERCENT_PRICE_BY_SIDE", {})
    return Market(
        symbol=symbol,
        base=raw["base"],
        quote=raw["quote"],
        price_tick=_step(precision.get("price"), mode, price, f"{symbol}: its price tick"),
        amount_step=_step(
            precision.get("amount"),
            mode if mode != SIGNIFICANT_DIGITS else DECIMAL_PLACES,
            None,
            f"{symbol}: its amount step",
        )
        * size,
        min_amount=_least(limits, "amount") * size,
        min_cost=_least(limits, "cost"),
        maker_fee_ratio=_number(raw.get("maker"), USUAL_FEE_RATIO),
        taker_fee_ratio=_number(raw.get("taker"), USUAL_FEE_RATIO),
        fee_side=_fee_side(raw, venue, is_perpetual),
        max_open_orders=_max_open_orders(filters, venue),
        lowest_buy_ratio=_number(band.get("bidMultiplierDown"), ZERO),
        highest_sell_ratio=_number(band.get("askMultiplierUp"), ZERO),
        perpetual=is_perpetual,
        maintenance_ratio=_maintenance(info, limits) if is_perpetual else ZERO,
    )


def contract_size_of(raw: Raw) -> Decimal:
    """Base coin per contract; 1 where amounts are base coin already. MarketError when a perpetual does not tell."""
    if raw.get("spot") or not raw.get("contract"):
        return Decimal(1)
    size = decimal_of(raw.get("contractSize"))
    if size is None or size <= 0:
        raise MarketError(f"{raw['symbol']} does not tell the size of its contract")
    return size


def quote_of(raw: Raw, symbol: str, at: datetime) -> Quote:
    """Best bid and ask from a book or a ticker. MarketError where one of them is missing."""
    if "bids" in raw:
        sides = [decimal_of(rows[0][0]) if rows else None for rows in (raw["bids"], raw["asks"])]
    else:
        sides = [decimal_of(raw.get("bid")), decimal_of(raw.get("ask"))]
    bid, ask = sides
    if not bid or not ask:
        raise MarketError(f"{symbol} has no {'bid' if not bid else 'ask'} at present")
    return Quote(symbol, bid, ask, at)


def candles_of(raw: Sequence[Sequence[Any]]) -> Sequence[Candle]:
    """Candles in the order they came; a row with a hole in its prices is left out, a missing volume counts as none."""
    candles = []
    for at, *values in raw:
        prices, volume = [decimal_of(value) for value in values[:4]], decimal_of(values[4]) if len(values) > 4 else None
        first, highest, lowest, last = prices
        if at is not None and first and highest and lowest and last:
            candles.append(Candle(moment_of(at), first, highest, lowest, last, volume or ZERO))
    return candles


def balances_of(raw: Raw) -> Mapping[str, Balance]:
    """Funds by currency, those above zero. MarketError where the reply holds none in the expected form."""
    if not isinstance(raw.get("total"), Mapping):
        raise MarketError("the balances could not be read")
    found = {}
    for code in raw["total"]:
        free, used, total = (decimal_of(raw[code].get(name)) for name in ("free", "used", "total"))
        if free is None:
            free = total - (used or ZERO) if total is not None else None
        if used is None and free is not None:
            used = total - free if total is not None else ZERO
        if free is None or used is None:
            continue
        if free or used:
            found[code] = Balance(free, used)
    return found


def position_of(raw: Raw, contract_size: Decimal, margin_mode: str | None = None) -> Position | None:
    """What is held; an amount of 0 where nothing is. None where the reply does not tell how much. `margin_mode` is the
    account's (`Venue.margin_mode`), where positions do not tell theirs; told nowhere, it counts as cross."""
    contracts = decimal_of(raw.get("contracts"))
    if contracts is None and raw.get("side") is None:
        contracts = ZERO  # bybit's answer for a symbol without a position
    if contracts is None:
        return None
    amount = abs(contracts) * contract_size
    return Position(
        amount=-amount if raw.get("side") == "short" or contracts < 0 else amount,
        entry=decimal_of(raw.get("entryPrice")) or ZERO,
        leverage=decimal_of(raw.get("leverage")),
        isolated=(raw.get("marginMode") or margin_mode) == "isolated",
        one_way=not raw.get("hedged"),
        liquidation=decimal_of(raw.get("liquidationPrice")) or None,
    )


def funding_of(raw: Raw, venue: Venue) -> FundingPaid | None:
    """One funding payment, above 0 when received; None where it is incomplete."""
    amount, name, at = decimal_of(raw.get("amount")), raw.get("id"), raw.get("timestamp")
    if amount is None or name is None or at is None or raw.get("symbol") is None:
        return None
    signed = -amount if venue.funding_is_paid else amount
    return FundingPaid(f"{name}@{at}", raw["symbol"], signed, moment_of(at))  # hyperliquid's payments share one id


def trade_of(raw: Raw, venue: Venue, contract_size: Decimal) -> SeenTrade | None:
    """A trade of this account, or None while it is incomplete: one without a fee is incomplete, not free; one with fees
    in several coins can't be told by a `Fill`. A fee in a third coin keeps its currency, with no rate yet."""
    price, amount, at = decimal_of(raw.get("price")), decimal_of(raw.get("amount")), raw.get("timestamp")
    fee, side = _fee_of(raw), _side(raw)
    if not price or not amount or fee is None or side is None or at is None:
        return None
    if raw.get("id") is None or raw.get("order") is None or raw.get("symbol") is None:
        return None
    cost, currency = fee
    fill = Fill(
        trade_id=str(raw["id"]),
        price=price,
        amount=amount * contract_size,
        fee=cost,
        fee_currency=currency,
        at=moment_of(at),
        maker=raw.get("takerOrMaker") != "taker",
    )
    name = raw["info"].get(venue.trade_client_field) if venue.trade_client_field is not None else None
    return SeenTrade(venue.decode(name), str(raw["order"]), raw["symbol"], side, fill)


def order_of(raw: Raw, venue: Venue, contract_size: Decimal) -> SeenOrder | None:
    """An order of ours, or None where it is somebody else's or the reply does not say side, price, amount and what was
    filled (most replies to a new order don't)."""
    client_id = venue.decode(raw.get("clientOrderId"))
    side, price = _side(raw), decimal_of(raw.get("price"))
    amount, filled = decimal_of(raw.get("amount")), decimal_of(raw.get("filled"))
    if client_id is None or side is None or not price or not amount or filled is None or raw.get("symbol") is None:
        return None
    is_open, reason = _standing(raw, venue, amount, filled)
    at = raw.get("timestamp") if is_open is not False else _latest(raw)
    return SeenOrder(
        client_id=client_id,
        order_id=str(raw["id"]) if raw.get("id") is not None else None,
        symbol=raw["symbol"],
        side=side,
        price=price,
        amount=amount * contract_size,
        filled=filled * contract_size,
        is_open=is_open,
        reason=reason,
        at=moment_of(at) if at is not None else None,
    )


# -- pieces ------------------------------------------------------------------------------------------------------------


def decimal_of(value: Any) -> Decimal | None:
    """A number of ccxt's, whatever it is written as; None where there is none."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def moment_of(milliseconds: Any) -> datetime:
    """A moment from milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def _number(value: Any, otherwise: Decimal) -> Decimal:
    number = decimal_of(value)
    return otherwise if number is None else number


def _side(raw: Raw) -> Side | None:
    return Side(raw["side"]) if raw.get("side") in ("buy", "sell") else None


def _latest(raw: Raw) -> Any:
    return raw.get("lastUpdateTimestamp") or raw.get("lastTradeTimestamp") or raw.get("timestamp")


def _standing(raw: Raw, venue: Venue, amount: Decimal, filled: Decimal) -> tuple[bool | None, CloseReason | None]:
    """Whether an order rests, and why it does not: by quantities first, since words lie (a cancelled order that had
    filled in part is `closed` on bybit and kucoin)."""
    if filled >= amount:
        return False, CloseReason.FILLED
    status, reason = raw.get("status"), venue.reason(raw)
    if status == "open":
        return True, None
    if status in ("canceled", "cancelled", "closed", "rejected", "expired") or reason is not None:
        return False, reason
    return None, None


def _fee_of(raw: Raw) -> tuple[Decimal, str] | None:
    """What a trade cost and in which coin; rebates are below 0."""
    fees = raw.get("fees") or ([raw["fee"]] if raw.get("fee") else [])
    costs: dict[str, Decimal] = {}
    for fee in fees:
        cost = decimal_of(fee.get("cost"))
        if cost is None or (cost and not fee.get("currency")):
            return None
        currency = fee.get("currency") or str(raw.get("symbol")).partition(":")[0].partition("/")[2]
        costs[currency] = costs.get(currency, ZERO) + cost
    paid = {currency: cost for currency, cost in costs.items() if cost} or dict(list(costs.items())[:1])
    return next(((cost, currency) for currency, cost in paid.items()), None) if len(paid) == 1 else None


def _refuse_unless_tradable(raw: Raw, symbol: str) -> None:
    if raw.get("active") is False:
        raise MarketError(f"{symbol} is not traded at present")
    if raw.get("spot"):
        return
    is_linear = raw.get("swap") and raw.get("linear") and raw.get("settle") == raw.get("quote")
    if not is_linear:
        kind = (
            "an option" if raw.get("option") else "a dated future" if raw.get("future") else "not settled in its quote"
        )
        raise MarketError(f"{symbol} is {kind}; expected a spot market or a linear perpetual")


def _step(value: Any, mode: int, price: Decimal | None, what: str) -> Decimal:
    """A tick or step from ccxt's precision. MarketError where it can't be known."""
    number = decimal_of(value)
    if number is None:
        raise MarketError(f"{what} is not told")
    if mode == SIGNIFICANT_DIGITS:
        if not price:
            raise MarketError(
                f"{what} is counted in significant digits, and there is no price to tell how large that is"
            )
        return Decimal(1).scaleb(price.adjusted() - int(number) + 1)
    step = Decimal(1).scaleb(-int(number)) if mode == DECIMAL_PLACES else number
    if step <= 0:
        raise MarketError(f"{what} is not above 0")
    return step


def _least(limits: Mapping[str, Any], what: str) -> Decimal:
    return _number((limits.get(what) or {}).get("min"), ZERO)


def _filters(info: Any) -> dict[str, Mapping[str, Any]]:
    """Binance's rules of a market by their names."""
    rows = info.get("filters") if isinstance(info, Mapping) else None
    return {row.get("filterType", ""): row for row in rows or () if isinstance(row, Mapping)}


def _max_open_orders(filters: Mapping[str, Mapping[str, Any]], venue: Venue | None) -> int | None:
    rule = filters.get("MAX_NUM_ORDERS", {})
    most = decimal_of(rule.get("maxNumOrders") or rule.get("limit"))
    return int(most) if most is not None else venue.max_open_orders if venue is not None else None


def _fee_side(raw: Raw, venue: Venue | None, is_perpetual: bool) -> FeeSide:
    if is_perpetual or raw.get("feeSide") == "quote":
        return FeeSide.QUOTE
    return venue.fee_side if venue is not None else FeeSide.RECEIVED


def _maintenance(info: Any, limits: Mapping[str, Any]) -> Decimal:
    """The margin a small position is closed at, as a part of its value: told by binance, elsewhere half of what the
    highest leverage leaves, which is how venues set their first tier; 0 where neither is known."""
    told = decimal_of(info.get("maintMarginPercent")) if isinstance(info, Mapping) else None
    if told is not None:
        return told / HUNDRED
    highest = decimal_of((limits.get("leverage") or {}).get("max"))
    return average(Decimal("0.5"), highest) if highest else ZERO
