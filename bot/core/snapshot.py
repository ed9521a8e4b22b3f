"""What others may see: notices of what happened, and views of what is, as data. Words for them are made in the chat.

Rule: immutable, complete in themselves, and made of the core's own types, so that they can be kept and told later.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.accounting import RoundTrip
from bot.core.events import Refusal
from bot.core.model import Side


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person may want to hear of."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LevelFilled(Notice):
    """An order of a level traded. `whole`: nothing of it is left; `target`: the level's exit price."""

    executor: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    whole: bool
    target: Decimal
    maker: bool


@dataclass(frozen=True, slots=True)
class StrayFilled(Notice):
    """An older order of a level traded after it had been given up or replaced."""

    executor: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TradeClosed(Notice):
    """A round trip is complete."""

    trade: RoundTrip


@dataclass(frozen=True, slots=True)
class LevelBlocked(Notice):
    """A level is refused again and again, or for a reason that a quick retry does not mend."""

    executor: str
    symbol: str
    reason: Refusal
    message: str
    next_try: datetime


@dataclass(frozen=True, slots=True)
class LevelFrozen(Notice):
    """The exchange contradicted itself about one level; it does nothing more."""

    executor: str
    why: str


@dataclass(frozen=True, slots=True)
class LevelHalted(Notice):
    """A person took its order off the book, not by this bot: the level places nothing until somebody resumes it."""

    executor: str
    symbol: str


@dataclass(frozen=True, slots=True)
class StopReached(Notice):
    """The price was at or below `stop=` for two beats; `sells`: the coins are sold at once."""

    grid: str
    symbol: str
    price: Decimal
    stop: Decimal
    sells: bool


@dataclass(frozen=True, slots=True)
class TakeReached(Notice):
    """The price reached `take=`: the grid finishes."""

    grid: str
    symbol: str
    price: Decimal
    take: Decimal


@dataclass(frozen=True, slots=True)
class GridSold(Notice):
    """A grid's holding was sold by its closing order. `left` could not be sold and is kept."""

    grid: str
    symbol: str
    amount: Decimal
    proceeds: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class GridEnded(Notice):
    """Nothing of a grid is left to do. `kept` coins stand in the books."""

    grid: str
    symbol: str
    realised: Decimal
    trades: int
    kept: Decimal


@dataclass(frozen=True, slots=True)
class EntriesHeld(Notice):
    """`MAX_EXPOSURE` is used up: farther entries wait."""

    exposure: Decimal
    limit: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class DailyLossReached(Notice):
    """`MAX_DAILY_LOSS` was reached: all entries are paused until somebody resumes them."""

    loss: Decimal
    limit: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Trouble(Notice):
    """Something outside does not work (`what`: exchange, store, ledger, heartbeat); `over`: it does again."""

    what: str
    why: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Restarted(Notice):
    """The worker began with state: how long it was away, and what it found."""

    away_seconds: int
    grids: int
    orders: int
    fills: int
    closed: int


@dataclass(frozen=True, slots=True)
class StrangerKnocked(Notice):
    """Somebody who is nobody here wrote to the bot, and got no answer."""

    person_id: int


@dataclass(frozen=True, slots=True)
class DailyReport(Notice):
    """Profit of the day before, by quote currency."""

    day: str
    realised: Decimal
    fees: Decimal
    trades: int
    open_profit: Decimal
    currency: str
