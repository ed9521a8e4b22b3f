"""Chats as somebody sitting in them sees them: what the bot wrote, what stands there now, waiting for more.

The rule: reading never changes anything, and waiting looks, unless told otherwise, at what came after the
last thing a person did here, so an old message never satisfies a new question.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.telegram.world import Chat, Message, World

What = str | Callable[[Message], bool]


class Room:
    """One chat."""

    def __init__(self, world: World, chat: Chat) -> None:
        self.world = world
        self.chat = chat

    @property
    def id(self) -> int:
        """The chat's id."""
        return self.chat.id

    @property
    def messages(self) -> list[Message]:
        """All the bot ever wrote here, deleted or not, oldest first; each with its history."""
        with self.world.lock:
            return [message for message in self.world.messages.get(self.chat.id, {}).values() if message.from_bot]

    @property
    def screen(self) -> list[Message]:
        """What of it still stands here."""
        return [message for message in self.messages if not message.deleted]

    @property
    def texts(self) -> list[str]:
        """The texts and captions of what stands here."""
        return [message.text for message in self.screen]

    @property
    def last(self) -> Message:
        """The bot's newest message still standing; raises LookupError when there is none."""
        if not self.screen:
            raise LookupError(f"the bot wrote nothing in {self.chat.id}")
        return self.screen[-1]

    @property
    def pinned(self) -> list[Message]:
        """What is pinned here, oldest pin first."""
        with self.world.lock:
            found = [self.world.find(self.chat, message_id) for message_id in self.chat.pinned]
        return [message for message in found if message is not None]

    @property
    def actions(self) -> list[str]:
        """What sendChatAction showed here: typing, upload_photo, …"""
        return [action for chat_id, action in self.world.actions if chat_id == self.chat.id]

    def mark(self) -> int:
        """A point in time to give to `since`; waiting looks at what comes after it from now on."""
        self.chat.mark = self.world.seen_so_far()
        return self.chat.mark

    def find(self, what: What, since: int = 0) -> Message | None:
        """The oldest message with a version after `since` that shows `what`, deleted ones included."""
        for message in self.messages:
            if message.seq <= since:
                continue
            if callable(what):
                if what(message):
                    return message
            elif any(version.seq > since and what in version.text for version in message.history):
                return message
        return None

    async def wait_for(self, what: What, timeout: float = 10.0, *, since: int | None = None) -> Message:
        """The message that shows `what` (part of its text in any version, or a predicate); else NotSeen."""
        mark = self.chat.mark if since is None else since
        return await self.world.until(lambda: self.find(what, mark), timeout, lambda: self.missing(what, mark))

    def wait_for_sync(self, what: What, timeout: float = 10.0, *, since: int | None = None) -> Message:
        """As `wait_for`, from a thread without the server's loop."""
        mark = self.chat.mark if since is None else since
        return self.world.until_sync(lambda: self.find(what, mark), timeout, lambda: self.missing(what, mark))

    def missing(self, what: What, since: int) -> str:
        """The story of a wait in vain."""
        wanted = repr(what) if isinstance(what, str) else f"a message for {getattr(what, '__name__', what)}"
        where = f"chat {self.chat.id} after version {since}"
        return f"{wanted} did not come to {where}; there stands:\n{self.transcript()}"

    def transcript(self) -> str:
        """Everything said here, for the eyes of whoever reads a failed test."""
        lines: list[str] = []
        with self.world.lock:
            for message in self.world.messages.get(self.chat.id, {}).values():
                who = "bot" if message.from_bot else str(message.sender.get("first_name", "?"))
                for version in message.history:
                    shown = "".join(f" [{button.text}]" for button in version.buttons)
                    kind = "" if version.content.kind == "text" else f"<{version.content.kind}> "
                    state = " (deleted)" if message.deleted else ""
                    lines.append(f"#{message.id}.{version.seq} {who}: {kind}{version.text}{shown}{state}")
        return "\n".join(lines) or "(nothing)"
