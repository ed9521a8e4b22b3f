"""People who talk to the bot, and the groups and channels they put it into.

The rule: whatever a client of Telegram can do to a bot can be done here, the unfriendly things too; each act
is one update, queued at once, in the shape the official server gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tests.telegram.html_rules import command_entities
from tests.telegram.keyboards import Button
from tests.telegram.media_methods import picture_size
from tests.telegram.parameters import Json
from tests.telegram.rooms import Room
from tests.telegram.world import Answer, Chat, Content, Message, NotSeen, PressRecord, World

When = datetime | float | None


class Press:
    """A button pressed, and what the bot answered to it."""

    def __init__(self, world: World, record: PressRecord, button: Button | None) -> None:
        self._world = world
        self.record = record
        self.button = button

    @property
    def answered(self) -> bool:
        """Whether answerCallbackQuery came (the client stops turning its wheel)."""
        return bool(self.record.answers)

    @property
    def answer(self) -> Answer:
        """What it showed; raises NotSeen when it did not come."""
        if not self.record.answers:
            raise NotSeen(self._story())
        return self.record.answers[0]

    async def wait(self, timeout: float = 10.0) -> Answer:
        """The answer, soon; else NotSeen."""
        return (await self._world.until(lambda: self.record.answers, timeout, self._story))[0]

    def wait_sync(self, timeout: float = 10.0) -> Answer:
        """As `wait`, from a thread without the server's loop."""
        return self._world.until_sync(lambda: self.record.answers, timeout, self._story)[0]

    def _story(self) -> str:
        return f"the press on {self.button.text if self.button else self.record.id!r} was never answered"


class Group(Room):
    """A group the bot may be put into."""

    def upgrade(self, new_id: int) -> Group:
        """The group becomes a supergroup with a new id; the old one answers with migrate_to_chat_id."""
        chat = Chat(new_id, "supergroup", self.chat.title, member=True)
        self.world.chats[new_id] = chat
        self.chat.migrated_to = new_id
        return Group(self.world, chat)


class Channel(Room):
    """A channel the bot is an administrator of."""

    def post(self, text: str) -> Message:
        """Somebody writes in the channel."""
        self.mark()
        content = Content("text", text, text, tuple(command_entities(text)))
        message = self.world.post(self.chat, {}, content)
        self.world.updates.push("channel_post", self.world.message_json(message))
        return message


class Person(Room):
    """Somebody with a Telegram account; as a room, the private chat with the bot."""

    def __init__(self, world: World, chat: Chat) -> None:
        super().__init__(world, chat)
        self.user = chat.user
        self.presses: list[Press] = []

    @property
    def answers(self) -> list[Answer]:
        """What the bot answered to this person's presses."""
        return [answer for press in self.presses for answer in press.record.answers]

    # --- saying things ----------------------------------------------------------------------------

    def _deliver(
        self,
        content: Content,
        chat: Room | None,
        date: When,
        reply_to: Message | None,
        extra: Json | None = None,
    ) -> Message:
        room = chat if chat is not None else self
        with self.world.lock:
            if room is self:
                self.chat.started, self.chat.blocked = True, False
            room.mark()
            when = date.timestamp() if isinstance(date, datetime) else date
            message = self.world.post(
                room.chat, self.user, content, date=when, reply_to=reply_to.id if reply_to else 0, extra=extra
            )
            if room.chat.member:
                self.world.updates.push("message", self.world.message_json(message))
        return message

    def say(
        self, text: str, *, date: When = None, chat: Room | None = None, reply_to: Message | None = None
    ) -> Message:
        """Writes `text`, in private unless `chat` is given; `date` makes it old."""
        if not 1 <= len(text) <= 4096:
            raise ValueError("a client sends 1 to 4096 characters")
        return self._deliver(Content("text", text, text, tuple(command_entities(text))), chat, date, reply_to)

    def start(self, payload: str = "") -> Message:
        """Presses Start, or opens a link with a payload."""
        return self.say(f"/start {payload}".strip())

    def say_in_group(self, text: str, group: Group, *, reply_to: Message | None = None) -> Message:
        """Writes in a group."""
        return self.say(text, chat=group, reply_to=reply_to)

    def edit(self, message: Message, text: str) -> None:
        """Changes what was said before."""
        with self.world.lock:
            self.chat.mark = self.world.seen_so_far()
            self.world.revise(message, Content("text", text, text, tuple(command_entities(text))), message.markup)
            self.world.updates.push("edited_message", self.world.message_json(message))

    def forward(self, what: Message | str, *, author: Person | None = None, chat: Room | None = None) -> Message:
        """Forwards a message, or a text somebody else is said to have written."""
        sender = author.user if author is not None else what.sender if isinstance(what, Message) else self.user
        content = (
            what.now.content
            if isinstance(what, Message)
            else Content("text", what, what, tuple(command_entities(what)))
        )
        date = what.date if isinstance(what, Message) else int(self.world.clock())
        return self._deliver(
            content,
            chat,
            None,
            None,
            {"forward_origin": {"type": "user", "sender_user": sender, "date": date}},
        )

    def send_document(
        self,
        name: str,
        data: bytes,
        *,
        caption: str = "",
        mime_type: str = "application/octet-stream",
        chat: Room | None = None,
        reply_to: Message | None = None,
    ) -> Message:
        """Sends a file."""
        stored = self.world.keep_file(name, data, mime_type)
        content = Content("document", caption, caption, tuple(command_entities(caption)), stored)
        return self._deliver(content, chat, None, reply_to)

    def send_photo(self, data: bytes, *, caption: str = "", chat: Room | None = None) -> Message:
        """Sends a picture."""
        stored = self.world.keep_file("photo", data, "image/png", *picture_size(data))
        return self._deliver(
            Content("photo", caption, caption, tuple(command_entities(caption)), stored), chat, None, None
        )

    def send_other(self, *, chat: Room | None = None, **fields: object) -> Message:
        """Sends anything else: `sticker={…}`, `location={…}`, `voice={…}`, as the API would show it."""
        kind = next(iter(fields), "nothing")
        return self._deliver(Content(kind), chat, None, None, dict(fields))

    # --- pressing ---------------------------------------------------------------------------------

    def press(
        self, button: str | Callable[[Button], bool], message: Message | None = None, *, stale: bool = False
    ) -> Press:
        """Presses the button whose text contains `button` (or satisfies it) on the newest message that has
        one, or on `message`; with `stale` also one of an earlier version. LookupError when there is none."""
        with self.world.lock:
            for candidate in [message] if message is not None else reversed(self.screen):
                versions = list(reversed(candidate.history)) if stale else [candidate.now]
                fitting = [
                    found
                    for version in versions
                    for found in version.buttons
                    if (button(found) if callable(button) else button in found.text)
                ]
                if fitting:
                    exact = [found for found in fitting if found.text == button]
                    return self._press((exact or fitting)[0], candidate)
        raise LookupError(f"no button {button!r} for {self.user['first_name']}; there stands:\n{self.transcript()}")

    def _press(self, button: Button, message: Message) -> Press:
        if button.data is None:
            raise LookupError(f"the button {button.text!r} carries no callback data")
        return self.press_data(button.data, message, button)

    def press_data(self, data: str, message: Message | None = None, button: Button | None = None) -> Press:
        """Sends any callback data, as a doctored client can; a deleted message arrives as inaccessible."""
        with self.world.lock:
            record = PressRecord(f"{4_000_000 + len(self.world.presses)}", self.user["id"], self.world.clock(), message)
            self.world.presses[record.id] = record
            query: Json = {"id": record.id, "from": self.user, "chat_instance": f"-{self.id}77", "data": data}
            room = message.chat if message is not None else self.chat
            room.mark = self.world.seen_so_far()
            if message is None:
                query["inline_message_id"] = "forged"
            elif message.deleted:
                query["message"] = {"chat": room.json(), "message_id": message.id, "date": 0}
            else:
                query["message"] = self.world.message_json(message)
            self.world.updates.push("callback_query", query)
            press = Press(self.world, record, button)
            self.presses.append(press)
        return press

    # --- everything else a person can do ----------------------------------------------------------

    def _membership(self, chat: Chat, old: str, new: str) -> None:
        def status(word: str) -> Json:
            return {"user": self.world.bot, "status": word, **({"until_date": 0} if word == "kicked" else {})}

        change: Json = {
            "chat": chat.json(),
            "from": self.user,
            "date": int(self.world.clock()),
            "old_chat_member": status(old),
            "new_chat_member": status(new),
        }
        self.world.updates.push("my_chat_member", change)

    def block(self) -> None:
        """Blocks the bot."""
        with self.world.lock:
            self.chat.blocked = True
            self._membership(self.chat, "member", "kicked")

    def unblock(self) -> None:
        """Lets it speak again."""
        with self.world.lock:
            self.chat.blocked = False
            self._membership(self.chat, "kicked", "member")

    def add_bot_to(self, group: Group) -> None:
        """Puts the bot into a group: my_chat_member and the service message."""
        with self.world.lock:
            group.mark()
            group.chat.member = True
            self._membership(group.chat, "left", "member")
            self._deliver(Content("service"), group, None, None, {"new_chat_members": [self.world.bot]})

    def remove_bot_from(self, group: Group) -> None:
        """Throws it out."""
        with self.world.lock:
            group.chat.member = False
            self._membership(group.chat, "member", "kicked")

    def inline_query(self, text: str) -> None:
        """Types @bot and a text somewhere."""
        self.world.updates.push("inline_query", {"id": "9", "from": self.user, "query": text, "offset": ""})

    def poll_answer(self, poll_id: str = "1", options: tuple[int, ...] = (0,)) -> None:
        """Votes in a poll."""
        vote = {
            "poll_id": poll_id,
            "user": self.user,
            "option_ids": list(options),
            "option_persistent_ids": [],
        }
        self.world.updates.push("poll_answer", vote)

    def react(self, message: Message, emoji: str = "👍") -> None:
        """Reacts to a message; only bots that asked for message_reaction hear of it."""
        change = {
            "chat": message.chat.json(),
            "message_id": message.id,
            "user": self.user,
            "date": int(self.world.clock()),
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}],
        }
        self.world.updates.push("message_reaction", change)
