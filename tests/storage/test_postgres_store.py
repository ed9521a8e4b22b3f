"""The state in Postgres: whatever is killed, cut off or frozen, it is the old one or the new one."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import SettingsError, StateCorrupt, StateNewer, StateUnwritable
from bot.ports import Key
from bot.storage.claim import MAIN, Claim
from bot.storage.database import Database
from bot.storage.postgres import PostgresStore
from tests.storage.copies import ACCOUNT, Copy, backends, copy, holder
from tests.storage.levels import beat, cycle_of, executor
from tests.storage.postgres_server import PostgresServer, missing, postgres_server

LEVELS = range(1, 4)
T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


async def found(url: str) -> dict[str, dict[str, object]]:
    """The state as somebody sees it who only looks."""
    store = PostgresStore(Database(url), Claim(MAIN, ACCOUNT))
    try:
        return {name: dict(rows) for name, rows in (await store.load()).items()}
    finally:
        await store.close()


def test_what_was_kept_is_found_again(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            assert await worker.store.load() == {}
            for cycle in range(1, 7):
                await worker.store.keep(beat(cycle, LEVELS))
            await worker.store.keep({})
            await worker.store.fold()
        assert cycle_of(await found(url)) == 6

    run(story())


def test_looking_at_a_database_writes_nothing(server: PostgresServer, url: str) -> None:
    assert run(found(url)) == {}
    assert server.ask("select tablename from pg_tables where schemaname = 'public'", url) == []


def test_a_removal_is_kept_too(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await worker.store.keep(beat(1, LEVELS))
            await worker.store.keep({("executors", "g1.1"): None, ("outbox", "nobody"): None, ("chat", "x"): 1})
        state = await found(url)
        assert set(state["executors"]) == {"g1.2", "g1.3"}
        assert state["chat"] == {"x": 1}

    run(story())


def test_a_person_reads_the_rows_to_the_last_digit(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await worker.store.keep(beat(1, LEVELS))

    run(story())
    asked = "select doc->'level'->>'entry' from rexlapis_things where worker = 'main' and tab = 'executors' order by id"
    assert server.ask(asked, url) == [("60001.1",), ("60002.1",), ("60003.1",)]


def test_without_the_lease_nothing_is_kept(url: str) -> None:
    async def story() -> None:
        async with copy(url) as worker:
            with pytest.raises(StateUnwritable, match="has not asked for the lease"):
                await worker.store.keep({("chat", "x"): 1})
            looking = PostgresStore(worker.database, worker.lease.claim)
            with pytest.raises(StateUnwritable, match="read only"):
                await looking.keep({("chat", "x"): 1})
        assert await found(url) == {}

    run(story())


def test_keeps_from_many_tasks_are_all_kept(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await asyncio.gather(*(worker.store.keep({("chat", str(n)): n}) for n in range(50)))
        assert (await found(url))["chat"] == {str(n): n for n in range(50)}

    run(story())


def test_a_keep_that_is_cancelled_is_kept_whole_or_not_at_all(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            kept = 1
            await worker.store.keep(beat(1, LEVELS))
            for cycle in range(2, 25):
                task = asyncio.create_task(worker.store.keep(beat(cycle, LEVELS)))
                for _ in range(cycle % 8):
                    await asyncio.sleep(0)
                if task.cancel():
                    with pytest.raises(asyncio.CancelledError):
                        await task
                assert cycle_of(await worker.store.load()) in (kept, cycle)
                kept = cycle_of(await worker.store.load())
            await worker.store.keep(beat(99, LEVELS))
        assert cycle_of(await found(url)) == 99

    run(story())


# -- anything that JSON can say ----------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
).filter(lambda value: value is not None)
keys = st.tuples(st.sampled_from(["chat", "updates", "cursors"]), st.sampled_from(["a", "b", "é'\"\\", "{}", ""]))
level_keys = st.integers(1, 9).map(lambda number: ("executors", f"g1.{number}"))
changes = st.one_of(
    st.dictionaries(keys, st.none() | values, max_size=4),
    st.dictionaries(level_keys, st.none() | st.integers(1, 9), max_size=4),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(changes, max_size=6))
def test_whatever_is_kept_is_what_is_found(server: PostgresServer, url: str, story: list[dict[Key, Any]]) -> None:
    async def tell() -> None:
        async with holder(url) as worker:
            await worker.database.run(lambda each: each.execute("delete from rexlapis_things"))
            await worker.store.keep(beat(1, range(1, 2)))
            tables = await found(url)
            for batch in story:
                told: dict[Key, object | None] = {
                    key: executor(int(key[1][3:]), each) if key[0] == "executors" and each else each
                    for key, each in batch.items()
                }
                await worker.store.keep(told)
                for (table, key), thing in told.items():
                    tables.setdefault(table, {})[key] = thing
                    if thing is None:
                        del tables[table][key]
            await worker.lease.release()
        assert await found(url) == {name: rows for name, rows in tables.items() if rows}

    run(tell())


# -- what can't be used ------------------------------------------------------------------------------------------


def test_rows_that_were_meddled_with_are_refused_untouched(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await worker.store.keep(beat(1, LEVELS))

    def spelt(doc: str) -> None:
        server.ask(f"update rexlapis_things set doc = '{doc}' where id = 'g1.2'", url)

    run(story())
    (before,) = server.ask("select doc::text from rexlapis_things where id = 'g1.2'", url)
    for doc in ("[]", "{}", '{"id": "g1.3"}'):
        spelt(doc)
        with pytest.raises(StateCorrupt, match=r"executors g1\.2 .*Remedy"):
            run(found(url))
    spelt('{"id": "g1.2"}')
    with pytest.raises(StateCorrupt, match=r"executors g1\.2"):
        run(found(url))
    spelt(str(before[0]).replace('"level":', '"magic": 1, "level":', 1))
    with pytest.raises(StateNewer, match="magic"):
        run(found(url))


def test_a_url_that_cannot_be_read_is_not_shown() -> None:
    for url in ("postgres://user:hush%@host/x", "postgres://user:hush@host/x?hush=1"):
        with pytest.raises(SettingsError, match=r"^DATABASE_URL: expected") as caught:
            run(found(url))
        assert "hush" not in str(caught.value)


def test_a_server_that_is_not_there_is_said_at_once_and_no_secret_with_it() -> None:
    for host in ("127.0.0.1:1", "sh@nowhere.invalid"):
        began = time.monotonic()
        with pytest.raises(StateUnwritable, match=r"the database can't be used.*Remedy") as caught:
            run(found(f"POSTGRES://user:hu{host}/x"))
        assert time.monotonic() - began < 5
        assert "sh@" not in str(caught.value)


def test_a_worker_that_keeps_files_never_loads_psycopg() -> None:
    code = "import sys, bot.storage.adoption, bot.storage.postgres_ledger; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


# -- cut off and frozen ------------------------------------------------------------------------------------------


def test_a_connection_that_was_cut_while_idle_costs_no_keep(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            for cycle in range(1, 6):
                await worker.store.keep(beat(cycle, LEVELS))
                for pid in backends(server, url, "rexlapis_things"):
                    server.ask(f"select pg_terminate_backend({pid})")
        assert cycle_of(await found(url)) == 5

    run(story())


def frozen(server: PostgresServer, url: str) -> int:
    """Freeze the process that answers the store."""
    (pid,) = backends(server, url, "insert into rexlapis_things")
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_what_a_frozen_server_does_late_never_undoes_what_was_kept_since(server: PostgresServer, url: str) -> None:
    """The keep that got no answer is refused, or is over, before the next one is kept."""

    async def story(thawed_first: bool) -> None:
        async with holder(url, patience=0.4) as worker:
            store = worker.store
            await store.keep(beat(1, LEVELS))
            pid = frozen(server, url)
            began = time.monotonic()
            with pytest.raises(StateUnwritable, match=r"no answer within 0\.4 s.*resting orders stay"):
                await store.keep({**beat(2, range(1, 6)), ("chat", "x"): 1})
            assert time.monotonic() - began < 2
            if thawed_first:
                os.kill(pid, signal.SIGCONT)
            rest = {("executors", "g1.4"): None, ("executors", "g1.5"): None, ("chat", "x"): None}
            await store.keep({**beat(3, LEVELS), **rest})
            if not thawed_first:
                os.kill(pid, signal.SIGCONT)
            await gone(server, pid)
            assert cycle_of(await store.load()) == 3
            await store.keep(beat(4, LEVELS))
            assert "chat" not in await store.load()
        state = await found(url)
        assert (cycle_of(state), set(state["executors"])) == (4, {"g1.1", "g1.2", "g1.3"})

    run(story(thawed_first=False))
    server.ask("delete from rexlapis_states", url)
    run(story(thawed_first=True))


def test_a_keep_that_a_person_holds_up_is_over_before_the_next_one_begins(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url, patience=0.3) as worker:
            await worker.store.keep(beat(1, LEVELS))
            with psycopg.connect(url) as person:
                person.execute("select from rexlapis_things where id = 'g1.2' for update")
                for _ in range(2):
                    with pytest.raises(StateUnwritable, match="no answer"):
                        await worker.store.keep({**beat(2, LEVELS), ("chat", "x"): 1})
                keeping = asyncio.create_task(worker.store.keep({**beat(3, LEVELS), ("chat", "x"): None}))
                await asyncio.sleep(0.1)
            await keeping
        state = await found(url)
        assert (cycle_of(state), "chat" in state) == (3, False)

    run(story())


async def gone(server: PostgresServer, pid: int) -> None:
    while server.ask(f"select 1 from pg_stat_activity where pid = {pid}"):
        await asyncio.sleep(0.01)


def test_a_stop_does_not_wait_for_a_frozen_server(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url, patience=10) as worker:
            await worker.store.keep(beat(1, LEVELS))
            pid = frozen(server, url)
            began = time.monotonic()
            task = asyncio.create_task(worker.store.keep(beat(2, LEVELS)))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(StateUnwritable):
                await task
            assert time.monotonic() - began < 2
            os.kill(pid, signal.SIGCONT)

    run(story())


def test_a_keep_is_on_the_disk_even_where_the_database_is_careless(server: PostgresServer) -> None:
    url = server.database()
    server.ask(f"alter database {url.rpartition('/')[2]} set synchronous_commit = off")
    left = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn())::bigint"

    async def story() -> list[object]:
        async with holder(url) as worker:
            behind = []
            for cycle in range(1, 6):
                await worker.store.keep(beat(cycle, LEVELS))
                behind.append(server.ask(left, url)[0][0])
            return behind

    assert 0 in run(story())


# -- a server that goes and comes back ---------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    if missing():
        pytest.skip(missing())
    with postgres_server() as server:
        yield server


def live_through_restarts(server: PostgresServer, times: int) -> None:
    url = server.database()
    luck = random.Random(7)

    async def keep_on(worker: Copy, cycle: int, state: list[int], said: list[str]) -> int:
        """Keep beat after beat, each until it is kept, until the server was away and is back."""
        while not said or len(state) < 3:
            cycle += 1
            while True:
                try:
                    await worker.store.keep(beat(cycle, range(1, 60)))
                except StateUnwritable as error:
                    said.append(str(error))
                    await asyncio.sleep(0.02)
                    continue
                break
            if said:
                state.append(cycle)
        return cycle

    async def story() -> None:
        async with holder(url) as worker:
            cycle = 0
            for number in range(times):
                said: list[str] = []
                keeping = asyncio.create_task(keep_on(worker, cycle, [], said))
                await asyncio.sleep(0.05 + luck.random() / 10)
                await asyncio.to_thread(server.stop, signal.SIGQUIT if number % 2 else signal.SIGINT)
                while not said:
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(server.start)
                cycle = await keeping
                assert cycle_of(await found(url)) == cycle
                assert worker.lease.is_ours
                assert all("Remedy" in each for each in said)

    run(story())


@pytest.mark.slow
def test_a_server_that_was_away_five_times_is_used_again_without_a_person(own_server: PostgresServer) -> None:
    live_through_restarts(own_server, 5)


@pytest.mark.slow
def test_a_server_that_was_away_twenty_times_is_used_again_without_a_person(own_server: PostgresServer) -> None:
    live_through_restarts(own_server, 20)


# -- a worker that is killed -------------------------------------------------------------------------------------

WORKER = """
import asyncio, sys
from bot.core.money import use_exact
from tests.storage.copies import copy
from tests.storage.levels import beat, cycle_of

async def main():
    use_exact()
    async with copy(sys.argv[1], lasts=0.2) as worker:
        while not await worker.lease.acquire():
            await asyncio.sleep(0.02)
        cycle = cycle_of(await worker.store.load())
        print("began", cycle, flush=True)
        while True:
            cycle += 1
            await worker.store.keep(beat(cycle, range(1, 300)))
            print(cycle, flush=True)

asyncio.run(main())
"""


def live_through_kills(url: str, times: int) -> None:
    acknowledged = 0
    luck = random.Random(11)
    for _ in range(times):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, url],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        began, at = worker.stdout.readline().split()
        assert began == "began"
        assert int(at) in (acknowledged, acknowledged + 1)  # one may have been kept and not said so any more
        time.sleep(0.05 + luck.random() / 5)
        os.kill(worker.pid, signal.SIGKILL)
        said = [int(each) for each in worker.stdout.read().split("\n")[:-1]]
        worker.wait()
        worker.stdout.close()
        acknowledged = max([int(at), *said])
    assert acknowledged > times
    assert cycle_of(run(found(url))) in (acknowledged, acknowledged + 1)


def test_what_was_acknowledged_survives_five_kills(url: str) -> None:
    live_through_kills(url, 5)


@pytest.mark.slow
def test_what_was_acknowledged_survives_sixty_kills(url: str) -> None:
    live_through_kills(url, 60)


# -- through a pooler --------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(server: PostgresServer) -> Iterator[str]:
    """The URL of a database behind PgBouncer, which gives each transaction another connection."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("no PgBouncer is installed (Debian and Ubuntu: apt install pgbouncer)")
    name = server.database().rpartition("/")[2]
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="rexlapis-pgbouncer-"))
    folder.chmod(0o755)  # it refuses to run as root, and must read this
    (folder / "ini").write_text(
        f"[databases]\n{name} = host=127.0.0.1 port={server.port} user=bot\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
        "server_round_robin = 1\ndefault_pool_size = 4\nmin_pool_size = 4\nserver_lifetime = 1\n"
    )
    user = "nobody" if os.geteuid() == 0 else None
    process = subprocess.Popen([program, "-q", str(folder / "ini")], user=user, cwd="/", stderr=subprocess.DEVNULL)
    try:
        address = f"postgres://bot:secret@127.0.0.1:{port}/{name}"
        for _ in range(200):
            try:
                psycopg.connect(address).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
                continue
            break
        yield address
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def test_a_pooler_that_changes_connections_with_each_transaction_changes_nothing(pooled: str) -> None:
    async def story() -> None:
        async with holder(pooled) as worker, copy(pooled) as other:
            for cycle in range(1, 60):
                await asyncio.gather(worker.store.keep(beat(cycle, LEVELS)), worker.lease.renew())
                assert not await other.lease.acquire()
            assert cycle_of(await worker.store.load()) == 59
            await worker.lease.release()
            assert await other.lease.acquire()
            with pytest.raises(StateUnwritable):
                await worker.store.keep(beat(60, LEVELS))

    run(story())
