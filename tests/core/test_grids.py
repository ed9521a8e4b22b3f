"""Prices of a grid against an independent computation: fractions, a root found by bisection, an integral."""

import math
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.grids import GridSpec, Shape, amount_per_level, centre, exit_price, prices, twins
from tests.fakes import BTC, dec, market

LINEAR = GridSpec(Shape.LINEAR, BTC, dec(54_000), dec(66_000), 5, dec("0.001"), None, dec("0.5"))
WIDE = Context(prec=120)


def spec(shape: Shape, low: str, high: str, count: int, **more: object) -> GridSpec:
    return replace(LINEAR, shape=shape, minimum=dec(low), maximum=dec(high), count=count, **more)  # type: ignore[arg-type]


def texts(found: list[Decimal]) -> list[str]:
    return [format(price.normalize(), "f") for price in found]


def down(price: Fraction, tick: Decimal) -> Decimal:
    return Decimal(price // Fraction(tick)) * tick


def test_linear_levels_are_equal_steps_with_both_ends() -> None:
    assert texts(prices(LINEAR, dec("0.01"))) == ["54000", "57000", "60000", "63000", "66000"]


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.integers(2, 60),
    st.sampled_from(["0.01", "0.1", "0.00000001", "0.25", "1", "5"]),
)
def test_linear_levels_are_exact_fractions_rounded_down(low: int, span: int, count: int, tick: str) -> None:
    minimum, maximum = Decimal(low).scaleb(-4), Decimal(low + span).scaleb(-4)
    found = prices(spec(Shape.LINEAR, str(minimum), str(maximum), count), dec(tick))
    step = (Fraction(maximum) - Fraction(minimum)) / (count - 1)
    assert found == [down(Fraction(minimum) + step * i, dec(tick)) for i in range(count)]


def geometric(low: Decimal, high: Decimal, count: int, tick: Decimal) -> list[Decimal]:
    """The largest price on the tick with price^(n−1) ≤ low^(n−1−i) × high^i: no root is ever taken."""
    last, found = count - 1, []
    for i in range(count):
        bound = Fraction(low) ** (last - i) * Fraction(high) ** i
        guess = math.exp(math.log(low) + (math.log(high) - math.log(low)) * i / last)
        number = int(Fraction(guess) / Fraction(tick)) - 3
        while (Fraction(tick) * (number + 1)) ** last <= bound:
            number += 1
        found.append(number * tick)
    return found


@pytest.mark.parametrize(
    ("low", "high", "count", "tick"),
    [
        ("54000", "66000", 20, "0.01"),
        ("1", "1024", 11, "0.01"),
        ("0.00001234", "0.00005678", 12, "0.00000001"),
        ("100", "400", 3, "0.5"),
        ("97.3", "9731.7", 25, "0.1"),
    ],
)
def test_geometric_levels_are_equal_ratios_rounded_down(low: str, high: str, count: int, tick: str) -> None:
    found = prices(spec(Shape.GEOMETRIC, low, high, count), dec(tick))
    assert found == geometric(dec(low), dec(high), count, dec(tick))


def test_a_geometric_level_that_lies_on_a_tick_stays_on_it() -> None:
    assert texts(prices(spec(Shape.GEOMETRIC, "1", "1024", 11), dec("0.01"))) == [str(2**i) for i in range(11)]
    assert texts(prices(spec(Shape.GEOMETRIC, "40000", "62500", 3), dec("0.01"))) == ["40000", "50000", "62500"]


def share_below(spec_: GridSpec, price: Decimal) -> float:
    """How much of the truncated distribution lies below a price: Simpson's rule over the density."""
    mean = float(centre(spec_))
    deviation = float((spec_.maximum - spec_.minimum) / spec_.sigma)

    def area(low: float, high: float) -> float:
        steps = 4000
        width = (high - low) / steps
        total = 0.0
        for i in range(steps + 1):
            weight = 1 if i in (0, steps) else 4 if i % 2 else 2
            total += weight * math.exp(-(((low + i * width - mean) / deviation) ** 2) / 2)
        return total * width / 3

    whole = area(float(spec_.minimum), float(spec_.maximum))
    return area(float(spec_.minimum), float(price)) / whole


@pytest.mark.parametrize("sigma", ["0.5", "2", "6", "10"])
@pytest.mark.parametrize("mean", [None, "54000", "61000", "65999"])
def test_normal_levels_are_quantiles_at_equal_steps_of_probability(sigma: str, mean: str | None) -> None:
    made = spec(Shape.NORMAL, "54000", "66000", 9, sigma=dec(sigma), mean=None if mean is None else dec(mean))
    tick = dec("0.000001")
    found = prices(made, tick)
    assert (found[0], found[-1]) == (made.minimum, made.maximum)
    for i, price in enumerate(found):
        assert share_below(made, price) == pytest.approx(i / 8, abs=2e-9)


def test_normal_levels_lie_mirrored_round_the_mean_and_dense_there() -> None:
    found = prices(spec(Shape.NORMAL, "54000", "66000", 21), dec("0.0001"))
    assert found[10] == 60_000
    for low, high in zip(found[:10], reversed(found[11:]), strict=True):
        assert abs((low + high) - 120_000) <= dec("0.0001")
    steps = [after - before for before, after in pairwise(found)]
    assert steps[9] <= min(steps) + dec("0.0001")
    assert steps[0] >= max(steps) - dec("0.0001")
    assert steps[0] > 10 * steps[9]


@given(
    st.sampled_from(Shape),
    st.integers(1, 10**8),
    st.integers(1, 10**8),
    st.integers(2, 200),
    st.sampled_from(["0.5", "2", "6", "30", "100"]),
    st.floats(0, 1),
)
def test_levels_rise_from_one_end_to_the_other(
    shape: Shape, low: int, span: int, count: int, sigma: str, where: float
) -> None:
    made = spec(shape, str(Decimal(low).scaleb(-4)), str(Decimal(low + span).scaleb(-4)), count)
    if shape is Shape.NORMAL:
        mean = Decimal(low + int(span * where)).scaleb(-4)
        made = replace(made, sigma=dec(sigma), mean=mean)
    tick = dec("0.0001")
    found = prices(made, tick)
    assert len(found) == count
    assert (found[0], found[-1]) == (made.minimum, made.maximum)
    assert found == sorted(found)
    assert all(price % tick == 0 for price in found)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (spec(Shape.LINEAR, "54000", "66000", 1), "60000"),
        (spec(Shape.LINEAR, "1", "2.01", 1), "1.5"),
        (spec(Shape.GEOMETRIC, "40000", "62500", 1), "50000"),
        (spec(Shape.NORMAL, "54000", "66000", 1), "60000"),
        (spec(Shape.NORMAL, "54000", "66000", 1, mean=dec("58000.019")), "58000.01"),
    ],
)
def test_a_single_level_is_the_centre(made: GridSpec, expected: str) -> None:
    assert texts(prices(made, dec("0.01"))) == [expected]


@pytest.mark.parametrize(
    ("entry", "profit", "tick", "expected"),
    [
        ("60000", "0.5", "0.01", "60300"),
        ("60000.01", "0.5", "0.01", "60300.02"),
        ("0.00001234", "0.5", "0.00000001", "0.00001241"),
        ("100", "1000", "5", "1100"),
        ("100", "0.01", "5", "105"),
    ],
)
def test_exits_are_counted_from_the_rounded_entry_and_rounded_up(
    entry: str, profit: str, tick: str, expected: str
) -> None:
    assert exit_price(dec(entry), dec(profit), dec(tick)) == dec(expected)


@given(st.integers(1, 10**7), st.integers(1, 10**5), st.sampled_from(["0.01", "0.25", "1"]))
def test_an_exit_is_the_lowest_tick_that_reaches_the_profit(cents: int, profit: int, tick: str) -> None:
    entry = Decimal(cents).scaleb(-2)
    target = Fraction(entry) * (1 + Fraction(profit, 10**3) / 100)
    found = exit_price(entry, Decimal(profit).scaleb(-3), dec(tick))
    assert found % dec(tick) == 0
    assert Fraction(found) - Fraction(dec(tick)) < target <= Fraction(found)


@given(st.integers(1, 10**9), st.integers(1, 500), st.integers(1, 10**8))
def test_a_budget_is_shared_equally_and_never_overspent(budget: int, count: int, cents: int) -> None:
    made = replace(LINEAR, amount=None, budget=Decimal(budget).scaleb(-2), count=count)
    entry, rules = Decimal(cents).scaleb(-2), market()
    amount = amount_per_level(made, entry, rules)
    share = Fraction(budget, 100) / count
    assert amount % rules.amount_step == 0
    assert Fraction(amount) * Fraction(entry) <= share < Fraction(amount + rules.amount_step) * Fraction(entry)


def test_a_quantity_is_cut_to_the_step() -> None:
    assert amount_per_level(replace(LINEAR, amount=dec("0.00129")), dec(60_000), market()) == dec("0.0012")


def test_twins_are_neighbours_on_one_tick() -> None:
    assert twins([dec(1), dec(1), dec(2), dec(3), dec(3), dec(3)]) == [(1, 2), (4, 5), (5, 6)]
    assert twins([dec(1)]) == []


@given(st.integers(1, 10**6), st.integers(0, 10**4), st.integers(2, 300))
def test_a_linear_grid_has_twins_just_where_its_step_is_below_the_tick(low: int, ticks: int, count: int) -> None:
    assume(ticks > 0)
    made = spec(Shape.LINEAR, str(Decimal(low).scaleb(-2)), str(Decimal(low + ticks).scaleb(-2)), count)
    assert bool(twins(prices(made, dec("0.01")))) == (ticks < count - 1)
