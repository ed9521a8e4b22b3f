"""A TinyDB file that is always whole: written beside, synced, renamed; sealed with a checksum; kept in generations.

Rule: a file is the old one or the new one, and one that is damaged is never taken for an empty one. The format is plain
TinyDB JSON (stock TinyDB reads it too), one document a line, between two tables of our own: `about` comes first and
says the schema version, the store's history and the generation; `checksum` comes last and seals all bytes before it.
That seal stays the same in every schema version, so that a newer file is known to be whole before it is refused.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from tinydb.storages import Storage

from bot.errors import StateCorrupt, StateError, StateNewer, StateUnwritable

SCHEMA = 1
ABOUT, CHECKSUM = "about", "checksum"
RESERVED = frozenset({ABOUT, CHECKSUM})
OLDER = 2
"""Generations kept beside the newest one: `state.json.1`, `state.json.2`."""

SLICE = 256
"""Documents put together at a time, well under a millisecond."""

Write = Callable[[int, bytes], int]
Sync = Callable[[int], None]

_SEAL = re.compile(rb',\n"checksum":\{"1":\{"sha256":"([0-9a-f]{64})"\}\}\}\n')
_SEAL_SIZE = len(b',\n"checksum":{"1":{"sha256":""}}}\n') + 64


@dataclass(frozen=True, slots=True)
class About:
    """What a file says of itself. It holds the first `records` records of the journal of its own generation."""

    schema: int
    history: str
    generation: int
    records: int
    written_at: str


def about_now(history: str, generation: int, records: int) -> About:
    """An About of this version and moment."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    return About(SCHEMA, history, generation, records, at)


def unwritable(path: Path, error: OSError) -> StateUnwritable:
    """The error to raise when `path` can't be written: what is wrong, and the remedy."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            why, remedy = "the disk is full", "free some space there"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            why, remedy = "it is read-only", "let this user write there, or set RESULTS_DIR to another folder"
        case errno.ENOENT:
            why, remedy = "its folder is gone", "bring the folder back"
        case _:
            why, remedy = error.strerror or str(error), "look after the disk, or set RESULTS_DIR to another folder"
    return StateUnwritable(f"{path} can't be written: {why}. Remedy: {remedy}; nothing new is done until then.")


def write_all(fd: int, data: bytes, write: Write) -> None:
    """Write all of `data`, however few bytes the system takes at a time."""
    left = data
    while left:
        left = left[write(fd, left) :]


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    with suppress(OSError):  # Windows opens no folders, some network disks sync none
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def older(path: Path, number: int) -> Path:
    """The name of an older generation: `state.json.1`."""
    return path.with_name(f"{path.name}.{number}")


def set_aside(path: Path) -> Path:
    """Keep a damaged file under another name, for whoever wants to look at it. Returns that name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    _same_file(path, aside)
    return aside


def _same_file(path: Path, other: Path) -> None:
    """Let `other` be the file that `path` is now, while `path` stays."""
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)  # a disk without hard links


def seal(digest: str) -> bytes:
    """The end of a file whose bytes before it have this SHA-256."""
    return b',\n"checksum":{"1":{"sha256":"%s"}}}\n' % digest.encode()


class Draft:
    """The next version of a file, written beside it in pieces; nothing is seen of it until `publish`."""

    def __init__(self, path: Path, write: Write = os.write, sync: Sync = os.fsync) -> None:
        self._path = path
        self._draft = path.with_name(f"{path.name}.tmp")
        self._write = write
        self._sync = sync
        self._fd = -1
        self._hash = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Append a piece. StateUnwritable when there is no room."""
        try:
            if self._fd < 0:
                self._fd = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            write_all(self._fd, data, self._write)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._hash.update(data)

    def publish(self, keep: int = OLDER, damaged: bool = False) -> None:
        """Seal it, make it durable, and put it in the file's place; the file becomes generation 1 of `keep`.
        One that was found damaged is set aside instead, and the older generations stay as they are.
        """
        self.add(seal(self._hash.hexdigest()))
        try:
            self._sync(self._fd)
            self._close()
            if self._path.exists():
                if damaged:
                    set_aside(self._path)
                else:
                    self._shift(keep)
            os.replace(self._draft, self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error
        sync_folder(self._path.parent)

    def discard(self) -> None:
        """Forget it; the file stays as it was. Safe to call after `publish`."""
        self._close()
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)

    def _shift(self, keep: int) -> None:
        for number in range(keep, 1, -1):
            if older(self._path, number - 1).exists():
                os.replace(older(self._path, number - 1), older(self._path, number))
        if keep:
            _same_file(self._path, older(self._path, 1))

    def _close(self) -> None:
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def pieces(about: About, tables: Iterable[tuple[str, list[bytes]]]) -> Iterator[bytes]:
    """The bytes of a file without its seal, a slice of documents at a time. A table's documents are JSON already."""
    yield b'{\n"about":{"1":%s}' % orjson.dumps(asdict(about))
    for name, documents in tables:
        if name in RESERVED:
            raise ValueError(f"the table name {name} is taken")
        yield b",\n%s:{" % orjson.dumps(name)
        for start in range(0, len(documents), SLICE):
            numbered = enumerate(documents[start : start + SLICE], start + 1)
            yield (b",\n" if start else b"\n") + b",\n".join([b'"%d":%s' % pair for pair in numbered])
        yield b"\n}"


def read_whole(path: Path) -> tuple[About, dict[str, dict[str, Any]]]:
    """What a file says of itself, and its tables of documents by number.

    StateCorrupt when a byte of it is wrong or missing, StateNewer when a newer version wrote it. FileNotFoundError.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        remedy = "Remedy: let this user read it."
        raise StateError(f"{path} can't be read: {error.strerror or error}. {remedy}") from error
    return whole(path, data)


def whole(path: Path, data: bytes) -> tuple[About, dict[str, dict[str, Any]]]:
    """What the bytes of a file say, as `read_whole`; `path` names it in what is raised."""
    body, found = data[:-_SEAL_SIZE], _SEAL.fullmatch(data[-_SEAL_SIZE:])
    if found is None:
        raise StateCorrupt(f"{path} is cut off or garbled: its checksum is not at its end. {REMEDY}")
    if hashlib.sha256(body).hexdigest().encode() != found[1]:
        raise StateCorrupt(f"{path} is garbled: its checksum does not fit its {len(data)} bytes. {REMEDY}")
    tables: dict[str, dict[str, Any]] = orjson.loads(body + b"}")
    said = tables.pop(ABOUT)["1"]
    if said["schema"] > SCHEMA:
        raise newer(path, said["schema"])
    return About(**said), tables


REMEDY = "Remedy: put a backup in its place, or set RESULTS_DIR to another folder; the file was left as it is."


def newer(path: Path, schema: int) -> StateNewer:
    """The error to raise for a file of a newer schema."""
    return StateNewer(
        f"{path} was written by a newer version of the bot (schema {schema}, this one reads up to {SCHEMA}). "
        "Remedy: start that version or a later one; the file was left as it is."
    )


class AtomicJSONStorage(Storage):
    """`TinyDB(path, storage=AtomicJSONStorage)`: reads only what is whole, writes all or nothing.

    It reads exactly the file it is given: which generation to go by is for the store to say. A worker keeps newer
    changes in its journal, so write with this while no worker runs (it folds the journal when it stops).
    """

    def __init__(self, path: str | Path, write: Write = os.write, sync: Sync = os.fsync) -> None:
        super().__init__()
        self._path = Path(path)
        self._write = write
        self._sync = sync

    def read(self) -> dict[str, dict[str, Any]] | None:
        """All tables with `about`; None where there is no file yet. Raises as `read_whole`."""
        try:
            about, tables = read_whole(self._path)
        except FileNotFoundError:
            return None
        return {ABOUT: {"1": asdict(about)}, **tables}

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Put these tables in the file's place. StateUnwritable when they can't be; the file is then as it was."""
        said = data.get(ABOUT, {}).get("1")
        about = About(**said) if said is not None else about_now("", 1, 0)
        rest = (
            b",\n%s:%s" % (orjson.dumps(name), orjson.dumps(documents))  # under the numbers TinyDB gave them
            for name, documents in data.items()
            if name not in RESERVED
        )
        write_file(Draft(self._path, self._write, self._sync), chain(pieces(about, ()), rest))


def write_file(draft: Draft, content: Iterable[bytes], keep: int = OLDER) -> None:
    """Write a whole file in one go, all or nothing. StateUnwritable."""
    try:
        for piece in content:
            draft.add(piece)
        draft.publish(keep)
    finally:
        draft.discard()
