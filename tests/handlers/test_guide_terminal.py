"""A grid step by step in the terminal: numbers press, and where a number is the answer `#7` presses."""

from __future__ import annotations

import asyncio
import io
import os
import re
from datetime import UTC
from decimal import Decimal
from pathlib import Path

from bot.core.grids import GridSpec
from bot.core.money import use_exact
from bot.core.specs import as_command
from bot.exchange.simulated import open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People
from handlers.chat.questions import Questions
from handlers.commands import TABLE
from handlers.terminal.requests import PERSON, TOKEN, Terminal
from tests.handlers.trading_stage import HandClock, ShortPast


def script(lines: str, folder: Path) -> tuple[str, list[GridSpec]]:
    """What a script brings up to the end of its input, and the grids it made."""
    output, made = io.StringIO(), list[GridSpec]()

    async def story() -> None:
        use_exact()
        clock = HandClock()
        market, gateway = open_simulated(None, clock, 7, {"USDT": Decimal(10_000)}, Decimal("0.001"))
        config = ChatConfig("BTC/USDT", "", "simulated", UTC, folder)
        outbox = Outbox(config)
        world = World(market, gateway, MemoryStore(), MemoryLedger(), clock, outbox)
        manager = TradeManager(world, Policy(), Identity("tst", "simulated"))
        await manager.start()
        chat = Chat(manager, config, People([PERSON]), Questions(), pace=unhurried())
        chat.rehearsals.past = ShortPast(market, clock, 0)
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        reading, writing = os.pipe()
        os.write(writing, lines.encode())
        os.close(writing)
        with os.fdopen(reading) as stdin:
            terminal = Terminal(
                stdin=stdin,
                stdout=output,
                results_dir=folder,
                now=clock.now,
                words=TABLE.commands,
                on_end=ended.set_result,
            )
            terminal.awaits_number = lambda: chat.dialogues.wants_number(PERSON)
            requests, finished = terminal.requests, terminal.finished
            service = ChatService(chat, outbox, TABLE, token=TOKEN, requests=requests, finished=finished, drain=0.05)
            await service.start()
            try:
                async with asyncio.timeout(10):
                    await ended
            finally:
                await service.stop()
                made.extend(grid.spec for grid in manager.state.grids.values())
                await manager.close()

    asyncio.run(story())
    return output.getvalue(), made


def number_of(button: str, text: str) -> str:
    """The number under which a button stood last."""
    return str(re.findall(rf"\[(#?\d+)\] [^\[\n]*{re.escape(button)}", text)[-1])


def test_numbers_press_where_no_number_is_awaited_and_answer_where_one_is(tmp_path: Path) -> None:
    steps = ["/new", "1", "6", "12"]  # the market, the shape, the range
    text, _ = script("\n".join(steps) + "\n", tmp_path)
    assert "New grid, 4 of 8: levels" in text
    assert number_of("20 · 0.11 % apart", text).startswith("#")
    text, made = script("\n".join([*steps, "33", number_of("« Back", text)]) + "\n", tmp_path)
    assert "· 33 levels" in text  # not the button 33
    assert not made


def test_a_grid_is_made_by_pressing_and_typing(tmp_path: Path) -> None:
    typed = ["/new", "btc", "normal", "61000 64000", "10", "0.001", "0.8%", "yes"]
    text, _ = script("\n".join(typed) + "\n", tmp_path)
    text, made = script("\n".join([*typed, number_of("Create", text)]) + "\n", tmp_path)
    assert [as_command(spec) for spec in made] == ["/normal BTC/USDT 61000 64000 10 0.001 0.8% loop"]
    assert "g1 created" in text


def test_a_word_that_is_a_command_too_is_the_answer_where_it_is_asked_for(tmp_path: Path) -> None:
    text, _ = script("new\n1\ngeometric\ncancel\n", tmp_path)
    assert "✔ BTC/USDT · geometric" in text
    assert text.count("Cancelled; nothing was sent.") == 2  # in the page's place, and as the answer
