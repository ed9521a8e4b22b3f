"""The HTTP and websocket front of any venue on 127.0.0.1, and the ways to run it.

The rule: a request is written into the witness before anything is done; faults stand between the wire and the venue's
own rooms, so what is lost, late or refused never depends on the endpoint. A venue says four things in its own words
(rate limit, maintenance, clock skew, an endpoint's answer) and the rest is here.

    async with BybitVenue() as venue: ...           # in the loop of the test
    with threaded(BybitVenue()) as venue: ...       # in a thread of its own
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.venue.faults import AFTER, BEFORE, CALM, CANCEL, CREATE, CREATE_BATCH, Faults, Plan
from tests.venue.ledger import BookMoved, Event, Ledger
from tests.venue.model import Actor, Ending, Refused
from tests.venue.streams import Feed
from tests.venue.witness import Call

_HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>cloudfront</body></html>\r\n"
_PULSE_S = 0.005
V = TypeVar("V", bound="Venue")


class Clock:
    """Real time in ms, moved by hand as well."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms

    def forward(self, ms: int) -> None:
        """Lets time pass at once."""
        self.ahead_ms += ms


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    raw_query: str
    body: str
    headers: Mapping[str, str]
    at_ms: int


@dataclass(slots=True)
class Reply:
    """An answer; a body that is no text goes out as JSON."""

    body: object
    status: int = 200
    code: str = "0"  # the venue's own, for the witness
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body on the wire."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":"))


class _Dropped(Exception):
    """The connection is to be closed without a word."""


class Venue(abc.ABC):
    """An exchange that listens; state outlives a stop, and a restart listens on the same port.

    For tests: `ledger` (truth, prices, people), `faults`, `witness`, `clock`, `limits` (requests a second, by window),
    `feeds`, `cut_streams`, `stall_streams`, `check_time` (False: stale time stamps pass, where a test moves the clock).
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, seed: int = 0, plan: Plan = CALM, port: int = 0) -> None:
        self.ledger = ledger
        self.clock = clock
        self.witness = ledger.witness
        self.faults = Faults(seed, plan)
        self.port = port
        self.check_time = True
        self.limits: dict[str, int] = {}
        self.feeds: list[Feed] = []
        self.bugs: list[Exception] = []  # of the venue itself: `stop` raises the first
        self._closed_until: defaultdict[str, int] = defaultdict(int)  # by window
        self._maintenance_until = 0
        self._recent: defaultdict[str, deque[int]] = defaultdict(deque)
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()
        self._pulse: asyncio.Task[None] | None = None
        hidden = self.faults.timing
        ledger.order_lag_ms = lambda: hidden.hidden_ms if self.faults.strike("hidden_order") else 0
        ledger.trade_lag_ms = lambda: hidden.hidden_ms if self.faults.strike("late_trade") else 0
        ledger.subscribe(self._meddle)
        ledger.subscribe(self.publish)

    # --- what a venue says in its own words -------------------------------------------------------

    @abc.abstractmethod
    def kind_of(self, asked: Asked) -> str:
        """The kind of endpoint: CREATE, CREATE_BATCH, CANCEL, READ or PUBLIC."""

    @abc.abstractmethod
    def answer(self, asked: Asked, call: Call) -> Reply:
        """Carries the request out. Signature and time stamp (against `asked.at_ms`) are the venue's to check."""

    @abc.abstractmethod
    def rate_limited(self, until_ms: int) -> Reply:
        """Too many requests; nothing more until then."""

    @abc.abstractmethod
    def in_maintenance(self) -> Reply:
        """Closed for a while."""

    @abc.abstractmethod
    def clock_skewed(self) -> Reply:
        """The time stamp is outside of the window."""

    @abc.abstractmethod
    def on_frame(self, feed: Feed, frame: str) -> None:
        """A client's websocket frame; answer with `feed.reply`."""

    @abc.abstractmethod
    def publish(self, event: Event) -> None:
        """Offers an event of the ledger to the feeds that want it."""

    @abc.abstractmethod
    def exchange_options(self) -> dict[str, Any]:
        """What ccxt's constructor is given to trade here (keys are not among it)."""

    def window_of(self, asked: Asked) -> str:
        """What requests share a rate limit: all of them, unless the venue knows better."""
        return ""

    def client_ids_of(self, asked: Asked) -> tuple[str, ...]:
        """The client ids a request names, for the witness; asked before anything is done."""
        return ()

    def on_connect(self, feed: Feed) -> None:
        """A new websocket, before its first frame."""
        feed.topics.clear()  # nothing comes until the client asks for it

    # --- running ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Of the REST side."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Of the websocket side."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens."""
        self._stopping = asyncio.Event()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self._pulse = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        """Closes the port and every connection."""
        self._stopping.set()
        for feed in list(self.feeds):
            feed.cut()
        if self._pulse is not None:
            self._pulse.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.bugs:
            raise self.bugs[0]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _beat(self) -> None:
        while True:
            with self._watched():
                self.ledger.run_due()
            await asyncio.sleep(_PULSE_S)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """A bug of the venue must not pass for one of its faults."""
        try:
            yield
        except (_Dropped, ConnectionError):
            raise
        except Exception as error:
            self.bugs.append(error)
            raise

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def cut_streams(self) -> None:
        """Closes every websocket."""
        for feed in list(self.feeds):
            feed.cut()

    def stall_streams(self) -> None:
        """Nothing comes over the open websockets any more."""
        for feed in list(self.feeds):
            feed.stall()

    # --- REST -------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream(request)
        asked = Asked(
            request.method,
            request.path,
            dict(request.query),
            request.raw_path.partition("?")[2],  # as signed: not decoded, not tidied
            await request.text(),
            dict(request.headers),
            self.clock(),
        )
        kind, client_ids = self.kind_of(asked), self.client_ids_of(asked)
        call = Call(asked.at_ms, asked.method, asked.path, kind, dict(asked.query), client_ids)
        call.copy = asked.headers.get("X-Copy", "")
        self.witness.calls.append(call)
        try:
            return await self._decide(asked, call, request)
        except _Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    async def _decide(self, asked: Asked, call: Call, request: web.Request) -> web.StreamResponse:
        """What stands before an endpoint, the endpoint, and what happens to its answer."""
        with self._watched():
            reply = self._refusal(asked, call)
            before = "" if reply is not None else self._strike(call, BEFORE)
            if before:
                reply = await self._before(before, asked, call)
            if reply is None:
                reply = self._do(asked, call)
                if after := self._strike(call, AFTER):
                    return await self._after(after, reply, request, call)
            return _respond(reply, call)

    def _strike(self, call: Call, names: Mapping[str, str]) -> str:
        struck = self.faults.first(names, call.kind)
        if struck:
            call.faults.append(struck)
        return struck

    def _do(self, asked: Asked, call: Call) -> Reply:
        with self.ledger.lock:
            self.ledger.run_due()
            call.took_effect = True
            return self.answer(asked, call)

    def _refusal(self, asked: Asked, call: Call) -> Reply | None:
        """A window of silence that is still open, or a real rate limit."""
        if asked.at_ms < self._maintenance_until:
            return self.in_maintenance()
        window = self.window_of(asked)
        if asked.at_ms < self._closed_until[window]:
            call.violation = True
            return self.rate_limited(self._closed_until[window])
        limit = self.limits.get(window)
        if limit is not None:
            recent = self._recent[window]
            while recent and recent[0] <= asked.at_ms - 1000:
                recent.popleft()
            if len(recent) >= limit:
                return self._close(window, recent[0] + 1000)
            recent.append(asked.at_ms)
        return None

    def _close(self, window: str, until_ms: int) -> Reply:
        self._closed_until[window] = until_ms
        return self.rate_limited(until_ms)

    async def _before(self, name: str, asked: Asked, call: Call) -> Reply | None:
        timing = self.faults.timing
        if name == "error_before":
            return Reply(_HTML, 502, "502")
        if name == "rate_limited":
            return self._close(self.window_of(asked), self.clock() + timing.window_ms)
        if name == "clock_skew":
            return self.clock_skewed()
        if name == "maintenance":
            self._maintenance_until = self.clock() + timing.maintenance_ms
            self.cut_streams()
            return self.in_maintenance()
        if name == "hang_before":
            await self._pause(timing.hang_s)
        elif name == "late_landing" and call.kind in (CREATE, CREATE_BATCH, CANCEL):
            self.ledger.later(timing.late_ms, lambda: self._land(asked, call))
        raise _Dropped

    def _land(self, asked: Asked, call: Call) -> None:
        call.took_effect = True
        self.answer(asked, call)

    async def _after(self, name: str, reply: Reply, request: web.Request, call: Call) -> web.StreamResponse:
        if name == "slow_reply":
            await self._pause(self.faults.timing.slow_s)
            return _respond(reply, call)
        if name == "reply_lost":
            raise _Dropped
        if name == "hang_after":
            await self._pause(self.faults.timing.hang_s)
            return _respond(reply, call)
        if name == "truncated":
            return await _truncate(reply, request)
        spoiled = {
            "error_after": Reply(_HTML, 500, "500"),
            "timeout_408": Reply("", 408, "408"),
            "gateway_504": Reply(_HTML, 504, "504"),
            "garbage": Reply("\ufffd\ufffd\x1b[0m}{", 200, "?"),
            "empty_body": Reply("", 200, "?"),
            "empty_object": Reply({}, 200, "?"),
            "html": Reply(_HTML, 200, "?"),
        }
        return _respond(spoiled[name], call)

    # --- websockets -------------------------------------------------------------------------------

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        feed = Feed(socket, request.path, self.faults)
        self.feeds.append(feed)
        self.on_connect(feed)
        try:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT and not feed.stalled:
                    with self._watched(), self.ledger.lock:
                        self.on_frame(feed, message.data)
                elif message.type is web.WSMsgType.TEXT:
                    self._while_stalled(feed, message.data)
        finally:
            self.feeds.remove(feed)
            await feed.close()
        return socket

    def _while_stalled(self, feed: Feed, frame: str) -> None:
        if self.faults.timing.stalled_pings_answered:
            self.on_frame(feed, frame)

    # --- people and the venue ---------------------------------------------------------------------

    def _meddle(self, event: Event) -> None:
        """When the market moves, somebody may cancel one of the orders that were placed by the API."""
        if not isinstance(event, BookMoved):
            return
        for name, ending in (("person_cancels", Ending.HAND), ("venue_cancels", Ending.VENUE)):
            orders = [order for order in self.ledger.book_of(event.market) if order.wish.by is Actor.API]
            if orders and self.faults.strike(name):
                with contextlib.suppress(Refused):  # a cancel that was put off has come due first
                    self.ledger.cancel(orders[self.faults.pick(name, len(orders))], ending)


def _respond(reply: Reply, call: Call) -> web.Response:
    call.status, call.code = reply.status, reply.code
    kind = "text/html" if reply.text.startswith("<") else "application/json"
    return web.Response(status=reply.status, text=reply.text, content_type=kind, headers=reply.headers)


async def _truncate(reply: Reply, request: web.Request) -> web.StreamResponse:
    whole = reply.text.encode()
    half = web.StreamResponse(headers={"Content-Length": str(len(whole)), "Content-Type": "application/json"})
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


@contextlib.contextmanager
def threaded(venue: V) -> Iterator[V]:
    """Runs a venue in a thread of its own; ledger, faults and witness are used as they are."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="venue", daemon=True)
    thread.start()

    def run(work: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(work(), loop).result(15)

    try:
        run(venue.start)
        yield venue
    finally:
        run(venue.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
