"""The rehearsal of a grid: what it would have done over recent prices, traded by the engine of the backtest.

Rule: beside the event loop, one at a time, bounded in time: where all of the past would take too long, a shorter
stretch of it, up to now, is traded. The prices are past ones and fills follow the rule of `exchange/matching.py`: no
promise.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import thread_time
from typing import TYPE_CHECKING

from bot.core.grids import GridSpec
from bot.core.model import Candle, Market
from bot.core.preview import Preview
from bot.errors import CommandError, MarketError
from bot.manager import TradeManager
from bot.ports import Policy
from bot.reports.past import A_DAY, MINUTE, Past
from bot.texts.catalogue import say

if TYPE_CHECKING:
    from bot.backtest import Run

log = logging.getLogger(__name__)

INSTANT, THOROUGH = 0.6, 20.0
"""Seconds of computing for the line in a preview, and for a backtest that was asked for."""
MOST_LEVELS, MOST_LEVELS_AT_ALL = 500, 2000
"""A larger grid takes longer to be laid than the line in a preview may, and than a stop of the worker may wait."""
FIRST_BARS, GROWTH, SHARE, LEAST = 10, 8, 0.9, 1.5
"""A stretch is so many minutes at first; the next is as long as `SHARE` of the time left lets it be, as it seems, where
that is `LEAST` times the last one."""
USUAL_DAYS, MOST_DAYS = 30, 60


class Rehearsals:
    """What grids would have done, for previews at once and for /backtest at length."""

    def __init__(self, manager: TradeManager) -> None:
        self._manager = manager
        self._instant = asyncio.Lock()
        self._thorough = asyncio.Lock()
        self.past = Past(manager.world.data, manager.world.clock.now)

    async def instant(self, shown: Preview, candles: Sequence[Candle]) -> "Run | None":
        """A preview's grid over as much of these minutes as half a second is enough for; None where it is not enough
        for any, or there are none."""
        if len(shown.levels) > MOST_LEVELS:
            return None
        spec = replace(shown.spec, force=True)  # whether it may be made was looked at in the preview
        async with self._instant:
            try:
                return await self._traded(spec, shown.market, candles, INSTANT)
            except CommandError as error:  # such as levels that stood where no price is
                log.debug("nothing rehearsed: %s", error)
                return None

    async def thorough(self, spec: GridSpec, days: int) -> "Run":
        """A grid over the last days, or as many of them as there is time for. CommandError, MarketError."""
        if spec.count > MOST_LEVELS_AT_ALL:
            raise CommandError(say("unable.backtest_too_large", most=MOST_LEVELS_AT_ALL, count=spec.count))
        if self._thorough.locked():
            raise CommandError(say("unable.backtest_busy"))
        async with self._thorough:
            market = (await self._manager.desk(spec.symbol)).market
            candles = await self._manager.world.data.candles(spec.symbol, days * A_DAY + 1)
            done = await self._traded(spec, market, candles, THOROUGH)
        if done is None and not candles:
            raise MarketError(say("unable.backtest_no_minute", symbol=spec.symbol, days=days))
        if done is None:
            raise CommandError(say("unable.backtest_too_long"))
        return done

    async def _traded(self, spec: GridSpec, market: Market, candles: Sequence[Candle], seconds: float) -> "Run | None":
        now, given_up = self._manager.world.clock.now(), threading.Event()
        over = [candle for candle in candles if candle.at + MINUTE <= now]
        policy = replace(self._manager.policy, ask_first=False, leverage=None, leap_ratio=None)
        if not over:
            return None
        try:
            return await asyncio.to_thread(_longest, spec, market, over, policy, seconds, given_up.is_set)
        finally:
            given_up.set()  # nobody waits any more: the thread ends at its next step


def _longest(
    spec: GridSpec,
    market: Market,
    candles: Sequence[Candle],
    policy: Policy,
    seconds: float,
    is_given_up: Callable[[], bool],
) -> "Run | None":
    """The run over the longest stretch up to now that fits into `seconds`; each stretch is a fraction of the next."""
    from bot.backtest import Rules, latest, of_minutes, run

    ends = thread_time() + seconds
    series, rules = of_minutes(candles), Rules.of(market)
    done: Run | None = None
    bars = min(FIRST_BARS, len(series))
    while True:
        began = thread_time()
        try:
            done = asyncio.run(
                run(spec, latest(series, bars), rules, policy, enough=lambda: is_given_up() or thread_time() > ends)
            )
        except TimeoutError:
            return done
        now = thread_time()
        growth = min(GROWTH, SHARE * (ends - now) / (now - began))
        if bars == len(series) or growth < LEAST:
            return done
        bars = min(len(series), int(bars * growth))
