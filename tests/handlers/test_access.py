"""The doorman: roles, strangers, groups, what is not obeyed, and claiming.

The rule: the real application over HTTP; that nothing was said is seen once a later command has been answered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from telegram import Chat as TelegramChat
from telegram import Message, Update, User

from bot.texts.catalogue import say
from handlers.chat.knocks import MOST_A_DAY
from handlers.chat.people import People, Role
from tests.handlers.chat_stage import OWNER, STRANGER, VIEWER, ChatStage, play
from tests.handlers.trading_stage import Stage
from tests.handlers.trading_stage import play as trade

KINDS_OF_MESSAGE = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_message", "edited_business_message",
)  # fmt: skip


async def settled(stage: ChatStage) -> None:
    """Until all that was sent so far has been dealt with."""
    stage.owner.say("/look settled")
    await stage.owner.wait_for("echo settled")
    await stage.api.wait_until_read()


def said(person: int, text: str = "/linear 1", **more: object) -> dict[str, Any]:
    user = {"id": person, "is_bot": False, "first_name": "X"}
    chat = {"id": person, "type": "private", "first_name": "X"}
    return {"message_id": 9, "date": 1_795_341_600, "chat": chat, "from": user, "text": text, **more}


def test_an_empty_list_serves_nobody() -> None:
    nobody = People()
    assert nobody.role(0) is Role.STRANGER and not nobody.is_claimed
    assert nobody.role_of("no update") is Role.STRANGER


@pytest.mark.parametrize(
    ("chat", "role"),
    [
        (TelegramChat(OWNER, "private"), Role.OWNER),
        (TelegramChat(OWNER, "group"), Role.STRANGER),
        (TelegramChat(VIEWER, "private"), Role.STRANGER),
        (TelegramChat(-100, "supergroup"), Role.STRANGER),
        (TelegramChat(-100, "channel"), Role.STRANGER),
    ],
)
def test_a_role_needs_the_id_and_the_persons_own_private_chat(
    chat: TelegramChat, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    people = People([OWNER], [VIEWER, OWNER])
    message = Message(1, datetime.now(UTC), chat, from_user=User(OWNER, "Olga", is_bot=False))
    assert people.role_of(Update(1, message=message)) is role
    assert people.role_of(Update(1)) is Role.STRANGER


def test_strangers_get_nothing_and_the_owner_one_note_a_day(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.owner.say("/ask")
            asked = await stage.owner.wait_for("Cake?")
            for words in ("/start", "/linear 1", "/look", "hello", "/start abc"):
                stage.stranger.say(words)
            press = stage.stranger.press_data(str(asked.buttons[0].data), asked)
            stage.stranger.inline_query("grid")
            await stage.owner.wait_for(f"StrangerKnocked {STRANGER}")
            await settled(stage)
            assert stage.stranger.texts == [] and not press.answered and stage.commands.done == ["echo settled"]
            assert sum(str(STRANGER) in text for text in stage.owner.texts) == 1
            assert not [call for call in stage.api.journal if call.chat_id == STRANGER]
            await stage.owner.press("Yes").wait()  # the stranger's press took nothing away
            await stage.owner.wait_for("Here you are.")
            stage.time.move(86_400)
            stage.stranger.say("/start")
            await stage.owner.wait_for(f"StrangerKnocked {STRANGER}")

    play(story, tmp_path)


def test_many_strangers_do_not_flood_the_owner(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            for number in range(40):
                stage.api.person(1_000 + number).say("/start")
            await stage.api.wait_for(lambda: sum("StrangerKnocked" in text for text in stage.owner.texts) == MOST_A_DAY)
            await settled(stage)
            assert sum("StrangerKnocked" in text for text in stage.owner.texts) == MOST_A_DAY
        async with stage.worker():  # a restart forgets nobody
            stage.api.person(1_001).say("/start")
            stage.api.person(2_000).say("/start")
            await settled(stage)
            assert sum("StrangerKnocked" in text for text in stage.owner.texts) == MOST_A_DAY

    play(story, tmp_path)


@pytest.mark.parametrize("kind", KINDS_OF_MESSAGE)
@pytest.mark.parametrize("person", [OWNER, STRANGER])
def test_only_a_new_private_message_is_a_command(kind: str, person: int, tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.api.updates.allowed = frozenset(KINDS_OF_MESSAGE)
            stage.api.push_update(kind, said(person))
            stage.api.push_update(kind, said(person, business_connection_id="x"))
            await stage.api.wait_until_read()
            await settled(stage)
            done = ["echo 1"] * 2 if (kind, person) == ("message", OWNER) else []
            assert sorted(stage.commands.done) == [*done, "echo settled"]

    play(story, tmp_path)


def test_every_other_kind_of_update_stops_at_the_door(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            await settled(stage)
            owner = {"id": OWNER, "is_bot": False, "first_name": "Olga"}
            stage.api.updates.allowed = frozenset({
                "inline_query", "chosen_inline_result", "poll_answer", "message_reaction", "chat_join_request",
                "chat_member", "pre_checkout_query", "poll",
            })  # fmt: skip
            stage.owner.inline_query("/linear 1")
            stage.owner.poll_answer()
            stage.owner.react(stage.owner.last)
            stage.api.push_update("chosen_inline_result", {"result_id": "1", "from": owner, "query": "/linear 1"})
            stage.api.push_update("nobody_knows", {"from": owner, "text": "/linear 1"})
            stage.owner.press_data("yes:00", None)
            await stage.api.wait_until_read()
            stage.api.updates.allowed = frozenset({"message"})
            await settled(stage)
            assert stage.commands.done == ["echo settled"] * 2

    play(story, tmp_path)


def test_edited_and_forwarded_commands_are_not_obeyed(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.api.updates.allowed = frozenset({"message", "edited_message"})
            message = stage.owner.say("/look 1")
            await stage.owner.wait_for("echo 1")
            stage.owner.edit(message, "/linear 2")
            stage.owner.forward("/linear 3", author=stage.stranger)
            stage.api.push_update("message", said(OWNER, via_bot={"id": 5, "is_bot": True, "first_name": "Inline"}))
            await settled(stage)
            assert stage.commands.done == ["echo 1", "echo settled"]

    play(story, tmp_path)


def test_viewers_look_and_do_not_touch(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            stage.viewer.say("/look 1")
            await stage.viewer.wait_for("echo 1")
            stage.viewer.say("/linear 2")
            await stage.viewer.wait_for("Only an owner may use /linear")
            stage.owner.say("/ask")
            asked = await stage.owner.wait_for("Cake?")
            foreign = stage.viewer.press_data(str(asked.buttons[0].data), asked)
            answer = await stage.viewer.press_data(str(asked.buttons[0].data), stage.viewer.last).wait()
            assert answer.alert and not foreign.answered and stage.commands.done == ["echo 1"]
            await stage.owner.press("Yes").wait()
            await stage.owner.wait_for("Here you are.")

    play(story, tmp_path)


def test_a_group_hears_one_sentence_and_is_left(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            group = stage.api.group(-100_500)
            for times in (1, 2):
                stage.owner.add_bot_to(group)
                stage.owner.say_in_group("/linear 1", group)
                await stage.api.wait_for(lambda: not group.chat.member)
                await settled(stage)
                assert group.texts == [say("door.group")] * times and "echo 1" not in stage.commands.done
            channel = stage.api.channel(-100_600)
            stage.api.updates.allowed = frozenset({"channel_post", "message"})
            channel.post("/linear 1")
            await stage.api.wait_for(lambda: not channel.chat.member)
            await settled(stage)
            assert channel.texts == [] and "echo 1" not in stage.commands.done

    play(story, tmp_path)


def test_a_group_that_can_t_be_left_is_left_at_the_next_word(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            group = stage.api.group(-500)
            with stage.api.faults.server_error(500, "leaveChat", times=4):
                stage.owner.add_bot_to(group)
                await stage.api.wait_for(lambda: len(stage.api.journal.calls("leaveChat")) == 4)
                await settled(stage)
            stage.owner.say_in_group("hello?", group)
            await stage.api.wait_for(lambda: not group.chat.member)
            assert group.texts == [say("door.group")]

    play(story, tmp_path)


# -- claiming --------------------------------------------------------------------------------------------------------


def code_of(link: str) -> str:
    return link.partition("https://t.me/loopback_bot?start=")[2]


def test_whoever_opens_the_link_is_the_owner_for_good(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(owners=(), viewers=()) as worker:
            (link,) = worker.announced
            assert not worker.people.is_claimed and len(code_of(link)) >= 20
            for words in ("/start", "/linear 1", f"start {code_of(link)}", "/start wrong"):
                stage.stranger.say(words)
            stage.stranger.forward(f"/start {code_of(link)}", author=stage.owner)
            await stage.api.wait_until_read()
            stage.owner.start(code_of(link))
            await worker.people.claimed.wait()
            told = await stage.owner.wait_for("You are my owner now")
            assert f"TELEGRAM_OWNER_IDS={OWNER}" in told.text
            stage.stranger.start(code_of(link))
            await settled(stage)
            assert worker.people.owners == {OWNER} and stage.stranger.texts == []
            stage.time.move(5)
            await worker.fill("g1.1")
            await stage.owner.wait_for("LevelFilled g1.1")
            assert len(worker.announced) == 2
        async with stage.worker(owners=(), viewers=()) as worker:
            assert worker.people.is_claimed and worker.announced == []
            await settled(stage)
        async with stage.worker(owners=(VIEWER,)) as worker:  # the settings win
            assert worker.people.owners == {VIEWER}

    play(story, tmp_path, flows=False)


def test_five_wrong_codes_end_the_link(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(owners=()) as worker:
            for _ in range(5):
                stage.stranger.start("guess")
            await stage.api.wait_for(lambda: len(worker.announced) == 2)
            assert "5 wrong tries" in worker.announced[1] and "Restart" in worker.announced[1]
            stage.owner.start(code_of(worker.announced[0]))
            stage.viewer.say("/look")
            await stage.viewer.wait_for("echo")
            await stage.api.wait_until_read()
            assert not worker.people.is_claimed

    play(story, tmp_path, flows=False)


def test_the_link_runs_out_after_ten_minutes(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(owners=()) as worker:
            await stage.api.wait_for(lambda: 600.0 in stage.time.naps)
            stage.time.move(601)
            await stage.api.wait_for(lambda: len(worker.announced) == 2)
            assert "has run out" in worker.announced[1]
            stage.owner.start(code_of(worker.announced[0]))
            stage.viewer.say("/look")
            await stage.viewer.wait_for("echo")
            await stage.api.wait_until_read()
            assert not worker.people.is_claimed and not worker.people.claimed.is_set()

    play(story, tmp_path, flows=False)


def test_a_claim_that_can_t_be_kept_is_none(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(owners=()) as worker:
            stage.store.is_full = True
            stage.owner.start(code_of(worker.announced[0]))
            await stage.owner.wait_for("can't keep who owns me")
            assert not worker.people.is_claimed
            stage.store.is_full = False
            stage.owner.start(code_of(worker.announced[0]))
            await stage.owner.wait_for("You are my owner now")

    play(story, tmp_path, flows=False)


def test_the_note_about_a_stranger_shows_who_knocked_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        mallory = stage.api.person(STRANGER, "<b>Mallory & co", "mallory", started=True)
        for words in ("/start", "/linear -1% +1% 20 0.001 0.5%", "hello"):
            mallory.say(words)
        told = await stage.owner.wait_for(str(STRANGER))
        assert told.text.startswith(
            f"👤 Somebody with the user id {STRANGER} (“<b>Mallory & co @mallory”) wrote to me and got no answer."
        )
        await stage.ask("/status", "heartbeat")
        assert sum(str(STRANGER) in text for text in stage.owner.texts) == 1
        assert not mallory.texts and not stage.viewer.texts

    trade(story, tmp_path)
