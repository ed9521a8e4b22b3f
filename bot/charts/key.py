"""The key of a picture: which colour is what, in rows beneath its title.

Rule: only what is in the picture stands in its key; the rows are as many as it needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.charts.style import HEIGHT_PX, LEFT, PT, THICK, WIDTH_PX, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP, ROW = 174, 44
LINE, MARK, GAP, APART = 34, 22, 12, 32
"""Widths in px: of a sign that is a line or another, from it to its word, and from there to the next sign."""


class Sign(StrEnum):
    """What stands before a word of the key."""

    LINE = "-"
    DASHES = ":"
    BOX = "s"
    RISE = "^"
    DROP = "v"


LINES = (Sign.LINE, Sign.DASHES)


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of the key."""

    label: str
    color: str
    sign: Sign = Sign.LINE


def draw_key(figure: "Figure", entries: Sequence[Entry]) -> int:
    """The key, in as many rows as it needs; returns where the first panel may begin."""
    x, y = LEFT, TOP
    for entry in entries:
        sign = LINE if entry.sign in LINES else MARK
        word = write(figure, x + sign + GAP, y, entry.label)
        width = sign + GAP + int(word.get_window_extent().width)
        if x + width > WIDTH_PX - LEFT and x > LEFT:
            x, y = LEFT, y + ROW
            word.set_position(((x + sign + GAP) / WIDTH_PX, 1 - y / HEIGHT_PX))
        _draw_sign(figure, x, y, entry)
        x += width + APART
    return y + ROW - 12 if entries else TOP


def _draw_sign(figure: "Figure", x: float, y: float, entry: Entry) -> None:
    from matplotlib.lines import Line2D

    height = 1 - y / HEIGHT_PX
    if entry.sign in LINES:
        line = Line2D([x / WIDTH_PX, (x + LINE) / WIDTH_PX], [height, height], color=entry.color, lw=THICK)
        if entry.sign is Sign.DASHES:
            line.set_dashes((1.6, 1.2))
    else:
        middle = (x + MARK / 2) / WIDTH_PX
        line = Line2D([middle], [height], color=entry.color, marker=entry.sign, ms=MARK * PT, lw=0)
    figure.add_artist(line)
