"""The one message a dialogue lives in: written, changed in place, closed.

Rule: it is changed where it stands while nothing but its reader's own answers stand below it; else it moves to the end
of the chat, and what is left above has no buttons.
"""

import logging

from telegram import InlineKeyboardMarkup, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, TelegramError

from bot.texts.catalogue import say
from handlers.chat.context import Context, tagged
from handlers.chat.dialogues import Dialogue

LAST = "preview"
"""The step at which a decision about the preview ends a dialogue."""

log = logging.getLogger(__name__)


async def put(update: Update, context: Context, dialogue: Dialogue, html: str, buttons: InlineKeyboardMarkup) -> int:
    """Show a page of the dialogue; returns the id of the message it stands in."""
    if dialogue.message_id and not _is_far_below(update, dialogue):
        if await _change(context, dialogue, html, buttons):
            return dialogue.message_id
    elif dialogue.message_id:
        await close(context, dialogue, say("guide.gone_on"))
    sent = await context.say(update, html, buttons)
    return sent.message_id if sent is not None else 0


async def close(context: Context, dialogue: Dialogue, html: str) -> None:
    """Put a sentence in the place of the page. What can't be changed any more stays; its buttons say it is over."""
    try:
        await _change(context, dialogue, html)
    except TelegramError as error:
        log.info("a dialogue's message stays as it is: %s", type(error).__name__)


async def end(update: Update, context: Context, html: str, *, step: str | None = None) -> None:
    """End the dialogue of whoever this comes from, where there is one (at this step) and say so in its message."""
    person, dialogues = update.effective_user, context.chat.dialogues
    dialogue = dialogues.of(person.id) if person is not None else None
    if dialogue is not None and step in (None, dialogue.step):
        await dialogues.end(dialogue.person_id)
        await close(context, dialogue, html)


def _is_far_below(update: Update, dialogue: Dialogue) -> bool:
    """Whether something else came between the page and what was typed: ids run on."""
    message = update.message
    return message is not None and message.message_id - max(dialogue.message_id, dialogue.heard) > 1


async def _change(context: Context, dialogue: Dialogue, html: str, buttons: InlineKeyboardMarkup | None = None) -> bool:
    """Whether the message shows the page now; False where it can't be changed any more."""
    chat_id, pace = dialogue.person_id, context.chat.pace  # a private chat has the id of its person
    pace.spend(chat_id)
    try:
        await pace.patiently(
            chat_id,
            lambda: context.bot.edit_message_text(
                tagged(html, context.chat.config.tag),
                chat_id,
                dialogue.message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=buttons,
            ),
        )
    except BadRequest as error:
        return "not modified" in str(error)
    return True
