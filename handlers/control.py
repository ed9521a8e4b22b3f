"""Steering grids: pause, resume, stop, panic.

Rule: what takes orders off the book for good or sells coins asks first, and says what it does to the money; a sale asks
twice. A question names the grids it is about, so that a grid made meanwhile is not stopped by an older press.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from telegram import InlineKeyboardMarkup, Update

from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.portfolio import Grid
from bot.core.snapshot import Notice, StopReached
from bot.errors import CommandError
from bot.manager import TradeManager
from bot.reports.views import StopEffect, on_book, stop_effects
from bot.texts.catalogue import say
from handlers import alerts, backups, decisions, inheritances, permissions
from handlers.chat.asking import ask, expected
from handlers.chat.context import Chat, Context
from handlers.words import keyboards, turns
from handlers.words.parse import parse_target


@dataclass(frozen=True, slots=True)
class PendingStop:
    """Grids somebody was asked about: how, or whether, they are to end."""

    grids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingSale:
    """Grids whose coins are sold at the second press."""

    grids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingPanic:
    """Somebody was asked whether they are sure."""


async def pause(update: Update, context: Context) -> None:
    """/pause: entries leave the book, exits stay."""
    word = parse_target(context.words, example="/pause g1", default="all")
    entries, exits = on_book(_executors(context.manager, word))
    await context.say(update, turns.paused(await context.manager.pause(word), entries, exits))


async def resume(update: Update, context: Context) -> None:
    """/resume: go on, also after a panic."""
    word = parse_target(context.words, example="/resume g1", default="all")
    await context.say(update, _resumed(context.manager, await context.manager.resume(word)))
    await permissions.ask_live(update, context)


async def stop(update: Update, context: Context) -> None:
    """/stop: asks how."""
    word = parse_target(context.words, example="/stop g1")
    effects = stop_effects(context.manager, _stoppable(context.manager, word))
    nonce = ask(update, context, PendingStop(tuple(effect.grid for effect in effects)))
    await context.say(update, turns.stop_question(effects), keyboards.stop(nonce))


async def panic(update: Update, context: Context) -> None:
    """/panic: asks once."""
    effects = stop_effects(context.manager, context.manager.targets("all")[0])
    if not effects:
        await context.say(update, say("turns.no_grid"))
        return
    nonce = ask(update, context, PendingPanic())
    await context.say(update, turns.panic_question(effects), keyboards.panic(nonce))


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons that act, under an alarm or a question of the trader."""
    if not isinstance(notice, StopReached) or notice.sells:
        rooms = (decisions.offer, permissions.offer, inheritances.offer, backups.offer, alerts.offer)
        return next((made for room in rooms if (made := room(chat, person_id, notice)) is not None), None)
    return keyboards.stop_alarm(chat.questions.ask(person_id, PendingStop((notice.grid,)), chat.now()))


# -- pressed -----------------------------------------------------------------------------------------------------------


async def _finish(update: Update, context: Context, about: object) -> None:
    effects = _still(context.manager, expected(about, PendingStop).grids)
    for effect in effects:
        await context.manager.finish(effect.grid)
    await context.change(update, turns.finishing(effects))


async def _keep(update: Update, context: Context, about: object) -> None:
    effects = _still(context.manager, expected(about, PendingStop).grids)
    for effect in effects:
        await context.manager.keep_coins(effect.grid)
    await context.change(update, turns.keeping(effects))


async def _sell(update: Update, context: Context, about: object) -> None:
    effects = _still(context.manager, expected(about, PendingStop).grids)
    nonce = ask(update, context, PendingSale(tuple(effect.grid for effect in effects)))
    await context.change(update, turns.sell_question(effects), keyboards.sell(nonce))


async def _sell_now(update: Update, context: Context, about: object) -> None:
    effects = _still(context.manager, expected(about, PendingSale).grids)
    for effect in effects:
        await context.manager.sell(effect.grid)
    await context.change(update, turns.selling(effects))


async def _panic(update: Update, context: Context, about: object) -> None:
    expected(about, PendingPanic)
    entries, exits = on_book(_executors(context.manager, "all"))
    await context.change(update, turns.halted(await context.manager.panic(), entries + exits))


async def _resume(update: Update, context: Context, about: object) -> None:
    turned: list[str] = []
    for effect in _still(context.manager, expected(about, PendingStop).grids):
        turned += await context.manager.resume(effect.grid)
    await context.change(update, _resumed(context.manager, turned))


CHOICES: dict[str, Callable[[Update, Context, object], Awaitable[None]]] = {
    "finish": _finish,
    "keep": _keep,
    "sell": _sell,
    "sell_now": _sell_now,
    "panic": _panic,
    "resume": _resume,
}
"""What the buttons do; `cancel` is in `create.py`."""


def _executors(manager: TradeManager, word: str) -> list[PositionExecutor]:
    grids, executors = manager.targets(word)
    members = [manager.state.executors[key] for grid in grids for key in manager.state.members[grid.id]]
    return [*executors, *members]


def _stoppable(manager: TradeManager, word: str) -> list[Grid]:
    """The grids that may be asked about. CommandError for a level, for none at all, and while a sale is under way."""
    grids, executors = manager.targets(word)
    if executors:
        raise CommandError(say("turns.one_level", level=word, grid=executors[0].level.grid))
    if not grids:
        raise CommandError(say("turns.none_to_stop"))
    free = [grid for grid in grids if grid.sale is None]
    if not free:
        halted = next((grid.id for grid in grids if grid.halted), None)
        if halted is not None:
            raise CommandError(say("turns.sale_halted", grid=halted))
        raise CommandError(say("turns.sale_under_way", grid=grids[0].id))
    return free


def _still(manager: TradeManager, ids: Sequence[str]) -> list[StopEffect]:
    """What of the grids a question was about can still be stopped. CommandError when all have ended meanwhile."""
    grids = [manager.state.grids[key] for key in ids if key in manager.state.grids]
    open_ = [grid for grid in grids if grid.ended_at is None and grid.sale is None]
    if not open_:
        raise CommandError(say("turns.ended_meanwhile", grid=ids[0]))
    return stop_effects(manager, open_)


def _resumed(manager: TradeManager, ids: Sequence[str]) -> str:
    grids = manager.state.grids
    finishing = [key for key in ids if key in grids and grids[key].mode is Mode.FINISHING]
    held_up = [
        key for key in ids if key not in grids and grids[key.partition(".")[0]].effective_mode is not Mode.RUNNING
    ]
    return turns.resumed(ids, finishing, held_up)
