"""The chat as a running thing: commands and buttons, late ones, kills, trouble with Telegram, and the stop.

The rule: the real application over HTTP against the loopback Telegram; nothing waits for time.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from bot.errors import SettingsError
from handlers.chat.polling import readable
from tests.handlers.chat_stage import OWNER, VIEWER, ChatStage, play
from tests.telegram.stories import connected


def test_a_command_is_obeyed_whatever_its_case_and_address(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            for words in ("/look a b", "/LOOK a b", "/look@loopback_bot   a\nb"):
                stage.owner.say(words)
                assert (await stage.owner.wait_for("echo")).text == "echo a b"
            stage.owner.say("/look@another_bot a b")
            stage.owner.say("/look c")
            await stage.owner.wait_for("echo c")
            assert stage.commands.done == ["echo a b"] * 3 + ["echo c"]

    play(story, tmp_path)


def test_what_is_no_command_gets_a_hint(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            for words, hint in (
                ("/linaer 1 2", "Did you mean /linear?"),
                ("/<b>", "I don't know /<b>. /help lists"),
                ("look at this", "Did you mean /look?"),
                ("hello", "/help lists"),
            ):
                stage.owner.say(words)
                await stage.owner.wait_for(hint)
            stage.owner.send_other(sticker={"file_id": "x"})
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            assert len(stage.owner.texts) == 5

    play(story, tmp_path)


def test_a_button_works_once_and_every_press_is_answered(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/ask")
            asked = await stage.owner.wait_for("Cake?")
            (button,) = asked.buttons
            assert not (await stage.owner.press("Yes").wait()).text
            await stage.owner.wait_for("Here you are.")
            assert stage.commands.done == ["yes ['cake']"] and not asked.buttons
            again = await stage.owner.press("Yes", asked, stale=True).wait()
            assert again.alert and "used already" in again.text
            for data in ("no:such", "yes", "yes:", "yes:0123456789ab", ":"):
                assert (await stage.owner.press_data(data, asked).wait()).alert
            stage.owner.say("/ask")
            await stage.owner.wait_for("Cake?")
            stage.time.move(601)
            assert "older than 10 minutes" in (await stage.owner.press("Yes").wait()).text
            assert len(stage.commands.done) == 1 and button.data is not None

    play(story, tmp_path)


def test_a_press_is_obeyed_although_it_can_t_be_answered(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/ask")
            await stage.owner.wait_for("Cake?")
            with stage.api.faults.server_error(500, "answerCallbackQuery"):
                stage.owner.press("Yes")
                await stage.owner.wait_for("Here you are.")
                stage.owner.press("Yes", stale=True)
                await stage.owner.wait_for("used already")  # said, where it can't be answered
            assert stage.commands.done == ["yes ['cake']"]

    play(story, tmp_path)


def test_a_slow_command_delays_no_other(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/slow")
            stage.owner.say("/pause")
            await stage.owner.wait_for("paused")
            assert stage.commands.done == ["slow begins", "pause"]
            stage.commands.hold.set()

    play(story, tmp_path)


def test_errors_for_people_are_said_and_others_noted_with_a_reference(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/wrong")
            await stage.owner.wait_for("1 < 2 & so on")
            stage.owner.say("/broken")
            message = await stage.owner.wait_for("Something went wrong on my side")
            assert "of no interest" not in message.text
            reference = message.text.partition("(ref ")[2][:6]
            (record,) = [each for each in caplog.records if reference in each.getMessage()]
            assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError

    play(story, tmp_path)


# -- late commands and kills -----------------------------------------------------------------------------------------


def test_a_late_command_waits_for_its_button(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.owner.say("/linear 1 <2>", date=stage.time.at - timedelta(minutes=3))
        stage.viewer.say("/linear 3", date=stage.time.at - timedelta(minutes=3))
        async with stage.worker():
            offered = await stage.owner.wait_for("You sent this 3 minutes ago")
            assert "/linear 1 <2>" in offered.text and stage.commands.done == []
            await stage.viewer.wait_for("Only an owner")
            assert not (await stage.owner.press("Do it now").wait()).text
            await stage.owner.wait_for("echo 1 <2>")
            assert stage.commands.done == ["echo 1 <2>"]
            assert "used already" in (await stage.owner.press("Do it now", offered, stale=True).wait()).text

    play(story, tmp_path)


def test_a_late_pause_is_obeyed(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.owner.say("/pause", date=stage.time.at - timedelta(hours=3))
        async with stage.worker():
            await stage.owner.wait_for("paused")

    play(story, tmp_path)


def test_no_update_is_acknowledged_before_it_is_noted(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.store.may_note.clear()
        async with stage.worker():
            stage.owner.say("/look")
            stage.stranger.say("/look")
            await stage.api.wait_for(lambda: len(stage.api.updates.handed_out) >= 1)
            for _ in range(20):
                await asyncio.sleep(0)
            assert stage.api.updates.waiting and stage.commands.done == []
            stage.store.may_note.set()
            await stage.owner.wait_for("echo")
            await stage.api.wait_until_read()

    play(story, tmp_path)


def test_a_command_that_a_kill_cut_off_comes_up_again_as_a_question(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/slow down")
            stage.owner.say("/look")
            stage.stranger.say("/look")
            await stage.owner.wait_for("echo")
            await stage.api.wait_until_read()
        assert stage.commands.done[:1] == ["slow begins"] and "slow ends" not in stage.commands.done
        stage.commands.hold.set()
        async with stage.worker() as worker:
            worker.service.recall()  # once more changes nothing
            offered = await stage.owner.wait_for("it has not been done")
            assert "/slow down" in offered.text
            await stage.owner.press("Do it now").wait()
            await stage.api.wait_for(lambda: "slow ends" in stage.commands.done)
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            await stage.api.wait_for(lambda: len(stage.store.tables["updates"]) <= 1)
        async with stage.worker():
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            assert len(stage.owner.messages) == 5  # echo, offer become "Doing it now", echo, echo; nothing a third time

    play(story, tmp_path)


def test_a_press_that_a_kill_cut_off_is_answered_with_a_sentence(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            stage.owner.say("/ask")
            asked = await stage.owner.wait_for("Cake?")
            await stage.api.wait_until_read()
            await worker.service.stop()
            stage.owner.press("Yes", asked)
            async with connected(stage.api) as bot:
                await worker.service.inbox.take(await bot.get_updates())
            notes = stage.store.tables["updates"]
            assert orjson.loads(orjson.dumps(notes)) == notes
        async with stage.worker():
            assert "restarted" in (await stage.owner.presses[-1].wait()).text

    play(story, tmp_path)


def test_what_was_done_but_not_acknowledged_is_not_done_twice(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            await stage.api.wait_for(lambda: stage.api.journal.calls("getUpdates"))
            lost = stage.api.faults.down("getUpdates", where=lambda values: "offset" in values)
            stage.owner.say("/linear 1")
            await stage.owner.wait_for("echo")
            await stage.api.wait_for(lambda: lost.hits)
        lost.stop()
        assert stage.api.updates.waiting
        async with stage.worker():
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            await stage.api.wait_until_read()
            assert stage.commands.done == ["echo 1", "echo "]

    play(story, tmp_path)


def test_commands_are_obeyed_although_nothing_can_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.store.is_full = True
            for words in ("1", "2"):
                stage.owner.say(f"/look {words}")
                await stage.owner.wait_for(f"echo {words}")
            await stage.api.wait_until_read()
            stage.store.is_full = False
        assert sum("can't be noted" in record.getMessage() for record in caplog.records) == 1

    play(story, tmp_path)


# -- trouble with Telegram -------------------------------------------------------------------------------------------


def test_a_start_does_not_wait_for_telegram(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: ChatStage) -> None:
        await stage.api.stop()
        async with stage.worker() as worker:
            await worker.fill("g1.1")
            await stage.api.start()
            await stage.owner.wait_for("LevelFilled g1.1")
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
        logged = [record.getMessage() for record in caplog.records if record.name == "handlers.chat.polling"]
        assert [message.startswith("Telegram can't be reached") for message in logged] == [True, False]
        assert all(stage.api.token not in message for message in logged)

    with caplog.at_level(logging.INFO):
        play(story, tmp_path)


def test_a_stop_needs_no_telegram(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        await stage.api.stop()
        stage.time.flows = False
        async with stage.worker() as worker:
            await worker.fill("g1.1")
        assert len(stage.store.tables["outbox"]) == 1

    play(story, tmp_path)


def test_a_token_that_telegram_refuses_ends_the_start_and_is_not_shown(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(start=False) as worker:
            stage.api.token = "1:another"
            with pytest.raises(SettingsError, match=r"^TELEGRAM_BOT_TOKEN: expected") as caught:
                await worker.service.start()
            assert "loopback" not in str(caught.value) and caught.value.__cause__ is None

    play(story, tmp_path)


def test_an_outage_is_logged_once_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            await stage.api.wait_for(lambda: stage.api.journal.calls("getUpdates"))
            with stage.api.faults.down() as outage:
                stage.owner.say("/pause")
                await worker.fill("g1.1")
                await stage.api.wait_for(lambda: outage.hits > 12)
            await stage.owner.wait_for("paused")
            await stage.owner.wait_for("LevelFilled g1.1")
            for trouble in (stage.api.faults.garbage, stage.api.faults.truncated, stage.api.faults.server_error):
                with trouble(method="getUpdates", times=2):
                    stage.owner.say("/pause")
                    await stage.owner.wait_for("paused")
        reached = [record for record in caplog.records if record.getMessage().startswith("Telegram can't be reached")]
        assert len(reached) <= 4
        assert not [each for each in caplog.records if each.name.startswith(("telegram", "httpx"))]

    play(story, tmp_path)


def test_another_poller_is_told_once(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            async with connected(stage.api) as other:
                for conflicts in (1, 2):
                    await stage.api.wait_for(lambda: stage.api.journal.last("getUpdates").outcome == "pending")
                    await other.get_updates(timeout=0)
                    await conflicts_of(stage, conflicts)
            await stage.owner.wait_for("Trouble another program polls")
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            stage.time.move(200)
            stage.owner.say("/look")
            await stage.api.wait_for(lambda: len([text for text in stage.owner.texts if "Trouble" in text]) == 2)
            await stage.api.wait_for(lambda: not worker.manager.state.outbox)

    play(story, tmp_path)


async def conflicts_of(stage: ChatStage, count: int) -> None:
    await stage.api.wait_for(lambda: len(stage.api.journal.refused(409)) == count)


def test_an_update_of_a_shape_nobody_knows_does_not_make_the_bot_deaf(tmp_path: Path) -> None:
    poison = {"update_id": 5, "message": {"message_id": 1, "date": "never", "chat": {"type": "private"}}}
    assert readable(poison) == {"update_id": 5}

    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.api.push_update("message", {"message_id": 1, "date": "never", "chat": {"type": "private"}})
            stage.api.push_update("something_new", {"a": 1})
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            await stage.api.wait_until_read()

    play(story, tmp_path)


def test_an_answer_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")

    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.api.faults.down("sendMessage", times=1)
            stage.api.faults.too_many(3, "sendMessage", times=1)
            stage.owner.say("/look")
            await stage.owner.wait_for("echo")
            assert 3.0 in stage.time.naps

    play(story, tmp_path)


def test_a_long_answer_goes_out_in_parts_with_the_buttons_below(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/look " + "word " * 800)
            await stage.owner.wait_for("echo")
            await stage.api.wait_for(lambda: len(stage.owner.texts) == 2)

    play(story, tmp_path)


# -- menu and stop ---------------------------------------------------------------------------------------------------


def test_everybody_finds_their_own_commands_in_the_menu(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.viewer.chat.started = True
        async with stage.worker():
            await stage.api.wait_for(lambda: len(stage.api.world.commands) == 2)
            menus = {key: [row["command"] for row in rows] for key, rows in stage.api.world.commands.items()}
            (owners,) = [menu for key, menu in menus.items() if f'"chat_id": {OWNER}' in key]
            (viewers,) = [menu for key, menu in menus.items() if f'"chat_id": {VIEWER}' in key]
            assert viewers == ["look"] and {"look", "linear", "pause"} <= set(owners)

    play(story, tmp_path)


def test_a_stop_cuts_off_what_hangs(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/slow")
            await stage.api.wait_until_read()
        assert stage.commands.done == ["slow begins"] and len(stage.store.tables["updates"]) == 1

    play(story, tmp_path)
