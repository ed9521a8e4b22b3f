"""What an account may still spend: reserves of resting orders and margin of perpetuals.

The rule: nothing is stored but the wallet; what is locked is reckoned from the open orders and positions each time, so
it can never drift away from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tests.venue.model import ZERO, Account, FeeCoin, Kind, Order, Position, Side, ratio


def spot_reserve(order: Order) -> tuple[str, Decimal]:
    """Coin and amount that an open spot order locks."""
    rules = order.rules
    if order.side is Side.SELL:
        return rules.base, order.remaining
    value = order.remaining * order.price
    if rules.fee_coin is FeeCoin.QUOTE:
        value *= 1 + rules.taker_fee
    return rules.quote, value


def locked(coin: str, orders: Iterable[Order]) -> Decimal:
    """What open spot orders lock of a coin."""
    reserves = (spot_reserve(order) for order in orders if order.rules.kind is Kind.SPOT)
    return sum((amount for reserved, amount in reserves if reserved == coin), ZERO)


def unrealised(position: Position, mark: Decimal) -> Decimal:
    """Profit if it were closed at the mark."""
    return position.amount * (mark - position.entry)


def position_margin(position: Position, mark: Decimal) -> Decimal:
    """Initial margin of what is held."""
    return ratio(abs(position.amount) * mark, position.leverage)


def order_margin(account: Account, market: str, mark: Decimal, orders: Iterable[Order]) -> Decimal:
    """Initial margin of the open orders of one perpetual beyond that of its position (one-way mode): only the larger
    side counts, and orders against the position first use what closing it frees."""
    position = account.positions.get(market, Position(market))
    sides = {Side.BUY: ZERO, Side.SELL: ZERO}
    for order in orders:
        if order.rules.kind is Kind.LINEAR and order.rules.id == market and not order.wish.reduce_only:
            value = order.remaining * order.price
            sides[order.side] += ratio(value, position.leverage) + value * order.rules.taker_fee
    held = position_margin(position, mark)
    same, against = (Side.BUY, Side.SELL) if position.amount >= 0 else (Side.SELL, Side.BUY)
    return max(sides[same], sides[against] - 2 * held, ZERO)


def free(account: Account, coin: str, orders: list[Order], marks: Mapping[str, tuple[str, Decimal]]) -> Decimal:
    """What may be spent of a coin. `marks`: of each perpetual its quote coin and price."""
    margin, profit = ZERO, ZERO
    for market, (quote, mark) in marks.items():
        if quote == coin:
            position = account.positions.get(market, Position(market))
            margin += position_margin(position, mark) + order_margin(account, market, mark, orders)
            profit += unrealised(position, mark)
    return account.wallet.get(coin, ZERO) - locked(coin, orders) - margin + profit
