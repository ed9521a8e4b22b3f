"""Reading the state back: the newest whole state.json and every journal since, in order. Writes nothing.

Rule: what comes out is exactly one moment's state, or an error; never an empty state where there was one, and never a
mixture. A damaged state.json is made up for by an older generation with all journals from it on, with nothing lost.
Where something may be missing that had been kept, `note` says so: whoever trades on must then give out no old id again.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tinydb import TinyDB

from bot.errors import StateCorrupt
from bot.storage.atomic_json import ABOUT, OLDER, REMEDY, About, AtomicJSONStorage, older
from bot.storage.journal import Found, journals, read_journal, replay

FILE, JOURNAL = "state.json", "state.journal"

Documents = dict[str, dict[str, dict[str, Any]]]
"""Tables of records by id."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the state was found. An empty `note` is the ordinary case; otherwise it is a sentence for the owner.
    `is_exact`: nothing that was ever reported as kept can be missing.
    """

    note: str = ""
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Recovered:
    """The state as it was read. `generation` is that of the file it began with; `last` the journal to go on with."""

    tables: Documents
    history: str
    generation: int
    recovery: Recovery
    last: Found | None = None
    continues: bool = False
    damaged: bool = False
    is_new: bool = False


class _Broken(Exception):
    """A file can't be used as the beginning, and why."""


def recover(folder: Path) -> Recovered:
    """The state that `folder` holds. StateCorrupt, StateNewer or StateError, each with its remedy."""
    path = folder / FILE
    found = [read_journal(name) for name in journals(folder / JOURNAL)]
    reasons: list[str] = []
    for number in range(OLDER + 1):
        name = older(path, number) if number else path
        try:
            read = _read(name)
        except StateCorrupt as error:
            reasons.append(str(error))
            continue
        if read is None:
            continue
        try:
            return _continued(folder, name, *read, found, reasons)
        except _Broken as error:
            if not number:  # a whole state.json is the one to go by: an older one would not be the state
                raise StateCorrupt(str(error)) from None
            reasons.append(str(error))
    return _without_file(folder, found, reasons)


def _read(path: Path) -> tuple[About, Documents] | None:
    """A generation's tables by id; None where there is no such file."""
    if not path.exists():
        return None
    with TinyDB(path, storage=AtomicJSONStorage) as database:
        read = database.storage.read() or {}  # once for all: a table of TinyDB reads the whole file anew
    about = About(**read.pop(ABOUT)["1"])
    try:
        return about, {name: {row["id"]: row for row in rows.values()} for name, rows in read.items()}
    except (KeyError, TypeError):
        raise StateCorrupt(f"{path} holds documents of another kind, without an id. {REMEDY}") from None


def _without_file(folder: Path, found: list[Found], reasons: list[str]) -> Recovered:
    """No file can be used: the state is new, or all of it is in journals from the first on, or it is lost."""
    if not found and not reasons:
        return Recovered({}, "", 0, Recovery(), is_new=True)
    first = next((journal for journal in found if journal.generation == 1), None)
    if first is not None:
        about = About(0, first.history, 1, 0, "")
        try:
            return _continued(folder, folder / FILE, about, {}, found, reasons or ["state.json is missing."])
        except _Broken as error:
            reasons.append(str(error))
    if not reasons:
        reasons.append(
            f"{folder / FILE} is missing, though {found[0].path.name} stands beside it. Remedy: put state.json or a "
            "backup back, or set RESULTS_DIR to another folder."
        )
    raise StateCorrupt(" ".join(dict.fromkeys(reasons)))


def _continued(
    folder: Path, path: Path, about: About, tables: Documents, found: list[Found], reasons: list[str]
) -> Recovered:
    """The state of a file and the journals from it on. `_Broken` when these don't fit together."""
    present = next((journal for journal in found if journal.path.name == JOURNAL), None)
    _check_present(path, about, present)
    by_generation = {journal.generation: journal for journal in reversed(found) if not journal.is_headless}
    later = sorted(generation for generation in by_generation if generation >= about.generation)
    if later != list(range(about.generation, about.generation + len(later))):
        raise _Broken(_unfit(path, f"it is generation {about.generation}, the journals beside it are {later}"))
    chain = [by_generation[generation] for generation in later]
    _check_chain(path, chain)
    doubts = []
    if present is None or present.is_headless or present not in chain:
        if tables or chain:
            doubts.append(f"{JOURNAL} is missing or cut off at its beginning: what it held is lost")
    elif chain[-1].doubtful:
        doubts.append(f"the last record of {JOURNAL} was garbled and is left out")
    is_short = bool(chain) and len(chain[0].records) < about.records
    if is_short:
        doubts.append(f"{chain[0].path.name} has fewer records than {path.name} has seen")
    if chain:
        replay(chain[0].records[about.records :], tables)
        for journal in chain[1:]:
            replay(journal.records, tables)
    said = []
    if reasons:
        older_name = path.name if about.schema else "nothing"
        said.append(f"{reasons[0].split(' Remedy:')[0]} The state was put together from {older_name} and the journals")
    said += doubts
    return Recovered(
        tables,
        about.history,
        about.generation,
        Recovery("; ".join(said) + "." if said else "", not doubts),
        last=chain[-1] if chain else None,
        continues=bool(chain) and chain[-1] is present and not (is_short and len(chain) == 1),
        damaged=bool(reasons) and (folder / FILE).exists(),
    )


def _check_present(path: Path, about: About, present: Found | None) -> None:
    if present is None:
        return
    if present.damage and present.is_headless:
        raise _Broken(_damaged(present))
    if not present.is_headless and present.history != about.history:
        raise _Broken(_unfit(path, f"{JOURNAL} belongs to another state"))


def _check_chain(path: Path, chain: list[Found]) -> None:
    for journal in chain:
        if journal.damage:
            raise _Broken(_damaged(journal))
    for journal, following in pairwise(chain):
        if not journal.is_complete or following.after != len(journal.records):
            raise _Broken(_unfit(path, f"the end of {journal.path.name}, which continues it, is missing"))


def _damaged(journal: Found) -> str:
    return (
        f"{journal.path} was damaged by the disk: {journal.damage}, so the state after it is not known. Remedy: put a "
        f"backup of the folder in its place, or move {JOURNAL} and its numbered copies away to go on from state.json, "
        "which is up to a minute or so older; then compare with /reconcile."
    )


def _unfit(path: Path, why: str) -> str:
    return (
        f"{path} and the journals beside it don't belong together: {why}. Remedy: put back all files of one backup, or "
        f"move {JOURNAL} and its numbered copies away to go on from {path.name} as it is."
    )
