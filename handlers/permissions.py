"""What the trader does only once its owner has said so: trade live for the first time, and place again what a person
took off the book. Buttons under the questions, and what they do.

Rule: a press decides about what its question named, and nothing else; not to press is the careful answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup, Update

from bot.core.snapshot import LevelsHalted, LiveAsked, Notice
from bot.texts.catalogue import say
from handlers.chat.asking import ask, expected
from handlers.chat.context import Chat, Context
from handlers.words import cautions, keyboards


@dataclass(frozen=True, slots=True)
class PendingLive:
    """Somebody was asked whether this account may trade live."""


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons under a question of the trader."""
    if isinstance(notice, LiveAsked):
        return keyboards.live(chat.questions.ask(person_id, PendingLive(), chat.now()))
    if isinstance(notice, LevelsHalted):
        return keyboards.taken_off(chat.questions.ask(person_id, notice, chat.now()))
    return None


def live_button(update: Update, context: Context) -> InlineKeyboardMarkup | None:
    """The button under what waits for the first live start; None where nothing does."""
    if not context.manager.heartbeat.gate.is_unconfirmed:
        return None
    return keyboards.live(ask(update, context, PendingLive()))


async def ask_live(update: Update, context: Context) -> None:
    """Put the question of the first live start again, where it is open."""
    button = live_button(update, context)
    if button is not None:
        await context.say(update, cautions.live_question(await context.manager.live_question()), button)


async def _live(update: Update, context: Context, about: object) -> None:
    expected(about, PendingLive)
    await context.manager.trade_live()
    await context.change(update, say("cautions.live"))


async def _again(update: Update, context: Context, about: object) -> None:
    levels = expected(about, LevelsHalted).levels
    await context.change(update, cautions.resumed(await context.manager.resume_levels(levels)))


async def _leave_out(update: Update, context: Context, about: object) -> None:
    await context.change(update, cautions.left_out(expected(about, LevelsHalted).levels))


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    "live": _live,
    "again": _again,
    "leave_out": _leave_out,
}
"""What the buttons do; `cancel` is in `create.py`."""
