"""An empty store over an account that knows this bot's orders: its grids are rebuilt from them, or the owner is asked.

Rule: nothing is sent and no grid is made before the exchange was asked, nor, where its orders leave a doubt, before the
owner has answered. That somebody is still to be asked is kept with the state; what is rebuilt, from fresh orders, is
kept in one piece.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.core import client_ids
from bot.core.events import CloseReason, Event, OrderClosed, OrderFilled
from bot.core.model import Fill, Market, Order
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.core.rebuild import Rebuilt, rebuilt
from bot.core.snapshot import GridsRebuilt, InheritanceFound
from bot.errors import CommandError
from bot.texts.catalogue import say
from bot.trading.found import told
from bot.trading.orphans import CANCELLED, LEFT
from bot.trading.state import INHERITANCE

if TYPE_CHECKING:
    from bot.manager import TradeManager

log = logging.getLogger(__name__)

GATE = (INHERITANCE, "gate")
OPEN, HELD = "open", "backup"


@dataclass(frozen=True, slots=True)
class Estate:
    """What the exchange tells of: orders of this bot with the story of each, and the grids they make."""

    orders: tuple[Order, ...]
    stories: dict[str, Sequence[Event]]
    grids: tuple[Rebuilt, ...]

    @property
    def resting(self) -> list[Order]:
        return [order for order in self.orders if order.is_open]

    @property
    def loose(self) -> list[Order]:
        """Resting orders of no level: closing orders."""
        mine = {order.client_id for grid in self.grids for order in grid.orders}
        return [order for order in self.resting if order.client_id not in mine]

    @property
    def can_rebuild(self) -> bool:
        return bool(self.grids) and all(grid.starts for grid in self.grids) and not self.loose

    @property
    def is_exact(self) -> bool:
        return self.can_rebuild and not any(grid.doubts for grid in self.grids)

    @property
    def last_grid(self) -> int:
        keys = [client_ids.decode(order.client_id) for order in self.orders]
        return max((key.grid for key in keys if key is not None), default=0)


class Inheritance:
    """See the module's rule."""

    def __init__(self, manager: "TradeManager") -> None:
        self._manager = manager
        self._lock = asyncio.Lock()
        self._is_asked = False

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to come, from the exchange or from the owner."""
        return bool(self._manager.state.notes.get(INHERITANCE))

    def begin(self) -> None:
        """The store is empty: the exchange is to be asked."""
        self._manager.state.put_note(GATE, {"is": OPEN})

    @property
    def is_held(self) -> bool:
        """Whether a backup is looked for, or asked about, before the exchange is."""
        return self._manager.state.notes.get(INHERITANCE, {}).get(GATE[1], {}).get("is") == HELD

    def hold(self) -> None:
        """The store is empty: a backup is to be looked for first."""
        self._manager.state.put_note(GATE, {"is": HELD})

    async def go_on(self) -> None:
        """There is no backup to go on from: the next beat asks the exchange. StateUnwritable."""
        if self.is_held:
            await self._manager.remember({GATE: {"is": OPEN}})

    async def settle(self) -> None:
        """Ask the exchange, unless that was done; rebuild what is exact, or ask the owner. Does nothing while no
        market is known. BotError when there is no answer."""
        async with self._lock:
            if not self.is_open or self.is_held or self._is_asked or not self._manager.heartbeat.desks:
                return
            estate = await self._look()
            if estate.resting and not estate.is_exact:
                self._is_asked = True
                await self._manager.tell(self._question(estate))
            elif estate.resting:
                await self._rebuild(estate, asked=False)
            else:
                await self._close(estate)

    async def refuse(self) -> None:
        """CommandError while the owner has not answered; the question is put again."""
        if self.is_held:
            raise CommandError(say("unable.backup_first"))
        await self.settle()
        if self.is_open:
            self._is_asked = False
            await self.settle()
        if self.is_open:
            raise CommandError(say("unable.inheritance_first"))

    async def rebuild(self, shown: InheritanceFound) -> list[str]:
        """The owner agrees to what was shown; returns the grids made. CommandError when it has changed since."""
        async with self._lock:
            estate = await self._expected()
            if not estate.can_rebuild or _fixed(self._question(estate)) != _fixed(shown):
                self._is_asked = False
            else:
                await self._rebuild(estate, asked=True)
                return [grid.view.name for grid in estate.grids]
        await self.settle()
        raise CommandError(say("unable.inheritance_changed"))

    async def release(self, *, cancel: bool) -> int:
        """The owner wants nothing rebuilt: the orders are cancelled, or left alone. Returns how many there are."""
        async with self._lock:
            estate = await self._expected()
            await self._close(estate, CANCELLED if cancel else LEFT)
        await self._manager.beat()
        return len(estate.resting)

    async def decide(self, ids: Iterable[str], *, cancel: bool) -> int:
        """What is to become of orders that belong to no level; returns how many of them are still there."""
        manager = self._manager
        async with manager.heartbeat.lock:
            count = manager.heartbeat.reconciliation.orphans.decide(ids, CANCELLED if cancel else LEFT)
            await manager.keep()
        await manager.beat()
        return count

    # -- inside ----------------------------------------------------------------------------------------------------

    async def _expected(self) -> Estate:
        if not self.is_open:
            raise CommandError(say("unable.inheritance_answered"))
        return await self._look()

    async def _look(self) -> Estate:
        """All that the exchange still tells of this bot's orders."""
        manager, bot = self._manager, self._manager.state.meta.bot
        seen: dict[str, Order] = {}
        for symbol in list(manager.heartbeat.desks):
            for order in await manager.world.gateway.own_orders(symbol):
                key = client_ids.decode(order.client_id)
                if key is not None and key.prefix[:3] == bot:
                    seen[order.client_id] = order
        orders = tuple(seen.values())
        if not any(order.is_open for order in orders):
            return Estate(orders, {}, ())
        markets: dict[str, Market] = {}
        for symbol in dict.fromkeys(order.symbol for order in orders):
            markets[symbol] = (await manager.desk(symbol)).market
        stories: dict[str, Sequence[Event]] = {}
        guessed: dict[int, int] = {}
        for order in orders:
            story, is_whole = await self._story(order, markets[order.symbol])
            stories[order.client_id] = story
            key = client_ids.decode(order.client_id)
            if key is not None and not is_whole:
                guessed[key.grid] = guessed.get(key.grid, 0) + 1
        grids = rebuilt(orders, markets)
        return Estate(orders, stories, tuple(_doubted(grid, guessed.get(grid.number, 0)) for grid in grids))

    async def _story(self, order: Order, market: Market) -> tuple[Sequence[Event], bool]:
        """What happened to an order, and whether the exchange has told all of it: where its trades are forgotten, one
        at its price is put in their place."""
        closed = () if order.is_open else (OrderClosed(order.client_id, order.at, order.filled, CloseReason.ASKED),)
        if not order.filled:
            return closed, True
        events = await self._manager.world.gateway.look_up(order.symbol, order.client_id) or ()
        fills = [event.fill.amount for event in events if isinstance(event, OrderFilled)]
        if sum(fills, ZERO) >= order.filled:
            return events, True
        stand_in = Fill(order.client_id, order.price, order.filled, ZERO, market.quote, order.at)
        return (OrderFilled(order.client_id, stand_in), *closed), False

    def _question(self, estate: Estate) -> InheritanceFound:
        return InheritanceFound(
            at=self._manager.world.clock.now(),
            grids=tuple(grid.view for grid in estate.grids),
            resting=len(estate.resting),
            loose=len(estate.loose),
            can_rebuild=estate.can_rebuild,
        )

    async def _rebuild(self, estate: Estate, *, asked: bool) -> None:
        """Make the grids anew and have them adopt their orders: all of it is kept, or nothing."""
        manager, heartbeat, now = self._manager, self._manager.heartbeat, self._manager.world.clock.now()
        async with heartbeat.lock:
            for grid in estate.grids:
                made = Grid(f"g{grid.number}", grid.number, grid.spec, now)
                manager.state.put_grid(made)
                for start in grid.starts:
                    market = heartbeat.desks[grid.spec.symbol].market
                    manager.state.put_executor(start.executor(market, manager.state.prefix))
                for order in grid.orders:
                    for event in told(order.client_id, now, order, estate.stories[order.client_id]):
                        heartbeat.fold(event)
                heartbeat.mark_due(made.id)
            heartbeat.note(GridsRebuilt(now, tuple(grid.view for grid in estate.grids), asked))
            self._done(estate)
            await manager.keep()
        log.warning("grids were rebuilt from their orders", extra={"context": {"grids": len(estate.grids)}})

    async def _close(self, estate: Estate, verdict: str = LEFT) -> None:
        """Begin anew; the orders stay nobody's."""
        manager = self._manager
        async with manager.heartbeat.lock:
            for order in estate.resting:
                manager.heartbeat.reconciliation.orphans.keep(order, verdict)
            self._done(estate)
            await manager.keep()

    def _done(self, estate: Estate) -> None:
        state = self._manager.state
        state.put_note(GATE, None)
        state.put_meta(replace(state.meta, next_grid=max(state.meta.next_grid, estate.last_grid + 1)))


def _doubted(grid: Rebuilt, guessed: int) -> Rebuilt:
    if not guessed:
        return grid
    return replace(grid, doubts=(*grid.doubts, say("doubt.trades", count=guessed)))


def _fixed(question: InheritanceFound) -> list[tuple[object, ...]]:
    """What a person has agreed to; what trades meanwhile does not change it."""
    return [
        (grid.name, grid.symbol, grid.shape, grid.levels, grid.low, grid.high, grid.most, grid.profit_pct, grid.loop)
        for grid in question.grids
    ]
