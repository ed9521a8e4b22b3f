"""The purse of the pretend account: what is free, what resting orders hold, what a trade costs.

Rule: free + used of a coin is always what came in less what went out, to the last digit; neither is ever
below zero, because the gateway asks `need` before it accepts an order and the fee is the one agreed then.
"""

from collections.abc import Mapping
from decimal import Decimal

from bot.core.model import Balance, FeeSide, Market, Side
from bot.core.money import ZERO
from bot.exchange.matching import Resting


def need(side: Side, price: Decimal, amount: Decimal, market: Market, fee_ratio: Decimal) -> Decimal:
    """What an order binds: coins for a sale, cost for a purchase, with the fee where it comes on top."""
    if side is Side.SELL:
        return amount
    cost = price * amount
    return cost + cost * fee_ratio if market.fee_side is FeeSide.QUOTE and fee_ratio > ZERO else cost


def bound_currency(side: Side, market: Market) -> str:
    """The coin an order is paid with."""
    return market.quote if side is Side.BUY else market.base


class Funds:
    """Balances by currency, in full units."""

    __slots__ = ("_free", "_shown", "_used")

    def __init__(self, balances: Mapping[str, Balance]) -> None:
        self._free = {currency: balance.free for currency, balance in balances.items()}
        self._used = {currency: balance.used for currency, balance in balances.items()}
        self._shown: dict[str, Balance] | None = None

    def free(self, currency: str) -> Decimal:
        return self._free.get(currency, ZERO)

    def balances(self) -> Mapping[str, Balance]:
        """Every currency there ever was, as it is now."""
        if self._shown is None:
            shown = {}
            for currency in sorted(self._free.keys() | self._used.keys()):
                shown[currency] = Balance(self._free.get(currency, ZERO), self._used.get(currency, ZERO))
            self._shown = shown
        return self._shown

    def reserve(self, order: Resting, market: Market, amount: Decimal) -> None:
        """Hold what this much of an order binds; a negative amount sets it free again."""
        currency = bound_currency(order.side, market)
        hold = need(order.side, order.price, amount, market, order.fee_ratio)
        self._free[currency] -= hold
        self._used[currency] = self._used.get(currency, ZERO) + hold
        self._shown = None

    def trade(self, order: Resting, market: Market, price: Decimal, amount: Decimal) -> tuple[Decimal, str]:
        """Exchange coins for money at a price, out of what is free; returns the fee and its currency."""
        free, base, quote = self._free, market.base, market.quote
        cost = price * amount
        self._shown = None
        if order.side is Side.SELL:
            fee = cost * order.fee_ratio
            free[base] -= amount
            free[quote] = free.get(quote, ZERO) + cost - fee
            return fee, quote
        if market.fee_side is FeeSide.QUOTE:
            fee = cost * order.fee_ratio
            free[base] = free.get(base, ZERO) + amount
            free[quote] -= cost + fee
            return fee, quote
        fee = amount * order.fee_ratio
        free[base] = free.get(base, ZERO) + amount - fee
        free[quote] -= cost
        return fee, base
