"""The state in Postgres: a row for each thing, holding the record that would stand in state.json.

Rule: a keep is one statement, so it is one transaction and one round trip, and all of it or nothing happens. It writes
only where the lease is this copy's and the seal in its row is the one that this copy left there last, and it leaves a
new one. So what was sent and never answered can do no harm: before the next keep a fresh seal is put over it, which
waits for it where it is at work and refuses it where it comes later; the changes are kept again by then. Whatever a
frozen server, a pooler's queue or a copy that has lost its lease still brings in, newer rows are never overwritten.
Records are `json`, not `jsonb`, which would spell numbers its own way and refuse some texts.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from bot.errors import StateCorrupt, StateUnwritable
from bot.ports import Key
from bot.storage.atomic_json import RESERVED, SLICE
from bot.storage.claim import Claim
from bot.storage.database import Database
from bot.storage.lease import OURS, Lease
from bot.storage.migrations import version
from bot.storage.records import ID, TYPES, to_record
from bot.storage.recovery import Documents, Recovery
from bot.storage.tinydb_store import things

if TYPE_CHECKING:
    from bot.storage.database import Connection

LOADING = 30.0
"""Seconds that reading all of a state may take."""
PER_SECOND = 5_000
"""Changes that are given a second more than a keep has by itself."""

DURABLE = (
    "case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end"
)
"""SQL: the transaction it stands in is on the disk when its commit returns, whatever the database's habit."""


class Room:
    """Where in the database things are kept, and which seal of the worker's row goes with them."""

    def __init__(self, table: str, seal: str) -> None:
        self.table = table
        self.seal = f"""
            with mine as (
                update rexlapis_states set {seal} = %(next)s where {OURS} and {seal} = any(%(seals)s) returning 1
            )
            select (select count(*) from mine), {DURABLE}
        """
        self.keep = f"""
            with mine as (
                update rexlapis_states set {seal} = %(next)s where {OURS} and {seal} = %(seal)s returning 1
            ), put as (
                insert into {table} (worker, tab, id, doc)
                select %(worker)s, e->>0, e->>1, e->2 from json_array_elements(%(put)s::json) e
                where exists (select from mine)
                on conflict (worker, tab, id) do update set doc = excluded.doc
            ), gone as (
                delete from {table} t using unnest(%(tabs)s::text[], %(ids)s::text[]) as e(tab, id)
                where t.worker = %(worker)s and t.tab = e.tab and t.id = e.id and exists (select from mine)
            )
            select (select count(*) from mine), {DURABLE}
        """
        self.load = f"select tab, id, doc::text from {table} where worker = %s order by tab, id"


STATE = Room("rexlapis_things", "seal")
PRETEND = Room("rexlapis_pretend", "pretend_seal")
"""The account of a pretend exchange."""


class PostgresStore:
    """The Store port over a database. Loads without a lease; keeps with one only."""

    def __init__(self, database: Database, claim: Claim, lease: Lease | None = None, room: Room = STATE) -> None:
        self._database = database.another()
        self._claim = claim
        self._lease = lease
        self._room = room
        self._number = 0  # of the lease that the seals belong to
        self._seal = ""
        self._sent: list[str] = []  # seals of keeps that were not answered
        self._keeping = asyncio.Lock()

    @property
    def recovery(self) -> Recovery:
        """How the state was found at `load`: the database mends itself."""
        return Recovery()

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        """Every table that has something in it. StateUnwritable, StateCorrupt, StateNewer; writes nothing."""
        return things(_documents(self._room.table, await self._database.run(self._rows, LOADING)))

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        """Make these changes durable, all or none (None removes). StateUnwritable when they can't be kept now, or when
        the lease is another copy's. Where no answer came they may have been kept all the same: keep those things again.
        """
        if not changes:
            return
        lease = self._lease
        if lease is None or not lease.is_ours:
            raise StateUnwritable(lease.why if lease is not None else "the state was opened to be read only")
        async with self._keeping:
            put = await _spelt(changes)
            gone = [key for key, thing in changes.items() if thing is None]
            if self._number != lease.number:
                self._number, self._seal, self._sent = lease.number, "", []
            names = {**lease.names, "put": put, "tabs": [tab for tab, _ in gone], "ids": [key for _, key in gone]}
            patience = self._database.patience + len(changes) / PER_SECOND
            if not await self._database.run(lambda connection: self._keep(connection, names), patience):
                lease.lose()
                raise StateUnwritable(lease.why)

    async def fold(self) -> None:
        """Nothing is pending here, ever."""

    async def close(self) -> None:
        """Let go of the connection."""
        await self._database.close()

    async def _rows(self, connection: "Connection") -> list[tuple[Any, ...]]:
        if not await version(connection):
            return []
        return await (await connection.execute(self._room.load, [self._claim.worker])).fetchall()

    async def _keep(self, connection: "Connection", names: dict[str, object]) -> bool:
        """Whether the lease allowed it, and then it is done."""
        if self._sent:
            seal = self._next()
            seals = [self._seal, *self._sent]
            if not await _is_allowed(connection, self._room.seal, {**names, "seals": seals, "next": seal}):
                return False
            self._seal, self._sent = seal, []
        seal = self._next()
        if not await _is_allowed(connection, self._room.keep, {**names, "seal": self._seal, "next": seal}):
            return False
        self._seal, self._sent = seal, []
        return True

    def _next(self) -> str:
        seal = secrets.token_hex(8)
        self._sent.append(seal)
        return seal


async def _is_allowed(connection: "Connection", statement: str, names: dict[str, object]) -> bool:
    row = await (await connection.execute(statement, names)).fetchone()
    return row is not None and bool(row[0])


async def _spelt(changes: Mapping[Key, object | None]) -> str:
    """What is put, as a JSON array of [table, id, record]. Many things, a new grid's levels, are taken in slices, while
    the loop goes on; plain values, which may be altered, come first."""
    put: list[bytes] = []
    ordered = sorted(changes.items(), key=lambda item: item[0][0] in TYPES)
    for number, ((table, key), thing) in enumerate(ordered, 1):
        if table in RESERVED:
            raise ValueError(f"the table name {table} is taken")
        if thing is not None:
            put.append(orjson.dumps([table, key, to_record(table, key, thing)]))
        if number % SLICE == 0 and table in TYPES:
            await asyncio.sleep(0)
    return f"[{b','.join(put).decode()}]"


def _documents(name: str, rows: list[tuple[Any, ...]]) -> Documents:
    """The records of all tables by id. StateCorrupt where a row is not what a keep leaves."""
    documents: Documents = {}
    for table, key, text in rows:
        record = orjson.loads(text)
        if not isinstance(record, dict) or record.get(ID) != key:
            raise StateCorrupt(
                f"{table} {key} in {name} is no record with that id. Remedy: put back a backup of the "
                "database; it was left as it is."
            )
        documents.setdefault(table, {})[key] = record
    return documents
