"""The course of profit in time: a point an hour for the last days, a point a day forever.

Rule: points are sums as they stood at a moment, so a period is the difference of two of them, and what is drawn costs
the same after ten or a million closed trades. Hours and days are the owner's.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from bot.core.money import ZERO

KEEP_HOURS = timedelta(days=8)
"""So long each hour has a point of its own: today, and the seven days before."""
FIRST_LOOK = timedelta(hours=2)
"""A point this long after a period's beginning still stands for it: the worker may have been away."""


@dataclass(frozen=True, slots=True)
class Point:
    """Profit since the beginning at a moment, in quote currency. `capital`: what the grids alive then could bind at
    worst; `hold`: what the same capital had gained as coins, bought when each grid began (None: not known)."""

    series: str
    at: datetime
    realised: Decimal
    open_profit: Decimal
    capital: Decimal = ZERO
    hold: Decimal | None = None

    @property
    def total(self) -> Decimal:
        return self.realised + self.open_profit

    @property
    def key(self) -> str:
        return f"{self.series} {self.at.isoformat()}"


class Curve:
    """The points of one series, oldest first."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._daily: list[Point] = []
        self._hourly: deque[Point] = deque()

    def __iter__(self) -> Iterator[Point]:
        yield from self._daily
        yield from self._hourly

    def __len__(self) -> int:
        return len(self._daily) + len(self._hourly)

    @property
    def last(self) -> Point | None:
        if self._hourly:
            return self._hourly[-1]
        return self._daily[-1] if self._daily else None

    def is_due(self, at: datetime) -> bool:
        """Whether an hour without a point has begun."""
        last = self.last
        return last is None or (at > last.at and self._hour(at) != self._hour(last.at))

    def _hour(self, at: datetime) -> tuple[int, int]:
        local = at.astimezone(self._zone)
        return local.toordinal(), local.hour

    def _day(self, at: datetime) -> int:
        return at.astimezone(self._zone).toordinal()

    def add(self, point: Point) -> list[Point]:
        """Take a point younger than all others; returns those that are not needed any more."""
        self._hourly.append(point)
        dropped: list[Point] = []
        while point.at - self._hourly[0].at > KEEP_HOURS:
            oldest = self._hourly.popleft()
            if self._daily and self._day(self._daily[-1].at) == self._day(oldest.at):
                dropped.append(oldest)
            else:
                self._daily.append(oldest)
        return dropped

    def fill(self, points: Iterable[Point]) -> None:
        """Take the points that were kept, in any order."""
        for point in sorted(points, key=lambda each: each.at):
            self.add(point)

    def since(self, begin: datetime) -> list[Point]:
        """The points of a period that began then, and the one it began with."""
        points = list(self)
        after = bisect_right(points, begin, key=lambda each: each.at)
        starts_late = after < len(points) and points[after].at - begin <= FIRST_LOOK
        return points[after:] if starts_late or not after else points[after - 1 :]

    def at_start(self, begin: datetime) -> Point | None:
        """How things stood when a period began: its first point where it came soon, else the last one before it; None
        where the series itself is younger."""
        points = list(self)
        after = bisect_right(points, begin, key=lambda each: each.at)
        if not after:
            return None
        if after < len(points) and points[after].at - begin <= FIRST_LOOK:
            return points[after]
        return points[after - 1]
