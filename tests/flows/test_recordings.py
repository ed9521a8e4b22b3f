"""The whole trader over recorded real markets, where the recordings are at hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.backtest import Rules
from bot.backtest import run as backtest
from bot.core.grids import GridSpec, Shape
from bot.core.model import FeeSide, Quote
from bot.core.words import parse_grid
from bot.exchange.candle_files import read_candles
from bot.exchange.candles import CandleFeed, ReplayClock
from bot.exchange.paper import PaperGateway
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.reports.tally import moved
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from tests.exchange.ticks import TickFeed, read_ticks
from tests.fakes import BTC, dec, market, run

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "data"
MONTH = RECORDINGS / "btc-perp-1m-2022-01.csv.gz"
TICKS = RECORDINGS / "binance-spot-btcusdt-ws-2024-08-09.gz"
BEAT = timedelta(seconds=2)


def grid(shape: Shape, words: str) -> GridSpec:
    return parse_grid(shape, words, resolve=lambda word: None, default_symbol=BTC).at(None)


@pytest.mark.skipif(not MONTH.exists(), reason="the recorded month is not here")
def test_a_recorded_month_closes_hundreds_of_trades_and_its_books_end_where_its_equity_does() -> None:
    spec = grid(Shape.NORMAL, "33000 48000 60 0.001 0.5 loop")
    done = run(backtest(spec, read_candles(MONTH), Rules(maker_fee_ratio=dec("0.0002"))))
    report = done.report
    assert report.bars == 45_031
    assert report.round_trips == len(done.trades) > 500
    assert report.realized == sum(trade.pnl for trade in done.trades)
    assert float(report.realized + report.unrealized) == pytest.approx(done.equity[-1], abs=1e-6)
    assert all(trade.proceeds > trade.cost for trade in done.trades)


@pytest.mark.skipif(not MONTH.exists(), reason="the recorded month is not here")
@pytest.mark.parametrize("fee_side", FeeSide)
def test_over_a_recorded_month_the_books_are_the_exchanges_balances_at_every_days_end(fee_side: FeeSide) -> None:
    async def story() -> None:
        series = read_candles(MONTH)
        rules = replace(Rules(maker_fee_ratio=dec("0.0002")).market(BTC), fee_side=fee_side)
        clock = ReplayClock(series.closes_at(0))
        gateway = PaperGateway({BTC: rules}, clock, {"USDT": dec(100_000)}, keep_closed=1000)
        feed, ledger = CandleFeed(series, rules, gateway, clock), MemoryLedger()
        world = World(data=feed, gateway=gateway, store=MemoryStore(), ledger=ledger, clock=clock)
        manager = TradeManager(world, Policy(), Identity("rec", "month"))
        await manager.start()
        await manager.create(await manager.preview(grid(Shape.NORMAL, "33000 48000 60 0.001 0.5 loop")))
        desk, book, days, day = manager.heartbeat.desks[BTC], gateway.book(BTC), 0, clock.now().date()
        while feed.index < len(series) - 1:
            await manager.beat()
            if clock.now().date() != day:
                day, days = clock.now().date(), days + 1
                balances, change = await manager.balances(), moved(manager.state, BTC)
                assert balances["USDT"].total == 100_000 + change["USDT"]
                assert balances["BTC"].total == change["BTC"] == manager.state.holding(BTC).amount
                await manager.fold()
            at, rise, fall = manager.heartbeat.next_bounds(desk, clock.now())
            below = max((price for price in (book.best_buy(), fall) if price is not None), default=None)
            above = min((price for price in (book.best_sell(), rise) if price is not None), default=None)
            feed.step_to(min(feed.next_touch(feed.index + 1, below, above, at), len(series) - 1))
        await manager.fold()
        assert days >= 28
        totals = manager.state.total("all:USDT")
        assert len({trade.key for trade in ledger.trades}) == len(ledger.trades) == totals.trades > 500
        assert sum(trade.pnl for trade in ledger.trades) == totals.realised
        assert len({fill.key for fill in ledger.fills}) == len(ledger.fills) == manager.state.flow("g1").fills
        assert sum(fill.cost for fill in ledger.fills) == manager.state.flow("g1").volume

    run(story())


@pytest.mark.skipif(not TICKS.exists(), reason="the recorded ticks are not here")
def test_recorded_ticks_trade_a_grid_in_real_time_order_and_books_equal_balances() -> None:
    async def story() -> None:
        rules = replace(market(min_amount="0.0001", step="0.00001"), maker_fee_ratio=dec("0.0001"))
        first = next(tick for tick in read_ticks(TICKS, BTC) if isinstance(tick, Quote))
        clock = ReplayClock(first.at)
        gateway = PaperGateway({BTC: rules}, clock, {"USDT": dec(100_000)})
        feed = TickFeed(read_ticks(TICKS, BTC), rules, gateway, clock)
        feed.play(first.at)
        ledger = MemoryLedger()
        world = World(data=feed, gateway=gateway, store=MemoryStore(), ledger=ledger, clock=clock)
        manager = TradeManager(world, Policy(), Identity("tik", "ticks"))
        await manager.start()
        low, high = first.bid - 60, first.bid + 60
        spec = grid(Shape.LINEAR, f"{low} {high} 60 0.001 0.03 loop")
        await manager.create(await manager.preview(spec))
        beats = 0
        while feed.next_at is not None:
            feed.play(clock.now() + BEAT)
            await manager.beat()
            beats += 1
        assert beats == pytest.approx(304 / 2, abs=3)
        assert len(ledger.trades) > 20
        balances = await manager.balances()
        holding = manager.state.holding(BTC)
        assert balances["BTC"].total == holding.amount == moved(manager.state, BTC)["BTC"]
        assert balances["USDT"].total == 100_000 + moved(manager.state, BTC)["USDT"]
        settled = sum((trade.pnl for trade in ledger.trades), Decimal(0))
        assert balances["USDT"].total == 100_000 + settled + holding.unsettled - holding.cost

    run(story())
