"""How every picture looks: its page, panels, colours and letters.

Rule: letters of 28 px and lines of 3 px at least. Places are px from the page's upper left corner. Colour is for
what a person can act on: buys are green, sells are red, what wants a look is amber; the rest is quiet.
"""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

WIDTH_PX, HEIGHT_PX, DPI = 1080, 1350, 100
PT = 72 / DPI
"""Points of one pixel."""
SMALL, NORMAL, LARGE = 28 * PT, 32 * PT, 42 * PT
THIN, THICK = 3 * PT, 5 * PT
LEFT, RIGHT = 40, 856
"""Where panels begin, and where the last of them ends: beyond stand the prices."""
BOTTOM = 1280
"""Where the lowest panel ends: beneath stand the times."""

GROUND, PANEL, INK, FAINT = "#0e1116", "#151a21", "#e8edf4", "#8b96a5"
BLUE, GREEN, RED, AMBER, VIOLET = "#5aa9ff", "#3fd18b", "#ff6b6b", "#f5b84b", "#b79bff"


def page(title: str, subtitle: str) -> "Figure":
    """An empty picture with its two lines on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=GROUND)
    _fitted(write(figure, LEFT, 60, title, size=LARGE, weight="bold"))
    _fitted(write(figure, LEFT, 116, subtitle, color=FAINT, size=NORMAL))
    return figure


def write(
    figure: "Figure", x: float, y: float, text: str, *, color: str = INK, size: float = SMALL, weight: str = "normal"
) -> "Text":
    """A line that begins at x, its middle at y; a `$` is a dollar, not the sign of a formula."""
    return figure.text(
        x / WIDTH_PX,
        1 - y / HEIGHT_PX,
        text,
        color=color,
        fontsize=size,
        fontweight=weight,
        va="center_baseline",
        parse_math=False,
    )


def panel(figure: "Figure", left: float, top: float, right: float, bottom: float) -> "Axes":
    """An empty panel between these places."""
    box = (left / WIDTH_PX, 1 - bottom / HEIGHT_PX, (right - left) / WIDTH_PX, (bottom - top) / HEIGHT_PX)
    axes = figure.add_axes(box, facecolor=PANEL)
    axes.tick_params(colors=INK, labelsize=SMALL, length=0, pad=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=True, color=FAINT, alpha=0.16, linewidth=THIN)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    return axes


def caption(axes: "Axes", text: str) -> None:
    """A word beneath a panel, where another has its times."""
    axes.set_xticks([sum(axes.get_xlim()) / 2], [text])
    axes.tick_params(axis="x", labelcolor=FAINT)
    axes.grid(visible=False, axis="x")


def _fitted(text: "Text") -> None:
    """Have a line of text no wider than the picture."""
    width = text.get_window_extent().width
    room = WIDTH_PX - 2 * LEFT
    if width > room:
        text.set_fontsize(float(text.get_fontsize()) * room / width)


def png(figure: "Figure") -> bytes:
    out = BytesIO()
    figure.savefig(out, format="png", facecolor=GROUND)
    return out.getvalue()
