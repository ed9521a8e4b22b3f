"""What an exchange pushes by itself, through ccxt.pro: one task waits for each stream.

Rule: a push is a reason to look now, never the truth. A stream that broke has lost what happened meanwhile, and one
that stalls says nothing at all: after each break whoever listens is told of a gap and asks, and what asking finds that
should have been pushed brands the streams as silent. Everything is right without any of this, only slower.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from bot.exchange.faults import broken
from bot.ports import Clock

log = logging.getLogger(__name__)

PROVED_AFTER = timedelta(seconds=12)
"""ccxt does not tell when a subscription stands; one that has not failed for longer than a handshake may take does."""
DISTRUSTED_FOR = timedelta(minutes=2)
PAUSE_FIRST, PAUSE_LAST = 0.5, 30.0


class Streams:
    """See the module's rule."""

    def __init__(self, exchange: Any, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._up_since: dict[str, datetime] = {}
        self._distrusted_until = clock.now()

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    def start(
        self, name: str, wait: Callable[[], Awaitable[Any]], take: Callable[[Any], None], gap: Callable[[], None]
    ) -> None:
        """Wait for one stream from now on: `take` what comes, call `gap` when it broke."""
        self._tasks[name] = asyncio.ensure_future(self._run(name, wait, take, gap))

    def are_live(self, *names: str) -> bool:
        """Whether what these streams are for is surely pushed."""
        now = self._clock.now()
        return now >= self._distrusted_until and all(
            name in self._up_since and now - self._up_since[name] >= PROVED_AFTER for name in names
        )

    def distrust(self, why: str) -> None:
        """Something happened that was not pushed: for a while the streams count as silent, and all are opened anew."""
        log.warning("the streams of %s are not to be relied on: %s", self._exchange.id, why)
        self._distrusted_until = self._clock.now() + DISTRUSTED_FOR
        for client in list(self._exchange.clients.values()):
            client.on_error(ConnectionError("silent"))

    async def close(self) -> None:
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, name: str, wait: Callable[[], Awaitable[Any]], take: Callable[[Any], None], gap: Callable[[], None]
    ) -> None:
        pause = PAUSE_FIRST
        while True:
            self._up_since.setdefault(name, self._clock.now())
            try:
                take(await wait())
                pause = PAUSE_FIRST
            except broken() as error:
                del self._up_since[name]
                log.info("the stream of %s broke: %s", name, type(error).__name__)
                gap()
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_LAST)
