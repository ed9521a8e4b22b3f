"""Results and the worker's own state: profit, trades, log, health, version.

Rule: sums are those the trader keeps; the disk is read off the loop.
"""

import asyncio
import logging
import platform
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from telegram import Update

from bot import __version__
from bot.errors import BotError, CommandError
from bot.manager import TradeManager
from bot.reports.profits import ProfitView, level_profit, profit_views
from bot.reports.tally import tally
from bot.reports.views import health_view
from bot.texts.catalogue import say
from bot.trading.guards import holding_of
from handlers import pictures
from handlers.chat import leafing
from handlers.chat.context import Context
from handlers.status import grid_named
from handlers.words import statements, tallies
from handlers.words.leaves import LAST, Leaf
from handlers.words.parse import parse_count, parse_report
from handlers.words.statements import Vitals

log = logging.getLogger(__name__)

MOST_TRADES, MOST_LOG_LINES = 100, 200
PATIENCE = 5.0
"""Seconds the exchange is given to show its latency."""
LIBRARIES = ("python-telegram-bot", "ccxt", "APScheduler", "tinydb")


async def pnl(update: Update, context: Context) -> None:
    """/pnl [day|week|month|all] [ID]: realised, open and total profit; then a picture of its course."""
    manager, zone = context.manager, context.chat.config.timezone
    period, name = parse_report(context.words)
    views = _profits(manager, period, name)
    grid = name.partition(".")[0] if name is not None else None
    await context.say(update, statements.profit(views, period, name, unpriced=_is_unpriced(manager, grid)))
    chat = update.effective_chat
    title = f"{name or say('titles.profit')}, {say(f'statements.period.{period}')}"
    for view in views:
        png = await pictures.profit(view, title, zone)
        if png is not None and chat is not None:
            await context.show(chat.id, png, "pnl.png")


def _profits(manager: TradeManager, period: str, name: str | None) -> Sequence[ProfitView]:
    """CommandError where there is no grid or level of this name."""
    if name is None:
        return profit_views(manager, period)
    if "." not in name:
        return profit_views(manager, period, grid_named(manager, name))
    if name not in manager.state.executors:
        manager.targets(name)  # says what there is instead
    if period != "all":
        grid = name.partition(".")[0]
        raise CommandError(say("results.one_level", level=name, period=period, grid=grid))
    return [level_profit(manager, manager.state.executors[name])]


async def trades(update: Update, context: Context) -> None:
    """/trades [N]: the last closed trades."""
    count = parse_count(context.words, default=MOST_TRADES, most=MOST_TRADES, example="/trades 20")
    await leafing.show(update, context, partial(_trades, count))


async def _trades(count: int, context: Context, place: int) -> Leaf:
    found = await context.manager.world.ledger.last(count)
    return statements.trades(found, context.chat.config.timezone, place)


async def reconcile(update: Update, context: Context) -> None:
    """/reconcile: the books against the exchange, line by line; what differs is looked up."""
    found = await tally(context.manager)
    if found.is_short:
        log.warning("the exchange has less than the books hold", extra={"context": {"tally": repr(found)}})
    await context.say(update, tallies.reconciled(found))
    if not found.is_clean:
        await context.manager.audit()


async def logs(update: Update, context: Context) -> None:
    """/logs [N]: the end of ops.log."""
    count = parse_count(context.words, default=20, most=MOST_LOG_LINES, example="/logs 50")
    await leafing.show(update, context, partial(_logs, count), LAST)


async def _logs(count: int, context: Context, place: int) -> Leaf:
    return statements.logs(await asyncio.to_thread(context.chat.log_tail, count), place)


async def health(update: Update, context: Context) -> None:
    """/health: heartbeat, exchange, store, memory."""
    await leafing.show(update, context, _health)


async def _health(context: Context, place: int) -> Leaf:
    view = health_view(context.manager)
    age = (context.chat.now() - view.up_since).total_seconds() if view.up_since is not None else None
    return Leaf(statements.health(view, await _vitals(context), age))


async def version(update: Update, context: Context) -> None:
    """/version: what runs here."""
    await context.say(update, statements.version(__version__, platform.python_version(), [*_libraries()]))


def _is_unpriced(manager: TradeManager, name: str | None) -> bool:
    """Whether coins are held in a market that has no price now."""
    grids = [grid for grid in manager.state.grids.values() if name is None or grid.id == name]
    held = [grid for grid in grids if holding_of(grid, manager.state).amount]
    return any(manager.heartbeat.desks[grid.symbol].quote is None for grid in held)


async def _vitals(context: Context) -> Vitals:
    began, silence, latency = time.perf_counter(), "", None
    try:
        async with asyncio.timeout(PATIENCE):
            await context.manager.world.data.quote(context.chat.config.default_symbol)
        latency = time.perf_counter() - began
    except TimeoutError:
        silence = say("results.no_answer", seconds=f"{PATIENCE:.0f}")
    except BotError as error:
        silence = str(error)
    return Vitals(latency, silence, await asyncio.to_thread(_memory), _peak_memory())


def _memory() -> float | None:
    """Resident memory in MiB, where the system shows it as a file."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize() / 1024**2


def _peak_memory() -> float:
    """The most resident memory so far, in MiB; macOS counts bytes, others kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def _libraries() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in LIBRARIES:
        try:
            found.append((name, installed(name)))
        except PackageNotFoundError:
            continue
    return found
