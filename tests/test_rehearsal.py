"""Rehearsals: the recent past of a market, and a grid traded over as much of it as there is time for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.backtest import Rules, Run, latest, of_minutes, run
from bot.core.grids import GridSpec, Shape
from bot.core.lengths import Length
from bot.core.model import Candle
from bot.core.money import use_exact
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import NO_OFFSETS
from bot.errors import CommandError, MarketError
from bot.exchange.simulated import PricePath, SimulatedMarket, open_simulated
from bot.ledger.logs import MemoryLedger, open_ops_log
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.reports import rehearsal
from bot.reports.past import MOST_MARKETS, Past
from bot.reports.rehearsal import Rehearsals
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from tests.fakes import BTC, HandClock, ScriptedMarket, dec

A_DAY, A_WEEK = 1441, 10_081
"""Minutes, and the running one."""
SPEC = GridSpec(Shape.LINEAR, BTC, dec(61_875), dec(63_125), 3, dec("0.001"), None, dec("0.5"), loop=True)


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


@dataclass
class Told(ScriptedMarket):
    """A market whose candles come when they may; `asked_for` remembers how many were wanted."""

    clock: HandClock = field(default_factory=HandClock)
    asked_for: list[int] = field(default_factory=list)
    may_answer: dict[int, asyncio.Event] = field(default_factory=dict)
    fails: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.clock)

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        self.asked_for.append(count)
        if count in self.may_answer:
            await self.may_answer[count].wait()
        if self.fails:
            raise MarketError("no line")
        one, now = dec(1), self.clock.now()
        return [Candle(now - ago * length.span, one, one, one, one, one) for ago in range(count - 1, -1, -1)]


def test_the_past_is_read_once_a_minute_however_many_look() -> None:
    async def story() -> None:
        market = Told()
        past = Past(market, market.clock.now)
        first, *others = await asyncio.gather(*(past.of(BTC) for _ in range(5)))
        assert len(first) == A_WEEK and all(other is first for other in others)
        assert market.asked_for == [A_DAY, A_WEEK]
        market.clock.ahead(59)
        assert await past.of(BTC) is first
        market.clock.ahead(1)
        assert (await past.of(BTC))[-1].at == market.clock.now()
        assert len(market.asked_for) == 4

    asyncio.run(story())


def test_nobody_waits_for_a_slow_exchange_and_what_comes_late_is_there_the_next_time() -> None:
    async def story() -> None:
        market = Told(may_answer={A_DAY: asyncio.Event(), A_WEEK: asyncio.Event()})
        past = Past(market, market.clock.now)
        assert await past.of(BTC, patience=0) == ()
        market.may_answer[A_DAY].set()
        await asyncio.sleep(0)
        assert len(await past.of(BTC, patience=0)) == A_DAY
        market.may_answer[A_WEEK].set()
        assert len(await past.of(BTC)) == A_WEEK
        market.clock.ahead(600)
        market.may_answer = {A_DAY: asyncio.Event()}
        assert len(await past.of(BTC, patience=0)) == A_WEEK  # older, but better than nothing
        assert market.asked_for == [A_DAY, A_WEEK, A_DAY]

    asyncio.run(story())


def test_an_exchange_that_fails_is_asked_again_by_whoever_looks_next() -> None:
    async def story() -> None:
        market = Told(fails=True)
        past = Past(market, market.clock.now)
        assert await past.of(BTC) == ()
        market.fails = False
        assert len(await past.of(BTC)) == A_WEEK

    asyncio.run(story())


def test_each_length_is_read_for_itself_and_kept_a_minute() -> None:
    async def story() -> None:
        market = Told()
        past = Past(market, market.clock.now)
        hours, weeks = await past.of(BTC, length=Length.HOUR), await past.of(BTC, length=Length.WEEK)
        assert market.asked_for == [96, 78]
        assert hours[-1].at - hours[0].at == 95 * Length.HOUR.span and len(weeks) == 78
        market.clock.ahead(59)
        assert await past.of(BTC, length=Length.HOUR) is hours
        assert len(await past.of(BTC)) == A_WEEK
        market.clock.ahead(1)
        await past.of(BTC, length=Length.WEEK)
        assert market.asked_for == [96, 78, A_DAY, A_WEEK, 78]

    asyncio.run(story())


def test_the_past_of_a_few_markets_is_kept() -> None:
    async def story() -> None:
        market = Told()
        past = Past(market, market.clock.now)
        for number in range(MOST_MARKETS + 1):
            await past.of(f"A{number}/USDT")
        asked = len(market.asked_for)
        await past.of("A1/USDT")
        assert len(market.asked_for) == asked
        await past.of("A0/USDT")
        assert len(market.asked_for) > asked

    asyncio.run(story())


@dataclass
class Bench:
    """A trader on the built-in market, and its rehearsals."""

    market: SimulatedMarket
    manager: TradeManager
    rehearsals: Rehearsals

    async def preview(self, spec: GridSpec = SPEC) -> Preview:
        return await self.manager.preview(spec)


async def bench(policy: Policy | None = None) -> Bench:
    clock = HandClock()
    market, gateway = open_simulated(None, clock, 7, {"USDT": dec(10_000)}, dec("0.001"))
    world = World(market, gateway, MemoryStore(), MemoryLedger(), clock)
    manager = TradeManager(world, policy or Policy(), Identity("tst", "simulated"))
    await manager.start()
    return Bench(market, manager, Rehearsals(manager))


def test_a_rehearsal_is_the_backtest_of_the_same_minutes() -> None:
    async def story() -> tuple[Run | None, Run]:
        made = await bench()
        candles = await made.market.candles(BTC, 61)
        series = of_minutes(candles[:-1])  # without the running one
        straight = await run(replace(SPEC, force=True), series, Rules.of(await made.market.market(BTC)), Policy())
        return await made.rehearsals.instant(await made.preview(), candles), straight

    done, straight = asyncio.run(story())
    assert done is not None
    assert done.report.round_trips > 5 and done.span == timedelta(hours=1)
    assert replace(done.report, seconds=1.0) == replace(straight.report, seconds=1.0)


def test_where_time_is_short_the_latest_stretch_is_traded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> tuple[Run | None, Sequence[Candle]]:
        made = await bench()
        candles = await made.market.candles(BTC, 5000)
        return await made.rehearsals.instant(await made.preview(replace(SPEC, count=20)), candles), candles

    looks = count()
    monkeypatch.setattr(rehearsal, "INSTANT", 0.4)
    monkeypatch.setattr(rehearsal, "thread_time", lambda: next(looks) / 1000)  # a millisecond from look to look
    done, candles = asyncio.run(story())
    assert done is not None and 10 <= done.report.bars < 4999
    assert done.series.closes_at(len(done.series) - 1) == candles[-1].at
    assert done.series.candle(0) == replace(candles[-1 - done.report.bars], volume=done.series.candle(0).volume)


def test_the_latest_candles_of_a_series_are_its_last() -> None:
    async def story() -> Sequence[Candle]:
        return await (await bench()).market.candles(BTC, 30)

    series = of_minutes(asyncio.run(story()))
    assert [latest(series, 7).candle(index) for index in range(7)] == [series.candle(index) for index in range(23, 30)]


def test_a_rehearsal_that_nobody_waits_for_ends() -> None:
    async def story() -> None:
        made = await bench()
        asked = asyncio.create_task(made.rehearsals.thorough(replace(SPEC, count=400), 60))
        while not any(thread.name.startswith("asyncio_") for thread in threading.enumerate()):
            await asyncio.sleep(0)
        with pytest.raises(CommandError, match="another backtest is running"):
            await made.rehearsals.thorough(SPEC, 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(asyncio.wait_for(story(), 5))  # which waits for the thread as well


def test_what_takes_too_long_or_is_too_large_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        made = await bench()
        with pytest.raises(CommandError, match="at most 2,000 levels here, and this grid has 2,001"):
            await made.rehearsals.thorough(replace(SPEC, count=2001), 1)
        assert await made.rehearsals.instant(await made.preview(replace(SPEC, count=501)), ()) is None
        assert await made.rehearsals.instant(await made.preview(), ()) is None
        monkeypatch.setattr(rehearsal, "THOROUGH", 0.0)
        with pytest.raises(CommandError, match="take fewer levels"):
            await made.rehearsals.thorough(SPEC, 1)

    asyncio.run(story())


def test_without_any_minute_a_backtest_says_so() -> None:
    async def story() -> None:
        made = await bench()
        market = Told()
        market.markets, market.may_answer = {BTC: await made.market.market(BTC)}, {}
        made.manager.world = replace(made.manager.world, data=market)
        market.candles = no_candles  # type: ignore[method-assign]
        with pytest.raises(MarketError, match="tells of no minute of BTC/USDT in the last 3 days"):
            await made.rehearsals.thorough(SPEC, 3)

    async def no_candles(symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        return ()

    asyncio.run(story())


def test_the_account_and_its_log_know_nothing_of_a_rehearsal(tmp_path: Path) -> None:
    async def story() -> Run | None:
        made = await bench()
        done = await made.rehearsals.instant(await made.preview(), await made.market.candles(BTC, 61))
        assert not made.manager.state.grids and not made.manager.state.executors
        logging.getLogger("bot.manager").info("this has happened")
        return done

    log = open_ops_log(tmp_path)
    try:
        done = asyncio.run(story())
        log.flush(1)
    finally:
        log.close()
        logging.getLogger().setLevel(logging.WARNING)
    assert done is not None
    lines = (tmp_path / "ops.log").read_text(encoding="utf-8").splitlines()
    assert any("this has happened" in line for line in lines) and not any("grid created" in line for line in lines)


def test_limits_of_the_owner_hold_in_a_rehearsal() -> None:
    async def story() -> tuple[Run | None, Run | None]:
        free, bound = await bench(), await bench(Policy(max_open_orders=1))
        candles = await free.market.candles(BTC, 61)
        return await free.rehearsals.instant(await free.preview(), candles), await bound.rehearsals.instant(
            await bound.preview(), candles
        )

    free, bound = asyncio.run(story())
    assert free is not None and bound is not None and bound.report.round_trips < free.report.round_trips


def test_a_grid_that_only_stood_far_away_is_rehearsed_all_the_same() -> None:
    async def story() -> Run | None:
        made = await bench()
        far = replace(SPEC, minimum=dec(1000), maximum=dec(2000), amount=dec("0.01"))
        quote = await made.market.quote(BTC)
        shown = preview(far, await made.market.market(BTC), quote, NO_OFFSETS, Limits())
        return await made.rehearsals.instant(shown, await made.market.candles(BTC, 61))

    done = asyncio.run(story())
    assert done is not None and done.report.round_trips == 0 and done.report.profit == 0


def test_many_bids_at_once_are_those_of_each_step() -> None:
    import numpy as np

    from bot.exchange.simulated import LISTINGS

    for listing in LISTINGS:
        path = PricePath(7, listing)
        steps = np.arange(-400_000, 400_000, 997)
        assert path.bids(steps).tolist() == [path.top(int(step))[0] for step in steps]
