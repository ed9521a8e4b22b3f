"""MAX_EXPOSURE at run time: which entries may bind quote currency, and which wait.

Rule: the nearest to the market goes first. An entry that finds no room waits and farther ones leave for it; while one
waits nobody behind it gets in, however small.
"""

from collections.abc import Callable
from decimal import Decimal

from bot.core.actions import PlaceOrder
from bot.core.executor import PositionExecutor
from bot.core.model import Leg, Side
from bot.core.money import ZERO
from bot.core.snapshot import EntriesHeld, Notice
from bot.desk import Desk
from bot.ports import Clock, Policy
from bot.state import TradingState


class Exposure:
    """See the module's rule."""

    def __init__(self, state: TradingState, policy: Policy, clock: Clock) -> None:
        self._state = state
        self._limit = policy.max_exposure
        self._clock = clock
        self._told = False

    def has_room(
        self, desk: Desk, executor: PositionExecutor, order: PlaceOrder, note: Callable[[Notice], None]
    ) -> bool:
        """Whether an order may bind what it costs. An entry that may not is held back, and room is made for it."""
        if self._limit is None or order.leg is not Leg.ENTRY:
            return True
        entry, cost, currency = executor.level.entry, order.price * order.amount, desk.market.quote
        if self._state.exposure[currency] + cost <= self._limit and not desk.is_behind(executor.id, entry):
            desk.held_back.pop(executor.id, None)
            return True
        desk.hold_back(executor.id, entry, cost)
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
        """Have the nearest entry that is held back looked at again, when there is room for it now."""
        if self._limit is not None and desk.held_back:
            key = desk.next_held_back(self._limit - self._state.exposure[desk.market.quote])
            if key is not None:
                desk.due[key] = None
