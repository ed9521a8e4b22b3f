"""Candles: what the price did, as quiet shapes behind the levels.

Rule: no more of them than can be told apart on a phone; beyond that neighbours are merged, so no high or low is lost.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bot.charts.scale import Scale
from bot.charts.style import THIN, Floats, Times, caption
from bot.charts.timeline import HOUR, time_axis
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CANDLES = 60
RISE, DROP = "#a9b8ca", "#5d6c82"
BODY_RATIO = 0.72
LEAST_BODY = 3
"""Height in px of a candle that opened and closed at one price."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one market, oldest first; the five arrays are of one length, which may be 0. `times`: when each began,
    in ms since 1970 as a clock on the wall counts them; the others are prices."""

    times: Times
    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats

    def __len__(self) -> int:
        return len(self.times)

    @property
    def span(self) -> int:
        """Milliseconds of one candle."""
        return int(np.median(np.diff(self.times))) if len(self) > 1 else HOUR

    @property
    def period(self) -> tuple[int, int]:
        """From when to when, in ms."""
        return int(self.times[0]), int(self.times[-1]) + self.span

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest price."""
        return float(self.lows.min()), float(self.highs.max())


def merged(candles: Candles, most: int = MOST_CANDLES) -> Candles:
    """At most so many candles, neighbours made one."""
    count = len(candles)
    if count <= most:
        return candles
    begins = np.arange(0, count, -(-count // most))
    ends = np.append(begins[1:], count) - 1
    return Candles(
        times=candles.times[begins],
        opens=candles.opens[begins],
        highs=np.maximum.reduceat(candles.highs, begins),
        lows=np.minimum.reduceat(candles.lows, begins),
        closes=candles.closes[ends],
    )


def draw_candles(axes: "Axes", candles: Candles | None, scale: Scale, most: int = MOST_CANDLES) -> None:
    """Wicks and bodies, and the times beneath; where there are none it says so."""
    axes.set_ylim(scale.low, scale.high)
    if not candles:
        caption(axes, say("picture.no_candles"))
        return
    shown = merged(candles, most)
    span = shown.span
    middle = shown.times + span / 2
    px = (scale.high - scale.low) / axes.bbox.height
    colors = np.where(shown.closes >= shown.opens, RISE, DROP).tolist()
    height = np.maximum(np.abs(shown.closes - shown.opens), LEAST_BODY * px)
    foot = (shown.opens + shown.closes - height) / 2
    axes.vlines(middle, shown.lows, shown.highs, colors=colors, linewidth=THIN, zorder=2)
    axes.bar(middle, height, BODY_RATIO * span, foot, color=colors, linewidth=0, zorder=2)
    time_axis(axes, *candles.period, most=3)
