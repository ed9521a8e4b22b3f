"""A stage for the chat's machinery: the real application and trader with commands made for the test, a loopback
Telegram, a store that outlives a kill, and time that moves by hand or by itself.

The rule: nothing is asserted here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.core.model import Side
from bot.core.money import use_exact
from bot.core.snapshot import LevelFilled, Notice
from bot.errors import CommandError, StateUnwritable
from bot.exchange.simulated import open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Key, Policy, World
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig, Context
from handlers.chat.late import NOW, do_now
from handlers.chat.notify import Outbox
from handlers.chat.pace import Pace
from handlers.chat.people import People, Role
from handlers.chat.questions import Questions
from handlers.chat.table import Choice, Command, Table
from tests.telegram.bot_api import BotApi

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OWNER, VIEWER, STRANGER = 7, 8, 666


class Time:
    """A clock for everybody. With `flows` a sleep is over at once and moves it; else it moves when told."""

    def __init__(self, *, flows: bool = True) -> None:
        self.at = START
        self.flows = flows
        self.naps: list[float] = []
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        until = self.at + timedelta(seconds=seconds)
        if self.flows:
            self.at = max(self.at, until)
            await asyncio.sleep(0)
        while self.at < until:
            self._moved.clear()
            await self._moved.wait()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self._moved.set()


class MadeUp(Command):
    """A command for the test, of which no text says what it does."""

    @property
    def help(self) -> str:
        return self.name


class Shelf(MemoryStore):
    """A store that can be full, and that can be slow with the notes of updates."""

    def __init__(self) -> None:
        super().__init__()
        self.on_change: Callable[[], object] = int
        self.is_full = False
        self.may_note = asyncio.Event()
        self.may_note.set()

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        if any(table == "updates" for table, _ in changes):
            await self.may_note.wait()
        if self.is_full:
            raise StateUnwritable("the disk is full")
        await super().keep(changes)
        self.on_change()


class PlainWords:
    """Texts of notices that say just what is needed to recognise them."""

    def notice(self, notice: Notice, config: ChatConfig) -> str:
        about = (getattr(notice, name, "") for name in ("executor", "why", "person_id"))
        return f"{type(notice).__name__} {next(filter(None, about), '')}"

    def gathered(
        self, notices: Sequence[Notice], config: ChatConfig, before: dict[str, Any] | None
    ) -> tuple[str, dict[str, Any]]:
        names = [*(before or {"names": []})["names"], *(str(getattr(each, "executor", "?")) for each in notices)]
        return "digest of " + " ".join(names), {"names": names}


@dataclass
class Commands:
    """Commands made for the test, and what came of them."""

    done: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def echo(self, update: Update, context: Context) -> None:
        self.done.append(f"echo {context.words}")
        await context.say(update, escape(f"echo {context.words}"))

    async def slow(self, update: Update, context: Context) -> None:
        self.done.append("slow begins")
        await self.hold.wait()
        self.done.append("slow ends")

    async def wrong(self, update: Update, context: Context) -> None:
        raise CommandError("1 < 2 & so on")

    async def broken(self, update: Update, context: Context) -> None:
        raise ZeroDivisionError("of no interest to a person")

    async def ask(self, update: Update, context: Context) -> None:
        assert update.effective_user is not None
        nonce = context.chat.questions.ask(update.effective_user.id, ["cake"], context.chat.now())
        buttons = [InlineKeyboardButton("Yes", callback_data=f"yes:{nonce}")]
        await context.say(update, "Cake?", InlineKeyboardMarkup([buttons]))

    async def yes(self, update: Update, context: Context, about: object) -> None:
        self.done.append(f"yes {about}")
        await context.change(update, "Here you are.")

    async def pause(self, update: Update, context: Context) -> None:
        self.done.append("pause")
        await context.say(update, "paused")

    @property
    def table(self) -> Table:
        owner, viewer = Role.OWNER, Role.VIEWER
        commands = [
            MadeUp("look", viewer, self.echo, "[WORDS]"),
            MadeUp("linear", owner, self.echo),
            MadeUp("pause", owner, self.pause),
            MadeUp("slow", owner, self.slow),
            MadeUp("wrong", owner, self.wrong),
            MadeUp("broken", owner, self.broken),
            MadeUp("ask", owner, self.ask),
        ]
        return Table(commands, {"yes": Choice(owner, self.yes), NOW: Choice(viewer, do_now)})


@dataclass
class Worker:
    """One life of the bot; what it shares with the next is the store."""

    manager: TradeManager
    people: People
    outbox: Outbox
    service: ChatService
    announced: list[str]

    async def fill(self, *executors: str, at: datetime | None = None) -> None:
        """Have the trader tell of fills."""
        for executor in executors:
            await self.tell(fill_of(executor, at or self.manager.world.clock.now()))

    async def tell(self, *notices: Notice) -> None:
        for notice in notices:
            await self.manager.tell(notice)


def fill_of(executor: str, at: datetime) -> LevelFilled:
    one = Decimal(1)
    return LevelFilled(at, executor, "BTC/USDT", Side.BUY, one, one, True, one, True)


@dataclass
class ChatStage:
    """What a story works with."""

    api: BotApi
    time: Time
    folder: Path
    store: Shelf = field(default_factory=Shelf)
    commands: Commands = field(default_factory=Commands)

    def __post_init__(self) -> None:
        self.store.on_change = self.api.world.changed  # whoever waits looks at the store as well
        self.owner = self.api.person(OWNER, "Olga", started=True)
        self.viewer = self.api.person(VIEWER, "Vic", started=True)
        self.stranger = self.api.person(STRANGER, "Mallory", started=True)

    @contextlib.asynccontextmanager
    async def worker(
        self,
        owners: Iterable[int] = (OWNER,),
        viewers: Iterable[int] = (VIEWER,),
        *,
        start: bool = True,
        drain: float = 0.05,
    ) -> AsyncIterator[Worker]:
        """A worker, from its start to its stop."""
        made = await self.made(owners, viewers, drain=drain)
        if start:
            await made.service.start()
        try:
            yield made
        finally:
            await made.service.stop()
            await made.manager.close()

    async def made(self, owners: Iterable[int], viewers: Iterable[int], *, drain: float = 0.05) -> Worker:
        market, gateway = open_simulated(None, self.time, 7, {"USDT": Decimal(10_000)}, Decimal(0))
        config = ChatConfig("BTC/USDT", "", "simulated", UTC, self.folder)
        outbox = Outbox(config, PlainWords())
        world = World(market, gateway, self.store, MemoryLedger(), self.time, outbox)
        manager = TradeManager(world, Policy(), Identity("tst", "simulated"))
        await manager.start()
        people = People(owners, viewers)
        people.recall(manager.state.notes.get("chat", {}))
        pace = Pace(clock=self.time.seconds, sleep=self.time.sleep)
        announced: list[str] = []

        def announce(sentence: str) -> None:
            announced.append(sentence)
            self.api.world.changed()

        service = ChatService(
            Chat(manager, config, people, Questions(), pace=pace),
            outbox,
            self.commands.table,
            token=self.api.token,
            api_url=self.api.url,
            announce=announce,
            sleep=self.time.sleep,
            drain=drain,
        )
        return Worker(manager, people, outbox, service, announced)


def play(story: Callable[[ChatStage], Awaitable[None]], folder: Path, *, flows: bool = True) -> None:
    """Run a story."""

    async def run() -> None:
        use_exact()
        time = Time(flows=flows)
        async with BotApi(clock=time.seconds) as api:
            await story(ChatStage(api, time, folder))

    asyncio.run(run())
