"""Grids: from a trader's wish to the prices of its levels.

Rule: a price is exact until it is rounded to the tick, entries down and exits up. What can't be exact (roots,
quantiles) is first rounded to far more digits than any tick has, so a value that lies on a tick stays on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from statistics import NormalDist

from bot.core.model import Market
from bot.core.money import HUNDRED, floor_to


class Shape(StrEnum):
    """How the entries are spread between MIN and MAX."""

    LINEAR = "linear"
    NORMAL = "normal"
    GEOMETRIC = "geometric"


@dataclass(frozen=True, slots=True)
class GridSpec:
    """A grid as it was asked for. Either `amount` (base coin a level) or `budget` (quote currency in all) is given.

    `profit_pct` is a per cent of each level's own entry; `sigma` the number of standard deviations in MAX − MIN.
    """

    shape: Shape
    symbol: str
    minimum: Decimal
    maximum: Decimal
    count: int
    amount: Decimal | None
    budget: Decimal | None
    profit_pct: Decimal
    loop: bool = False
    mean: Decimal | None = None
    sigma: Decimal = Decimal(6)
    above_wait: bool = False
    stop: Decimal | None = None
    stop_sell: bool = False
    take: Decimal | None = None
    force: bool = False


ROOTS = Context(prec=50, rounding=ROUND_HALF_EVEN)
ROOT_DIGITS = Context(prec=30, rounding=ROUND_HALF_EVEN)
HALF = Decimal("0.5")
Z_DIGITS = 12
"""Decimal places kept of a quantile in standard deviations; a double gives about 15."""


def prices(spec: GridSpec, tick: Decimal) -> list[Decimal]:
    """The entry prices from the lowest up, each rounded down to the tick."""
    if spec.count == 1:
        return [floor_to(centre(spec), tick)]
    last = spec.count - 1
    between = [_between(spec, i, last, tick) for i in range(1, last)]
    return [floor_to(spec.minimum, tick), *between, floor_to(spec.maximum, tick)]


def centre(spec: GridSpec) -> Decimal:
    """The mean where one is given, else the middle of the range in the grid's own measure."""
    if spec.mean is not None:
        return spec.mean
    if spec.shape is Shape.GEOMETRIC:
        return _on_curve(spec.minimum, spec.maximum, Fraction(1, 2))
    return (spec.minimum + spec.maximum) * HALF


def _between(spec: GridSpec, i: int, last: int, tick: Decimal) -> Decimal:
    match spec.shape:
        case Shape.LINEAR:  # fractions all the way: exact
            price = (Fraction(spec.minimum) * (last - i) + Fraction(spec.maximum) * i) / last
            return (price // Fraction(tick)) * tick
        case Shape.GEOMETRIC:
            return floor_to(_on_curve(spec.minimum, spec.maximum, Fraction(i, last)), tick)
        case Shape.NORMAL:
            return floor_to(_quantile(spec, i / last), tick)


def _on_curve(low: Decimal, high: Decimal, part: Fraction) -> Decimal:
    """low × (high / low) ^ part, to 30 digits."""
    ratio = ROOTS.ln(ROOTS.divide(high, low))
    exponent = ROOTS.divide(ROOTS.multiply(ratio, Decimal(part.numerator)), Decimal(part.denominator))
    return ROOT_DIGITS.plus(ROOTS.multiply(low, ROOTS.exp(exponent)))


def _quantile(spec: GridSpec, probability: float) -> Decimal:
    """The price at `probability` of the normal distribution cut off at MIN and MAX.

    Source: inverse transform of a truncated normal, x = mean + sd · Φ⁻¹(Φ(a) + p (Φ(b) − Φ(a))), with a and b the ends
    in standard deviations. Above the mean it is computed from the upper tail, where Φ would lose its digits.
    """
    mean = centre(spec)
    deviation = ROOTS.divide(spec.maximum - spec.minimum, spec.sigma)
    low = float(ROOTS.divide(spec.minimum - mean, deviation))
    high = float(ROOTS.divide(spec.maximum - mean, deviation))
    normal = NormalDist()
    share = normal.cdf(low) + probability * (normal.cdf(high) - normal.cdf(low))
    if share <= 0.5:
        z = normal.inv_cdf(share) if share > 0 else low
    else:
        upper = normal.cdf(-high) + (1 - probability) * (normal.cdf(-low) - normal.cdf(-high))
        z = -normal.inv_cdf(upper) if upper > 0 else high
    z = min(max(z, low), high)
    return mean + ROOT_DIGITS.multiply(deviation, Decimal(repr(round(z, Z_DIGITS))))


def exit_price(entry: Decimal, profit_pct: Decimal, tick: Decimal) -> Decimal:
    """entry × (1 + profit / 100), rounded up to the tick."""
    target = entry + entry * profit_pct / HUNDRED
    below = floor_to(target, tick)
    return below if below == target else below + tick


def amount_per_level(spec: GridSpec, entry: Decimal, market: Market) -> Decimal:
    """What a level buys, in base coin on the step: QTY, or its share of the budget at its own entry."""
    if spec.amount is not None:
        return market.amount_down(spec.amount)
    assert spec.budget is not None
    share = Fraction(spec.budget) / spec.count / Fraction(entry)
    return (share // Fraction(market.amount_step)) * market.amount_step


def twins(entries: Sequence[Decimal]) -> list[tuple[int, int]]:
    """Numbers (from 1) of neighbouring levels that fall on one tick."""
    return [(i, i + 1) for i in range(1, len(entries)) if entries[i - 1] == entries[i]]
