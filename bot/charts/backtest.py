"""The picture of a backtest: the price with the grid's levels and closed trades, and what came of it.

Rule: profit never stands without holding beside it and the fall from its peak beneath.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from bot.charts.curves import Curve, draw_curves, draw_fall, panel_named, thinned
from bot.charts.key import Entry, Sign, draw_key
from bot.charts.levels import chosen, every, level_words
from bot.charts.marks import apart, draw_marks
from bot.charts.scale import Scale
from bot.charts.style import (
    BLUE,
    BOTTOM,
    FAINT,
    GREEN,
    HEIGHT_PX,
    INK,
    LEFT,
    RED,
    RIGHT,
    THIN,
    Floats,
    Times,
    page,
    panel,
    png,
)
from bot.charts.tags import Tag, draw_tags
from bot.charts.timeline import time_axis
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PRICE_BOTTOM, PRICE_HEIGHT = 660, 450
"""Where the panel of the price ends, and how high it is at least, in px."""


@dataclass(frozen=True, slots=True)
class BacktestPicture:
    """What the picture of a backtest shows. `times` are ms since 1970, one per candle, as are the three series; `sales`
    are (time, price) of closed trades, `entries` the levels, lowest first; money in `currency`."""

    title: str
    subtitle: str
    currency: str
    times: Times
    closes: Floats
    equity: Floats
    hold: Floats
    entries: Sequence[float]
    sales: Sequence[tuple[datetime, float]]


def backtest_chart(picture: BacktestPicture) -> bytes:
    """The picture as PNG."""
    return png(backtest_figure(picture))


def backtest_figure(picture: BacktestPicture) -> "Figure":
    """Price with the grid's levels and closed trades; below it profit against holding, and the fall from its peak."""
    figure = page(picture.title, picture.subtitle)
    scale = _scale(picture)
    nth = every(np.asarray(picture.entries) * PRICE_HEIGHT / (scale.high - scale.low))
    price = panel(figure, LEFT, draw_key(figure, _key(picture, nth)), RIGHT, PRICE_BOTTOM)
    profit = panel_named(figure, say("picture.profit", currency=picture.currency), 740, 1010)
    fall = panel_named(figure, say("picture.below_peak", currency=picture.currency), 1090, BOTTOM)
    times = picture.times
    for axes in (price, profit, fall):
        time_axis(axes, int(times[0]), int(times[-1]))
        axes.tick_params(labelbottom=axes is fall)
    for entry in chosen(picture.entries, nth):
        price.axhline(entry, color=GREEN, linewidth=THIN, alpha=0.4)
    shown = thinned(picture.closes)
    price.plot(times[shown], picture.closes[shown], color=BLUE, linewidth=THIN)
    _draw_sales(price, picture.sales, scale)
    draw_tags(figure, price, scale, _tags(picture))
    curves = [Curve(say("picture.grid"), picture.equity, GREEN), Curve(say("picture.hold"), picture.hold, FAINT)]
    draw_curves(figure, profit, times, curves)
    draw_fall(figure, fall, times, picture.equity)
    return figure


def _key(picture: BacktestPicture, nth: int) -> list[Entry]:
    entries = [Entry(say("picture.price"), BLUE)]
    if picture.entries:
        entries.append(Entry(level_words(nth), GREEN))
    if picture.sales:
        entries.append(Entry(say("picture.closed_trades"), RED, Sign.DROP))
    return entries


def _scale(picture: BacktestPicture) -> Scale:
    """All prices and all levels."""
    known = [*picture.entries, float(picture.closes.min()), float(picture.closes.max())]
    low, high = min(known), max(known)
    pad = 0.05 * (high - low) or 0.01 * high
    return Scale(low - pad, high + pad)


def _tags(picture: BacktestPicture) -> list[Tag]:
    tags = [Tag(float(picture.closes[-1]), say("picture.last"), INK, is_boxed=True)]
    if len(picture.entries) > 1:
        tags.append(Tag(max(picture.entries), say("picture.max"), GREEN))
        tags.append(Tag(min(picture.entries), say("picture.min"), GREEN))
    return tags


def _draw_sales(axes: "Axes", sales: Sequence[tuple[datetime, float]], scale: Scale) -> None:
    """Closed trades at the price of their sale; where they hide each other, the latest."""
    when = np.array([at.replace(tzinfo=None) for at, _ in reversed(sales)], dtype="datetime64[ms]").astype(np.int64)
    prices = [price for _, price in reversed(sales)]
    first, last = axes.get_xlim()
    top, bottom = (HEIGHT_PX - edge for edge in (axes.bbox.y1, axes.bbox.y0))
    across = (when - first) / (last - first) * axes.bbox.width
    places = zip(across.tolist(), (scale.place(price, top, bottom) for price in prices), strict=True)
    shown = list(apart(places))
    at = [int(when[number]) for number in shown]
    draw_marks(axes, at, [prices[number] for number in shown], is_buy=False)
