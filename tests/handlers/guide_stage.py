"""A stage for dialogues: the real application and trader with the built-in market, two owners and a viewer, a store
that outlives a restart, and time that stands still.

The rule: nothing is asserted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from decimal import Decimal
from pathlib import Path

from bot.core.money import use_exact
from bot.exchange.simulated import open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.dialogues import Dialogue
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People
from handlers.chat.questions import Questions
from handlers.commands import TABLE
from tests.handlers.trading_stage import HandClock, ShortPast, plain
from tests.telegram.bot_api import BotApi
from tests.telegram.people import Person
from tests.telegram.world import Message

OLGA, OTTO, VIC = 7, 9, 8
PATIENCE = 20.0


class GuideStage:
    """What a story works with. `past`: minutes that the exchange remembers."""

    def __init__(self, api: BotApi, folder: Path, funds: str, past: int) -> None:
        self.api, self.folder, self.past = api, folder, past
        self.clock, self.store = HandClock(), MemoryStore()
        self.market, self.gateway = open_simulated(None, self.clock, 7, {"USDT": Decimal(funds)}, Decimal("0.001"))
        self.olga, self.otto, self.vic = (
            api.person(number, name, started=True) for number, name in ((OLGA, "Olga"), (OTTO, "Otto"), (VIC, "Vic"))
        )
        self.acts, self.done = 0, 0
        self._moved = asyncio.Event()
        self.manager: TradeManager
        self.chat: Chat
        self.service: ChatService

    async def start(self) -> None:
        """A life of the bot."""
        config = ChatConfig("BTC/USDT", "", "simulated", UTC, self.folder)
        outbox = Outbox(config)
        world = World(self.market, self.gateway, self.store, MemoryLedger(), self.clock, outbox)
        self.manager = TradeManager(world, Policy(), Identity("tst", "simulated"))
        await self.manager.start()
        self.chat = Chat(self.manager, config, People([OLGA, OTTO], [VIC]), Questions(), pace=unhurried())
        self.chat.rehearsals.past = ShortPast(self.market, self.clock, self.past)
        self.service = ChatService(
            self.chat, outbox, TABLE, token=self.api.token, api_url=self.api.url, finished=self._finished, drain=0.05
        )
        await self.service.start()

    async def stop(self) -> None:
        await self.service.stop()
        await self.manager.close()

    async def restart(self) -> None:
        """The next life, with what the store has kept and nothing else."""
        await self.stop()
        await self.start()

    def _finished(self, update_id: int) -> None:
        self.done += 1
        self._moved.set()

    async def settled(self) -> None:
        """Every act so far is dealt with."""
        async with asyncio.timeout(PATIENCE):
            while self.done < self.acts:
                self._moved.clear()
                await self._moved.wait()

    async def say(self, words: str, person: Person | None = None) -> str:
        """Say something; what the person's newest page or answer shows then."""
        who = person or self.olga
        self.acts += 1
        who.say(words)
        await self.settled()
        return plain(self.page(who))

    async def press(self, button: str, person: Person | None = None, message: Message | None = None) -> str:
        """Press a button of the newest message that has it, or of this one; what the newest page shows then."""
        who = person or self.olga
        self.acts += 1
        who.press(button, message, stale=message is not None)
        await self.settled()
        return plain(self.page(who))

    def page(self, person: Person | None = None) -> Message:
        """The message of a person's dialogue, or the last one where there is none."""
        who = person or self.olga
        dialogue = self.dialogue(who)
        found = [each for each in who.screen if dialogue is not None and each.id == dialogue.message_id]
        return found[0] if found else who.last

    def buttons(self, person: Person | None = None) -> list[str]:
        return [button.text for button in self.page(person).buttons]

    def dialogue(self, person: Person | None = None) -> Dialogue | None:
        return self.chat.dialogues.of((person or self.olga).id)

    @property
    def grids(self) -> list[str]:
        return list(self.manager.state.grids)


def play(story: Callable[[GuideStage], Awaitable[None]], folder: Path, *, funds: str = "10000", past: int = 0) -> None:
    """Run a story."""

    async def run() -> None:
        use_exact()
        async with BotApi() as api:
            stage = GuideStage(api, folder, funds, past)
            api.world.clock = stage.clock.seconds
            await stage.start()
            try:
                await story(stage)
            finally:
                await stage.stop()

    asyncio.run(run())
