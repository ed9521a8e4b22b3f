"""The picture of a grid before it is made: recent candles, every level, and how densely the levels lie.

Rule: where levels lie too close for lines every n-th is drawn, which keeps their spread, and the key says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bot.charts.candles import Candles, draw_candles
from bot.charts.key import Entry, Sign, draw_key
from bot.charts.levels import chosen, density, every, level_words
from bot.charts.scale import fitting
from bot.charts.style import (
    AMBER,
    BOTTOM,
    FAINT,
    GREEN,
    INK,
    LEFT,
    RED,
    RIGHT,
    THIN,
    VIOLET,
    caption,
    page,
    panel,
    png,
)
from bot.charts.tags import Tag, draw_tags
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 680
"""Where the panel of densities begins."""
MOST_CANDLES = 100
"""More than elsewhere: its words name the length of a candle, so neighbours are not merged."""
FEW = 8
"""Levels whose exits cross the candles too; of more they would be confused with the next level."""


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """What the picture of a preview shows; all prices in quote currency. `candles` are None where there are none.
    `entries`, lowest first, and, of the same length, `exits`, `at_once` (buys as soon as it is made, as the market is
    below it) and `refused` (can't trade). `mean` is None where the shape has none worth a line."""

    title: str
    subtitle: str
    candles: Candles | None
    entries: Sequence[float]
    exits: Sequence[float]
    at_once: Sequence[bool]
    refused: Sequence[bool]
    market: float
    mean: float | None = None


def preview_chart(picture: PreviewPicture) -> bytes:
    """The picture as PNG."""
    return png(preview_figure(picture))


def preview_figure(picture: PreviewPicture) -> "Figure":
    """Candles with the levels across them; beside them the density of the levels, and the prices that count."""
    figure = page(picture.title, picture.subtitle)
    ends = picture.candles.ends if picture.candles else None
    scale = fitting([*picture.entries, *picture.exits], picture.market, ends)
    colors = [
        FAINT if is_refused else AMBER if is_at_once else GREEN
        for is_at_once, is_refused in zip(picture.at_once, picture.refused, strict=True)
    ]
    nth = every(np.asarray(picture.entries) / (scale.high - scale.low) * (BOTTOM - 220))
    top = draw_key(figure, _key(picture, nth))
    axes = panel(figure, LEFT, top, SIDE - 8, BOTTOM)
    beside = panel(figure, SIDE, top, RIGHT, BOTTOM)
    beside.set_ylim(scale.low, scale.high)
    beside.set_xlim(0, 1)
    draw_candles(axes, picture.candles, scale, MOST_CANDLES)
    _draw_levels(axes, picture, colors, nth)
    _draw_density(beside, picture, colors, nth)
    caption(beside, say("picture.density") if len(picture.entries) > 1 else "")
    for each in (axes, beside):
        if picture.mean is not None:
            each.axhline(picture.mean, color=VIOLET, linewidth=THIN, linestyle=(0, (6, 4)), zorder=4)
        each.axhline(picture.market, color=INK, linewidth=THIN, zorder=5)
    draw_tags(figure, axes, scale, _tags(picture, colors))
    return figure


def _key(picture: PreviewPicture, nth: int) -> list[Entry]:
    waiting = [not once and not no for once, no in zip(picture.at_once, picture.refused, strict=True)]
    entries = [Entry(level_words(nth), GREEN)] if any(waiting) else []
    if any(picture.at_once):
        word = say("picture.at_once") if entries else say("picture.levels_at_once", levels=level_words(nth))
        entries.append(Entry(word, AMBER))
    if any(picture.refused):
        entries.append(Entry(say("picture.refused"), FAINT, Sign.DASHES))
    return [*entries, Entry(say("picture.exits") if len(picture.exits) > 1 else say("picture.exit"), RED)]


def _tags(picture: PreviewPicture, colors: Sequence[str]) -> list[Tag]:
    tags = [Tag(picture.market, say("picture.market"), INK, is_boxed=True)]
    if len(picture.entries) > 1:
        tags.append(Tag(picture.entries[-1], say("picture.max"), colors[-1]))
    if picture.entries:
        lowest = say("picture.min") if len(picture.entries) > 1 else say("picture.level")
        tags.append(Tag(picture.entries[0], lowest, colors[0]))
    if picture.mean is not None:
        tags.append(Tag(picture.mean, say("picture.mean"), VIOLET))
    return tags


def _draw_levels(axes: "Axes", picture: PreviewPicture, colors: Sequence[str], nth: int) -> None:
    """The levels as lines; of a few also their exits."""
    if len(picture.exits) <= FEW:
        for exit_ in picture.exits:
            axes.axhline(exit_, color=RED, linewidth=THIN, alpha=0.5, zorder=3, linestyle=(0, (2, 3)))
    for entry, color in chosen(list(zip(picture.entries, colors, strict=True)), nth):
        axes.axhline(
            entry, color=color, linewidth=THIN, alpha=0.5, zorder=3, linestyle=(0, (3, 3)) if color == FAINT else "-"
        )


def _draw_density(axes: "Axes", picture: PreviewPicture, colors: Sequence[str], nth: int) -> None:
    edges, dense = density(picture.entries)
    shade = dict(zip(picture.entries, colors, strict=True))
    shades = [shade[edge] for edge in edges[1:].tolist()]
    axes.barh(edges[:-1], 0.94 * dense, np.diff(edges), align="edge", color=shades, alpha=0.4, linewidth=0, zorder=2)
    for entry, color in chosen(list(zip(picture.entries, colors, strict=True)), nth):
        axes.axhline(entry, 0, 0.25, color=color, linewidth=THIN, zorder=3)
    for exit_ in chosen(picture.exits, nth):
        axes.axhline(exit_, 0.8, 1, color=RED, linewidth=THIN, alpha=0.8, zorder=3)
