"""What keeping in Postgres costs with 10,000 executors in the state: on a server of this machine that syncs to disk."""

import asyncio
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from bench.worlds import resting
from bot.core.executor import PositionExecutor
from bot.ports import Key
from bot.storage.claim import claim
from bot.storage.database import Database
from bot.storage.lease import Lease
from bot.storage.migrations import migrate
from bot.storage.postgres import PostgresStore
from tests.storage.postgres_server import PostgresServer, missing, postgres_server

COUNT, KEEPS = 10_000, 300


async def keeping(server: PostgresServer) -> Iterator[tuple[str, str]]:
    """Rows of what was measured."""
    url = server.database()
    database = Database(url)
    await migrate(database)
    lease = Lease(database, await claim(database, "bench", None))
    await lease.acquire()
    store = PostgresStore(database, lease.claim, lease)
    try:
        return await _measured(server, url, store, lease)
    finally:
        for each in (database, lease, store):
            await each.close()


async def _measured(server: PostgresServer, url: str, store: PostgresStore, lease: Lease) -> Iterator[tuple[str, str]]:
    manager, _ = await resting(COUNT)
    tables: list[tuple[str, dict[str, object]]] = [
        ("markets", dict(manager.state.markets)),
        ("grids", dict(manager.state.grids)),
        ("executors", dict(manager.state.executors)),
    ]
    longest, watched = 0.0, True

    async def watch() -> None:
        nonlocal longest
        last = perf_counter()
        while watched:
            await asyncio.sleep(0)
            now = perf_counter()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    longest, began = 0.0, perf_counter()
    changes: dict[Key, object | None] = {(name, key): row for name, rows in tables for key, row in rows.items()}
    await store.keep(changes)
    whole, watched = perf_counter() - began, False
    await watching
    executors: list[PositionExecutor] = list(manager.state.executors.values())
    spent, before = [], written(server, url)
    for index in range(KEEPS):
        pair: dict[Key, object | None] = {("executors", e.id): e for e in executors[index * 2 : index * 2 + 2]}
        began = perf_counter()
        await store.keep(pair)
        spent.append(perf_counter() - began)
    each = (written(server, url) - before) / KEEPS
    began = perf_counter()
    await lease.renew()
    renewal = perf_counter() - began
    began = perf_counter()
    await store.load()
    load = perf_counter() - began
    told = [
        (f"keeping an intent, {COUNT:,} executors", f"{median(spent) * 1e3:.2f} ms, {each / 1000:.1f} kB written"),
        (f"keeping {COUNT:,} executors at once", f"{whole * 1e3:.0f} ms, loop held {longest * 1e3:.1f} ms at most"),
        ("renewing the lease", f"{renewal * 1e3:.2f} ms"),
        (f"loading, {COUNT:,} executors", f"{load * 1e3:.0f} ms"),
    ]
    return iter(told)


def written(server: PostgresServer, url: str) -> int:
    """Bytes of the server's log so far."""
    ((size,),) = server.ask("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint", url)
    return int(str(size))


def rows() -> Iterator[tuple[str, str]]:
    if why := missing():
        yield "not measured", why
        return
    with postgres_server(is_durable=True) as server:
        yield from asyncio.run(keeping(server))
