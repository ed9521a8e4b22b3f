"""The real worker as its user starts it: `python -m bot` in a folder of its own, with real files, pipes and signals.

The rule: nothing is asserted here, waiting is for something that comes true and has an end, and no process outlives the
block it was started in. Only processes that were started here are ended, by their pid.
"""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 30.0
STOP_SECONDS = 5.0
"""What a stop may take (CONTRACT.md)."""

T = TypeVar("T")
Wanted = str | Callable[[str], bool]
QUICK = {"SIMULATED_SEED": "1091", "TICK_SECONDS": "0.2", "DAILY_REPORT_AT": ""}
"""A market that dips first and turns within seconds, whenever a grid is made, and a heart that hears of it at once."""


class NotSeen(AssertionError):
    """What was waited for did not come; the message shows what was there instead."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What the process sees: these settings, and nothing of the tester's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **settings}


def until(condition: Callable[[], T | None], timeout: float = PATIENCE, what: str = "") -> T:
    """The first truthy answer of `condition`, asked every few milliseconds; else NotSeen."""
    deadline = time.monotonic() + timeout
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise NotSeen(f"{what or getattr(condition, '__name__', 'it')} did not come true in {timeout:g} s")
        time.sleep(0.02)


class Output:
    """The lines of a stream, read by a thread as they come."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._is_over = stream is None
        self._thread: threading.Thread | None = None
        if stream is not None:
            self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
            self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream, contextlib.suppress(OSError):  # a terminal ends with an error
            for line in stream:
                self._add(line.decode("utf-8", "replace").rstrip("\r\n"))
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def _add(self, line: str) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, wanted: Wanted, timeout: float = PATIENCE, since: int = 0) -> str:
        """The first line from line `since` on that has this in it; else NotSeen."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for line in self.lines[since:]:
                    if wanted(line) if callable(wanted) else wanted in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or self._is_over:
                    name = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", str(wanted))
                    raise NotSeen(f"{name!r} was not written; there stands:\n{self.text}")
                self._news.wait(left)

    def close(self) -> None:
        """Wait for the last line."""
        if self._thread is not None:
            self._thread.join(PATIENCE)


class Bot:
    """One process. A context manager: at its end the process is gone, whatever happened."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        arguments: Iterable[str] = (),
        *,
        stdin: int | IO[bytes] = subprocess.PIPE,
        close_stdin: bool = False,
        terminal: bool = False,
        program: Iterable[str] = ("-m", "bot"),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        command = [sys.executable, *program, *arguments]
        if close_stdin:
            command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
        screen, tty = pty.openpty() if terminal else (-1, -1)
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(settings or {}),
            stdin=tty if terminal else stdin,
            stdout=tty if terminal else subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a signal to the tests is none to the worker
        )
        shown = self._process.stdout
        self._keys: IO[bytes] | None = self._process.stdin
        if terminal:
            os.close(tty)
            self._keys, shown = open(os.dup(screen), "wb", buffering=0), open(screen, "rb")  # noqa: SIM115
        self.out = Output(shown)
        self.errors = Output(self._process.stderr)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def say(self, *lines: str) -> None:
        """Write lines into its standard input, which stays open."""
        self.types("".join(f"{line}\n" for line in lines))

    def types(self, keys: str) -> None:
        """Press keys."""
        assert self._keys is not None
        self._keys.write(keys.encode())
        self._keys.flush()

    def end_input(self) -> None:
        """Close its standard input."""
        assert self._keys is not None
        self._keys.close()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Signal it; returns its exit code and the seconds it took. NotSeen when it does not end."""
        began = time.monotonic()
        os.kill(self.pid, number)
        return self.wait(STOP_SECONDS + 5), time.monotonic() - began

    def signal(self, number: int) -> None:
        """Send it a signal, and wait for nothing."""
        os.kill(self.pid, number)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Its exit code, once it ends and everything it wrote was read; else NotSeen."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise NotSeen(f"it still runs after {timeout:g} s:\n{self.out.text}\n{self.errors.text}") from None
        self.out.close()
        self.errors.close()
        return code

    def kill(self) -> None:
        """The end without a word: `kill -9`."""
        if self.is_running:
            self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Bot":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._keys is not None:
            with contextlib.suppress(OSError):
                self._keys.close()
        self.out.close()
        self.errors.close()
