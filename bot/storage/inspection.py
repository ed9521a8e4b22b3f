"""What a database holds of a worker, in one line for `check`.

Rule: it reads and changes nothing, makes no table and asks for no lease; so it may be asked while a worker trades.
"""

from typing import TYPE_CHECKING

from bot.errors import StateError
from bot.storage.claim import claim
from bot.storage.database import Database
from bot.storage.migrations import STEPS, version
from bot.storage.postgres import PostgresStore

if TYPE_CHECKING:
    from bot.storage.database import Connection

_SERVER = """
    select current_setting('server_version'), pg_is_in_recovery(), current_schema(),
        coalesce(has_schema_privilege(current_schema(), 'create'), false)
"""
_HOLDER = "select holder from rexlapis_states where worker = %s and expires_at > clock_timestamp()"


async def inspect(database: Database, account: str, bot: str | None) -> str:
    """Version, whose state, who trades, and what is kept. StateError where a worker could not use it."""
    steps, server = await database.run(_look)
    mine = await claim(database, account, bot)
    if not steps:
        return f"{server}, empty so far"

    async def who(connection: "Connection") -> str:
        row = await (await connection.execute(_HOLDER, [mine.worker])).fetchone()
        return str(row[0]) if row is not None else ""

    holder = await database.run(who)
    store = PostgresStore(database, mine)
    try:
        tables = await store.load()
    finally:
        await store.close()
    trades = f"{holder} holds the lease and trades" if holder else "nobody holds the lease"
    kept = f"{len(tables.get('grids', {}))} grids with {len(tables.get('executors', {}))} levels kept"
    whose = f"the state {mine.worker} of {account}" if tables else f"no state of {account} yet"
    older = "" if steps == len(STEPS) else "; the next start brings the tables up to date"
    return ", ".join([server, whose, *([kept] if tables else []), trades]) + older


async def _look(connection: "Connection") -> tuple[int, str]:
    row = await (await connection.execute(_SERVER)).fetchone()
    assert row is not None
    number, is_copy, schema, may_create = row
    steps = await version(connection)
    if is_copy:
        raise StateError("DATABASE_URL: expected a database that can be written, this is a read-only copy of one")
    if steps < len(STEPS) and not may_create:
        raise StateError(
            "DATABASE_URL: expected a user who may create tables, this one may not. Remedy: "
            f"`grant create on schema {schema or 'public'} to …`"
        )
    return steps, f"PostgreSQL {str(number).partition(' ')[0]}"
