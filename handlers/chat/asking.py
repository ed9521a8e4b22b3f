"""Putting a question with buttons to the person an update came from.

Rule: what a button would do is kept here as data (`about`) and checked when it comes back: a press may be forged.
"""

from datetime import timedelta
from typing import TypeVar

from telegram import Update

from bot.errors import CommandError
from bot.texts.catalogue import say
from handlers.chat.context import Context
from handlers.chat.questions import LIFETIME

About = TypeVar("About")


def ask(update: Update, context: Context, about: object, lasts: timedelta = LIFETIME) -> str:
    """Note the question; returns the nonce for its buttons. CommandError where nobody could answer it."""
    person = update.effective_user
    if person is None:
        raise CommandError(say("door.no_person"))
    return context.chat.questions.ask(person.id, about, context.chat.now(), lasts)


def nonce_of(update: Update) -> str:
    """The nonce of the question whose button was pressed; empty where none was."""
    query = update.callback_query
    return (query.data or "").partition(":")[2] if query is not None else ""


def expected(about: object, *kinds: type[About]) -> About:
    """What the question was about, one of these. CommandError when the button belongs to another kind of question."""
    if not isinstance(about, kinds):
        raise CommandError(say("door.other_question"))
    return about
