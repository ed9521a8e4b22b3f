"""Recorded candles: one series with exact prices, and the feed that leads a paper account through it.

Rule: prices are kept as whole numbers of 10^-digits, exactly as written in the file, so that searching
costs what integers cost and the few candles a run stops at are exact Decimals. The feed shows a candle's
close only once the candle is over, and never looks ahead: `next_touch` says where something may happen, not
what.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bot.core.lengths import Length, lengthened
from bot.core.model import Candle, Market, Quote
from bot.errors import MarketError
from bot.exchange.paper import PaperGateway

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

HIGHEST = 2**63 - 1
"""What a column can hold."""

GLANCE = 8
"""So many candles are looked at one by one before a search in blocks begins: in dense markets it ends
there."""
BLOCK = 256
LARGEST_BLOCK = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class CandleSeries:
    """Candles in order of time, all of one length.

    `times` are openings in ms since 1970; prices are whole numbers of 10^-`digits` quote currency; `volume`
    is base coin; `bar` is the length of a candle in ms.
    """

    times: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    digits: int
    bar: int
    # The same memory, seen so that one number at a time is quick to read.
    _lows: memoryview = field(init=False, repr=False)
    _highs: memoryview = field(init=False, repr=False)
    _times: memoryview = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for view, column in (("_lows", self.low), ("_highs", self.high), ("_times", self.times)):
            object.__setattr__(self, view, np.ascontiguousarray(column).data)

    def __len__(self) -> int:
        return len(self.times)

    def decimal(self, index: int, column: str) -> Decimal:
        """A price (`open`, `high`, `low`, `close`), exact."""
        return self._exact(int(getattr(self, column)[index]))

    def closes_at(self, index: int) -> datetime:
        """When candle `index` is over."""
        return EPOCH + (self._times[index] + self.bar) * MILLISECOND

    def candle(self, index: int) -> Candle:
        """Candle `index` with exact prices; its volume to eight decimals."""
        at = EPOCH + self._times[index] * MILLISECOND
        prices = [self._exact(int(column[index])) for column in (self.open, self.high, self.low, self.close)]
        volume = Decimal(f"{self.volume[index]:.8f}")
        return Candle(at, prices[0], prices[1], prices[2], prices[3], volume)

    def next_touch(self, start: int, below: Decimal | None, above: Decimal | None, due: datetime | None = None) -> int:
        """The first candle from `start` on with low ≤ below, or high ≥ above, or over at `due` or later.

        The number of candles where there is none. Inclusive, so it never leaps over a fill, whichever the
        fill rule.
        """
        end = len(self)
        if due is not None:
            late = -((EPOCH - due) // MILLISECOND)  # rounded up: not before it is due
            end = bisect_left(self._times, late - self.bar, min(start, end))
        if below is None and above is None:
            return end
        floor = -1 if below is None else self._whole(below, up=False)
        # No price reaches the top of the number range, none is below 0.
        ceiling = HIGHEST if above is None else self._whole(above, up=True)
        lows, highs = self._lows, self._highs
        glance = min(start + GLANCE, end)
        for index in range(start, glance):
            if lows[index] <= floor or highs[index] >= ceiling:
                return index
        size = BLOCK
        while glance < end:
            upto = min(glance + size, end)
            hits = self.low[glance:upto] <= floor
            hits |= self.high[glance:upto] >= ceiling
            first = int(hits.argmax())
            if hits[first]:
                return glance + first
            glance, size = upto, min(size * 2, LARGEST_BLOCK)
        return end

    def _exact(self, whole: int) -> Decimal:
        return Decimal(whole).scaleb(-self.digits)

    def _whole(self, price: Decimal, up: bool) -> int:
        """A price in units of 10^-digits, rounded, and within what a column can hold."""
        scaled = price.scaleb(self.digits)
        whole = int(scaled)
        if up and whole != scaled:
            whole += 1
        return min(max(whole, -1), HIGHEST)


def series_of(candles: Sequence[Candle], bar: timedelta) -> CandleSeries:
    """Candles of one length in order of time as a series; their prices stay exact. MarketError where there is none."""
    if not candles:
        raise MarketError("no candles")
    rows = [(each.open, each.high, each.low, each.close) for each in candles]
    digits = max(0, *(-int(price.normalize().as_tuple().exponent) for row in rows for price in row))
    columns = [
        np.array([int(price.scaleb(digits)) for price in column], np.int64) for column in zip(*rows, strict=True)
    ]
    times = np.array([(each.at - EPOCH) // MILLISECOND for each in candles], np.int64)
    volume = np.array([float(each.volume) for each in candles])
    opens, highs, lows, closes = columns
    return CandleSeries(times, opens, highs, lows, closes, volume, digits, bar // MILLISECOND)


class ReplayClock:
    """The time of a recording; whoever plays it sets `at`."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class CandleFeed:
    """MarketData of a recording, standing at the close of one candle.

    It begins at the close of candle 0, which nothing was resting before; `step_to` leads on from there.
    """

    def __init__(self, series: CandleSeries, market: Market, gateway: PaperGateway, clock: ReplayClock) -> None:
        self.series = series
        self.index = 0
        self._market = market
        self._gateway = gateway
        self._clock = clock
        self._quote: Quote | None = None
        self.step_to(0)

    def step_to(self, index: int) -> None:
        """Play candle `index`: it trades with what rests, then the clock stands at its close.

        Candles leapt over must be such as touch nothing (`next_touch` on the book's best prices).
        """
        series, symbol = self.series, self._market.symbol
        at, close = series.closes_at(index), series.decimal(index, "close")
        self.index, self._clock.at, self._quote = index, at, None
        self._gateway.on_candle(symbol, series.decimal(index, "low"), series.decimal(index, "high"), close, at)

    def next_touch(self, start: int, below: Decimal | None, above: Decimal | None, due: datetime | None = None) -> int:
        """`CandleSeries.next_touch`."""
        return self.series.next_touch(start, below, above, due)

    async def symbols(self) -> Sequence[str]:
        return (self._market.symbol,)

    async def market(self, symbol: str) -> Market:
        if symbol != self._market.symbol:
            raise MarketError(f"the recording has no {symbol}: it is of {self._market.symbol}")
        return self._market

    async def quote(self, symbol: str) -> Quote:
        """The close of the present candle, as bid and as ask."""
        if self._quote is None or symbol != self._quote.symbol:
            await self.market(symbol)
            close = self.series.decimal(self.index, "close")
            self._quote = Quote(symbol, close, close, self._clock.at)
        return self._quote

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """Up to `count` candles of what is over, the present one last; they are never shorter than the recording's."""
        await self.market(symbol)
        bars = count * max(1, length.span // (self.series.bar * MILLISECOND))
        known = [self.series.candle(index) for index in range(max(0, self.index + 1 - bars), self.index + 1)]
        return known if bars == count else lengthened(known, length)[-count:]
