"""Pictures for a phone: figures in, PNG bytes out.

Rule: drawn away from the event loop (these functions only compute), matplotlib imported when the first picture is asked
for. Portrait, dark, letters of 28 px and lines of 3 px at least, as a chat makes a JPEG of it on a small screen. A
picture is an extra: whoever asks for one must do without it when drawing fails.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

Floats = NDArray[np.float64]

WIDTH_PX, HEIGHT_PX, DPI = 1080, 1350, 100
PT = 72 / DPI
"""Points of one pixel."""
SMALL, NORMAL, LARGE = 28 * PT, 32 * PT, 42 * PT
THIN, THICK = 3 * PT, 5 * PT
MOST_POINTS = 1500
MOST_MARKS = 400
MOST_LEVELS = 100
UNITS = ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e5, 1e3, "k"))
"""From what size on a number is shown in which unit."""

GROUND, PANEL, INK, FAINT = "#0e1116", "#151a21", "#e8edf4", "#8b96a5"
BLUE, GREEN, RED, AMBER = "#5aa9ff", "#3fd18b", "#ff6b6b", "#f5b84b"


@dataclass(frozen=True, slots=True)
class BacktestPicture:
    """What the picture of a backtest shows. `times` are ms since 1970, one per candle, as are the three series; `sales`
    are (time, price) of closed trades; money in `currency`."""

    title: str
    subtitle: str
    currency: str
    times: NDArray[np.int64]
    closes: Floats
    equity: Floats
    hold: Floats
    entries: Sequence[float]
    sales: Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class ProfitPicture:
    """What the picture of a period's profit shows: `times` as a clock on the wall shows them, in ms since 1970, and the
    profit since the first of them, in `currency`. `hold` is empty where holding is not known."""

    title: str
    subtitle: str
    currency: str
    times: NDArray[np.int64]
    realised: Floats
    total: Floats
    hold: Floats


def profit_chart(picture: ProfitPicture) -> bytes:
    """Realised profit and the total, against holding; below it the total's fall from its peak."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": SMALL, "axes.edgecolor": FAINT, "text.color": INK, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=GROUND)
        profit, fall = figure.subplots(2, 1, sharex=True, height_ratios=[5, 2])
        figure.subplots_adjust(left=0.04, right=0.83, top=0.84, bottom=0.06, hspace=0.18)
        _fitted(figure.text(0.04, 0.955, picture.title, fontsize=LARGE, fontweight="bold", va="center"))
        _fitted(figure.text(0.04, 0.915, picture.subtitle, fontsize=NORMAL, color=FAINT, va="center"))
        when, shown = picture.times.astype("datetime64[ms]"), _thinned(picture.total)
        _panel(profit, f"profit, {picture.currency}")
        if len(picture.hold):
            profit.plot(when[shown], picture.hold[shown], color=FAINT, linewidth=THIN, label="holding")
        profit.plot(when[shown], picture.realised[shown], color=BLUE, linewidth=THIN, label="realised")
        profit.plot(when[shown], picture.total[shown], color=GREEN, linewidth=THICK, label="total")
        profit.axhline(0, color=FAINT, linewidth=1.5 * PT)
        _legend(profit, 0.985)
        _fall(fall, when, shown, picture.total)
        _time_axis(fall)
        return _png(figure)


def _legend(axes: "Axes", height: float = 0.97) -> None:
    """Which line is which, above the panel's right end; `height` of the panel's own is where it stands."""
    legend = axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, height),
        borderaxespad=0,
        fontsize=SMALL,
        frameon=False,
        ncols=3,
        handlelength=1.2,
    )
    for text in legend.get_texts():
        text.set_color(INK)


def _fall(axes: "Axes", when: Any, shown: NDArray[np.int64], equity: Floats) -> None:
    """How far profit is below the highest it has been."""
    depth = equity - np.maximum.accumulate(np.maximum(equity, 0.0))
    _panel(axes, "below its peak")
    axes.fill_between(when[shown], depth[shown], 0, color=RED, alpha=0.35, linewidth=0)
    axes.plot(when[shown], depth[shown], color=RED, linewidth=THIN)
    axes.set_ylim(1.08 * float(depth.min()) or -1.0, 0)


def backtest_chart(picture: BacktestPicture) -> bytes:
    """Price with the grid's levels and closed trades; below it profit against holding, and the fall from its peak."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": SMALL, "axes.edgecolor": FAINT, "text.color": INK, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=GROUND)
        price, profit, fall = figure.subplots(3, 1, sharex=True, height_ratios=[5, 3, 2])
        figure.subplots_adjust(left=0.04, right=0.83, top=0.855, bottom=0.06, hspace=0.22)
        _fitted(figure.text(0.04, 0.955, picture.title, fontsize=LARGE, fontweight="bold", va="center"))
        _fitted(figure.text(0.04, 0.915, picture.subtitle, fontsize=NORMAL, color=FAINT, va="center"))
        when = picture.times.astype("datetime64[ms]")
        shown = _thinned(picture.closes)
        _panel(price, "price")
        _mark_levels(price, picture.entries)
        price.plot(when[shown], picture.closes[shown], color=BLUE, linewidth=THIN)
        _mark_sales(price, picture.sales)
        _panel(profit, f"profit, {picture.currency}")
        profit.plot(when[shown], picture.hold[shown], color=FAINT, linewidth=THIN, label="holding")
        profit.plot(when[shown], picture.equity[shown], color=GREEN, linewidth=THICK, label="grid")
        profit.axhline(0, color=FAINT, linewidth=1.5 * PT)
        _legend(profit)
        _fall(fall, when, shown, picture.equity)
        _time_axis(fall)
        return _png(figure)


def _panel(axes: "Axes", name: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_facecolor(PANEL)
    axes.yaxis.tick_right()
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, _step(axes))))
    axes.tick_params(colors=INK, labelsize=SMALL, length=0, pad=8)
    axes.grid(visible=True, color=FAINT, alpha=0.18, linewidth=1.5 * PT)
    axes.set_title(name, loc="left", color=FAINT, fontsize=SMALL, pad=8)
    for side in axes.spines.values():
        side.set_visible(False)


def _time_axis(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)  # with fewer there are spans it has no interval for
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def _mark_sales(axes: "Axes", sales: Sequence[tuple[datetime, float]]) -> None:
    """Closed trades as dots; of very many every n-th, as a thousand dots say no more than some hundred."""
    if sales:
        shown = sales[:: max(1, len(sales) // MOST_MARKS)]
        when = np.array([at.replace(tzinfo=None) for at, _ in shown], dtype="datetime64[ms]")
        axes.scatter(when, [price for _, price in shown], s=(7 * PT) ** 2, color=GREEN, zorder=3, linewidths=0)


def _mark_levels(axes: "Axes", entries: Sequence[float]) -> None:
    """The grid's levels as lines; more of them than can be told apart as the band they fill."""
    if len(entries) > MOST_LEVELS:
        axes.axhspan(min(entries), max(entries), color=AMBER, alpha=0.12, linewidth=0)
        entries = [min(entries), max(entries)]
    alpha = 0.75 if len(entries) <= 30 else 0.4
    for entry in entries:
        axes.axhline(entry, color=AMBER, linewidth=1.2 * PT, alpha=alpha)


def _fitted(text: "Text") -> None:
    """Have a line of text no wider than the picture."""
    width = text.get_window_extent().width
    room = WIDTH_PX * 0.92
    if width > room:
        text.set_fontsize(float(text.get_fontsize()) * room / width)


def _step(axes: "Axes") -> float:
    """The distance between two marks of the value axis."""
    marks = axes.get_yticks()
    return float(marks[1] - marks[0]) if len(marks) > 1 else 0.0


def _thinned(values: Floats) -> NDArray[np.int64]:
    """Indices of at most MOST_POINTS values: the lowest and highest of each stretch, so that no spike is lost."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), MOST_POINTS // 2)
    ends = ((part[values[part].argmin()], part[values[part].argmax()]) for part in stretches)
    kept = {int(index) for pair in ends for index in pair} | {0, len(values) - 1}
    return np.array(sorted(kept))


def short(value: float, step: float = 0.0) -> str:
    """A number for an axis: `62,500`, `-412`, `0.5`, `0.00001234`, `100.2k`, `2.5B`. Neighbours `step` apart differ; a
    number that stands alone has four digits that count."""
    if value == 0:
        return "0"
    size = abs(value)
    unit, letter = next(((unit, letter) for least, unit, letter in UNITS if size >= least), (1.0, ""))
    finest = abs(step) / unit or 10.0 ** (math.floor(math.log10(size / unit)) - 3)
    places = next((count for count in range(12) if abs(round(finest, count) - finest) < finest / 1000), 12)
    text = f"{value / unit:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if places and not step else text
    return text + letter


def _png(figure: Any) -> bytes:
    out = BytesIO()
    figure.savefig(out, format="png", facecolor=figure.get_facecolor(), pil_kwargs={"optimize": True})
    return out.getvalue()
