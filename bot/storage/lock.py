"""The lock on RESULTS_DIR: one worker to a folder.

Rule: the kernel holds it and lets go with the process, however that ends; the file it hangs on stays and is no sign of
a worker. It says who holds the lock, for the one that comes second.
"""

import errno
import os
import sys
from pathlib import Path
from types import TracebackType

from bot.errors import StateLocked
from bot.storage.atomic_json import unwritable

NAME = "worker.lock"

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK})

if sys.platform == "win32":
    import msvcrt

    def _take(fd: int) -> None:
        os.lseek(fd, 1 << 20, os.SEEK_SET)  # a byte far behind the text: a locked one can't be read by others
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ResultsLock:
    """Held from `acquire` (or entering it) until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._fd = -1

    def acquire(self) -> None:
        """Take the lock. StateLocked names the process that has it; StateUnwritable when the folder can't be used."""
        if self._fd >= 0:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unwritable(self._path, error) from error
        try:
            _take(fd)
            os.lseek(fd, 0, os.SEEK_SET)
            os.ftruncate(fd, 0)
            os.write(fd, b"%d\n" % os.getpid())
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            os.close(fd)
            if error.errno in _HELD:
                raise self._locked(holder) from None
            raise unwritable(self._path, error) from error
        self._fd = fd

    def _locked(self, holder: str) -> StateLocked:
        who = f"pid {holder}" if holder.isdigit() else "which has not said its pid yet"
        return StateLocked(
            f"Another worker ({who}) is running in {self._path.parent}. Remedy: stop that one first, or set "
            "RESULTS_DIR to another folder for this one."
        )

    def release(self) -> None:
        """Let go of the lock; harmless when it is not held."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __enter__(self) -> "ResultsLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
