"""The nouns of the loopback exchange: markets' rules, orders, fills, positions, and what can be refused and why.

The rule: data only, exact Decimals, venue-neutral words; how a venue spells them (codes, field names, ids) is said in
that venue's own rooms.
"""

from __future__ import annotations

import copy
import enum
from dataclasses import dataclass, field
from decimal import Context, Decimal

ZERO, ONE = Decimal(0), Decimal(1)
_QUOTIENTS = Context(prec=28, traps=[])
"""Quotients need not end; everything else is exact in whatever context the caller has."""


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """part / whole to 28 digits, whatever the caller's context traps."""
    return _QUOTIENTS.divide(part, whole)


def floor_to(value: Decimal, unit: Decimal) -> Decimal:
    """The largest whole number of units in `value`."""
    return _QUOTIENTS.divide_int(value, unit) * unit


def rounded(value: Decimal, unit: Decimal = Decimal("1e-8")) -> Decimal:
    """To the nearest whole number of units (a power of ten)."""
    return value.quantize(unit, context=_QUOTIENTS)


def fits(value: Decimal, unit: Decimal) -> bool:
    """Whether `value` is a whole number of units."""
    return floor_to(value, unit) == value


class Kind(enum.StrEnum):
    """What is traded."""

    SPOT = "spot"
    LINEAR = "linear"  # perpetual, margined in the quote coin


class Side(enum.StrEnum):
    """Of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """What it adds to a position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Tif(enum.StrEnum):
    """Time in force."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class Status(enum.StrEnum):
    """Of an order, as the matching engine knows it; venues have names of their own."""

    NEW = "new"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self in (Status.NEW, Status.PARTLY_FILLED)


class Ending(enum.StrEnum):
    """Why an order was cancelled."""

    NONE = ""
    USER = "user"  # by the API
    HAND = "hand"  # a person, on the web page
    VENUE = "venue"  # the exchange, for reasons of its own
    POST_ONLY = "post_only"  # would have taken liquidity
    IOC = "ioc"  # nothing (more) to take at once
    REDUCE_ONLY = "reduce_only"  # nothing left to reduce
    LIQUIDATION = "liquidation"


class Actor(enum.StrEnum):
    """Who placed an order."""

    API = "api"
    HAND = "hand"
    VENUE = "venue"  # liquidation


class Reason(enum.StrEnum):
    """Why the exchange refuses."""

    UNKNOWN_MARKET = "unknown market"
    MARKET_CLOSED = "market closed"
    PRICE_TICK = "price is no multiple of the tick"
    PRICE_TOO_HIGH = "price above the band"
    PRICE_TOO_LOW = "price below the band"
    AMOUNT_STEP = "amount is no multiple of the step"
    AMOUNT_TOO_SMALL = "amount below the minimum"
    AMOUNT_TOO_LARGE = "amount above the maximum"
    COST_TOO_SMALL = "order value below the minimum"
    TOO_MANY_ORDERS = "too many open orders"
    DUPLICATE_CLIENT_ID = "client id was used before"
    INSUFFICIENT_FUNDS = "insufficient funds"
    REDUCE_ONLY = "reduce-only rule not satisfied"
    POST_ONLY = "post-only order would take"
    UNKNOWN_ORDER = "no such order"
    FINISHED_ORDER = "order is filled or cancelled already"
    LEVERAGE_UNCHANGED = "leverage not modified"
    LEVERAGE_OUT_OF_RANGE = "leverage out of range"
    MODE_UNCHANGED = "mode not modified"
    POSITION_OPEN = "a position is open"
    ORDERS_OPEN = "orders are open"


class Refused(Exception):
    """The exchange says no; `limit` is the number the message names, where there is one."""

    def __init__(self, reason: Reason, limit: Decimal | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Band:
    """Lowest and highest price of a side, as ratios of the middle of the market; None: no such limit."""

    buy_low: Decimal | None = None
    buy_high: Decimal | None = None
    sell_low: Decimal | None = None
    sell_high: Decimal | None = None


class FeeCoin(enum.StrEnum):
    """What a fee is paid in (an account may pay in a coin of its own instead: `Account.fee_coin`)."""

    RECEIVED = "received"  # the base for a buy, the quote for a sell
    QUOTE = "quote"  # also that of every perpetual


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the exchange demands on one market."""

    id: str
    base: str
    quote: str
    kind: Kind = Kind.SPOT
    tick: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.000001")
    min_amount: Decimal = Decimal("0.00001")
    max_amount: Decimal = Decimal(1000)
    min_cost: Decimal = Decimal(5)
    max_open_orders: int = 500
    band: Band = Band()
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    fee_coin: FeeCoin = FeeCoin.RECEIVED
    fee_unit: Decimal | None = None  # fees are rounded to it
    max_leverage: Decimal = Decimal(100)
    maintenance: Decimal = Decimal("0.005")  # margin ratio at which a position would be liquidated


@dataclass(slots=True, kw_only=True)
class NewOrder:
    """A wish, as it came in. No price: a market order; `quote_amount` replaces `amount` in those, on spot."""

    market: str
    side: Side
    amount: Decimal = ZERO
    price: Decimal | None = None
    tif: Tif = Tif.GTC
    reduce_only: bool = False
    client_id: str = ""
    quote_amount: Decimal | None = None
    by: Actor = Actor.API
    kind: Kind = Kind.SPOT


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """An accepted order. `past` holds a copy for each state it was in, oldest first: stale reads come from there."""

    id: str
    account: str
    rules: Rules
    wish: NewOrder
    created_ms: int
    updated_ms: int
    visible_ms: int  # reads do not show it before
    price: Decimal  # of a market order: 0
    amount: Decimal
    status: Status = Status.NEW
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    ending: Ending = Ending.NONE
    doomed: bool = False  # accepted, and will be cancelled without trading
    past: list[Order] = field(default_factory=list, repr=False)

    @property
    def side(self) -> Side:
        """Buy or sell."""
        return self.wish.side

    @property
    def client_id(self) -> str:
        """The client's own id; empty where none was given."""
        return self.wish.client_id

    @property
    def remaining(self) -> Decimal:
        """What has not traded."""
        return self.amount - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status.is_open

    @property
    def average(self) -> Decimal:
        """The mean price of its fills; 0 without."""
        return ratio(self.cost, self.filled) if self.filled else ZERO

    def snapshot(self) -> Order:
        """A copy that stays as it is."""
        twin = copy.copy(self)
        twin.fees, twin.past = dict(self.fees), []
        return twin

    def as_of(self, ms: int) -> Order | None:
        """The state it was in at that time; None before it existed."""
        return next((state for state in reversed(self.past) if state.updated_ms <= ms), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of one order. `position` is what was held after it (perpetuals)."""

    id: str
    order: Order
    at_ms: int
    visible_ms: int
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    maker: bool
    filled: Decimal  # of the order, this trade included
    realised: Decimal = ZERO
    closed: Decimal = ZERO  # part of the amount that reduced a position


@dataclass(slots=True)
class Position:
    """What is held of a perpetual: positive is long."""

    market: str
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    leverage: Decimal = Decimal(10)
    realised: Decimal = ZERO
    created_ms: int = 0
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class Funding:
    """One funding payment; a positive amount was paid to us."""

    id: str
    account: str
    market: str
    at_ms: int
    amount: Decimal
    rate: Decimal
    position: Decimal
    mark: Decimal


@dataclass(slots=True, eq=False)
class Account:
    """One person's money, behind one API key."""

    key: str
    secret: str
    wallet: dict[str, Decimal]
    fee_coin: str = ""  # "BNB": fees are paid in it while there is some
    hedged: bool = False
    margin_mode: str = "REGULAR_MARGIN"
    positions: dict[str, Position] = field(default_factory=dict)
    read_only: bool = False
    can_withdraw: bool = False
    ips: tuple[str, ...] = ("*",)
    expires_ms: int | None = None
