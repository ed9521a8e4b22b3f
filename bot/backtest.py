"""The second front door: a grid over recorded candles, by the same manager and executors that trade for real.

Rule: nothing of the engine is written again here. The run stops only at candles where something can happen (a price at
which an order rests, a price or a time somebody waits for) and leaps over the rest; tests show that leaping and
stepping give the same trades. Fills follow the rule of `exchange/matching.py`; equity is taken at each close.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.backtest_command import Command, Rules, parse, words_of
from bot.charts import BacktestPicture, backtest_chart
from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.grids import GridSpec
from bot.core.money import ZERO, use_exact
from bot.core.preview import Preview
from bot.core.words import as_command
from bot.errors import BotError, CommandError
from bot.exchange.candle_files import read_candles
from bot.exchange.candles import CandleFeed, CandleSeries, ReplayClock
from bot.exchange.matching import Book
from bot.exchange.paper import PaperGateway
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.settings import Settings, load_settings
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from bot.wiring.history import read_history

FUNDS = Decimal(10) ** 12
"""Quote currency of the pretend account: a backtest asks what a grid earns, not whether somebody can afford it."""

IDENTITY = Identity("bt0", "backtest")


class TradeList:
    """A ledger in memory: the closed trades in their order."""

    def __init__(self) -> None:
        self.trades: list[RoundTrip] = []

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        self.trades += trades

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        """Fills are not kept: a run is told by its closed trades."""

    async def last(self, count: int) -> Sequence[RoundTrip]:
        return self.trades[-count:][::-1]

    async def export(self, folder: Path) -> Sequence[Path]:
        """There is nothing to export but the report."""
        return ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a backtest found; money in quote currency. `hold` is the profit of the grid's whole capital put into coins
    at the first close; `max_drawdown` the deepest fall of equity from a peak, at closes."""

    bars: int
    seconds: float
    round_trips: int
    open_positions: int
    realized: Decimal
    fees: Decimal
    unrealized: Decimal
    max_drawdown: Decimal
    hold: Decimal
    capital: Decimal

    @property
    def bars_per_second(self) -> float:
        return self.bars / self.seconds

    def to_json(self) -> str:
        """One JSON object with numbers."""
        return json.dumps(
            {
                "bars": self.bars,
                "seconds": round(self.seconds, 6),
                "bars_per_second": round(self.bars_per_second),
                "round_trips": self.round_trips,
                "open_positions": self.open_positions,
                "realized": float(self.realized),
                "fees": float(self.fees),
                "unrealized": float(self.unrealized),
                "max_drawdown": float(self.max_drawdown),
                "hold": float(self.hold),
            }
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A finished backtest: its report, its trades, and equity (profit so far) at each close."""

    preview: Preview
    report: Report
    trades: Sequence[RoundTrip]
    equity: NDArray[np.float64]
    series: CandleSeries


async def run(
    spec: GridSpec, series: CandleSeries, rules: Rules, policy: Policy | None = None, leap: bool = True
) -> Run:
    """Trade a grid over candles. CommandError where the preview forbids it; `leap=False` stops at every candle."""
    market = rules.market(spec.symbol)
    clock = ReplayClock(series.closes_at(0))
    gateway = PaperGateway({market.symbol: market}, clock, {market.quote: FUNDS}, touch=rules.touch, keep_closed=1000)
    feed = CandleFeed(series, market, gateway, clock)
    ledger = TradeList()
    world = World(data=feed, gateway=gateway, store=MemoryStore(), ledger=ledger, clock=clock)
    manager = TradeManager(world, policy or Policy(leap_ratio=None), IDENTITY)
    await manager.start()
    shown = await manager.preview(spec)
    if shown.problems:
        raise CommandError(shown.problems[0])
    began = perf_counter()
    await manager.create(shown)
    stops, worth = await _play(manager, feed, gateway.book(market.symbol), leap)
    equity = _equity(series, stops, worth)
    seconds = perf_counter() - began
    return Run(shown, _report(manager, shown, series, equity, seconds), ledger.trades, equity, series)


async def _play(
    manager: TradeManager, feed: CandleFeed, book: Book, leap: bool
) -> tuple[list[int], list[tuple[float, float]]]:
    """From the first candle to the last. Returns where it stopped, and (sure profit, coins held) from each stop on."""
    state, heart = manager.state, manager.heartbeat
    symbol, desk = next(iter(heart.desks.items()))
    last = len(feed.series) - 1
    total = f"all:{desk.market.quote}"
    stops: list[int] = []
    worth: list[tuple[float, float]] = []
    while True:
        await heart.beat()
        holding = state.holding(symbol)
        sure = state.total(total).realised + holding.unsettled - holding.cost
        stops.append(feed.index)
        worth.append((float(sure), float(holding.amount)))
        if feed.index == last:
            return stops, worth
        following = feed.index + 1
        if leap:
            at, rise, fall = heart.next_bounds(desk, manager.world.clock.now())
            buy, sell = book.best_buy(), book.best_sell()
            below = buy if fall is None or (buy is not None and buy > fall) else fall
            above = sell if rise is None or (sell is not None and sell < rise) else rise
            following = min(feed.next_touch(following, below, above, at), last)
        feed.step_to(following)


def _equity(series: CandleSeries, stops: list[int], worth: list[tuple[float, float]]) -> NDArray[np.float64]:
    """Profit at each close: between two stops only the price of what is held changes."""
    sure, held = np.array(worth).T
    lengths = np.diff([*stops, len(series)])
    closes = _closes(series)
    equity: NDArray[np.float64] = np.repeat(sure, lengths) + np.repeat(held, lengths) * closes
    return equity


def _closes(series: CandleSeries) -> NDArray[np.float64]:
    return series.close.astype(np.float64) * 10.0**-series.digits


def _report(
    manager: TradeManager, shown: Preview, series: CandleSeries, equity: NDArray[np.float64], seconds: float
) -> Report:
    state, market = manager.state, shown.market
    totals, holding = state.total(f"all:{market.quote}"), state.holding(market.symbol)
    first, close = series.decimal(0, "close"), series.decimal(len(series) - 1, "close")
    drawdown = float((np.maximum.accumulate(np.maximum(equity, 0.0)) - equity).max())
    in_progress = sum((executor.books.fees for executor in state.executors.values()), ZERO)
    capital = float(shown.capital)
    return Report(
        bars=len(series),
        seconds=seconds,
        round_trips=totals.trades,
        open_positions=sum(bool(executor.sellable) for executor in state.executors.values()),
        realized=totals.realised,
        fees=totals.fees + in_progress,
        unrealized=holding.open_profit(close),
        max_drawdown=Decimal(repr(round(drawdown, 8))),
        hold=Decimal(repr(round(capital * (float(close) / float(first) - 1), 8))),
        capital=shown.capital,
    )


# -- the command line ----------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """`python -m bot backtest …`: run, print the report, draw the chart. Exit code 0, or 2 with one line on stderr."""
    use_exact()
    try:
        command = parse(arguments)
        if command.candles is not None:
            words, (series, rules) = words_of(command), _recorded(command.candles, command.typed)
        else:
            settings = load_settings()
            words = words_of(command, settings.symbol)
            series, rules = _remembered(settings, words.symbol, command)
        done = asyncio.run(run(words.at(series.decimal(0, "close")), series, rules))
        if command.chart is not None:
            _draw(done, command.chart)
    except BotError as error:
        print(f"backtest: {error}", file=sys.stderr)
        return 2
    print(done.report.to_json() if command.as_json else describe(done))
    return 0


def _recorded(path: Path, typed: Mapping[str, Any]) -> tuple[CandleSeries, Rules]:
    """A file's candles; it knows its own tick."""
    series = read_candles(path)
    tick = min(Rules().price_tick, Decimal(1).scaleb(-series.digits))
    return series, Rules(**{"price_tick": tick, **typed})


def _remembered(settings: Settings, symbol: str, command: Command) -> tuple[CandleSeries, Rules]:
    """The exchange's candles, traded by its own rules but for those that were typed. MarketError, SettingsError."""
    if settings.exchange == "simulated":
        raise CommandError("give --candles FILE, or name an exchange whose history to read, such as EXCHANGE=bybit")
    series, market = asyncio.run(read_history(settings, symbol, command.days))
    return series, replace(Rules.of(market), **command.typed)


def picture(done: Run) -> BacktestPicture:
    """What the chart of a run shows."""
    series, report, spec = done.series, done.report, done.preview.spec
    closes = _closes(series)
    total = report.realized + report.unrealized
    trades = "trade" if report.round_trips == 1 else "trades"
    return BacktestPicture(
        title=f"{spec.symbol} {spec.shape} × {spec.count}",
        subtitle=f"{total:+,.2f} {done.preview.market.quote} · {report.round_trips:,} closed {trades}",
        currency=done.preview.market.quote,
        times=series.times + series.bar,
        closes=closes,
        equity=done.equity,
        hold=float(report.capital) * (closes / closes[0] - 1),
        entries=[float(level.entry) for level in done.preview.accepted],
        sales=[(trade.closed_at, float(trade.exit)) for trade in done.trades],
    )


def _draw(done: Run, path: Path) -> None:
    try:
        path.write_bytes(backtest_chart(picture(done)))
    except OSError as error:
        raise CommandError(f"the chart can't be written to {path}: {error.strerror}") from None


def describe(done: Run) -> str:
    """The report for a person."""
    report, shown = done.report, done.preview
    money = shown.market.quote
    total = report.realized + report.unrealized
    first, last = done.series.closes_at(0), done.series.closes_at(len(done.series) - 1)
    rows = (
        ("candles", f"{report.bars:,} in {report.seconds:.3f} s ({report.bars_per_second:,.0f} a second)"),
        ("period", f"{first:%Y-%m-%d} … {last:%Y-%m-%d} ({(last - first).days} days)"),
        ("capital at worst", f"{report.capital:,.2f} {money}"),
        ("closed trades", f"{report.round_trips:,}"),
        ("realised", f"{report.realized:+,.2f} {money} after {report.fees:,.2f} of fees"),
        ("open profit", f"{report.unrealized:+,.2f} {money} in {report.open_positions} levels"),
        ("total", f"{total:+,.2f} {money} ({float(total) / float(report.capital):+.2%} of the capital)"),
        ("deepest fall", f"{report.max_drawdown:,.2f} {money}"),
        ("holding instead", f"{report.hold:+,.2f} {money}"),
    )
    return "\n".join([as_command(shown.spec), *(f"{name:<17} {text}" for name, text in rows)])
