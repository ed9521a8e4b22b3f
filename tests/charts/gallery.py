"""Pictures of every kind, with the figures that are hard to draw: few and many, flat and wild, tiny and large."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np

from bot.charts import (
    BacktestPicture,
    Candles,
    LadderPicture,
    Mark,
    PreviewPicture,
    ProfitPicture,
    Rung,
    RungKind,
)
from bot.charts.style import Floats

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN_MS = int(BEGIN.timestamp() * 1000)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LONG_TITLE = "1000000MOG/USDT:USDT geometric × 10,000 loop"


def candles(count: int = 168, centre: float = 62_000.0, swing: float = 0.004, bar_ms: int = HOUR_MS) -> Candles:
    """A walk that ends at the centre; `swing`: how far one candle goes, as a part of its price."""
    random = np.random.default_rng(3)
    closes = centre * np.exp(random.normal(0, swing, count).cumsum())
    closes *= centre / closes[-1]
    opens = np.concatenate([closes[:1], closes[:-1]])
    reach = 1 + np.abs(random.normal(0, swing / 2, count))
    times = BEGIN_MS + bar_ms * np.arange(count, dtype=np.int64)
    return Candles(times, opens, np.maximum(opens, closes) * reach, np.minimum(opens, closes) / reach, closes)


def bell(low: float, high: float, count: int) -> list[float]:
    """Levels as a normal grid has them."""
    normal = NormalDist((low + high) / 2, (high - low) / 6)
    return [normal.inv_cdf(float(part)) for part in np.linspace(normal.cdf(low), normal.cdf(high), count)]


def even(low: float, high: float, count: int) -> list[float]:
    return [float(price) for price in np.linspace(low, high, count)]


def preview(entries: Sequence[float], market: float = 62_000.0, past: Candles | None = None) -> PreviewPicture:
    return PreviewPicture(
        title=f"BTC/USDT linear × {len(entries):,}",
        subtitle="1h candles, last 7 days · binds 1,040.20 USDT",
        candles=past,
        entries=entries,
        exits=[entry * 1.006 for entry in entries],
        at_once=[entry > market for entry in entries],
        refused=[False for _ in entries],
        market=market,
    )


USUAL = candles()
PREVIEWS: dict[str, Callable[[], PreviewPicture]] = {
    "even": lambda: preview(even(60_000, 64_000, 20), past=USUAL),
    "bell": lambda: replace(preview(bell(60_000, 64_000, 40), past=USUAL), mean=62_000.0),
    "one": lambda: preview([61_500.0], past=USUAL),
    "two": lambda: preview([61_500.0, 61_501.0], past=USUAL),
    "ten_thousand": lambda: replace(preview(bell(55_000, 69_000, 10_000), past=USUAL), mean=62_010.0),
    "no_candles": lambda: preview(even(60_000, 64_000, 20)),
    "far": lambda: preview(even(20_000, 25_000, 20), past=USUAL),
    "very_far": lambda: preview(even(100, 120, 20), past=USUAL),
    "flat": lambda: preview(even(61_900, 62_100, 10), past=candles(swing=0)),
    "wild": lambda: preview(bell(60_000, 64_000, 20), past=candles(swing=0.06)),
    "tiny": lambda: preview(bell(0.00001134, 0.00001334, 25), 0.00001234, candles(centre=0.00001234)),
    "large": lambda: preview(even(1.1e6, 1.35e6, 25), 1_234_567.0, candles(centre=1_234_567.0)),
    "huge": lambda: preview(even(1.1e9, 1.35e9, 25), 1_234_567_890.0, candles(centre=1_234_567_890.0)),
    "refused": lambda: replace(
        preview(even(60_000, 64_000, 20), past=USUAL), refused=[number < 6 for number in range(20)], title=LONG_TITLE
    ),
    "twins": lambda: preview([60_000.0, 60_000.0, 60_000.0], past=USUAL),
    "no_levels": lambda: preview([], past=candles(1)),
}


def ladder(
    prices: Sequence[float],
    kinds: Sequence[RungKind],
    fills: int = 12,
    market: float | None = 62_000.0,
    past: Candles | None = None,
) -> LadderPicture:
    """Rungs of these kinds in turn, and fills at the ends of random candles."""
    numbers = np.random.default_rng(5).integers(0, len(past), fills).tolist() if past else []
    return LadderPicture(
        title=f"g1 BTC/USDT linear × {len(prices):,}",
        subtitle="running · +12.40 USDT today · +210.11 in all",
        candles=past,
        rungs=[Rung(price, kinds[number % len(kinds)]) for number, price in enumerate(prices)],
        fills=[
            Mark(int(past.times[number]), float((past.lows if number % 2 else past.highs)[number]), number % 2 == 1)
            for number in numbers
            if past
        ],
        market=market,
    )


BOTH = (RungKind.BUY, RungKind.SELL)
LADDERS: dict[str, Callable[[], LadderPicture]] = {
    "usual": lambda: ladder(even(60_000, 64_000, 20), BOTH, past=USUAL),
    "every_kind": lambda: ladder(even(60_000, 64_000, 24), list(RungKind), past=USUAL),
    "one": lambda: ladder([61_500.0], BOTH, past=USUAL),
    "ten_thousand": lambda: ladder(even(55_000, 69_000, 10_000), list(RungKind), 5_000, past=USUAL),
    "no_candles": lambda: ladder(even(60_000, 64_000, 20), BOTH),
    "no_price": lambda: ladder(even(60_000, 64_000, 20), BOTH, market=None),
    "far": lambda: ladder(even(100, 120, 20), BOTH, past=USUAL),
    "tiny": lambda: ladder(
        even(0.00001134, 0.00001334, 20), BOTH, market=0.00001234, past=candles(centre=0.00001234, bar_ms=MINUTE_MS)
    ),
    "large": lambda: ladder(even(1.1e6, 1.35e6, 20), BOTH, market=1_234_567.0, past=candles(centre=1_234_567.0)),
    "flat": lambda: ladder(even(61_900, 62_100, 10), BOTH, past=candles(swing=0)),
    "wild": lambda: ladder(even(60_000, 64_000, 20), BOTH, 40, past=candles(swing=0.06)),
    "empty": lambda: ladder([], BOTH, past=USUAL),
}


def profit(count: int, size: float, *, is_held: bool = True) -> ProfitPicture:
    noise = np.random.default_rng(3).normal(0, size, count).cumsum() - np.linspace(0, size, count)
    times = BEGIN_MS + HOUR_MS * np.arange(count, dtype=np.int64)
    hold = noise * 2 if is_held else np.zeros(0)
    return ProfitPicture("Profit, all time", "+1 USDT", "USDT", times, noise / 2, noise, hold)


PROFITS: dict[str, Callable[[], ProfitPicture]] = {
    "usual": lambda: profit(720, 12.5),
    "two": lambda: profit(2, 12.5),
    "nothing": lambda: profit(25, 0.0),
    "tiny": lambda: profit(25, 1e-7, is_held=False),
    "huge": lambda: profit(5_000, 3e9),
}


def backtest(closes: Floats, *, levels: int = 20, sales: int = 50, bar_ms: int = MINUTE_MS) -> BacktestPicture:
    """A picture of a grid over these prices, with made-up profit."""
    count = len(closes)
    noise = np.random.default_rng(7).normal(0, 1, count).cumsum()
    equity = np.linspace(0, 60, count) + noise * 0.05
    chosen = np.linspace(0, count - 1, sales).astype(int) if sales else np.zeros(0, int)
    return BacktestPicture(
        title=f"BTC/USDT linear × {levels}",
        subtitle=f"{equity[-1]:+,.2f} USDT · {sales:,} closed trades",
        currency="USDT",
        times=BEGIN_MS + bar_ms * np.arange(count, dtype=np.int64),
        closes=closes,
        equity=equity,
        hold=1000 * (closes / closes[0] - 1),
        entries=even(float(closes.min()), float(closes.max()), levels),
        sales=[(BEGIN + timedelta(milliseconds=int(index) * bar_ms), float(closes[index])) for index in chosen],
    )


def course(count: int = 3000, centre: float = 60_000.0, height: float = 0.04) -> Floats:
    noise = np.random.default_rng(1).normal(0, height / 60, count).cumsum()
    prices: Floats = centre * (1 + height * np.sin(np.arange(count) / count * 20) + noise)
    return prices


BACKTESTS: dict[str, Callable[[], BacktestPicture]] = {
    "usual": lambda: backtest(course()),
    "tiny": lambda: backtest(course(centre=0.00001234)),
    "large": lambda: backtest(course(centre=2.5e9)),
    "flat": lambda: backtest(np.full(500, 62_500.0)),
    "one_level": lambda: backtest(course(), levels=1, sales=1),
    "many_levels": lambda: backtest(course(), levels=1000, sales=5000),
    "no_levels": lambda: backtest(course(), levels=0, sales=0),
    "two_candles": lambda: backtest(np.array([60_000.0, 60_100.0]), sales=1),
    "one_candle": lambda: backtest(np.array([60_000.0]), sales=0),
    "years": lambda: backtest(course(200_000), bar_ms=15 * MINUTE_MS, sales=3000),
    "long_title": lambda: replace(backtest(course()), title=LONG_TITLE),
}
