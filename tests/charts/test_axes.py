"""What stands at an axis: numbers and times, short and unlike each other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.numbers import LONGEST, exact, short
from bot.charts.timeline import DAY, HOUR, MINUTE, marks

BEGIN_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("value", "step", "said"),
    [
        (0, 0, "0"),
        (62_500, 0, "62,500"),
        (-412, 0, "-412"),
        (0.5, 0, "0.5"),
        (0.00001234, 0, "0.00001234"),
        (-0.00001234, 0, "-0.00001234"),
        (1.25, 0, "1.25"),
        (123_456, 0, "123.5k"),
        (2.5e9, 0, "2.5B"),
        (-2_500_000, 0, "-2.5M"),
        (100_200, 200, "100.2k"),
        (100_000, 200, "100.0k"),
        (62_500.5, 0.5, "62,500.5"),
        (0.025, 0.025, "0.025"),
        (0.000012, 0.0000004, "0.0000120"),
        (2_560_000_000, 80_000_000, "2.56B"),
    ],
)
def test_a_number_on_an_axis_is_short_and_unlike_its_neighbours(value: float, step: float, said: str) -> None:
    assert short(value, step) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (62_000.0, "62,000"),
        (62_512.37, "62,512.37"),
        (1_234_567.0, "1,234,567"),
        (0.00001234, "0.00001234"),
        (0.1, "0.1"),
        (1.23456789, "1.2345679"),
        (1_234_567_890.0, "1.235B"),
        (0.0, "0"),
    ],
)
def test_a_price_that_counts_is_written_in_full_where_it_fits(value: float, said: str) -> None:
    assert exact(value) == said


@given(st.floats(1e-8, 1e15, exclude_min=True))
def test_a_price_fits_beside_the_panel(value: float) -> None:
    assert len(exact(value)) <= LONGEST + 2  # 0.000000012345 as 0.00000001235


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (10 * MINUTE, ["00:05"]),
        (HOUR, ["00:15", "00:30", "00:45"]),
        (DAY, ["06:00", "12:00", "18:00"]),
        (3 * DAY, ["2 Jan", "3 Jan"]),
        (7 * DAY, ["3 Jan", "5 Jan", "7 Jan"]),
        (150 * DAY, ["Mar", "May"]),
        (800 * DAY, ["2027", "2028"]),
    ],
)
def test_times_are_round_and_say_what_they_are(span: int, labels: list[str]) -> None:
    assert [label for _, label in marks(BEGIN_MS, BEGIN_MS + span, 3)] == labels


@given(st.integers(0, 60 * 365 * DAY), st.integers(0, 40 * 365 * DAY), st.integers(2, 5))
def test_times_are_few_and_within_their_span(first: int, span: int, most: int) -> None:
    shown = marks(first, first + span, most)
    assert len(shown) <= most
    assert all(first <= time <= first + span for time, _ in shown)
    assert [time for time, _ in shown] == sorted({time for time, _ in shown})
