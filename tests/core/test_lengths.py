"""Lengths of candles: when each begins, what an exchange's own are good for, and longer ones made of shorter."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.lengths import Length, lengthened, nearest
from bot.core.model import Candle
from tests.fakes import dec

COINBASE = ("1m", "5m", "15m", "30m", "1h", "2h", "6h", "1d")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def candle(at: datetime, opened: int, high: int, low: int, close: int) -> Candle:
    return Candle(at, dec(opened), dec(high), dec(low), dec(close), dec(2))


@pytest.mark.parametrize(
    ("length", "opening"),
    [
        (Length.MINUTE, datetime(2026, 11, 25, 13, 37, tzinfo=UTC)),
        (Length.HOUR, datetime(2026, 11, 25, 13, tzinfo=UTC)),
        (Length.FOUR_HOURS, datetime(2026, 11, 25, 12, tzinfo=UTC)),
        (Length.DAY, datetime(2026, 11, 25, tzinfo=UTC)),
        (Length.WEEK, MONDAY),
    ],
)
def test_candles_begin_at_round_times_and_weeks_on_monday(length: Length, opening: datetime) -> None:
    assert length.opening(datetime(2026, 11, 25, 13, 37, 59, tzinfo=UTC)) == opening
    assert length.opening(opening) == opening
    assert length.opening(opening - timedelta(microseconds=1)) == opening - length.span


@pytest.mark.parametrize(
    ("length", "names", "expected"),
    [
        (Length.HOUR, COINBASE, ("1h", timedelta(hours=1))),
        (Length.FOUR_HOURS, COINBASE, ("2h", timedelta(hours=2))),
        (Length.WEEK, COINBASE, ("1d", timedelta(days=1))),
        (Length.WEEK, ("1d", "3d", "1M"), ("1d", timedelta(days=1))),  # three days make no week, a month is longer
        (Length.WEEK, ("7d", "1w"), ("1w", timedelta(days=7))),
        (Length.MINUTE, ("5m", "1h"), None),
        (Length.DAY, ("1w", "1M"), None),
        (Length.DAY, ("0m", "day"), None),
    ],
)
def test_a_length_an_exchange_lacks_is_made_of_the_longest_that_fits(
    length: Length, names: tuple[str, ...], expected: tuple[str, timedelta] | None
) -> None:
    assert nearest(length, names) == expected


def test_a_longer_candle_has_the_first_open_the_last_close_and_the_ends_of_all() -> None:
    hours = [
        candle(MONDAY + timedelta(hours=2), 5, 9, 4, 6),
        candle(MONDAY + timedelta(hours=3), 6, 7, 3, 7),
        candle(MONDAY + timedelta(hours=4), 7, 8, 6, 8),
        candle(MONDAY + timedelta(hours=13), 8, 8, 1, 2),  # nothing is told of the hours between
    ]
    assert lengthened(hours, Length.FOUR_HOURS) == [
        Candle(MONDAY, dec(5), dec(9), dec(3), dec(7), dec(4)),
        Candle(MONDAY + timedelta(hours=4), dec(7), dec(8), dec(6), dec(8), dec(2)),
        Candle(MONDAY + timedelta(hours=12), dec(8), dec(8), dec(1), dec(2), dec(2)),
    ]
    assert lengthened([], Length.DAY) == []
