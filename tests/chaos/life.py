"""One life of the bot's insides: what a process is made of, and its end without a word.

Rule: a killed life does nothing more, neither on the disk nor on the wire; what it had handed over goes on without it.
Everything it ever started is known by the context it was started in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bot.core.accounting import RoundTrip
from bot.core.actions import Action
from bot.core.events import Event
from bot.core.flows import BookedFill
from bot.core.model import Balance, Order, Position
from bot.ledger.logs import PNL_LOG, FileLedger
from bot.manager import TradeManager
from bot.ports import Clock, Key, News, Notifier, Policy, World
from bot.settings import Settings
from bot.storage.tinydb_store import TinyDBStore
from bot.wiring.opening import identity, open_exchange

T = TypeVar("T")
LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


@dataclass(slots=True)
class Fuse:
    """Burns down with every point a life passes; at nought the process is gone."""

    left: int = 10**9
    passed: list[str] = field(default_factory=list)

    def burns_out(self, name: str) -> bool:
        self.passed.append(name)
        self.left -= 1
        return self.left == 0


class Life:
    """See the module's rule. `faults` are the errors that no trouble outside explains."""

    def __init__(
        self, settings: Settings, clock: Clock, folder: Path, notifier: Notifier, policy: Policy, fuse: Fuse
    ) -> None:
        self.dead = asyncio.Event()
        self.fuse = fuse
        self.tasks: set[asyncio.Task[Any]] = set()
        self.faults: list[str] = []
        self.violations = 0
        self.diary: list[str] = []
        self._silence: dict[str, int] = {}
        self._beating = False
        self.exchange = open_exchange(settings, clock, folder)
        self.store = TinyDBStore(folder, sync=lambda _: None)
        self.ledger = FileLedger(folder / PNL_LOG, "live", sync=lambda _: None)
        assert self.exchange.connection is not None
        self.connection = self.exchange.connection
        self.connection.exchange.timeout_on_exit = 0
        self._fetch, self.connection._fetch = self.connection._fetch, self._request
        gateway = OverheardGateway(self)
        world = World(self.exchange.data, gateway, MortalStore(self), MortalLedger(self), clock, notifier)
        self.manager = TradeManager(world, policy, identity(settings))

    # -- living ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """As the worker starts. MarketError, StateError."""
        await self.manager.load(self.exchange.rest_until)
        await self.manager.start()
        self.exchange.listen(self._hear)

    def _hear(self, events: Sequence[Event]) -> None:
        if not self.dead.is_set():
            if events:
                self.notes(f"is pushed {events}")
            self.manager.hear(events)
            if not self._beating:
                self._beating = True
                self.spawn(self._beat())

    async def _beat(self) -> None:
        await asyncio.sleep(0)
        self._beating = False
        try:
            await self.manager.beat()
        except Exception:  # noqa: BLE001 - whatever it is, the storm is told of it
            self.faults.append(traceback.format_exc())

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that will have news."""
        heartbeat, account = self.manager.heartbeat, self.exchange.account
        assert account is not None
        return bool(heartbeat._running or heartbeat._inbox or self._beating or account._sender._tasks)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        context = copy_context()
        context.run(LIFE.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    # -- dying -----------------------------------------------------------------------------------------------------

    def point(self, name: str) -> None:
        """A place where a process may end. CancelledError once it has."""
        if not self.dead.is_set() and self.fuse.burns_out(name):
            self.kill()
        if self.dead.is_set():
            raise asyncio.CancelledError

    def kill(self) -> None:
        """The end: nothing is told, awaited or folded."""
        self.dead.set()
        current = asyncio.current_task()
        for task in list(self.tasks):
            if task is not current:
                task.cancel()
        for transport in list(_transports(self.connection.exchange)):
            transport.abort()

    async def bury(self) -> None:
        """Let go of what a real process's end would free."""
        self.dead.set()
        self.connection.queue.stop()
        for _ in range(50):
            left = [task for task in self.tasks if not task.done() and task is not asyncio.current_task()]
            for task in left:
                task.cancel()
            for transport in list(_transports(self.connection.exchange)):
                transport.abort()
            if not left:
                break
            await asyncio.wait(left, timeout=0.05)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self.connection.exchange.close()
        for threads in (self.store._threads, self.ledger._thread):
            if threads is not None:
                threads.shutdown()
        if self.store._journal is not None:
            self.store._journal.close()

    # -- what there is to tell of it ---------------------------------------------------------------------------------

    def notes(self, line: str) -> None:
        self.diary.append(f"{self.connection.clock.now():%H:%M:%S.%f} {line}")

    # -- the wire --------------------------------------------------------------------------------------------------

    async def _request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        self.point("request")
        self.notes(f"asks {' '.join(map(str, (*args[:1], url, *args[2:])))[:600]}")
        clock_ms = int(self.connection.clock.now().timestamp() * 1000)
        if any(clock_ms < until for until in self._silence.values()):
            self.violations += 1
        try:
            reply = await self._fetch(url, *args, **kwargs)
        except Exception as error:
            self.notes(f"hears {type(error).__name__} of {urlsplit(url).path}")
            self.point("no reply")
            if type(error).__name__ in ("RateLimitExceeded", "DDoSProtection"):
                self._hushed(url, clock_ms)
            raise
        self.notes(f"hears of {urlsplit(url).path}: {str(reply)[:400]}")
        self.point("reply")
        return reply

    def remembers(self, meta: object) -> None:
        """A silence that was asked of an earlier life, and kept."""
        assert isinstance(meta, dict)
        if meta.get("quiet_until"):
            self._silence["before"] = int(datetime.fromisoformat(meta["quiet_until"]).timestamp() * 1000)

    def _hushed(self, url: str, clock_ms: int) -> None:
        headers = {
            name.lower(): value for name, value in (self.connection.exchange.last_response_headers or {}).items()
        }
        after = headers.get("retry-after")
        if after is not None:
            self._silence[urlsplit(url).path] = clock_ms + int(after) * 1000 - 1000


def _transports(exchange: Any) -> Iterator[Any]:
    for client in list(exchange.clients.values()):
        response = client.connection
        inner = getattr(response, "_conn", None)
        if inner is not None and inner.transport is not None:
            yield inner.transport
    connector = exchange.tcp_connector
    if connector is not None:
        for protocol in list(connector._acquired):
            if protocol.transport is not None:
                yield protocol.transport


class MortalStore:
    """The real store of one life."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        tables = await self._life.store.load()
        for meta in tables.get("meta", {}).values():
            self._life.remembers(meta)
        return tables

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        self._life.point("to keep")
        await self._life.store.keep(changes)
        self._life.point("kept")

    async def fold(self) -> None:
        self._life.point("to fold")
        await self._life.store.fold()
        self._life.point("folded")

    async def close(self) -> None:
        await self._life.store.close()


class MortalLedger:
    """The real ledger of one life."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        self._life.point("to write")
        await self._life.ledger.append(trades)
        self._life.point("written")

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        self._life.point("to write fills")
        await self._life.ledger.append_fills(fills)
        self._life.point("fills written")

    async def last(self, count: int) -> Sequence[RoundTrip]:
        return await self._life.ledger.last(count)

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        return await self._life.ledger.fills_since(grid, since, most)

    async def export(self, folder: Path) -> Sequence[Path]:
        return await self._life.ledger.export(folder)


class OverheardGateway:
    """The real gateway of one life; what is said to it and what it says stands in the diary."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._gateway = life.exchange.gateway

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        for action in actions:
            self._life.notes(f"submits {action}")
        return await self._gateway.submit(actions, stands)

    async def news(self, symbol: str, cursor: str) -> News:
        news = await self._gateway.news(symbol, cursor)
        if news.events:
            self._life.notes(f"has news {news}")
        return news

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        events = await self._gateway.look_up(symbol, client_id)
        self._life.notes(f"looked up {client_id}: {events}")
        return events

    def is_pending(self, client_id: str) -> bool:
        return self._gateway.is_pending(client_id)

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        return await self._gateway.open_orders(symbol)

    async def own_orders(self, symbol: str) -> Sequence[Order]:
        return await self._gateway.own_orders(symbol)

    async def position(self, symbol: str) -> Position | None:
        return await self._gateway.position(symbol)

    async def balances(self) -> Mapping[str, Balance]:
        return await self._gateway.balances()


def remember_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """From now on each life knows its tasks."""

    def made(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        context = more.get("context")
        life = context.get(LIFE) if context is not None else LIFE.get()
        if life is not None:
            life.tasks.add(task)
            task.add_done_callback(life.tasks.discard)
        return task

    loop.set_task_factory(made)


class Alarm(logging.Handler):
    """Hears of every error with a traceback that somebody logged: no trouble outside may cause one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.heard.append(f"{record.getMessage()}\n{''.join(traceback.format_exception(*record.exc_info))}")


Deed = Callable[[TradeManager], Coroutine[Any, Any, T]]
