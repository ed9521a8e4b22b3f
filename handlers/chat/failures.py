"""The one error handler: what a handler raises ends here.

Rule: errors made for people are said to them; all others are noted with a reference, and the person hears that. Trouble
with Telegram itself is no news for the chat. A bulkhead: nothing gets past it.
"""

import logging
from secrets import token_hex

from telegram import Update
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.errors import BotError
from bot.texts.catalogue import say
from handlers.chat.context import Context
from handlers.words import door

log = logging.getLogger(__name__)

UNCHANGED = ("not modified", "query is too old", "query id is invalid")
"""Of requests that came to nothing, and rightly."""


async def on_error(update: object, context: Context) -> None:
    """Called by the application for whatever a handler raised."""
    try:
        await _answer(update, context)
    except TelegramError as error:
        log.warning("an error could not be told: %s", type(error).__name__)
    except Exception:
        log.exception("the error handler failed")


async def _answer(update: object, context: Context) -> None:
    error = context.error
    person = update.effective_user if isinstance(update, Update) else None
    if isinstance(error, Forbidden) and person is not None:
        context.chat.outbox.mute(person.id)
        return
    if is_quiet(error):
        log.info("an answer did not arrive: %s", type(error).__name__)
        return
    if isinstance(error, BotError):
        html = door.refused(str(error))
    else:
        reference = token_hex(3)
        log.error(
            "a handler failed (ref %s)",
            reference,
            exc_info=error,
            extra={"context": {"ref": reference, "update": getattr(update, "update_id", None)}},
        )
        html = say("door.failed", reference=reference)
    if isinstance(update, Update) and context.role:
        await context.say(update, html)


def is_quiet(error: Exception | None) -> bool:
    """Whether an error is only about Telegram's line, not about what a handler did."""
    if isinstance(error, BadRequest):  # python-telegram-bot counts it among the network errors
        return any(words in str(error).lower() for words in UNCHANGED)
    return isinstance(error, NetworkError | RetryAfter | Forbidden)
