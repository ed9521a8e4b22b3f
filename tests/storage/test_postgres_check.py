"""The store row of `python -m bot check` with a database: what is there, who trades, and what stands in the way."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import check
from bot.settings import parse_settings
from bot.storage.database import Database
from bot.storage.migrations import STEPS, migrate
from tests.storage.copies import holder
from tests.storage.levels import beat
from tests.storage.postgres_server import PostgresServer

LEVELS = range(1, 4)
TABLES = "select count(*) from pg_class where relname like 'rexlapis%'"
Look = Callable[..., tuple[int, str]]


@pytest.fixture
def row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Look:
    """Exit code and store row."""

    def look(url: str, **more: str) -> tuple[int, str]:
        settings = parse_settings({"DATABASE_URL": url, "RESULTS_DIR": str(tmp_path), **more})
        code = asyncio.run(check.main(settings))
        out, err = capsys.readouterr()
        assert err == ""
        assert "secret" not in out
        (found,) = (line for line in out.splitlines() if line.startswith("store"))
        return code, " ".join(found.split()[1:])

    return look


def test_an_empty_database_is_well_and_stays_empty(server: PostgresServer, url: str, row: Look) -> None:
    code, said = row(url)
    assert code == 0
    assert said.startswith("ok PostgreSQL ") and said.endswith(", empty so far")
    assert server.ask(TABLES, url) == [(0,)]


def test_it_says_whose_state_it_is_what_is_kept_and_who_trades(url: str, row: Look) -> None:
    async def story() -> None:
        async with holder(url, account="simulated") as worker:
            said = await asyncio.to_thread(row, url)
            assert said[0] == 0
            assert f"no state of simulated yet, {worker.lease.holder} holds the lease and trades" in said[1]
            await worker.store.keep(beat(1, LEVELS))
            assert "the state main of simulated, " in (await asyncio.to_thread(row, url))[1]
            assert f"levels kept, {worker.lease.holder} holds" in (await asyncio.to_thread(row, url))[1]
            await worker.lease.release()
            assert (await asyncio.to_thread(row, url))[1].endswith("levels kept, nobody holds the lease")

    asyncio.run(story())


def test_what_stands_in_the_way_is_said(server: PostgresServer, url: str, row: Look) -> None:
    async def made() -> None:
        async with holder(url, account="bybit demo 0123456789ab") as worker:
            await worker.store.keep(beat(1, LEVELS))

    assert "NO the database can't be used" in row("postgres://bot:secret@127.0.0.1:9/none")[1]
    assert "does not exist" in row(server.url("nowhere"))[1]
    server.ask("drop role if exists looker; create role looker login; revoke create on schema public from public", url)
    code, said = row(url.replace("bot:secret@", "looker@"))
    assert (code, "NO DATABASE_URL: expected a user who may create tables" in said) == (1, True)
    asyncio.run(made())
    assert "NO the database belongs to bybit demo 0123456789ab" in row(url)[1]
    server.ask(f"update rexlapis_schema set version = {len(STEPS) + 5} where version = {len(STEPS)}", url)
    assert "made ready for a newer version" in row(url)[1]


def test_tables_of_an_older_version_are_left_to_the_next_start(server: PostgresServer, url: str, row: Look) -> None:
    async def older() -> None:
        database = Database(url)
        await migrate(database, STEPS[:1])
        await database.close()

    asyncio.run(older())
    code, said = row(url)
    assert (code, said.endswith("; the next start brings the tables up to date")) == (0, True)
    assert server.ask("select max(version) from rexlapis_schema", url) == [(1,)]
