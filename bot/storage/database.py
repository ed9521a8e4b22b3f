"""A connection to Postgres: made when it is needed, made anew when it fails, and never waited for long.

Rule: nothing outlives a transaction, neither a setting nor a prepared statement nor a lock, so that a pooler may give
each one another server. What is asked is asked once more where a connection that had been idle proves dead; an answer
that does not come in time is StateUnwritable, and that connection is cut. Nobody waits on a server that went silent.
psycopg is loaded with the first connection: a worker that keeps its state in files never pays for it.
"""

import asyncio
import re
import socket
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from bot.errors import SettingsError, StateUnwritable

T = TypeVar("T")

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    Connection = AsyncConnection[tuple[Any, ...]]
    Work = Callable[[Connection], Awaitable[T]]

PATIENCE = 4.0
"""Seconds that one question may take, connecting included."""
GRACE = 0.3
"""Seconds that a question has left once its caller is cancelled: a stop does not wait for a silent server."""
LETTING_GO = 1.0
"""Seconds between tries to end a question whose time is over."""


class Database:
    """One connection, used by one question at a time; whoever must not wait for another has a Database of its own."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        scheme, colon, rest = url.partition("://")
        self._url = scheme.lower() + colon + rest
        self.patience = patience
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._until = 0.0

    def another(self, patience: float | None = None) -> "Database":
        """A connection of its own to the same place."""
        return Database(self._url, self.patience if patience is None else patience)

    async def run(self, work: "Work[T]", patience: float | None = None) -> T:
        """What `work` makes of the connection, which commits each statement unless `work` opens a transaction. It may
        be called twice. StateUnwritable when the database can't answer: whether it did as it was asked is not known.
        A caller that is cancelled hears CancelledError where it is done, StateUnwritable where that is not known.
        """
        import psycopg

        allowed = self.patience if patience is None else patience
        async with self._turn:
            loop = asyncio.get_running_loop()
            self._until = loop.time() + allowed
            task = asyncio.ensure_future(self._tried(work))
            cancelled: CancelledError | None = None
            while not task.done():
                try:
                    await asyncio.wait({task}, timeout=max(self._until - loop.time(), 0))
                    if not task.done():
                        self._cut(task)
                        await asyncio.wait({task}, timeout=LETTING_GO)
                except CancelledError as error:
                    cancelled = error
                    self._until = min(self._until, loop.time() + GRACE)
            failure = CancelledError() if task.cancelled() else task.exception()
            if isinstance(failure, psycopg.Error | CancelledError):
                late = loop.time() >= self._until
                why = f"it gives no answer within {allowed:.1f} s" if late else _words(failure)
                raise no_answer(why) from None  # the driver's own words may show a secret
            found = task.result()
            if cancelled is not None:
                raise cancelled
            return found

    async def close(self) -> None:
        """Let go of the connection; the next question makes another."""
        async with self._turn:
            await self._drop()

    async def _tried(self, work: "Work[T]") -> T:
        import psycopg

        gone = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
        if self._connection is not None:
            try:
                return await work(self._connection)
            except psycopg.Error as error:
                await self._drop()
                if not isinstance(error, gone) or asyncio.get_running_loop().time() >= self._until:
                    raise
        self._connection = await self._connect()
        try:
            return await work(self._connection)
        except psycopg.Error:
            await self._drop()
            raise

    async def _connect(self) -> "Connection":
        import psycopg

        try:
            return await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                prepare_threshold=None,
                client_encoding="utf8",
                fallback_application_name="rexlapis",
            )
        except psycopg.ProgrammingError:  # its words would show the URL
            expected = "expected a URL like postgresql://user:password@host:5432/name"
            raise SettingsError(f"DATABASE_URL: {expected}; this one can't be read (it is not shown)") from None

    def _cut(self, task: "asyncio.Future[T]") -> None:
        """End a question whose time is over. psycopg would ask the silent server to let go; the line is cut instead."""
        connection = self._connection
        if connection is None or connection.closed:
            task.cancel()
            return
        with suppress(OSError), socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def no_answer(why: str) -> StateUnwritable:
    """The error to raise when the database does not do what it is asked: what is wrong, and the remedy."""
    return StateUnwritable(
        f"the database can't be used: {why}. Remedy: bring it back; nothing new is done until then, resting orders "
        "stay."
    )


def _words(error: BaseException) -> str:
    """What the driver says, in one line. A password with an @ that is not escaped looks like a part of the host."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"[^\s'\"]*@", "***@", lines[0] if lines else type(error).__name__).rstrip(".")
