"""From an update to its handler: commands and buttons are looked up in the table.

Rule: who may not is told so in one sentence, what is unknown gets a hint, and every press is answered, whatever comes
of it: an answer never holds up the deed.
"""

import asyncio
import logging
from difflib import get_close_matches
from html import escape

from telegram import Update
from telegram.error import TelegramError

from handlers.chat import late
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.chat.table import Table

log = logging.getLogger(__name__)

ANSWER_LIMIT = 200
AFTER_RESTART = (
    "I was restarted while I was at the button you pressed. /grids and /status show how things stand; "
    "send the command again if something is missing."
)


class Dispatch:
    """The two handlers behind the doorman."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def obey(self, update: Update, context: Context) -> None:
        """A message: a command, or something else."""
        message = update.message
        text = (message.text or "").strip() if message is not None else ""
        if message is None or not text:
            return
        word, *words = text.split()
        name, _, addressee = word.removeprefix("/").lower().partition("@")
        if addressee and addressee != (context.bot.username or "").lower():
            return
        command = self._table.commands.get(name)
        if not word.startswith("/"):
            hint = f"Did you mean /{name}? " if command is not None else ""
            await context.say(update, f"{hint}I understand commands; /help lists them.")
        elif command is None:
            await context.say(update, self._unknown(name, context.role))
        elif context.role < command.role:
            await context.say(update, f"Only an owner may use /{name}. You may look: /help lists how.")
        elif name not in late.OBEYED_LATE and late.is_late(update, message, context):
            await late.offer(update, context, command)
        else:
            context.args = words
            await command.handler(update, context)

    def _unknown(self, name: str, role: Role) -> str:
        near = get_close_matches(name[:32], [command.name for command in self._table.for_role(role)], n=1)
        hint = f"Did you mean /{near[0]}?" if near else "/help lists what I know."
        return f"I don't know /{escape(name[:32])}. {hint}"

    async def pressed(self, update: Update, context: Context) -> None:
        """A button: its question is taken away, so that it works once, for whom it was put to."""
        query = update.callback_query
        if query is None:
            return
        name, _, nonce = (query.data or "").partition(":")
        choice = self._table.choices.get(name)
        about: object = None
        refusal = ""
        if update.update_id in context.chat.replayed:
            refusal = AFTER_RESTART
        elif choice is None or not nonce:
            refusal = "I don't know this button. Send the command again."
        elif context.role < choice.role:
            refusal = "Only an owner may press this button."
        else:
            about = context.chat.questions.take(nonce, query.from_user.id, context.chat.now())
            refusal = about if isinstance(about, str) else ""
        if refusal or choice is None:
            if not await _answer(context, query.id, refusal):
                await context.say(update, escape(refusal))  # pressed long ago: Telegram takes no answer any more
            return
        answering = asyncio.create_task(_answer(context, query.id))
        try:
            await choice.answer(update, context, about)
        finally:
            await answering


async def _answer(context: Context, query_id: str, text: str = "") -> bool:
    """Stop the button's wheel, with an alert where there is something to say; False when that came too late."""
    try:
        if text:
            await context.bot.answer_callback_query(query_id, text[:ANSWER_LIMIT], show_alert=True)
        else:
            await context.bot.answer_callback_query(query_id)
    except TelegramError as error:
        log.debug("a press could not be answered: %s", type(error).__name__)
        return False
    return True
