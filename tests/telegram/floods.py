"""How fast a bot may speak, and what happens when it speaks faster.

The rule: three buckets (a chat, a group, everybody) filled at the documented rates. An empty bucket answers
429 with the whole seconds until the next message would pass; until then every message to that chat is
refused, as the real one does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.telegram.parameters import too_many


@dataclass(frozen=True, slots=True)
class FloodLimits:
    """Messages (sends and edits) a bot may make. `penalty` is added to every retry_after, in seconds."""

    chat_per_second: float = 1.0
    chat_burst: int = 3
    group_per_minute: float = 20.0
    all_per_second: float = 30.0
    penalty: int = 0


@dataclass(slots=True)
class _Bucket:
    per_second: float
    burst: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.burst

    def wait(self, now: float) -> float:
        """Seconds until one more would pass; 0 when it would now."""
        if self.at is not None:
            self.level = min(self.burst, self.level + max(0.0, now - self.at) * self.per_second)
        self.at = now
        return 0.0 if self.level >= 1.0 - 1e-9 else (1.0 - self.level) / self.per_second


class FloodGate:
    """Counts messages; raises Refusal 429 for one too many."""

    def __init__(self, limits: FloodLimits) -> None:
        self.limits = limits
        self._everybody = _Bucket(limits.all_per_second, limits.all_per_second)
        self._chats: dict[int, list[_Bucket]] = {}
        self._banned: dict[int, float] = {}

    def admit(self, chat_id: int, now: float) -> None:
        """Lets one message to `chat_id` pass at `now` (seconds) or raises Refusal."""
        banned = self._banned.get(chat_id, now)
        if banned > now:
            raise too_many(math.ceil(banned - now))
        buckets = self._chats.get(chat_id)
        if buckets is None:
            limits = self.limits
            buckets = [self._everybody, _Bucket(limits.chat_per_second, limits.chat_burst)]
            if chat_id < 0:
                buckets.append(_Bucket(limits.group_per_minute / 60.0, limits.group_per_minute))
            self._chats[chat_id] = buckets
        wait = max(bucket.wait(now) for bucket in buckets)
        if wait > 0:
            seconds = max(1, math.ceil(wait)) + self.limits.penalty
            self._banned[chat_id] = now + seconds
            raise too_many(seconds)
        for bucket in buckets:
            bucket.level -= 1.0
