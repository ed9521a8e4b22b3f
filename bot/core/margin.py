"""Linear perpetuals: margin, the estimated liquidation price, and how a position differs from what the books say.

Rule: a grid is long in one-way mode, its levels share one position with isolated margin, and only its entries enlarge
that position. Amounts are base coin, prices and margin quote currency.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
from enum import StrEnum

from bot.core.model import FundingPaid, Position
from bot.core.money import ZERO

ONE = Decimal(1)
NEVER_LESS = Context(prec=20, rounding=ROUND_CEILING, traps=[InvalidOperation])
"""For estimates: what is rounded errs on the side of caution."""
MOST_BOOKED = 300
"""Funding payments of a market that are remembered by name, some hundred days of them."""


def margin(notional: Decimal, leverage: Decimal) -> Decimal:
    """What a position of this value binds when it is opened."""
    return NEVER_LESS.divide(notional, leverage)


def liquidation_price(entry: Decimal, leverage: Decimal, maintenance_ratio: Decimal) -> Decimal:
    """Where a long opened at the average price `entry` is liquidated, isolated margin; 0 where it never is.

    Derived: q coins bought at E with margin E·q / L are worth E·q / L + (P − E)·q at the price P, and are liquidated
    when that has fallen to the maintenance ratio m of their value, m·P·q. So P·(1 − m) = E·(1 − 1 / L). Venues differ
    in fees and in tiers of m, so this is an estimate.
    """
    lent = max(leverage - ONE, ZERO)
    return NEVER_LESS.divide(entry * lent, leverage * (ONE - maintenance_ratio))


@dataclass(frozen=True, slots=True)
class Gearing:
    """What leverage makes of a grid whose levels have all bought: its margin with fees, and where it is liquidated."""

    leverage: Decimal
    margin: Decimal
    liquidation: Decimal


def leverage_of(setting: Decimal | None, position: Position | None) -> Decimal | None:
    """The leverage orders will have: that of an open position, LEVERAGE, or what the account has; None when nobody
    knows. A pretend account (no position) holds coins paid in full."""
    if position is None:
        return setting or ONE
    there = position.leverage or None
    return there or setting if position.amount else setting or there


class Oddity(StrEnum):
    """What about a position is not this bot's."""

    LARGER = "larger than the books"
    SHORT = "short"
    HEDGED = "in hedge mode"
    CROSS = "in cross margin"
    LEVERAGE = "of another leverage than LEVERAGE"


CAN_STAND_BESIDE = frozenset({Oddity.LARGER, Oddity.CROSS, Oddity.LEVERAGE})
"""The oddities beside which orders still do what they say: sales would bounce off a short, and in hedge mode."""
OF_AMOUNT = frozenset({Oddity.LARGER, Oddity.SHORT})
"""Those that a fill on its way can feign."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a position differs from the books: what is missing of it (base coin), and what is not ours."""

    missing: Decimal = ZERO
    oddities: tuple[Oddity, ...] = ()

    @property
    def is_of_amount(self) -> bool:
        """Whether fills on their way could explain it."""
        return bool(self.missing) or not OF_AMOUNT.isdisjoint(self.oddities)

    def shared(self, before: "Difference") -> "Difference":
        """What of this was there before as well; mode, margin and leverage count as they are now."""
        odd = tuple(each for each in self.oddities if each not in OF_AMOUNT or each in before.oddities)
        return Difference(min(self.missing, before.missing), odd)

    def without_amounts(self) -> "Difference":
        """What no fill could explain."""
        return Difference(ZERO, tuple(each for each in self.oddities if each not in OF_AMOUNT))


ALIKE = Difference()


def difference(position: Position, held: Decimal, kept: Decimal, step: Decimal, leverage: Decimal | None) -> Difference:
    """Compare a position with what living grids hold and what ended ones have kept.

    Kept coins are the owner's to sell: without them nothing is missing, with them nothing is too much. Mode, margin and
    leverage of an empty position are still to be set; only hedge mode can't be, for it is the whole account's.
    """
    odd: list[Oddity] = []
    if position.amount <= -step:
        odd.append(Oddity.SHORT)
    elif position.amount - held - kept >= step:
        odd.append(Oddity.LARGER)
    if not position.one_way:
        odd.append(Oddity.HEDGED)
    if position.amount:
        if not position.isolated:
            odd.append(Oddity.CROSS)
        if leverage is not None and position.leverage is not None and position.leverage != leverage:
            odd.append(Oddity.LEVERAGE)
    missing = held - max(position.amount, ZERO)
    return Difference(missing if missing >= step else ZERO, tuple(odd))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept of one perpetual: oddities the owner wants to trade beside, and the funding booked last."""

    beside: tuple[Oddity, ...] = ()
    booked: tuple[tuple[str, datetime], ...] = ()

    def knows(self, paid: FundingPaid) -> bool:
        """Whether a payment was booked; one that is older than all that are remembered counts as booked."""
        if any(paid.funding_id == funding_id for funding_id, _ in self.booked):
            return True
        return len(self.booked) >= MOST_BOOKED and paid.at < self.booked[0][1]

    def with_booked(self, paid: FundingPaid) -> "Standing":
        """Having booked one more payment; the oldest are forgotten."""
        booked = sorted((*self.booked, (paid.funding_id, paid.at)), key=lambda each: each[1])
        return Standing(self.beside, tuple(booked[-MOST_BOOKED:]))


UNKNOWN = Standing()
