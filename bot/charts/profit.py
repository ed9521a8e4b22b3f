"""The picture of a period's profit: realised and total against holding, and the fall from the peak.

Rule: holding is drawn only where it is known throughout.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.charts.curves import Curve, draw_curves, draw_fall, panel_named
from bot.charts.style import BLUE, BOTTOM, FAINT, GREEN, Floats, Times, page, png
from bot.charts.timeline import time_axis
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class ProfitPicture:
    """What the picture of a period's profit shows: `times` as a clock on the wall shows them, in ms since 1970, and the
    profit since the first of them, in `currency`. `hold` is empty where holding is not known."""

    title: str
    subtitle: str
    currency: str
    times: Times
    realised: Floats
    total: Floats
    hold: Floats


def profit_chart(picture: ProfitPicture) -> bytes:
    """The picture as PNG."""
    return png(profit_figure(picture))


def profit_figure(picture: ProfitPicture) -> "Figure":
    """Realised profit and the total, against holding; below it the total's fall from its peak."""
    figure = page(picture.title, picture.subtitle)
    curves = [
        Curve(say("picture.total"), picture.total, GREEN),
        Curve(say("picture.realised"), picture.realised, BLUE),
    ]
    if len(picture.hold):
        curves.append(Curve(say("picture.hold"), picture.hold, FAINT))
    profit = panel_named(figure, say("picture.profit", currency=picture.currency), 208, 910)
    fall = panel_named(figure, say("picture.below_peak", currency=picture.currency), 990, BOTTOM)
    draw_curves(figure, profit, picture.times, curves)
    draw_fall(figure, fall, picture.times, picture.total)
    for axes in (profit, fall):
        time_axis(axes, int(picture.times[0]), int(picture.times[-1]))
    profit.tick_params(labelbottom=False)
    return figure
