"""How fast recorded candles are traded: a year of minutes with few trades, and one with very many."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bot.backtest import Report, Rules, run
from bot.core.grids import GridSpec, Shape
from bot.exchange.candles import CandleSeries

MINUTES = 525_600
START = 1_735_689_600_000
"""2025-01-01 in ms."""


def candles(log_path: NDArray[np.float64]) -> CandleSeries:
    """One-minute candles of a path sampled four times a minute, in cents."""
    cents = np.rint(60_000 * np.exp(log_path) * 100).astype(np.int64).reshape(-1, 4)
    opens = np.concatenate([[cents[0, 0]], cents[:-1, 3]])
    return CandleSeries(
        times=START + np.arange(len(cents), dtype=np.int64) * 60_000,
        open=opens,
        high=np.maximum(cents.max(axis=1), opens),
        low=np.minimum(cents.min(axis=1), opens),
        close=np.ascontiguousarray(cents[:, 3]),
        volume=np.ones(len(cents)),
        digits=2,
        bar=60_000,
    )


def wandering(seed: int = 1) -> CandleSeries:
    """A year of a random walk with the volatility of bitcoin (50 % a year)."""
    steps = np.random.default_rng(seed).normal(0, 0.5 / np.sqrt(MINUTES * 4), MINUTES * 4)
    return candles(np.cumsum(steps))


def reverting(seed: int = 1) -> CandleSeries:
    """A year that always comes back: an Ornstein-Uhlenbeck path, 1 % wide, with a memory of about an hour."""
    noise = np.random.default_rng(seed).normal(0, 1, MINUTES * 4)
    keep = np.exp(-1 / 240)
    path, value = np.empty(len(noise)), 0.0
    scale = 0.01 * np.sqrt(1 - keep**2)
    for index, shock in enumerate(noise * scale):
        value = value * keep + shock
        path[index] = value
    return candles(path)


def cut(series: CandleSeries, count: int) -> CandleSeries:
    """The first `count` candles."""
    return CandleSeries(
        times=series.times[:count],
        open=series.open[:count],
        high=series.high[:count],
        low=series.low[:count],
        close=series.close[:count],
        volume=series.volume[:count],
        digits=series.digits,
        bar=series.bar,
    )


def trade(series: CandleSeries, count: int, width: str, profit: str) -> Report:
    """A looping linear grid of `count` levels over ± `width` of the first close."""
    first, part = series.decimal(0, "close"), Decimal(width)
    low, high = first * (1 - part), first * (1 + part)
    spec = GridSpec(
        Shape.LINEAR, "BTC/USDT", low, high, count, Decimal("0.001"), None, Decimal(profit), loop=True, force=True
    )
    return asyncio.run(run(spec, series, Rules(maker_fee_ratio=Decimal("0.0002")))).report


def best(series: CandleSeries, count: int, width: str, profit: str, times: int) -> tuple[str, str]:
    """The row of the quickest of several runs."""
    report = min((trade(series, count, width, profit) for _ in range(times)), key=lambda each: each.seconds)
    each = report.seconds / max(1, report.round_trips) * 1e6
    days = len(series) // 1440
    return (
        f"{days} days, {count} levels: {report.round_trips:,} closed trades",
        f"{report.bars_per_second:,.0f} bars/s, {each:,.0f} µs a closed trade",
    )


def rows() -> Iterator[tuple[str, str]]:
    year, dense = wandering(), reverting()
    for count in (20, 200):
        yield best(year, count, "0.25", "1", 3)
    yield best(dense, 20, "0.02", "1", 1)
    quarter = cut(dense, MINUTES // 4)
    yield best(quarter, 200, "0.02", "1", 1)
