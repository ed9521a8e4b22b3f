"""Late commands: what somebody wanted a while ago may not be what they want now.

Rule: a command older than a minute, or from before a restart, is not run but answered with a button. `/pause` is obeyed
at once (waiting can only cost), `/panic` and `/stop` run because they ask before they act.
"""

from dataclasses import dataclass
from datetime import timedelta

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update

from bot.errors import CommandError
from bot.texts.catalogue import say
from handlers.chat.asking import ask, expected
from handlers.chat.audit import Deed, command_line
from handlers.chat.context import Context
from handlers.chat.table import Command
from handlers.words import door

LATE = timedelta(minutes=1)
OBEYED_LATE = frozenset({"pause", "panic", "stop"})
NOW = "now"


@dataclass(frozen=True, slots=True)
class LateCommand:
    """A command that waits for its button; its update is obeyed as it came."""

    command: Command
    update: Update


def is_late(update: Update, message: Message, context: Context) -> bool:
    """Whether this message was meant for a moment that is over."""
    return update.update_id in context.chat.replayed or context.chat.now() - message.date > LATE


async def offer(update: Update, context: Context, command: Command) -> None:
    """Answer a late command with a button."""
    message = update.message
    if message is None:
        return
    nonce = ask(update, context, LateCommand(command, update))
    button = InlineKeyboardButton(say("door.do_now"), callback_data=f"{NOW}:{nonce}")
    html = door.late(message.text or "", context.chat.now() - message.date)
    await context.say(update, html, InlineKeyboardMarkup([[button]]))


async def do_now(update: Update, context: Context, about: object) -> None:
    """The button: obey the command as if it had just come."""
    late = expected(about, LateCommand)
    command, message = late.command, late.update.message
    if message is None or context.role < command.role:
        raise CommandError(say("door.not_now", command=command.name))
    await context.change(update, door.doing_now(message.text or ""))
    context.args = (message.text or "").split()[1:]
    with Deed(late.update, context, command_line(command.name, context.args)):
        await command.handler(late.update, context)
