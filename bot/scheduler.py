"""The clockwork: APScheduler runs the heartbeat and the slower jobs; a watchdog outside the loop minds its age.

Rule: a job never runs twice at once, a late one runs once, none is dropped for being late. What a job raises is logged
here, and the next beat goes on. A heart that stands still is told of, and in the end the process ends itself, for a
host restarts a dead worker but not a hung one.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime, time, timedelta, tzinfo
from functools import partial
from time import monotonic
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.tasks import begun

log = logging.getLogger(__name__)

AUDIT_SECONDS = 45
FOLD_SECONDS = 60
LATE_SECONDS = 30.0
LATE_AGAIN_SECONDS = 600.0
"""A heart that is late again and again is told of once in so long."""
HUNG_SECONDS = 180.0
EXIT_HUNG = 70
PATIENCE = 1.0
"""Seconds between two looks of the watchdog."""

Job = Callable[[], Coroutine[Any, Any, None]]


class Schedule:
    """The jobs of a worker. Times are local to `timezone`."""

    def __init__(self, timezone: tzinfo) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=timezone, job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        )
        self._running: set[asyncio.Task[None]] = set()
        self._is_running = False

    def every(self, seconds: float, job: Job, name: str) -> None:
        """Run a job at once and then every `seconds`."""
        start = datetime.now(self._scheduler.timezone) + timedelta(milliseconds=1)
        self._scheduler.add_job(self._guarded, "interval", (job, name), seconds=seconds, id=name, next_run_time=start)

    def daily(self, at: time, job: Job, name: str) -> None:
        """Run a job each day at a local time."""
        self._scheduler.add_job(self._guarded, "cron", (job, name), hour=at.hour, minute=at.minute, id=name)

    async def _guarded(self, job: Job, name: str) -> None:
        # Waited for and no more: stopping waits for a beat that is under way instead of cutting it in two at once.
        await asyncio.wait({self._begin(job, name)})

    def _begin(self, job: Job, name: str) -> "asyncio.Task[None]":
        task = begun(job())
        self._running.add(task)
        task.add_done_callback(partial(self._ended, name))
        return task

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the %s failed", name, exc_info=error)

    def start(self) -> None:
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # that a late job waits is as it should be
        self._scheduler.start()
        self._is_running = True

    def now(self, job: Job, name: str) -> None:
        """Run a job at once, beside its times; not before `start` and not after `stop`."""
        if self._is_running:
            self._begin(job, name)

    async def stop(self, patience: float) -> None:
        """Begin nothing new; wait up to `patience` seconds for what is under way, then cut it off: it hangs."""
        self._is_running = False
        if self._scheduler.running:
            self._scheduler.pause()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


class Watchdog:
    """A thread that knows when the last beat ended. `late` is called once, on the loop, when the heart is late and
    again (with True) when it beats once more, but not for each stumble of one that is late time and again; a heart that
    stands still for `hung` seconds ends the process."""

    def __init__(
        self,
        late: Callable[[float, bool], None],
        *,
        late_after: float = LATE_SECONDS,
        hung_after: float = HUNG_SECONDS,
        end: Callable[[int], None] = os._exit,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._late = late
        self._late_after, self._hung_after = late_after, hung_after
        self._end, self._clock = end, clock
        self._beat = clock()
        self._is_late = self._is_told = False
        self._told_at: float | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def age(self) -> float:
        """Seconds since the last beat ended."""
        return self._clock() - self._beat

    def beaten(self) -> None:
        """A beat has ended."""
        self._beat = self._clock()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.beaten()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(PATIENCE):
            self.look()

    def look(self) -> None:
        """One look: tell, or end, as the age demands."""
        age = self.age
        if age >= self._hung_after:
            log.critical("the heart has stood still for %.0f s: the process ends so that its host restarts it", age)
            faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
            self._end(EXIT_HUNG)
        elif (age >= self._late_after) is not self._is_late:
            self._is_late = not self._is_late
            log.error("the heartbeat is late: %.0f s", age) if self._is_late else log.warning("the heart beats again")
            if self._is_news() and self._loop is not None:
                self._loop.call_soon_threadsafe(self._late, age, not self._is_late)

    def _is_news(self) -> bool:
        """Whether the change is to be told; that a heart beats again, only where its being late was."""
        now = self._clock()
        if not self._is_late:
            was_told, self._is_told = self._is_told, False
            return was_told
        self._is_told = self._told_at is None or now - self._told_at >= LATE_AGAIN_SECONDS
        if self._is_told:
            self._told_at = now
        return self._is_told
