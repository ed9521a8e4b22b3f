"""A stage for mischief: the real application and trader, the strict loopback Telegram without a socket between them,
so that thousands of updates take seconds; a store that outlives restarts and kills, and a clock moved by hand.

The rule: nothing is asserted here. The server does not listen to which kinds of updates it is asked for: all arrive.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from telegram.request import BaseRequest, RequestData

from bot.exchange.simulated import SimulatedMarket, open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.reports import rehearsal
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from bot.upkeep.restoration import Backup
from bot.upkeep.vault import Vault
from handlers import create, pictures
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People
from handlers.chat.polling import UpdatesRequest
from handlers.chat.questions import Questions
from handlers.commands import TABLE
from tests.handlers.trading_stage import HandClock, ShortPast
from tests.telegram import journal as outcomes
from tests.telegram.bot_api import METHODS, BotApi
from tests.telegram.journal import Call
from tests.telegram.parameters import Params, Refusal, Upload
from tests.telegram.people import Channel, Group, Person
from tests.telegram.updates import KINDS

OLGA, OTTO, VIC = 7, 9, 8
STRANGERS = (666, 667, 668)
GROUP, SUPERGROUP, CHANNEL = -55, -100_123, -100_777
PATIENCE = 12.0
"""Seconds until an update that is not dealt with is one that hangs."""
MINUTES_OF_PAST = 30
FUNDS = Decimal(1_000_000)


def tiny_png(width: int = 1080, height: int = 1350) -> bytes:
    """A whole PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (1 + (width + 7) // 8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class QuickPencil(Executor):
    """Draws anything at once, and always the same."""

    def __init__(self) -> None:
        self._picture = tiny_png()

    def submit(self, draw: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        drawn: Future[Any] = Future()
        drawn.set_result(self._picture)
        return drawn


class Wire(BaseRequest):
    """The line to the server, without the line."""

    def __init__(self, api: BotApi) -> None:
        self._api = api

    @property
    def read_timeout(self) -> float | None:
        return 15.0

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        await asyncio.sleep(0)  # a call takes its time, in which others may come
        if "/file/" in url:
            return 200, self._api.world.files[url.rpartition("/")[2]].data
        call, params = self._opened(url.rpartition("/")[2], request_data)
        try:
            return 200, self._envelope({"ok": True, "result": await self._result(call, params)})
        except Refusal as refusal:
            call.outcome, call.code, call.description = outcomes.REFUSED, refusal.code, refusal.description
            return refusal.code, self._envelope(refusal.envelope())

    def _opened(self, method: str, request_data: RequestData | None) -> tuple[Call, Params]:
        params = Params(dict(request_data.json_parameters) if request_data is not None else {})
        files = request_data.multipart_data if request_data is not None else {}
        for name, (file_name, data, mime_type) in (files or {}).items():
            params.uploads[name] = Upload(file_name, data if isinstance(data, bytes) else data.read(), mime_type)
        call = Call(0, method, dict(params.values), tuple(params.uploads), self._api.world.clock())
        if method != "getUpdates":
            self._api.journal.entries.append(call)
        return call, params

    async def _result(self, call: Call, params: Params) -> Any:
        _, method = METHODS[call.method.lower()]
        call.result = method(self._api.world, params)
        call.outcome = outcomes.OK
        return call.result

    @staticmethod
    def _envelope(answer: dict[str, Any]) -> bytes:
        return json.dumps(answer).encode()


class Mailbox(Wire):
    """The line on which updates come: an update stays until a higher offset forgets it."""

    def __init__(self, api: BotApi, arrived: asyncio.Event) -> None:
        super().__init__(api)
        self._arrived = arrived

    def parse_json_payload(self, payload: bytes) -> dict[str, Any]:  # type: ignore[override]
        return UpdatesRequest.parse_json_payload(self, payload)  # type: ignore[arg-type]

    async def _result(self, call: Call, params: Params) -> Any:
        if call.method != "getUpdates":
            return await super()._result(call, params)
        updates = self._api.updates
        updates.acknowledge(params.integer("offset"))
        while not updates.waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return updates.batch(100)


class FuzzStage:
    """What mischief is made with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.store = HandClock(), MemoryStore()
        self.api = BotApi(clock=self.clock.seconds)
        purse = {"USDT": FUNDS}
        self.market, self.gateway = open_simulated(None, self.clock, 7, purse, Decimal("0.001"))
        self.owners = [self.api.person(OLGA, "Olga", started=True), self.api.person(OTTO, "Otto <b>&", started=True)]
        self.viewer: Person = self.api.person(VIC, "Vic", started=True)
        self.strangers = [self.api.person(number, f"Mallory {number}", started=True) for number in STRANGERS]
        self.groups: list[Group] = [self.api.group(GROUP), self.api.group(SUPERGROUP, "Signals <i>")]
        self.channel: Channel = self.api.channel(CHANNEL)
        self.pending: set[int] = set()
        self.restored: list[Backup] = []
        self.lives = 0
        self._moved, self._arrived = asyncio.Event(), asyncio.Event()
        self.manager: TradeManager
        self.chat: Chat
        self.service: ChatService
        self.api.updates.allowed = KINDS
        push = self.api.updates.push

        def noted(kind: str, payload: Any) -> int:
            number = push(kind, payload)
            self.pending.add(number)
            self._arrived.set()
            return number

        self.api.updates.push = noted  # type: ignore[method-assign]

    @property
    def people(self) -> list[Person]:
        return [*self.owners, self.viewer, *self.strangers]

    async def begin(self) -> None:
        """A life of the trader, deaf still."""
        config = ChatConfig("BTC/USDT", "(simulated)", "simulated", UTC, self.folder)
        outbox = Outbox(config)
        world = World(self.market, self.gateway, self.store, MemoryLedger(), self.clock, outbox)
        self.manager = TradeManager(world, Policy(), Identity("tst", "simulated"))
        await self.manager.start()
        vault = Vault(self.manager, self.folder, self.restored.append)
        people = People([person.id for person in self.owners], [self.viewer.id])
        self.chat = Chat(self.manager, config, people, Questions(), pace=unhurried(), vault=vault)
        self.chat.rehearsals.past = ShortPast(self.market, self.clock, MINUTES_OF_PAST)
        self.service = ChatService(
            self.chat,
            outbox,
            TABLE,
            token=self.api.token,
            api_url="http://loopback",
            requests=(Mailbox(self.api, self._arrived), Wire(self.api)),
            finished=self._finished,
            drain=0.01,
        )

    async def listen(self) -> None:
        """It hears from now on."""
        await self.service.start()
        self.lives += 1

    async def stop(self) -> None:
        """The end of a life, in the middle of whatever is under way."""
        await self.service.stop()
        await self.manager.close()
        # What is neither noted as unfinished nor still with Telegram does not come again.
        notes = self.store.tables.get("updates", {})
        again = {int(key) for key, note in notes.items() if isinstance(note, dict) and "update" in note}
        finished = {int(key) for key in notes} - again
        self.pending &= (again | {update["update_id"] for update in self.api.updates.waiting}) - finished

    def _finished(self, update_id: int) -> None:
        self.pending.discard(update_id)
        self._moved.set()

    async def settled(self) -> None:
        """Every update so far is dealt with. TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while self.pending:
                self._moved.clear()
                await self._moved.wait()
        for _ in range(3):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float, beats: int) -> None:
        """The market moves, the trader beats."""
        for _ in range(beats):
            self.clock.at += timedelta(seconds=seconds / beats)
            await self.manager.beat()

    def forget(self, most: int) -> None:
        """Long ago is deleted from the chats: nobody scrolls up so far."""
        for messages in self.api.world.messages.values():
            while len(messages) > most:
                del messages[next(iter(messages))]


@contextmanager
def quick_pictures() -> Iterator[None]:
    """Pictures that cost nothing, an exchange that remembers an hour, and progress told without pauses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_pencil", QuickPencil())
        patch.setattr(create, "LOOK_PAUSE", 0.0)
        patch.setattr(rehearsal, "INSTANT", 0.01)
        patch.setattr(rehearsal, "THOROUGH", 0.05)
        whole = SimulatedMarket.candles

        async def short(market: SimulatedMarket, symbol: str, count: int, *more: Any) -> Any:
            return await whole(market, symbol, min(count, 60), *more)

        patch.setattr(SimulatedMarket, "candles", short)
        yield
