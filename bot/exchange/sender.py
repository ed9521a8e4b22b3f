"""Orders and cancels on their way: each leaves once, and what its reply means is judged here.

Rule: a reply that carries an order id is a yes. A no that is known to be one is a refusal. Anything else leaves the
order unknown: nothing is said of it, and whoever awaits it looks it up.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.events import Event, OrderAccepted, OrderClosed, OrderRefused, Refusal
from bot.core.model import Leg
from bot.errors import MarketError
from bot.exchange import outcomes, translate
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.faults import errors
from bot.exchange.own_orders import OwnOrders
from bot.exchange.perpetuals import Perpetuals
from bot.exchange.request_queue import Priority, Ticket, Withdrawn
from bot.exchange.venues import ItemRefused, Venue
from bot.tasks import begun

log = logging.getLogger(__name__)

Hear = Callable[[Sequence[Event]], None]
Stands = Callable[[Action], bool]

PATIENCE = 2.0
"""Seconds that requests under way are awaited when the worker stops."""


class Sender:
    """See the module's rule. `hear` takes what is learned, at once; with nothing it only wakes the heart."""

    def __init__(
        self,
        connection: Connection,
        venue: Venue,
        data: CcxtMarket,
        orders: OwnOrders,
        perpetuals: Perpetuals,
        hear: Hear,
    ) -> None:
        self._connection = connection
        self._venue = venue
        self._data = data
        self._orders = orders
        self._perpetuals = perpetuals
        self._hear = hear
        self._tasks: set[asyncio.Task[None]] = set()
        self.pending: set[str] = set()
        """Orders about which a request is queued or under way."""
        self.was_cut = False
        """Whether the end came before every answer: what was sent may still arrive."""
        self.unsettled: dict[str, tuple[str, datetime]] = {}
        """Orders accepted by a venue that refuses late: their symbol, and since when."""

    def send(self, actions: Sequence[Action], stands: Stands) -> None:
        """Queue the actions; several orders of one symbol go in one request where the venue takes that."""
        places: dict[tuple[str, Priority], list[PlaceOrder]] = {}
        for action in actions:
            self.pending.add(action.client_id)
            if isinstance(action, CancelOrder):
                self.spawn(self._cancel(action, stands))
            elif action.taker or self._venue.batch == 1:
                self.spawn(self._place(action, stands))
            else:
                places.setdefault((action.symbol, _priority(action)), []).append(action)
        for orders in places.values():
            for start in range(0, len(orders), self._venue.batch):
                batch = orders[start : start + self._venue.batch]
                self.spawn(self._place_many(batch, stands) if len(batch) > 1 else self._place(batch[0], stands))

    # -- orders ----------------------------------------------------------------------------------------------------

    async def _place(self, order: PlaceOrder, stands: Stands) -> None:
        sent_at = self._connection.clock.now()
        ticket = Ticket(_priority(order), lambda: stands(order))
        try:
            raw_market, size = await self._prepared_market(order.symbol)
            call = self._venue.create(order, _is_reducing(order, raw_market), size)
            reply = await self._connection.send(call, ticket)
        except failures() as error:
            told = self._not_placed(order, ticket, error)
        else:
            told = self._placed(order, reply, size, sent_at)
        finally:
            self.pending.discard(order.client_id)
        if told is not None:
            self._hear(told)
        if order.taker and ticket.left:
            await self._settle(order.symbol, order.client_id)

    async def _place_many(self, orders: Sequence[PlaceOrder], stands: Stands) -> None:
        """A batch is one request; what each item came to stands in its own row of the reply."""
        sent_at = self._connection.clock.now()
        ticket = Ticket(_priority(orders[0]), lambda: all(stands(order) for order in orders))
        try:
            raw_market, size = await self._prepared_market(orders[0].symbol)
            pairs = [(order, _is_reducing(order, raw_market)) for order in orders]
            replies = await self._connection.send(self._venue.create_many(pairs, size), ticket)
        except Withdrawn:  # not all of them are wanted any more: each goes singly, and is asked again
            for order in orders:
                self.spawn(self._place(order, stands))
            return
        except failures() as error:
            told = [self._not_placed(order, ticket, error) for order in orders]
        else:
            told = [
                self._not_placed(order, ticket, row)
                if isinstance(row, ItemRefused)
                else self._placed(order, row, size, sent_at)
                for order, row in self._venue.outcomes(orders, replies)
            ]
        self.pending.difference_update(order.client_id for order in orders)
        known = [events for events in told if events is not None]
        if known:
            self._hear(list(chain(*known)))

    async def _prepared_market(self, symbol: str) -> tuple[Mapping[str, Any], Decimal]:
        """ccxt's market and its contract size, margin and leverage being set. MarketError."""
        raw = await self._data.raw(symbol)
        if raw.get("swap"):
            await self._perpetuals.prepare(symbol)
        return raw, translate.contract_size_of(raw)

    def _placed(self, order: PlaceOrder, reply: Any, size: Decimal, sent_at: datetime) -> list[Event] | None:
        """What a reply tells; None where it tells nothing."""
        if not isinstance(reply, Mapping) or not reply.get("id"):
            log.warning("a reply names no order: its fate is unknown", extra={"context": {"order": order.client_id}})
            return None
        seen = self._orders.seen(reply, size) if reply.get("clientOrderId") else None
        if seen is not None and seen.client_id != order.client_id:
            log.error("a reply speaks of another order", extra={"context": {"order": order.client_id}})
            return None
        self._orders.know(order.client_id, str(reply["id"]))
        if self._venue.refuses_late and not order.taker:
            self.unsettled[order.client_id] = (order.symbol, sent_at)
        events: list[Event] = [OrderAccepted(order.client_id, sent_at)]
        if seen is not None and seen.is_open is False and not seen.filled and not order.taker:
            events.append(self._orders.closed(seen))
        return events

    def _not_placed(self, order: PlaceOrder, ticket: Ticket, error: BaseException) -> list[Event] | None:
        """What a failure tells; None where it leaves the order unknown."""
        now = self._connection.clock.now()
        if isinstance(error, Withdrawn):
            return []  # whoever was asked whether it stands has noted why not, and is to be woken
        if isinstance(error, MarketError):
            return [OrderRefused(order.client_id, now, Refusal.RATE, str(error))]
        if (refused := outcomes.refusal_of(error, self._venue)) is not None:
            return [OrderRefused(order.client_id, now, *refused)]
        why = outcomes.without_secrets(error)
        if not ticket.left:
            return [OrderRefused(order.client_id, now, Refusal.OTHER, why)]
        log.warning("the fate of an order is unknown: %s", why, extra={"context": {"order": order.client_id}})
        return None

    # -- cancels ---------------------------------------------------------------------------------------------------

    async def _cancel(self, action: CancelOrder, stands: Stands) -> None:
        ticket = Ticket(Priority.CANCEL, lambda: stands(action))
        try:
            if self._venue.cancel(action.client_id, self._orders.id_of(action.client_id), action.symbol) is None:
                await self._orders.look_up(action.symbol, action.client_id)  # the venue wants an id of its own
            call = self._venue.cancel(action.client_id, self._orders.id_of(action.client_id), action.symbol)
            if call is not None:
                self._orders.asked(action.client_id)
                await self._connection.send(call, ticket)
        except failures() as error:
            if not ticket.left:
                return  # wanted anew once the order has been seen on the book
            log.info("a cancel is in doubt: %s", outcomes.without_secrets(error))
        finally:
            self.pending.discard(action.client_id)
        await self._settle(action.symbol, action.client_id)

    async def _settle(self, symbol: str, client_id: str) -> None:
        """Look up an order that should have left the book; one that is still there is left to who doubts it."""
        try:
            events = await self._orders.look_up(symbol, client_id)
        except MarketError as error:
            log.info("order %s could not be looked up: %s", client_id, error)
            return
        if events and any(isinstance(event, OrderClosed) for event in events):
            self._hear(events)

    # -- tasks -----------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done beside the heartbeat; `close` awaits it."""
        task = begun(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a request to the exchange failed unexpectedly", exc_info=error)

    async def settled(self, seconds: float) -> bool:
        """Wait until what is under way has its answer, at most so long; False where nothing was."""
        if not self._tasks:
            return False
        await asyncio.wait(set(self._tasks), timeout=seconds)
        return True

    async def close(self) -> None:
        """Let nothing leave any more, and await what is on the wire for a moment."""
        self._connection.queue.stop()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=max(0.0, PATIENCE - self._connection.queue.stopped_for))
        left = list(self._tasks)
        self.was_cut = bool(left)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def failures() -> tuple[type[BaseException], ...]:
    """What ends a request that brings no reply: never left (MarketError, Withdrawn), or ccxt's own."""
    return (MarketError, Withdrawn, errors().BaseError)


def _priority(order: PlaceOrder) -> Priority:
    return Priority.ENTRY if order.leg is Leg.ENTRY else Priority.EXIT


def _is_reducing(order: PlaceOrder, raw_market: Mapping[str, Any]) -> bool:
    return order.leg is not Leg.ENTRY and bool(raw_market.get("swap"))
