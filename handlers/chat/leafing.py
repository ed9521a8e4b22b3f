"""Messages to look at again: refreshed and turned over by buttons, edited in place.

Rule: a look changes nothing, so its buttons work as often as they are pressed, for the person who asked, for a day.
Each press shows what is true then.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from telegram import Update

from handlers.chat.asking import ask, expected, nonce_of
from handlers.chat.context import Context
from handlers.chat.questions import LOOK_LIFETIME
from handlers.words import keyboards
from handlers.words.leaves import LAST, Leaf

Render = Callable[[Context, int], Awaitable[Leaf]]
"""Makes the page at a place."""


@dataclass(slots=True)
class Look:
    """What a message shows, and where in it."""

    render: Render
    place: int


async def show(update: Update, context: Context, render: Render, place: int = 0) -> None:
    """Answer with a page and its buttons."""
    leaf = await render(context, place)
    nonce = ask(update, context, Look(render, leaf.place), LOOK_LIFETIME)
    await context.say(update, leaf.html, keyboards.leaves(nonce, leaf.place, leaf.count))


async def _turn(update: Update, context: Context, about: object, step: int) -> None:
    look = expected(about, Look)
    leaf = await look.render(context, look.place + step)
    look.place = leaf.place
    await context.change(update, leaf.html, keyboards.leaves(nonce_of(update), leaf.place, leaf.count))


async def _first(update: Update, context: Context, about: object) -> None:
    await _turn(update, context, about, -LAST)


async def _back(update: Update, context: Context, about: object) -> None:
    await _turn(update, context, about, -1)


async def _again(update: Update, context: Context, about: object) -> None:
    await _turn(update, context, about, 0)


async def _next(update: Update, context: Context, about: object) -> None:
    await _turn(update, context, about, 1)


async def _last(update: Update, context: Context, about: object) -> None:
    await _turn(update, context, about, LAST)


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    "leaf_first": _first,
    "leaf_back": _back,
    "leaf": _again,
    "leaf_next": _next,
    "leaf_last": _last,
}
"""What the buttons do; they stay after a press."""
