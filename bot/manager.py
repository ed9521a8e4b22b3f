"""TradeManager: the one door to the trader. Creates grids, steers them, answers questions; the heartbeat does the
trading.

Rule: a command changes modes or adds levels under the heartbeat's lock, makes that durable, and asks for a beat.
Nothing here talks to the exchange but to read prices and balances, and never under the lock.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from secrets import randbelow

from bot.core.editing import Edit
from bot.core.events import Event
from bot.core.executor import PositionExecutor
from bot.core.grids import GridSpec, Shape
from bot.core.level import Level
from bot.core.lifecycle import Mode
from bot.core.model import Balance, Market, Quote
from bot.core.money import HUNDRED, ZERO, average, is_exact, plain
from bot.core.portfolio import Grid
from bot.core.preview import Limits, Preview, sold_of
from bot.core.snapshot import LiveAsked, Notice, Trouble
from bot.errors import CommandError, StateUnwritable
from bot.ports import Key, Policy, World
from bot.texts.catalogue import say
from bot.trading import confirmation, daily, editing
from bot.trading.absence import Absence
from bot.trading.desk import Desk
from bot.trading.heartbeat import Heartbeat
from bot.trading.markets import Markets
from bot.trading.planning import Planning
from bot.trading.state import Identity, TradingState
from bot.trading.steering import Steering
from bot.upkeep.inheritance import Inheritance

log = logging.getLogger(__name__)


class TradeManager:
    """See the module's rule. `start()` first, `close()` last; `beat()` as often as news or a clock asks for it."""

    def __init__(self, world: World, policy: Policy, identity: Identity) -> None:
        if not is_exact():
            raise RuntimeError("money would be rounded: call bot.core.money.use_exact() at the front door")
        self.world = world
        self.policy = policy
        self.identity = identity
        self.state = TradingState(identity)
        self.heartbeat = Heartbeat(world, self.state, policy)
        self.markets = Markets(self.heartbeat)
        self.planning = Planning(world, self.state, policy, self.markets)
        self.steering = Steering(self.heartbeat, self.state, policy)
        self.inheritance = Inheritance(self)
        self.started_at: datetime | None = None
        self.is_loaded = False

    # -- life ------------------------------------------------------------------------------------------------------

    async def load(self, rest_until: Callable[[datetime | None], None] = lambda _: None) -> None:
        """Take over what the store holds, and doubt what was awaited when it was kept. `rest_until` hears until when
        the exchange wants no request, before the first is made. StateError, MarketError."""
        tables = await self.world.store.load()
        self.state.load(tables, self.identity)
        rest_until(self.state.meta.quiet_until)
        self.state.begin_epoch(randbelow)
        if self.state.was_empty:
            self.inheritance.begin()
        for grid in self.state.grids.values():
            await self.markets.reopen(grid.symbol)
            self.heartbeat.guard.watch(grid)
        for executor in self.state.executors.values():
            self.heartbeat.desks[executor.market.symbol].due[executor.id] = None
        self.heartbeat.recall(self.world.clock.now())
        self.is_loaded = True

    def recovered(self, note: str) -> None:
        """The store had to be mended. What it has lost is found on the exchange, and no id is made twice: say so."""
        self.heartbeat.note(Trouble(self.world.clock.now(), "store", note, over=True))
        log.warning("the state was mended: %s", note)

    async def start(self) -> None:
        """Load, where that is not done yet; then start-up is an ordinary beat. StateError, MarketError."""
        if not self.is_loaded:
            await self.load()
        now = self.started_at = self.world.clock.now()
        absence = Absence(self.heartbeat)
        await self.beat()
        if self.heartbeat.gate.is_unconfirmed:
            await self.tell(await self.live_question())
        if (told := absence.over(now)) is not None:
            await self.tell(told)

    async def live_question(self) -> LiveAsked:
        """What the owner is asked before this account trades live for the first time."""
        return await confirmation.question(self.world, self.policy, self.identity.account)

    async def trade_live(self) -> None:
        """The owner allows this account to trade live, from now on."""
        async with self.heartbeat.lock:
            self.state.put_meta(replace(self.state.meta, confirmed_live=True))
            await self.keep()
        log.warning("live trading was confirmed", extra={"context": {"account": self.identity.account}})
        await self.beat()

    async def beat(self) -> None:
        """One heartbeat; see `Heartbeat.beat`."""
        question, troubles, now = "orders of an earlier life", self.heartbeat.troubles, self.world.clock.now()
        if self.inheritance.is_open:
            with troubles.asking(question, now):
                await self.inheritance.settle()
        else:  # whoever made a grid has asked as well
            troubles.moot(question, now)
        await self.heartbeat.beat()

    def hear(self, events: Sequence[Event]) -> None:
        """Take in what the exchange said by itself; the next beat folds it."""
        self.heartbeat.hear(events)

    async def audit(self) -> None:
        """Compare the resting orders with ours; what differs is looked up in the next beat."""
        await self.heartbeat.audit()

    async def fold(self) -> None:
        """Once a minute: note that we live, let go of what ended long ago, fold the journal into the state file."""
        async with self.heartbeat.lock:
            now = self.world.clock.now()
            self.heartbeat.bookkeeper.sample(self.heartbeat.desks, now)
            self.heartbeat.guard.sweep(self.heartbeat.desks, now)
            self.heartbeat.vigil.look(self.heartbeat.desks, now)
            self.state.put_meta(replace(self.state.meta, seen_at=now))
            await self.keep()
        await self.write_fills()
        await self.world.store.fold()
        await self.markets.refresh(only_shut=True)

    async def write_fills(self) -> None:
        """Have all fills stand in their journal."""
        heart = self.heartbeat
        await heart.herald.write_fills(self.world.ledger, heart.troubles, self.world.clock.now())

    async def close(self) -> None:
        """Keep what is not kept yet and let go of the files. Orders stay on the exchange."""
        await self.write_fills()
        async with self.heartbeat.lock:
            self.state.put_meta(replace(self.state.meta, seen_at=self.world.clock.now()))
            await self.keep()
        await self.world.store.close()

    async def keep(self) -> None:
        """Make all changes durable; called under the lock. StateUnwritable, and they are kept later."""
        changes, self.state.changes = self.state.changes, {}
        try:
            await self.world.store.keep(changes)
        except StateUnwritable:
            self.state.changes = {**changes, **self.state.changes}
            raise

    async def remember(self, changes: Mapping[Key, Mapping[str, object] | None]) -> None:
        """Make notes of the chat durable (tables of its own). StateUnwritable when they can't be kept."""
        async with self.heartbeat.lock:
            for key, note in changes.items():
                self.state.put_note(key, note)
            await self.keep()

    async def tell(self, notice: Notice) -> None:
        """Put a notice into the outbox, durably, and have it told."""
        async with self.heartbeat.lock:
            self.heartbeat.note(notice)
            await self.keep()
        await self.heartbeat.tell()

    async def report(self) -> None:
        """Tell what the day before brought, by currency; nothing where nothing has ever been traded."""
        heart = self.heartbeat
        for told in list(daily.reports(self.state, heart.guard, heart.desks, self.world.clock.now())):
            await self.tell(told)

    async def delivered(self, keys: Iterable[str], notes: Mapping[Key, Mapping[str, object] | None]) -> None:
        """These notices were delivered: they leave the outbox, and what the chat notes of it is durable with that."""
        async with self.heartbeat.lock:
            for key in keys:
                self.state.drop_notice(key)
            for place, note in notes.items():
                self.state.put_note(place, note)
            await self.keep()

    # -- markets ---------------------------------------------------------------------------------------------------

    async def desk(self, symbol: str) -> Desk:
        """The desk of a symbol, opened when it is first asked for. MarketError when there is no such symbol."""
        return await self.markets.desk(symbol)

    async def refresh_markets(self) -> None:
        """Once an hour: read the rules of all markets again, for exchanges change them, halt markets and drop them."""
        await self.markets.refresh()

    async def quote(self, symbol: str) -> Quote:
        """The price now. MarketError when there is none to go by."""
        return await self.planning.quote(symbol)

    async def balances(self) -> Mapping[str, Balance]:
        """Funds of the account by currency."""
        return await self.world.gateway.balances()

    # -- grids -----------------------------------------------------------------------------------------------------

    async def limits(self, market: Market) -> Limits:
        """What a grid on this market may use now: funds, exposure, leverage and position. MarketError."""
        return await self.planning.limits(market)

    async def preview(self, spec: GridSpec) -> Preview:
        """All that this grid would be, at the price of now. CommandError, MarketError."""
        return await self.planning.preview(spec)

    async def create(self, shown: Preview, nonce: str = "") -> Grid | Preview:
        """Create the grid of a preview a person has seen. Checked again first: where what buys at once, what is refused
        or the capital has changed, the new preview is returned and nothing is created. A nonce creates once.
        """
        if (made := self._made_by(nonce)) is not None:
            return made
        fresh = await self.preview(shown.spec)
        if fresh.changed_since(shown):
            return fresh
        if fresh.problems:
            raise CommandError(fresh.problems[0])
        begun = fresh.capital, fresh.quote.bid
        return await self._add(fresh.spec, fresh.market, fresh.to_levels, nonce, begun)

    async def plan_edit(self, grid_id: str, spec: GridSpec) -> Edit:
        """What making this of a running grid would do, at the price of now. CommandError, MarketError."""
        return await self.planning.edit(grid_id, spec)

    async def edit(self, shown: Edit) -> Grid | Edit:
        """Make of a running grid what a person has seen. Checked again first: where it would do something else now,
        that is returned and nothing is done. Asked for twice it is done once. CommandError, MarketError."""
        grid_id, spec = shown.grid.id, shown.made.spec
        if self.planning.editable(grid_id).spec == spec:
            return self.state.grids[grid_id]
        fresh = await self.plan_edit(grid_id, spec)
        async with self.heartbeat.lock:
            edit = self.planning.edited(grid_id, fresh.made)  # as its levels stand now
            if edit.changed_since(shown):
                return edit
            if edit.problems:
                raise CommandError(edit.problems[0])
            take_back = editing.perform(edit, self.heartbeat, self.state)
            try:
                await self.keep()
            except StateUnwritable:  # a person is told that nothing was done: so nothing is
                take_back()
                raise
            editing.settle(edit, self.heartbeat, self.state)
        await self.beat()
        figures = {"grid": grid_id, "levels": spec.count, "placed": len(edit.placed), "left": len(edit.leaves)}
        log.info("grid edited", extra={"context": figures})
        return self.state.grids[grid_id]

    async def add_trade(self, symbol: str, entry: Decimal, exit_: Decimal, amount: Decimal, loop: bool) -> Grid:
        """A grid of one level with an exit of its own (quote currency; amount in base coin). CommandError."""
        market = (await self.desk(symbol)).market
        entry, exit_ = market.price_down(entry), market.price_up(exit_)
        if not ZERO < entry < exit_:
            raise CommandError(say("unable.exit_below_entry", entry=entry, exit=exit_))
        amount = market.amount_down(amount)
        sold = sold_of(amount, market)
        if not (market.accepts(entry, amount) and market.accepts(exit_, sold)):
            smallest = plain(market.smallest_amount(entry))
            raise CommandError(say("unable.trade_too_small", amount=plain(amount), coin=market.base, smallest=smallest))
        profit_pct = average((exit_ - entry) * HUNDRED, entry)
        spec = GridSpec(Shape.LINEAR, symbol, entry, entry, 1, amount, None, profit_pct, loop)
        return await self._add(spec, market, lambda grid_id: [Level(grid_id, 1, entry, exit_, amount, loop)])

    def _made_by(self, nonce: str) -> Grid | None:
        return next((grid for grid in self.state.grids.values() if nonce and grid.nonce == nonce), None)

    async def _add(
        self,
        spec: GridSpec,
        market: Market,
        levels: Callable[[str], list[Level]],
        nonce: str = "",
        begun: tuple[Decimal, Decimal] = (ZERO, ZERO),
    ) -> Grid:
        """`begun`: the capital bound at worst and the bid, where they are known; else the books look themselves."""
        await self.inheritance.refuse()
        async with self.heartbeat.lock:
            if (made := self._made_by(nonce)) is not None:  # pressed twice at once
                return made
            number, now = self.state.meta.next_grid, self.world.clock.now()
            grid = Grid(f"g{number}", number, spec, now, nonce, capital=begun[0], start_price=begun[1])
            prefix = self.state.prefix
            self.state.put_meta(replace(self.state.meta, next_grid=number + 1))
            self.state.put_grid(grid)
            self.heartbeat.margin.look_first(self.heartbeat.desks[market.symbol])
            for level in levels(grid.id):
                self.state.put_executor(PositionExecutor(level, market, prefix))
            try:
                await self.keep()
            except StateUnwritable:  # a person is told that there is no such grid: so there is none
                self.state.drop_grid(grid.id)
                raise
            self.heartbeat.guard.watch(grid)
            self.heartbeat.mark_due(grid.id)
        await self.beat()
        log.info("grid created", extra={"context": {"grid": grid.id, "symbol": grid.symbol, "levels": spec.count}})
        return grid

    def targets(self, word: str) -> tuple[list[Grid], list[PositionExecutor]]:
        """What an id or `all` means: grids, or one executor. CommandError when there is nothing of that name."""
        return self.steering.targets(word)

    # -- steering --------------------------------------------------------------------------------------------------

    async def pause(self, word: str = "all") -> list[str]:
        """Entries leave the book, exits stay and are placed. Returns the ids that are paused now."""
        return await self._turn(word, Mode.PAUSED)

    async def resume(self, word: str = "all") -> list[str]:
        """Back to running, also after a panic, a stop price or the daily loss; a grid with all levels that were paused
        or halted alone. Returns the ids that run now."""
        return await self._turn(word, Mode.RUNNING)

    async def resume_levels(self, keys: Iterable[str]) -> list[str]:
        """These levels back to running; returns the ids of those that are still there."""
        return await self._steered(lambda: self.steering.resume_levels(keys))

    async def finish(self, word: str) -> list[str]:
        """Entries are cancelled, held levels sell at their exits, then the grid ends."""
        return await self._turn(word, Mode.FINISHING)

    async def keep_coins(self, word: str) -> list[str]:
        """All orders are cancelled and the grid ends; coins it holds stay on the account and in the books."""
        return await self._turn(word, Mode.ENDED)

    async def sell(self, word: str) -> list[str]:
        """All orders are cancelled, then the grid's coins are sold at once, as a taker."""
        return await self._steered(lambda: self.steering.sell(word))

    async def panic(self) -> list[str]:
        """Every order of this bot leaves the book and nothing is placed until somebody resumes."""
        return await self._steered(self.steering.panic)

    async def _turn(self, word: str, mode: Mode) -> list[str]:
        return await self._steered(lambda: self.steering.turn(word, mode, self.world.clock.now()))

    async def _steered(self, deed: Callable[[], list[str]]) -> list[str]:
        async with self.heartbeat.lock:
            turned = deed()
            await self.keep()
        await self.beat()
        return turned
