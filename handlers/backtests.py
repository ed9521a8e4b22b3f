"""Grids over the past: /backtest, and the button under a preview.

Rule: parse, have it traded, show. It is traded beside the loop, one at a time; the account and its grids know nothing
of it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from telegram import Update

from bot.core.grids import GridSpec, Shape
from bot.errors import CommandError
from bot.reports.rehearsal import MOST_DAYS, USUAL_DAYS
from bot.texts.catalogue import say
from handlers import pictures
from handlers.chat.asking import expected
from handlers.chat.context import Context
from handlers.create import PendingGrid, parsed
from handlers.words import backtests

AT_ONCE = 2.0
"""Seconds until it is said that it takes longer."""


async def backtest(update: Update, context: Context) -> None:
    """/backtest …words of a grid… [days=N]: what it would have done over recent prices."""
    words, days = _days(context.args or ())
    if not words:
        raise CommandError(say("parse.grid_needed", example=backtests.EXAMPLE))
    shape = words[0].lower().removeprefix("/")
    grid = words[1:] if shape in set(Shape) else words
    try:
        spec = await parsed(Shape(shape) if shape in set(Shape) else Shape.LINEAR, " ".join(grid), context)
    except CommandError as error:
        raise CommandError(say("parse.grid_words", error=error, example=backtests.EXAMPLE)) from None
    await _trade(spec, days, update, context)


def _days(words: list[str] | tuple[str, ...]) -> tuple[list[str], int]:
    """The words of the grid, and how many days. CommandError."""
    days, others = USUAL_DAYS, []
    for word in words:
        key, given, value = word.partition("=")
        if key.lower() != "days" or not given:
            others.append(word)
        elif re.fullmatch("[0-9]{1,4}", value) and 1 <= int(value) <= MOST_DAYS:
            days = int(value)
        else:
            raise CommandError(say("parse.backtest_days", most=MOST_DAYS, example=backtests.EXAMPLE))
    return others, days


async def _trade(spec: GridSpec, days: int, update: Update, context: Context) -> None:
    """Have it traded, and show what came of it."""
    chat = update.effective_chat
    trading = asyncio.ensure_future(context.chat.rehearsals.thorough(spec, days))
    try:
        await asyncio.wait({trading}, timeout=AT_ONCE)
        if not trading.done():
            await context.say(update, backtests.under_way(days, spec.symbol))
        done = await trading
    finally:
        trading.cancel()
    html = backtests.answer(done, days)
    png = await pictures.backtest(done, context.chat.config.timezone)
    if png is None or chat is None:
        await context.say(update, html)
    else:
        await context.show(chat.id, png, "backtest.png", html)


async def _pressed(update: Update, context: Context, about: object) -> None:
    await _trade(expected(about, PendingGrid).preview.spec, USUAL_DAYS, update, context)


LOOKS: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"backtest": _pressed}
"""What the button does, as often as it is pressed."""
