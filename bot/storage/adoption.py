"""A database that was just attached takes over the state that the worker kept in files.

Rule: once, and all of it or nothing. What was taken over is noted in the same transaction; then the files move into a
folder beside them, so that nobody goes on from them by mistake, and nothing of them is lost. A crash in between is made
up for at the next start. A database that already holds a state goes by its own, and files that it does not know stay.
"""

import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from bot.core.accounting import RoundTrip
from bot.errors import StateError, StateForeign
from bot.ports import Key, Ledger
from bot.storage.atomic_json import sync_folder, unwritable
from bot.storage.postgres import PostgresStore
from bot.storage.recovery import FILE, JOURNAL, Recovered, recover
from bot.storage.tinydb_store import things

log = logging.getLogger(__name__)

Tables = Mapping[str, Mapping[str, object]]

NOTE: Key = ("adoption", "file")
"""Where the state says which files it was taken over from."""
MOVING = ".moving"


Trades = Callable[[], Awaitable[Sequence[RoundTrip]]]


async def adopt_file(
    folder: Path, store: PostgresStore, account: str, ledger: Ledger | None = None, trades: Trades | None = None
) -> str:
    """Take over the state in `folder` if the database has none yet; call it with the lease held, before loading.
    Returns a sentence for the owner, or nothing. `trades`: all that stand in pnl.log, newest first, for `ledger`; that
    file stays where it is. StateForeign, StateCorrupt, StateNewer, StateError, StateUnwritable.
    """
    there = await store.load()
    note = cast("Mapping[str, str]", there.get(NOTE[0], {}).get(NOTE[1], {}))
    if note and (folder / (note["folder"] + MOVING)).exists():
        _move(folder, note["folder"])  # what a crash had left half done
        return _sentence(note)
    if not _files(folder):
        return ""
    if not there:
        state = recover(folder)
        tables = things(state.tables)
        if not tables:
            return ""
        _check_owner(folder, state, account)
        if ledger is not None and trades is not None:
            await ledger.append((await trades())[::-1])  # each stands there once, so a crash hereafter does no harm
        return await _adopt(folder, store, state, tables)
    if note and (mark := _mark_of(folder)):
        if mark == note["mark"]:
            _move(folder, note["folder"])
            return _sentence(note)
        if mark.split()[0] == note["mark"].split()[0]:
            raise StateError(
                f"{folder / FILE} went on after the database had taken it over: there are two states of one account. "
                f"Remedy: move {folder}/state.* away to go on from the database, or leave DATABASE_URL out to go on "
                "from the file."
            )
    said = f"{folder / FILE} was left as it is: the database has a state of its own, and goes on from that."
    log.warning(said)
    return said


def _check_owner(folder: Path, state: Recovered, account: str) -> None:
    owner = state.tables.get("meta", {}).get("meta", {}).get("value", {}).get("account", account)
    if owner != account:
        raise StateForeign(
            f"{folder / FILE} belongs to {owner}, not to {account}, so the database did not take it over. Remedy: set "
            "another RESULTS_DIR for this account, or go back to the former settings."
        )


async def _adopt(folder: Path, store: PostgresStore, state: Recovered, tables: Tables) -> str:
    now = datetime.now(UTC)
    note = {
        "mark": _mark(state),
        "folder": f"moved-to-database-{now:%Y%m%dT%H%M%S}",
        "grids": len(tables.get("grids", {})),
        "levels": len(tables.get("executors", {})),
        "doubt": state.recovery.note,
    }
    changes: dict[Key, object | None] = {(name, key): row for name, rows in tables.items() for key, row in rows.items()}
    await store.keep({**changes, NOTE: note})
    _move(folder, str(note["folder"]))
    log.warning("the database has taken over the state of %s", folder)
    return _sentence(note)


def _sentence(note: Mapping[str, object]) -> str:
    doubt = f" {note['doubt']}" if note["doubt"] else ""
    grids = "1 grid" if note["grids"] == 1 else f"{note['grids']} grids"
    levels = "1 level" if note["levels"] == 1 else f"{note['levels']} levels"
    return (
        f"The database has taken over the state of the files: {grids} with {levels}. The files lie in "
        f"{note['folder']} now.{doubt}"
    )


def _files(folder: Path) -> list[Path]:
    """All files of a state, older generations first."""
    return sorted((path for stem in (FILE, JOURNAL) for path in folder.glob(f"{stem}*")), reverse=True)


def _mark(state: Recovered) -> str:
    """Which moment of which files this is."""
    last = state.last
    return f"{state.history} {state.generation} " + (f"{last.generation} {len(last.records)}" if last else "- -")


def _mark_of(folder: Path) -> str:
    try:
        return _mark(recover(folder))
    except StateError as error:
        log.warning("the files of the former state can't be read: %s", error)
        return ""


def _move(folder: Path, name: str) -> None:
    """Put the files of the state into a folder of their own; until that is done it bears another name."""
    moving = folder / (name + MOVING)
    try:
        if not (folder / name).exists():
            moving.mkdir(exist_ok=True)
        for path in _files(folder):
            os.replace(path, moving / path.name)
        sync_folder(moving)
        os.replace(moving, folder / name)
        sync_folder(folder)
    except OSError as error:
        raise unwritable(folder / FILE, error) from error
