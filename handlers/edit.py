"""Editing a running grid: words or a button, the difference, one press of Apply.

Rule: parse, ask the manager, say. Nothing is done before Apply, and then what the difference showed, or nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from telegram import Update

from bot.core.alerts import OutOfRange, Stalled
from bot.core.editing import Edit, counted, earning, recentred, widened
from bot.core.grids import GridSpec
from bot.core.portfolio import Grid
from bot.core.words import parse_edit, split_words
from bot.errors import CommandError
from bot.manager import TradeManager
from bot.texts.catalogue import say
from handlers.chat.asking import ask, expected
from handlers.chat.context import Context
from handlers.chat.questions import LOOK_LIFETIME
from handlers.words import edits, keyboards
from handlers.words.parse import parse_id

EXAMPLE = "/edit g1 count=30 profit=0.6%"
MORE_PROFIT = Decimal("0.1")
WIDER, NARROWER = Decimal("1.25"), Decimal("0.8")

Change = Callable[[GridSpec, Decimal], GridSpec]
"""A grid and the price of now in, another grid out."""


@dataclass(frozen=True, slots=True)
class OnGrid:
    """Buttons that are about a grid."""

    grid: str


@dataclass(frozen=True, slots=True)
class PendingEdit:
    """A difference somebody has seen."""

    edit: Edit


async def edit(update: Update, context: Context) -> None:
    """/edit ID key=value …: what that would do; without changes, what can be."""
    grid, words = _understood(context.manager, context.words)
    if not words:
        await menu(update, context, grid)
        return
    changed = parse_edit(grid.spec, words)
    spec = changed.at((await context.manager.quote(grid.symbol)).bid if changed.is_relative else None)
    await _show(await context.manager.plan_edit(grid.id, spec), update, context)


async def menu(update: Update, context: Context, grid: Grid) -> None:
    """What can be edited: common edits as buttons, that may be pressed again, and how to say the rest."""
    nonce = ask(update, context, OnGrid(grid.id), LOOK_LIFETIME)
    await context.say(update, edits.menu(grid), keyboards.edit_menu(nonce))


def _understood(manager: TradeManager, text: str) -> tuple[Grid, list[str]]:
    """Which grid is meant, and the changes; the only one that runs needs no name. CommandError."""
    words = split_words(text)
    running = [grid for grid in manager.state.grids.values() if grid.ended_at is None]
    if (not words or "=" in words[0]) and len(running) == 1:
        return running[0], words
    if not words:
        raise CommandError(say("edits.which", example=EXAMPLE) if running else say("edits.none"))
    grids, executors = manager.targets(parse_id(words[0], example=EXAMPLE))
    if executors:
        raise CommandError(say("edits.one_level", grid=executors[0].level.grid))
    return grids[0], words[1:]


async def _show(made: Edit, update: Update, context: Context) -> None:
    """The difference, with its buttons when there is nothing against it."""
    buttons = None if made.problems else keyboards.edit(ask(update, context, PendingEdit(made)))
    await context.say(update, edits.difference(made), buttons)


# -- pressed -----------------------------------------------------------------------------------------------------------


async def _apply(update: Update, context: Context, about: object) -> None:
    shown = expected(about, PendingEdit).edit
    made = await context.manager.edit(shown)
    if isinstance(made, Grid):
        await context.change(update, edits.applied(shown))
    else:
        await context.change(update, say("edits.moved"))
        await _show(made, update, context)


async def _changed(change: Change, update: Update, context: Context, about: object) -> None:
    """The difference that a common edit would make."""
    grid_id = about.grid if isinstance(about, OutOfRange | Stalled) else expected(about, OnGrid).grid
    grid = context.manager.planning.editable(grid_id)
    spec = change(grid.spec, (await context.manager.quote(grid.symbol)).bid)
    await _show(await context.manager.plan_edit(grid.id, spec), update, context)


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {"apply": _apply}
"""What the buttons do, once."""
CHANGES: dict[str, Change] = {
    "more_profit": lambda spec, _: earning(spec, MORE_PROFIT),
    "less_profit": lambda spec, _: earning(spec, -MORE_PROFIT),
    "denser": lambda spec, _: counted(spec, spec.count * 2 - 1),
    "sparser": lambda spec, _: counted(spec, (spec.count + 1) // 2),
    "wider": lambda spec, _: widened(spec, WIDER),
    "narrower": lambda spec, _: widened(spec, NARROWER),
    "recentre": recentred,
}
"""Common edits. Twice as dense is one level between each two, so that all that are there stay."""
LOOKS: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    name: partial(_changed, change) for name, change in CHANGES.items()
}
"""What may be pressed again: each shows what its edit would do. `about` is an `OnGrid`, or an alert about a grid."""
