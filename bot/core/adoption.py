"""Orders that an executor sent but does not remember: its store is older than the exchange.

Rule: an id is compared with what the executor had sent in that id's own epoch, never with another epoch's numbers. What
lies beyond is adopted once, by its id: as the order of the leg it continues, or else as an older one that may still
trade, whose trades are booked and which leaves the book.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core import client_ids
from bot.core.client_ids import OrderKey
from bot.core.events import OrderAdopted
from bot.core.level import Mark, OrderRecord
from bot.core.lifecycle import State, Trigger, step
from bot.core.model import Leg
from bot.core.values import evolve

if TYPE_CHECKING:
    from bot.core.executor import PositionExecutor

WATCH = timedelta(hours=24)
MOST_MARKS = 24
"""Former epochs with orders remembered; news of an order reach back a minute, over fewer restarts than that."""


def in_epoch(executor: "PositionExecutor", prefix: str) -> "PositionExecutor":
    """The executor as it makes ids in an epoch; how far it came in the former one is marked."""
    if executor.prefix == prefix:
        return executor
    came = executor.cycle, executor.attempts
    if executor.marks and came == (executor.marks[-1].cycle, executor.marks[-1].attempts):  # it has sent nothing since
        return evolve(executor, prefix=prefix)
    mark = Mark(executor.prefix, *came)
    return evolve(executor, prefix=prefix, marks=(*executor.marks, mark)[-MOST_MARKS:])


def is_unknown(executor: "PositionExecutor", client_id: str) -> bool:
    """Whether an order of this executor is none that it remembers, nor one that it has booked and forgotten."""
    order = executor.order
    if order is not None and order.client_id == client_id:  # nearly always
        return False
    if any(record.client_id == client_id for record in executor.watched):
        return False
    if client_id in executor.adopted:
        return False
    key = client_ids.decode(client_id)
    if key is None:
        return True
    sent = (key.cycle, key.attempt)
    if key.prefix == executor.prefix:
        return sent >= (executor.cycle, executor.attempts)
    return all(key.prefix != mark.prefix or sent >= (mark.cycle, mark.attempts) for mark in executor.marks)


def adopted(executor: "PositionExecutor", event: OrderAdopted) -> "PositionExecutor":
    """The executor with one more order of its own. Its trades follow as events of their own."""
    key = client_ids.decode(event.client_id)
    if key is None or not is_unknown(executor, event.client_id):
        return executor
    after = evolve(executor, adopted=(*executor.adopted, event.client_id))
    record = OrderRecord(event.client_id, key.leg, event.price, event.amount, accepted=True)
    if record.is_full:  # it left the book without a trade: nothing to watch
        return after
    begun = _in_cycle(after, key)
    if begun is not None and _fits(begun, record):
        state, attempts = step(begun.state, Trigger.PLACED), max(begun.attempts, key.attempt + 1)
        return evolve(begun, state=state, order=record, placed_at=event.at, attempts=attempts)
    return evolve(after, watched=(*after.watched, evolve(record, watch_until=event.at + WATCH)))


def _in_cycle(executor: "PositionExecutor", key: OrderKey) -> "PositionExecutor | None":
    """The executor in the cycle of an order, re-armed where it is the entry of a later one; None where it is not."""
    if key.cycle == executor.cycle:
        return executor
    begins = executor.state is State.COMPLETED and key.leg is Leg.ENTRY and key.cycle > executor.cycle
    if not begins:
        return None
    state = step(executor.state, Trigger.REARMED)
    return evolve(executor, state=state, cycle=key.cycle, attempts=0, placed_at=None, back=None)


def _fits(executor: "PositionExecutor", record: OrderRecord) -> bool:
    """Whether an order is what the present leg would have sent: a maker rests at its target or short of it."""
    if not executor.is_idle or any(late.rests for late in executor.watched):
        return False
    if executor.state not in (State.PENDING_ENTRY, State.FILLED_WAIT) or record.leg is not executor.leg:
        return False
    level = executor.level
    return record.price <= level.entry if record.leg is Leg.ENTRY else record.price >= level.exit
