"""Marks of trades on the price: a triangle up where it bought, down where it sold, as many as can be told apart.

Rule: of marks in one place the first that was given is drawn; so give the latest first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bot.charts.style import GREEN, GROUND, PT, RED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 20
CELL = 26
"""A place: a square of so many px."""


def apart(places: Iterable[tuple[float, float]]) -> Iterator[int]:
    """Which of these places (px) are drawn, by their number."""
    taken = set()
    for number, (x, y) in enumerate(places):
        cell = (int(x // CELL), int(y // CELL))
        if cell not in taken:
            taken.add(cell)
            yield number


def draw_marks(axes: "Axes", times: Sequence[float], prices: Sequence[float], *, is_buy: bool) -> None:
    """Trades of one side, at these times (ms) and prices."""
    if not times:  # nothing drawn would still move the panel's limits
        return
    marker, color = ("^", GREEN) if is_buy else ("v", RED)
    axes.scatter(
        times,
        prices,
        s=(SIZE * PT) ** 2,
        marker=marker,
        color=color,
        edgecolors=GROUND,
        linewidths=2 * PT,
        zorder=6,
        clip_on=False,
    )
