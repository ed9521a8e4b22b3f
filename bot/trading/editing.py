"""Carrying out an edit of a running grid: its levels, its spec and what it binds, changed at one stroke.

Rule: everything here happens under the heartbeat's lock, and is kept in one go or taken back. No order is touched: the
executors draw their own conclusions in the next beat.
"""

from collections.abc import Callable

from bot.core.editing import Edit
from bot.core.executor import PositionExecutor
from bot.trading.heartbeat import Heartbeat
from bot.trading.state import TradingState


def perform(edit: Edit, heartbeat: Heartbeat, state: TradingState) -> Callable[[], None]:
    """Make the grid what the edit says; returns what takes that back while it is not kept."""
    market, prefix = heartbeat.desks[edit.grid.symbol].market, state.prefix
    changed = [each for each in (*edit.stays, *edit.leaves) if each is not state.executors[each.id]]
    before = [state.executors[each.id] for each in changed]
    state.put_grid(edit.grid_after())
    for executor in changed:
        state.put_executor(executor)
    for level in edit.placed:
        state.put_executor(PositionExecutor(level, market, prefix))

    def take_back() -> None:
        for level in edit.placed:
            state.drop_executor(level.id)
        for executor in before:
            state.put_executor(executor)
        state.put_grid(edit.grid)

    return take_back


def settle(edit: Edit, heartbeat: Heartbeat, state: TradingState) -> None:
    """The edit is kept: have the new prices watched, and every level looked at."""
    heartbeat.guard.watch(state.grids[edit.grid.id])
    heartbeat.mark_due(edit.grid.id)
