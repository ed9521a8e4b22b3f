"""The things trading is about: markets, quotes, fills, orders. Frozen, and every amount of money a Decimal.

Units: prices are quote currency per base coin, amounts base coin, costs quote currency, ratios 0.001 = 0.1 %.
Times are aware and UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.core.money import ZERO, ceil_to, floor_to


class Side(StrEnum):
    """Which way an order trades the base coin."""

    BUY = "buy"
    SELL = "sell"


class Leg(StrEnum):
    """What an order of ours is for; the value is its letter in a client order id."""

    ENTRY = "e"
    EXIT = "x"
    CLOSE = "c"

    @property
    def side(self) -> Side:
        return Side.BUY if self is Leg.ENTRY else Side.SELL


class FeeSide(StrEnum):
    """The coin a venue takes its fee in: what the order receives (spot), or always the quote currency."""

    RECEIVED = "received"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Market:
    """The rules of one symbol. Minimums of 0 mean the venue sets none.

    A buy below `lowest_buy_ratio` times the market, or a sale above `highest_sell_ratio` times, is outside the venue's
    band (0: no such bound). On a `perpetual` amounts are base coin too, never contracts; a position is liquidated when
    its margin falls to `maintenance_ratio` of its value.
    """

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    amount_step: Decimal
    min_amount: Decimal
    min_cost: Decimal
    maker_fee_ratio: Decimal
    taker_fee_ratio: Decimal
    fee_side: FeeSide = FeeSide.RECEIVED
    max_open_orders: int | None = None
    lowest_buy_ratio: Decimal = ZERO
    highest_sell_ratio: Decimal = ZERO
    perpetual: bool = False
    maintenance_ratio: Decimal = ZERO

    def price_down(self, price: Decimal) -> Decimal:
        return floor_to(price, self.price_tick)

    def price_up(self, price: Decimal) -> Decimal:
        return ceil_to(price, self.price_tick)

    def amount_down(self, amount: Decimal) -> Decimal:
        return floor_to(amount, self.amount_step)

    def accepts(self, price: Decimal, amount: Decimal) -> bool:
        """Whether an order of this amount at this price is above the venue's minimums."""
        return amount > ZERO and amount >= self.min_amount and amount * price >= self.min_cost

    def smallest_amount(self, price: Decimal) -> Decimal:
        """The smallest amount on the step that the venue accepts at this price."""
        amount = ceil_to(max(self.min_amount, self.amount_step), self.amount_step)
        if amount * price < self.min_cost:
            amount = ((self.min_cost // (price * self.amount_step)) * self.amount_step) or self.amount_step
            while amount * price < self.min_cost:
                amount += self.amount_step
        return amount

    def received_on_buy(self, amount: Decimal) -> Decimal:
        """What is left of a bought amount after a maker fee taken from it."""
        return amount if self.fee_side is FeeSide.QUOTE else amount - amount * self.maker_fee_ratio


@dataclass(frozen=True, slots=True)
class Quote:
    """The top of a book at a moment."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime

    @property
    def is_sane(self) -> bool:
        """Whether an order may be priced from it: both sides above zero and not crossed (a candle's close has bid =
        ask).
        """
        return ZERO < self.bid <= self.ask


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order of ours. `fee` is in `fee_currency`; `fee_rate` values a third coin in quote currency."""

    trade_id: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime
    maker: bool = True
    fee_rate: Decimal | None = None

    @property
    def cost(self) -> Decimal:
        return self.price * self.amount


@dataclass(frozen=True, slots=True)
class Order:
    """An order of ours as the exchange shows it. `filled` is cumulative."""

    client_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    filled: Decimal
    is_open: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """Funds of one currency: free to use, and held by resting orders."""

    free: Decimal
    used: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.used


@dataclass(frozen=True, slots=True)
class Position:
    """What an account holds on a perpetual. `amount` is base coin, below 0 when short; prices are quote currency."""

    amount: Decimal
    entry: Decimal
    leverage: Decimal | None
    isolated: bool
    one_way: bool
    liquidation: Decimal | None = None


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """Funding of a perpetual: quote currency received, below 0 when paid."""

    funding_id: str
    symbol: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Candle:
    """One bar; prices in quote currency, volume in base, `at` is the opening time."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
