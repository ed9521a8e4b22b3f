"""A book of our own resting orders on one symbol, filled by a market that moves.

THE fill rule. An order of ours rests until the market trades *through* its price: a buy fills when the
market is strictly below it, a sell when strictly above (`touch`: an equal price is enough). It fills at its
own price, as maker, the best price first and among equals the older; nothing of ours moves the market, and
our orders do not trade with each other. Post-only: an order that would trade at once is refused, that is a
buy at or above the ask and a sell at or below the bid; on a candle's close bid = ask = close. Inside a
candle the path is the worst one: first the low, so all buys above it fill, then the high, with the sells
that were resting before the candle; what is placed on a candle's close can fill from the next candle on. A
quote fills buys above its ask and sells below its bid. A trade print of size v fills at most v, in the same
order of price and time; candles and quotes fill whole orders, unless `parts` deals them out in pieces. An
order that may take (immediate or cancel) trades at once against the best bid or ask as far as its limit
allows and pays the taker fee; what is left of it is cancelled.

Rule of this room: orders and prices only; whose money it is and what it costs is the gateway's affair.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.core.events import CloseReason
from bot.core.model import Fill, Side
from bot.core.money import ZERO


@dataclass(slots=True, eq=False)
class Resting:
    """One order as the pretend exchange keeps it; `number` counts all orders and is its place in time.

    `fee_ratio` is the fee agreed when it was placed, whatever the settings say later. `fills` are in order;
    `closed_at` and `reason` are None while it is open. `closed_seq` is the place among the news of a
    closing that nobody here asked for.
    """

    client_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    number: int
    at: datetime
    fee_ratio: Decimal
    taker: bool = False
    filled: Decimal = ZERO
    fills: list[Fill] = field(default_factory=list)
    closed_at: datetime | None = None
    reason: CloseReason | None = None
    closed_seq: int | None = None

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled


Parts = Callable[[Resting], Decimal]
"""How much of an order fills when the market goes through it once: above 0, at most what remains."""

Match = tuple[Resting, Decimal]
"""An order and the base coin it traded just now."""

_Place = tuple[Decimal, int, Resting]


def would_cross(side: Side, price: Decimal, bid: Decimal, ask: Decimal) -> bool:
    """Whether an order at `price` would trade at once."""
    return price >= ask if side is Side.BUY else price <= bid


class Book:
    """Resting orders of one symbol. Placing and cancelling cost O(log n), a move of the market O(filled)."""

    __slots__ = ("_buys", "_orders", "_parts", "_sells", "_touch")

    def __init__(self, touch: bool = False, parts: Parts | None = None) -> None:
        self._touch = touch
        self._parts = parts
        self._orders: dict[str, Resting] = {}
        # Sorted so that the best order is last: popping the end of a list moves nothing. Sells are kept by
        # negated price, so both lists are walked by the same code.
        self._buys: list[_Place] = []
        self._sells: list[_Place] = []

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, client_id: str) -> bool:
        return client_id in self._orders

    @property
    def orders(self) -> list[Resting]:
        """All resting orders, oldest first."""
        return sorted(self._orders.values(), key=lambda order: order.number)

    def best_buy(self) -> Decimal | None:
        """The highest resting buy price."""
        return self._buys[-1][2].price if self._buys else None

    def best_sell(self) -> Decimal | None:
        """The lowest resting sell price."""
        return self._sells[-1][2].price if self._sells else None

    def add(self, order: Resting) -> None:
        """Let an order rest; whether it may is the caller's question."""
        self._orders[order.client_id] = order
        insort(self._buys if order.side is Side.BUY else self._sells, _place(order))

    def remove(self, client_id: str) -> Resting | None:
        """Take an order off the book; None where it does not rest."""
        order = self._orders.pop(client_id, None)
        if order is not None:
            side = self._buys if order.side is Side.BUY else self._sells
            del side[bisect_left(side, _place(order))]
        return order

    def moved(self, low: Decimal, high: Decimal) -> list[Match]:
        """The market went down to `low`, then up to `high`: a candle's, or a quote's ask and bid."""
        filled: list[Match] = []
        if self._buys:
            self._sweep(self._buys, low, None, filled)
        if self._sells:
            self._sweep(self._sells, high.copy_negate(), None, filled)
        return filled

    def printed(self, price: Decimal, volume: Decimal) -> list[Match]:
        """The market traded `volume` (base coin, above 0) at `price`; our fills are at most that in all."""
        filled: list[Match] = []
        left = self._sweep(self._buys, price, volume, filled) if self._buys else volume
        if self._sells and left > ZERO:
            self._sweep(self._sells, price.copy_negate(), left, filled)
        return filled

    def _sweep(self, side: list[_Place], limit: Decimal, volume: Decimal | None, filled: list[Match]) -> Decimal:
        """Fill what lies beyond `limit`, best first; returns the volume left (0 where none was given)."""
        kept: list[_Place] = []
        while side and (volume is None or volume > ZERO):
            key, _, order = side[-1]
            if not (key > limit or (self._touch and key == limit)):
                break
            remaining = order.remaining
            part = remaining
            if volume is not None:
                part = min(remaining, volume)
                volume -= part
            elif self._parts is not None:
                part = self._parts(order)
            order.filled += part
            filled.append((order, part))
            if part == remaining:
                del self._orders[order.client_id]
                side.pop()
            else:
                kept.append(side.pop())
        if kept:
            # They were the best ones, best first; so they go back to the end in reverse.
            side.extend(reversed(kept))
        return ZERO if volume is None else volume


def _place(order: Resting) -> _Place:
    key = order.price if order.side is Side.BUY else order.price.copy_negate()
    return key, -order.number, order
