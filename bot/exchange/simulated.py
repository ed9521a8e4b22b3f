"""The built-in market: a few lively symbols without any network, the same path for the same seed.

Rule: a price is a pure function of seed, symbol and step, so all there is to keep is (seed, step). Four
steps make a second of clock time; time in which nobody ran it is not simulated. Waves of some 29 seconds
and about 0.6 % swing around a slowly drifting centre that never leaves the start's neighbourhood: a grid of
±1 % trades every minute and does not die. The past before step 0, which nobody has lived through, is made up of calmer
and longer waves, so that its candles look like a market's. Floats end at the border: a price becomes a Decimal on the
tick there.
"""

import asyncio
import math
import random
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.core.lengths import Length
from bot.core.model import Candle, Market, Quote
from bot.errors import MarketUnknown
from bot.exchange.matching import Parts, Resting
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import ExchangeFile, Kept, corrupt, opened
from bot.exchange.paper_market import TAKER_FEE_RATIO
from bot.ports import Clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP = timedelta(milliseconds=250)
STEP_SECONDS = STEP.total_seconds()
MINUTE = timedelta(minutes=1)
MOST_STEPS = 240
"""A longer gap (a laptop asleep, a clock set) is cut to this many steps, one minute."""
ACCOUNT = "simulated"

DAY = 1440
"""Minutes."""
STEPS_A_MINUTE = MINUTE // STEP
LOOKS = 3600
"""At so many steps of a candle longer than a minute, evenly spread, and at its last, the price is looked at."""
BITS = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol of the simulated exchange. `swing` scales its waves, BTC's being 1."""

    symbol: str
    start: float
    price_tick: str
    amount_step: str
    min_amount: str
    swing: float

    def market(self, maker_fee_ratio: Decimal) -> Market:
        base, quote = self.symbol.split("/")
        return Market(
            symbol=self.symbol,
            base=base,
            quote=quote,
            price_tick=Decimal(self.price_tick),
            # Fine enough that a fee of a tenth of a per cent leaves coins that can be sold to the last one.
            amount_step=Decimal(self.amount_step),
            min_amount=Decimal(self.min_amount),
            min_cost=Decimal(5),
            maker_fee_ratio=maker_fee_ratio,
            taker_fee_ratio=max(maker_fee_ratio, TAKER_FEE_RATIO),
        )


LISTINGS = (
    Listing("BTC/USDT", 62_500.0, "0.01", "0.000001", "0.00001", 1.0),
    Listing("ETH/USDT", 3_400.0, "0.01", "0.00001", "0.0001", 1.1),
    Listing("SOL/USDT", 150.0, "0.01", "0.0001", "0.001", 1.3),
)


PAST_WAVES = ((0.004, 5.3), (0.009, 29.0), (0.022, 171.0), (0.05, 1_100.0), (0.12, 5_300.0))
"""Height, as a share of the price, and period in hours of the waves before step 0."""
CALM_AFTER, CALM = 1_200.0, 0.12
"""Going back from step 0 the lively waves calm down within so many seconds, to this share of their height."""


class PricePath:
    """The price of one symbol at any step, the past included (steps below 0)."""

    def __init__(self, seed: int, listing: Listing) -> None:
        source = random.Random(f"{seed} {listing.symbol}")
        self._key = source.getrandbits(64)
        self._phases = [source.uniform(0, math.tau) for _ in range(5)]
        self._main_phase = source.choice((0.0, math.pi))
        self._listing = listing
        self._tick = float(listing.price_tick)
        # Whatever the phases, step 0 is the start.
        self._zero = self._wave(0)

    def top(self, step: int) -> tuple[int, int]:
        """Best bid and ask at a step, in ticks."""
        price = self._listing.start * math.exp((self._wave(step) - self._zero) * self._listing.swing)
        bid = max(math.floor(price / self._tick), 1)
        return bid, bid + self._mixed(step) % 3 + 1

    def bids(self, steps: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """The best bids at many steps, in ticks: as `top` has them, some fifty times as fast."""
        import numpy as np

        prices = self._listing.start * np.exp((self._wave(steps, np) - self._zero) * self._listing.swing)
        found: NDArray[np.int64] = np.maximum(np.floor(prices / self._tick), 1).astype(np.int64)
        return found

    def _wave(self, step: Any, maths: Any = math) -> Any:
        """Logarithm of the price, up to a constant and the swing; at one step, or with numpy at each of an array's."""
        sin, t = maths.sin, step * (math.tau * STEP_SECONDS)
        a, b, c, d, e = self._phases
        # The main wave with a wandering period and height; then ripples, noise and two slow drifts.
        angle = t / 29 + self._main_phase + 0.9 * (sin(t / 113 + a) - sin(a))
        height = 0.0064 + 0.0009 * sin(t / 211 + b)
        ripple = 0.0006 * sin(t / 7.1 + c)
        drift = 0.003 * sin(t / 1733 + d) + 0.003 * sin(t / 9431 + e)
        past = (step - abs(step)) // 2 * STEP_SECONDS  # seconds, 0 from step 0 on
        calm = CALM + (1 - CALM) * maths.exp(past / CALM_AFTER)
        lively = height * sin(angle) * calm + ripple + drift + 0.0006 * self._noise(step)
        hours, phases = past * (math.tau / 3600), zip(PAST_WAVES, self._phases, strict=True)
        return lively + sum(high * (sin(hours / period + phase) - sin(phase)) for (high, period), phase in phases)

    def _noise(self, step: Any) -> Any:
        """Smooth noise within ±1: random heights a second apart, eased into each other."""
        cell, inside = divmod(step, 4)
        x = inside / 4
        ease = x * x * (3 - 2 * x)
        left, right = (self._mixed(cell * 2 + 1 + 2 * k) / 2**63 - 1 for k in (0, 1))
        return left + (right - left) * ease

    def _mixed(self, counter: Any) -> Any:
        """64 even bits for each counter (the finaliser of splitmix64, Steele et al. 2014)."""
        if not isinstance(counter, int):
            counter = counter.astype("uint64")  # which wraps as the mask does
        z = (counter * 0x9E3779B97F4A7C15 + self._key) & BITS
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & BITS
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & BITS
        return z ^ (z >> 31)


class SimulatedMarket:
    """MarketData of the built-in market; it also moves the book of the account that trades on it."""

    def __init__(
        self, gateway: PaperGateway, markets: Mapping[str, Market], clock: Clock, seed: int, step: int
    ) -> None:
        self._gateway = gateway
        self._markets = markets
        self._clock = clock
        self._paths = {listing.symbol: PricePath(seed, listing) for listing in LISTINGS}
        self._step = step
        self._at = clock.now()
        self._tops: dict[str, tuple[Decimal, Decimal]] = {}
        for symbol in markets:
            self._set_top(symbol, *self._paths[symbol].top(step))

    @property
    def step(self) -> int:
        """How many steps the market has made since it was founded."""
        return self._step

    def advance(self) -> None:
        """Make all steps that are due by the clock, trading with the resting orders at each."""
        now = self._clock.now()
        due = (now - self._at) // STEP
        if due <= 0:
            if due < 0:
                self._at = now  # the clock was set back
            return
        if due > MOST_STEPS:
            due, self._at = MOST_STEPS, now - MOST_STEPS * STEP
        # Where nothing rests only the last step matters.
        live = [symbol for symbol in self._paths if len(self._gateway.book(symbol))]
        for index in range(1, due + 1):
            at = self._at + index * STEP
            for symbol in live:
                tick = self._markets[symbol].price_tick
                bid, ask = self._paths[symbol].top(self._step + index)
                self._gateway.on_quote(symbol, bid * tick, ask * tick, at)
        for symbol, path in self._paths.items():
            self._set_top(symbol, *path.top(self._step + due))
        self._step += due
        self._at += due * STEP
        self._gateway.note("simulated.step", str(self._step))

    async def symbols(self) -> Sequence[str]:
        return tuple(self._markets)

    async def market(self, symbol: str) -> Market:
        market = self._markets.get(symbol)
        if market is None:
            raise MarketUnknown(f"the simulated exchange has no {symbol}: it lists {', '.join(self._markets)}")
        return market

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask at the present step, once that step is durable."""
        await self.market(symbol)
        self.advance()
        quote = Quote(symbol, *self._tops[symbol], self._at)
        await self._gateway.settled()
        return quote

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """Up to `count` candles of bids, the running one last; the past before step 0 is made up."""
        tick = (await self.market(symbol)).price_tick
        self.advance()
        # Off the loop, where long histories take their time. A new thread computes as exactly as this one.
        return await asyncio.to_thread(self._history, symbol, tick, count, length, self._at, self._step)

    def _history(
        self, symbol: str, tick: Decimal, count: int, length: Length, now: datetime, step: int
    ) -> Sequence[Candle]:
        import numpy as np

        path, first = self._paths[symbol], length.opening(now) - (count - 1) * length.span
        candles: list[Candle] = []
        begin, wide = step - (now - first) // STEP, length.span // STEP
        # Of a long past, and of long candles, fewer steps are looked at.
        stride = min(max(1, count // DAY), STEPS_A_MINUTE // 4) if length is Length.MINUTE else wide // LOOKS
        looks = np.append(np.arange(0, wide - 1, stride), wide - 1)
        rows = DAY * STEPS_A_MINUTE // len(looks)  # at a time: soon computed and small
        for some in range(0, count, rows):
            openings = np.arange(some, min(some + rows, count), dtype=np.int64) * wide + begin
            bids = path.bids(np.minimum(openings[:, None] + looks, step))
            moved = np.abs(np.diff(bids)).sum(axis=1) % 10_000
            columns = (bids[:, 0], bids.max(axis=1), bids.min(axis=1), bids[:, -1], moved)
            for row in zip(*(column.tolist() for column in columns), strict=True):
                opened, high, low, close = (ticks * tick for ticks in row[:4])
                opening = first + len(candles) * length.span
                candles.append(Candle(opening, opened, high, low, close, Decimal(row[4]).scaleb(-2)))
        return candles

    def _set_top(self, symbol: str, bid_ticks: int, ask_ticks: int) -> None:
        tick = self._markets[symbol].price_tick
        top = bid_ticks * tick, ask_ticks * tick
        self._tops[symbol] = top
        self._gateway.set_top(symbol, *top)


def in_pieces(seed: int, markets: Mapping[str, Market]) -> Parts:
    """One order in eight fills in three pieces and one in two, so that partial fills are lived with."""

    def part(order: Resting) -> Decimal:
        pieces = {0: 3, 1: 2}.get(zlib.crc32(f"{seed} {order.number}".encode()) % 8, 1)
        left = pieces - len(order.fills)
        if left <= 1:
            return order.remaining
        step = markets[order.symbol].amount_step
        return order.remaining // (step * left) * step or order.remaining

    return part


def open_simulated(
    place: Path | Kept | None,
    clock: Clock,
    seed: int | None,
    funds: Mapping[str, Decimal],
    maker_fee_ratio: Decimal,
) -> tuple[SimulatedMarket, PaperGateway]:
    """The built-in exchange, going on where it was kept (None: in memory only, from the start).

    `seed` (None: any) and `funds` only found a new one. StateCorrupt, StateNewer, StateUnwritable as
    `ExchangeFile.open`, StateForeign when the file is another account's.
    """
    file, saved = opened(place)
    notes = saved.notes
    try:
        seed = int(notes["simulated.seed"]) if "simulated.seed" in notes else seed
        step = int(notes.get("simulated.step", "0"))
    except ValueError as error:
        if isinstance(file, ExchangeFile):
            file.close()
        where = place if isinstance(place, Path) else "the database"
        raise corrupt(where, f"seed or step can't be read: {error}") from error
    if seed is None:
        seed = secrets.randbits(32)
    markets = {listing.symbol: listing.market(maker_fee_ratio) for listing in LISTINGS}
    gateway = PaperGateway(markets, clock, funds, parts=in_pieces(seed, markets))
    if file is not None:
        gateway.keep_in(file, saved, ACCOUNT)
    if not notes:
        gateway.note("simulated.seed", str(seed))
    market = SimulatedMarket(gateway, markets, clock, seed, step)
    gateway.driven_by(market.advance)
    return market, gateway
