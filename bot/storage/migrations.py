"""The tables in Postgres, and how an older database becomes one that this version reads.

Rule: steps only go forward, each in a transaction of its own, one copy of the worker at a time; a database that is
ahead of this version is refused. Each step takes the rights of every lease away (its number grows), so that a copy of
an older version, which may still be trading while a new one starts, can't write into tables that it does not know.

| table             | one row for                                                                                |
|-------------------|--------------------------------------------------------------------------------------------|
| `rexlapis_schema` | each step that was made                                                                    |
| `rexlapis_states` | each worker: whose account, who holds the lease, until when by the database's clock        |
| `rexlapis_things` | each thing of its state: the record that would stand in state.json, under its table and id |
| `rexlapis_trades` | each closed trade                                                                          |
| `rexlapis_fills`  | each fill they are made of                                                                 |
| `rexlapis_pretend`| each order, trade, balance of a pretend account (simulated and paper)                      |

`worker` is BOT_ID where that was set, else `main`: several workers may share a database. Their names begin with
`rexlapis_`, for the database may have other tables; they lie in the first schema of the search path.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.errors import StateError, StateNewer
from bot.storage.database import Database

if TYPE_CHECKING:
    from bot.storage.database import Connection

PATIENCE = 15.0
LOCK = 7_236_519_482_031_774_201
"""The number of our lock, which goes with its transaction; any number, the same in every version."""

STEPS = (
    """
    create table rexlapis_states (
        worker text primary key,
        account text not null,
        holder text not null,
        number bigint not null,
        expires_at timestamptz not null,
        quiet_until timestamptz not null,
        seal text not null default ''
    ) with (fillfactor = 50);
    create table rexlapis_things (
        worker text not null,
        tab text not null,
        id text not null,
        doc json not null,
        primary key (worker, tab, id)
    ) with (fillfactor = 70);
    create table rexlapis_trades (
        worker text not null,
        line bigint generated always as identity,
        closed_at timestamptz not null,
        grid text not null,
        executor text not null,
        cycle integer not null,
        symbol text not null,
        qty numeric not null,
        cost numeric not null,
        proceeds numeric not null,
        gross numeric not null generated always as (proceeds - cost) stored,
        fees numeric not null,
        pnl numeric not null generated always as (proceeds - cost - fees) stored,
        currency text not null,
        mode text not null,
        primary key (worker, executor, cycle, closed_at)
    );
    create index rexlapis_trades_in_order on rexlapis_trades (worker, line);
    """,
    """
    create table rexlapis_fills (
        worker text not null,
        line bigint generated always as identity,
        at timestamptz not null,
        symbol text not null,
        side text not null,
        price numeric not null,
        amount numeric not null,
        fee numeric not null,
        fee_currency text not null,
        fee_value numeric not null,
        currency text not null,
        order_id text not null,
        trade_id text not null,
        maker boolean not null,
        grid text not null,
        executor text not null,
        cycle integer not null,
        mode text not null,
        primary key (worker, order_id, trade_id, executor)
    );
    create index rexlapis_fills_in_order on rexlapis_fills (worker, line);
    alter table rexlapis_states add column pretend_seal text not null default '';
    create table rexlapis_pretend (
        worker text not null,
        tab text not null,
        id text not null,
        doc json not null,
        primary key (worker, tab, id)
    ) with (fillfactor = 70);
    """,
)


async def migrate(database: Database, steps: Sequence[str] = STEPS) -> int:
    """Make the tables, or bring them up to this version; returns how many steps that took. StateNewer, StateError."""
    made = 0
    while await database.run(lambda connection: _step(connection, steps), PATIENCE):
        made += 1
    return made


async def _step(connection: "Connection", steps: Sequence[str]) -> bool:
    """Make the next step; False when there is none left."""
    if await version(connection, len(steps)) == len(steps):
        return False
    async with connection.transaction():
        await connection.execute("set local idle_in_transaction_session_timeout = '10s'")
        await connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        done = await version(connection, len(steps))
        if done == len(steps):
            return False
        if not done:
            await _found(connection)
        await connection.execute(steps[done])
        await connection.execute("update rexlapis_states set number = number + 1")
        await connection.execute("insert into rexlapis_schema (version) values (%s)", [done + 1])
    return True


async def _found(connection: "Connection") -> None:
    """Begin in a database that has none of our tables."""
    row = await (await connection.execute("show server_encoding")).fetchone()
    if row is None or row[0] != "UTF8":
        raise StateError(
            f"DATABASE_URL: expected a database whose encoding is UTF8, found {row and row[0]}. Remedy: make one with "
            "`create database … encoding 'UTF8' template template0`."
        )
    await connection.execute(
        "create table rexlapis_schema (version integer primary key, made_at timestamptz not null default now())"
    )


async def version(connection: "Connection", known: int = len(STEPS)) -> int:
    """How many steps the database has seen; 0: it has none of our tables. StateNewer when they are more than known."""
    # Asked through pg_class: to_regclass alone goes by what the session knew before it waited for the lock.
    found = await connection.execute("select 1 from pg_class where oid = to_regclass('rexlapis_schema')")
    if await found.fetchone() is None:
        return 0
    row = await (await connection.execute("select coalesce(max(version), 0) from rexlapis_schema")).fetchone()
    seen = int(row[0]) if row is not None else 0
    if seen > known:
        raise StateNewer(
            f"the database was made ready for a newer version of the bot (schema {seen}, this one knows {known}). "
            "Remedy: start that version or a later one; the database was left as it is."
        )
    return seen
