"""The picture of a running grid: recent candles with its fills, and beside them each level's state as a ladder.

Rule: no level is left out; those too close to be told apart share a rung, by the number of each state.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.charts.candles import Candles, draw_candles
from bot.charts.key import TOP, Entry, Sign, draw_key
from bot.charts.marks import apart, draw_marks
from bot.charts.scale import Scale, fitting
from bot.charts.style import (
    AMBER,
    BLUE,
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
"""Where the ladder begins."""
ROW = 12
"""Height of a rung with the gap to the next, in px; rungs that lie closer share one."""
MOST_LINES = 40
"""Rungs whose height is drawn across the candles too."""


class RungKind(StrEnum):
    """How a level stands, in the order of the key."""

    BUY = "buy"
    SELL = "sell"
    WAITING = "waiting"
    HOLDING = "holding"
    PAUSED = "paused"
    HALTED = "halted"
    FROZEN = "frozen"
    DONE = "done"


COLORS = {
    RungKind.BUY: GREEN,
    RungKind.SELL: RED,
    RungKind.WAITING: "#33795c",
    RungKind.HOLDING: AMBER,
    RungKind.PAUSED: BLUE,
    RungKind.HALTED: "#c98f5a",
    RungKind.FROZEN: VIOLET,
    RungKind.DONE: "#4a5361",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One level: the price of the order that rests or would be next (the exit's once it has bought), and its state.
    BUY and SELL rest on the exchange; WAITING will buy and HOLDING has coins to sell, but has no order there now."""

    price: float
    kind: RungKind


@dataclass(frozen=True, slots=True)
class Mark:
    """A fill. `time_ms`: ms since 1970 as a clock on the wall counts them, as the candles' `times`."""

    time_ms: int
    price: float
    is_buy: bool


@dataclass(frozen=True, slots=True)
class LadderPicture:
    """What the picture of a grid shows; all prices in quote currency. `candles` are None where there are none, `market`
    where the price is not known; rungs and fills in any order, fills before the first candle are left out. With no
    price at all there is nothing to draw: ValueError."""

    title: str
    subtitle: str
    candles: Candles | None
    rungs: Sequence[Rung]
    fills: Sequence[Mark]
    market: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """What is drawn of levels that lie too close to be told apart: the mean of their prices, and their states."""

    price: float
    kinds: Counter[RungKind]


def ladder_chart(picture: LadderPicture) -> bytes:
    """The picture as PNG."""
    return png(ladder_figure(picture))


def ladder_figure(picture: LadderPicture) -> "Figure":
    """Candles and fills; beside them a rung for each level, coloured by its state."""
    figure = page(picture.title, picture.subtitle)
    ends = picture.candles.ends if picture.candles else None
    scale = fitting([rung.price for rung in picture.rungs], picture.market, ends)
    fills = _seen(picture, scale)
    top = draw_key(figure, _key(picture.rungs, fills))
    axes = panel(figure, LEFT, top, SIDE - 8, BOTTOM)
    beside = panel(figure, SIDE, top, RIGHT, BOTTOM)
    beside.set_ylim(scale.low, scale.high)
    beside.set_xlim(0, 1)
    draw_candles(axes, picture.candles, scale)
    shown = rows(picture.rungs, ROW * (scale.high - scale.low) / (BOTTOM - top))
    _draw_rows(axes, beside, shown, scale)
    caption(beside, say("picture.levels"))
    _draw_fills(axes, fills)
    if picture.market is not None:
        for each in (axes, beside):
            each.axhline(picture.market, color=INK, linewidth=THIN, zorder=5)
    draw_tags(figure, axes, scale, _tags(picture))
    return figure


def rows(rungs: Sequence[Rung], height: float) -> list[Row]:
    """The rungs from the lowest up, those within one `height` (of price) together."""
    groups: list[list[Rung]] = []
    for rung in sorted(rungs, key=lambda each: each.price):
        if groups and rung.price - groups[-1][0].price < height:
            groups[-1].append(rung)
        else:
            groups.append([rung])
    return [
        Row(sum(rung.price for rung in group) / len(group), Counter(rung.kind for rung in group)) for group in groups
    ]


def _seen(picture: LadderPicture, scale: Scale) -> list[Mark]:
    """The fills that fall on the candles; where those of one side hide each other, the latest."""
    if not picture.candles:
        return []
    first, last = picture.candles.period
    marks = [mark for mark in picture.fills if mark.time_ms >= first and scale.holds(mark.price)]
    marks.sort(key=lambda mark: -mark.time_ms)
    px = (SIDE - LEFT) / (last - first)
    seen = []
    for is_buy in (True, False):
        side = [mark for mark in marks if mark.is_buy is is_buy]
        places = (((mark.time_ms - first) * px, scale.place(mark.price, TOP, BOTTOM)) for mark in side)
        seen += [side[number] for number in apart(places)]
    return seen


def _key(rungs: Sequence[Rung], fills: Sequence[Mark]) -> list[Entry]:
    """The states there are, with how many levels are in each, and the marks of fills."""
    counts = Counter(rung.kind for rung in rungs)
    entries = [
        Entry(say(f"picture.{kind}", count=counts[kind]), COLORS[kind], Sign.BOX) for kind in RungKind if counts[kind]
    ]
    if any(mark.is_buy for mark in fills):
        entries.append(Entry(say("picture.bought"), GREEN, Sign.RISE))
    if any(not mark.is_buy for mark in fills):
        entries.append(Entry(say("picture.sold"), RED, Sign.DROP))
    return entries


def _tags(picture: LadderPicture) -> list[Tag]:
    """The market, the orders next to it, and the ends of the ladder."""
    tags = {}
    prices = sorted(rung.price for rung in picture.rungs)
    if prices:
        tags[prices[0]] = Tag(prices[0], say("picture.lowest"), FAINT)
        tags[prices[-1]] = Tag(prices[-1], say("picture.highest"), FAINT)
    buys = [rung.price for rung in picture.rungs if rung.kind is RungKind.BUY]
    sells = [rung.price for rung in picture.rungs if rung.kind is RungKind.SELL]
    if buys:
        tags[max(buys)] = Tag(max(buys), say("picture.next_buy"), GREEN)
    if sells:
        tags[min(sells)] = Tag(min(sells), say("picture.next_sell"), RED)
    if picture.market is None:
        return [*tags.values()]
    return [*tags.values(), Tag(picture.market, say("picture.market"), INK, is_boxed=True)]


def _draw_rows(axes: "Axes", beside: "Axes", shown: Sequence[Row], scale: Scale) -> None:
    """Each row a bar, shared out among the states in it, and a faint line across the candles."""
    height = (ROW - 3) * (scale.high - scale.low) / beside.bbox.height
    for row in shown:
        left, of = 0.06, row.kinds.total()
        for kind in RungKind:
            width = 0.88 * row.kinds[kind] / of
            if width:
                beside.barh(row.price, width, height, left, color=COLORS[kind], linewidth=0, zorder=3)
            left += width
        if len(shown) <= MOST_LINES:
            main = row.kinds.most_common(1)[0][0]
            axes.axhline(row.price, color=COLORS[main], linewidth=THIN, alpha=0.25, zorder=1)


def _draw_fills(axes: "Axes", fills: Sequence[Mark]) -> None:
    last = axes.get_xlim()[1]
    for is_buy in (True, False):
        shown = [mark for mark in fills if mark.is_buy is is_buy]
        draw_marks(axes, [min(mark.time_ms, last) for mark in shown], [mark.price for mark in shown], is_buy=is_buy)
