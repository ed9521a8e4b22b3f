"""Orders of ours that their executor does not remember: the store is older than the exchange (a backup, a lost tail).

Rule: nothing is concluded from a part of an order's story. News of it wait here, and their cursor with them, until the
exchange has told the rest; then each order is adopted once, oldest first, with all its trades. While any of its orders
wait, an executor decides nothing. What is found resting untouched needs no question.
"""

import logging
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.core import adoption, client_ids
from bot.core.client_ids import OrderKey
from bot.core.events import CloseReason, Event, OrderAdopted, OrderClosed, OrderFilled
from bot.core.executor import PositionExecutor
from bot.core.model import Order
from bot.core.money import ZERO
from bot.ports import OrderGateway
from bot.trading.doubts import LOOK_PAUSE, LOOKS, Doubts
from bot.trading.state import TradingState

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Find:
    """An order that is to be adopted: what was heard of it, and `order` where it was seen resting."""

    key: OrderKey
    symbol: str
    next_at: datetime
    heard: list[Event] = field(default_factory=list)
    order: Order | None = None
    looks: int = 0
    story: list[Event] | None = None

    @property
    def owner_id(self) -> str:
        return self.key.owner_id

    @property
    def sent(self) -> tuple[int, int]:
        return self.key.cycle, self.key.attempt


class Found:
    """See the module's rule. Truthy while an order waits to be adopted; `adopted` counts those that were."""

    def __init__(self, state: TradingState, gateway: OrderGateway, doubts: Doubts) -> None:
        self._state = state
        self._gateway = gateway
        self._doubts = doubts
        self._finds: dict[str, Find] = {}
        self.owners: set[str] = set()
        self.adopted = 0

    def __bool__(self) -> bool:
        return bool(self._finds)

    def holds(self, symbol: str) -> bool:
        """Whether news of a market still wait here, so that they must be heard again after a crash."""
        return any(find.symbol == symbol for find in self._finds.values())

    def sift(self, inbox: deque[Event], now: datetime) -> None:
        """Take news of orders to be adopted out of the inbox, in place."""
        for _ in range(len(inbox)):
            event = inbox.popleft()
            executor = self._unaware(event.client_id)
            if executor is None:
                inbox.append(event)
            else:
                self._find(event.client_id, executor, now).heard.append(event)

    def rests(self, order: Order, now: datetime) -> bool:
        """Take note of an order seen on the book; False where its executor knows it or is gone."""
        executor = self._unaware(order.client_id)
        if executor is None:
            return False
        self._find(order.client_id, executor, now).order = order
        return True

    def _unaware(self, client_id: str) -> PositionExecutor | None:
        """The executor that has sent this order and does not know of it."""
        key = client_ids.decode(client_id)
        if key is None or not key.level or key.prefix[:3] != self._state.meta.bot:
            return None
        executor = self._state.executors.get(key.owner_id)
        return executor if executor is not None and adoption.is_unknown(executor, client_id) else None

    def _find(self, client_id: str, executor: PositionExecutor, now: datetime) -> Find:
        find = self._finds.get(client_id)
        if find is None:
            key = client_ids.decode(client_id)
            assert key is not None
            find = self._finds[client_id] = Find(key, executor.market.symbol, now)
            self.owners.add(executor.id)
            if executor.order is not None:  # it went on from there: what became of that one comes first
                self._doubts.doubt(executor.order.client_id, executor.id, now)
        return find

    async def stories(self, now: datetime) -> AsyncIterator[Event]:
        """What is known in full by now, one executor's orders after another, the oldest first. BotError when the
        exchange can't be asked."""
        for client_id, find in list(self._finds.items()):
            if find.story is None and find.next_at <= now:
                find.next_at = now + LOOK_PAUSE
                find.story = await self._story(client_id, find, now)
        for owner_id in list(self.owners):
            mine = sorted(
                (find.sent, client_id) for client_id, find in self._finds.items() if find.owner_id == owner_id
            )
            if any(self._finds[client_id].story is None for _, client_id in mine):
                continue
            self.owners.discard(owner_id)
            for _, client_id in mine:
                story = self._finds.pop(client_id).story or []
                log.warning("an order was adopted", extra={"context": {"order": client_id, "executor": owner_id}})
                self.adopted += 1
                for event in story:
                    yield event

    async def _story(self, client_id: str, find: Find, now: datetime) -> list[Event] | None:
        """The whole story of an order; None where it is not known yet."""
        if find.order is not None and not find.order.filled:
            return told(client_id, now, find.order, find.heard)
        events = await self._gateway.look_up(find.symbol, client_id)
        if events is None:
            find.looks += 1
            return told(client_id, now, find.order, find.heard) if find.looks >= LOOKS else None
        is_open = not any(isinstance(event, OrderClosed) for event in events)
        if is_open and find.order is None:
            for order in await self._gateway.open_orders(find.symbol):
                if order.client_id in self._finds:
                    self._finds[order.client_id].order = order
            if find.order is None:
                return None  # it rests and isn't shown yet, or has just left the book
        return told(client_id, now, find.order, events)


def told(client_id: str, now: datetime, order: Order | None, events: Iterable[Event]) -> list[Event]:
    """An adoption, and what happened to the order since. One that was not seen resting asked for what it traded."""
    fills = {event.fill.trade_id: event for event in events if isinstance(event, OrderFilled)}
    closings = [event for event in events if isinstance(event, OrderClosed)]
    traded = sum((event.fill.amount for event in fills.values()), ZERO)
    amount = max(traded, *(event.filled for event in closings), order.amount if order is not None else ZERO)
    if not traded and closings and not any(event.filled for event in closings):
        amount = ZERO
    if order is None and not closings:
        closings = [OrderClosed(client_id, now, traded, CloseReason.FILLED)]
    price = order.price if order is not None else next((event.fill.price for event in fills.values()), ZERO)
    story: list[Event] = [OrderAdopted(client_id, now, price, amount)]
    return [*story, *fills.values(), *closings] if amount else story
