"""Looking: how things stand, grids, orders, the market, funds, and why a level waits.

Rule: answers come from what the trader knows already; only a price nobody trades and the balance are asked for.
"""

from functools import partial

from telegram import Update

from bot.core.executor import PositionExecutor
from bot.core.model import Quote
from bot.core.portfolio import Grid
from bot.core.symbols import resolve_symbol
from bot.manager import TradeManager
from bot.reports.positions import positions
from bot.reports.profits import profit_views
from bot.reports.views import grid_view, grid_views, health_view, level_view
from bot.texts.catalogue import say
from handlers.chat import leafing
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.words import glance, keyboards, pages, perpetuals, statements
from handlers.words.leaves import Leaf
from handlers.words.parse import parse_one_id, parse_words


async def start(update: Update, context: Context) -> None:
    """/start: the greeting, which brings the keyboard of safe commands, and for an owner a button to begin with."""
    name = update.effective_user.first_name if update.effective_user is not None else ""
    is_owner = context.role >= Role.OWNER
    hello = statements.start(name, context.chat.config.tag, owner=is_owner)
    await context.say(update, hello, keyboards.safe_commands())
    if is_owner:
        await context.say(update, say("statements.begin"), keyboards.new_grid())


async def status(update: Update, context: Context) -> None:
    """/status: the one glance."""
    await leafing.show(update, context, _status)


async def _status(context: Context, place: int) -> Leaf:
    manager, health = context.manager, health_view(context.manager)
    profits = profit_views(manager, "day")
    today = {view.currency: view.totals for view in profits if view.totals.trades or view.totals.funding}
    troubles = health.troubles
    if manager.heartbeat.gate.is_unconfirmed:
        troubles = (say("glance.unconfirmed"), *troubles)
    zone = context.chat.config.timezone
    return Leaf(glance.status(grid_views(manager), health, troubles, today, context.chat.now(), zone))


async def grids(update: Update, context: Context) -> None:
    """/grids: all that run."""
    await leafing.show(update, context, _grids)


async def _grids(context: Context, place: int) -> Leaf:
    return pages.grids(grid_views(context.manager), place)


async def price(update: Update, context: Context) -> None:
    """/price [SYMBOL]: the market now."""
    words = parse_words(context.words, most=1, example="/price BTC/USDT")
    symbol = context.chat.config.default_symbol
    if words:
        symbol = resolve_symbol(words[0], await context.manager.world.data.symbols(), symbol)
    await leafing.show(update, context, partial(_price, symbol))


async def _price(symbol: str, context: Context, place: int) -> Leaf:
    quote = await _quote(context.manager, symbol)
    views = [view for view in grid_views(context.manager) if view.grid.symbol == symbol]
    return Leaf(glance.price(quote, context.chat.config.timezone, views))


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
    await leafing.show(update, context, _orders)


async def _orders(context: Context, place: int) -> Leaf:
    return pages.orders(grid_views(context.manager), place)


async def why(update: Update, context: Context) -> None:
    """/why ID: what a grid or a level waits for."""
    name, zone = parse_one_id(context.words, example="/why g1.7"), context.chat.config.timezone
    executor = _executor_named(context.manager, name)
    if executor is not None:
        quote = context.manager.heartbeat.desks[executor.market.symbol].quote
        await context.say(update, pages.why_level(level_view(context.manager, executor), zone, quote))
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
