"""Orders with our bot id that rest on a market while neither their level nor their grid is in the state.

Rule: they are told of once and left alone until the owner says what is to become of them. What was decided is kept, so
that nobody is asked twice; a note goes when its order has left the book. Other bots' orders and people's are nobody's.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.core import client_ids
from bot.core.actions import CancelOrder
from bot.core.model import Order
from bot.core.snapshot import Notice, OrphansFound
from bot.trading.state import ORPHANS, TradingState

ASKED, LEFT, CANCELLED = "asked", "left", "cancelled"
AGAIN = timedelta(seconds=10)
"""A cancel whose order still rests is sent again after so long."""


class Orphans:
    """See the module's rule."""

    def __init__(self, state: TradingState) -> None:
        self._state = state
        self._sent: dict[str, datetime] = {}

    @property
    def _notes(self) -> dict[str, Any]:
        return dict(self._state.notes.get(ORPHANS, {}))

    def seen(self, symbol: str, resting: Iterable[Order], now: datetime, note: Callable[[Notice], None]) -> None:
        """Take note of a market's orphans, all that rest there now; those not seen before are told."""
        orders = {order.client_id: order for order in resting if self.is_one(order.client_id)}
        notes = self._notes
        for client_id, kept in notes.items():
            if kept["symbol"] == symbol and client_id not in orders:
                self.gone(client_id)
        fresh = [order for client_id, order in orders.items() if client_id not in notes]
        for order in fresh:
            self.keep(order, ASKED)
        if fresh:
            prices = sorted(order.price for order in fresh)
            keys = (client_ids.decode(order.client_id) for order in fresh)
            grids = sorted({key.grid for key in keys if key is not None})
            ids = tuple(order.client_id for order in fresh)
            names = tuple(f"g{number}" for number in grids)
            note(OrphansFound(now, symbol, len(fresh), prices[0], prices[-1], names, ids))

    def is_one(self, client_id: str) -> bool:
        """Whether an order is ours and nobody's."""
        key = client_ids.decode(client_id)
        if key is None or key.prefix[:3] != self._state.meta.bot:
            return False
        return key.owner_id not in (self._state.executors if key.level else self._state.grids)

    def keep(self, order: Order, verdict: str) -> None:
        """Note an orphan, and what is to become of it."""
        note = {"symbol": order.symbol, "price": str(order.price), "verdict": verdict}
        self._state.put_note((ORPHANS, order.client_id), note)

    def gone(self, client_id: str) -> None:
        """An order is known to have left the book."""
        if client_id in self._notes:
            self._state.put_note((ORPHANS, client_id), None)
            self._sent.pop(client_id, None)

    def decide(self, ids: Iterable[str], verdict: str) -> int:
        """The owner has spoken; returns of how many orders that are still there."""
        notes = self._notes
        there = [client_id for client_id in ids if client_id in notes]
        for client_id in there:
            self._state.put_note((ORPHANS, client_id), {**notes[client_id], "verdict": verdict})
        return len(there)

    def cancels(self, now: datetime) -> list[CancelOrder]:
        """What is to leave the book now."""
        actions: list[CancelOrder] = []
        if not self._state.notes.get(ORPHANS):
            return actions
        for client_id, kept in self._notes.items():
            key = client_ids.decode(client_id)
            before = self._sent.get(client_id)
            if key is None or kept["verdict"] != CANCELLED or (before is not None and now - before < AGAIN):
                continue
            self._sent[client_id] = now
            actions.append(CancelOrder(client_id, key.owner_id, kept["symbol"], key.leg, Decimal(kept["price"])))
        return actions
