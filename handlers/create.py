"""Making grids: words, a preview, one press of a button.

Rule: parse, ask the manager, say. Nothing is sent to the exchange before `Create` is pressed, and what is made then is
what the preview showed, or nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from decimal import Context as Figures
from secrets import token_hex

from telegram import Update

from bot.core.grids import GridSpec, Shape
from bot.core.model import Market, Quote
from bot.core.money import HUNDRED, ZERO, ceil_to
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.symbols import resolve_symbol
from bot.core.words import parse_grid
from handlers import keyboards, texts
from handlers.asking import ask, expected
from handlers.context import Context, tagged


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
        await context.say(update, texts.suggestion(shape, await _suggested(shape, context)))
        return
    made = await context.manager.preview(await _parsed(shape, context))
    await _show(made, update, context)


async def _parsed(shape: Shape, context: Context) -> GridSpec:
    """The grid the words describe, at the price of now where they are relative to it."""
    symbols = await context.manager.world.data.symbols()
    words = parse_grid(
        shape,
        context.words,
        resolve=lambda word: resolve_symbol(word, symbols),
        default_symbol=context.chat.config.default_symbol,
    )
    return words.at((await context.manager.quote(words.symbol)).bid if words.is_relative else None)


async def _show(made: Preview, update: Update, context: Context) -> None:
    """The preview, with its buttons when there is nothing against it. Very many levels come as a file before it."""
    chat = update.effective_chat
    if len(made.levels) > texts.MOST_LEVELS and chat is not None:
        caption = tagged(f"All {len(made.levels):,} levels", context.chat.config.tag)
        file = texts.levels_csv(made).encode()
        await context.bot.send_document(chat.id, file, filename="levels.csv", caption=caption, parse_mode="HTML")
    buttons = None
    if not made.problems:
        buttons = keyboards.preview(ask(update, context, PendingGrid(made, token_hex(8))))
    await context.say(update, texts.preview_text(made), buttons)


async def _create(update: Update, context: Context, about: object) -> None:
    pending = expected(about, PendingGrid)
    made = await context.manager.create(pending.preview, pending.nonce)
    if isinstance(made, Grid):
        await context.change(update, texts.created(made, pending.preview))
    else:
        await context.change(update, texts.moved())
        await _show(made, update, context)


async def _cancel(update: Update, context: Context, about: object) -> None:
    spec = about.preview.spec if isinstance(about, PendingGrid) else None
    await context.change(update, texts.cancelled(spec))


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"create": _create, "cancel": _cancel}
"""What the buttons do; `cancel` stands under every question of the chat."""


# -- a line that would work now ----------------------------------------------------------------------------------------

COUNTS = (20, 10, 5, 2, 1)
USUAL_PROFIT_PCT = Decimal("0.5")
HALF_RANGE_RATIO = Decimal("0.01")
SHARE_OF_FUNDS = Decimal("0.25")
ROUND_PRICE = Figures(prec=4, rounding=ROUND_HALF_EVEN)
ROUND_AMOUNT = Figures(prec=1, rounding=ROUND_DOWN)


async def _suggested(shape: Shape, context: Context) -> Preview:
    """A grid of ±1 % around the price, of so many levels as a quarter of the free funds can pay for."""
    manager, symbol = context.manager, context.chat.config.default_symbol
    market, quote = (await manager.desk(symbol)).market, await manager.quote(symbol)
    funds = (await manager.balances()).get(market.quote)
    free = funds.free if funds is not None else ZERO
    for count in COUNTS[:-1]:
        made = await manager.preview(_round_grid(shape, count, market, quote, free))
        if not made.problems and not made.refused:
            return made
    return await manager.preview(_round_grid(shape, COUNTS[-1], market, quote, free))


def _round_grid(shape: Shape, count: int, market: Market, quote: Quote, free: Decimal) -> GridSpec:
    """A grid around the price in figures that are easy to read and to change."""
    span = quote.bid * HALF_RANGE_RATIO
    ends = (ROUND_PRICE.plus(quote.bid + distance) for distance in (-span, span))
    low, high = (max(market.price_down(end), market.price_tick) for end in ends)
    a_level = ROUND_AMOUNT.divide(free * SHARE_OF_FUNDS, quote.ask * count)
    smallest = market.smallest_amount(low) * 2
    fee_pct = market.maker_fee_ratio * HUNDRED
    return GridSpec(
        shape=shape,
        symbol=market.symbol,
        minimum=low,
        maximum=high,
        count=count,
        amount=max(market.amount_down(a_level), smallest if count == 1 or not free else ZERO) or smallest,
        budget=None,
        profit_pct=max(USUAL_PROFIT_PCT, ceil_to(fee_pct * 4, Decimal("0.1"))),
        loop=True,
    )
