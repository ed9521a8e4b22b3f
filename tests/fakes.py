"""A pretend world for the trader: a clock moved by hand, markets that say what a script says, a ledger, a listener.

Rule: nothing is asserted here, and nothing of the product's own matching, pricing or accounting is used.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.lengths import Length
from bot.core.model import Candle, FeeSide, Market, Quote
from bot.core.snapshot import Notice
from bot.errors import MarketError, StateUnwritable
from bot.ports import Key
from bot.storage.memory_store import MemoryStore

T = TypeVar("T")

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BTC, ETH = "BTC/USDT", "ETH/USDT"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def dec(text: str | int) -> Decimal:
    return Decimal(text)


def market(
    symbol: str = BTC,
    *,
    tick: str = "0.01",
    step: str = "0.0001",
    min_amount: str = "0.0002",
    min_cost: str = "5",
    fee: str = "0.001",
    fee_side: FeeSide = FeeSide.RECEIVED,
    max_open_orders: int | None = None,
) -> Market:
    base, _, quote = symbol.partition("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=dec(tick),
        amount_step=dec(step),
        min_amount=dec(min_amount),
        min_cost=dec(min_cost),
        maker_fee_ratio=dec(fee),
        taker_fee_ratio=dec(fee) * 2,
        fee_side=fee_side,
        max_open_orders=max_open_orders,
    )


class HandClock:
    """The time, moved by hand."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def ahead(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class ScriptedMarket:
    """MarketData that says what it is told; a symbol without a price has none."""

    def __init__(self, clock: HandClock, *markets: Market) -> None:
        self._clock = clock
        self.markets = {each.symbol: each for each in markets}
        self.quotes: dict[str, Quote] = {}
        self.asked = 0

    def says(self, bid: str | Decimal, ask: str | Decimal, symbol: str = BTC, at: datetime | None = None) -> None:
        self.quotes[symbol] = Quote(symbol, Decimal(bid), Decimal(ask), at or self._clock.now())

    def is_silent(self, symbol: str = BTC) -> None:
        self.quotes.pop(symbol, None)

    async def symbols(self) -> Sequence[str]:
        return tuple(self.markets)

    async def market(self, symbol: str) -> Market:
        await asyncio.sleep(0)
        if symbol not in self.markets:
            raise MarketError(f"there is no {symbol}")
        return self.markets[symbol]

    async def quote(self, symbol: str) -> Quote:
        self.asked += 1
        await asyncio.sleep(0)
        if symbol not in self.quotes:
            raise MarketError(f"{symbol} gives no price")
        return self.quotes[symbol]

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        return ()


class OnceLedger:
    """A ledger that writes a line for each trade that has none yet. `lines` outlive the worker."""

    def __init__(self) -> None:
        self.lines: dict[str, RoundTrip] = {}
        self.fills: dict[str, BookedFill] = {}
        self.appends = 0

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        await asyncio.sleep(0)
        for trade in trades:
            self.appends += 1
            self.lines.setdefault(trade.key, trade)

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        await asyncio.sleep(0)
        for fill in fills:
            self.fills.setdefault(fill.key, fill)

    async def last(self, count: int) -> Sequence[RoundTrip]:
        return list(self.lines.values())[-count:][::-1]

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        return [fill for fill in self.fills.values() if fill.grid == grid and fill.at >= since][-most:][::-1]

    async def export(self, folder: Path) -> Sequence[Path]:
        return []


@dataclass
class Listener:
    """A notifier that remembers what it was told."""

    told: list[Notice] = field(default_factory=list)

    def tell(self, notices: Sequence[tuple[str, Notice]]) -> None:
        self.told += [notice for _, notice in notices]

    def of(self, kind: type[T]) -> list[T]:
        return [notice for notice in self.told if isinstance(notice, kind)]


class FullDisk(MemoryStore):
    """A store that can't write while `full`."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise StateUnwritable("no space left on the device")
        await super().keep(changes)
