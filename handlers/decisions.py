"""The owner's decisions about positions on perpetuals: buttons under the alarms, and what they do.

Rule: a press decides about the market and the oddities its alarm named, and nothing else.
"""

from collections.abc import Awaitable, Callable

from telegram import InlineKeyboardMarkup, Update

from bot.core.margin import CAN_STAND_BESIDE
from bot.core.snapshot import Notice, PositionNotOurs, PositionSmaller
from bot.reports import positions
from handlers.chat.asking import expected
from handlers.chat.context import Chat, Context
from handlers.words import keyboards, perpetuals


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons under an alarm about a position; none where there is nothing to choose."""
    if isinstance(notice, PositionSmaller):
        return keyboards.follow(chat.questions.ask(person_id, notice, chat.now()))
    if isinstance(notice, PositionNotOurs) and set(notice.oddities) <= CAN_STAND_BESIDE:
        return keyboards.beside(chat.questions.ask(person_id, notice, chat.now()))
    return None


async def _follow(update: Update, context: Context, about: object) -> None:
    told = expected(about, PositionSmaller)
    await context.change(update, perpetuals.followed(await positions.follow(context.manager, told.symbol)))


async def _beside(update: Update, context: Context, about: object) -> None:
    told = expected(about, PositionNotOurs)
    running = await positions.trade_beside(context.manager, told.symbol, told.oddities)
    await context.change(update, perpetuals.beside(told.symbol, running))


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"follow": _follow, "beside": _beside}
"""What the buttons do; `cancel` is in `create.py`."""
