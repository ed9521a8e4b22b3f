"""Exact books of one level: lots bought, what was sold of them, fees, and the closed trade.

Rule: every figure is a sum of the fills' own numbers. What was sold is matched with lots first in, first out, so the
cost of a sale is exact even where dust stays behind; nothing is divided but for the average prices that are shown. A
base-coin fee is taken from the lot it came with, at that fill's price: it counts as a fee, not as cost. A sale beyond
what is held stands as a negative lot until a purchase covers it; it joins the profit only then.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.model import Fill, Market, Side
from bot.core.money import ZERO, average
from bot.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Lot:
    """Coins bought at one price; a negative amount was sold and is not covered yet."""

    amount: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One closed trade of one executor, as it stands in the ledger. Money in `currency`, `qty` in base coin."""

    grid: str
    executor: str
    cycle: int
    symbol: str
    qty: Decimal
    cost: Decimal
    proceeds: Decimal
    fees: Decimal
    currency: str
    closed_at: datetime

    @property
    def key(self) -> str:
        return f"{self.executor}:{self.cycle}"

    @property
    def entry(self) -> Decimal:
        return average(self.cost, self.qty)

    @property
    def exit(self) -> Decimal:
        return average(self.proceeds, self.qty)

    @property
    def gross(self) -> Decimal:
        return self.proceeds - self.cost

    @property
    def pnl(self) -> Decimal:
        return self.gross - self.fees


def fee_value(fill: Fill, market: Market) -> Decimal:
    """A fill's fee in quote currency, at the price of the fill."""
    if fill.fee_currency == market.quote:
        return fill.fee
    if fill.fee_currency == market.base:
        return fill.fee * fill.price
    if fill.fee == ZERO:
        return ZERO
    if fill.fee_rate is None:
        raise ProtocolError(f"the fee of trade {fill.trade_id} is in {fill.fee_currency}, which has no price here")
    return fill.fee * fill.fee_rate


@dataclass(frozen=True, slots=True)
class Books:
    """What a level holds, and what it has done since its last closed trade.

    `held` and `held_cost` are sums over `lots`, carried dust included. `bought` is what the present entry leg bought
    (before fees), `sold`, `cost`, `proceeds` belong to the present exit leg; `fees` to both.
    """

    lots: tuple[Lot, ...] = ()
    held: Decimal = ZERO
    held_cost: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    cost: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: Decimal = ZERO

    def booked(self, side: Side, fill: Fill, market: Market) -> "Books":
        """These books after one more fill."""
        fee_in_base = fill.fee if fill.fee_currency == market.base else ZERO
        fees = self.fees + fee_value(fill, market)
        if side is Side.BUY:
            return self._traded(fill.amount - fee_in_base, fill.price, self.bought + fill.amount, fees)
        # A fee in base on a sale is paid with coins: as if they had been sold at this price.
        return self._traded(-(fill.amount + fee_in_base), fill.price, self.bought, fees)

    def _traded(self, amount: Decimal, price: Decimal, bought: Decimal, fees: Decimal) -> "Books":
        """Add coins (or remove, when negative), matching them first in, first out with lots of the other sign."""
        left, used, matched, at_lots = amount, 0, ZERO, ZERO
        rest: tuple[Lot, ...] = ()
        for lot in self.lots:
            if left == ZERO or (lot.amount > ZERO) == (amount > ZERO):
                break
            used += 1
            part = -left if abs(left) <= abs(lot.amount) else lot.amount
            matched += part
            at_lots += part * lot.price
            left += part
            if part != lot.amount:
                rest = (Lot(lot.amount - part, lot.price),)
        over = (Lot(left, price),) if left != ZERO else ()
        at_fill = matched * price
        bought_at, sold_at = (at_lots, at_fill) if matched > ZERO else (-at_fill, -at_lots)
        return Books(
            lots=(*rest, *self.lots[used:], *over),
            held=self.held + amount,
            held_cost=self.held_cost - at_lots + left * price,
            bought=bought,
            sold=self.sold + abs(matched),
            cost=self.cost + bought_at,
            proceeds=self.proceeds + sold_at,
            fees=fees,
        )

    def settled(self) -> "Books":
        """The books as the next cycle finds them: only lots are left, and fees that no closed trade has carried."""
        fees = ZERO if self.sold else self.fees
        return Books(lots=self.lots, held=self.held, held_cost=self.held_cost, fees=fees)

    @property
    def unsettled(self) -> Decimal:
        """Profit of what was sold and fees paid since the last closed trade, in quote currency."""
        return self.proceeds - self.cost - self.fees

    def open_profit(self, bid: Decimal) -> Decimal:
        """Total profit less what closed trades have realised, with the holding valued at `bid`."""
        return self.held * bid - self.held_cost + self.unsettled


EMPTY_BOOKS = Books()
