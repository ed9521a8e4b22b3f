"""What every handler is given: the trader, the chat's own settings, and one way to answer.

Rule: handlers reach everything by typed attributes of their context; there are no string keys.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol

from telegram import InlineKeyboardMarkup, InputMediaPhoto, Message, ReplyKeyboardMarkup, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import Application, CallbackContext, ExtBot

from bot.manager import TradeManager
from bot.reports.rehearsal import Rehearsals
from bot.upkeep.restoration import NoVault, Vault
from handlers.chat.dialogues import Dialogues
from handlers.chat.kinds import Ways
from handlers.chat.pace import Pace
from handlers.chat.people import People, Role
from handlers.chat.questions import Questions
from handlers.words import keyboards

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """The chat's settings. `tag` stands in messages while money is not real: `(simulated)`, `(paper)`, `(demo)`."""

    default_symbol: str
    tag: str
    mode: str
    timezone: tzinfo
    results_dir: Path


class Listeners(Protocol):
    """Who wants to know that a person speaks to us, or has shut us out: the outbox."""

    def heard_from(self, person_id: int) -> None: ...

    def mute(self, person_id: int) -> None: ...


class Nobody:
    """Listens to nothing: a chat without pushes."""

    def heard_from(self, person_id: int) -> None:
        """Nothing to do."""

    def mute(self, person_id: int) -> None:
        """Nothing to do."""


def no_log(count: int) -> Sequence[str]:
    """A chat without a log."""
    return ()


@dataclass(slots=True)
class Chat:
    """All that handlers share. `replayed`: ids of updates from before the last restart, whose fate is not known;
    `log_tail`: the last lines of ops.log, oldest first (blocks)."""

    manager: TradeManager
    config: ChatConfig
    people: People
    questions: Questions
    pace: Pace = field(default_factory=Pace)
    outbox: Listeners = field(default_factory=Nobody)
    replayed: set[int] = field(default_factory=set)
    log_tail: Callable[[int], Sequence[str]] = no_log
    vault: Vault = field(default_factory=NoVault)
    ways: Ways = field(default_factory=Ways)
    rehearsals: Rehearsals = field(init=False)
    dialogues: Dialogues = field(init=False)
    _has_keyboard: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rehearsals = Rehearsals(self.manager)
        self.dialogues = Dialogues(self.manager)

    def safe_keyboard(self, chat_id: int) -> ReplyKeyboardMarkup | None:
        """The keyboard that stays below a chat, once in each life of the bot: Telegram keeps it there."""
        if chat_id in self._has_keyboard:
            return None
        self._has_keyboard.add(chat_id)
        return keyboards.safe_commands()

    def now(self) -> datetime:
        return self.manager.world.clock.now()


class Context(CallbackContext[ExtBot[None], Any, Any, Any]):
    """The context of one update."""

    chat: Chat
    role: Role

    def __init__(self, application: Any, chat_id: int | None = None, user_id: int | None = None) -> None:
        super().__init__(application, chat_id, user_id)
        self.chat = application.chat
        self.role = Role.STRANGER

    @classmethod
    def from_update(cls, update: object, application: Any) -> "Context":
        context = super().from_update(update, application)
        context.role = context.chat.people.role_of(update)
        return context

    @property
    def manager(self) -> TradeManager:
        return self.chat.manager

    @property
    def words(self) -> str:
        """What was typed behind the command, as one line."""
        return " ".join(self.args or ())

    async def say(self, update: Update, html: str, buttons: Markup | None = None) -> Message | None:
        """Answer in the chat the update came from, tagged while money is not real. Long texts go out in parts that
        break at line ends. Bypasses the outbox: answers are never queued behind pushes."""
        chat = update.effective_chat
        if chat is None:
            return None
        return await self.say_to(chat.id, html, buttons or self.chat.safe_keyboard(chat.id))

    async def say_to(self, chat_id: int, html: str, buttons: Markup | None = None) -> Message:
        """The same, in a chat given by its id."""
        *firsts, last = split(tagged(html, self.chat.config.tag))
        for part in firsts:
            await self._send(chat_id, part)
        return await self._send(chat_id, last, buttons)

    async def _send(self, chat_id: int, html: str, buttons: Markup | None = None) -> Message:
        self.chat.pace.spend(chat_id)
        return await self.chat.pace.patiently(
            chat_id,
            lambda: self.bot.send_message(chat_id, html, parse_mode=ParseMode.HTML, reply_markup=buttons),
        )

    async def show(
        self, chat_id: int, png: bytes, file_name: str, caption: str = "", buttons: InlineKeyboardMarkup | None = None
    ) -> None:
        """Send a picture. A caption that may be long is made by `words.captions`."""
        html = tagged(caption, self.chat.config.tag)
        self.chat.pace.spend(chat_id)
        await self.chat.pace.patiently(
            chat_id,
            lambda: self.bot.send_photo(
                chat_id, png, filename=file_name, caption=html, parse_mode=ParseMode.HTML, reply_markup=buttons
            ),
        )

    async def redraw(
        self, update: Update, png: bytes, file_name: str, caption: str, buttons: InlineKeyboardMarkup
    ) -> None:
        """Put another picture into the message whose button was pressed; where it has none, or can't be changed any
        more, show it anew."""
        message, chat = pressed_on(update), update.effective_chat
        if chat is None or message is None:
            return
        if not message.photo:
            await self.show(chat.id, png, file_name, caption, buttons)
            return
        media = InputMediaPhoto(
            png, tagged(caption, self.chat.config.tag), parse_mode=ParseMode.HTML, filename=file_name
        )
        self.chat.pace.spend(chat.id)
        try:
            await self.chat.pace.patiently(
                chat.id,
                lambda: self.bot.edit_message_media(media, chat.id, message.message_id, reply_markup=buttons),
            )
        except BadRequest as error:
            if "not modified" not in str(error):
                await self.show(chat.id, png, file_name, caption, buttons)

    async def change(self, update: Update, html: str, buttons: InlineKeyboardMarkup | None = None) -> None:
        """Replace the text of the message whose button was pressed, or its picture's caption; where it can't be changed
        any more, say it anew."""
        query, chat = update.callback_query, update.effective_chat
        if query is None or chat is None or query.message is None:
            return
        message, message_id = pressed_on(update), query.message.message_id
        has_photo = message is not None and bool(message.photo)
        first, *others = split(tagged(html, self.chat.config.tag), CAPTION_LIMIT if has_photo else TEXT_LIMIT)
        under = buttons if not others else None
        self.chat.pace.spend(chat.id)
        try:
            await self.chat.pace.patiently(
                chat.id,
                lambda: (
                    self.bot.edit_message_caption(
                        chat.id, message_id, caption=first, parse_mode=ParseMode.HTML, reply_markup=under
                    )
                    if has_photo
                    else self.bot.edit_message_text(
                        first, chat.id, message_id, parse_mode=ParseMode.HTML, reply_markup=under
                    )
                ),
            )
        except BadRequest as error:
            if "not modified" in str(error):
                return
            await self._send(chat.id, first, under)
        for part in others:
            await self._send(chat.id, part, buttons if part is others[-1] else None)


class ChatApplication(Application[ExtBot[None], Context, Any, Any, Any, Any]):
    """python-telegram-bot's application, with what its handlers share."""

    def __init__(self, chat: Chat, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chat = chat


TEXT_LIMIT = 4000
"""Length of one message, with some way to go to Telegram's 4,096 after entities are parsed."""
CAPTION_LIMIT = 1020
"""The same of a picture's caption, to Telegram's 1,024."""
OPEN, SHUT = "<pre>", "</pre>"


def pressed_on(update: Update) -> Message | None:
    """The message whose button was pressed, where Telegram still shows it to us."""
    query = update.callback_query
    return query.message if query is not None and isinstance(query.message, Message) else None


def tagged(html: str, tag: str) -> str:
    """The text, saying so where money is not real."""
    return f"{html}\n<i>{tag}</i>" if tag else html


def length(text: str) -> int:
    """Telegram counts UTF-16 units: an emoji is two."""
    return len(text) + sum(char > "\uffff" for char in text)


def split(html: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The text in parts of at most `limit`, broken at line ends; a monospace block is closed and reopened."""
    if length(html) <= limit:
        return [html]
    room = limit - len(OPEN) - len(SHUT)
    parts: list[str] = []
    part: str | None = None
    is_inside = False
    for line in _lines(html, room):
        if part is None or length(part) + 1 + length(line) <= room:
            part = line if part is None else f"{part}\n{line}"
        elif is_inside:
            parts.append(part + SHUT)
            part = line.removeprefix(SHUT) if line.startswith(SHUT) else OPEN + line
        else:
            parts.append(part)
            part = line
        if OPEN in line or SHUT in line:
            is_inside = line.rfind(OPEN) > line.rfind(SHUT)
    return [each for each in (*parts, part or "") if each.strip()]


def _lines(html: str, room: int) -> Iterator[str]:
    """The lines; one that is too long in pieces, never cut inside a tag or an entity."""
    for line in html.split("\n"):
        rest = line
        while length(rest) > room:
            end = room // 2 if length(rest[:room]) > room else room
            for opening, closing in (("<", ">"), ("&", ";")):
                start = rest.rfind(opening, 0, end)
                if start > 0 and closing not in rest[start:end] and closing in rest[end : end + 64]:
                    end = start
            yield rest[:end]
            rest = rest[end:]
        yield rest
