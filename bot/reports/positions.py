"""Positions on perpetuals as the owner sees them, and the two decisions about them that are the owner's alone.

Rule: nothing is decided on what was seen a while ago: the position is asked for again, then the news, and only what
still differs is acted upon.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bot.core.margin import Oddity
from bot.core.model import Fill, Position
from bot.core.money import ZERO
from bot.errors import CommandError
from bot.manager import TradeManager
from bot.texts.catalogue import say
from bot.trading.closing import shares


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position as the exchange shows it, and what of it (base coin) the grids of this market hold."""

    symbol: str
    position: Position
    held: Decimal


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """Coins that left the books as if sold at `price`, with what that brought against their cost (quote currency), and
    the grids that go on."""

    symbol: str
    amount: Decimal
    price: Decimal
    profit: Decimal
    grids: tuple[str, ...]


async def positions(manager: TradeManager) -> list[PositionView]:
    """Every position there is now on the markets this bot looks at. BotError when the exchange gives no answer."""
    heart, found = manager.heartbeat, []
    for symbol, desk in list(heart.desks.items()):
        position = await manager.world.gateway.position(symbol) if desk.market.perpetual else None
        if position is not None and position.amount:
            found.append(PositionView(symbol, position, heart.margin.held(symbol)))
    return found


async def trade_beside(manager: TradeManager, symbol: str, oddities: Iterable[Oddity]) -> list[str]:
    """Trade beside what is not this bot's; returns the grids that run again."""
    async with manager.heartbeat.lock:
        running = manager.heartbeat.margin.accept(symbol, oddities)
        for grid_id in running:
            manager.heartbeat.mark_due(grid_id)
    await manager.remember({})  # before anybody is told
    await manager.beat()
    return running


async def follow(manager: TradeManager, symbol: str) -> WrittenOff:
    """Have the books follow a smaller position: what is missing of it counts as sold at the present bid, from the
    lowest levels up, and the grids that were halted for it go on. CommandError while their orders still rest."""
    heart = manager.heartbeat
    position = await manager.world.gateway.position(symbol)
    if position is None:
        raise CommandError(say("unable.no_position", symbol=symbol))
    await manager.beat()  # the news tell of every fill the position holds
    bid = (await manager.quote(symbol)).bid
    async with heart.lock:
        members, market = heart.margin.executors(symbol), heart.desks[symbol].market
        if not all(member.is_idle for member in members):
            raise CommandError(say("unable.orders_rest", symbol=symbol))
        missing = max(heart.margin.held(symbol) - max(position.amount, ZERO), ZERO)
        cost = manager.state.holding(symbol).cost
        if missing:
            sold = Fill("", bid, missing, ZERO, market.quote, manager.world.clock.now(), maker=False)
            for executor_id, share in shares(sold, "", members):
                heart.fold_into(manager.state.executors[executor_id], share)
        cost -= manager.state.holding(symbol).cost
        freed = tuple(heart.margin.agreed(symbol))
        for grid_id in freed:
            heart.mark_due(grid_id)
        heart.margin.look_first(heart.desks[symbol])
    await manager.remember({})  # before anybody is told
    await manager.beat()
    return WrittenOff(symbol, missing, bid, missing * bid - cost, freed)
