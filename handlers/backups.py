"""Backups in the chat: /backup sends one, a reply with /restore shows what it would change, asks, and goes on from it.

Rule: a document is looked at as a whole before anything is said of it, and nothing changes before a button is pressed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup, Update
from telegram.error import TelegramError

from bot.core.model import Order
from bot.core.snapshot import BackupOlder, BackupWanted, Notice
from bot.errors import BotError, CommandError
from bot.texts.catalogue import say
from bot.upkeep.restoration import Backup, difference
from handlers.chat.asking import ask, expected
from handlers.chat.context import Chat, Context
from handlers.chat.pocket import Pocket, fetch
from handlers.words import keyboards, vault

PATIENCE = 5.0
"""Seconds the exchange is given to tell what rests."""


@dataclass(frozen=True, slots=True)
class PendingRestore:
    """A backup whose difference somebody has seen."""

    backup: Backup


async def backup(update: Update, context: Context) -> None:
    """/backup: the state as a document, pinned in place of the one before."""
    chat = update.effective_chat
    if chat is not None:
        await Pocket(context.chat, context.bot).send(chat.id)


async def restore(update: Update, context: Context) -> None:
    """/restore, in reply to a backup: what it would change, and the question."""
    message = update.message
    document = message.reply_to_message.document if message is not None and message.reply_to_message else None
    if document is None and not context.words:
        raise CommandError(say("vault.how"))
    if document is None:
        data = await asyncio.to_thread(context.chat.vault.file(context.words).read_bytes)
    else:
        data = await fetch(context.bot, document)
    found = await context.chat.vault.open(data)
    made = difference(context.manager.state, found, await _resting(context, found))
    nonce = ask(update, context, PendingRestore(found))
    text = vault.difference(made, context.chat.now(), context.chat.config.timezone)
    await context.say(update, text, keyboards.restore(nonce))


async def _resting(context: Context, found: Backup) -> list[Order] | None:
    """What rests on the markets of a backup; None where the exchange doesn't say."""
    orders: list[Order] = []
    try:
        async with asyncio.timeout(PATIENCE):
            for symbol in found.symbols:
                orders += await context.manager.world.gateway.open_orders(symbol)
    except (TimeoutError, BotError):
        return None
    return orders


# -- pressed ---------------------------------------------------------------------------------------------------------


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons under the questions of an empty store."""
    if not isinstance(notice, BackupOlder | BackupWanted):
        return None
    nonce = chat.questions.ask(person_id, notice, chat.now())
    return keyboards.lost_state(nonce, found=isinstance(notice, BackupOlder))


async def _restore(update: Update, context: Context, about: object) -> None:
    if isinstance(about, BackupOlder):
        if not context.manager.inheritance.is_held:
            raise CommandError(say("pocket.answered"))
        try:
            found = await context.chat.vault.open(await fetch(context.bot, about.file_id))
        except TelegramError:
            raise CommandError(say("pocket.withheld_pin")) from None
    else:
        found = expected(about, PendingRestore).backup
    await context.change(update, say("vault.restoring"))
    context.chat.vault.restore(found)


async def _without(update: Update, context: Context, about: object) -> None:
    expected(about, BackupOlder, BackupWanted)
    await context.change(update, say("vault.without"))
    await context.manager.inheritance.go_on()
    await context.manager.beat()


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"restore": _restore, "without": _without}
"""What the buttons do; `cancel` is in `create.py`."""
