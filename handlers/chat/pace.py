"""How fast the bot may speak, and patience with a server that says "later".

Rule: pushes wait for their turn; answers never do, but they are counted, so that a push after them keeps its distance.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from telegram.error import BadRequest, NetworkError, RetryAfter

from handlers.chat.parcels import SINGLY

T = TypeVar("T")

Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT = 60.0
"""Seconds an answer waits when told to; a push waits as long as it takes."""


def seconds_of(error: RetryAfter) -> float:
    """What Telegram asks to wait, in seconds; python-telegram-bot gives it as a number or as a timedelta."""
    value = error.retry_after
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


class Bucket:
    """So many messages a second, and a few at once."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._level = burst
        self._at: float | None = None

    def wait(self, now: float) -> float:
        """Seconds until one more may go; 0 when it may go now."""
        if self._at is not None:
            self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._per_second)
        self._at = now
        return 0.0 if self._level > 0.999 else (1.0 - self._level) / self._per_second

    def spend(self) -> None:
        """One went. A debt of more than one burst is forgiven: answers must not silence the pushes for long."""
        self._level = max(-self._burst, self._level - 1.0)


class Pace:
    """One message a second in each chat and 25 in all (Telegram: about 1 and 30), with a small burst. Fills and closed
    trades go out one by one up to `singly` in a minute; the digest of more is edited every `edit_pause` seconds."""

    def __init__(
        self,
        *,
        chat_per_second: float = 1.0,
        chat_burst: float = 2.0,
        all_per_second: float = 25.0,
        singly: int = SINGLY,
        edit_pause: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._chat_per_second = chat_per_second
        self._chat_burst = chat_burst
        self._everybody = Bucket(all_per_second, all_per_second)
        self._chats: dict[int, Bucket] = {}
        self._silent_until: dict[int, float] = {}
        self._clock = clock
        self.sleep = sleep
        self.singly = singly
        self.edit_pause = edit_pause

    def _bucket(self, chat_id: int) -> Bucket:
        if chat_id not in self._chats:
            self._chats[chat_id] = Bucket(self._chat_per_second, self._chat_burst)
        return self._chats[chat_id]

    def wait(self, chat_id: int) -> float:
        """Seconds until a push to this chat may go."""
        now = self._clock()
        silent = self._silent_until.get(chat_id, now) - now
        return max(silent, self._bucket(chat_id).wait(now), self._everybody.wait(now))

    async def turn(self, chat_id: int) -> None:
        """Wait until a push to this chat may go, and count it."""
        while (seconds := self.wait(chat_id)) > 0:
            await self.sleep(seconds)
        self.spend(chat_id)

    def spend(self, chat_id: int) -> None:
        """A message went to this chat."""
        self.wait(chat_id)  # fills the buckets up to now
        self._bucket(chat_id).spend()
        self._everybody.spend()

    def hush(self, chat_id: int, seconds: float) -> None:
        """Telegram wants silence in this chat; the others go on."""
        self._silent_until[chat_id] = self._clock() + seconds

    async def patiently(self, chat_id: int, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call of the bot again when the line or the server says later: an answer shall arrive. Where only the
        reply was lost it shows twice. Any other TelegramError is raised, and these too after four tries."""
        for wait in (0.5, 2.0, 5.0):
            try:
                return await call()
            except RetryAfter as error:
                seconds = seconds_of(error)
                self.hush(chat_id, seconds)
                if seconds > LONGEST_WAIT:
                    raise
                await self.sleep(seconds)
            except BadRequest:  # python-telegram-bot counts it among the network errors
                raise
            except NetworkError:
                await self.sleep(wait)
        return await call()


def unhurried() -> Pace:
    """For a chat without limits: the terminal, where lines scroll by and an edited message is printed anew."""
    return Pace(chat_per_second=1e6, chat_burst=1e6, all_per_second=1e6, singly=40, edit_pause=15.0)
