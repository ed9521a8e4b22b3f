"""Levels as lines, and how densely they lie.

Rule: where they lie too close for lines every n-th is drawn: fewer lines, spread as all of them are.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from bot.charts.style import Floats
from bot.texts.catalogue import say

LEAST_GAP = 10
"""Between two lines, in px."""
MOST_LINES = 80
MOST_STEPS = 60
"""In a density's outline."""

Each = TypeVar("Each")


def every(places: Floats) -> int:
    """Every how many-th of these levels (px, lowest first) is drawn, so that most have a gap between them."""
    gaps = np.diff(places)
    usual = float(np.quantile(gaps, 0.25)) if len(gaps) else LEAST_GAP
    crowd = int(np.ceil(LEAST_GAP / usual)) if usual > 0 else len(places)
    return max(1, min(crowd, len(places)), len(places) // MOST_LINES)


def chosen(levels: Sequence[Each], nth: int) -> list[Each]:
    """Every n-th, and the last."""
    return [*levels[:-1:nth], levels[-1]] if levels else []


def level_words(nth: int) -> str:
    """What the key says of their lines."""
    return say("picture.levels") if nth == 1 else say("picture.some_levels", nth=nth)


def density(entries: Sequence[float]) -> tuple[Floats, Floats]:
    """The edges of at most MOST_STEPS stretches between levels, and how densely these lie in each; the densest is 1."""
    places = np.asarray(entries, dtype=np.float64)
    chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), MOST_STEPS + 1)).round().astype(int))
    edges, firsts = np.unique(places[chosen], return_index=True)
    counts = np.diff(chosen[firsts])
    if not len(counts):
        return edges, np.zeros(0)
    dense = counts / np.diff(edges)
    return edges, dense / dense.max()
