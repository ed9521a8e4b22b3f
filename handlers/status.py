"""Looking: how things stand, grids, orders, the market, funds, and why a level waits.

Rule: answers come from what the trader knows already; only a price nobody trades and the balance are asked for.
"""

from telegram import Update

from bot.core.executor import PositionExecutor
from bot.core.model import Quote
from bot.core.portfolio import Grid
from bot.core.symbols import resolve_symbol
from bot.manager import TradeManager
from bot.reports.positions import positions
from bot.reports.profits import profit_views
from bot.reports.views import grid_view, grid_views, health_view, level_view
from bot.trading.gate import UNCONFIRMED
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.words import pages, perpetuals, statements
from handlers.words.parse import parse_one_id, parse_words


async def start(update: Update, context: Context) -> None:
    """/start: the greeting."""
    name = update.effective_user.first_name if update.effective_user is not None else ""
    await context.say(update, statements.start(name, context.chat.config.tag, owner=context.role >= Role.OWNER))


async def status(update: Update, context: Context) -> None:
    """/status: the one glance."""
    manager = context.manager
    profits = profit_views(manager, "day")
    today = {view.currency: view.totals for view in profits if view.totals.trades or view.totals.funding}
    troubles = health_view(manager).troubles
    if manager.heartbeat.gate.is_unconfirmed:
        troubles = (UNCONFIRMED, *troubles)
    await context.say(update, pages.status(grid_views(manager), troubles, today))


async def grids(update: Update, context: Context) -> None:
    """/grids: all that run."""
    await context.say(update, pages.grids(grid_views(context.manager)))


async def grid(update: Update, context: Context) -> None:
    """/grid ID: one grid, ended ones too."""
    found = grid_named(context.manager, parse_one_id(context.words, example="/grid g1").partition(".")[0])
    await context.say(update, pages.grid(grid_view(context.manager, found), context.chat.config.timezone))


async def price(update: Update, context: Context) -> None:
    """/price [SYMBOL]: the market now."""
    words = parse_words(context.words, most=1, example="/price BTC/USDT")
    symbol = context.chat.config.default_symbol
    if words:
        symbol = resolve_symbol(words[0], await context.manager.world.data.symbols(), symbol)
    views = [view for view in grid_views(context.manager) if view.grid.symbol == symbol]
    quote = await _quote(context.manager, symbol)
    await context.say(update, pages.price(quote, context.chat.config.timezone, views))


async def balance(update: Update, context: Context) -> None:
    """/balance: funds by currency, and what of them the grids hold; positions on perpetuals."""
    state, there = context.manager.state, await positions(context.manager)
    apart = {view.symbol for view in there}
    held = [
        (market.base, state.holding(market.symbol).amount, state.holding(market.symbol).cost, market.quote)
        for market in state.markets.values()
        if state.holding(market.symbol).amount and market.symbol not in apart
    ]
    funds = pages.balance(await context.manager.balances(), held)
    await context.say(update, "\n".join([funds, *perpetuals.positions(there)]))


async def orders(update: Update, context: Context) -> None:
    """/orders: what rests on the book."""
    await context.say(update, pages.orders(grid_views(context.manager)))


async def why(update: Update, context: Context) -> None:
    """/why ID: what a grid or a level waits for."""
    name, zone = parse_one_id(context.words, example="/why g1.7"), context.chat.config.timezone
    executor = _executor_named(context.manager, name)
    if executor is not None:
        await context.say(update, pages.why_level(level_view(context.manager, executor), zone))
    else:
        await context.say(update, pages.why_grid(grid_view(context.manager, grid_named(context.manager, name)), zone))


def grid_named(manager: TradeManager, name: str) -> Grid:
    """The grid of this id, running or ended. CommandError when there is none."""
    if name not in manager.state.grids:
        manager.targets(name)  # says what there is instead
    return manager.state.grids[name]


def _executor_named(manager: TradeManager, name: str) -> PositionExecutor | None:
    return manager.state.executors.get(name)


async def _quote(manager: TradeManager, symbol: str) -> Quote:
    """The price of the last beat where this market is traded, else asked for."""
    desk = manager.heartbeat.desks.get(symbol)
    return desk.quote if desk is not None and desk.quote is not None else await manager.quote(symbol)
