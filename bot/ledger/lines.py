"""A file of lines that are only ever added: each stands there once, whatever crashes, and none is touched again.

Rule: what a line begins with, or some of its cells, name it; a line whose name stands there already is not written.
Only an end that was cut off while being written is taken away, and whoever still holds it as unwritten writes it again.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bot.errors import StateUnwritable

log = logging.getLogger(__name__)

BLOCK = 1 << 16

Write = Callable[[int, bytes], int]
Sync = Callable[[int], None]


class LineFile:
    """See the module's rule. `name_of` says what names a line (None: it is somebody else's), `is_whole` whether a last
    line without its end is all there; a new file begins with `head`. Everything here blocks."""

    def __init__(
        self,
        path: Path,
        name_of: Callable[[bytes], bytes | None],
        is_whole: Callable[[bytes], bool],
        head: bytes = b"",
        write: Write = os.write,
        sync: Sync = os.fsync,
    ) -> None:
        self.path = path
        self._name_of = name_of
        self._is_whole = is_whole
        self._head = head
        self._write = write
        self._sync = sync
        self._written: set[int] | None = None  # hashes of the names of all lines in the file; None: not looked yet

    def append(self, lines: Iterable[bytes]) -> None:
        """Write each line that does not stand there yet, and have them on the disk at the end. StateUnwritable when
        that can't be; no half of a line stays then."""
        fd = -1
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            size = self._mended(fd)
            if self._written is None or size == 0:
                self._written = self._names()
            fresh = {hash(self._name_of(line)): line for line in lines}
            fresh = {name: line for name, line in fresh.items() if name not in self._written}
            if fresh:
                head = self._head if size == 0 else b""
                self._add(fd, size, head + b"".join(line + b"\n" for line in fresh.values()))
                self._written.update(fresh)
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            self._written = None  # what came of it is looked up next time
            raise _unwritable(self.path, error) from error
        finally:
            if fd >= 0:
                os.close(fd)

    def _add(self, fd: int, size: int, data: bytes) -> None:
        try:
            left = data
            while left:
                left = left[self._write(fd, left) :]
            self._sync(fd)
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, size)
            raise

    def _mended(self, fd: int) -> int:
        """The size of the file, after its last line was completed, or taken away where it was cut off."""
        size, torn = os.fstat(fd).st_size, next(backwards(self.path), b"")
        if not torn:
            return size
        if not self._is_whole(torn):
            log.warning("the last line of %s was cut off and is taken away: %r", self.path, torn)
            os.ftruncate(fd, size - len(torn))
            return size - len(torn)
        self._add(fd, size, b"\n")
        return size + 1

    def _names(self) -> set[int]:
        """The hashed names of all lines in the file. A million lines take half a second and 65 MB."""
        with self.path.open("rb", buffering=1 << 20) as file:
            return {hash(name) for line in file if (name := self._name_of(line)) is not None}


def backwards(path: Path) -> Iterator[bytes]:
    """What stands behind the last line end (nothing, unless a line is being written), then the lines, last one first,
    without reading more of the file than is asked for."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        start, rest = file.seek(0, os.SEEK_END), b""
        while start > 0:
            step = min(BLOCK, start)
            start -= step
            file.seek(start)
            rest, *lines = (file.read(step) + rest).split(b"\n")
            yield from reversed(lines)
        yield rest


def forwards(path: Path) -> Iterator[bytes]:
    """The whole lines, first one first, without their ends; none where there is no file."""
    try:
        file = path.open("rb", buffering=1 << 20)
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def sync_folder(folder: Path) -> None:
    """Have the names of new files on the disk."""
    with suppress(OSError):  # where folders can't be opened or synced
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _unwritable(path: Path, error: OSError) -> StateUnwritable:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = "the disk is full" if full else error.strerror or str(error)
    remedy = "free some space there" if full else "let this user write there"
    return StateUnwritable(
        f"{path} can't be written: {why}. Remedy: {remedy}; what is to stand there waits in the state until then."
    )
