"""The loopback Telegram: polling, people and presses, as a real python-telegram-bot meets them.

The rule: stories are told with the official client and, where it hides what came over the wire, with plain
HTTP.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden
from telegram.ext import Application, ApplicationBuilder, CallbackQueryHandler, CommandHandler, ContextTypes

from tests.telegram.bot_api import BotApi, ThreadedBotApi
from tests.telegram.people import Person
from tests.telegram.stories import Calendar, connected, picture, play
from tests.telegram.world import NotSeen

KEYBOARD = InlineKeyboardMarkup([
    [InlineKeyboardButton("Create", callback_data="yes"), InlineKeyboardButton("Cancel", callback_data="no")]
])  # fmt: skip


def test_a_real_application_is_talked_to_and_its_buttons_are_pressed() -> None:
    async def preview(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message is not None
        await update.effective_message.reply_text(f"Preview of {context.args}", reply_markup=KEYBOARD)

    async def decide(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("Created", show_alert=True)
        await update.callback_query.edit_message_text(f"Done: {update.callback_query.data}")

    async def run() -> None:
        async with BotApi() as api:
            base, files = f"{api.url}/bot", f"{api.url}/file/bot"
            app: Any = ApplicationBuilder().token(api.token).base_url(base).base_file_url(files).build()
            app.add_handler(CommandHandler("linear", preview))
            app.add_handler(CallbackQueryHandler(decide))
            owner = api.person(1001, "Olga", "olga")
            for _ in range(2):  # stopping and starting again disturbs nobody
                await serve(app)
                owner.say("/linear@loopback_bot BTC/USDT 54000")
                assert (await owner.wait_for("Preview")).text == "Preview of ['BTC/USDT', '54000']"
                press = owner.press("Crea")
                assert (await press.wait()).alert and press.answer.text == "Created"
                done = await owner.wait_for("Done: yes")
                assert [version.text[:4] for version in done.history] == ["Prev", "Done"] and not done.buttons
                await api.wait_until_read()
                await close(app)
            assert api.journal.refused() == [] and api.concurrent_polls == 0
            assert len(owner.answers) == 2

    asyncio.run(run())


async def serve(app: Application[Any, Any, Any, Any, Any, Any]) -> None:
    await app.initialize()
    assert app.updater is not None
    await app.updater.start_polling(poll_interval=0)
    await app.start()


async def close(app: Application[Any, Any, Any, Any, Any, Any]) -> None:
    assert app.updater is not None
    await app.updater.stop()
    await app.stop()
    await app.shutdown()


def test_updates_stay_until_they_are_acknowledged() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        for number in range(5):
            ann.say(f"n{number}")
        first = await bot.get_updates(limit=2)
        again = await bot.get_updates(limit=2)
        assert [update.message.text for update in first] == ["n0", "n1"]
        assert [update.update_id for update in first] == [update.update_id for update in again]
        rest = await bot.get_updates(offset=first[-1].update_id + 1)
        assert [update.message.text for update in rest] == ["n2", "n3", "n4"]
        last = await bot.get_updates(offset=-1)
        assert [update.message.text for update in last] == ["n4"] and len(api.updates.waiting) == 1
        assert await bot.get_updates(offset=last[0].update_id + 1) == ()

    play(story)


def test_a_long_poll_ends_as_soon_as_somebody_speaks() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        polling = asyncio.create_task(bot.get_updates(timeout=50))
        await api.wait_for(lambda: api.journal.calls("getUpdates"))
        said = ann.say("/start@loopback_bot x 🙂 /stop a/b", date=datetime.now(UTC) - timedelta(hours=1))
        (update,) = await asyncio.wait_for(polling, 5)
        assert update.message.message_id == said.id and update.message.date < datetime.now(UTC) - timedelta(minutes=59)
        found = [update.message.parse_entity(entity) for entity in update.message.entities]
        assert found == ["/start@loopback_bot", "/stop"]

    play(story)


def test_of_two_pollers_the_older_is_told_of_the_conflict() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        older = asyncio.create_task(bot.get_updates(timeout=50))
        await api.wait_for(lambda: api.journal.calls("getUpdates"))
        async with connected(api) as second:
            assert await second.get_updates(timeout=0) == ()
        with pytest.raises(Conflict, match="terminated by other getUpdates request; make sure that only one bot"):
            await older
        assert api.concurrent_polls == 1 and len(api.journal.refused(409)) == 1
        await bot.set_webhook("https://example.com/hook")
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates()
        assert (await bot.get_webhook_info()).url == "https://example.com/hook"
        await bot.delete_webhook()
        assert await bot.get_updates() == ()

    play(story)


def test_kinds_of_updates_not_wanted_are_never_queued() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        message = ann.say("one")
        ann.react(message)
        await bot.get_updates(allowed_updates=["callback_query", "message_reaction"])
        ann.say("two")
        ann.react(message)
        assert api.updates.dropped == ["message_reaction", "message"]
        assert len(await bot.get_updates(offset=-1)) == 1

    play(story)


def test_everything_people_can_do_arrives_in_a_shape_the_official_client_reads() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        bob, group, channel = api.person(8, "Bob"), api.group(-500, "Friends"), api.channel(-100600)
        said = ann.say("hello")
        ann.edit(said, "/help")
        ann.forward("/panic", author=bob)
        ann.send_document("state.json", b"{}", caption="/restore", reply_to=said)
        ann.send_photo(picture())
        ann.send_other(location={"latitude": 1.0, "longitude": 2.0})
        ann.add_bot_to(group)
        bob.say_in_group("/stop all", group)
        ann.remove_bot_from(group)
        bob.say_in_group("unheard", group)
        channel.post("/panic")
        ann.inline_query("x")
        ann.poll_answer()
        ann.press_data("forged")
        ann.block()
        api.push_update("telepathy", {"from": 1})
        updates = await bot.get_updates()
        kinds = [next(key for key in update.to_dict() if key != "update_id") for update in updates[:-1]]
        assert " ".join(kinds) == (
            "message edited_message message message message message my_chat_member message message"
            " my_chat_member channel_post inline_query poll_answer callback_query my_chat_member"
        )
        assert updates[2].message.forward_origin.sender_user.id == 8 and updates[2].effective_user.id == 7
        assert updates[3].message.reply_to_message.text == "/help"
        fetched = await (await updates[3].message.document.get_file()).download_as_bytearray()
        assert bytes(fetched) == b"{}"
        assert updates[8].effective_chat.id == -500 and updates[8].effective_user.id == 8

    play(story)


def test_a_bot_added_to_a_group_may_speak_until_it_leaves() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        group = api.group(-500)
        with pytest.raises(Forbidden, match="bot is not a member of the group chat"):
            await bot.send_message(-500, "hi")
        ann.add_bot_to(group)
        await bot.send_message(-500, "private chats only")
        await bot.leave_chat(-500)
        assert group.texts == ["private chats only"] and not group.chat.member
        with pytest.raises(BadRequest, match="Chat member status can't be changed in private chats"):
            await bot.leave_chat(7)
        ann.add_bot_to(group)
        group.upgrade(-100500)
        with pytest.raises(ChatMigrated):
            await bot.send_message(-500, "where?")

    play(story)


def test_a_press_is_answered_once_and_soon() -> None:
    clock = Calendar()

    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        message = await bot.send_message(7, "sure?", reply_markup=KEYBOARD)
        with pytest.raises(LookupError, match="sure"):
            ann.press("Destroy")
        first = ann.press(lambda button: button.data == "no")
        assert first.button is not None and first.button.text == "Cancel" and not first.answered
        await bot.answer_callback_query(first.record.id, "no")
        late = ann.press("Create")
        clock.now += 16
        for query in (first.record.id, late.record.id, "1"):
            with pytest.raises(
                BadRequest, match="Query is too old and response timeout expired or query id is invalid"
            ):
                await bot.answer_callback_query(query)
        await message.edit_text("done")
        with pytest.raises(LookupError):
            ann.press("Create")
        ann.press("Create", stale=True)
        await message.delete()
        ann.press("Create", ann.messages[0], stale=True)
        updates = await bot.get_updates()
        assert [update.callback_query.message.is_accessible for update in updates] == [
            True,
            True,
            True,
            False,
        ]

    play(story, clock=clock)


def test_tokens_and_methods_are_checked_and_every_form_of_request_is_read() -> None:
    async def run() -> None:
        async with BotApi() as api, httpx.AsyncClient(base_url=api.url) as client:
            api.person(7, started=True)
            good = f"/bot{api.token}"
            for path, code in (
                (f"{good}x/getMe", 401),
                ("/bot1/getMe", 404),
                ("/", 404),
                (f"{good}/tellMe", 404),
            ):
                answer = await client.get(path)
                assert (answer.status_code, answer.json()["error_code"]) == (code, code)
            values = {"chat_id": "7", "text": "same", "disable_notification": "true"}
            answers = [
                await client.get(f"{good}/sendMessage", params=values),
                await client.post(f"{good}/SENDMESSAGE", data=values),
                await client.post(
                    f"{good}/sendMessage", json={"chat_id": 7, "text": "same", "disable_notification": True}
                ),
                await client.post(f"{good}/sendMessage", data=values, files={"ignored": b"x"}),
                await client.post(
                    f"{good}/sendMessage", content=chunks(), headers={"content-type": "application/json"}
                ),
            ]
            assert [answer.json()["result"]["text"] for answer in answers] == ["same"] * 5
            assert all(message.silent for message in api.person(7).messages[:4])
            wrong = await client.post(f"{good}/sendMessage", content=b"{", headers={"content-type": "application/json"})
            assert wrong.status_code == 400
            assert api.token not in repr(api.journal.entries) and api.journal.count("sendMessage") == 6
            api.token = "1:revoked"
            assert (await client.get(f"{good}/getMe")).json()["description"] == "Unauthorized"

    asyncio.run(run())


async def chunks() -> Any:
    yield b'{"chat_id": 7, '
    yield b'"text": "same"}'


def test_waiting_in_vain_tells_what_stood_there_instead() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        await bot.send_message(7, "an old Welcome")
        ann.say("/start")
        with pytest.raises(NotSeen, match=r"'Welcome' did not come(.|\n)*an old Welcome(.|\n)*/start"):
            await ann.wait_for("Welcome", timeout=0)
        assert (await ann.wait_for("Welcome", since=0)).text == "an old Welcome"

    play(story)


WORKER = """
import json, sys, urllib.request
base, offset = sys.argv[1] + "/bot" + sys.argv[2] + "/", 0
def call(method, **values):
    body, kind = json.dumps(values).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(base + method, body, kind)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["result"]
while True:
    for update in call("getUpdates", offset=offset, timeout=50):
        offset = update["update_id"] + 1
        if "callback_query" in update:
            call("answerCallbackQuery", callback_query_id=update["callback_query"]["id"], text="bye")
            call("getUpdates", offset=offset)
            sys.exit()
        keyboard = {"inline_keyboard": [[{"text": "Go away", "callback_data": "go"}]]}
        call("sendMessage", chat_id=update["message"]["chat"]["id"], text="heard", reply_markup=keyboard)
"""


def test_a_real_process_is_served_from_a_thread() -> None:
    with ThreadedBotApi() as api:
        ann = api.person(7)
        with subprocess.Popen([sys.executable, "-c", WORKER, api.url, api.token]) as worker:
            try:
                ann.say("hello")
                assert ann.wait_for_sync("heard").buttons[0].text == "Go away"
                assert ann.press("Go away").wait_sync().text == "bye"
                assert worker.wait(10) == 0
            finally:
                worker.kill()
        api.wait_for_sync(lambda: not api.updates.waiting)
        assert api.journal.methods().count("sendMessage") == 1 and api.concurrent_polls == 0
        api.stop_listening()
        with pytest.raises(httpx.ConnectError):
            httpx.get(api.url)
        api.listen_again()
        assert httpx.get(f"{api.url}/bot{api.token}/getMe").json()["ok"]
