"""Results and the worker's own state: profit, trades, log, health, version.

Rule: sums are those the trader keeps; the disk is read off the loop.
"""

import asyncio
import platform
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from telegram import Update

from bot import __version__
from bot.errors import BotError
from bot.guards import holding_of
from bot.manager import TradeManager
from bot.views import health_view, profit_views
from handlers import statements
from handlers.context import Context
from handlers.parse import parse_count, parse_report
from handlers.statements import Vitals
from handlers.status import grid_named

MOST_TRADES, MOST_LOG_LINES = 100, 200
PATIENCE = 5.0
"""Seconds the exchange is given to show its latency."""
LIBRARIES = ("python-telegram-bot", "ccxt", "APScheduler", "tinydb")


async def pnl(update: Update, context: Context) -> None:
    """/pnl [day|week|month|all] [ID]: realised, open and total profit."""
    period, name = parse_report(context.words)
    grid = grid_named(context.manager, name) if name is not None else None
    views = profit_views(context.manager, period, grid)
    await context.say(update, statements.profit(views, period, name, unpriced=_is_unpriced(context.manager, name)))


async def trades(update: Update, context: Context) -> None:
    """/trades [N]: the last closed trades."""
    count = parse_count(context.words, default=10, most=MOST_TRADES, example="/trades 20")
    found = await context.manager.world.ledger.last(count)
    await context.say(update, statements.trades(found, context.chat.config.timezone))


async def logs(update: Update, context: Context) -> None:
    """/logs [N]: the end of ops.log."""
    count = parse_count(context.words, default=20, most=MOST_LOG_LINES, example="/logs 50")
    await context.say(update, statements.logs(await asyncio.to_thread(context.chat.log_tail, count)))


async def health(update: Update, context: Context) -> None:
    """/health: heartbeat, exchange, store, memory."""
    view = health_view(context.manager)
    age = (context.chat.now() - view.up_since).total_seconds() if view.up_since is not None else None
    await context.say(update, statements.health(view, await _vitals(context), age))


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
        silence = f"no answer in {PATIENCE:.0f} s"
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
