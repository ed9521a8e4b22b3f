"""What the trader needs from the world, as Protocols. Adapters implement them; only the front doors choose which."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.core.accounting import RoundTrip
from bot.core.actions import Action
from bot.core.events import Event
from bot.core.flows import BookedFill
from bot.core.lengths import Length
from bot.core.model import Balance, Candle, FundingPaid, Market, Order, Position, Quote
from bot.core.pricing import NO_OFFSETS, Offsets
from bot.core.snapshot import Notice


class Clock(Protocol):
    """The time, aware and UTC."""

    def now(self) -> datetime: ...


class MarketData(Protocol):
    """Prices and rules of the markets of one exchange."""

    async def symbols(self) -> Sequence[str]:
        """Every symbol that can be traded, unified (`BTC/USDT`)."""
        ...

    async def market(self, symbol: str) -> Market:
        """The rules of a symbol. MarketError when there is none of that name."""
        ...

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask now. MarketError when there is none."""
        ...

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """Up to `count` recent candles, oldest first, the running one last. MarketError where there are none so long
        and none to make them of."""
        ...


@dataclass(frozen=True, slots=True)
class News:
    """What happened to our orders on one market after a cursor; `cursor` asks for what comes next."""

    events: tuple[Event, ...]
    cursor: str
    funding: tuple[FundingPaid, ...] = ()


class OrderGateway(Protocol):
    """One account's orders on one exchange."""

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        """Hand over actions, most urgent first. Each is asked `stands(action)` just before it leaves; one that no
        longer stands is dropped. Returns what is known at once (all of it for a pretend exchange, nothing for a
        queue that sends on its own); the rest comes with `news`. Never raises for the outcome of one action.
        """
        ...

    def is_pending(self, client_id: str) -> bool:
        """Whether a request about this order is still on its way: its outcome is not in doubt yet."""
        ...

    async def news(self, symbol: str, cursor: str) -> News:
        """Trades and closings of our orders on a symbol after `cursor` (empty: from the beginning)."""
        ...

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        """All that the exchange knows of one order, as events (accepted, each trade, closed), oldest first;
        None where it knows no such order."""
        ...

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        """Orders of this account resting on a symbol."""
        ...

    async def own_orders(self, symbol: str) -> Sequence[Order]:
        """All orders with a client id of our kind that the exchange still tells of: resting ones on every symbol, and
        those of the recent past on `symbol`. Asked once, when the state is new: to see whether the exchange knows us.
        """
        ...

    async def position(self, symbol: str) -> Position | None:
        """What is held on a perpetual; None where coins are held as balances."""
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """Funds by currency."""
        ...


Key = tuple[str, str]
"""Table and id of one stored thing."""


class Store(Protocol):
    """Keeps the state: tables of things by id. What was kept is found again after any crash."""

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        """Every table as it was last kept; empty when there is no state yet. StateError when it can't be used."""
        ...

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        """Make these changes durable, all or none (None removes). StateUnwritable when they can't be kept now."""
        ...

    async def fold(self) -> None:
        """Bring what was kept into its lasting form, without holding the event loop."""
        ...

    async def close(self) -> None:
        """Fold what is pending and let go of the files."""
        ...


class Ledger(Protocol):
    """The record of closed trades, and of the fills they are made of."""

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        """Write a line for each trade that has none yet, and have them on the disk when it returns."""
        ...

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        """Write a row for each fill that has none yet, durably when it returns."""
        ...

    async def last(self, count: int) -> Sequence[RoundTrip]:
        """The last closed trades, newest first."""
        ...

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        """The last fills of a grid, newest first, at most so many, none older than `since`."""
        ...

    async def export(self, folder: Path) -> Sequence[Path]:
        """Write trades.csv and fills.csv, all there is, into a folder; without holding the event loop."""
        ...


class Notifier(Protocol):
    """Hears of every notice once it is durable. Never waits, never fails."""

    def tell(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """`notices` are (outbox id, notice); the teller reports a delivered one with `TradeManager.delivered`."""
        ...


IS_REPLAY: ContextVar[bool] = ContextVar("is_replay", default=False)
"""Set where recorded prices are traded beside the real ones: what is logged there has happened to nobody."""


@dataclass(frozen=True, slots=True)
class World:
    """The adapters a trader works with; chosen by a front door."""

    data: MarketData
    gateway: OrderGateway
    store: Store
    ledger: Ledger
    clock: Clock
    notifier: Notifier | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The owner's limits and habits, from the settings. Money in quote currency. `ask_first`: nothing leaves before the
    owner has confirmed this account; `leap_ratio`: a price that moves by more between two looks needs a third (None: no
    move is too much). `leverage` is set on a perpetual before its first order; None leaves it as it is."""

    offsets: Offsets = NO_OFFSETS
    max_open_orders: int | None = None
    max_exposure: Decimal | None = None
    max_daily_loss: Decimal | None = None
    leverage: Decimal | None = None
    timezone: tzinfo = UTC
    ask_first: bool = False
    leap_ratio: Decimal | None = Decimal("0.1")
