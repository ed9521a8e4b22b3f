"""Updates on their way in: noted durably before Telegram may forget them, forgotten once they are dealt with.

Rule: an update is acknowledged by the next getUpdates, so its note is on the disk before that. A finished one leaves a
mark until it is acknowledged, so that no kill makes it happen twice; one that was not finished is brought up again
after the restart, as late. Where nothing can be kept it is dealt with all the same: /panic matters more than the note.
Strangers are not noted: nobody fills the disk from outside.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, cast

from telegram import Bot, Update
from telegram.ext import BaseUpdateProcessor

from bot.errors import StateError
from bot.manager import TradeManager
from bot.ports import Key
from handlers.chat.people import People, Role

log = logging.getLogger(__name__)

TABLE = "updates"
REMEMBERED = 2_000
"""Ids of updates kept in memory, against deliveries that come twice."""
AT_ONCE = 256
UNREADABLE = (TypeError, LookupError, ValueError, AttributeError, ArithmeticError, OSError)
"""What python-telegram-bot raises for an update of a shape it does not know."""

Note = Mapping[str, object] | None


class Inbox:
    """See the module's rule."""

    def __init__(self, manager: TradeManager, people: People, replayed: set[int]) -> None:
        self._manager = manager
        self._people = people
        self._replayed = replayed
        self._seen: dict[int, None] = {}
        self._noted: set[int] = set()
        self._marks: set[int] = set()
        self._is_keeping = True

    def recall(self, bot: Bot) -> list[Update]:
        """What the last run had noted and not finished, oldest first; each but once."""
        unfinished: list[Update] = []
        for key, note in sorted(self._manager.state.notes.get(TABLE, {}).items()):
            update_id = int(key)
            if update_id in self._noted:
                continue
            self._see(update_id)
            self._noted.add(update_id)
            update = _revived(note, bot)
            if update is None:
                self._marks.add(update_id)
            else:
                self._replayed.add(update_id)
                unfinished.append(update)
        return unfinished

    async def take(self, updates: Iterable[Update]) -> list[Update]:
        """Note a batch; returns those that are not known already. Once it returns they may be acknowledged."""
        fresh = [update for update in updates if update.update_id not in self._seen]
        notes: dict[Key, Note] = {}
        for update in fresh:
            self._see(update.update_id)
            if self._people.role_of(update) is not Role.STRANGER:
                notes[TABLE, str(update.update_id)] = {
                    "update": update.to_dict(),
                    "received_at": self._manager.world.clock.now().isoformat(),
                }
        if await self._keep(notes):
            self._noted.update(int(key) for _, key in notes)
        return fresh

    async def finished(self, update_id: int) -> None:
        """An update was dealt with."""
        self._replayed.discard(update_id)
        if update_id in self._noted and await self._keep({(TABLE, str(update_id)): {"finished": True}}):
            self._marks.add(update_id)

    async def acknowledged(self, before: int | None) -> None:
        """Telegram has forgotten all updates below this id: their marks can go."""
        gone = {update_id for update_id in self._marks if before is None or update_id < before}
        if gone and await self._keep({(TABLE, str(update_id)): None for update_id in gone}):
            self._marks -= gone
            self._noted -= gone

    def _see(self, update_id: int) -> None:
        self._seen[update_id] = None
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    async def _keep(self, notes: Mapping[Key, Note]) -> bool:
        if not notes:
            return True
        try:
            await self._manager.remember(notes)
        except StateError as error:
            if self._is_keeping:
                log.error("updates are dealt with but can't be noted: %s", error)
            self._is_keeping = False
            return False
        self._is_keeping = True
        return True


def _revived(note: Mapping[str, object], bot: Bot) -> Update | None:
    """The update of a note; None when it was finished, or is of no shape this version knows."""
    document = cast("dict[str, Any] | None", note.get("update"))
    if document is None:
        return None
    try:
        return Update.de_json(document, bot)
    except UNREADABLE:
        log.warning("a noted update can't be read any more")
        return None


class Attended(BaseUpdateProcessor):
    """Runs updates side by side, so that /panic is never behind a slow one, and knows when each is finished."""

    def __init__(self, finished: Callable[[Update], Awaitable[None]]) -> None:
        super().__init__(AT_ONCE)
        self._finished = finished
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """One update. When it is cancelled, or too late before the stop, it is not finished and comes up again."""
        if self._is_closed:
            if isinstance(coroutine, Coroutine):
                coroutine.close()
            return
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            await coroutine
            if isinstance(update, Update):
                await self._finished(update)
        finally:
            if task is not None:
                self._tasks.discard(task)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more; give those who are at it some time, then cancel them."""
        self._is_closed = True
        running = set(self._tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("%d commands were cut off by the stop", len(late))
                await asyncio.wait(late, timeout=1.0)

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to let go of."""
