"""A world in one loop: a venue that keeps the truth, and lives of the bot one after another, with a clock for all.

Rule: time only passes by `step`; nothing is asserted here. Whatever deed is asked of a life that dies meanwhile, the
next one takes over from the disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from bot.core.client_ids import decode
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.errors import MarketError
from bot.manager import TradeManager
from bot.ports import Policy
from bot.settings import parse_settings
from tests.chaos import oracle
from tests.chaos.life import Alarm, Deed, Fuse, Life, T, remember_tasks
from tests.chaos.places import FUNDS, KEY, START, Place, settings
from tests.fakes import Listener, dec
from tests.venue.events import Event as VenueEvent
from tests.venue.events import OrderChanged
from tests.venue.server import Clock

STARTS = 200
"""Tries of a host to start a worker whose exchange does not answer."""
PATIENCE = 2.0
"""Real seconds that what is under way may take."""


class VenueClock:
    """Our clock: the venue's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1000, UTC)


class Died(Exception):
    """The process that was asked is gone."""


class World:
    """See the module's rule. `wrong` collects what must never happen, as it happens."""

    def __init__(
        self,
        place: Place,
        folder: Path,
        *,
        seed: int = 0,
        streams: bool = True,
        timeout_ms: int = 80,
        policy: Policy | None = None,
        fuse: Fuse | None = None,
        **rules: object,
    ) -> None:
        self.place = place
        self.folder = folder
        self.clock = Clock()
        self.venue = place.open(seed, self.clock, **rules)
        self.market = place.market(self.venue)
        self.ledger = self.venue.ledger
        self.account = self.ledger.accounts[KEY]
        self.funds = {coin: Decimal(amount) for coin, amount in FUNDS.items()} | {
            coin: amount for coin, amount in self.account.wallet.items() if coin not in FUNDS
        }
        self.case = oracle.Case(place, self.venue, self.funds, folder)
        self.streams = streams
        self.timeout_ms = timeout_ms
        self.policy = policy or Policy()
        self.fuse = fuse or Fuse()
        self.listener = Listener()
        self.alarm = Alarm()
        self.wrong: list[str] = []
        self.crashes = 0
        self.price = START
        self.most_resting = 0
        self.diary: list[str] = []
        self._life: Life | None = None
        self.ledger.subscribe(self._watch)

    @property
    def life(self) -> Life:
        assert self._life is not None
        return self._life

    @property
    def manager(self) -> TradeManager:
        return self.life.manager

    # -- what the oracle says --------------------------------------------------------------------------------------

    @property
    def belief(self) -> oracle.Belief:
        return oracle.believed(self.manager.state)

    def doubled(self) -> list[str]:
        """What no moment may show."""
        return [*self.wrong, *oracle.doubled(self.case, self.belief)]

    def differences(self) -> list[str]:
        """Everything about which bot and venue disagree, when nothing is under way."""
        found = [*self.wrong, *oracle.differences(self.case, self.belief)]
        heartbeat = self.manager.heartbeat
        if heartbeat.troubles:
            found.append(f"troubles: {dict(heartbeat.troubles)}")
        if heartbeat.doubts:
            found.append(f"{len(heartbeat.doubts)} orders are in doubt")
        return found

    def outcome(self) -> object:
        """What it all came to."""
        return oracle.outcome(self.case, self.belief)

    # -- what must never happen ------------------------------------------------------------------------------------

    def _watch(self, event: VenueEvent) -> None:
        if isinstance(event, OrderChanged) and self._life is not None:
            order = event.order
            what = f"{order.side} {order.price} {order.status} {order.filled}/{order.amount} {order.ending}"
            self.life.notes(f"THE TRUTH: {order.id} {order.client_id} {what}")
        if not isinstance(event, OrderChanged) or event.order.account != KEY or len(event.order.past) > 1:
            return
        live = [order for order in self.ledger.open_orders(self.account) if not order.doomed]
        self.most_resting = max(self.most_resting, len(live))
        mine = decode(event.order.client_id)
        if mine is None or not event.order.is_open:
            return
        twins = [
            order.client_id for order in live if (key := decode(order.client_id)) and key.owner_id == mine.owner_id
        ]
        if len(twins) > 1:
            self.wrong.append(f"two live orders of {mine.owner_id}: {twins}")

    # -- lives -----------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """A new process on the same files, started again by its host until it can begin."""
        if self._life is not None:
            await self._end()
        for _ in range(STARTS):
            said = parse_settings(settings(self.place, self.venue, streams=self.streams, timeout_ms=self.timeout_ms))
            self._life = Life(said, VenueClock(self.clock), self.folder, self.listener, self.policy, self.fuse)
            try:
                await self._ask(lambda manager: self.life.start())
            except Died:
                self.crashes += 1
            except MarketError:
                pass
            else:
                return
            await self._end()
            self.clock.forward(2000)
        raise AssertionError("the bot could not begin")

    async def _end(self) -> None:
        life = self.life
        await life.bury()
        self.diary += [*life.diary, "-- the end of a life --"]
        self.wrong += life.faults
        if life.violations:
            self.wrong.append(f"{life.violations} requests inside a time of silence")

    async def crash(self) -> None:
        """kill -9, and a new start."""
        self.crashes += 1
        self.life.kill()
        await self.begin()

    async def _ask(self, deed: Deed[T]) -> T:
        life = self.life
        task, gone = life.spawn(deed(life.manager)), asyncio.ensure_future(life.dead.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if life.dead.is_set():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise Died
        return await task

    async def do(self, deed: Deed[T]) -> T:
        """Have it done, by the next life where this one dies."""
        while True:
            try:
                return await self._ask(deed)
            except Died:
                self.crashes += 1
                await self.begin()

    # -- time ------------------------------------------------------------------------------------------------------

    async def step(self, price: Decimal | str | None = None, seconds: float = 2, *, settle: bool = True) -> None:
        """Time passes, the price may change, the heart beats; then what is under way may end."""
        self.clock.forward(int(seconds * 1000))
        if price is not None:
            self.price = Decimal(price)
            self.market.move(self.price, self.price + 1)
        await self.do(TradeManager.beat)
        if settle:
            await self.quiet()

    async def quiet(self) -> None:
        """Wait for everything that is under way, while the life lasts."""
        until, calm = time.monotonic() + PATIENCE, 0
        while calm < 2 and time.monotonic() < until:
            await asyncio.sleep(0.001)
            if self.life.dead.is_set():
                self.crashes += 1
                await self.begin()
            calm = 0 if self.life.is_busy else calm + 1

    # -- deeds -----------------------------------------------------------------------------------------------------

    async def grid(
        self, low: str, high: str, count: int, amount: str = "0.001", profit: str = "0.5", nonce: str = "press"
    ) -> Grid:
        """A grid that was asked for until it stood there."""
        spec = GridSpec(
            Shape.LINEAR, self.place.symbol, dec(low), dec(high), count, dec(amount), None, dec(profit), loop=True
        )

        async def create(manager: TradeManager) -> Grid:
            made = await manager.create(await manager.preview(spec), nonce)
            assert not isinstance(made, Preview)
            return made

        for _ in range(STARTS):
            try:
                return await self.do(create)
            except MarketError:
                await self.step()
        raise AssertionError("no grid could be created")

    async def resume(self) -> None:
        """The owner lets everything go on that a person's hand has halted."""

        async def resume(manager: TradeManager) -> None:
            state = manager.state
            if any(grid.effective_mode is not Mode.RUNNING for grid in state.grids.values()):
                await manager.resume("all")
            await manager.resume_levels([key for key, each in state.executors.items() if each.mode is not Mode.RUNNING])

        await self.do(resume)


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    """The venue listens and a first life has begun; at the end nothing is left of either."""
    root = logging.getLogger()
    root.addHandler(world.alarm)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)  # what a killed process leaves behind
    await world.venue.start()
    remember_tasks(loop)
    try:
        await world.begin()
        yield world
    finally:
        if world._life is not None:
            await world._end()
        world.wrong += world.alarm.heard
        root.removeHandler(world.alarm)
        await world.venue.stop()
        if path := os.environ.get("CHAOS_DIARY"):
            Path(path).write_text("\n".join(world.diary))
