"""The gate every action passes: once when it is decided, and once more just before it leaves.

Rule: nothing passes before the owner has allowed it, nor while the exchange wants silence; no order passes that
cannot be right (its level is frozen and its owner told), nor one whose price, mode or funds are no longer what they
were when it was decided (it is withdrawn and decided anew).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.model import Leg, Quote, Side
from bot.core.money import plain
from bot.core.sight import STALE
from bot.core.snapshot import OrderWithheld
from bot.ports import Policy
from bot.trading.desk import Desk
from bot.trading.exposure import Exposure, Note
from bot.trading.state import TradingState

log = logging.getLogger(__name__)

UNCONFIRMED = "nothing is placed before you press Trade live, which /resume shows again"
SILENCE = "the exchange wants no request for now"


class Gate:
    """See the module's rule."""

    def __init__(self, state: TradingState, policy: Policy, desks: Mapping[str, Desk], exposure: Exposure) -> None:
        self._state = state
        self._asks_first = policy.ask_first
        self._desks = desks
        self._exposure = exposure
        self.barred = ""
        """Why the front door lets no order pass for now; empty when it does."""
        self.fence: Callable[[], str] = str
        """Says why nothing at all may leave, because another copy of the worker may trade; empty when it may."""

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the owner has still to allow this account to trade live."""
        return self._asks_first and not self._state.meta.confirmed_live

    def shut(self, now: datetime) -> str:
        """Why nothing at all may leave now; empty when it may."""
        if why := self.fence() or self.barred or (UNCONFIRMED if self.is_unconfirmed else ""):
            return why
        until = self._state.meta.quiet_until
        return SILENCE if until is not None and now < until else ""

    def hush(self, until: datetime) -> None:
        """The exchange wants no request before `until`; remembered across restarts."""
        meta = self._state.meta
        if meta.quiet_until is None or meta.quiet_until < until:
            self._state.put_meta(replace(meta, quiet_until=until))

    # -- when it is decided ----------------------------------------------------------------------------------------

    def admits(self, desk: Desk, executor: PositionExecutor, order: PlaceOrder, now: datetime, note: Note) -> bool:
        """Whether an order may be sent. One that cannot be right freezes its level; one without room or funds waits."""
        fault = _fault(executor, order, desk.quote)
        if not fault:
            return self._exposure.has_room(desk, executor, order, note)
        log.error("an order that cannot be right was not sent: %s", fault, extra={"context": {"executor": executor.id}})
        self._state.put_executor(replace(executor, frozen=fault))
        desk.due[executor.id] = None  # it gives up its place
        note(OrderWithheld(now, executor.id, fault))
        return False

    # -- just before it leaves -------------------------------------------------------------------------------------

    def is_given_up(self, action: Action) -> bool:
        """Whether nobody waits for this order any more: nothing is to be said of it."""
        if isinstance(action, CancelOrder) or action.leg is Leg.CLOSE:
            return False
        executor = self._state.executors.get(action.owner_id)
        return executor is None or executor.order is None or executor.order.client_id != action.client_id

    def objection(self, action: Action, now: datetime) -> str:
        """Why an action must not leave after all; empty when it may. Taking orders off the book is always right, for
        the copy of the worker that trades."""
        if isinstance(action, CancelOrder):
            return self.fence()
        if why := self.shut(now):
            return why
        if action.leg is Leg.CLOSE:
            return "its sale was halted" if self._state.grids[action.owner_id].halted else ""
        executor = self._state.executors[action.owner_id]
        mode = executor.mode_in(self._state.grids[executor.level.grid].effective_mode)
        if mode >= (Mode.HALTED if action.leg is Leg.EXIT else Mode.PAUSED):
            return "paused before it left"
        desk = self._desks[action.symbol]
        if desk.quote is not None and now - desk.quote.at > STALE:
            desk.see(None)
        if desk.quote is None:
            return "there is no price to go by any more"
        if _crosses(action, desk.quote):
            return "the price has moved"
        if action.leg is Leg.ENTRY and not self._exposure.shortage.stands(desk.market.quote, action.owner_id):
            return "the funds have run out"
        return ""


def _crosses(order: PlaceOrder, quote: Quote) -> bool:
    return order.price >= quote.ask if order.side is Side.BUY else order.price <= quote.bid


def _fault(executor: PositionExecutor, order: PlaceOrder, quote: Quote | None) -> str:
    """What is wrong with an order by its level's own figures; empty when nothing is. Asked of figures that were made
    elsewhere: here nothing is taken over from how they were made."""
    level, what = executor.level, f"a {order.side} of {plain(order.amount)} at {plain(order.price)}"
    if quote is None:
        return f"{what} without a price to go by"
    if _crosses(order, quote):
        return f"{what} across the market ({plain(quote.bid)} and {plain(quote.ask)})"
    if order.leg is Leg.ENTRY:
        if order.price > level.entry:
            return f"{what}, above its entry {plain(level.entry)}"
        if order.amount * order.price > executor.budget(order.price):
            return f"{what}, more than its {plain(level.amount)} at {plain(level.entry)}"
        return ""
    if order.price < level.exit:
        return f"{what}, below its exit {plain(level.exit)}"
    if order.amount > executor.books.held:
        return f"{what}, more than the {plain(executor.books.held)} it holds"
    return ""
