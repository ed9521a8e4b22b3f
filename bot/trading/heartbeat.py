"""The heartbeat: sense, fold, decide, keep, act, tell. Everything the bot does to the market happens here.

Rule: one lock covers fold, decide and keep, and no request to an exchange is awaited under it. An intent is durable
before it leaves. What comes of it comes back as an event and is folded like any other news.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.core import adoption, band, client_ids, wishes
from bot.core.actions import Action, PlaceOrder, urgency
from bot.core.events import CycleRearmed, Event, HoldingSold, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.executor import PositionExecutor
from bot.core.model import Leg
from bot.core.money import ZERO
from bot.core.portfolio import Grid, Sale
from bot.core.snapshot import GridSold, TradeClosed
from bot.core.wishes import Moment
from bot.errors import ProtocolError, StateError
from bot.ports import Policy, World
from bot.trading import closing, guards
from bot.trading.bookkeeping import Bookkeeper
from bot.trading.desk import Bounds, Desk
from bot.trading.exposure import Exposure
from bot.trading.gate import Gate
from bot.trading.herald import Herald
from bot.trading.margin import MarginGuard
from bot.trading.purse import Purse
from bot.trading.reconciliation import Reconciliation
from bot.trading.state import TradingState
from bot.trading.troubles import STORE, Troubles
from bot.trading.vigil import Vigil

log = logging.getLogger(__name__)

MOST_ACTIONS = 100
"""Decided in one go, so that laying a grid of thousands never holds the loop for long."""


class Heartbeat:
    """See the module's rule."""

    def __init__(self, world: World, state: TradingState, policy: Policy) -> None:
        self.world = world
        self.state = state
        self.policy = policy
        self.lock = asyncio.Lock()
        self.desks: dict[str, Desk] = {}
        self.guard = guards.Guard(state, policy)
        self.exposure = Exposure(state, policy, world.clock)
        self.gate = Gate(state, policy, self.desks, self.exposure)
        self.herald = Herald(state, world.notifier)
        self.note = self.herald.note
        self.bookkeeper = Bookkeeper(state, policy.timezone)
        self.margin = MarginGuard(state, policy, world.gateway, self.guard)
        self.beaten_at: datetime | None = None
        self.fills = 0
        self.troubles = Troubles(self.note, self.gate.hush)
        self.vigil, self.purse = Vigil(state, self.note), Purse(state, world.gateway, self.troubles, self.note)
        self._inbox: deque[Event] = deque()
        self._withdrawn: set[str] = set()
        self._undo: list[PositionExecutor | Grid] = []
        self._heard: dict[str, str] = {}
        self.reconciliation = Reconciliation(state, world.gateway, self.troubles, self._inbox, self.note)
        self.doubts = self.reconciliation.doubts
        self._running = False
        self._asked = False

    # -- the beat --------------------------------------------------------------------------------------------------

    async def beat(self) -> None:
        """One beat. Asked for while one is running, another follows it at once: wakes coalesce."""
        self._asked = True
        if self._running:
            return
        self._running = True
        try:
            while self._asked:
                self._asked = False
                await self._pulse()
        finally:
            self._running = False

    def hear(self, events: Iterable[Event]) -> None:
        """Take in what the exchange said by itself, to be folded by the next beat."""
        self._inbox += events

    async def _pulse(self) -> None:
        now = self.world.clock.now()
        desks = list(self.desks.values())
        if len(desks) == 1:
            await self._sense(desks[0], now)
        else:
            async with asyncio.TaskGroup() as asking:
                for desk in desks:
                    asking.create_task(self._sense(desk, now))
        await self.reconciliation.ask(now)
        async with self.lock:
            for grid_id in self.guard.check(self.desks, now, self.note):  # once a beat: it counts them
                self.mark_due(grid_id)
            actions = await self._think(now)
        if not actions and not self.gate.shut(now):
            self.troubles.moot("orders", now)
        while actions:
            with self.troubles.asking("orders", now):  # unanswered, what came of them is not known: they stay awaited
                self._inbox += await self.world.gateway.submit(actions, self._stands)
            if self.troubles.is_unanswered("orders"):
                break
            if len(actions) >= MOST_ACTIONS:
                await asyncio.sleep(0)
            elif not self._inbox:
                break
            async with self.lock:
                actions = await self._think(now)
        await self._tell(now)
        self.beaten_at = now

    async def _sense(self, desk: Desk, now: datetime) -> None:
        """One quote and one batch of news for a market, however many executors it has."""
        symbol = desk.market.symbol
        seen = None
        if desk.market.perpetual:
            with self.troubles.asking(f"position of {symbol}", now):
                await self.margin.look(symbol, now)
        with self.troubles.asking(symbol, now):
            quote = await self.world.data.quote(symbol)
            news = await self.world.gateway.news(symbol, self._heard.get(symbol) or self.state.cursors.get(symbol, ""))
            seen = desk.believed(quote, now)
            self._inbox += news.events
            self.margin.heard(symbol, news.funding)
            if self.state.cursors.get(symbol) != news.cursor:
                self._heard[symbol] = news.cursor
            desk.is_known = desk.is_known or await self.reconciliation.audit(symbol, now)
        desk.see(None if self.margin.is_unseen(desk.market) else seen)

    async def _think(self, now: datetime) -> list[Action]:
        """Fold, decide, keep (under the lock); returns the actions that are durable and may leave."""
        while self._inbox:
            self.fold(self._inbox.popleft())
        for symbol in list(self._heard):  # kept together with what was folded, never before
            if not self.reconciliation.found.holds(symbol):
                self.state.put_cursor(symbol, self._heard.pop(symbol))
        for grid_id in self.margin.fold(now, self.note, self.reconciliation.found.holds):
            self.mark_due(grid_id)
        if STORE in self.troubles and not await self._keep(now):
            return []
        actions: list[Action] = []
        if not self.gate.shut(now):
            self._decide_all(now, actions)
        self.herald.ask(now)
        for grid_id in self.guard.ended(now, self.note):
            log.info("grid %s ended", grid_id)
        if not await self._keep(now):
            return []
        if len(actions) > 1:
            actions.sort(key=self._urgency)
        return actions

    def _decide_all(self, now: datetime, actions: list[Action]) -> None:
        for desk in self.desks.values():
            desk.wake(now)
            if desk.is_known and (desk.due or desk.held_back):
                self._decide(desk, now, actions)
        for grid_id in list(self.guard.selling) if not self.reconciliation.found else ():
            self._decide_sale(grid_id, now, actions)
        actions += self.reconciliation.orphans.cancels(now)

    def _urgency(self, action: Action) -> tuple[int, object]:
        quote = self.desks[action.symbol].quote
        return urgency(action, quote.bid if quote is not None else action.price)

    # -- fold ------------------------------------------------------------------------------------------------------

    def fold(self, event: Event) -> None:
        key = client_ids.decode(event.client_id)
        if key is None or key.prefix[:3] != self.state.meta.bot:
            return
        if isinstance(event, OrderRefused):
            self._withdrawn.discard(event.client_id)
            if key.leg is not Leg.ENTRY:
                self.margin.refused(key.owner_id)
        if not key.level:
            self._fold_sale(key.owner_id, event)
            return
        executor = self.state.executors.get(key.owner_id)
        if executor is None:
            if isinstance(event, OrderClosed):
                self.reconciliation.orphans.gone(event.client_id)
            log.warning("news of an order whose level is gone", extra={"context": {"order": event.client_id}})
            return
        desk = self.desks[executor.market.symbol]
        if isinstance(event, OrderFilled):
            desk.traded(key.leg.side, event.fill)
        self.exposure.shortage.heard(key.leg, desk.market.quote, event)
        if isinstance(event, OrderRefused) and event.reason is Refusal.PRICE_BAND and desk.quote is not None:
            event = replace(event, near=band.nearer(key.leg.side, desk.quote))
        self.fold_into(executor, event)

    def fold_into(self, executor: PositionExecutor, event: Event) -> None:
        """Fold one event into one executor; what contradicts itself freezes this one alone."""
        executor = adoption.in_epoch(executor, self.state.prefix)
        try:
            after, notices = executor.on(event)
        except (ProtocolError, ArithmeticError) as error:  # a figure that can't be booked exactly is no figure
            log.exception("an executor is frozen", extra={"context": {"executor": executor.id}})
            after, notices = executor.stopped(str(error), event.at)
        if after.books is not executor.books and isinstance(event, OrderFilled | HoldingSold):
            self.bookkeeper.booked(after, event)
        if after is not executor:
            self.state.put_executor(after)
            self.desks[after.market.symbol].due[after.id] = None
        if after.waits_for(event.client_id):
            self.doubts.awaited(event.client_id, after.id, self.world.clock.now())
        else:
            self.doubts.settled(event.client_id)
        if notices and isinstance(event, OrderFilled) and after.frozen == executor.frozen:
            self.fills += 1  # heard for the first time
        for notice in notices:
            if isinstance(notice, TradeClosed):
                self.state.add_trade(notice.trade, self.guard.day_of(notice.at))
            self.note(notice)

    def _fold_sale(self, grid_id: str, event: Event) -> None:
        if grid_id not in self.state.grids:
            return
        shares = closing.folded(self.state, self.state.grids[grid_id], event)
        for executor_id, share in shares:
            self.fold_into(self.state.executors[executor_id], share)
        if shares and isinstance(event, OrderFilled):
            self.bookkeeper.sold_together(self.state.grids[grid_id], event)
        sale = self.state.grids[grid_id].sale
        if sale is not None and sale.is_awaited:
            self.doubts.awaited(sale.client_id, grid_id, self.world.clock.now())
        else:
            self.doubts.settled(event.client_id)

    # -- decide ----------------------------------------------------------------------------------------------------

    def mark_due(self, grid_id: str) -> None:
        """Have every executor of a grid looked at in the next beat: its mode has changed."""
        desk = self.desks[self.state.grids[grid_id].symbol]
        desk.due.update(dict.fromkeys(self.state.members[grid_id]))
        self.guard.touched.add(grid_id)

    def _decide(self, desk: Desk, now: datetime, actions: list[Action]) -> None:
        """Look at whoever is due, nearest to the price first, until the order window has settled."""
        executors = self.state.executors
        while desk.due or desk.held_back:
            due, desk.due = desk.due, {}
            keys: Iterable[str] = due
            if len(due) > 1 and desk.quote is not None:
                price = desk.quote.bid
                keys = sorted(due, key=lambda key: abs(executors[key].target - price) if key in executors else ZERO)
            for key in keys:
                if len(actions) >= MOST_ACTIONS:  # the others come next, after whoever else needs the loop
                    desk.due[key] = None
                elif key in executors:
                    self._consider(desk, executors[key], now, actions)
            if len(actions) >= MOST_ACTIONS:
                return
            seated, leaving = desk.window.settle()
            desk.due.update(dict.fromkeys((*seated, *leaving)))
            if not desk.due:
                self.exposure.let_in(desk)
                if not desk.due:
                    return

    def _consider(self, desk: Desk, executor: PositionExecutor, now: datetime, actions: list[Action]) -> None:
        if executor.id in self.reconciliation.found.owners:
            return  # it is looked at again when they are adopted
        executor = adoption.in_epoch(executor, self.state.prefix)
        mode = self.state.grids[executor.level.grid].effective_mode
        moment = Moment(desk.quote, now, mode, self.policy.offsets)
        while True:
            need = wishes.needs_seat(executor, moment)
            if need is None:
                desk.window.leave(executor.id)
            elif not desk.window.needs(executor.id, need[0], need[1], executor.order is not None):
                moment = moment._replace(seated=False)
            wish = wishes.wants(executor, moment)
            if not wish.rearm:
                break
            self.fold_into(executor, CycleRearmed(client_id="", at=now))
            executor = self.state.executors[executor.id]
        desk.look_again(executor.id, wish)
        if desk.quote is None:
            desk.unpriced[executor.id] = None
        self.guard.touched.add(executor.level.grid)
        action = wish.action
        if not isinstance(action, PlaceOrder):
            desk.held_back.pop(executor.id, None)
            if action is None:
                return
        elif not self.gate.admits(desk, executor, action, now, self.note):
            return
        self._undo.append(executor)
        self.state.put_executor(executor.begun(action, now))
        self.doubts.awaited(action.client_id, executor.id, now)
        actions.append(action)

    def _decide_sale(self, grid_id: str, now: datetime, actions: list[Action]) -> None:
        """Go on with a grid's closing sale: one order after another until it is sold."""
        grid = self.state.grids[grid_id]
        match closing.decided(self.state, grid, self.desks[grid.symbol], now):
            case PlaceOrder() as order:
                self._undo.append(grid)
                self.state.put_grid(replace(grid, sale=closing.begun(grid.sale or Sale(), order)))
                self.doubts.awaited(order.client_id, grid_id, now)
                actions.append(order)
            case GridSold() as told:
                self.guard.selling.discard(grid_id)
                self.guard.touched.add(grid_id)
                self.note(told)

    def start_sale(self, grid: Grid, why: str) -> None:
        """Have a grid's orders leave the book, then its coins sold; a sale that was halted goes on."""
        self.state.put_grid(replace(grid, sale=closing.opened(grid), halted=False, why=why))
        self.guard.selling.add(grid.id)
        self.mark_due(grid.id)

    async def audit(self) -> None:
        """Compare what rests on the exchange with what should; whatever differs is looked up."""
        for symbol in list(self.desks):
            now = self.world.clock.now()
            self.margin.look_again(symbol)
            await self.reconciliation.audit(symbol, now)
        await self.purse.look(self.world.clock.now())

    def recall(self, now: datetime) -> None:
        """At the start: look up everything the state was waiting for when it was last kept."""
        self.doubts.recall(now)
        self.guard.selling.update(grid.id for grid in self.state.grids.values() if grid.sale is not None)

    def next_bounds(self, desk: Desk, now: datetime) -> Bounds:
        """The time, the ask and the bid at which something is to be done on a market next; maybe early, never late."""
        at, rise, fall = desk.next_bounds()
        if desk.due or desk.held_back or self.doubts or self.policy.max_daily_loss is not None:
            at = now  # each price counts
        stop, take, counting = self.guard.next_prices(desk.market.symbol)
        return (
            now if counting else at,
            rise if take is None or (rise is not None and rise < take) else take,
            fall if stop is None or (fall is not None and fall > stop) else stop,
        )

    # -- keep, act, tell -------------------------------------------------------------------------------------------

    async def _keep(self, now: datetime) -> bool:
        """Make all changes durable. Where that fails, intents that have not left are taken back."""
        undo, self._undo = self._undo, []
        changes, self.state.changes = self.state.changes, {}
        if not changes:
            return True
        try:
            await self.world.store.keep(changes)
        except StateError as error:
            self.state.changes = {**changes, **self.state.changes}
            for before in undo:
                self._take_back(before)
            self.troubles.begin(STORE, str(error), now)
            return False
        self.troubles.end(STORE, now)
        return True

    def _take_back(self, before: PositionExecutor | Grid) -> None:
        if isinstance(before, Grid):
            self.state.put_grid(before)
            return
        awaiting = self.state.executors[before.id].awaiting
        if awaiting is not None:
            self.doubts.settled(awaiting.client_id)
        self.state.put_executor(before)
        self.desks[before.market.symbol].due[before.id] = None

    def _stands(self, action: Action) -> bool:
        """Asked just before an action leaves: a command may have come between, or another price."""
        if action.client_id in self._withdrawn or self.gate.is_given_up(action):
            return False  # once refused it stays so, though it be asked again before that is folded
        now = self.world.clock.now()
        objection = self.gate.objection(action, now)
        if objection and isinstance(action, PlaceOrder):
            self._withdrawn.add(action.client_id)
            self._inbox.append(OrderRefused(action.client_id, now, Refusal.WITHDRAWN, objection))
        return not objection

    async def _tell(self, now: datetime) -> None:
        """Ledger lines, then notices. What fails here is tried again in the next beat and delays nothing."""
        if STORE not in self.troubles:
            await self.herald.write(self.world.ledger, self.troubles, now)
        await self.tell()

    async def tell(self) -> None:
        """Hand the notifier what is durable and not told yet."""
        if STORE not in self.troubles:
            self.herald.tell()
