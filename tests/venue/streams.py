"""One websocket connection and everything that can go wrong with what is sent over it.

The rule: the venue offers events in their true order from any thread; a feed hands them to the loop, where the faults
decide what the client gets to see and when. Replies to the client's own frames (`reply`) are never lost, except by a
stall.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

from aiohttp import web

from tests.venue.faults import PRIVATE_STREAM, PUBLIC_STREAM, Faults

_FLUSH_S = 0.05  # an event held back for a shuffle goes out after this even when none follows


class Feed:
    """A connection. `topics` are whatever the venue's protocol subscribes to; `account` is "" until it logs in."""

    def __init__(self, socket: web.WebSocketResponse, path: str, faults: Faults) -> None:
        self.socket = socket
        self.path = path
        self.topics: set[str] = set()
        self.account = ""
        self.stalled = False
        self._faults = faults
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._held: list[str] = []
        self._writer = self._loop.create_task(self._write())

    def offer(self, event: object, *, private: bool = True) -> None:
        """Sends an event, as far as the faults let it."""
        text = json.dumps(event, separators=(",", ":"))  # now: what it was made of may change
        is_here = threading.get_ident() == self._thread
        post = self._loop.call_soon if is_here else self._loop.call_soon_threadsafe
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            post(self._spoil, text, PRIVATE_STREAM if private else PUBLIC_STREAM)

    def reply(self, answer: object) -> None:
        """Answers a frame of the client."""
        if not self.stalled or (self._faults.timing.stalled_pings_answered and "pong" in json.dumps(answer)):
            self._queue.put_nowait(json.dumps(answer))

    def stall(self) -> None:
        """From now on nothing comes, and the connection stays open."""
        self.stalled = True

    def cut(self) -> None:
        """Closes the connection."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    async def close(self) -> None:
        """Ends the writer; the socket is the server's to close."""
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer

    def _spoil(self, text: str, kind: str) -> None:
        if self._faults.strike("stream_cut", kind):
            self._queue.put_nowait(None)
            return
        if self._faults.strike("stream_stalled", kind):
            self.stalled = True
        if self.stalled or self._faults.strike("event_lost", kind):
            return
        if self._faults.strike("event_late", kind):
            self._loop.call_later(self._faults.timing.late_ms / 1000, self._queue.put_nowait, text)
            return
        if self._faults.strike("event_shuffled", kind):
            self._held.append(text)
            self._loop.call_later(_FLUSH_S, self._flush)
            return
        self._queue.put_nowait(text)
        if self._faults.strike("event_twice", kind):
            self._queue.put_nowait(text)
        self._flush()

    def _flush(self) -> None:
        while self._held:
            self._queue.put_nowait(self._held.pop())

    async def _write(self) -> None:
        while (text := await self._queue.get()) is not None:
            if self.socket.closed:
                return
            with contextlib.suppress(ConnectionError):
                await self.socket.send_str(text)
        await self.socket.close(code=1001)
