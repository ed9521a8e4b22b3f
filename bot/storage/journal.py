"""What changed since state.json was written: an append-only file of checksummed records, one for each keep.

Rule: a record is all of its changes or none. It holds whole puts and removals by (table, id), so that it may be applied
again; records are numbered from 1, after a header numbered 0 that says which generation of state.json they continue.
A line is `checksum length payload`, and a record is synced before the next one begins; so

* an end that is shorter than it says was cut off while being written: nobody was told it was kept, it is dropped;
* an end of full length with a wrong checksum is dropped too, but may have been kept once: it is `doubtful`;
* damage with more behind it is the disk's doing: `damage` says so, and the journal can't be used.
"""

import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bot.errors import StateError
from bot.storage.atomic_json import SCHEMA, Sync, Write, newer, older, sync_folder, unwritable, write_all

Change = tuple[str, str, bytes | None]
"""Table, id, and the JSON of the record to put; None removes."""

_HEAD = len(b"00000000 00000000 ")
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Found:
    """A journal as it was found. `size` counts its whole records' bytes; `generation` is -1 where no header is left."""

    path: Path
    generation: int
    history: str
    after: int
    records: list[list[Any]]
    size: int
    torn: bool = False
    doubtful: bool = False
    damage: str = ""

    @property
    def is_headless(self) -> bool:
        return self.generation == _UNKNOWN

    @property
    def is_complete(self) -> bool:
        """Whether it ends with a whole record."""
        return not (self.torn or self.doubtful or self.damage)


def line(payload: bytes) -> bytes:
    """A payload as it stands in the file."""
    size = b"%08x" % len(payload)
    return b"%08x %s %s\n" % (zlib.crc32(payload, zlib.crc32(size)), size, payload)


def read_journal(path: Path) -> Found:
    """All whole records of a journal. Never raises for what is in it but StateNewer. FileNotFoundError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        remedy = "Remedy: let this user read it."
        raise StateError(f"{path} can't be read: {error.strerror or error}. {remedy}") from error
    rows: list[list[Any]] = []
    offset = 0
    while (end := _line_end(data, offset)) > offset:
        row = orjson.loads(data[offset + _HEAD : end - 1])
        if row[1] != len(rows) or (rows and row[0] != rows[0][0]):
            damage = f"record {row[1]} stands where record {len(rows)} belongs"
            return _found(path, rows, offset, damage=damage)
        rows.append(row)
        offset = end
    return _with_end(path, rows, offset, data[offset:])


def _line_end(data: bytes, start: int) -> int:
    """Where the line that begins at `start` ends; `start` itself when there is no whole line."""
    head = data[start : start + _HEAD]
    size = _size(head)
    end = start + _HEAD + size + 1
    if size < 0 or end > len(data) or data[end - 1 : end] != b"\n":
        return start
    return end if data[start:end] == line(data[start + _HEAD : end - 1]) else start


def _size(head: bytes) -> int:
    """The length a line says its payload has; -1 when it doesn't say."""
    if len(head) < _HEAD:
        return -1
    try:
        return int(head[9:17], 16)
    except ValueError:
        return -1


def _with_end(path: Path, rows: list[list[Any]], offset: int, end: bytes) -> Found:
    """The journal with a judgement of what follows its last whole record."""
    if not end:
        return _found(path, rows, offset)
    size = _size(end[:_HEAD])
    full = _HEAD + size + 1 if size >= 0 else None
    if b"\n" in end[:-1] or (full is not None and len(end) > full):
        where = f"record {len(rows)} is garbled (byte {offset}) and more follows it"
        return _found(path, rows, offset, damage=where)
    whole = end.endswith(b"\n") or len(end) == full or (full is None and len(end) >= _HEAD)
    return _found(path, rows, offset, torn=not whole, doubtful=whole)


def _found(
    path: Path, rows: list[list[Any]], size: int, torn: bool = False, doubtful: bool = False, damage: str = ""
) -> Found:
    if not rows:
        return Found(path, _UNKNOWN, "", 0, [], 0, torn, True, damage)
    generation, _, said = rows[0]
    if said["schema"] > SCHEMA:
        raise newer(path, said["schema"])
    return Found(path, generation, said["history"], said["after"], rows[1:], size, torn, doubtful, damage)


def replay(records: Iterable[list[Any]], tables: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Apply records to tables of documents by id, in order."""
    for _, _, puts, removed in records:
        for table, document in puts:
            tables.setdefault(table, {})[document["id"]] = document
        for table, key in removed:
            tables.setdefault(table, {}).pop(key, None)


class Journal:
    """A journal that is written to. Not for two at a time: the store's lock sees to that."""

    def __init__(self, path: Path, write: Write = os.write, sync: Sync = os.fsync) -> None:
        self._path = path
        self._write = write
        self._sync = sync
        self._fd = -1
        self._size = 0
        self._is_dirty = False
        self.generation = 0
        self.count = 0

    def resume(self, found: Found) -> None:
        """Go on with a journal that was read; what is not whole at its end is cut off."""
        self._open(self._path, os.O_WRONLY)
        self._size, self.generation, self.count = found.size, found.generation, len(found.records)
        self._is_dirty = not found.is_complete
        self._mend()

    def begin(self, generation: int, history: str, after: int) -> None:
        """Start the journal of a generation; the present one becomes `state.journal.1`, and so on: none is dropped.
        `after` is how many records the journal before it has. StateUnwritable; the present one then goes on.
        """
        fresh = Journal(self._path.with_name(f"{self._path.name}.new"), self._write, self._sync)
        try:
            fresh._open(fresh._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            said: Mapping[str, object] = {"schema": SCHEMA, "history": history, "after": after}
            fresh._add(orjson.dumps([generation, 0, said]))
            self._shift()
            os.replace(fresh._path, self._path)
        except OSError as error:
            fresh.close()
            raise unwritable(self._path, error) from error
        sync_folder(self._path.parent)
        self.close()
        self._fd, self._size = fresh._fd, fresh._size
        self.generation, self.count, self._is_dirty = generation, 0, False

    def append(self, changes: Iterable[Change]) -> None:
        """Make one record durable. StateUnwritable when it can't be; the journal is then as it was."""
        puts, removed = [], []
        for table, key, document in changes:
            if document is None:
                removed.append(orjson.dumps([table, key]))
            else:
                puts.append(b"[%s,%s]" % (orjson.dumps(table), document))
        number = self.count + 1
        record = b"[%d,%d,[%s],[%s]]" % (self.generation, number, b",".join(puts), b",".join(removed))
        try:
            self._mend()
            self._add(record)
        except OSError as error:
            with suppress(OSError):
                self._mend()  # where even this fails, the next append begins with it
            raise unwritable(self._path, error) from error
        self.count = number

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def _open(self, path: Path, flags: int) -> None:
        self.close()
        self._fd = os.open(path, flags | os.O_APPEND, 0o644)

    def _add(self, payload: bytes) -> None:
        record = line(payload)
        self._is_dirty = True
        write_all(self._fd, record, self._write)
        self._sync(self._fd)
        self._is_dirty = False
        self._size += len(record)

    def _mend(self) -> None:
        """Cut off what an append that failed, or a crash, has left."""
        if self._is_dirty:
            os.ftruncate(self._fd, self._size)
            self._sync(self._fd)
            self._is_dirty = False

    def _shift(self) -> None:
        """Move every journal one number up. All of them may be needed until the next state.json is whole."""
        if not self._path.exists():
            return
        number = 1
        while older(self._path, number).exists():
            number += 1
        for each in range(number, 1, -1):
            os.replace(older(self._path, each - 1), older(self._path, each))
        os.replace(self._path, older(self._path, 1))


def journals(path: Path) -> list[Path]:
    """The journals that are there, newest first."""
    names = [path, *(older(path, number) for number in range(1, 1 + _MOST))]
    return [name for name in names if name.exists()]


def prune(path: Path, keep: int) -> None:
    """Drop journals older than the `keep` last ones before the present one, and names left over from a crash."""
    for number in range(keep + 1, 1 + _MOST):
        with suppress(OSError):
            older(path, number).unlink(missing_ok=True)


_MOST = 9
"""More journals than this are never there: a fold that failed is tried again under the same generation."""
