"""How one parcel gets into a chat: as a message, as a picture with its caption, or into a digest that is edited.

Rule: what Telegram answers to it is the courier's business (`notify.py`). A closing answers the message that told of
its entry; what can't be edited any more is begun anew; words or a picture that fail cost themselves, not the news.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Protocol

from telegram import Bot, InlineKeyboardMarkup, Message, ReplyParameters
from telegram.constants import MessageLimit, ParseMode
from telegram.error import BadRequest

from bot.core.snapshot import Notice
from handlers.chat.context import ChatConfig, length, split, tagged
from handlers.chat.pace import Pace
from handlers.chat.parcels import Parcel, Slot
from handlers.chat.standing import Record, Standing

log = logging.getLogger(__name__)

STALE = timedelta(seconds=60)
MOST_PLAIN = 2_000
FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError)
"""What words and pictures may raise."""


class Words(Protocol):
    """Makes texts of notices: `handlers.words.notices`."""

    def notice(self, notice: Notice, config: ChatConfig) -> str: ...

    def gathered(self, notices: Sequence[Notice], config: ChatConfig, before: Record | None) -> tuple[str, Record]: ...


Offer = Callable[[int, Notice], InlineKeyboardMarkup | None]
"""Makes buttons for a person and a notice."""
Draw = Callable[[Notice], Awaitable[bytes | None]]
"""Makes a picture of a notice, as PNG."""


def no_offer(person_id: int, notice: Notice) -> None:
    """A chat without buttons under its pushes."""


async def no_picture(notice: Notice) -> None:
    """A chat without pictures."""


class Post:
    """See the module's rule. `standing`: what stands in the chats."""

    def __init__(
        self, bot: Bot, pace: Pace, config: ChatConfig, words: Words, standing: Standing, offer: Offer, draw: Draw
    ) -> None:
        self._bot = bot
        self._pace = pace
        self._config = config
        self._words = words
        self._standing = standing
        self._offer = offer
        self._draw = draw
        self._pictures: dict[str, bytes | None] = {}

    async def deliver(self, person_id: int, parcel: Parcel, now: datetime) -> None:
        """Send a parcel. TelegramError."""
        if parcel.slot is not None:
            await self._gather(person_id, parcel, parcel.slot, now)
            self._standing.told(person_id, parcel, None, now)
            return
        told = parcel.notices
        html = tagged(self._text(told, now), self._config.tag)
        options: dict[str, Any] = {"disable_notification": parcel.is_silent}
        entry = self._standing.entry(person_id, told)
        if entry is not None:
            options["reply_parameters"] = ReplyParameters(entry, allow_sending_without_reply=True)
        buttons = self._offer(person_id, told[0]) if len(told) == 1 else None
        sent = await self._as_picture(person_id, parcel, html, {**options, "reply_markup": buttons})
        if sent is None:
            *parts, last = split(html)
            for part in parts:
                await self._send(person_id, part, options)
                await self._pace.turn(person_id)
            sent = await self._send(person_id, last, {**options, "reply_markup": buttons})
        self._standing.told(person_id, parcel, sent.message_id, now)

    def forget(self, keys: set[str]) -> None:
        """These notices have arrived everywhere: their pictures are not needed any more."""
        for key in self._pictures.keys() & keys:
            del self._pictures[key]

    async def _as_picture(self, person_id: int, parcel: Parcel, html: str, options: dict[str, Any]) -> Message | None:
        """The message as the caption of its picture; None where there is none, or Telegram does not take it."""
        key, told = parcel.items[0]
        try:
            if key not in self._pictures and (png := await self._draw(told)) is not None:
                self._pictures[key] = png
        except FAILURES:
            log.exception("a notice has no picture")
        picture = self._pictures.get(key)
        if picture is None or length(html) > MessageLimit.CAPTION_LENGTH:
            return None
        try:
            return await self._bot.send_photo(
                person_id, picture, html, filename="report.png", parse_mode=ParseMode.HTML, **options
            )
        except BadRequest as error:
            log.error("a picture can't be delivered: %s", error)
            self._pictures[key] = None
            return None

    async def _gather(self, person_id: int, parcel: Parcel, slot: Slot, now: datetime) -> None:
        """Put a parcel into its digest: edit the one that stands in the chat, or begin one."""
        window = self._standing.window(person_id, slot, now)
        if window is not None:
            html, said = self._gathered(parcel, window.said)
            if await self._edited(person_id, window.message_id, html):
                self._standing.put(person_id, slot, window.message_id, window.since, said, now)
                return
        html, said = self._gathered(parcel, None)
        options = {"disable_notification": parcel.is_silent}
        sent = await self._send(person_id, tagged(html, self._config.tag), options)
        self._standing.put(person_id, slot, sent.message_id, now, said, now)

    async def _edited(self, person_id: int, message_id: int, html: str) -> bool:
        """Whether the message says this now."""
        text = tagged(html, self._config.tag)
        try:
            await self._bot.edit_message_text(text, person_id, message_id, parse_mode=ParseMode.HTML)
        except BadRequest as error:
            if "not modified" not in str(error):
                log.info("a digest can't be edited, another begins: %s", error)
                return False
        return True

    async def _send(self, person_id: int, html: str, options: dict[str, Any]) -> Message:
        try:
            return await self._bot.send_message(person_id, html, parse_mode=ParseMode.HTML, **options)
        except BadRequest as error:
            if "parse" not in str(error):
                raise
            log.error("a notice is no proper HTML: %s", error)
            return await self._bot.send_message(person_id, html, **options)

    # -- words ---------------------------------------------------------------------------------------------------

    def _gathered(self, parcel: Parcel, before: Record | None) -> tuple[str, Record]:
        """What a digest says with these besides."""
        try:
            return self._words.gathered(parcel.notices, self._config, before)
        except FAILURES:
            log.exception("a digest has no words")
            return _plain(parcel.notices), {}

    def _text(self, notices: Sequence[Notice], now: datetime) -> str:
        """The words, saying when it was where that is a while ago."""
        try:
            html = "\n".join(self._words.notice(notice, self._config) for notice in notices)
        except FAILURES:
            log.exception("a notice has no words")
            html = _plain(notices)
        at = notices[0].at
        if now - at <= STALE:
            return html
        there = at.astimezone(self._config.timezone)
        day = "" if there.date() == now.astimezone(self._config.timezone).date() else f"{there:%Y-%m-%d} "
        return f"{html}\n<i>{day}{there:%H:%M:%S}</i>"


def _plain(notices: Sequence[Notice]) -> str:
    """Without words, the news."""
    shown = "\n".join(f"{type(notice).__name__}: {notice}" for notice in notices[:10])
    return escape(shown[:MOST_PLAIN], quote=False)
