"""What may be said: text, formatting, buttons, files and edits, refused in Telegram's own words.

The rule: every refusal is provoked through python-telegram-bot or plain HTTP, never by calling the server's
insides.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.error import BadRequest, Forbidden, NetworkError

from tests.telegram.bot_api import BotApi
from tests.telegram.message_methods import quoted
from tests.telegram.people import Person
from tests.telegram.stories import picture, play


def test_a_message_over_4096_characters_is_refused() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        await bot.send_message(7, "x" * 4096)
        with pytest.raises(BadRequest, match="Message is too long"):
            await bot.send_message(7, "x" * 4097)
        assert [call.description for call in api.journal.refused(400)] == ["Bad Request: message is too long"]
        assert len(ann.messages) == 1

    play(story)


def test_length_is_counted_in_utf16_after_the_entities_are_parsed() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        await bot.send_message(7, "<b>" + "&lt;" * 4096 + "</b>", parse_mode="HTML")
        assert ann.last.text == "<" * 4096
        await bot.send_message(7, "🙂" * 2048)
        with pytest.raises(BadRequest, match="too long"):
            await bot.send_message(7, "🙂" * 2048 + "x")
        message = await bot.send_message(7, "short")
        with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
            await message.edit_text("x" * 4097)

    play(story)


def test_an_empty_message_is_refused() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        for text, words in (("", "message text is empty"), ("<b> </b>", "text must be non-empty")):
            with pytest.raises(BadRequest):
                await bot.send_message(7, text, parse_mode="HTML")
            assert api.journal.last().description == f"Bad Request: {words}"

    play(story)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("ä <h1>x</h1>", 'Unsupported start tag "h1" at byte offset 3'),
        ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href=x?y>z</a>", "Unexpected end of name token at byte offset 8"),
        ('<tg-emoji emoji-id="no">x</tg-emoji>', "Invalid custom emoji identifier specified"),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(raw: str, words: str) -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        with pytest.raises(BadRequest):
            await bot.send_message(7, raw, parse_mode="HTML")
        assert api.journal.last().description == f"Bad Request: can't parse entities: {words}"

    play(story)


def test_html_is_read_as_a_person_sees_it() -> None:
    raw = (
        "🙂 <b>bold <i>both</i></b> &lt;&amp;&quot;&#39;&#x41;&nbsp; "
        '<pre><code class="language-py">x=1</code></pre>'
        '<a href="https://example.com/?a=1&amp;b=2">link</a> <tg-spoiler>s</tg-spoiler> '
        "<blockquote expandable>q</blockquote><code>/panic</code> /grid BTC/USDT"
    )

    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        message = await bot.send_message(7, raw, parse_mode="HTML")
        assert message.text == ann.last.text
        assert message.text == "🙂 bold both <&\"'A&nbsp; x=1link s q/panic /grid BTC/USDT"
        assert ann.last.raw == raw
        kinds = [str(entity.type) for entity in message.entities]
        assert kinds == [
            "bold",
            "italic",
            "pre",
            "text_link",
            "spoiler",
            "expandable_blockquote",
            "code",
            "bot_command",
        ]
        assert [quoted(ann.last, kind) for kind in ("bold", "pre", "bot_command")] == [
            ["bold both"],
            ["x=1"],
            ["/grid"],
        ]
        assert message.entities[2].language == "py"
        assert message.entities[3].url == "https://example.com/?a=1&b=2"

    play(story)


def test_buttons_are_checked_as_telegram_checks_them() -> None:
    def row(**fields: Any) -> list[list[dict[str, Any]]]:
        return [[{"text": "go", **fields}]]

    cases: list[tuple[Any, str]] = [
        (row(callback_data="é" * 33), "BUTTON_DATA_INVALID"),
        (row(), "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        (
            row(callback_data=""),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ([[{"callback_data": "x"}]], "can't parse inline keyboard button: Can't find field \"text\""),
        ([[{"text": " ", "callback_data": "x"}]], "REPLY_MARKUP_INVALID"),
        (
            row(url="ftp://example.com"),
            "inline keyboard button URL 'ftp://example.com' is invalid: Unsupported URL protocol",
        ),
        (row(url="nowhere"), "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
        (row(callback_data="x") * 101, "REPLY_MARKUP_TOO_LONG"),
        ({"text": "go"}, 'field "inline_keyboard" of the ReplyMarkup must be an Array'),
    ]

    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        async with httpx.AsyncClient() as client:
            for keyboard, words in cases:
                body = {"chat_id": 7, "text": "x", "reply_markup": {"inline_keyboard": keyboard}}
                answer = await client.post(f"{api.url}/bot{api.token}/sendMessage", json=body)
                assert answer.status_code == 400
                assert answer.json() == {
                    "ok": False,
                    "error_code": 400,
                    "description": f"Bad Request: {words}",
                }
        await bot.send_message(
            7,
            "x",
            reply_markup=InlineKeyboardMarkup.from_button(InlineKeyboardButton("a", callback_data="x" * 64)),
        )
        await bot.send_message(7, "x", reply_markup=ReplyKeyboardMarkup([["yes", "no"]]))
        assert [message.markup is not None for message in ann.messages] == [True, True]

    play(story)


def test_an_edit_that_changes_nothing_is_refused_and_one_without_buttons_removes_them() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        keyboard = InlineKeyboardMarkup.from_button(InlineKeyboardButton("Go", callback_data="go"))
        message = await bot.send_message(7, "one", reply_markup=keyboard)
        with pytest.raises(BadRequest, match="Message is not modified: specified new message content"):
            await message.edit_text("<i></i>one", parse_mode="HTML", reply_markup=keyboard)
        assert ann.last.buttons[0].text == "Go"
        await message.edit_text("one")
        assert ann.last.buttons == []
        assert [(version.text, len(version.buttons)) for version in ann.last.history] == [
            ("one", 1),
            ("one", 0),
        ]

    play(story)


def test_only_its_own_messages_that_still_stand_can_be_edited() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        said = ann.say("hello")
        message = await bot.send_message(7, "text")
        photo = await bot.send_photo(7, picture())
        refusals = [
            (bot.edit_message_text("x", 7, said.id), "message can't be edited"),
            (bot.edit_message_text("x", 7, 999), "message to edit not found"),
            (bot.edit_message_text("x", 7, photo.id), "there is no text in the message to edit"),
            (
                bot.edit_message_caption(7, message.id, caption="x"),
                "there is no caption in the message to edit",
            ),
            (bot.delete_message(7, 999), "message to delete not found"),
        ]
        await message.edit_text("other")
        for call, words in refusals:
            with pytest.raises(BadRequest):
                await call
            assert api.journal.last().description == f"Bad Request: {words}"
        await message.delete()
        with pytest.raises(BadRequest, match="Message to edit not found"):
            await message.edit_text("late")
        assert ann.messages[0].deleted and ann.screen == [ann.messages[1]]

    play(story)


def test_pictures_and_documents_keep_their_limits_and_come_back_whole() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        await bot.send_photo(7, picture(), caption="<b>" + "c" * 1024 + "</b>", parse_mode="HTML")
        assert ann.last.file is not None and ann.last.file.data == picture() and len(ann.last.text) == 1024
        sent = await bot.send_document(7, BytesIO(b"a,b\n"), filename="trades.csv", caption="all")
        assert sent.document is not None and sent.document.file_name == "trades.csv"
        fetched = await (await bot.get_file(sent.document.file_id)).download_as_bytearray()
        assert bytes(fetched) == b"a,b\n"
        await bot.send_document(7, sent.document.file_id)
        for call, words in (
            (bot.send_photo(7, picture(), caption="c" * 1025), "message caption is too long"),
            (bot.send_photo(7, b"not a picture"), "IMAGE_PROCESS_FAILED"),
            (bot.send_photo(7, picture()[:-5]), "IMAGE_PROCESS_FAILED"),
            (bot.send_photo(7, picture(2, 50)), "PHOTO_INVALID_DIMENSIONS"),
            (
                bot.send_photo(7, b"x" * 10_485_761),
                "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes",
            ),
            (bot.send_document(7, BytesIO(b""), filename="x"), "file must be non-empty"),
        ):
            with pytest.raises(BadRequest):
                await call
            assert api.journal.last().description == f"Bad Request: {words}"
        api.world.file_limit = 100
        with pytest.raises(NetworkError, match="Request Entity Too Large"):
            await bot.send_document(7, b"x" * 101)

    play(story)


def test_a_picture_is_replaced_in_place_with_its_caption_and_buttons() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        keyboard = InlineKeyboardMarkup.from_button(InlineKeyboardButton("Refresh", callback_data="r"))
        message = await bot.send_photo(7, picture(), caption="old", reply_markup=keyboard)
        await message.edit_media(InputMediaPhoto(picture(4, 4), caption="<b>new</b>", parse_mode="HTML"), keyboard)
        assert ann.last.text == "new" and ann.last.file is not None and ann.last.file.width == 4
        assert [version.text for version in ann.last.history] == ["old", "new"]

    play(story)


def test_replies_point_at_messages_that_exist() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        said = ann.say("/grids@loopback_bot now")
        answer = await bot.send_message(7, "here", reply_parameters=ReplyParameters(said.id))
        assert answer.reply_to_message is not None and answer.reply_to_message.text == "/grids@loopback_bot now"
        assert ann.last.reply_to == said.id
        with pytest.raises(BadRequest, match="Message to be replied not found"):
            await bot.send_message(7, "x", reply_parameters=ReplyParameters(999))
        lenient = ReplyParameters(999, allow_sending_without_reply=True)
        await bot.send_message(7, "y", reply_parameters=lenient)

    play(story)


def test_strangers_and_those_who_blocked_the_bot_are_not_written_to() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        api.person(8)
        with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
            await bot.send_message(8, "hi")
        with pytest.raises(BadRequest, match="Chat not found"):
            await bot.send_message(9, "hi")
        ann.block()
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await bot.send_message(7, "hi")
        ann.unblock()
        await bot.send_message(7, "hi")
        assert ann.texts == ["hi"]

    play(story)


def test_pins_are_seen_and_given_by_get_chat() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        first, second = await bot.send_message(7, "one"), await bot.send_message(7, "two")
        await second.pin()
        await first.pin()
        chat = await bot.get_chat(7)
        assert chat.pinned_message is not None and chat.pinned_message.message_id == second.id
        assert [message.text for message in ann.pinned] == ["two", "one"]
        await bot.unpin_chat_message(7)
        assert [message.text for message in ann.pinned] == ["one"]
        with pytest.raises(BadRequest, match="Message to unpin not found"):
            await bot.unpin_chat_message(7, second.id)

    play(story)


def test_the_menu_of_commands_is_checked() -> None:
    async def story(api: BotApi, bot: Bot, ann: Person) -> None:
        await bot.set_my_commands([("start", "what it can do"), ("panic", "stop")])
        assert [entry.command for entry in await bot.get_my_commands()] == ["start", "panic"]
        for commands in (
            [("Start", "x")],
            [("x" * 33, "x")],
            [("a-b", "x")],
            [("ok", "x" * 257)],
            [("ok", "")],
        ):
            with pytest.raises(BadRequest, match=r"(?i)bot_command_.*invalid"):
                await bot.set_my_commands(commands)
        with pytest.raises(BadRequest, match=r"(?i)too_much"):
            await bot.set_my_commands([(f"c{number}", "x") for number in range(101)])

    play(story)
