"""Making grids: words, a preview, one press of a button.

Rule: parse, ask the manager, say. Nothing is sent to the exchange before `Create` is pressed, and what is made then is
what the preview showed, or nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from secrets import token_hex

from telegram import Update
from telegram.error import TelegramError

from bot.core.grids import GridSpec, Shape
from bot.core.lengths import Length
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.symbols import resolve_symbol
from bot.core.words import parse_grid
from bot.reports.views import placing_view
from bot.texts.catalogue import say
from handlers import permissions, pictures
from handlers.chat import sheet
from handlers.chat.asking import ask, expected, nonce_of
from handlers.chat.context import Context, tagged
from handlers.words import backtests, creation, keyboards

log = logging.getLogger(__name__)

WORTH_FOLLOWING = 20
"""Orders on their way from which on it is told how far they are."""
LOOK_PAUSE = 3.0
MOST_LOOKS = 40
USUAL_LENGTH, PICTURE = Length.HOUR, "preview.png"


@dataclass(frozen=True, slots=True)
class PendingGrid:
    """A preview somebody has seen; `nonce` makes its grid once, however often Create arrives. `caption` stands under
    its picture."""

    preview: Preview
    nonce: str
    caption: str = ""


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
    made = await context.manager.preview(await parsed(shape, context.words, context))
    await show(made, update, context)


async def parsed(shape: Shape, text: str, context: Context) -> GridSpec:
    """The grid the words describe, at the price of now where they are relative to it."""
    symbols, default = await context.manager.world.data.symbols(), context.chat.config.default_symbol
    words = parse_grid(shape, text, resolve=lambda word: resolve_symbol(word, symbols, default), default_symbol=default)
    return words.at((await context.manager.quote(words.symbol)).bid if words.is_relative else None)


async def show(made: Preview, update: Update, context: Context) -> None:
    """The preview: a picture and its caption with buttons, or a text where there is something against it or nothing can
    be drawn. Very many levels come as a file before it."""
    chat = update.effective_chat
    if chat is None:
        return
    if len(made.levels) > creation.MOST_LEVELS:
        caption = tagged(say("creation.file", count=len(made.levels)), context.chat.config.tag)
        file = creation.levels_csv(made).encode()
        await context.bot.send_document(chat.id, file, filename="levels.csv", caption=caption, parse_mode="HTML")
    if made.problems:
        await context.say(update, creation.preview_text(made))
        return
    png, notes = await asyncio.gather(_picture(made, USUAL_LENGTH, context), _notes(made, context))
    card = creation.preview_card(made, notes)
    pending = PendingGrid(made, token_hex(8), card.caption)
    nonce = ask(update, context, pending)
    if png is not None:
        if card.before:
            await context.say_to(chat.id, card.before)
        try:
            await context.show(chat.id, png, PICTURE, card.caption, keyboards.preview(nonce, USUAL_LENGTH))
            return
        except TelegramError as error:
            log.warning("the picture of a preview was not taken: %s", type(error).__name__)
    await context.say(update, creation.preview_text(made, notes), keyboards.preview(nonce))


async def _picture(made: Preview, length: Length, context: Context) -> bytes | None:
    candles = await context.chat.rehearsals.past.of(made.spec.symbol, length=length)
    return await pictures.preview(made, candles, length, context.chat.config.timezone)


async def _notes(made: Preview, context: Context) -> list[str]:
    """What else there is to say before a decision: what it would have done, and whether it may trade at all."""
    past = await context.chat.rehearsals.past.of(made.spec.symbol)
    done = await context.chat.rehearsals.instant(made, past)
    notes = [] if past else [say("backtests.no_past")]
    if done is not None:
        notes.append(backtests.line(done))
    if context.manager.heartbeat.gate.is_unconfirmed:
        notes.append(say("cautions.not_live"))
    return notes


async def _candles(length: Length, update: Update, context: Context, about: object) -> None:
    """The picture with candles of another length; the question stays as it is."""
    pending, nonce = expected(about, PendingGrid), nonce_of(update)
    png = await _picture(pending.preview, length, context)
    if png is None:
        await context.say(update, say("creation.not_drawn"))
    elif context.chat.questions.is_open(nonce):  # not answered meanwhile
        await context.redraw(update, png, PICTURE, pending.caption, keyboards.preview(nonce, length))


async def _create(update: Update, context: Context, about: object) -> None:
    pending = expected(about, PendingGrid)
    made = await context.manager.create(pending.preview, pending.nonce)
    if isinstance(made, Grid):
        button = permissions.live_button(update, context)
        await context.change(update, creation.created(made, pending.preview, is_live=button is None), button)
        await sheet.end(update, context, say("guide.done"), step=sheet.LAST)
        if button is None:
            await _follow(update, context, made, pending.preview)
    else:
        await context.change(update, say("creation.moved"))
        await show(made, update, context)


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
    if spec is not None:
        await sheet.end(update, context, say("guide.left"), step=sheet.LAST)


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"create": _create, "cancel": _cancel}
"""What the buttons do; `cancel` stands under every question of the chat."""
LOOKS: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    f"candles_{length}": partial(_candles, length) for length in keyboards.LENGTHS
}
"""What the buttons do that may be pressed again."""
