"""Margin and liquidation against a simulated account, differences of a position, and funding that counts once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.margin import (
    ALIKE,
    MOST_BOOKED,
    UNKNOWN,
    Difference,
    Oddity,
    difference,
    leverage_of,
    liquidation_price,
    margin,
)
from bot.core.model import FundingPaid, Position
from tests.fakes import START, dec
from tests.perpetuals import PERP

prices = st.integers(1, 10**9).map(lambda cents: Decimal(cents).scaleb(-2))
leverages = st.integers(10, 1250).map(lambda tenths: Decimal(tenths).scaleb(-1))
ratios = st.sampled_from([dec("0"), dec("0.004"), dec("0.005"), dec("0.01")])


@given(st.lists(st.tuples(prices, st.integers(1, 10**6)), min_size=1, max_size=8), leverages, ratios)
def test_the_liquidation_price_is_where_the_margin_is_just_used_up(
    lots: list[tuple[Decimal, int]], leverage: Decimal, ratio: Decimal
) -> None:
    amount = sum(size for _, size in lots)
    cost = sum(Fraction(price) * size for price, size in lots)
    entry = Decimal(round(Fraction(cost, amount) * 10**10)).scaleb(-10)
    price = Fraction(liquidation_price(entry, leverage, ratio))
    put_in = sum(Fraction(margin(lot * size, leverage)) for lot, size in lots)

    def is_liquidated(at: Fraction) -> bool:
        return put_in + at * amount - cost <= Fraction(ratio) * at * amount

    slack = max(price * Fraction(1, 10**8), Fraction(1, 10**8))
    if leverage > 1:
        assert is_liquidated(price - slack)
    assert not is_liquidated(price + slack)


def test_the_liquidation_price_of_a_textbook_long() -> None:
    assert liquidation_price(dec(60_000), dec(10), dec(0)) == 54_000
    assert liquidation_price(dec(59_700), dec(3), dec("0.005")) == 40_000
    assert liquidation_price(dec(60_000), dec(1), dec("0.005")) == 0
    assert liquidation_price(dec(60_000), dec("0.5"), dec("0.005")) == 0


def position(amount: str, leverage: str | None = "3", *, isolated: bool = True, one_way: bool = True) -> Position:
    return Position(dec(amount), dec(60_000), dec(leverage) if leverage else None, isolated, one_way)


STEP = dec("0.001")


@pytest.mark.parametrize(
    ("there", "held", "kept", "found"),
    [
        (position("0.005"), "0.005", "0", ALIKE),
        (position("0.0055"), "0.005", "0", ALIKE),  # less than the step is dust
        (position("0.006"), "0.005", "0", Difference(dec(0), (Oddity.LARGER,))),
        (position("0.004"), "0.005", "0", Difference(dec("0.001"))),
        (position("0"), "0.005", "0", Difference(dec("0.005"))),
        (position("-0.002"), "0.005", "0", Difference(dec("0.005"), (Oddity.SHORT,))),
        (position("-0.002"), "0", "0", Difference(dec(0), (Oddity.SHORT,))),
        (position("0.007"), "0.005", "0.002", ALIKE),
        (position("0.005"), "0.005", "0.002", ALIKE),
        (position("0.005", "5"), "0.005", "0", Difference(dec(0), (Oddity.LEVERAGE,))),
        (position("0.005", None), "0.005", "0", ALIKE),  # unknown is unknown
        (position("0.005", isolated=False), "0.005", "0", Difference(dec(0), (Oddity.CROSS,))),
        (position("0", "5", isolated=False), "0", "0", ALIKE),
        (position("0", one_way=False), "0", "0", Difference(dec(0), (Oddity.HEDGED,))),
    ],
)
def test_a_position_is_compared_with_the_books(there: Position, held: str, kept: str, found: Difference) -> None:
    assert difference(there, dec(held), dec(kept), STEP, dec(3)) == found


def test_without_leverage_in_the_settings_any_is_ours() -> None:
    assert difference(position("0.005", "7"), dec("0.005"), dec(0), STEP, None) == ALIKE


@pytest.mark.parametrize(
    ("setting", "there", "leverage"),
    [
        (None, None, 1),  # a pretend account pays in full
        (dec(3), None, 3),
        (dec(3), position("0", "10"), 3),
        (None, position("0", "10"), 10),
        (dec(3), position("0.1", "10"), 10),
        (dec(3), position("0.1", None), 3),
        (None, position("0", None), None),
    ],
)
def test_the_leverage_orders_will_have(setting: Decimal | None, there: Position | None, leverage: int | None) -> None:
    assert leverage_of(setting, there) == leverage


def test_only_what_was_there_before_is_left_of_a_difference_of_amounts() -> None:
    now = Difference(dec("0.003"), (Oddity.SHORT, Oddity.CROSS))
    assert now.shared(Difference(dec("0.001"))) == Difference(dec("0.001"), (Oddity.CROSS,))
    assert now.shared(ALIKE) == now.without_amounts() == Difference(dec(0), (Oddity.CROSS,))
    assert now.is_of_amount
    assert not now.without_amounts().is_of_amount


def test_the_oldest_payments_are_forgotten_and_count_as_booked() -> None:
    standing = UNKNOWN
    for hour in range(MOST_BOOKED + 10):
        paid = FundingPaid(f"f{hour}", PERP, dec(1), START.replace(year=2000 + hour))
        assert not standing.knows(paid)
        standing = standing.with_booked(paid)
    assert len(standing.booked) == MOST_BOOKED
    assert all(standing.knows(FundingPaid(f"f{n}", PERP, dec(1), START.replace(year=2000 + n))) for n in range(310))
