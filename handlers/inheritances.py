"""Buttons about orders that the store does not know: rebuild their grids, cancel them, or leave them.

Rule: an answer is about the orders that were shown; what has changed since is asked anew.
"""

from collections.abc import Awaitable, Callable

from telegram import InlineKeyboardMarkup, Update

from bot.core.snapshot import InheritanceFound, Notice, OrphansFound
from handlers.chat.asking import expected
from handlers.chat.context import Chat, Context
from handlers.words import heritage, keyboards


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons under the questions of this room."""
    if not isinstance(notice, InheritanceFound | OrphansFound):
        return None
    nonce = chat.questions.ask(person_id, notice, chat.now())
    return keyboards.unknown_orders(nonce, rebuild=isinstance(notice, InheritanceFound) and notice.can_rebuild)


async def _rebuild(update: Update, context: Context, about: object) -> None:
    ids = await context.manager.inheritance.rebuild(expected(about, InheritanceFound))
    await context.change(update, heritage.rebuilding(ids))
    await context.manager.beat()


async def _cancel(update: Update, context: Context, about: object) -> None:
    await context.change(update, heritage.cancelling(await _decided(context, about, cancel=True)))


async def _leave(update: Update, context: Context, about: object) -> None:
    await context.change(update, heritage.left(await _decided(context, about, cancel=False)))


async def _decided(context: Context, about: object, *, cancel: bool) -> int:
    if isinstance(about, InheritanceFound):
        return await context.manager.inheritance.release(cancel=cancel)
    return await context.manager.inheritance.decide(expected(about, OrphansFound).ids, cancel=cancel)


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    "rebuild": _rebuild,
    "cancel_those": _cancel,
    "leave_those": _leave,
}
"""What the buttons do."""
