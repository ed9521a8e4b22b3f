"""The watch over running grids: once a minute each is looked at, and what its course gives reason to say is told.

Rule: what was told, and when, is kept with the state, so that a restart repeats nothing; nothing here changes a grid.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.core.alerts import Stalled
from bot.core.model import Side
from bot.core.snapshot import Notice
from bot.core.vigil import NEW, Watch, looked
from bot.trading.desk import Desk
from bot.trading.state import VIGIL, TradingState


class Vigil:
    """See the module's rule."""

    def __init__(self, state: TradingState, note: Callable[[Notice], None]) -> None:
        self._state = state
        self._note = note

    def look(self, desks: Mapping[str, Desk], now: datetime) -> None:
        """Look at every grid; changes are to be kept by whoever asks."""
        notes = self._state.notes.get(VIGIL, {})
        for grid in self._state.grids.values():
            known = notes.get(grid.id)
            if grid.ended_at is not None:
                if known is not None:
                    self._state.put_note((VIGIL, grid.id), None)
                continue
            before = Watch.from_record(known) if known is not None else NEW
            fills, holding = self._state.flow(grid.id).fills, self._state.holding(grid.id)
            after, told = looked(before, grid, fills, holding, desks[grid.symbol].quote, now)
            if after != before:
                self._state.put_note((VIGIL, grid.id), after.to_record())
            if isinstance(told, Stalled):
                told = replace(told, buy=self._nearest(grid.id, Side.BUY), sell=self._nearest(grid.id, Side.SELL))
            if told is not None:
                self._note(told)

    def _nearest(self, grid_id: str, side: Side) -> Decimal | None:
        """The price of the resting order of this side that is next to the market."""
        orders = (self._state.executors[key].order for key in self._state.members[grid_id])
        prices = [order.price for order in orders if order is not None and order.side is side and order.rests]
        return max(prices, default=None) if side is Side.BUY else min(prices, default=None)
