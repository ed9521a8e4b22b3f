"""Steering: turning grids and single levels to another mode, and beginning a closing sale.

Rule: everything here happens under the heartbeat's lock and only turns modes; the executors draw their own conclusions
in the next beat.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.numerals import shown
from bot.core.portfolio import Grid
from bot.errors import CommandError
from bot.ports import Policy
from bot.texts.catalogue import say
from bot.trading.heartbeat import Heartbeat
from bot.trading.state import TradingState

MOST_NAMED = 5


class Steering:
    """See the module's rule."""

    def __init__(self, heartbeat: Heartbeat, state: TradingState, policy: Policy) -> None:
        self._heartbeat = heartbeat
        self._state = state
        self._policy = policy

    def targets(self, word: str) -> tuple[list[Grid], list[PositionExecutor]]:
        """What an id or `all` means: grids, or one executor. CommandError when there is nothing of that name."""
        word = word.strip().lower()
        living = [grid for grid in self._state.grids.values() if grid.ended_at is None]
        if word in ("", "all"):
            return living, []
        if word in self._state.executors:
            return [], [self._state.executors[word]]
        if word in self._state.grids:
            grid = self._state.grids[word]
            if grid.ended_at is not None:
                raise CommandError(say("unable.ended", grid=word))
            return [grid], []
        if not living:
            raise CommandError(say("unable.unknown_and_none", word=shown(word)))
        names = ", ".join(grid.id for grid in living[:MOST_NAMED])
        raise CommandError(say("unable.unknown", count=len(living), word=shown(word), names=names))

    def turn(self, word: str, mode: Mode, now: datetime) -> list[str]:
        """Turn what the word means; returns the ids for which that changed anything. CommandError."""
        grids, executors = self.targets(word)
        turned = [grid.id for grid in grids if self._turn_grid(grid, mode)]
        for executor in executors:
            if mode > Mode.PAUSED:
                raise CommandError(say("unable.one_level", level=executor.id, grid=executor.level.grid))
            self._turn_level(executor, mode)
            turned.append(executor.id)
        if mode is Mode.RUNNING and self._policy.max_daily_loss is not None:
            self._heartbeat.guard.rebase(self._heartbeat.desks, now)
        return turned

    def resume_levels(self, keys: Iterable[str]) -> list[str]:
        """These levels back to running; returns the ids of those that are still there."""
        turned = [key for key in keys if key in self._state.executors]
        for key in turned:
            self._turn_level(self._state.executors[key], Mode.RUNNING)
        return turned

    def sell(self, word: str) -> list[str]:
        """Have all orders leave the book, then the coins sold at once. CommandError for a single level."""
        grids, executors = self.targets(word)
        for executor in executors:
            raise CommandError(say("unable.one_level", level=executor.id, grid=executor.level.grid))
        for grid in grids:
            self._heartbeat.start_sale(grid, "sold by a person")
        return [grid.id for grid in grids]

    def panic(self) -> list[str]:
        """Halt every grid."""
        grids = [grid for grid in self._state.grids.values() if grid.ended_at is None]
        for grid in grids:
            self._state.put_grid(replace(grid, halted=True, why="panic"))
            self._heartbeat.mark_due(grid.id)
        return [grid.id for grid in grids]

    def _turn_level(self, executor: PositionExecutor, mode: Mode) -> None:
        self._state.put_executor(replace(executor, mode=mode, frozen=""))
        self._heartbeat.desks[executor.market.symbol].due[executor.id] = None

    def _turn_grid(self, grid: Grid, mode: Mode) -> bool:
        """Turn one grid where that changes anything; a milder mode comes back only by resuming."""
        if grid.mode is Mode.ENDED or (grid.sale is not None and not grid.halted):
            return False
        if mode is Mode.RUNNING:
            # After a panic a finishing grid goes on finishing; resumed once more it runs.
            goes_on = grid.halted and grid.mode is Mode.FINISHING
            after = replace(grid, mode=grid.mode if goes_on else mode, halted=False, why="")
            self._heartbeat.margin.look_first(self._heartbeat.desks[grid.symbol])
            for key in self._state.members[grid.id]:  # frozen ones wait for a look of their own
                if self._state.executors[key].mode is not Mode.RUNNING:
                    self._state.put_executor(replace(self._state.executors[key], mode=Mode.RUNNING))
        elif mode > grid.mode:
            after = replace(grid, mode=mode, why="by a person", halted=grid.halted and mode is not Mode.ENDED)
        else:
            return False
        self._state.put_grid(after)
        self._heartbeat.mark_due(grid.id)
        return True
