"""Recorded ticks: a capture of Binance's spot websocket (`bookTicker`, `trade`), played to a paper account.

Rule: time is when the capture received a frame, and the order of the file is the order of the world. The
best bid and ask only decide what post-only refuses; fills come from the trades of others, at most their
volume. Numbers are strings in the frames and become Decimals from them; a line that is not a frame is
refused by its number.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import orjson

from bot.core.lengths import Length
from bot.core.model import Candle, Market, Quote
from bot.errors import CommandError, MarketError
from bot.exchange.candles import EPOCH, ReplayClock
from bot.exchange.paper import PaperGateway

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TradePrint:
    """A trade between others: price in quote currency, volume in base coin."""

    symbol: str
    price: Decimal
    volume: Decimal
    at: datetime


Tick = Quote | TradePrint


def read_ticks(path: Path, symbol: str) -> Iterator[Tick]:
    """Quotes and trades of one symbol (`BTC/USDT`) in the order they were received, each with its time `at`.

    Lines are a time in ns since 1970, a space and a frame; `.gz` or plain. Other streams and symbols are
    passed over. CommandError, while reading, names the line that is none.
    """
    name = symbol.replace("/", "").upper()
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    tick = _tick(line, symbol, name)
                except (ValueError, KeyError, TypeError, InvalidOperation) as error:
                    raise CommandError(
                        f"{path.name}, line {number}: expected a time in ns and a Binance frame, found {error!r}"
                    ) from error
                if tick is not None:
                    yield tick
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{path.name} can't be read as ticks: {error}") from error


def _tick(line: bytes, symbol: str, name: str) -> Tick | None:
    received, _, text = line.partition(b" ")
    frame = orjson.loads(text)
    _, _, stream = frame["stream"].partition("@")
    data = frame["data"]
    if data["s"] != name:
        return None
    at = EPOCH + (int(received) // 1000) * MICROSECOND
    if stream == "bookTicker":
        return Quote(symbol, Decimal(data["b"]), Decimal(data["a"]), at)
    if stream == "trade":
        return TradePrint(symbol, Decimal(data["p"]), Decimal(data["q"]), at)
    return None


class TickFeed:
    """MarketData of a recording, standing just after one tick; `play` leads on from there."""

    def __init__(self, ticks: Iterable[Tick], market: Market, gateway: PaperGateway, clock: ReplayClock) -> None:
        self._ticks = iter(ticks)
        self._market = market
        self._gateway = gateway
        self._clock = clock
        self._quote: Quote | None = None
        self._next: Tick | None = next(self._ticks, None)

    @property
    def next_at(self) -> datetime | None:
        """When the next tick comes; None at the end of the recording."""
        return None if self._next is None else self._next.at

    def play(self, until: datetime) -> int:
        """Play every tick up to `until`, then stand there; returns how many trades of others it played.

        The clock never goes back: a tick with an earlier time than the one before happens at that one's.
        """
        trades = 0
        while self._next is not None and self._next.at <= until:
            tick = self._next
            self._clock.at = max(self._clock.at, tick.at)
            if isinstance(tick, Quote):
                self._quote = tick
                self._gateway.set_top(tick.symbol, tick.bid, tick.ask)
            else:
                trades += 1
                self._gateway.on_trade(tick.symbol, tick.price, tick.volume, self._clock.at)
            self._next = next(self._ticks, None)
        self._clock.at = max(self._clock.at, until)
        return trades

    async def symbols(self) -> Sequence[str]:
        return (self._market.symbol,)

    async def market(self, symbol: str) -> Market:
        if symbol != self._market.symbol:
            raise MarketError(f"the recording has no {symbol}: it is of {self._market.symbol}")
        return self._market

    async def quote(self, symbol: str) -> Quote:
        """The last best bid and ask. MarketError before the first."""
        await self.market(symbol)
        if self._quote is None:
            raise MarketError(f"the recording has no quote of {symbol} yet")
        return self._quote

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """None: a capture of minutes has no history worth the name."""
        await self.market(symbol)
        return ()
