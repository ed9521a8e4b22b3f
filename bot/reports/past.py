"""The recent past of markets in candles, for pictures and rehearsals.

Rule: read at most once a minute, however many look, and nobody waits long: who looks too early sees less of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.lengths import Length
from bot.core.model import Candle
from bot.errors import BotError
from bot.ports import MarketData

log = logging.getLogger(__name__)

MINUTE = Length.MINUTE.span
A_DAY, A_WEEK = 1440, 10_080
"""Minutes."""
COUNTS = {
    Length.MINUTE: (A_DAY + 1, A_WEEK + 1),  # and the running one
    Length.HOUR: (96,),
    Length.FOUR_HOURS: (84,),
    Length.DAY: (90,),
    Length.WEEK: (78,),
}
"""How many candles of each length are read: of the many first those that are soon there."""
FRESH = timedelta(minutes=1)
"""What was read is good for so long."""
MOST_MARKETS = 8
"""Kept of each length; a week of minutes is some 7 MB."""
PATIENCE = 2.0
"""Seconds somebody waits for the exchange's candles; what comes later is there the next time."""


@dataclass(slots=True)
class Reading:
    """The candles of one market as far as they are read; `task` reads them."""

    at: datetime
    candles: Sequence[Candle]
    task: asyncio.Task[None] | None = None


class Past:
    """The past of each market in candles of each length, read once a minute at most, however many look."""

    def __init__(self, data: MarketData, now: Callable[[], datetime]) -> None:
        self._data = data
        self._now = now
        self._readings: dict[Length, dict[str, Reading]] = {length: {} for length in COUNTS}

    async def of(self, symbol: str, patience: float = PATIENCE, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """Its candles, oldest first, the running one last; after `patience` seconds what is known by then, which may
        be an older reading, a day of the week's minutes only, or nothing."""
        kept = self._readings[length]
        known, now = kept.get(symbol), self._now()
        if known is None or known.task is None or (known.task.done() and now - known.at >= FRESH):
            known = Reading(now, known.candles if known is not None else ())
            kept.pop(symbol, None)
            kept[symbol] = known  # the last in the row
            while len(kept) > MOST_MARKETS:
                del kept[next(iter(kept))]
            known.task = asyncio.create_task(self._read(symbol, length, known), name=f"the past of {symbol} {length}")
        assert known.task is not None
        await asyncio.wait({known.task}, timeout=patience)
        return known.candles

    async def _read(self, symbol: str, length: Length, reading: Reading) -> None:
        try:
            for count in COUNTS[length]:
                reading.candles = await self._data.candles(symbol, count, length) or reading.candles
        except BotError as error:
            log.warning("no candles of %s in %s: %s", symbol, length, error)
            reading.task = None  # whoever looks next asks again
