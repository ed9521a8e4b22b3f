"""Fetching updates: one long poll after another, through every trouble of the line.

Rule: what was fetched is noted before it is acknowledged. An outage is logged once at its start and once at its end;
another poller with the same token is told to the owners once, and the poll stands by between its tries.

Not python-telegram-bot's Updater: it notes nothing, gives up for good on a 404 of a proxy, logs each failure, and its
stop waits for a pause of up to 30 s.
"""

import asyncio
import json
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.core.snapshot import Trouble
from bot.errors import StateError
from bot.manager import TradeManager
from bot.texts.catalogue import say
from handlers.chat.inbox import UNREADABLE, Inbox
from handlers.chat.pace import Sleep, seconds_of

log = logging.getLogger(__name__)

KINDS = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
"""All we ask Telegram for. The doorman holds for every other kind too: a server need not listen."""
POLL_SECONDS = 25
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
STANDING_BY = 10.0
"""Seconds between tries while somebody else polls, give or take: both would knock each other out otherwise."""
CALM = timedelta(minutes=2)
"""So long without a conflict, and it is over."""


class UpdatesRequest(HTTPXRequest):
    """Fetches updates. One that this version can't read comes through without its content: otherwise a single message
    of a new kind, from anybody, would make the bot deaf."""

    def parse_json_payload(self, payload: bytes) -> dict[str, Any]:  # type: ignore[override]
        try:
            document: Any = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            raise NetworkError("the answer is no JSON") from None
        if not isinstance(document, dict):
            raise NetworkError("the answer is no JSON object")
        result = document.get("result")
        if isinstance(result, list):
            document["result"] = [readable(update) for update in result if isinstance(update, dict)]
        return document


def readable(update: dict[str, Any]) -> dict[str, Any]:
    """The update, or only its id when python-telegram-bot can't read it."""
    try:
        Update.de_json(update, None)
    except UNREADABLE:
        log.warning("an update can't be read and is skipped", extra={"context": {"update": update.get("update_id")}})
        return {"update_id": update["update_id"]}
    return update


class Line:
    """Whether the line to Telegram stands, told to the log when that changes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._down_since: datetime | None = None
        self._wait = FIRST_WAIT

    def failed(self, error: TelegramError) -> float:
        """A call failed; returns the seconds to wait before the next."""
        if isinstance(error, RetryAfter):
            return seconds_of(error)
        if self._down_since is None:
            self._down_since = self._now()
            # Never the message: it may hold the token or a URL with it.
            log.warning("Telegram can't be reached (%s); trying on, trading goes on", type(error).__name__)
            if isinstance(error, InvalidToken):
                log.error("Telegram refuses TELEGRAM_BOT_TOKEN, or TELEGRAM_API_URL is no Bot API server")
        wait, self._wait = self._wait, min(2 * self._wait, LONGEST_WAIT)
        return wait * random.uniform(0.8, 1.2)

    def stands(self) -> None:
        """A call succeeded."""
        self._wait = FIRST_WAIT
        if self._down_since is not None:
            seconds = int((self._now() - self._down_since).total_seconds())
            log.warning("Telegram is reached again after %d s", seconds)
            self._down_since = None


class Poller:
    """See the module's rule. `hand_over` gets each fresh update once it is noted."""

    def __init__(
        self,
        bot: Bot,
        manager: TradeManager,
        inbox: Inbox,
        line: Line,
        hand_over: Callable[[Update], None],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._manager = manager
        self._inbox = inbox
        self._line = line
        self._hand_over = hand_over
        self._sleep = sleep
        self._offset: int | None = None
        self._conflict_at: datetime | None = None

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                updates = await self._bot.get_updates(self._offset, timeout=POLL_SECONDS, allowed_updates=KINDS)
            except Conflict:
                await self._stand_by()
            except (BadRequest, InvalidToken) as error:
                # A proxy's 404, or a token that was revoked: it may come back, and trading goes on.
                await self._sleep(max(STANDING_BY, self._line.failed(error)))
            except TelegramError as error:
                await self._sleep(self._line.failed(error))
            else:
                self._line.stands()
                await self._calm()
                await self._taken(updates)

    async def _taken(self, updates: tuple[Update, ...]) -> None:
        await self._inbox.acknowledged(self._offset if updates else None)
        for update in await self._inbox.take(updates):
            self._hand_over(update)
        if updates:
            self._offset = updates[-1].update_id + 1

    async def _stand_by(self) -> None:
        is_new, self._conflict_at = self._conflict_at is None, self._manager.world.clock.now()
        if is_new:
            log.error("another program polls Telegram with the same token; standing by")
            await self._tell(over=False)
        await self._sleep(STANDING_BY * random.uniform(0.5, 1.5))

    async def _calm(self) -> None:
        if self._conflict_at is not None and self._manager.world.clock.now() - self._conflict_at > CALM:
            self._conflict_at = None
            log.warning("nobody else polls Telegram any more")
            await self._tell(over=True)

    async def _tell(self, *, over: bool) -> None:
        now = self._manager.world.clock.now()
        try:
            await self._manager.tell(Trouble(now, "telegram", say("door.other_poller"), over))
        except StateError as error:
            log.warning("a conflict could not be told: %s", error)
