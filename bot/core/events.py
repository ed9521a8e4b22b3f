"""What the exchange said, in the past tense.

Rule: facts. An event once made is never changed, and may arrive twice, late, or before the one it follows.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.core.model import Fill


class Refusal(StrEnum):
    """Why an order was definitely not accepted."""

    WOULD_CROSS = "would trade at once"
    FUNDS = "not enough funds"
    MINIMUM = "under the venue's minimum"
    TOO_MANY = "too many open orders"
    PRICE_BAND = "price outside the venue's band"
    RATE = "too many requests"
    AUTH = "key not accepted"
    MAINTENANCE = "exchange closed"
    WITHDRAWN = "withdrawn before it left"
    OTHER = "refused"


class CloseReason(StrEnum):
    """Why an order is no longer on the book."""

    FILLED = "filled"
    ASKED = "cancelled by us"
    WOULD_CROSS = "would have traded at once"
    VENUE = "cancelled by the venue"
    PERSON = "cancelled by a person"


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """The order is (or was) on the book."""

    client_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """One trade of the order, with its fee."""

    client_id: str
    fill: Fill

    @property
    def at(self) -> datetime:
        return self.fill.at


@dataclass(frozen=True, slots=True)
class OrderClosed:
    """The order left the book for good after trading `filled` of the base coin in all."""

    client_id: str
    at: datetime
    filled: Decimal
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The order was never accepted and never will be. Where its price was outside the venue's band, `near` is the
    price of the market at which another try is worthwhile."""

    client_id: str
    at: datetime
    reason: Refusal
    message: str
    near: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderMissing:
    """Several looks over several seconds found no such order; it may still land and is watched."""

    client_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HoldingSold:
    """A part of a closing order of the whole grid, sold from this executor's coins."""

    client_id: str
    fill: Fill

    @property
    def at(self) -> datetime:
        return self.fill.at


@dataclass(frozen=True, slots=True)
class CycleRearmed:
    """The manager lets a completed executor begin its next cycle."""

    client_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderAdopted:
    """An order of ours that the state does not know was found, with what it asked for. An `amount` of 0: it left the
    book without a trade."""

    client_id: str
    at: datetime
    price: Decimal
    amount: Decimal


Event = (
    OrderAccepted | OrderFilled | OrderClosed | OrderRefused | OrderMissing | HoldingSold | CycleRearmed | OrderAdopted
)
