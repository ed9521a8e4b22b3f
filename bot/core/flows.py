"""Double entry: what trading has changed of each coin, as running sums, and the journal of fills they are sums of.

Rule: every fill moves three things, the base coin, the quote currency and the coin of its fee, by the fill's own
numbers and nothing else. So an account's balances are what it began with plus these flows, to the last digit, always.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.model import Fill, Market, Side
from bot.core.money import ZERO
from bot.core.values import evolve

Fees = tuple[tuple[str, Decimal], ...]
"""Fees by the coin they were paid in (below 0: a rebate)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What the fills of a grid have moved. `bought` and `sold` are base coin before fees, `spent`
    and `received` the quote currency for them. `funding` of perpetuals (quote currency, below 0: paid) belongs to a
    whole position, so only the flow of a market has it."""

    bought: Decimal = ZERO
    spent: Decimal = ZERO
    sold: Decimal = ZERO
    received: Decimal = ZERO
    fees: Fees = ()
    funding: Decimal = ZERO
    fills: int = 0

    def traded(self, side: Side, fill: Fill) -> "Flow":
        """With one more fill."""
        fees = with_fee(self.fees, fill.fee_currency, fill.fee) if fill.fee else self.fees
        count = self.fills + 1
        if side is Side.BUY:
            bought, spent = self.bought + fill.amount, self.spent + fill.cost
            return evolve(self, bought=bought, spent=spent, fees=fees, fills=count)
        sold, received = self.sold + fill.amount, self.received + fill.cost
        return evolve(self, sold=sold, received=received, fees=fees, fills=count)

    def funded(self, amount: Decimal) -> "Flow":
        """With funding received (below 0: paid)."""
        return evolve(self, funding=self.funding + amount)

    def net(self, market: Market) -> dict[str, Decimal]:
        """The change of each coin: what came in less what went out, fees included."""
        change = {coin: -paid for coin, paid in self.fees}
        change[market.base] = change.get(market.base, ZERO) + self.bought - self.sold
        change[market.quote] = change.get(market.quote, ZERO) + self.received - self.spent + self.funding
        return change

    @property
    def volume(self) -> Decimal:
        """Quote currency that changed hands."""
        return self.spent + self.received


NO_FLOW = Flow()


def with_fee(fees: Fees, coin: str, amount: Decimal) -> Fees:
    """These fees and one more."""
    if len(fees) == 1 and fees[0][0] == coin:  # the usual case
        return ((coin, fees[0][1] + amount),)
    if not any(each == coin for each, _ in fees):
        return (*fees, (coin, amount))
    return tuple((each, paid + amount if each == coin else paid) for each, paid in fees)


def less(fees: Fees, before: Fees) -> Fees:
    """What was added to fees since they were these."""
    return together(fees, tuple((coin, -paid) for coin, paid in before))


def together(*many: Fees) -> Fees:
    """The sum of several, by coin."""
    fees: Fees = ()
    for each in many:
        for coin, amount in each:
            fees = with_fee(fees, coin, amount)
    return fees


@dataclass(frozen=True, slots=True)
class BookedFill:
    """A fill as it stands in the journal of fills: with whose it was. `fee_value` is the fee in `currency`, the quote
    currency, at the price of the fill; `executor` is empty for a closing sale of the whole grid, and `order` for coins
    that were written off."""

    at: datetime
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    fee_value: Decimal
    currency: str
    order: str
    trade_id: str
    maker: bool
    grid: str
    executor: str = ""
    cycle: int = 0

    @property
    def key(self) -> str:
        """Which fill it is: an exchange may give the same trade id to both sides of a trade, or on another market."""
        return f"{self.order or self.executor}:{self.trade_id}"

    @property
    def cost(self) -> Decimal:
        return self.price * self.amount
