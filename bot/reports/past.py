"""The recent past of markets in candles, for pictures and rehearsals.

Rule: read at most once a minute, however many look, and nobody waits long: who looks too early sees less of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import Candle
from bot.errors import BotError
from bot.ports import MarketData

log = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
A_DAY, A_WEEK = 1440, 10_080
"""Minutes."""
FRESH = timedelta(minutes=1)
"""What was read is good for so long."""
MOST_MARKETS = 8
"""Kept; a week of one is some 7 MB."""
PATIENCE = 2.0
"""Seconds somebody waits for the exchange's candles; what comes later is there the next time."""


@dataclass(slots=True)
class Reading:
    """The minutes of one market as far as they are read; `task` reads them."""

    at: datetime
    candles: Sequence[Candle]
    task: asyncio.Task[None] | None = None


class Past:
    """The last week of each market in minutes, read once a minute at most, however many look."""

    def __init__(self, data: MarketData, now: Callable[[], datetime]) -> None:
        self._data = data
        self._now = now
        self._readings: dict[str, Reading] = {}

    async def of(self, symbol: str, patience: float = PATIENCE) -> Sequence[Candle]:
        """Its minutes, oldest first, the running one last; after `patience` seconds what is known by then, which may
        be an older reading, a day only, or nothing."""
        known, now = self._readings.get(symbol), self._now()
        if known is None or known.task is None or (known.task.done() and now - known.at >= FRESH):
            known = Reading(now, known.candles if known is not None else ())
            self._readings.pop(symbol, None)
            self._readings[symbol] = known  # the last in the row
            while len(self._readings) > MOST_MARKETS:
                del self._readings[next(iter(self._readings))]
            known.task = asyncio.create_task(self._read(symbol, known), name=f"the past of {symbol}")
        assert known.task is not None
        await asyncio.wait({known.task}, timeout=patience)
        return known.candles

    async def _read(self, symbol: str, reading: Reading) -> None:
        """A day first, which is soon there, then the week."""
        try:
            for count in (A_DAY, A_WEEK):
                candles = await self._data.candles(symbol, count + 1)  # and the running one
                reading.candles = candles or reading.candles
        except BotError as error:
            log.warning("no candles of %s: %s", symbol, error)
            reading.task = None  # whoever looks next asks again
