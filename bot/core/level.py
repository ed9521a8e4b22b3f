"""What an executor is made of: its level, the orders it remembers, what it waits for.

Rule: plain frozen records, all of them kept with the state.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.core.actions import Action
from bot.core.events import Refusal
from bot.core.model import Fill, Leg, Side
from bot.core.money import ZERO
from bot.core.values import evolve
from bot.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Level:
    """What a level of a grid is asked to do. Prices are on the tick, the amount on the step."""

    grid: str
    number: int
    entry: Decimal
    exit: Decimal
    amount: Decimal
    loop: bool
    above_wait: bool = False
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.grid}.{self.number}")


class Awaited(StrEnum):
    """The kind of request whose outcome is not known yet."""

    PLACE = "place"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A request that is durable and may have left."""

    kind: Awaited
    client_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What we know of one order of ours. `closed` is the exchange's cumulative amount once it left the book, which it
    did at `closed_at`; `asked`: we have asked for its cancel at least once."""

    client_id: str
    leg: Leg
    price: Decimal
    amount: Decimal
    accepted: bool = False
    filled: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    closed: Decimal | None = None
    watch_until: datetime | None = None
    closed_at: datetime | None = None
    asked: bool = False

    @property
    def side(self) -> Side:
        return self.leg.side

    @property
    def is_full(self) -> bool:
        return self.filled >= self.amount

    @property
    def rests(self) -> bool:
        """On the book, for all we know."""
        return self.accepted and self.closed is None and not self.is_full

    @property
    def is_settled(self) -> bool:
        """Gone from the book, and its trades add up to what the exchange says it traded."""
        return self.is_full or (self.closed is not None and self.filled >= self.closed)

    def traded(self, fill: Fill) -> "OrderRecord":
        """With one more trade. ProtocolError when that would be more than was asked for."""
        filled = self.filled + fill.amount
        if filled > self.amount:
            raise ProtocolError(f"order {self.client_id} over {self.amount} traded {filled}")
        return evolve(self, accepted=True, filled=filled, trade_ids=(*self.trade_ids, fill.trade_id))


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an executor had come in a former epoch: the cycle, and the attempts it had made in it."""

    prefix: str
    cycle: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Back:
    """Refusals in a row of one kind, and when the next try is due; earlier where the market comes to `near`."""

    reason: Refusal
    count: int
    message: str
    until: datetime
    near: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be done now, why, and when to look again: at a time, an ask at or above, a bid at or below."""

    why: str
    action: Action | None = None
    rearm: bool = False
    at: datetime | None = None
    rise: Decimal | None = None
    fall: Decimal | None = None
