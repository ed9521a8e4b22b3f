"""Price tags: the prices that count, written beside the panel at their height.

Rule: tags never overlap and never leave the panel's height; a line joins each to its price. Round prices fill what
room is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.charts.numbers import exact, short
from bot.charts.scale import Scale
from bot.charts.style import FAINT, GROUND, HEIGHT_PX, INK, RIGHT, SMALL, THIN, WIDTH_PX, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 72
"""Of a tag: two lines, in px."""
TICK_HEIGHT = 40
ROUND_EVERY = 95
"""Round prices stand about so many px apart."""
TEXT_LEFT = RIGHT + 20


@dataclass(frozen=True, slots=True)
class Tag:
    """A price and the word for it."""

    price: float
    word: str
    color: str
    is_boxed: bool = False


def spread(wanted: Sequence[float], height: float, top: float, bottom: float) -> list[float]:
    """Places as near to those wanted (downward, in their order) as lets each have its height between top and bottom.

    Each cluster of neighbours that touch stands around the mean of where its members would be, which moves them least.
    """
    clusters: list[list[float]] = []
    for number, place in enumerate(wanted):
        clusters.append([place - number * height])
        while len(clusters) > 1 and _mean(clusters[-2]) > _mean(clusters[-1]):
            last = clusters.pop()
            clusters[-1] += last
    flat = [_mean(cluster) for cluster in clusters for _ in cluster]
    low, high = top + height / 2, bottom - height / 2 - (len(wanted) - 1) * height
    return [min(max(place, low), high) + number * height for number, place in enumerate(flat)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def draw_tags(
    figure: "Figure", axes: "Axes", scale: Scale, tags: Sequence[Tag], spelt: Callable[[float], str] = exact
) -> None:
    """The tags beside a panel, and round prices between them; `spelt` writes a tag's price."""
    top, bottom = (HEIGHT_PX - edge for edge in (axes.bbox.y1, axes.bbox.y0))
    axes.set_ylim(scale.low, scale.high)
    shown = sorted(tags, key=lambda tag: -tag.price)
    wanted = [scale.place(tag.price, top, bottom) for tag in shown]
    places = spread(wanted, HEIGHT, top, bottom)
    for tag, want, place in zip(shown, wanted, places, strict=True):
        _draw_tag(figure, tag, spelt(tag.price), want, place, scale)
    rounds, step = scale.rounds(max(2, round((bottom - top) / ROUND_EVERY)))
    axes.set_yticks(rounds, [""] * len(rounds))
    for price in rounds:
        place = scale.place(price, top, bottom)
        if all(abs(place - other) >= (HEIGHT + TICK_HEIGHT) / 2 for other in places):
            write(figure, TEXT_LEFT, place, short(price, step), color=FAINT)


def _draw_tag(figure: "Figure", tag: Tag, text: str, want: float, place: float, scale: Scale) -> None:
    from matplotlib.lines import Line2D

    beyond = "" if scale.holds(tag.price) else " ▲" if tag.price > scale.high else " ▼"
    price = write(figure, TEXT_LEFT, place - 17, text, color=tag.color, weight="bold")
    room = WIDTH_PX - TEXT_LEFT - 16
    width = price.get_window_extent().width
    if width > room:
        price.set_fontsize(SMALL * room / width)
    write(figure, TEXT_LEFT, place + 17, tag.word + beyond, color=FAINT if not tag.is_boxed else INK)
    if tag.is_boxed:
        price.set_color(GROUND)
        price.set_bbox({"facecolor": tag.color, "edgecolor": "none", "boxstyle": "square,pad=0.12"})
    xs = [RIGHT / WIDTH_PX, (TEXT_LEFT - 6) / WIDTH_PX]
    ys = [1 - want / HEIGHT_PX, 1 - place / HEIGHT_PX]
    figure.add_artist(Line2D(xs, ys, color=tag.color, lw=THIN))
