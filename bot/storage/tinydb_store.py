"""The state on disk: `state.json`, which TinyDB opens, and a journal of what changed since.

Rule: `keep` returns when its changes are on the disk, and changes nothing where it can't; `fold` writes the journal
into a new generation of the file in slices, while keeping goes on. Nothing is written before the first keep, so that
looking never disturbs. In memory each record is its JSON, as it stands in both files: folding joins bytes.
"""

import asyncio
import logging
import os
import secrets
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from pathlib import Path
from time import perf_counter
from typing import cast

import orjson

from bot.core.model import Market
from bot.errors import StateUnwritable
from bot.ports import Key
from bot.storage.atomic_json import (
    OLDER,
    RESERVED,
    SLICE,
    Draft,
    Sync,
    Write,
    about_now,
    pieces,
    read_whole,
    unwritable,
    write_file,
)
from bot.storage.journal import Change, Journal, prune
from bot.storage.records import TYPES, compact, from_record, to_record
from bot.storage.recovery import FILE, JOURNAL, Documents, Recovered, Recovery, recover

log = logging.getLogger(__name__)

QUICK_SECONDS = 0.002
"""A disk whose last append took less is written to at once: to a thread and back takes longer than its sync. A slower
one, or one that is busy with a fold, never holds the loop twice."""

Tables = dict[str, dict[str, object]]


class TinyDBStore:
    """The Store port over a folder. `write` and `sync` are the system's, unless a test breaks them."""

    def __init__(self, folder: Path, write: Write = os.write, sync: Sync = os.fsync) -> None:
        self._folder = folder
        self._write = write
        self._sync = sync
        self._documents: dict[str, dict[str, bytes]] = {}
        self._state: Recovered | None = None
        self._journal: Journal | None = None
        self._history = ""
        self._generation = 0  # of state.json
        self._is_damaged = False
        self._has_news = False  # a change that state.json has not got
        self._append_took = inf
        self._threads: ThreadPoolExecutor | None = None
        self._keeping = asyncio.Lock()
        self._folding = asyncio.Lock()

    @property
    def recovery(self) -> Recovery:
        """How the state was found at `load`; an exact one with an empty note is the ordinary case."""
        return self._state.recovery if self._state is not None else Recovery()

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        """Every table that has something in it. StateCorrupt, StateNewer, StateError; writes nothing."""
        state = self._read()
        return things(state.tables)

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        """Make these changes durable, all or none (None removes). StateUnwritable when they can't be kept now."""
        if not changes:
            return
        items = list(changes.items())
        async with self._keeping:
            encoded = await _encoded(items)
            journal = self._journal or await self._begun()
            try:
                if self._append_took < QUICK_SECONDS and len(encoded) < SLICE:
                    self._append(journal, encoded)
                else:
                    await self._done(lambda: self._append(journal, encoded))
            except CancelledError:
                self._changed(encoded)  # it is on the disk all the same
                raise
            self._changed(encoded)

    async def fold(self) -> None:
        """Write all that was kept into a new generation of state.json. StateUnwritable; nothing is lost then."""
        async with self._folding:
            async with self._keeping:
                if self._journal is None or not (self._has_news or self._is_damaged):
                    return
                if self._journal.generation == self._generation:
                    await self._done(self._next_journal)
                # From here the new journal takes what comes; the documents of this moment are bytes that never change.
                generation, records = self._journal.generation, self._journal.count
                tables = [(name, list(rows.values())) for name, rows in self._documents.items() if rows]
                self._has_news = False
            try:
                await self._write_generation(generation, records, tables)
            except (StateUnwritable, CancelledError):
                self._has_news = True
                raise

    async def close(self) -> None:
        """Fold what is pending and let go of the files. What can't be folded stays in the journal."""
        try:
            await self.fold()
        except StateUnwritable as error:
            log.warning("state.json could not be brought up to date, the journal has it all: %s", error)
        async with self._folding, self._keeping:
            if self._journal is not None:
                self._journal.close()
                self._journal, self._state = None, None
            if self._threads is not None:
                self._threads.shutdown()
                self._threads = None

    # -- reading -------------------------------------------------------------------------------------------------

    def _read(self) -> Recovered:
        state = recover(self._folder)
        self._state = state
        self._documents = {
            name: {key: compact(row) for key, row in rows.items()} for name, rows in state.tables.items()
        }
        self._history, self._generation, self._is_damaged = state.history, state.generation, state.damaged
        return state

    # -- writing -------------------------------------------------------------------------------------------------

    def _append(self, journal: Journal, encoded: list[Change]) -> None:
        began = perf_counter()
        try:
            journal.append(encoded)
        finally:
            self._append_took = perf_counter() - began

    def _changed(self, encoded: list[Change]) -> None:
        self._has_news = True
        for table, key, document in encoded:
            if document is not None:
                self._documents.setdefault(table, {})[key] = document
            elif table in self._documents:
                self._documents[table].pop(key, None)

    async def _begun(self) -> Journal:
        """The journal, opened for writing on the first keep."""
        state = self._state or self._read()
        await self._done(lambda: self._open(state))
        assert self._journal is not None
        return self._journal

    def _open(self, state: Recovered) -> None:
        path = self._folder / JOURNAL
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            journal = Journal(path, self._write, self._sync)
            if state.is_new:
                self._history, self._generation = secrets.token_hex(8), 1
                draft = Draft(self._folder / FILE, self._write, self._sync)
                write_file(draft, pieces(about_now(self._history, 1, 0), ()))
                journal.begin(1, self._history, 0)
            elif state.last is None:
                journal.begin(state.generation, state.history, 0)
            elif state.continues:
                journal.resume(state.last)
                self._has_news = bool(state.last.records) or state.last.generation != state.generation
            else:
                ended = Journal(state.last.path, self._write, self._sync)
                ended.resume(state.last)
                ended.close()
                journal.begin(state.last.generation + 1, state.history, len(state.last.records))
                self._has_news = True
        except OSError as error:
            raise unwritable(path, error) from error
        self._journal = journal

    def _next_journal(self) -> None:
        assert self._journal is not None
        self._journal.begin(self._journal.generation + 1, self._history, self._journal.count)

    async def _write_generation(self, generation: int, records: int, tables: list[tuple[str, list[bytes]]]) -> None:
        draft = Draft(self._folder / FILE, self._write, self._sync)
        try:
            for piece in pieces(about_now(self._history, generation, records), tables):
                await self._done(partial(draft.add, piece))
                await asyncio.sleep(0)
            await self._done(lambda: draft.publish(damaged=self._is_damaged))
        finally:
            draft.discard()
        self._generation, self._is_damaged = generation, False
        await self._done(lambda: prune(self._folder / JOURNAL, OLDER))

    async def _done(self, deed: Callable[[], None]) -> None:
        """A deed on the disk, done in a thread. A caller that is cancelled hears of it only once the deed is over: it
        can't be called back, and what it did must be known. So CancelledError means done, StateUnwritable not done."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(2, thread_name_prefix="store")  # one keeps, one folds
        future = asyncio.get_running_loop().run_in_executor(self._threads, deed)
        cancelled: CancelledError | None = None
        while not future.done():
            try:
                await asyncio.shield(future)
            except CancelledError as error:
                cancelled = error
        future.result()
        if cancelled is not None:
            raise cancelled


async def _encoded(items: list[tuple[Key, object | None]]) -> list[Change]:
    """Changes as JSON. Many of them, a new grid's levels, are taken in slices; what may be altered comes first."""
    items.sort(key=lambda item: item[0][0] in TYPES)
    encoded: list[Change] = []
    for number, ((table, key), thing) in enumerate(items, 1):
        if table in RESERVED:
            raise ValueError(f"the table name {table} is taken")
        encoded.append((table, key, None if thing is None else compact(to_record(table, key, thing))))
        if number % SLICE == 0 and table in TYPES:
            await asyncio.sleep(0)
    return encoded


def things(documents: Documents) -> Tables:
    """What the records of all tables tell of; empty tables are left out. StateCorrupt, StateNewer."""
    markets = {
        key: cast(Market, from_record("markets", record, {})) for key, record in documents.get("markets", {}).items()
    }
    tables: Tables = {}
    for table, records in documents.items():
        if records:
            tables[table] = {key: from_record(table, record, markets) for key, record in records.items()}
    return tables


def save(path: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Write tables to a file of their own, all or nothing. StateUnwritable; the file is then as it was."""
    rows = [
        (name, [orjson.dumps(to_record(name, key, thing)) for key, thing in each.items()])
        for name, each in tables.items()
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    write_file(Draft(path), pieces(about_now(secrets.token_hex(8), 1, 0), rows), keep=0)


def load(path: Path) -> Tables:
    """The tables that `save` wrote. FileNotFoundError, StateCorrupt, StateNewer, StateError."""
    _, tables = read_whole(path)
    return things({name: {row["id"]: row for row in rows.values()} for name, rows in tables.items()})
