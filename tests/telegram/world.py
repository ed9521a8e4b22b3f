"""What the server knows: people, chats, messages with their history, files, presses, and who is waiting for a
change.

The rule: one lock guards it all; whoever changes something calls `changed`, which wakes every waiter, in this
loop, in another one or in another thread. Nobody waits by sleeping.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.telegram.floods import FloodGate, FloodLimits
from tests.telegram.html_rules import Entity
from tests.telegram.keyboards import Button, buttons_of
from tests.telegram.parameters import Json, Refusal, bad_request
from tests.telegram.updates import UpdateQueue

T = TypeVar("T")


class NotSeen(AssertionError):
    """What a test waited for did not come; the message shows what was there instead."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in Telegram's cloud."""

    file_id: str
    name: str
    data: bytes
    mime_type: str
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class Chat:
    """A chat as the bot knows it."""

    id: int
    type: str
    title: str = ""
    user: Json = field(default_factory=dict)
    started: bool = False
    blocked: bool = False
    member: bool = True
    migrated_to: int = 0
    pinned: list[int] = field(default_factory=list)
    mark: int = 0

    def json(self) -> Json:
        """As it stands inside a message."""
        if self.type == "private":
            names = {key: self.user[key] for key in ("first_name", "username") if self.user.get(key)}
            return {"id": self.id, "type": "private", **names}
        return {"id": self.id, "type": self.type, "title": self.title}


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows: `text` (or caption) as a person sees it, `raw` as it was sent."""

    kind: str = "text"
    text: str = ""
    raw: str = ""
    entities: tuple[Entity, ...] = ()
    file: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a message; `seq` orders all of them, over all chats."""

    seq: int
    content: Content
    markup: Json | None

    @property
    def text(self) -> str:
        """Text or caption as a person saw it."""
        return self.content.text

    @property
    def buttons(self) -> list[Button]:
        """Its inline buttons."""
        return buttons_of(self.markup)


@dataclass(eq=False, slots=True)
class Message:
    """A message with everything it ever showed; the last version is what stands there now."""

    id: int
    chat: Chat
    sender: Json
    from_bot: bool
    date: int
    history: list[Version]
    reply_to: int = 0
    silent: bool = False
    edit_date: int = 0
    deleted: bool = False
    extra: Json = field(default_factory=dict)

    @property
    def now(self) -> Version:
        """What stands there."""
        return self.history[-1]

    @property
    def text(self) -> str:
        """Text or caption as a person sees it."""
        return self.now.content.text

    @property
    def raw(self) -> str:
        """Text or caption as it was sent, with its markup."""
        return self.now.content.raw

    @property
    def kind(self) -> str:
        """text, photo, document or another kind of content."""
        return self.now.content.kind

    @property
    def file(self) -> StoredFile | None:
        """The picture or document."""
        return self.now.content.file

    @property
    def entities(self) -> list[Entity]:
        """The formatting."""
        return list(self.now.content.entities)

    @property
    def markup(self) -> Json | None:
        """The keyboard as sent."""
        return self.now.markup

    @property
    def buttons(self) -> list[Button]:
        """Its inline buttons."""
        return self.now.buttons

    @property
    def seq(self) -> int:
        """When it last changed, counted over all chats."""
        return self.now.seq

    @property
    def pinned(self) -> bool:
        """Whether it is pinned."""
        return self.id in self.chat.pinned

    def __repr__(self) -> str:
        state = "deleted " if self.deleted else ""
        shown = "".join(f" [{button.text}]" for button in self.buttons)
        return f"<{state}{self.kind} {self.id} in {self.chat.id}: {self.text!r}{shown}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What answerCallbackQuery showed."""

    text: str
    alert: bool


@dataclass(eq=False, slots=True)
class PressRecord:
    """A callback query and what became of it."""

    id: str
    user_id: int
    at: float
    message: Message | None
    answers: list[Answer] = field(default_factory=list)


class World:
    """Everything behind the API. `clock` gives seconds since 1970; tests may pass their own."""

    def __init__(self, token: str, username: str, flood: FloodLimits | None, clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self._condition = threading.Condition(self.lock)
        self._wakers: list[Callable[[], None]] = []
        self.clock = clock
        self.token = token
        self.bot: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Bot",
            "username": username,
        }
        self.gate = FloodGate(flood) if flood is not None else None
        self.updates = UpdateQueue(self.changed)
        self.chats: dict[int, Chat] = {}
        self.messages: dict[int, dict[int, Message]] = {}
        self.files: dict[str, StoredFile] = {}
        self.presses: dict[str, PressRecord] = {}
        self.commands: dict[str, list[Json]] = {}
        self.webhook_url = ""
        self.logged_out = False
        self.callback_lifetime = 15.0
        self.photo_limit = 10 * 1024 * 1024
        self.file_limit = 50 * 1024 * 1024
        self.actions: list[tuple[int, str]] = []
        self._seq = 0
        self._message_id = 100

    # --- waiting ----------------------------------------------------------------------------------

    def changed(self) -> None:
        """Wakes everybody who waits for something."""
        with self.lock:
            self._condition.notify_all()
            for waker in list(self._wakers):
                waker()

    def seen_so_far(self) -> int:
        """The number of the newest version of any message."""
        return self._seq

    async def until(self, condition: Callable[[], T | None], timeout: float, story: Callable[[], str]) -> T:
        """The first truthy answer of `condition`, asked after every change; NotSeen after `timeout` s."""
        loop = asyncio.get_running_loop()
        event = asyncio.Event()

        def waker() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

        deadline = loop.time() + timeout
        self._wakers.append(waker)
        try:
            while True:
                event.clear()
                with self.lock:
                    found = condition()
                if found:
                    return found
                if loop.time() >= deadline:
                    raise NotSeen(story())
                try:
                    await asyncio.wait_for(event.wait(), max(0.0, deadline - loop.time()))
                except TimeoutError:
                    continue
        finally:
            self._wakers.remove(waker)

    def until_sync(self, condition: Callable[[], T | None], timeout: float, story: Callable[[], str]) -> T:
        """As `until`, for a thread without a running loop; RuntimeError in one that has."""
        if asyncio._get_running_loop() is not None:
            raise RuntimeError("this would block the loop: await the other form")
        deadline = time.monotonic() + timeout
        with self._condition:
            while True:
                found = condition()
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NotSeen(story())
                self._condition.wait(left)

    # --- chats and messages -----------------------------------------------------------------------

    def chat_of(self, reference: str) -> Chat:
        """The chat a bot names by id; raises Refusal as the server does for one it does not know."""
        if not reference.strip():
            raise bad_request("chat_id is empty")
        try:
            chat = self.chats.get(int(reference))
        except ValueError:
            chat = None
        if chat is None:
            raise bad_request("chat not found")
        return chat

    def reachable(self, chat: Chat) -> Chat:
        """The same chat when the bot may write there; raises Refusal otherwise."""
        if chat.migrated_to:
            raise Refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.migrated_to,
            )
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat.type == "private" and not chat.started:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        if not chat.member:
            raise Refusal(403, f"Forbidden: bot is not a member of the {chat.type} chat")
        return chat

    def admit(self, chat: Chat) -> None:
        """Counts one message against the flood limits; raises Refusal 429."""
        if self.gate is not None:
            self.gate.admit(chat.id, self.clock())

    def find(self, chat: Chat, message_id: int) -> Message | None:
        """A message that still stands there."""
        message = self.messages.get(chat.id, {}).get(message_id)
        return None if message is None or message.deleted else message

    def next_seq(self) -> int:
        """The number of the next version."""
        self._seq += 1
        return self._seq

    def post(
        self,
        chat: Chat,
        sender: Json,
        content: Content,
        *,
        from_bot: bool = False,
        markup: Json | None = None,
        date: float | None = None,
        reply_to: int = 0,
        silent: bool = False,
        extra: Json | None = None,
    ) -> Message:
        """Puts a message into a chat and wakes whoever waits for it."""
        self._message_id += 1
        when = int(self.clock() if date is None else date)
        version = Version(self.next_seq(), content, markup)
        message = Message(
            self._message_id, chat, sender, from_bot, when, [version], reply_to, silent, extra=extra or {}
        )
        self.messages.setdefault(chat.id, {})[message.id] = message
        self.changed()
        return message

    def revise(self, message: Message, content: Content, markup: Json | None) -> None:
        """Gives a message a new version."""
        message.history.append(Version(self.next_seq(), content, markup))
        message.edit_date = int(self.clock())
        self.changed()

    def keep_file(self, name: str, data: bytes, mime_type: str, width: int = 0, height: int = 0) -> StoredFile:
        """Stores a file under a new id."""
        stored = StoredFile(f"BQACAgQAAx{len(self.files) + 1:06d}", name, data, mime_type, width, height)
        self.files[stored.file_id] = stored
        return stored

    # --- as JSON ----------------------------------------------------------------------------------

    def message_json(self, message: Message, *, with_reply: bool = True) -> Json:
        """The message as the Bot API writes it now."""
        content = message.now.content
        answer: Json = {"message_id": message.id, "date": message.date, "chat": message.chat.json()}
        if message.chat.type == "channel":
            answer["sender_chat"] = message.chat.json()
        else:
            answer["from"] = message.sender
        key = "text" if content.kind == "text" else "caption"
        if content.text:
            answer[key] = content.text
            if content.entities:
                answer["entities" if key == "text" else "caption_entities"] = list(content.entities)
        if content.file is not None:
            answer[content.kind] = file_json(content.file, photo=content.kind == "photo")
        if message.markup and "inline_keyboard" in message.markup:
            answer["reply_markup"] = message.markup
        if message.edit_date:
            answer["edit_date"] = message.edit_date
        replied = self.find(message.chat, message.reply_to) if with_reply and message.reply_to else None
        if replied is not None:
            answer["reply_to_message"] = self.message_json(replied, with_reply=False)
        return {**answer, **message.extra}


def file_json(stored: StoredFile, *, photo: bool = False) -> Json | list[Json]:
    """A document, or a photo as the list of its sizes."""
    answer: Json = {
        "file_id": stored.file_id,
        "file_unique_id": "u" + stored.file_id[-6:],
        "file_size": len(stored.data),
    }
    if photo:
        return [{**answer, "width": stored.width, "height": stored.height}]
    return {**answer, "file_name": stored.name, "mime_type": stored.mime_type}
