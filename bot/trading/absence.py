"""What happened while the bot was away: the state as it was kept, against the state after the first beat.

Rule: counted from the state alone, so that it says what the books say.
"""

from datetime import datetime

from bot.core.snapshot import Restarted
from bot.trading.heartbeat import Heartbeat
from bot.trading.state import ORPHANS


class Absence:
    """Made when the state is loaded and nothing was folded yet; see the module's rule."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heart = heartbeat
        state = heartbeat.state
        self._since = state.meta.seen_at
        self._closed = self._trades()
        self._unknown = set(state.notes.get(ORPHANS, {}))
        self._rested = {key: each.order.client_id for key, each in state.executors.items() if each.order is not None}

    def over(self, now: datetime) -> Restarted | None:
        """What to tell; None where there was nothing to be away from."""
        state = self._heart.state
        if self._since is None or not state.grids:
            return None
        return Restarted(
            at=now,
            away_seconds=int((now - self._since).total_seconds()),
            grids=sum(grid.ended_at is None for grid in state.grids.values()),
            orders=sum(executor.order is not None for executor in state.executors.values()),
            fills=self._heart.fills,
            closed=self._trades() - self._closed,
            adopted=self._heart.reconciliation.found.adopted,
            gone=sum(self._is_gone(key, client_id) for key, client_id in self._rested.items()),
            unknown=len(state.notes.get(ORPHANS, {}).keys() - self._unknown),
            unasked=not all(desk.is_known for desk in self._heart.desks.values()),
        )

    def _is_gone(self, key: str, client_id: str) -> bool:
        """Whether an order that rested has left the book without a trade."""
        executor = self._heart.state.executors.get(key)
        return executor is not None and any(
            late.client_id == client_id and not late.filled and not late.rests for late in executor.watched
        )

    def _trades(self) -> int:
        totals = self._heart.state.totals.items()
        return sum(total.trades for key, total in totals if key.startswith("all:") and key.count(":") == 1)
