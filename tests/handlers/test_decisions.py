"""Perpetuals in the chat: previews, alarms with their buttons, positions in /balance and /status, funding in /pnl; with
the real application and trader on a pretend venue for perpetuals.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from bot.core.margin import Oddity
from bot.core.model import FundingPaid
from bot.core.money import use_exact
from bot.core.snapshot import PositionNotOurs
from bot.exchange.simulated import SimulatedMarket
from bot.manager import TradeManager
from bot.ports import World
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People
from handlers.chat.questions import Questions
from handlers.commands import TABLE
from handlers.control import offer
from tests.fakes import START, dec
from tests.handlers.trading_stage import OWNER, VIEWER, HandClock, Stage
from tests.perpetuals import PERP, PerpetualStage
from tests.stage import IDENTITY
from tests.telegram.bot_api import BotApi

Story = Callable[[Stage, PerpetualStage], Awaitable[None]]


def play(story: Story, folder: Path) -> None:
    async def run() -> None:
        use_exact()
        venue = PerpetualStage()
        config = ChatConfig(PERP, "", "demo", ZoneInfo("UTC"), folder)
        outbox = Outbox(config)
        world = World(venue.data, venue.gateway, venue.store, venue.ledger, venue.clock, outbox)
        venue.manager = manager = TradeManager(world, venue.policy, IDENTITY)
        await manager.start()
        chat = Chat(manager, config, People([OWNER], [VIEWER]), Questions(), pace=unhurried())

        def seconds() -> float:
            return venue.clock.at.timestamp()

        async with BotApi(clock=seconds) as api:
            service = ChatService(chat, outbox, TABLE, token=api.token, api_url=api.url)
            stage = Stage(api, cast(HandClock, venue.clock), manager, cast(SimulatedMarket, venue.data), folder)
            await service.start()
            try:
                await story(stage, venue)
                await asyncio.sleep(0)
            finally:
                await service.stop()
                await manager.close()

    asyncio.run(run())


async def created(stage: Stage, venue: PerpetualStage) -> None:
    await stage.ask("/linear btc 59000 60000 5 0.001 0.5% loop", "Create")
    await stage.press("Create", "created")
    await venue.beat()


def test_a_preview_says_margin_and_liquidation(tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        told = await stage.ask("/linear 59000 60000 5 0.001 0.5% loop", "Create")
        assert "Margin at worst, leverage 3: 99.2262 USDT." in told
        assert "Estimated liquidation, isolated: 39,866" in told
        assert f"/linear {PERP} 59000 60000 5 0.001 0.5% loop" in told
        venue.account.aside, venue.account.leverage = dec("0.1"), dec(40)
        told = await stage.ask("/linear 50000 60000 5 0.001 0.5% loop", "can't be created")
        assert "above MIN (50000)" in told
        assert "Create" in await stage.ask("/linear 50000 60000 5 0.001 0.5% loop force", "Create")

    play(story, tmp_path)


def test_the_books_follow_at_the_press_of_a_button(tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        await created(stage, venue)
        await venue.beat("59400", PERP)
        venue.account.aside = dec("-0.003")
        await venue.looked()
        for _ in range(4):
            await venue.beat(seconds=10)
        await stage.owner.wait_for("the books hold 0.003 BTC, the exchange shows no position")
        told = await stage.press("Books follow", "Written off")
        assert told == "📘 Written off: 0.003 BTC at 59,399.5, −1.0515 USDT. g1 goes on. /status"
        assert "−1.0874" in await stage.ask("/pnl", "realised")

    play(story, tmp_path)


def test_staying_halted_changes_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        await created(stage, venue)
        await venue.beat("59400", PERP)
        venue.account.aside = dec("-0.003")
        await venue.looked()
        for _ in range(4):
            await venue.beat(seconds=10)
        await stage.owner.wait_for("the books hold")
        await stage.press("Stay halted", "Nothing was changed")
        assert "⛔ halted" in await stage.ask("/status", "g1")

    play(story, tmp_path)


def test_trading_beside_a_position_takes_one_press(tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        venue.account.aside = dec("0.5")
        await created(stage, venue)
        await stage.owner.wait_for("the position is larger than the books")
        assert venue.exchange.sent == set()
        told = await stage.press("Trade beside it", "is traded beside")
        assert "g1 runs" in told
        assert len(venue.resting(symbol=PERP)) == 5

    play(story, tmp_path)


@pytest.mark.parametrize(("oddity", "has_buttons"), [(Oddity.LARGER, True), (Oddity.SHORT, False)])
def test_what_orders_would_bounce_off_has_no_button(oddity: Oddity, has_buttons: bool, tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        config = ChatConfig(PERP, "", "demo", ZoneInfo("UTC"), tmp_path)
        chat = Chat(venue.manager, config, People([OWNER], []), Questions(), pace=unhurried())
        notice = PositionNotOurs(START, PERP, dec(0), dec("0.5"), (oddity,), ("g1",))
        assert (offer(chat, OWNER, notice) is not None) is has_buttons

    play(story, tmp_path)


def test_positions_liquidation_and_funding_are_shown(tmp_path: Path) -> None:
    async def story(stage: Stage, venue: PerpetualStage) -> None:
        await created(stage, venue)
        assert "liquidation" not in await stage.ask("/status", "Today")
        await venue.beat("59400", PERP)
        venue.account.funding = [FundingPaid("f1", PERP, dec("-0.12"), venue.clock.at)]
        await venue.looked()
        told = await stage.ask("/status", "liquidation")
        assert told.startswith("BTC/USDT:USDT 59,399.5, liquidation at 41,000 (−30.98 %)\n")
        assert "Today in all: −0.12 USDT (−0.12 of it funding) in 0 trades" in told
        told = await stage.ask("/balance", "Position")
        assert told.splitlines()[-2:] == [
            "Position BTC/USDT:USDT 0.003 BTC from 59,000, 3x isolated, liquidation at 41,000 USDT",
            "  of it grids hold 0.003",
        ]
        assert "bought for" not in told
        told = await stage.ask("/pnl all", "Profit")
        assert "of it funding −0.12" in " ".join(told.split())

    play(story, tmp_path)
