"""Orders whose fate is not known: looked up singly, several times over several seconds, before anything is concluded.

Rule: *unknown* stays unknown until the exchange has said something, or has not found the order again and again; then
the order counts as missing and is watched for a late landing.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderMissing
from bot.core.model import Order
from bot.ports import OrderGateway
from bot.trading.state import TradingState

log = logging.getLogger(__name__)

DOUBT_AFTER = timedelta(seconds=10)
LANDS_WITHIN = timedelta(seconds=6)
"""A request is carried out this late at most (recvWindow, and a moment); nothing is concluded before."""
LOOK_PAUSE = timedelta(seconds=1)
LOOKS = 3


@dataclass(slots=True)
class Doubt:
    """One order in doubt: how often it was not found, when to look next, and from when on that says something."""

    owner_id: str
    next_at: datetime
    settles_at: datetime
    looks: int = 0


class Doubts:
    """See the module's rule. Truthy while anything is awaited or in doubt."""

    def __init__(self, state: TradingState, gateway: OrderGateway) -> None:
        self._state = state
        self._gateway = gateway
        self._awaited: dict[str, tuple[datetime, str]] = {}
        self._doubts: dict[str, Doubt] = {}

    def __bool__(self) -> bool:
        return bool(self._awaited or self._doubts)

    def __len__(self) -> int:
        return len(self._doubts)

    def awaited(self, client_id: str, owner_id: str, now: datetime) -> None:
        """An intent is about to leave; unless news of it comes soon, it is in doubt."""
        self._awaited.setdefault(client_id, (now, owner_id))

    def settled(self, client_id: str) -> None:
        """The exchange has said what became of it."""
        self._awaited.pop(client_id, None)
        self._doubts.pop(client_id, None)

    def doubt(self, client_id: str, owner_id: str, now: datetime, sent_at: datetime | None = None) -> None:
        """Look an order up in the next beat. `sent_at`: when it may have been sent at the latest, where that is not
        known to be long ago."""
        settles_at = now + LANDS_WITHIN if sent_at is None else max(now + LANDS_WITHIN, sent_at + DOUBT_AFTER)
        self._doubts.setdefault(client_id, Doubt(owner_id, now, settles_at))

    def recall(self, now: datetime) -> None:
        """Doubt everything that was awaited when the state was last kept."""
        for executor in self._state.executors.values():
            order, awaiting = executor.order, executor.awaiting
            if awaiting is not None:
                self.doubt(awaiting.client_id, executor.id, now, sent_at=now)
            elif order is not None and order.closed is not None:
                self.doubt(order.client_id, executor.id, now)
        for grid in self._state.grids.values():
            if grid.sale is not None and grid.sale.is_awaited:
                self.doubt(grid.sale.client_id, grid.id, now, sent_at=now)

    async def look_up(self, now: datetime) -> AsyncIterator[Event]:
        """Ask about every order whose next look is due; yields what is learned, as it is learned. BotError when the
        exchange can't be asked."""
        for client_id, (since, owner_id) in self._awaited.items():
            if now - since < DOUBT_AFTER:
                break  # they stand in order of time
            if not self._gateway.is_pending(client_id):
                self.doubt(client_id, owner_id, now)
        for client_id, doubt in list(self._doubts.items()):
            if doubt.next_at <= now and not self._gateway.is_pending(client_id):
                for event in await self._look(client_id, doubt, now):
                    yield event

    async def _look(self, client_id: str, doubt: Doubt, now: datetime) -> Sequence[Event]:
        grid = self._state.grids[doubt.owner_id.partition(".")[0]]
        doubt.next_at = now + LOOK_PAUSE
        events = await self._gateway.look_up(grid.symbol, client_id)
        if events is not None:
            self.settled(client_id)
            is_open = not any(isinstance(event, OrderClosed) for event in events)
            return (*events, OrderAccepted(client_id, now)) if is_open else events  # on the book at this very look
        doubt.looks += 1
        if doubt.looks < LOOKS:
            if doubt.looks == LOOKS - 1:  # the last look decides
                doubt.next_at = max(doubt.next_at, doubt.settles_at)
            return ()
        self.settled(client_id)
        return (self._verdict(client_id, doubt.owner_id, now),)

    def _verdict(self, client_id: str, owner_id: str, now: datetime) -> Event:
        """What to make of an order that was not found again and again."""
        executor = self._state.executors.get(owner_id)
        for record in executor.orders if executor is not None else ():
            if record.client_id == client_id and record.accepted:
                log.error("an order that had been accepted is gone", extra={"context": {"order": client_id}})
                return OrderClosed(client_id, now, record.filled, CloseReason.VENUE)
        return OrderMissing(client_id, now)

    async def audit(self, symbol: str, began: datetime) -> list[Order]:
        """Compare the resting orders of a market with what should rest there: doubt what is not there, and return what
        is there and should not, strangers' orders too. BotError when the exchange can't be asked."""
        resting = {order.client_id: order for order in await self._gateway.open_orders(symbol)}
        for executor in self._state.executors.values():
            order = executor.order
            if executor.market.symbol != symbol or order is None:
                continue
            is_settled_there = (
                executor.awaiting is None and executor.placed_at is not None and executor.placed_at < began
            )
            if order.client_id in resting:
                if order.accepted:
                    del resting[order.client_id]
            elif is_settled_there:
                self.doubt(order.client_id, executor.id, began, sent_at=executor.placed_at)
        return list(resting.values())
