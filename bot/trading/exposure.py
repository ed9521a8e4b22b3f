"""MAX_EXPOSURE and free funds at run time: which entries may bind quote currency, and which wait.

Rule: the nearest to the market goes first. An entry that finds no room waits and farther ones leave for it; while one
waits nobody behind it gets in, however small. Those that wait for funds wait in the same line.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from bot.core.actions import PlaceOrder
from bot.core.executor import PositionExecutor
from bot.core.model import Leg, Side
from bot.core.money import ZERO
from bot.core.snapshot import EntriesHeld, Notice
from bot.ports import Clock, Policy
from bot.trading.desk import Desk
from bot.trading.shortage import Shortage
from bot.trading.state import TradingState

Note = Callable[[Notice], None]

FOR_ROOM = "waits for room under MAX_EXPOSURE: nearer entries go first"
FOR_FUNDS = "waits for free funds together with the others: one entry is tried a minute, the nearest first"


class Exposure:
    """See the module's rule."""

    def __init__(self, state: TradingState, policy: Policy, clock: Clock) -> None:
        self._state = state
        self._limit = policy.max_exposure
        self._clock = clock
        self._told = False
        self.shortage = Shortage(state)

    def has_room(self, desk: Desk, executor: PositionExecutor, order: PlaceOrder, note: Note) -> bool:
        """Whether an order may bind what it costs. An entry that may not is held back, and room is made for it."""
        currency = desk.market.quote
        if order.leg is not Leg.ENTRY:
            return True
        if self._limit is None and not self.shortage.holds(currency):
            desk.held_back.pop(executor.id, None)
            return True
        entry, cost = executor.level.entry, order.price * order.amount
        is_within = self._limit is None or self._state.exposure[currency] + cost <= self._limit
        if is_within and not desk.is_behind(executor.id, entry) and self.shortage.may_try(currency, self._clock.now()):
            desk.held_back.pop(executor.id, None)
            self.shortage.tries(currency, executor.id, others_wait=bool(desk.held_back))
            return True
        desk.hold_back(executor.id, entry, cost)
        if is_within and self.shortage.holds(currency):
            return False
        if self._limit is None:
            return False
        self._make_room(desk, entry)
        if not self._told:
            self._told = True
            note(EntriesHeld(self._clock.now(), self._state.exposure[currency], self._limit, currency))
        return False

    def _make_room(self, desk: Desk, entry: Decimal) -> None:
        """Have as many of the farthest leave as it takes for what waits, from the nearest to `entry`."""
        leaving = sum((self._state.executors[key].resting_cost for key in desk.window.leaving), ZERO)
        over = self._state.exposure[desk.market.quote] + desk.cost_held_back(entry) - leaving - (self._limit or ZERO)
        while over > ZERO and (farthest := desk.window.give_up_farthest(Side.BUY, entry)) is not None:
            over -= self._state.executors[farthest].resting_cost
            desk.due[farthest] = None

    def let_in(self, desk: Desk) -> None:
        """Have the nearest entry that is held back looked at again, when there may be room and funds for it."""
        currency = desk.market.quote
        if desk.held_back and self.shortage.may_try(currency, self._clock.now()):
            room = self._limit - self._state.exposure[currency] if self._limit is not None else None
            key = desk.next_held_back(room)
            if key is None and self.shortage.holds(currency):
                self.shortage.ends(currency)  # it is room that is missing, and that is made when it is looked at again
                key = desk.next_held_back(None)
            if key is not None:
                desk.due[key] = None

    def next_try(self, desk: Desk) -> datetime | None:
        """When the nearest of the entries that are held back for funds tries again; None where they wait for room."""
        return self.shortage.next_try(desk.market.quote)

    def why_held_back(self, desk: Desk) -> str:
        """What the entries of a market wait for that are held back."""
        return FOR_FUNDS if self.shortage.holds(desk.market.quote) else FOR_ROOM
