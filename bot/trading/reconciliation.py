"""The state against the exchange: what is awaited too long, missing from the book, not remembered, or nobody's.

Rule: it only asks and tells. What it learns goes into the inbox and is folded like any other news; an exchange that
doesn't answer changes nothing, and is asked again.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from bot.core import client_ids
from bot.core.events import Event, OrderAccepted
from bot.core.snapshot import Notice
from bot.ports import OrderGateway
from bot.trading.doubts import Doubts
from bot.trading.found import Found
from bot.trading.orphans import Orphans
from bot.trading.state import INHERITANCE, TradingState
from bot.trading.troubles import Troubles


class Reconciliation:
    """See the module's rule."""

    def __init__(
        self,
        state: TradingState,
        gateway: OrderGateway,
        troubles: Troubles,
        inbox: deque[Event],
        note: Callable[[Notice], None],
    ) -> None:
        self._state = state
        self._troubles = troubles
        self._inbox = inbox
        self._note = note
        self.doubts = Doubts(state, gateway)
        self.found = Found(state, gateway, self.doubts)
        self.orphans = Orphans(state)

    async def audit(self, symbol: str, now: datetime) -> bool:
        """Compare what rests on a market with what should; False when the exchange gave no answer."""
        question = f"audit of {symbol}"
        with self._troubles.asking(question, now):
            others = await self.doubts.audit(symbol, now)
            for order in others:
                key = client_ids.decode(order.client_id)
                if key is None or key.owner_id not in self._state.executors or self.found.rests(order, now):
                    continue
                self.doubts.settled(order.client_id)  # on the book at this very look
                self._inbox.append(OrderAccepted(order.client_id, now))
            if not self._state.notes.get(INHERITANCE):  # else they are asked about as a whole
                self.orphans.seen(symbol, others, now, self._note)
        return not self._troubles.is_unanswered(question)

    async def ask(self, now: datetime) -> None:
        """Ask about orders in doubt, then about those not remembered; what was learned before the exchange fell silent
        counts."""
        self.found.sift(self._inbox, now)
        if self.doubts:
            with self._troubles.asking("look-ups", now):
                async for event in self.doubts.look_up(now):
                    self._inbox.append(event)
        else:  # what was not answered has been told by itself since
            self._troubles.moot("look-ups", now)
        if self.found:
            with self._troubles.asking("orders not remembered", now):
                async for event in self.found.stories(now):
                    self._inbox.append(event)
        else:
            self._troubles.moot("orders not remembered", now)
