"""A stage for stories in the chat: the real application and the real trader, a loopback Telegram, the built-in market,
and one clock that all of them go by and that only moves when told.

The rule: nothing is asserted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from telegram import Bot

from bot.core.lengths import Length
from bot.core.model import Candle
from bot.core.money import use_exact
from bot.exchange.simulated import SimulatedMarket, open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.reports.past import COUNTS, Past
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from bot.upkeep.restoration import Backup
from bot.upkeep.vault import Vault
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People
from handlers.chat.questions import Questions
from handlers.commands import TABLE
from tests.telegram.bot_api import BotApi
from tests.telegram.people import Person
from tests.telegram.rooms import What
from tests.telegram.world import Message

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
OWNER, VIEWER = 7, 8
TAG = "(simulated)"


class HandClock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()


class ShortPast(Past):
    """The past of an exchange that tells of so many minutes, and of all longer candles unless it is of none."""

    def __init__(self, market: SimulatedMarket, clock: HandClock, minutes: int) -> None:
        super().__init__(market, clock.now)
        self.minutes = minutes

    async def of(self, symbol: str, patience: float = 0.0, length: Length = Length.MINUTE) -> Sequence[Candle]:
        count = self.minutes if length is Length.MINUTE else COUNTS[length][-1]
        return await self._data.candles(symbol, count, length) if self.minutes else ()


class Stage:
    """What a story works with."""

    def __init__(
        self, api: BotApi, clock: HandClock, manager: TradeManager, market: SimulatedMarket, folder: Path
    ) -> None:
        self.api = api
        self.clock = clock
        self.manager = manager
        self.market = market
        self.folder = folder
        self.chat: Chat
        self.bot: Bot
        self.restored: list[Backup]
        self.owner: Person = api.person(OWNER, "Olga", "olga", started=True)
        self.viewer: Person = api.person(VIEWER, "Vic", "vic", started=True)

    async def ask(self, words: str, answer: str = "", *, person: Person | None = None) -> str:
        """Say something; the text of the message that shows `answer` (any, unless told), the tag taken off."""
        return plain(await self.hear(words, answer, person=person))

    async def hear(self, words: str, answer: What = "", *, person: Person | None = None) -> Message:
        """The same, the message itself."""
        who = person or self.owner
        who.say(words)
        return await who.wait_for(answer)

    async def press(self, button: str, answer: str) -> str:
        """Press a button; the text that shows `answer`."""
        await self.owner.press(button).wait()
        return plain(await self.owner.wait_for(answer))

    async def pass_time(self, seconds: float, beat: float = 1.0) -> None:
        """Let the market move and the trader beat."""
        end = self.clock.at + timedelta(seconds=seconds)
        while self.clock.at < end:
            self.clock.at += timedelta(seconds=beat)
            await self.manager.beat()

    async def grid(self, words: str = "-1% +1% 20 0.001 0.5% loop") -> None:
        """Create a grid through the chat, and let it place its orders."""
        await self.ask(f"/linear {words}", "Create")
        await self.press("Create", "created")
        await self.manager.beat()


def plain(message: Message) -> str:
    """What stands in a message, without the tag of pretended money."""
    return message.text.removesuffix(TAG).rstrip()


def play(
    story: Callable[[Stage], Awaitable[None]],
    folder: Path,
    *,
    funds: Mapping[str, Decimal] | None = None,
    policy: Policy | None = None,
    seed: int = 7,
    fee: str = "0.001",
    past: int = 0,
) -> None:
    """Run a story; with minutes of `past` previews have their picture and rehearsal, which takes half a second each."""

    async def run() -> None:
        use_exact()
        clock = HandClock()
        zone = ZoneInfo("Europe/Berlin")
        policy_ = policy if policy is not None else Policy(timezone=zone)
        purse = funds if funds is not None else {"USDT": Decimal(10000)}
        market, gateway = open_simulated(None, clock, seed, purse, Decimal(fee))
        config = ChatConfig("BTC/USDT", TAG, "simulated", zone, folder)
        outbox = Outbox(config)
        world = World(market, gateway, MemoryStore(), MemoryLedger(), clock, outbox)
        manager = TradeManager(world, policy_, Identity("tst", "simulated"))
        await manager.start()
        log = folder / "ops.log"

        def log_tail(count: int) -> list[str]:
            return log.read_text(encoding="utf-8").splitlines()[-count:] if log.exists() else []

        people = People([OWNER], [VIEWER])
        restored: list[Backup] = []
        vault = Vault(manager, folder, restored.append)
        chat = Chat(manager, config, people, Questions(), pace=unhurried(), log_tail=log_tail, vault=vault)
        chat.rehearsals.past = ShortPast(market, clock, past)
        async with BotApi(clock=clock.seconds) as api:
            service = ChatService(chat, outbox, TABLE, token=api.token, api_url=api.url)
            stage = Stage(api, clock, manager, market, folder)
            stage.chat, stage.bot, stage.restored = chat, service.application.bot, restored
            await service.start()
            try:
                await story(stage)
                await asyncio.sleep(0)
            finally:
                await service.stop()
                await manager.close()

    asyncio.run(run())
