"""The time axis: round times a few to a picture, in as few letters as say which they are.

Rule: times are ms since 1970 as a clock on the wall counts them, so midnight is a day's beginning where the reader is.
"""

from typing import TYPE_CHECKING

import numpy as np

from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
STEPS = (
    *(MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 4, 6, 12)),
    *(DAY * count for count in (1, 2, 3, 5, 7, 10, 14)),
)
MONTH_STEPS = (1, 2, 3, 4, 6, 12, 24, 36, 60, 120, 240, 600)
MARGIN_RATIO = 0.03
"""This near an end a label would stand out of the picture."""


def marks(first: int, last: int, most: int = 4) -> list[tuple[int, str]]:
    """At most so many round times from `first` to `last`, each with its label; none where the two are the same."""
    margin = int((last - first) * MARGIN_RATIO)
    low, high = first + margin, last - margin
    if low >= high:
        return []
    for step in STEPS:
        begin = -(-low // step) * step
        times = range(begin, high + 1, step)
        if len(times) <= most:
            return [(time, _of_day(time, step)) for time in times]
    return _months(low, high, most)


def _months(low: int, high: int, most: int) -> list[tuple[int, str]]:
    first, last = (int(np.datetime64(time, "ms").astype("datetime64[M]").astype(np.int64)) for time in (low - 1, high))
    fitting = (step for step in MONTH_STEPS if len(range(-(-(first + 1) // step) * step, last + 1, step)) <= most)
    step = next(fitting, MONTH_STEPS[-1])
    months = range(-(-(first + 1) // step) * step, last + 1, step)
    return [(_begin_of(month), _name(month) if month % 12 else str(1970 + month // 12)) for month in months]


def _begin_of(month: int) -> int:
    return int(np.datetime64(month, "M").astype("datetime64[ms]").astype(np.int64))


def _of_day(time: int, step: int) -> str:
    """`14:30`; at midnight, and where only days are told, `23 Nov`."""
    if time % DAY or (step < DAY and step % DAY == 0):
        return _clock(time)
    day, month = _day(time)
    return say("picture.day", day=day, month=month)


def _clock(time: int) -> str:
    return f"{time // HOUR % 24:02}:{time // MINUTE % 60:02}"


def _day(time: int) -> tuple[int, str]:
    """Which day of which month."""
    month = int(np.datetime64(time, "ms").astype("datetime64[M]").astype(np.int64))
    return (time - _begin_of(month)) // DAY + 1, _name(month)


def _name(month: int) -> str:
    return say("figures.months").split()[month % 12]


def time_axis(axes: "Axes", first: int, last: int, most: int = 4) -> None:
    """Round times beneath a panel whose x is in ms; a single moment stands in the middle."""
    if first >= last:
        axes.set_xlim(first - HOUR, first + HOUR)
        day, month = _day(first)
        axes.set_xticks([first], [say("figures.stamp", day=day, month=month, time=_clock(first))])
        return
    axes.set_xlim(first, last)
    shown = marks(first, last, most)
    axes.set_xticks([time for time, _ in shown], [label for _, label in shown])
