"""The preview as a picture: its caption, candles of other lengths, the rehearsal; and what happens without them.
With the real application, trader, built-in market and drawing."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from bot.charts.preview import MOST_CANDLES
from bot.core.lengths import Length
from bot.reports.past import COUNTS
from handlers import pictures
from handlers.chat.people import People
from handlers.words import creation
from handlers.words.keyboards import LENGTHS
from tests.handlers.trading_stage import OWNER, TAG, VIEWER, Stage, play
from tests.telegram.html_rules import utf16_length
from tests.telegram.people import Person
from tests.telegram.world import Message

GRID = "/linear -1% +1% 3 0.001 0.5% loop"
BUTTONS = ["✅ Create", "Cancel", "1h", "4h", "1d", "1w", "Backtest"]
HOUR = 61
"""Minutes, the running one among them."""


def marks(message: Message) -> list[str]:
    return [button.text for button in message.buttons]


def is_preview(message: Message) -> bool:
    return bool(message.buttons) and "Preview" in message.text


async def drawn(stage: Stage, button: str, message: Message, person: Person | None = None) -> Message:
    """Press a length of candles; the message once it shows them."""
    who = person or stage.owner
    await who.press(button, message).wait()
    return await who.wait_for(lambda seen: seen.id == message.id and f"· {button} ·" in marks(seen))


def test_a_preview_is_a_picture_whose_caption_says_all(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        assert shown.kind == "photo" and shown.file is not None
        assert (shown.file.width, shown.file.height) == (1080, 1350)
        assert marks(shown) == [*BUTTONS[:2], "· 1h ·", *BUTTONS[3:]]
        assert utf16_length(shown.text) <= 1024 and shown.text.endswith(TAG)
        for words in (
            "» 1 level above the market buys at once, near 62,500.02: about 62.50 USDT.",
            "Bound at worst, when every level has bought: 187.50 USDT.",
            "A cycle of a level earns +0.1851 to +0.1888 USDT",
            "Over the last 1 h it would have closed ",
            "2  62,500.00 → 62,812.50 · 0.001\n3»  63,125.00 → 63,440.63 · 0.001",
            "/linear BTC/USDT 61875 63125 3 0.001 0.5% loop",
            "Nothing is sent before you press Create.",
        ):
            assert words in shown.text, shown.text
        assert [entity["type"] for entity in shown.entities].count("expandable_blockquote") == 1
        told = await stage.press("Create", "g1 created")
        assert told.startswith("✅ g1 created: linear BTC/USDT, 3 levels.")
        assert stage.owner.last.id == shown.id and stage.owner.last.kind == "photo" and not stage.owner.last.buttons

    play(story, tmp_path, past=HOUR)


def test_levels_that_find_no_room_come_in_a_text_before_the_picture(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear("/linear -1% +1% 20 0.001 0.5% loop", is_preview)
        levels, picture = stage.owner.screen[-2:]
        assert picture.id == shown.id and not levels.buttons
        assert levels.text.startswith("All levels of linear BTC/USDT\n #      entry      exit amount\n 1  61,875.00")
        assert all(f"\n{number:2}" in levels.text for number in range(1, 21))
        assert "» 10 levels above the market buy at once" in picture.text

    play(story, tmp_path, past=HOUR)


def test_candles_of_another_length_are_drawn_in_place_and_create_works_after_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        pictures_seen = {shown.history[0].content.file.data} if shown.history[0].content.file else set()
        for length in ("4h", "1d", "1w"):
            again = await drawn(stage, length, shown)
            assert again.file is not None and again.text == shown.history[0].content.text
            pictures_seen.add(again.file.data)
            assert [text.strip("· ") for text in marks(again)] == BUTTONS
        assert len(pictures_seen) == 4
        assert stage.owner.last.id == shown.id and not stage.manager.state.grids
        await stage.press("Create", "g1 created")
        assert list(stage.manager.state.grids) == ["g1"]
        for button in ("4h", "Create"):
            late = stage.owner.press(button, shown, stale=True)
            assert "used already" in (await late.wait()).text
        assert "created" in stage.owner.last.text and list(stage.manager.state.grids) == ["g1"]

    play(story, tmp_path, past=HOUR)


def test_looking_at_other_candles_does_not_make_a_preview_younger(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        stage.clock.at += timedelta(minutes=9)
        await drawn(stage, "4h", shown)
        stage.clock.at += timedelta(minutes=2)
        for button in ("1d", "Create"):
            answer = await stage.owner.press(button, shown).wait()
            assert "older than 10 minutes" in answer.text or "used already" in answer.text
        assert not stage.manager.state.grids

    play(story, tmp_path, past=HOUR)


def test_forged_presses_draw_and_trade_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        nonce = (shown.buttons[0].data or "").partition(":")[2]
        for data in ("candles_4h:000000000000", "candles_4h", "candles_5y:" + nonce, "backtest:forged"):
            answer = await stage.owner.press_data(data, shown).wait()
            assert answer.text and answer.alert
        looked = await stage.hear("/price", person=stage.viewer)
        for data in (f"candles_4h:{nonce}", f"backtest:{nonce}", f"create:{nonce}"):
            assert "Only an owner" in (await stage.viewer.press_data(data, looked).wait()).text
        assert len(shown.history) == 1 and not stage.manager.state.grids

    play(story, tmp_path, past=HOUR)


def test_a_picture_that_is_drawn_late_does_not_undo_create(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        draw = pictures.preview

        async def drawn_late(*given: object) -> bytes | None:
            await stage.owner.press("Create", shown).wait()
            await stage.owner.wait_for("g1 created")
            return await draw(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(pictures, "preview", drawn_late)
        await stage.owner.press("4h", shown).wait()
        async with asyncio.timeout(10):
            while "button candles_4h" not in str([vars(record).get("context") for record in caplog.records]):
                await asyncio.sleep(0)  # until the press is dealt with
        assert "g1 created" in shown.text and not shown.buttons

    caplog.set_level(logging.INFO, "handlers.chat.audit")
    play(story, tmp_path, past=HOUR)


def test_what_finds_no_room_under_a_picture_is_said_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"line {number:03}" for number in range(200)]

    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        monkeypatch.setattr(creation, "created", lambda *_, **__: "\n".join(lines))
        await stage.press("Create", lines[-1])
        assert shown.kind == "photo" and shown.text.startswith("line 000") and utf16_length(shown.text) <= 1024
        said = "\n".join(message.text for message in stage.owner.screen if message.id >= shown.id)
        assert said.removesuffix(f"\n{TAG}").split("\n") == lines

    play(story, tmp_path, past=HOUR)


def test_where_drawing_fails_the_text_goes_out_with_the_same_buttons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spilt(*_: object) -> object:
        raise ValueError("ink")

    async def story(stage: Stage) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(pictures, "prospect", spilt)
            shown = await stage.hear(GRID, is_preview)
            assert shown.kind == "text" and marks(shown) == BUTTONS
            assert "2  62,500.00 62,812.50  0.001" in shown.text and "it would have closed" in shown.text
            await stage.owner.press("4h").wait()
            assert "The buttons still work" in (await stage.owner.wait_for("There is no picture of it now")).text
        stage.owner.press("4h", shown)
        again = await stage.owner.wait_for(lambda seen: seen.kind == "photo")
        assert again.id > shown.id and "· 4h ·" in marks(again) and is_preview(again)
        await stage.press("Create", "g1 created")

    play(story, tmp_path, past=HOUR)


def test_where_telegram_does_not_take_the_picture_the_text_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_picture(*_: object) -> bytes:
        return b"no picture"

    async def story(stage: Stage) -> None:
        monkeypatch.setattr(pictures, "preview", no_picture)
        shown = await stage.hear(GRID, is_preview)
        assert shown.kind == "text" and marks(shown) == BUTTONS
        await stage.press("Create", "g1 created")

    play(story, tmp_path, past=HOUR)


def test_without_history_the_text_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(GRID, is_preview)
        assert shown.kind == "text" and marks(shown) == BUTTONS
        assert "No past prices could be had now" in shown.text and "would have closed" not in shown.text

    play(story, tmp_path)


def test_two_people_look_at_two_previews(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.chat.people = People([OWNER, VIEWER])
        other = stage.viewer
        stage.owner.say(GRID)
        other.say("/geometric 61000 64000 4 0.001 0.5%")
        mine, yours = await stage.owner.wait_for(is_preview), await other.wait_for(is_preview)
        mine_again, yours_again = await drawn(stage, "1d", mine), await drawn(stage, "4h", yours, other)
        assert "linear" in mine_again.text and "geometric" in yours_again.text
        nonce = (mine.buttons[0].data or "").partition(":")[2]
        assert "somebody else" in (await other.press_data(f"candles_1w:{nonce}", yours).wait()).text
        await other.press("Create", yours).wait()
        await other.wait_for("g1 created: geometric")
        await stage.owner.press("Create", mine).wait()
        await stage.owner.wait_for("g2 created: linear")

    play(story, tmp_path, past=HOUR)


def test_a_preview_of_what_can_t_be_made_is_a_text_without_buttons(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear("/linear 60000 65000 20 1 0.05% loop", "Preview")
        assert shown.kind == "text" and not shown.buttons

    play(story, tmp_path, past=HOUR)


@pytest.mark.parametrize(
    ("length", "count", "words"),
    [
        (Length.HOUR, COUNTS[Length.HOUR][-1], "1h candles, last 4 days"),
        (Length.FOUR_HOURS, COUNTS[Length.FOUR_HOURS][-1], "4h candles, last 14 days"),
        (Length.DAY, COUNTS[Length.DAY][-1], "1d candles, last 3 months"),
        (Length.WEEK, COUNTS[Length.WEEK][-1], "1w candles, last 18 months"),
        (Length.HOUR, 1, "1h candles, last 1 hour"),  # a market that has just begun
        (Length.WEEK, 4, "1w candles, last 28 days"),
    ],
)
def test_a_picture_says_how_long_its_candles_are_and_how_far_back_they_go(
    length: Length, count: int, words: str
) -> None:
    assert creation.past(length, count) == words


def test_no_candles_of_a_preview_are_merged_since_its_words_name_their_length() -> None:
    assert all(COUNTS[length][-1] <= MOST_CANDLES for length in LENGTHS)
