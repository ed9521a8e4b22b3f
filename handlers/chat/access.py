"""The doorman: who may speak, before every handler and for every kind of update.

Rule: a numeric user id and that user's private chat, or nothing. An empty list serves nobody. Edited and forwarded
messages are nobody's command; strangers get no answer, groups one sentence.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe

from telegram import Message, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop

from bot.core.snapshot import StrangerKnocked
from bot.errors import StateError
from bot.texts.catalogue import say
from handlers.chat.context import Context
from handlers.chat.knocks import NOTE, Knocks, called
from handlers.chat.people import OWNER_NOTE, Role

log = logging.getLogger(__name__)

CLAIM_LIFETIME = timedelta(minutes=10)
WRONG_TRIES = 5


class Claim:
    """The one-time code that makes somebody the owner."""

    def __init__(self, now: datetime) -> None:
        self.code = token_urlsafe(18)
        self.until = now + CLAIM_LIFETIME
        self.wrong = 0

    def is_open(self, now: datetime) -> bool:
        return self.wrong < WRONG_TRIES and now < self.until

    def fits(self, words: str) -> bool:
        """Whether this is the code; a wrong one is counted."""
        fits = compare_digest(words.encode(), self.code.encode())
        self.wrong += not fits
        return fits


class Doorman:
    """Stands in the earliest group of handlers; raises ApplicationHandlerStop for whatever is not to be heard."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.claim: Claim | None = None
        self.on_welcome: Callable[[int], None] | None = None
        """Called with an owner's or viewer's id whenever they speak."""
        self._announce = announce
        self._leaving: set[int] = set()
        self._told: set[int] = set()
        self.knocks = Knocks()

    async def admit(self, update: Update, context: Context) -> None:
        """The handler of every update."""
        chat = update.effective_chat
        if chat is not None and chat.type != ChatType.PRIVATE:
            await self._leave(update, context)
            raise ApplicationHandlerStop
        if update.my_chat_member is not None:
            self._heard_of_block(update, context)
            raise ApplicationHandlerStop
        message = update.message
        is_theirs = message is not None and message.forward_origin is None and message.via_bot is None
        if is_theirs and not context.chat.people.is_claimed and await self._claims(update, context):
            raise ApplicationHandlerStop
        if context.role is Role.STRANGER:
            await self._note_stranger(update, context)
            raise ApplicationHandlerStop
        if not is_theirs and update.callback_query is None:
            raise ApplicationHandlerStop
        person = update.effective_user
        if person is not None:
            context.chat.outbox.heard_from(person.id)
            if self.on_welcome is not None:
                self.on_welcome(person.id)

    # -- claiming ----------------------------------------------------------------------------------------------------

    def open_claim(self, now: datetime, username: str) -> Claim:
        """Make the one-time link and announce it."""
        self.claim = Claim(now)
        self._announce(
            "Nobody owns this bot yet. Open this link within 10 minutes to be its owner: "
            f"https://t.me/{username}?start={self.claim.code}"
        )
        return self.claim

    def end_claim(self, why: str) -> None:
        """The link is good for nothing any more."""
        if self.claim is not None:
            self.claim = None
            self._announce(f"The link to claim this bot {why}. Restart the worker for a new one.")

    async def _claims(self, update: Update, context: Context) -> bool:
        """Whether this message made its sender the owner."""
        message, person = update.message, update.effective_user
        words = start_words(message)
        if self.claim is None or person is None or not words:
            return False
        if not self.claim.is_open(context.chat.now()):
            return False
        if not self.claim.fits(words):
            if self.claim.wrong >= WRONG_TRIES:
                self.end_claim(f"has ended after {WRONG_TRIES} wrong tries")
            return False
        claim, self.claim = self.claim, None  # taken away before anything is awaited: it works once
        try:
            await context.manager.remember({OWNER_NOTE: {"id": person.id}})
        except StateError as error:
            self.claim = claim
            log.error("the bot could not be claimed: %s", error)
            await context.say(update, say("door.unkept"))
            return True
        context.chat.people.own(person.id)
        log.warning("the bot was claimed", extra={"context": {"owner": person.id}})
        self._announce(f"The bot was claimed by the Telegram user {person.id}.")
        if self.on_welcome is not None:
            self.on_welcome(person.id)
        await context.say(update, say("door.owned", person=person.id))
        return True

    # -- strangers and groups ----------------------------------------------------------------------------------------

    async def _note_stranger(self, update: Update, context: Context) -> None:
        """Tell the owners that somebody knocked, once a day for each and not too often in all."""
        person, now = update.effective_user, context.chat.now()
        if person is None or not context.chat.people.is_claimed or not self.knocks.is_news(person.id, now):
            return
        log.warning("a stranger was turned away", extra={"context": {"user": person.id}})
        with suppress(StateError):
            await context.manager.remember({NOTE: self.knocks.note})
            await context.manager.tell(StrangerKnocked(now, person.id, called(person)))

    async def _leave(self, update: Update, context: Context) -> None:
        """Say so once in a group, and leave it; a channel is left in silence."""
        chat, change = update.effective_chat, update.my_chat_member
        if chat is None:
            return
        if change is not None and change.new_chat_member.status in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED):
            self._leaving.discard(chat.id)
            self._told.discard(chat.id)
            return
        if chat.id in self._leaving:
            return
        self._leaving.add(chat.id)
        try:
            if chat.type in (ChatType.GROUP, ChatType.SUPERGROUP) and chat.id not in self._told:
                self._told.add(chat.id)
                await context.say_to(chat.id, say("door.group"))
        except TelegramError as error:
            log.debug("a group was left without a word: %s", type(error).__name__)
        try:
            await context.chat.pace.patiently(chat.id, lambda: context.bot.leave_chat(chat.id))
        except TelegramError as error:
            log.debug("a group could not be left: %s", type(error).__name__)
            self._leaving.discard(chat.id)  # the next word there tries again

    def _heard_of_block(self, update: Update, context: Context) -> None:
        change = update.my_chat_member
        if change is None or context.role is Role.STRANGER:
            return
        if change.new_chat_member.status == ChatMemberStatus.BANNED:
            context.chat.outbox.mute(change.from_user.id)
        else:
            context.chat.outbox.heard_from(change.from_user.id)


def start_words(message: Message | None) -> str:
    """The words behind `/start`; empty where there are none."""
    text = (message.text or "") if message is not None else ""
    command, _, words = text.partition(" ")
    return words.strip() if command.partition("@")[0].lower() == "/start" else ""
