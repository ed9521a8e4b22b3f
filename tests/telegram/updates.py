"""The queue of updates a bot polls.

The rule: as the real one. An update waits until a getUpdates with a higher offset forgets it, so a reply that
is lost brings it again; kinds not allowed are dropped when they happen, not when they are asked for; a
setting for allowed_updates lasts until the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tests.telegram.parameters import Json, bad_request

KINDS = frozenset({
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection",
    "business_message", "edited_business_message",
    "deleted_business_messages", "message_reaction", "message_reaction_count",
    "inline_query", "chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query", "poll",
    "poll_answer", "my_chat_member", "chat_member", "chat_join_request", "chat_boost", "removed_chat_boost",
    "purchased_paid_media",
})  # fmt: skip
ONLY_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class UpdateQueue:
    """Updates not yet acknowledged, oldest first."""

    def __init__(self, changed: Callable[[], None], first_id: int = 700_001) -> None:
        self._changed = changed
        self._next_id = first_id
        self.waiting: deque[Json] = deque()
        self.allowed: frozenset[str] = KINDS - ONLY_ON_REQUEST
        self.handed_out: list[int] = []
        self.dropped: list[str] = []

    def push(self, kind: str, payload: Json) -> int:
        """Queues one update; 0 when the bot does not want its kind (kinds unknown here are always wanted)."""
        if kind in KINDS and kind not in self.allowed:
            self.dropped.append(kind)
            return 0
        update_id = self._next_id
        self._next_id += 1
        self.waiting.append({"update_id": update_id, kind: payload})
        self._changed()
        return update_id

    def allow(self, kinds: Any) -> None:
        """Sets what the bot wants from now on; an empty list means the usual kinds. Raises Refusal."""
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            raise bad_request("can't parse allowed updates: Array of String expected")
        wanted = frozenset(kinds) & KINDS
        self.allowed = wanted or KINDS - ONLY_ON_REQUEST

    def acknowledge(self, offset: int) -> None:
        """Forgets what is below a positive offset, or all but the last `-offset`."""
        if offset < 0:
            while len(self.waiting) > -offset:
                self.waiting.popleft()
        while offset > 0 and self.waiting and self.waiting[0]["update_id"] < offset:
            self.waiting.popleft()
        self._changed()

    def batch(self, limit: int) -> list[Json]:
        """The oldest `limit` updates, which stay."""
        return [update for update, _ in zip(self.waiting, range(limit), strict=False)]

    def clear(self) -> None:
        """Drops everything (drop_pending_updates)."""
        self.waiting.clear()
        self._changed()
