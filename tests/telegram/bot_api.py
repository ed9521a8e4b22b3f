"""The server: HTTP on 127.0.0.1 in front of the world, and the two ways to run it.

The rule: a call is written into the journal before anything is done and answered exactly once; faults stand
between the wire and the world, so what is refused, lost or late never depends on the method.

    async with BotApi() as api:                     # in the loop of the test
        owner = api.person(1001, first_name="Olga")
        owner.say("/start")
        await owner.wait_for("Welcome")

    with ThreadedBotApi() as api:                   # in a thread of its own, for tests without a loop
        owner.wait_for_sync("Welcome")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from tests.telegram import account_methods, media_methods, message_methods
from tests.telegram import journal as outcomes
from tests.telegram.faults import Fault, Faults, Kind
from tests.telegram.floods import FloodGate, FloodLimits
from tests.telegram.journal import Call, Journal
from tests.telegram.message_methods import Method
from tests.telegram.parameters import Json, Params, Refusal, read_params, too_many
from tests.telegram.people import Channel, Group, Person
from tests.telegram.updates import UpdateQueue
from tests.telegram.world import Chat, NotSeen, World

T = TypeVar("T")

TOKEN = "123456789:AAF-loopback_token_of_nobody_0123456"
METHODS: dict[str, tuple[str, Method]] = {
    name.lower(): (name, method)
    for table in (message_methods.METHODS, media_methods.METHODS, account_methods.METHODS)
    for name, method in table.items()
}
_LONGEST_POLL = 50
_GARBAGE = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>nginx</h1></body>\r\n"
_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class _Dropped(Exception):
    """The connection is to be closed without a word."""


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


class BotApi:
    """A Telegram Bot API server for one bot. Start it with `async with`, or `start` and `stop`; state
    outlives a stop, and a restart listens on the same port."""

    def __init__(
        self,
        token: str = TOKEN,
        *,
        username: str = "loopback_bot",
        flood: FloodLimits | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(token, username, flood, clock)
        self.journal = Journal()
        self.faults = Faults(self.world.changed)
        self.port = port
        self.concurrent_polls = 0
        self._poll: web.Request | None = None
        self._runner: web.AppRunner | None = None

    # --- running ----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """What TELEGRAM_API_URL is set to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """The one token that is served; assign another to revoke it."""
        return self.world.token

    @token.setter
    def token(self, value: str) -> None:
        self.world.token = value

    @property
    def updates(self) -> UpdateQueue:
        """Updates the bot has not acknowledged."""
        return self.world.updates

    async def start(self) -> None:
        """Listens."""
        application = web.Application(client_max_size=self.world.file_limit + 8 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Closes the port and every connection; calls in flight are dropped."""
        runner, self._runner = self._runner, None
        self.world.changed()
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> BotApi:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- people -----------------------------------------------------------------------------------

    def person(
        self, user_id: int, first_name: str = "Ann", username: str | None = None, *, started: bool = False
    ) -> Person:
        """Somebody, the same each time for the same id; `started` means they spoke to the bot before."""
        with self.world.lock:
            chat = self.world.chats.get(user_id)
            if chat is None:
                user: Json = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": "en"}
                if username:
                    user["username"] = username
                chat = self.world.chats[user_id] = Chat(user_id, "private", user=user, started=started)
            return Person(self.world, chat)

    def group(self, chat_id: int, title: str = "A group", *, member: bool = False) -> Group:
        """A group (a supergroup when its id begins with -100); the bot is in it once somebody put it in."""
        kind = "supergroup" if str(chat_id).startswith("-100") else "group"
        return Group(self.world, self.world.chats.setdefault(chat_id, Chat(chat_id, kind, title, member=member)))

    def channel(self, chat_id: int, title: str = "A channel") -> Channel:
        """A channel with the bot in it."""
        return Channel(self.world, self.world.chats.setdefault(chat_id, Chat(chat_id, "channel", title)))

    def push_update(self, kind: str, payload: Json) -> int:
        """Queues any update at all, of a kind nobody knows yet too; answers its id."""
        return self.world.updates.push(kind, payload)

    # --- questions --------------------------------------------------------------------------------

    @property
    def floods(self) -> list[Call]:
        """Calls refused because the bot was too fast (not those a fault refused)."""
        return self.journal.refused(429)

    def limit(self, flood: FloodLimits | None) -> None:
        """Other flood limits from now on; None means none."""
        self.world.gate = FloodGate(flood) if flood is not None else None

    async def wait_for(
        self, condition: Callable[[], T | None], timeout: float = 10.0, what: str = "the condition"
    ) -> T:
        """The first truthy answer of `condition`, asked after every change; NotSeen after `timeout` s."""
        return await self.world.until(condition, timeout, lambda: self.missing(what))

    async def wait_until_read(self, timeout: float = 10.0) -> None:
        """Until the bot has acknowledged every update (which does not mean handled)."""
        await self.wait_for(lambda: not self.updates.waiting, timeout, "the bot to read its updates")

    def missing(self, what: str) -> str:
        """The story of a wait in vain."""
        calls = [f"  {call.method} {call.outcome} {call.code or ''} {call.description}" for call in self.journal]
        return f"{what} did not come true; the last calls:\n" + "\n".join(calls[-15:])

    # --- serving ----------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        head, _, tail = request.match_info["path"].partition("/")
        if head == "file":
            return self._download(tail)
        try:
            params = await read_params(request)
        except Refusal as refusal:
            call = self.journal.open(tail, {}, (), self.world.clock())
            return self._reply(call, refusal.envelope(), refusal.code)
        name, method = METHODS.get(tail.lower(), (tail, None))
        name = "getUpdates" if tail.lower() == "getupdates" else name
        values = {key: params.text(key) for key in params.values}
        call = self.journal.open(name, values, tuple(params.uploads), self.world.clock())
        try:
            await self._hold_back(call)
            before = self.faults.strike(name, values, Kind.DOWN, Kind.TOO_MANY) or self._failing(call, after=False)
            if before is not None:
                return await self._spoil(request, call, before, b"")
            reply, status = await self._outcome(request, call, method, params, head)
            after = self.faults.strike(name, values, Kind.REPLY_LOST, Kind.TRUNCATED) or self._failing(call, after=True)
            if after is not None:
                return await self._spoil(request, call, after, json.dumps(reply).encode())
            return self._reply(call, reply, status)
        except _Dropped:
            return self._hang_up(request, call)
        finally:
            self.world.changed()

    async def _outcome(
        self, request: web.Request, call: Call, method: Method | None, params: Params, head: str
    ) -> tuple[Json, int]:
        try:
            self._admit(head)
            if call.method == "getUpdates":
                result: Any = await self._get_updates(request, params)
            elif method is None:
                raise Refusal(404, "Not Found")
            else:
                with self.world.lock:
                    result = method(self.world, params)
        except Refusal as refusal:
            return refusal.envelope(), refusal.code
        call.took_effect = True
        call.result = result
        return {"ok": True, "result": result}, 200

    def _admit(self, head: str) -> None:
        token = head.removeprefix("bot")
        if not head.startswith("bot") or not token.partition(":")[0].isdigit() or not token.partition(":")[2]:
            raise Refusal(404, "Not Found")
        if token != self.world.token:
            raise Refusal(401, "Unauthorized")
        if self.world.logged_out:
            raise Refusal(400, "Logged out")

    def _reply(self, call: Call, reply: Json, status: int) -> web.Response:
        call.outcome = outcomes.OK if status == 200 else outcomes.REFUSED
        call.code, call.description = status, str(reply.get("description", ""))
        return web.json_response(reply, status=status)

    # --- trouble ----------------------------------------------------------------------------------

    async def _hold_back(self, call: Call) -> None:
        slow = self.faults.strike(call.method, call.params, Kind.SLOW)
        if slow is None:
            return
        call.faults.append(slow.kind.value)
        try:
            await self.world.until(lambda: slow.stopped or self._runner is None, slow.value, lambda: "")
        except NotSeen:
            return  # the delay is over: the usual way
        if self._runner is None:
            raise _Dropped

    def _failing(self, call: Call, *, after: bool) -> Fault | None:
        for kind in (Kind.SERVER_ERROR, Kind.GARBAGE):
            fault = self.faults.peek(call.method, call.params, kind)
            if fault is not None and fault.after_effect is after:
                return self.faults.strike(call.method, call.params, kind)
        return None

    async def _spoil(self, request: web.Request, call: Call, fault: Fault, reply: bytes) -> web.StreamResponse:
        call.faults.append(fault.kind.value)
        if fault.kind is Kind.TOO_MANY:
            return self._reply(call, too_many(int(fault.value)).envelope(), 429)
        if fault.kind is Kind.SERVER_ERROR:
            return self._reply(call, Refusal(int(fault.value), "Internal Server Error").envelope(), int(fault.value))
        if fault.kind is Kind.GARBAGE:
            call.outcome, call.code, call.description = outcomes.REFUSED, 502, "Bad Gateway"
            return web.Response(status=502, text=_GARBAGE, content_type="text/html")
        if fault.kind is not Kind.TRUNCATED:
            raise _Dropped
        call.outcome = outcomes.DROPPED
        half = web.StreamResponse(headers={"Content-Length": str(len(reply)), "Content-Type": "application/json"})
        await half.prepare(request)
        await half.write(reply[: len(reply) // 2])
        if request.transport is not None:
            request.transport.close()
        return half

    def _hang_up(self, request: web.Request, call: Call) -> web.Response:
        call.outcome = outcomes.GONE if _gone(request) and not call.faults else outcomes.DROPPED
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _download(self, tail: str) -> web.Response:
        token, _, path = tail.partition("/")
        stored = self.world.files.get(path.rpartition("/")[2])
        if token != f"bot{self.world.token}" or stored is None:
            return web.json_response(Refusal(404, "Not Found").envelope(), status=404)
        return web.Response(body=stored.data)

    # --- long polling -----------------------------------------------------------------------------

    async def _get_updates(self, request: web.Request, params: Params) -> list[Json]:
        queue = self.world.updates
        values = {key: params.text(key) for key in params.values}
        with self.world.lock:
            if self.world.webhook_url:
                raise Refusal(409, _WEBHOOK)
            if (kinds := params.structure("allowed_updates", "allowed updates")) is not None:
                queue.allow(kinds)
            self.concurrent_polls += self._poll is not None and not _gone(self._poll)
            self._poll = request
            queue.acknowledge(params.integer("offset"))
        limit = params.integer("limit", 100)
        limit = limit if 1 <= limit <= 100 else 100

        def ready() -> bool:
            return bool(
                self._poll is not request
                or self._runner is None
                or self.world.webhook_url
                or self.faults.pending(Kind.DOWN, "getUpdates", values)
                or queue.waiting
            )

        with contextlib.suppress(NotSeen):  # nothing happened meanwhile: an empty answer
            await self.world.until(ready, min(max(0, params.integer("timeout")), _LONGEST_POLL), lambda: "")
        with self.world.lock:
            current = self._poll is request
            if current:
                self._poll = None
            if self._runner is None or _gone(request):
                raise _Dropped
            if not current:
                raise Refusal(409, _CONFLICT)
            if self.world.webhook_url:
                raise Refusal(409, "Conflict: terminated by setWebhook request")
            if (down := self.faults.strike("getUpdates", values, Kind.DOWN)) is not None:
                self.journal.last("getUpdates").faults.append(down.kind.value)
                raise _Dropped
            batch = queue.batch(limit)
            queue.handed_out.extend(update["update_id"] for update in batch)
            return batch


class ThreadedBotApi(BotApi):
    """The same server in a thread of its own; people, faults and journal are used as they are, waiting is
    synchronous (`wait_for_sync`, `Person.wait_for_sync`, `Press.wait_sync`)."""

    def __enter__(self) -> ThreadedBotApi:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="telegram", daemon=True)
        self._thread.start()
        self._run(self.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Any) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result(15)

    def stop_listening(self) -> None:
        """Refuses connections until `listen_again`."""
        self._run(self.stop())

    def listen_again(self) -> None:
        """Listens on the same port as before."""
        self._run(self.start())

    def wait_for_sync(self, condition: Callable[[], T | None], timeout: float = 10.0, what: str = "the condition") -> T:
        """As `wait_for`, for the test's thread."""
        return self.world.until_sync(condition, timeout, lambda: self.missing(what))
