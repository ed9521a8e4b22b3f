"""Putting a question with buttons to the person an update came from.

Rule: what a button would do is kept here as data (`about`) and checked when it comes back: a press may be forged.
"""

from typing import TypeVar

from telegram import Update

from bot.errors import CommandError
from handlers.chat.context import Context

About = TypeVar("About")


def ask(update: Update, context: Context, about: object) -> str:
    """Note the question; returns the nonce for its buttons."""
    person = update.effective_user
    if person is None:
        raise CommandError("I answer questions of persons only. Write to me in private")
    return context.chat.questions.ask(person.id, about, context.chat.now())


def nonce_of(update: Update) -> str:
    """The nonce of the question whose button was pressed; empty where none was."""
    query = update.callback_query
    return (query.data or "").partition(":")[2] if query is not None else ""


def expected(about: object, kind: type[About]) -> About:
    """What the question was about. CommandError when the button belongs to another kind of question."""
    if not isinstance(about, kind):
        raise CommandError("This button doesn't belong to that question. Send the command again")
    return about
