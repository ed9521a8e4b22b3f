"""Courses of money over time, and the fall from their peak.

Rule: thinned so that no spike is lost; what a course came to in the end is written beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bot.charts.numbers import short
from bot.charts.scale import Scale
from bot.charts.style import FAINT, LEFT, NORMAL, RED, RIGHT, THICK, THIN, Floats, Times, panel, write
from bot.charts.tags import Tag, draw_tags
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 1500


@dataclass(frozen=True, slots=True)
class Curve:
    """A course of money, one value for each time."""

    name: str
    values: Floats
    color: str


def thinned(values: Floats) -> NDArray[np.int64]:
    """Indices of at most MOST_POINTS values: the lowest and highest of each stretch, so that no spike is lost."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), MOST_POINTS // 2)
    ends = ((part[values[part].argmin()], part[values[part].argmax()]) for part in stretches)
    kept = {int(index) for pair in ends for index in pair} | {0, len(values) - 1}
    return np.array(sorted(kept))


def panel_named(figure: "Figure", name: str, top: float, bottom: float) -> "Axes":
    """A panel with its name above it."""
    write(figure, LEFT, top - 26, name, color=FAINT)
    return panel(figure, LEFT, top, RIGHT, bottom)


def draw_curves(figure: "Figure", axes: "Axes", times: Times, curves: Sequence[Curve]) -> None:
    """Courses of money around zero, each named at its end; the first stands out, and decides which points are kept."""
    shown = thinned(curves[0].values)
    low, high = (edge(0.0, *(float(edge(curve.values)) for curve in curves)) for edge in (min, max))
    pad = 0.06 * (high - low) or 1.0
    for curve in reversed(curves):
        width = THICK if curve is curves[0] else THIN
        axes.plot(times[shown], curve.values[shown], color=curve.color, linewidth=width)
    axes.axhline(0, color=FAINT, linewidth=THIN, alpha=0.6)
    tags = [Tag(float(curve.values[-1]), curve.name, curve.color) for curve in curves]
    draw_tags(figure, axes, Scale(low - pad, high + pad), tags, short)


def draw_fall(figure: "Figure", axes: "Axes", times: Times, total: Floats) -> None:
    """How far a profit is below the highest it has been."""
    depth = total - np.maximum.accumulate(np.maximum(total, 0.0))
    shown, deepest = thinned(depth), float(depth.min())
    axes.fill_between(times[shown], depth[shown], 0, color=RED, alpha=0.35, linewidth=0)
    axes.plot(times[shown], depth[shown], color=RED, linewidth=THIN)
    if deepest < 0:
        draw_tags(figure, axes, Scale(1.1 * deepest, 0.0), [Tag(deepest, say("picture.deepest"), RED)], short)
    else:
        axes.set_ylim(-1, 0)
        never = say("picture.never")
        axes.text(0.5, 0.5, never, transform=axes.transAxes, color=FAINT, fontsize=NORMAL, ha="center", va="center")
