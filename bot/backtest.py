"""The backtest: a grid over recorded candles, by the same manager and executors that trade for real.

Rule: nothing of the engine is written again here. The run stops only at candles where something can happen (a price at
which an order rests, a price or a time somebody waits for) and leaps over the rest; tests show that leaping and
stepping give the same trades. Fills follow the rule of `exchange/matching.py`; equity is taken at each close.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bot.charts import BacktestPicture
from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.grids import GridSpec
from bot.core.model import Candle, FeeSide, Market
from bot.core.money import HUNDRED, ZERO, average
from bot.core.preview import Preview
from bot.errors import CommandError
from bot.exchange.candles import CandleFeed, CandleSeries, ReplayClock, series_of
from bot.exchange.matching import Book
from bot.exchange.paper import PaperGateway
from bot.manager import TradeManager
from bot.ports import IS_REPLAY, Policy, World
from bot.storage.memory_store import MemoryStore
from bot.texts.catalogue import say
from bot.trading.state import Identity

FUNDS = Decimal(10) ** 12
"""Quote currency of the pretend account: a backtest asks what a grid earns, not whether somebody can afford it."""

IDENTITY = Identity("bt0", "backtest")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rules:
    """How the pretend exchange of a backtest trades. Ratios as 0.0002 = 0.02 %; fees are taken in quote currency."""

    maker_fee_ratio: Decimal = ZERO
    price_tick: Decimal = Decimal("0.01")
    amount_step: Decimal = Decimal("0.000001")
    min_amount: Decimal = ZERO
    min_cost: Decimal = ZERO
    touch: bool = False

    @classmethod
    def of(cls, market: Market) -> "Rules":
        """Those of a real market."""
        return cls(
            maker_fee_ratio=market.maker_fee_ratio,
            price_tick=market.price_tick,
            amount_step=market.amount_step,
            min_amount=market.min_amount,
            min_cost=market.min_cost,
        )

    def market(self, symbol: str) -> Market:
        base, _, quote = symbol.partition("/")
        return Market(
            symbol=symbol,
            base=base,
            quote=quote.partition(":")[0],
            price_tick=self.price_tick,
            amount_step=self.amount_step,
            min_amount=max(self.min_amount, self.amount_step),
            min_cost=self.min_cost,
            maker_fee_ratio=self.maker_fee_ratio,
            taker_fee_ratio=self.maker_fee_ratio,
            fee_side=FeeSide.QUOTE,
        )


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

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        """No fills are kept."""
        return ()

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
    def profit(self) -> Decimal:
        """Realised and open."""
        return self.realized + self.unrealized

    @property
    def profit_pct(self) -> Decimal | None:
        """The same in per cent of the capital; None where there is none."""
        return average(self.profit * HUNDRED, self.capital) if self.capital else None

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

    @property
    def span(self) -> timedelta:
        """From the opening of the first candle to the close of the last, gaps included."""
        bar = timedelta(milliseconds=self.series.bar)
        return self.series.closes_at(len(self.series) - 1) - self.series.closes_at(0) + bar


def of_minutes(candles: Sequence[Candle]) -> CandleSeries:
    """Minutes in order of time as a series. MarketError where there is none."""
    return series_of(candles, MINUTE)


def latest(series: CandleSeries, bars: int) -> CandleSeries:
    """The last candles of a series."""
    columns = ("times", "open", "high", "low", "close", "volume")
    return replace(series, **{name: getattr(series, name)[-bars:] for name in columns})


async def run(
    spec: GridSpec,
    series: CandleSeries,
    rules: Rules,
    policy: Policy | None = None,
    leap: bool = True,
    enough: Callable[[], bool] = lambda: False,
) -> Run:
    """Trade a grid over candles. CommandError where the preview forbids it, TimeoutError once `enough` says so;
    `leap=False` stops at every candle."""
    replaying = IS_REPLAY.set(True)
    try:
        return await _run(spec, series, rules, policy or Policy(leap_ratio=None), leap, enough)
    finally:
        IS_REPLAY.reset(replaying)


async def _run(
    spec: GridSpec, series: CandleSeries, rules: Rules, policy: Policy, leap: bool, enough: Callable[[], bool]
) -> Run:
    market = rules.market(spec.symbol)
    clock = ReplayClock(series.closes_at(0))
    gateway = PaperGateway({market.symbol: market}, clock, {market.quote: FUNDS}, touch=rules.touch, keep_closed=1000)
    feed = CandleFeed(series, market, gateway, clock)
    ledger = TradeList()
    world = World(data=feed, gateway=gateway, store=MemoryStore(), ledger=ledger, clock=clock)
    manager = TradeManager(world, policy, IDENTITY)
    await manager.start()
    shown = await manager.preview(spec)
    if shown.problems:
        raise CommandError(shown.problems[0])
    began = perf_counter()
    await manager.create(shown)
    stops, worth = await _play(manager, feed, gateway.book(market.symbol), leap, enough)
    equity = _equity(series, stops, worth)
    seconds = perf_counter() - began
    return Run(shown, _report(manager, shown, series, equity, seconds), ledger.trades, equity, series)


async def _play(
    manager: TradeManager, feed: CandleFeed, book: Book, leap: bool, enough: Callable[[], bool]
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
        if enough():
            raise TimeoutError
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


def picture(done: Run, zone: tzinfo = UTC) -> BacktestPicture:
    """What the chart of a run shows, by the clocks of a time zone as they stand at its end."""
    series, report, spec = done.series, done.report, done.preview.spec
    closes = _closes(series)
    ahead = series.closes_at(len(series) - 1).astimezone(zone).utcoffset() or timedelta()
    trades = say("count.closed_trade", count=report.round_trips)
    return BacktestPicture(
        title=f"{spec.symbol} {spec.shape} × {spec.count}",
        subtitle=f"{report.profit:+,.2f} {done.preview.market.quote} · {trades}",
        currency=done.preview.market.quote,
        times=series.times + series.bar + ahead // timedelta(milliseconds=1),
        closes=closes,
        equity=done.equity,
        hold=float(report.capital) * (closes / closes[0] - 1),
        entries=[float(level.entry) for level in done.preview.accepted],
        sales=[(trade.closed_at + ahead, float(trade.exit)) for trade in done.trades],
    )
