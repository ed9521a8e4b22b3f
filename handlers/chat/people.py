"""Who is who to the bot.

Rule: a person is a numeric user id, and counts only in that user's own private chat.
"""

import asyncio
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import cast

from telegram import Update
from telegram.constants import ChatType

OWNER_NOTE = ("chat", "owner")


class Role(IntEnum):
    """What somebody may do; a higher role may do all that a lower one may."""

    STRANGER = 0
    VIEWER = 1
    OWNER = 2


class People:
    """Who is who. Owners from the settings, or the one who claimed the bot; `claimed` is set once there is one."""

    def __init__(self, owner_ids: Iterable[int] = (), viewer_ids: Iterable[int] = ()) -> None:
        self.owners = frozenset(owner_ids)
        self.viewers = frozenset(viewer_ids) - self.owners
        self.claimed = asyncio.Event()
        if self.owners:
            self.claimed.set()

    @property
    def is_claimed(self) -> bool:
        return bool(self.owners)

    def recall(self, notes: Mapping[str, object]) -> None:
        """Take over who claimed the bot from the store's table `chat`; the settings, where they name owners, win."""
        note = cast("Mapping[str, object] | None", notes.get(OWNER_NOTE[1]))
        if note is not None and not self.owners:
            self.own(int(cast(int, note["id"])))

    def own(self, person_id: int) -> None:
        """This person is the owner from now on."""
        self.owners = frozenset({person_id})
        self.viewers -= self.owners
        self.claimed.set()

    def role(self, person_id: int) -> Role:
        """The role of a user id."""
        if person_id in self.owners:
            return Role.OWNER
        return Role.VIEWER if person_id in self.viewers else Role.STRANGER

    def role_of(self, update: object) -> Role:
        """The role behind an update: none but in the person's own private chat with the bot."""
        if not isinstance(update, Update):
            return Role.STRANGER
        user, chat = update.effective_user, update.effective_chat
        if user is None or chat is None or chat.type != ChatType.PRIVATE or chat.id != user.id:
            return Role.STRANGER
        return self.role(user.id)
