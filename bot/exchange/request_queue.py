"""The queue before the wire: every request of one account waits here for its turn, the most urgent first.

Rule: it stands in for ccxt's own throttle, which ccxt asks just before it signs: what waits is asked once more, at
the last moment, whether it is still wanted. While the exchange wants silence nothing leaves, and whoever asks is told
until when.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from time import monotonic

from bot.errors import ExchangeWaits
from bot.ports import Clock


class Priority(IntEnum):
    """Who goes first."""

    CANCEL = 0
    EXIT = 1
    RECONCILE = 2
    ENTRY = 3
    DATA = 4


class Withdrawn(Exception):
    """The request was no longer wanted when its turn came; it never left."""


@dataclass(slots=True)
class Ticket:
    """One request's place in the queue. `left`: its bytes may be on the wire."""

    priority: Priority = Priority.DATA
    stands: Callable[[], bool] | None = None
    left: bool = False


TICKET: ContextVar[Ticket | None] = ContextVar("ticket", default=None)
"""The ticket of the request that is being made; ccxt's call stack has no other place for it."""

SILENCE_FIRST = timedelta(seconds=10)
SILENCE_LAST = timedelta(minutes=5)


class RequestQueue:
    """Spaces requests by what they cost the venue's limit. `spacing`: seconds a cost of 1 takes."""

    def __init__(self, clock: Clock, spacing: float) -> None:
        self._clock = clock
        self._spacing = spacing
        self._next_at = 0.0
        self._waiting: list[tuple[Priority, int, float, asyncio.Future[None]]] = []
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._silent_until: datetime | None = None
        self._why = ""
        self._silence = SILENCE_FIRST
        self._stopped_at: float | None = None
        self.sent = 0

    def __len__(self) -> int:
        return len(self._waiting)

    async def pass_through(self, cost: float | None = None) -> None:
        """Return when it is this request's turn. ExchangeWaits in a time of silence, Withdrawn when nobody wants it any
        more: in both cases it has not left."""
        ticket = TICKET.get() or Ticket()
        self.check()
        loop, weight = asyncio.get_running_loop(), self._spacing * (1.0 if cost is None else cost)
        if self._waiting or self._next_at > loop.time():
            turn: asyncio.Future[None] = loop.create_future()
            self._number += 1
            heappush(self._waiting, (ticket.priority, self._number, weight, turn))
            self._schedule(loop)
            await turn
            self.check()
        else:
            self._next_at = loop.time() + weight
        if ticket.stands is not None and not ticket.stands():
            raise Withdrawn
        ticket.left = True
        self.sent += 1

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._waiting:
            self._timer = loop.call_at(self._next_at, self._release)

    def _release(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._waiting and self._next_at <= loop.time():
            _, _, weight, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                self._next_at = loop.time() + weight
        self._schedule(loop)

    # -- silence ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """ExchangeWaits while the exchange wants no requests, Withdrawn after `stop`."""
        if self._stopped_at is not None:
            raise Withdrawn
        if self._silent_until is None:
            return
        if self._clock.now() >= self._silent_until:
            self._silent_until = None
            return
        raise ExchangeWaits(self._why, self._silent_until)

    def silence(self, why: str, until: datetime | None = None) -> None:
        """Send nothing until a moment the exchange named; where it named none, a while that doubles each time in a
        row."""
        if until is None:
            until = self._clock.now() + self._silence
            self._silence = min(self._silence * 2, SILENCE_LAST)
        if self._silent_until is None or until > self._silent_until:
            self._silent_until, self._why = until, why
        waiting, self._waiting = self._waiting, []
        for *_, turn in waiting:
            if not turn.done():
                turn.set_exception(ExchangeWaits(self._why, self._silent_until))

    def stop(self) -> None:
        """Let nothing leave any more; what waits is withdrawn."""
        if self._stopped_at is None:
            self._stopped_at = monotonic()
        waiting, self._waiting = self._waiting, []
        for *_, turn in waiting:
            if not turn.done():
                turn.set_exception(Withdrawn())

    @property
    def stopped_for(self) -> float:
        """Seconds since nothing leaves any more."""
        return 0.0 if self._stopped_at is None else monotonic() - self._stopped_at

    def answered(self) -> None:
        """The exchange has answered: the next silence is a short one again."""
        self._silence = SILENCE_FIRST
