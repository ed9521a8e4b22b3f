"""Pictures: of the size a phone shows, small enough to send, quickly drawn, whatever the figures."""

import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.charts import (
    HEIGHT_PX,
    MOST_POINTS,
    WIDTH_PX,
    BacktestPicture,
    ProfitPicture,
    backtest_chart,
    profit_chart,
    short,
)

Floats = NDArray[np.float64]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000


def picture(
    closes: Floats, *, levels: int = 20, sales: int = 50, title: str = "BTC/USDT linear × 20", bar_ms: int = MINUTE_MS
) -> BacktestPicture:
    """A picture of a grid over these prices, with made-up profit."""
    count = len(closes)
    times = np.arange(count, dtype=np.int64) * bar_ms + int(BEGIN.timestamp() * 1000)
    noise = np.random.default_rng(7).normal(0, 1, count).cumsum()
    equity = np.linspace(0, 60, count) + noise * 0.05
    chosen = np.linspace(0, count - 1, sales).astype(int) if sales else np.zeros(0, int)
    return BacktestPicture(
        title=title,
        subtitle=f"{equity[-1]:+,.2f} USDT · {sales:,} closed trades",
        currency="USDT",
        times=times,
        closes=closes,
        equity=equity,
        hold=1000 * (closes / closes[0] - 1),
        entries=[float(entry) for entry in np.linspace(closes.min(), closes.max(), levels)],
        sales=[(BEGIN + timedelta(milliseconds=int(index) * bar_ms), float(closes[index])) for index in chosen],
    )


def swing(count: int = 3000, centre: float = 60_000.0, height: float = 0.04) -> Floats:
    steps = np.arange(count)
    noise = np.random.default_rng(1).normal(0, height / 60, count).cumsum()
    prices: Floats = centre * (1 + height * np.sin(steps / count * 20) + noise)
    return prices


STORIES: dict[str, Callable[[], BacktestPicture]] = {
    "usual": lambda: picture(swing()),
    "tiny": lambda: picture(swing(centre=0.00001234), title="PEPE/USDT linear × 20"),
    "large": lambda: picture(swing(centre=2.5e9), title="BTC/IDR normal × 20"),
    "flat": lambda: picture(np.full(500, 62_500.0)),
    "one_level": lambda: picture(swing(), levels=1, sales=1),
    "many_levels": lambda: picture(swing(), levels=1000, sales=5000, title="BTC/USDT geometric × 1000"),
    "no_sales": lambda: picture(swing(), sales=0),
    "no_levels": lambda: picture(swing(), levels=0, sales=0),
    "two_candles": lambda: picture(np.array([60_000.0, 60_100.0]), sales=1),
    "one_candle": lambda: picture(np.array([60_000.0]), sales=0),
    "years": lambda: picture(swing(200_000), bar_ms=15 * MINUTE_MS, sales=3000),
    "long_title": lambda: picture(swing(), title="1000000MOG/USDT:USDT geometric × 1,000 loop"),
}


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


USUAL = {(2, 0.0), (25, 1e-7), (400, 12.5)}
"""Courses drawn each time; the others when there is time."""


@pytest.mark.parametrize("story", STORIES)
def test_whatever_the_figures_it_is_a_picture_for_a_phone(story: str) -> None:
    png = backtest_chart(STORIES[story]())
    assert size_of(png) == (WIDTH_PX, HEIGHT_PX)
    assert len(png) < 300_000


@pytest.mark.parametrize(
    ("count", "size", "is_held"),
    [
        pytest.param(count, size, is_held, marks=() if (count, size) in USUAL else pytest.mark.slow)
        for count in (2, 25, 400, 5000)
        for size in (0.0, 1e-7, 12.5, 3e9)
        for is_held in (True, False)
    ],
)
def test_the_course_of_any_profit_is_a_picture_for_a_phone(count: int, size: float, is_held: bool) -> None:
    noise = np.random.default_rng(3).normal(0, size, count).cumsum() - np.linspace(0, size, count)
    times = np.arange(count, dtype=np.int64) * 3_600_000 + int(BEGIN.timestamp() * 1000)
    hold = noise * 2 if is_held else np.zeros(0)
    png = profit_chart(ProfitPicture("Profit, all time", "+1 USDT", "USDT", times, noise / 2, noise, hold))
    assert size_of(png) == (WIDTH_PX, HEIGHT_PX)
    assert len(png) < 300_000


def test_a_picture_is_drawn_in_a_moment() -> None:
    story = STORIES["usual"]()
    backtest_chart(story)  # the first one loads the library and its fonts
    spent = []
    for _ in range(3):
        began = time.process_time()
        backtest_chart(story)
        spent.append(time.process_time() - began)
    assert min(spent) < 1.5


def test_a_spike_among_very_many_candles_is_seen() -> None:
    closes = np.full(100 * MOST_POINTS, 60_000.0)
    level = backtest_chart(picture(closes, sales=0, levels=0))
    closes[77_777] = 70_000.0
    assert backtest_chart(picture(closes, sales=0, levels=0)) != level


@pytest.mark.parametrize(
    ("value", "step", "said"),
    [
        (0, 0, "0"),
        (62_500, 0, "62,500"),
        (-412, 0, "-412"),
        (0.5, 0, "0.5"),
        (0.00001234, 0, "0.00001234"),
        (-0.00001234, 0, "-0.00001234"),
        (1.25, 0, "1.25"),
        (123_456, 0, "123.5k"),
        (2.5e9, 0, "2.5B"),
        (-2_500_000, 0, "-2.5M"),
        (100_200, 200, "100.2k"),
        (100_000, 200, "100.0k"),
        (62_500.5, 0.5, "62,500.5"),
        (0.025, 0.025, "0.025"),
        (0.000012, 0.0000004, "0.0000120"),
        (2_560_000_000, 80_000_000, "2.56B"),
    ],
)
def test_a_number_on_an_axis_is_short_and_unlike_its_neighbours(value: float, step: float, said: str) -> None:
    assert short(value, step) == said
