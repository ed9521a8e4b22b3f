"""Lines typed in the terminal: read by a thread, in order, from whatever standard input is.

Rule: a terminal, a pipe, a file, /dev/null and no input at all are read alike, and nothing here can hold up or break
the loop. Bytes come straight from the descriptor: a thread that waits in a buffered stream holds its lock at exit.
"""

import asyncio
import errno
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

LONGEST_LINE = 4096
"""Characters of one message, as in Telegram; what is longer is cut off."""
AHEAD = 64
"""Lines read before they are asked for."""
CHUNK = 65_536
BACKGROUND_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """A message."""

    text: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """The number of a button."""

    number: int


def understood(line: str, *, wants_number: bool, words: Iterable[str]) -> Said | Pressed | None:
    """What a line means: `3` or `#3` presses a button, but where the bot waits for a number `3` is the answer; a
    command needs no slash (`words`: their names). None for an empty line."""
    text = "".join(char for char in line if char.isprintable() or char == "\t").strip()[:LONGEST_LINE]
    if not text:
        return None
    digits = text.removeprefix("#").strip()
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 9
    if is_number and (text.startswith("#") or not wants_number):
        return Pressed(int(digits))
    first = text.split()[0].lower()
    return Said(f"/{text}" if first in set(words) else text)


class LineReader:
    """The lines of a stream, one at a time; None once there are no more."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(AHEAD)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be typing."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def start(self) -> None:
        """Begin to read, in a thread that dies with the process."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="terminal input", daemon=True).start()

    async def next(self) -> str | None:
        """The next line, without its end."""
        return await self._lines.get()

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            rest = b""
            while chunk := self._chunk():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._put(line.decode("utf-8", "replace"))
                if len(rest) > CHUNK:  # no line is that long
                    rest = rest[:CHUNK]
            if rest:
                self._put(rest.decode("utf-8", "replace"))
            self._put(None)
        except RuntimeError:
            return  # the loop has ended: nobody listens any more

    def _put(self, line: str | None) -> None:
        """Hand a line over, waiting while many are not asked for yet."""
        if self._loop is None:
            raise RuntimeError("not started")
        work = self._lines.put(line)
        try:
            waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise
        waiting.result()

    def _chunk(self) -> bytes:
        """Some bytes; none at the end."""
        try:
            descriptor = self._stream.fileno() if self._stream is not None else -1
        except (OSError, ValueError):
            return self._text_chunk()
        while descriptor >= 0:
            try:
                return os.read(descriptor, CHUNK)
            except OSError as error:
                if error.errno != errno.EIO or not _is_in_background(descriptor):
                    return b""
                time.sleep(BACKGROUND_PAUSE)
        return b""

    def _text_chunk(self) -> bytes:
        """From a stream without a descriptor."""
        try:
            return self._stream.read(CHUNK).encode() if self._stream is not None else b""
        except ValueError:  # closed
            return b""


def _is_in_background(descriptor: int) -> bool:
    """Whether another program has the terminal now (`python -m bot &`): it may be given back."""
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False


def stay_in_background() -> None:
    """Have a read from the background fail instead of halting the whole worker, trading included."""
    if hasattr(signal, "SIGTTIN") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
