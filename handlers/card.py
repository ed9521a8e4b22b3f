"""A grid's card: its ladder as a picture, how it stands, and buttons that steer it.

Rule: a press changes the card in place and never uses it up; where no picture can be drawn the text goes alone.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from telegram import InlineKeyboardMarkup, Update
from telegram.error import TelegramError

from bot.core.lifecycle import Mode
from bot.core.portfolio import Grid
from bot.reports.cards import CardView, card_view
from bot.reports.views import grid_view, grid_views
from bot.texts.catalogue import say
from handlers import control, permissions, pictures, reports
from handlers import edit as editing
from handlers.chat import leafing
from handlers.chat.asking import ask, expected, nonce_of
from handlers.chat.context import Context, pressed_on
from handlers.chat.people import Role
from handlers.chat.questions import LOOK_LIFETIME
from handlers.edit import OnGrid
from handlers.status import grid_named
from handlers.words import card as words
from handlers.words import keyboards
from handlers.words.leaves import Leaf
from handlers.words.parse import parse_one_id

log = logging.getLogger(__name__)

PICTURE = "grid.png"


async def grid(update: Update, context: Context) -> None:
    """/grid ID: its card, an ended one's too; without an id the only one's, or a button for each."""
    manager = context.manager
    views = grid_views(manager) if not context.words.strip() else []
    if not context.words.strip() and len(views) != 1:
        buttons = [(text, _nonce(update, context, grid_id)) for text, grid_id in words.names(views)]
        text = words.pick(views) if views else say("glance.no_grids")
        await context.say(update, text, keyboards.pick(buttons) if views else None)
        return
    name = views[0].grid.id if views else parse_one_id(context.words, example="/grid g1").partition(".")[0]
    await _show(update, context, grid_named(manager, name))


def _nonce(update: Update, context: Context, grid_id: str) -> str:
    """Of a question that may be answered again and again."""
    return ask(update, context, OnGrid(grid_id), LOOK_LIFETIME)


async def _show(update: Update, context: Context, found: Grid) -> None:
    chat, card = update.effective_chat, await card_view(context.manager, found)
    buttons = _buttons(card, _nonce(update, context, found.id), context)
    caption, png = words.caption(card, context.chat.config.timezone), await _picture(card, context)
    if png is not None and chat is not None:
        try:
            await context.show(chat.id, png, PICTURE, caption, buttons)
            return
        except TelegramError as error:
            log.warning("the picture of a grid was not taken: %s", type(error).__name__)
    await context.say(update, caption, buttons)


def _buttons(card: CardView, nonce: str, context: Context) -> InlineKeyboardMarkup:
    runs, is_over = card.view.mode is Mode.RUNNING, card.grid.ended_at is not None
    return keyboards.card(nonce, owner=context.role >= Role.OWNER, runs=runs, is_over=is_over)


async def _picture(card: CardView, context: Context) -> bytes | None:
    if card.grid.ended_at is not None:
        return None
    past = await context.chat.rehearsals.past.of(card.grid.symbol)
    return await pictures.ladder(card, past, context.chat.config.timezone)


# -- pressed -----------------------------------------------------------------------------------------------------------


async def _refresh(update: Update, context: Context, about: object) -> None:
    """The same message, as things stand now."""
    found, message = grid_named(context.manager, expected(about, OnGrid).grid), pressed_on(update)
    card = await card_view(context.manager, found)
    buttons, caption = _buttons(card, nonce_of(update), context), words.caption(card, context.chat.config.timezone)
    png = await _picture(card, context) if message is not None and message.photo else None
    if png is None:
        await context.change(update, caption, buttons)
    else:
        await context.redraw(update, png, PICTURE, caption, buttons)


async def _pause(update: Update, context: Context, about: object) -> None:
    await context.manager.pause(expected(about, OnGrid).grid)
    await _refresh(update, context, about)


async def _resume(update: Update, context: Context, about: object) -> None:
    await context.manager.resume(expected(about, OnGrid).grid)
    await _refresh(update, context, about)
    await permissions.ask_live(update, context)


async def _shown(update: Update, context: Context, about: object) -> None:
    await _show(update, context, grid_named(context.manager, expected(about, OnGrid).grid))


async def _stop(update: Update, context: Context, about: object) -> None:
    """As /stop: it asks how, in a message of its own."""
    context.args = [expected(about, OnGrid).grid]
    await control.stop(update, context)


async def _edit(update: Update, context: Context, about: object) -> None:
    """As /edit: what can be edited, in a message of its own."""
    await editing.menu(update, context, context.manager.planning.editable(expected(about, OnGrid).grid))


async def _pnl(update: Update, context: Context, about: object) -> None:
    """As /pnl."""
    context.args = ["all", expected(about, OnGrid).grid]
    await reports.pnl(update, context)


async def _levels(update: Update, context: Context, about: object) -> None:
    """Each level's state, in pages of a message of its own."""
    grid_id = expected(about, OnGrid).grid
    view = grid_view(context.manager, grid_named(context.manager, grid_id))
    await leafing.show(update, context, partial(_page, grid_id), words.page_of_price(view))


async def _page(grid_id: str, context: Context, place: int) -> Leaf:
    return words.levels(grid_view(context.manager, grid_named(context.manager, grid_id)), place)


Answer = Callable[[Update, Context, object], Awaitable[None]]
STEERING: dict[str, Answer] = {"card_pause": _pause, "card_resume": _resume, "card_stop": _stop, "card_edit": _edit}
"""What an owner's buttons do; all of them may be pressed again."""
LOOKS: dict[str, Answer] = {"card": _refresh, "card_show": _shown, "card_levels": _levels, "card_pnl": _pnl}
"""What everybody's do."""
