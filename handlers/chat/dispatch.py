"""From an update to its handler: commands and buttons are looked up in the table.

Rule: who may not is told so in one sentence, what is unknown gets a hint, every press is answered, whatever comes of
it (an answer never holds up the deed), and every deed leaves a line in ops.log.
"""

import asyncio
import logging
from html import escape

from telegram import Update
from telegram.error import TelegramError

from bot.core.symbols import resolve_symbol
from bot.errors import BotError
from bot.texts.catalogue import say
from handlers.chat import late
from handlers.chat.audit import Deed, command_line, subject
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.chat.table import Choice, Table
from handlers.words import hints

log = logging.getLogger(__name__)

ANSWER_LIMIT = 200
MOST_NAME = 32


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
        if not word.startswith("/"):
            if self._table.listener is not None and await self._table.listener(update, context):
                return
            await context.say(update, await self._hint(text, context))
            return
        name, _, addressee = word[1:].lower().partition("@")
        if addressee and addressee != (context.bot.username or "").lower():
            return
        command = self._table.commands.get(name)
        known = words if command is not None else []
        with Deed(update, context, command_line(name, known)) as deed:
            await self._command(update, context, name, words, deed)

    async def _command(self, update: Update, context: Context, name: str, words: list[str], deed: Deed) -> None:
        message, command = update.message, self._table.commands.get(name)
        if command is None:
            deed.outcome = "there is no such command"
            await context.say(update, hints.unknown(name, self._table.commands, self._names(context.role)))
        elif context.role < command.role:
            deed.outcome = "refused: for owners only"
            await context.say(update, say("hints.viewers_only_look", command=f"/{name}"))
        elif message is not None and name not in late.OBEYED_LATE and late.is_late(update, message, context):
            deed.outcome = "late: asked whether to do it now"
            await late.offer(update, context, command)
        else:
            context.args = words
            await command.handler(update, context)

    def _names(self, role: Role) -> list[str]:
        return [command.name for command in self._table.for_role(role)]

    async def _hint(self, text: str, context: Context) -> str:
        """What to say to words that are no command."""
        said = hints.no_command(text, self._names(context.role))
        if said != say("hints.nothing_known") or not hints.MARKET.fullmatch(text):
            return said
        try:
            symbols = await context.manager.world.data.symbols()
            symbol = resolve_symbol(text, symbols, context.chat.config.default_symbol)
        except BotError:
            return said
        return hints.market(symbol, owner=context.role >= Role.OWNER)

    async def pressed(self, update: Update, context: Context) -> None:
        """A button: its question is taken away, so that it works once, for whom it was put to."""
        query = update.callback_query
        if query is None:
            return
        name, _, nonce = (query.data or "").partition(":")
        choice = self._table.choices.get(name)
        about, refusal = self._taken(update, context, choice, nonce)
        what = f"button {name[:MOST_NAME]}"
        with Deed(update, context, what, subject(about) if about is not None else "") as deed:
            if refusal or choice is None:
                deed.outcome = f"refused: {refusal}"
                if not await _answer(context, query.id, refusal):
                    await context.say(update, escape(refusal))  # pressed long ago: Telegram takes no answer any more
                return
            answering = asyncio.create_task(_answer(context, query.id))
            try:
                await choice.answer(update, context, about)
            finally:
                await answering

    def _taken(self, update: Update, context: Context, choice: Choice | None, nonce: str) -> tuple[object, str]:
        """What a pressed button is about, taken away; or why it is not obeyed."""
        query = update.callback_query
        if choice is not None and choice.taken is not None and context.role >= choice.role and nonce:
            return choice.taken(update, context, nonce)
        if query is None or update.update_id in context.chat.replayed:
            return None, say("door.after_restart")
        if choice is None or not nonce:
            return None, say("door.unknown_button")
        if context.role < choice.role:
            return None, say("door.for_owners")
        about = context.chat.questions.take(nonce, query.from_user.id, context.chat.now(), stays=choice.stays)
        return (None, about) if isinstance(about, str) else (about, "")


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
