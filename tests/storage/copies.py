"""Copies of a worker as far as its database goes: what each holds of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.storage.claim import claim
from bot.storage.database import Database
from bot.storage.lease import LASTS, WINDOW, Lease
from bot.storage.migrations import migrate
from bot.storage.postgres import PostgresStore
from bot.storage.postgres_ledger import PostgresLedger
from tests.storage.postgres_server import PostgresServer

ACCOUNT = "bybit demo 0123456789ab"


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the worker."""

    database: Database
    lease: Lease
    store: PostgresStore
    ledger: PostgresLedger


@asynccontextmanager
async def copy(
    url: str,
    *,
    account: str = ACCOUNT,
    bot: str | None = None,
    lasts: float = LASTS,
    window: float = WINDOW,
    patience: float = 4.0,
    clocks: tuple[Callable[[], float], ...] | None = None,
) -> AsyncIterator[Copy]:
    """A copy that has not asked for the lease yet, and gives nothing back when it ends."""
    database = Database(url, patience)
    made: list[Any] = [database]
    try:
        await migrate(database)
        mine = await claim(database, account, bot)
        more = {"clocks": clocks} if clocks is not None else {}
        lease = Lease(database, mine, lasts, window, **more)
        made += [lease, PostgresStore(database, mine, lease), PostgresLedger(database, lease, "demo")]
        yield Copy(*made)
    finally:
        for each in made:
            await each.close()


@asynccontextmanager
async def holder(url: str, **terms: Any) -> AsyncIterator[Copy]:
    """A copy that holds the lease."""
    async with copy(url, **terms) as made:
        assert await made.lease.acquire()
        yield made


def backends(server: PostgresServer, url: str, marked: str) -> list[int]:
    """Pids of the server's processes whose last statement holds a text."""
    name = url.rpartition("/")[2]
    asked = f"select pid, query from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
    return [int(str(pid)) for pid, query in server.ask(asked) if marked in str(query)]
