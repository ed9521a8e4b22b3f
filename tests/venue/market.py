"""One market and its prices.

The rule: the best prices of strangers are what the test says; those of everybody include our own resting orders, as a
real book shows them.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.venue.model import ZERO, Rules, Side, floor_to

if TYPE_CHECKING:
    from tests.venue.ledger import Ledger

Number = Decimal | str | int
_MOST_MOVES = 20_000  # remembered, for candles


class Market:
    """One market: its rules and the best prices strangers offer; `move` is how a test drives it."""

    def __init__(self, ledger: Ledger, rules: Rules, bid: Decimal, ask: Decimal) -> None:
        self.ledger = ledger
        self.rules = rules
        self.open = True
        self.bid, self.ask = bid, ask
        self.last = bid
        self.depth = Decimal(1000)  # what strangers offer at the best price, as shown
        self.candles: list[tuple[int, Decimal]] = [(ledger.now_ms(), self.mark)]

    @property
    def mark(self) -> Decimal:
        """The middle of what strangers offer."""
        return (self.bid + self.ask) / 2

    @property
    def best(self) -> tuple[Decimal, Decimal]:
        """The best bid and ask of everybody, own resting orders included, as a real book shows them."""
        with self.ledger.lock:
            own = [order for order in self.ledger.book_of(self) if not order.doomed]
            bid = max([self.bid, *(order.price for order in own if order.side is Side.BUY)])
            ask = min([self.ask, *(order.price for order in own if order.side is Side.SELL)])
            return bid, ask

    def move(self, bid: Number, ask: Number | None = None) -> None:
        """New best prices of strangers (ask: one tick above the bid when left out); resting orders they reach trade."""
        with self.ledger.lock:
            self.ledger.run_due()
            self.bid = Decimal(bid)
            self.ask = Decimal(ask) if ask is not None else self.bid + self.rules.tick
            assert ZERO < self.bid < self.ask, "a market that is crossed or has no prices"
            self.last = self.bid if self.mark < self.candles[-1][1] else self.ask
            self.candles.append((self.ledger.now_ms(), self.mark))
            if len(self.candles) > _MOST_MOVES:
                del self.candles[: _MOST_MOVES // 2]
            self.ledger.reach(self)
            self.ledger.book_moved(self)

    def walk(self, rng: random.Random, stride: Decimal = Decimal("0.001")) -> None:
        """One step of a random walk, of at most `stride` (a ratio) either way; the spread is kept."""
        tick = self.rules.tick
        step = floor_to(self.bid * stride * Decimal(rng.randint(-1000, 1000)) / 1000, tick)
        bid = max(tick, self.bid + step)
        self.move(bid, bid + (self.ask - self.bid))
