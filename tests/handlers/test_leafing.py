"""Looking again: Refresh and pages by buttons that stay, edited in place, for the person who asked."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from handlers.chat.knocks import DAY, MOST_A_DAY, Knocks
from handlers.terminal.requests import Terminal
from handlers.words import keyboards
from handlers.words.leaves import LAST, cut
from tests.handlers.chat_stage import START
from tests.handlers.trading_stage import Stage, play


def test_refresh_edits_the_same_message_as_often_as_it_is_pressed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 3 0.001 0.5%")
        asked = await stage.hear("/status", "heartbeat")
        for second in (1, 2, 3):
            await stage.pass_time(1)
            assert f"11:00:0{second}, heartbeat" in await stage.press("Refresh", f"11:00:0{second}")
        assert stage.owner.last.id == asked.id
        await stage.owner.press("Refresh").wait()  # nothing has changed: nothing is said
        await stage.pass_time(3600, beat=600)
        assert "12:00:03" in await stage.press("Refresh", "12:00:03")

    play(story, tmp_path)


def test_a_look_ends_after_a_day_and_belongs_to_who_asked(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        looked = await stage.hear("/orders", "No order")
        nonce = str(looked.buttons[0].data).partition(":")[2]
        assert "belongs to somebody else" in str(stage.chat.questions.take(nonce, 8, stage.clock.at, stays=True))
        await stage.ask("/grids", "No grid", person=stage.viewer)
        assert not (await stage.viewer.press("Refresh").wait()).text
        stage.clock.at += DAY
        assert not (await stage.owner.press("Refresh", looked).wait()).text
        await stage.pass_time(1)
        assert "older than a day" in (await stage.owner.press("Refresh", looked).wait()).text

    play(story, tmp_path)


def test_a_list_that_grew_shorter_is_shown_to_its_end(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for _ in range(9):
            await stage.grid("60000 61000 1 0.0001 0.5%")
        shown = await stage.hear("/grids", "9 grids")
        assert "g9 BTC/USDT" in await stage.press("»", "g9 BTC/USDT")
        for number in range(2, 10):
            await stage.manager.keep_coins(f"g{number}")
        await stage.manager.beat()
        told = await stage.press("2 of 2", "1 grid")
        assert "g1 BTC/USDT" in told
        assert [button.text for button in shown.now.buttons] == ["🔄 Refresh"]

    play(story, tmp_path)


def test_a_place_beyond_either_end_is_the_end() -> None:
    rows = list(range(7))
    assert cut(rows, 3, 0) == ([0, 1, 2], 0, 3)
    assert cut(rows, 3, LAST) == ([6], 2, 3)
    assert cut(rows, 3, -LAST) == ([0, 1, 2], 0, 3)
    assert cut([], 3, 5) == ([], 0, 1)


def test_an_answer_without_buttons_brings_the_keyboard_of_safe_commands_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = await stage.hear("/balance", "Balance")
        again = await stage.hear("/balance", "Balance")
        theirs = await stage.hear("/balance", "Balance", person=stage.viewer)
        shown = [["/status", "/grids"], ["/pnl", "/orders"]]
        for message, rows in ((first, shown), (again, []), (theirs, shown)):
            keys = (message.now.markup or {}).get("keyboard", [])
            assert [[key if isinstance(key, str) else key["text"] for key in row] for row in keys] == rows
        assert (first.now.markup or {})["is_persistent"]

    play(story, tmp_path)


def test_in_a_terminal_only_what_turns_a_page_has_a_number(tmp_path: Path) -> None:
    async def story() -> str:
        page = io.StringIO()
        terminal = Terminal(
            stdin=None, stdout=page, results_dir=tmp_path, now=lambda: START, words=(), on_end=lambda _: None
        )
        terminal.start()
        for count in (1, 3):
            markup = keyboards.leaves("0" * 12, 0, count).to_dict()
            await terminal.call("sendMessage", {"text": "page", "reply_markup": markup}, {})
        return page.getvalue()

    assert asyncio.run(story()) == "page\n\npage\n  [1] «   [2] ‹   [3] ›   [4] »\n  🔄 1 of 3\n\n"


def test_of_strangers_nobody_is_news_twice_within_a_day_and_few_are() -> None:
    knocks = Knocks()
    assert knocks.is_news(1, START) and not knocks.is_news(1, START + DAY / 2)
    others = [knocks.is_news(person, START) for person in range(2, 50)]
    assert others.count(True) == MOST_A_DAY - 1
    again = Knocks()
    again.recall({"knocks": knocks.note})
    assert not again.is_news(1, START + DAY / 2) and not again.is_news(99, START + DAY / 2)
    assert again.is_news(1, START + DAY) and again.is_news(99, START + DAY)
