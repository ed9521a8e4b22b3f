"""What the terminal shows: Telegram's HTML as bold, plain and monospace, written by one thread.

Rule: a message is written in one go, so nothing interleaves within a line, and a reader who has stopped reading (a full
pipe, a closed window) holds up nobody: what can't be written is let go.
"""

import asyncio
import io
import os
import queue
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TextIO

PROMPT = "> "
STYLES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strike", "strike": "strike", "del": "strike", "code": "cyan", "pre": "", "a": "underline",
}  # fmt: skip


class Pieces(HTMLParser):
    """The text of Telegram's HTML with the tags each piece stands in."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[tuple[str, tuple[str, ...]]] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append((tag, dict(attrs).get("href") or ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, link = self._open.pop()
            if name == tag:
                if link and not link.startswith("tg:"):
                    self.pieces.append((f" ({link})", ()))
                return

    def handle_data(self, data: str) -> None:
        self.pieces.append((visible(data), tuple(name for name, _ in self._open)))


def visible(text: str) -> str:
    """The text without what would steer the terminal."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t\u200d")


def plain(html: str) -> str:
    """The text of Telegram's HTML."""
    return "".join(text for text, _ in Pieces(html).pieces)


class Screen:
    """Writes to a stream. `has_prompt`: a person types below what is written."""

    def __init__(self, stream: TextIO | None, *, has_prompt: bool = False) -> None:
        self._stream = stream
        self._jobs: queue.SimpleQueue[tuple[bytes, Callable[[], None]]] = queue.SimpleQueue()
        self._has_prompt = has_prompt and self.is_terminal
        self._is_broken = stream is None
        self._thread: threading.Thread | None = None

    @property
    def is_terminal(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def start(self) -> None:
        """Begin to write, in a thread that dies with the process; show the first prompt."""
        self._thread = threading.Thread(target=self._write, name="terminal output", daemon=True)
        self._thread.start()
        if self._has_prompt:
            self._jobs.put((PROMPT.encode(), _nothing))

    async def show(self, html: str) -> None:
        """Write a message and an empty line; returns once it stands there."""
        text = self._rendered(html) + "\n"
        if self._has_prompt:
            text = f"\r\x1b[K{text}{PROMPT}"
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def arrived() -> None:
            if not written.done():
                written.set_result(None)

        def done() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(arrived)

        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._jobs.put((text.encode(encoding, "replace"), done))
        await written

    def prompt_again(self) -> None:
        """A line was typed that nothing answers."""
        if self._has_prompt:
            self._jobs.put((PROMPT.encode(), _nothing))

    def _rendered(self, html: str) -> str:
        """The message for this stream: with colours on a terminal, plain elsewhere."""
        from rich.console import Console
        from rich.text import Text

        text = Text()
        for piece, tags in Pieces(html).pieces:
            text.append(piece, " ".join(style for tag in tags if (style := STYLES.get(tag))) or None)
        page = io.StringIO()
        console = Console(
            file=page,
            force_terminal=self.is_terminal,
            color_system="auto" if self.is_terminal else None,
            width=self._width(),
            soft_wrap=not self.is_terminal,
            highlight=False,
            emoji=False,
            markup=False,
        )
        console.print(text)
        return page.getvalue()

    def _width(self) -> int | None:
        """Columns of the terminal; None elsewhere: lines are not broken there."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or None if self._stream is not None else None
        except (OSError, ValueError):
            return None

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while True:
            data, done = self._jobs.get()
            if not self._is_broken:
                try:
                    self._put(data)
                except (OSError, ValueError):  # the reader is gone, or the stream is closed
                    self._is_broken = True
            try:
                done()
            except RuntimeError:
                return  # the loop has ended between the question and the call

    def _put(self, data: bytes) -> None:
        if self._stream is None:
            return
        try:
            descriptor = self._stream.fileno()
        except OSError:  # a stream of a test
            self._stream.write(data.decode(getattr(self._stream, "encoding", None) or "utf-8", "replace"))
            return
        while data:
            data = data[os.write(descriptor, data) :]


def _nothing() -> None:
    """Nobody waits."""
