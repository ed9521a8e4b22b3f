"""The latest backup, pinned in each owner's chat: sent in silence once a day and before a disk goes, then found again.

Rule: a new pin comes before the former one of ours goes; other people's pins are not touched. What is found is used by
itself only where the exchange has nothing newer to tell; else the owner is asked.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from telegram import Bot, Document
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.core import client_ids
from bot.core.model import Order
from bot.core.snapshot import BackupOlder, BackupWanted
from bot.errors import BotError, CommandError, MarketError
from bot.ports import Key
from bot.texts.catalogue import say
from bot.upkeep.restoration import PRETEND, Packed, is_too_old, trades_since
from handlers.chat.context import Chat, tagged
from handlers.words import vault

log = logging.getLogger(__name__)

NOTE: Key = ("chat", "backup")
"""When the last one was sent, and which message is pinned in whose chat."""
DAILY = timedelta(hours=24)
SETTLED = timedelta(minutes=5)
"""A worker that has just begun sends nothing by itself."""
PATIENCE = 5.0
"""Seconds that Telegram and the exchange are given for one look."""
OURS = ("rexlapis-", ".json.gz")
MOST_BYTES = 20 * 1024 * 1024
"""What Telegram hands to a bot."""


async def fetch(bot: Bot, document: Document | str) -> bytes:
    """A document that Telegram keeps, or the one of an id. CommandError for one it doesn't hand out, TelegramError."""
    size = (document.file_size or 0) if isinstance(document, Document) else 0
    if size > MOST_BYTES:
        raise CommandError(say("pocket.too_large", size=f"{size / 1024**2:.0f}"))
    try:
        file = await bot.get_file(document.file_id if isinstance(document, Document) else document)
        return bytes(await file.download_as_bytearray())
    except BadRequest as error:
        raise CommandError(say("pocket.withheld", error=error)) from None


@dataclass(frozen=True, slots=True)
class Pinned:
    """The newest pinned message of a chat: a document of ours, or None for something else."""

    person_id: int
    message_id: int
    at: datetime
    document: Document | None


class Pocket:
    """Sends backups and pins them."""

    def __init__(self, chat: Chat, bot: Bot) -> None:
        self._chat = chat
        self._bot = bot

    async def send(self, person_id: int, *, silent: bool = False) -> None:
        """A backup of now for one person. BotError, TelegramError."""
        await self._send(person_id, await self._chat.vault.pack(), silent)

    async def daily(self) -> None:
        """A silent one for each owner where the last is a day old; nothing while there is nothing to keep."""
        manager, now = self._chat.manager, self._chat.now()
        sent_at = self._note.get("at")
        if manager.started_at is None or now - manager.started_at < SETTLED:
            return
        if sent_at is not None and now - datetime.fromisoformat(str(sent_at)) < DAILY:
            return
        await self.farewell()

    async def farewell(self) -> None:
        """A silent one for each owner, whenever the last one was. What fails is logged."""
        manager = self._chat.manager
        if not manager.state.grids or manager.inheritance.is_open:
            return
        try:
            packed = await self._chat.vault.pack()
            for person_id in sorted(self._chat.people.owners):
                await self._send(person_id, packed, silent=True)
        except (BotError, TelegramError) as error:
            log.warning("no backup could be sent: %s", error if isinstance(error, BotError) else type(error).__name__)

    @property
    def _note(self) -> dict[str, Any]:
        return dict(self._chat.manager.state.notes.get(NOTE[0], {}).get(NOTE[1], {}))

    async def _send(self, person_id: int, packed: Packed, silent: bool) -> None:
        config, pace = self._chat.config, self._chat.pace
        caption = tagged(vault.caption(packed, config.timezone), config.tag)
        pace.spend(person_id)
        message = await pace.patiently(
            person_id,
            lambda: self._bot.send_document(
                person_id,
                packed.data,
                filename=packed.name,
                caption=caption,
                parse_mode=ParseMode.HTML,
                disable_notification=silent,
            ),
        )
        await self._pin(person_id, message.message_id)

    async def _pin(self, person_id: int, message_id: int) -> None:
        pins = dict(cast("dict[str, int]", self._note.get("pins", {})))
        former = pins.get(str(person_id))
        try:
            await self._bot.pin_chat_message(person_id, message_id, disable_notification=True)
        except TelegramError as error:
            log.warning("a backup was sent but can't be pinned: %s", type(error).__name__)
            return
        await self.noted(person_id, message_id, self._chat.now())
        if former is not None and former != message_id:
            try:
                await self._bot.unpin_chat_message(person_id, former)
            except TelegramError as error:  # somebody has unpinned or deleted it
                log.debug("the former backup stays pinned: %s", type(error).__name__)

    async def noted(self, person_id: int, message_id: int, at: datetime) -> None:
        """Keep which message is our pin in a chat. StateError."""
        pins = dict(cast("dict[str, int]", self._note.get("pins", {})))
        note = {"at": at.isoformat(), "pins": {**pins, str(person_id): message_id}}
        await self._chat.manager.remember({NOTE: note})

    async def newest(self) -> Pinned | None:
        """The newest pin of all owners' chats: of ours the latest, else one that is not ours; None where there is none.
        TelegramError."""
        pins = [pin for person_id in sorted(self._chat.people.owners) if (pin := await self._pin_of(person_id))]
        return max(pins, key=lambda pin: (pin.document is not None, pin.at), default=None)

    async def _pin_of(self, person_id: int) -> Pinned | None:
        try:
            pinned = (await self._bot.get_chat(person_id)).pinned_message
        except (BadRequest, Forbidden):  # they never spoke to this bot
            return None
        if pinned is None:
            return None
        author, document = getattr(pinned, "from_user", None), getattr(pinned, "document", None)
        is_mine = author is not None and str(author.id) == self._bot.token.partition(":")[0]
        name = (document.file_name or "") if document is not None and is_mine else ""
        is_backup = name.startswith(OURS[0]) and name.endswith(OURS[1])
        return Pinned(person_id, pinned.message_id, pinned.date, document if is_backup else None)


class Search:
    """Looks for what an empty store goes on from, until that is settled; see the module's rule. `has_failed`: what was
    found could not be put in place, so that it is for the owner to try again."""

    def __init__(self, chat: Chat, bot: Bot, *, has_failed: bool = False) -> None:
        self._chat = chat
        self._bot = bot
        self._pocket = Pocket(chat, bot)
        self._is_asked = has_failed

    async def look(self) -> None:
        """One look; where Telegram or the exchange gives no answer, the next one decides."""
        inheritance = self._chat.manager.inheritance
        if not inheritance.is_held or self._is_asked:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._look()
        except (TimeoutError, TelegramError, MarketError) as error:
            log.warning("whether there is a backup is not known yet: %s", type(error).__name__)

    async def _look(self) -> None:
        pin = await self._pocket.newest()
        if pin is None:
            await self._chat.manager.inheritance.go_on()
        elif pin.document is None:
            await self._want(say("pocket.not_mine"))
        else:
            await self._use(pin, pin.document)

    async def _use(self, pin: Pinned, document: Document) -> None:
        try:
            found = await self._chat.vault.open(await fetch(self._bot, document))
        except BotError as error:
            log.warning("the pinned backup can't be used: %s", error)
            await self._want(say("pocket.unusable", error=error))
            return
        await self._pocket.noted(pin.person_id, pin.message_id, found.made_at)
        now = self._chat.now()
        if self._chat.vault.is_exchange_new:  # a pretend one, which went with the disk
            if PRETEND in found.tables:
                self._chat.vault.restore(found)
            else:
                await self._chat.manager.inheritance.go_on()
            return
        trades = trades_since(found, await self._own_orders(found.symbols))
        if not trades and not is_too_old(found, now):
            self._chat.vault.restore(found)
            return
        self._is_asked = True
        running = sum(grid.ended_at is None for grid in found.grids.values())
        told = BackupOlder(now, found.made_at, running, len(found.executors), trades, document.file_id)
        await self._chat.manager.tell(told)

    async def _want(self, why: str) -> None:
        """Ask for a backup where the exchange knows us; else there is nothing to lose."""
        manager = self._chat.manager
        if not manager.heartbeat.desks:
            raise MarketError("no market is known yet")
        bot = manager.state.meta.bot
        ids = [client_ids.decode(order.client_id) for order in await self._own_orders(manager.heartbeat.desks)]
        if any(key is not None and key.prefix[:3] == bot for key in ids):
            self._is_asked = True
            await manager.tell(BackupWanted(self._chat.now(), why))
        else:
            await manager.inheritance.go_on()

    async def _own_orders(self, symbols: Iterable[str]) -> list[Order]:
        orders: dict[str, Order] = {}
        for symbol in list(symbols):
            for order in await self._chat.manager.world.gateway.own_orders(symbol):
                orders[order.client_id] = order
        return list(orders.values())
