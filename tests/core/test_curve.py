"""The course of profit: an hour's point for some days, a day's forever, and where a period begins."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.core.curve import KEEP_HOURS, Curve, Point

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
BEGIN = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def point(at: datetime, realised: int = 0) -> Point:
    return Point("all:USDT", at, Decimal(realised), Decimal(1))


def grown(zone: ZoneInfo, days: int, every: timedelta = HOUR) -> tuple[Curve, set[str]]:
    """A curve as a worker grows it that looks once a minute or so; and the keys of the points a store would hold."""
    curve, kept = Curve(zone), set[str]()
    at = BEGIN
    while at < BEGIN + days * DAY:
        if curve.is_due(at):
            kept.add(point(at).key)
            kept -= {each.key for each in curve.add(point(at))}
        at += every
    return curve, kept


@pytest.mark.parametrize("zone", [BERLIN, KOLKATA])
def test_a_year_is_a_point_a_day_and_the_last_week_a_point_an_hour(zone: ZoneInfo) -> None:
    curve, kept = grown(zone, 365, timedelta(minutes=20))
    points = list(curve)
    assert {each.key for each in points} == kept
    assert points == sorted(points, key=lambda each: each.at)
    old = [each for each in points if points[-1].at - each.at > KEEP_HOURS]
    assert len({each.at.astimezone(zone).date() for each in old}) == len(old)
    assert all(each.at.astimezone(zone).hour == 0 for each in old[1:])  # the first of each day
    assert 190 <= len(points) - len(old) <= 194
    assert len(points) < 365 + 200


def test_a_curve_read_again_is_the_same_and_goes_on_alike() -> None:
    curve, _ = grown(BERLIN, 30)
    again = Curve(BERLIN)
    again.fill(reversed(list(curve)))
    assert list(again) == list(curve)
    following = point(BEGIN + 30 * DAY)
    assert again.add(following) == curve.add(following)
    assert list(again) == list(curve)


def test_an_hour_is_the_owners_and_each_has_one_point() -> None:
    curve = Curve(KOLKATA)  # half an hour beside UTC
    curve.add(point(datetime(2026, 3, 1, 18, 29, tzinfo=UTC)))
    assert not curve.is_due(datetime(2026, 3, 1, 18, 29, 59, tzinfo=UTC))
    assert curve.is_due(datetime(2026, 3, 1, 18, 30, tzinfo=UTC))  # midnight there
    assert not curve.is_due(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))  # a clock that was set back


def test_a_period_begins_with_its_first_point_or_the_last_one_before_it() -> None:
    curve = Curve(BERLIN)
    for hour in (1, 2, 30):
        curve.add(point(BEGIN + hour * HOUR, hour))

    def began(hours: float) -> int | None:
        start = curve.at_start(BEGIN + timedelta(hours=hours))
        return None if start is None else int(start.realised)

    assert began(0) is None  # the series itself began within the period
    assert began(1.5) == 2
    assert began(10) == 2  # the worker was away
    assert began(29) == 30
    assert began(40) == 30
    assert [int(each.realised) for each in curve.since(BEGIN + 10 * HOUR)] == [2, 30]
    assert [int(each.realised) for each in curve.since(BEGIN + 29 * HOUR)] == [30]
    assert [int(each.realised) for each in curve.since(BEGIN)] == [1, 2, 30]
