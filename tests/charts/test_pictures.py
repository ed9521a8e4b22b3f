"""Pictures: of the size a phone shows, small enough to send, quickly drawn, legible whatever the figures."""

import gc
import struct
import weakref
from collections.abc import Callable
from itertools import combinations
from typing import TypeVar, cast

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from bot.charts import HEIGHT_PX, WIDTH_PX, backtest_chart, ladder_chart, preview_chart, profit_chart
from bot.charts.backtest import backtest_figure
from bot.charts.curves import MOST_POINTS, thinned
from bot.charts.ladder import ladder_figure
from bot.charts.preview import preview_figure
from bot.charts.profit import profit_figure
from bot.charts.style import DPI
from tests.charts.gallery import BACKTESTS, BOTH, LADDERS, PREVIEWS, PROFITS, ladder

LEAST_LETTERS_PX = 28
LARGEST = 300_000

Picture = TypeVar("Picture")


def drawing(draw: Callable[[Picture], Figure], make: Callable[[], Picture]) -> Callable[[], Figure]:
    return lambda: draw(make())


DRAWN: dict[str, Callable[[], Figure]] = {
    **{f"preview_{name}": drawing(preview_figure, make) for name, make in PREVIEWS.items()},
    **{f"ladder_{name}": drawing(ladder_figure, make) for name, make in LADDERS.items()},
    **{f"profit_{name}": drawing(profit_figure, make) for name, make in PROFITS.items()},
    **{f"backtest_{name}": drawing(backtest_figure, make) for name, make in BACKTESTS.items()},
}
SENT: dict[str, Callable[[], bytes]] = {
    "preview": lambda: preview_chart(PREVIEWS["ten_thousand"]()),
    "ladder": lambda: ladder_chart(LADDERS["ten_thousand"]()),
    "profit": lambda: profit_chart(PROFITS["huge"]()),
    "backtest": lambda: backtest_chart(BACKTESTS["years"]()),
}
"""The largest of each kind."""


def words(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    found = cast("list[Text]", figure.findobj(Text))
    return [each for each in found if each.get_visible() and each.get_text().strip()]


@pytest.mark.parametrize(
    "story", [each if number % 2 else pytest.param(each, marks=pytest.mark.slow) for number, each in enumerate(DRAWN)]
)
def test_whatever_the_figures_every_word_is_on_the_page_and_hides_no_other(story: str) -> None:
    figure = DRAWN[story]()
    boxes = [(text.get_text(), text.get_window_extent()) for text in words(figure)]
    assert len(boxes) > 2
    outside = [word for word, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > WIDTH_PX or box.y1 > HEIGHT_PX]
    assert not outside
    overlapping = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 6  # room above small letters
    ]
    assert not overlapping


@pytest.mark.parametrize("story", ["preview_tiny", "ladder_usual", "profit_usual", "backtest_usual"])
def test_no_letter_is_smaller_than_a_phone_shows(story: str) -> None:
    sizes = [float(text.get_fontsize()) * DPI / 72 for text in words(DRAWN[story]())]
    assert min(sizes) >= LEAST_LETTERS_PX - 0.5


@pytest.mark.parametrize("kind", SENT)
def test_a_picture_fits_a_phone_and_is_small(kind: str) -> None:
    png = SENT[kind]()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    assert struct.unpack(">II", png[16:24]) == (WIDTH_PX, HEIGHT_PX)
    assert len(png) < LARGEST


def test_a_figure_is_freed_with_its_picture() -> None:
    figure = weakref.ref(DRAWN["ladder_one"]())
    gc.collect()
    assert figure() is None


def test_what_a_person_must_tell_apart_is_named() -> None:
    said = {text.get_text() for text in words(DRAWN["preview_refused"]())}
    assert {"levels", "buy at once", "refused", "exits", "min", "max", "market"} <= said
    said = {text.get_text() for text in words(DRAWN["ladder_every_kind"]())}
    assert {f"3 {kind}" for kind in ("buy", "sell", "waiting", "holding", "paused", "halted", "frozen", "done")} <= said
    assert {"bought", "sold", "market"} <= said


def test_a_ladder_without_any_price_is_no_picture() -> None:
    with pytest.raises(ValueError, match="empty"):
        ladder_chart(ladder([], BOTH, market=None))


def test_a_market_beyond_the_picture_is_pointed_at() -> None:
    said = {text.get_text() for text in words(DRAWN["preview_very_far"]())}
    assert {"62,000", "market ▲"} <= said


def test_a_spike_among_very_many_values_is_kept() -> None:
    values = np.full(100 * MOST_POINTS, 60_000.0)
    values[77_777] = 70_000.0
    shown = thinned(values)
    assert 77_777 in shown
    assert len(shown) <= MOST_POINTS + 2
