"""Making grids: words, a preview, one press of a button.

Rule: parse, ask the manager, say. Nothing is sent to the exchange before `Create` is pressed, and what is made then is
what the preview showed, or nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import token_hex

from telegram import Update

from bot.core.grids import GridSpec, Shape
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.symbols import resolve_symbol
from bot.core.words import parse_grid
from bot.reports.suggestion import suggested
from bot.reports.views import placing_view
from handlers import permissions
from handlers.chat.asking import ask, expected
from handlers.chat.context import Context, tagged
from handlers.words import cautions, creation, keyboards

WORTH_FOLLOWING = 20
"""Orders on their way from which on it is told how far they are."""
LOOK_PAUSE = 3.0
MOST_LOOKS = 40


@dataclass(frozen=True, slots=True)
class PendingGrid:
    """A preview somebody has seen; `nonce` makes its grid once, however often Create arrives."""

    preview: Preview
    nonce: str


async def linear(update: Update, context: Context) -> None:
    """/linear: equally spaced entries."""
    await _grid(Shape.LINEAR, update, context)


async def normal(update: Update, context: Context) -> None:
    """/normal: entries dense around a mean."""
    await _grid(Shape.NORMAL, update, context)


async def geometric(update: Update, context: Context) -> None:
    """/geometric: entries at equal ratios."""
    await _grid(Shape.GEOMETRIC, update, context)


async def _grid(shape: Shape, update: Update, context: Context) -> None:
    if not context.words:
        await context.say(
            update,
            creation.suggestion(shape, await suggested(context.manager, shape, context.chat.config.default_symbol)),
        )
        return
    made = await context.manager.preview(await _parsed(shape, context))
    await _show(made, update, context)


async def _parsed(shape: Shape, context: Context) -> GridSpec:
    """The grid the words describe, at the price of now where they are relative to it."""
    symbols, default = await context.manager.world.data.symbols(), context.chat.config.default_symbol
    words = parse_grid(
        shape, context.words, resolve=lambda word: resolve_symbol(word, symbols, default), default_symbol=default
    )
    return words.at((await context.manager.quote(words.symbol)).bid if words.is_relative else None)


async def _show(made: Preview, update: Update, context: Context) -> None:
    """The preview, with its buttons when there is nothing against it. Very many levels come as a file before it."""
    chat = update.effective_chat
    if len(made.levels) > creation.MOST_LEVELS and chat is not None:
        caption = tagged(f"All {len(made.levels):,} levels", context.chat.config.tag)
        file = creation.levels_csv(made).encode()
        await context.bot.send_document(chat.id, file, filename="levels.csv", caption=caption, parse_mode="HTML")
    buttons = None
    if not made.problems:
        buttons = keyboards.preview(ask(update, context, PendingGrid(made, token_hex(8))))
    text = creation.preview_text(made)
    if buttons is not None and context.manager.heartbeat.gate.is_unconfirmed:
        text = f"{text}\n{cautions.NOT_LIVE}"
    await context.say(update, text, buttons)


async def _create(update: Update, context: Context, about: object) -> None:
    pending = expected(about, PendingGrid)
    made = await context.manager.create(pending.preview, pending.nonce)
    if isinstance(made, Grid):
        button = permissions.live_button(update, context)
        await context.change(update, creation.created(made, pending.preview, is_live=button is None), button)
        if button is None:
            await _follow(update, context, made, pending.preview)
    else:
        await context.change(update, creation.moved())
        await _show(made, update, context)


async def _follow(update: Update, context: Context, grid: Grid, made: Preview) -> None:
    """While an exchange takes a large grid's orders one after another, say in the same message how far they are."""
    laid = placing_view(context.manager, grid.id)
    if laid.under_way < WORTH_FOLLOWING:
        return
    for _ in range(MOST_LOOKS):
        await context.change(update, creation.created(grid, made, laid=laid))
        if not laid.under_way:
            return
        await asyncio.sleep(LOOK_PAUSE)
        laid = placing_view(context.manager, grid.id)
    await context.change(update, creation.created(grid, made, laid=laid))


async def _cancel(update: Update, context: Context, about: object) -> None:
    spec = about.preview.spec if isinstance(about, PendingGrid) else None
    await context.change(update, creation.cancelled(spec))


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"create": _create, "cancel": _cancel}
"""What the buttons do; `cancel` stands under every question of the chat."""
