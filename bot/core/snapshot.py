"""What others may see: notices of what happened, and views of what is, as data. Words for them are made in the chat.

Rule: immutable, complete in themselves, and made of the core's own types, so that they can be kept and told later.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.accounting import RoundTrip
from bot.core.events import Refusal
from bot.core.margin import Oddity
from bot.core.model import Side
from bot.core.money import ZERO


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
    maker: bool = True


@dataclass(frozen=True, slots=True)
class TakerFilled(Notice):
    """The alarm: an order that may only rest traded as a taker. Told once a while for a market."""

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
    side: Side = Side.BUY


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
class LevelsHalted(Notice):
    """The one question about all orders that a person took off the book within a few seconds."""

    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderCutShort(Notice):
    """A person took what was left of a partly filled order off the book; what had traded counts."""

    executor: str
    symbol: str
    side: Side
    filled: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OrderWithheld(Notice):
    """An order that could not be right was not sent, and its level is frozen."""

    executor: str
    why: str


@dataclass(frozen=True, slots=True)
class MarketShut(Notice):
    """A market can't be traded for now (halted, delisted); `over`: it can again."""

    symbol: str
    why: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class LiveAsked(Notice):
    """The first live start on an account asks its owner. Funds by currency, None where they could not be read; caps
    are None where none is set."""

    account: str
    balances: tuple[tuple[str, Decimal], ...] | None
    max_exposure: Decimal | None
    max_daily_loss: Decimal | None
    max_open_orders: int | None


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
    """`MAX_DAILY_LOSS` was reached: all entries, those of `grids`, are paused until somebody resumes them."""

    loss: Decimal
    limit: Decimal
    currency: str
    grids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionSmaller(Notice):
    """The exchange shows less of a position than the grids of this market hold, after a liquidation or a sale by hand:
    they are halted until the owner decides. Amounts are base coin."""

    symbol: str
    held: Decimal
    found: Decimal
    grids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionNotOurs(Notice):
    """Something about a position is not this bot's: these grids buy nothing until the owner decides. `held`: what all
    grids hold and have kept."""

    symbol: str
    held: Decimal
    found: Decimal
    oddities: tuple[Oddity, ...]
    grids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trouble(Notice):
    """Something outside does not work (`what`: exchange, store, ledger, heartbeat); `over`: it does again."""

    what: str
    why: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Restarted(Notice):
    """The worker began with state: how long it was away, and what it found. `adopted` orders the state had not known;
    `gone` ones left the book without a trade; `unknown` ones belong to no level and are asked about. `unasked`:
    not every market could be asked yet."""

    away_seconds: int
    grids: int
    orders: int
    fills: int
    closed: int
    adopted: int = 0
    gone: int = 0
    unknown: int = 0
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class OrphansFound(Notice):
    """Orders with our bot id rest that belong to no level of the state: what is to become of them? They are of these
    grids, at prices between the two."""

    symbol: str
    count: int
    low: Decimal
    high: Decimal
    grids: tuple[str, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InheritedGrid:
    """A grid as its orders on the exchange tell of it; `doubts` is what had to be guessed, in words. No `levels`: it
    can't be made again. Amounts of a level are between `least` and `most`; `held` is by the trades, before fees."""

    name: str
    symbol: str
    shape: str
    levels: int
    low: Decimal
    high: Decimal
    least: Decimal
    most: Decimal
    profit_pct: Decimal
    loop: bool
    resting: int
    held: Decimal
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InheritanceFound(Notice):
    """The store is empty and the exchange knows this bot's orders: nothing is sent until the owner has answered.
    `loose` orders belong to no level."""

    grids: tuple[InheritedGrid, ...]
    resting: int
    loose: int
    can_rebuild: bool


@dataclass(frozen=True, slots=True)
class GridsRebuilt(Notice):
    """The store was empty, and these grids were made again from their orders; `asked`: as a person agreed."""

    grids: tuple[InheritedGrid, ...]
    asked: bool


@dataclass(frozen=True, slots=True)
class BackupOlder(Notice):
    """The store is empty and a backup is pinned in an owner's chat, but something has traded since it was made, or may
    have (`trades` is then 0): nothing is sent until the owner has answered. `file_id`: where Telegram keeps it."""

    made_at: datetime
    grids: int
    levels: int
    trades: int
    file_id: str


@dataclass(frozen=True, slots=True)
class BackupWanted(Notice):
    """The store is empty, the exchange knows this bot's orders, and the newest pinned message is no backup that can be
    used: the owner is asked for one, and nothing is sent until then."""

    why: str


@dataclass(frozen=True, slots=True)
class StateRestored(Notice):
    """This life goes on from a backup."""

    made_at: datetime
    grids: int
    levels: int


@dataclass(frozen=True, slots=True)
class StrangerKnocked(Notice):
    """Somebody who is nobody here wrote to the bot, and got no answer. `name` is what they call themselves."""

    person_id: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class PersonGone(Notice):
    """An owner or viewer has blocked the bot, and hears nothing until they write again."""

    person_id: int
    is_owner: bool


@dataclass(frozen=True, slots=True)
class DailyReport(Notice):
    """Profit of the day before, by quote currency."""

    day: str
    realised: Decimal
    fees: Decimal
    trades: int
    open_profit: Decimal
    currency: str
    funding: Decimal = ZERO
