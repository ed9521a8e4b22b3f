"""The manager against a hostile exchange, and killed at any instant: it converges, and nothing is doubled or lost."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from random import Random

import pytest

from bot.core.accounting import RoundTrip
from bot.core.actions import Action
from bot.core.editing import Edit, is_under_way
from bot.core.events import Event
from bot.core.grids import GridSpec, Shape, exit_price, prices
from bot.core.lifecycle import EXIT_STATES, Mode
from bot.core.model import FeeSide, Leg
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.snapshot import LevelFrozen
from bot.errors import CommandError, MarketError
from bot.ports import Key, News, Policy
from bot.storage.memory_store import MemoryStore
from tests.fakes import BTC, ETH, OnceLedger, dec, market, run
from tests.hostile import HostileExchange, HostileGateway, Temper, drained
from tests.stage import Stage

SPEC = GridSpec(Shape.LINEAR, BTC, dec(59_000), dec(60_000), 4, dec("0.001"), None, dec("0.5"), loop=True)


# -- storms ------------------------------------------------------------------------------------------------------------


async def command(stage: Stage, luck: Random) -> None:
    """Somebody does something, now and then."""
    manager = stage.manager
    grids = [grid.id for grid in manager.state.grids.values() if grid.ended_at is None]
    roll = luck.random()
    if roll < 0.03:
        await manager.pause("all")
    elif roll < 0.04:
        await manager.panic()
    elif roll < 0.15:
        await manager.resume("all")
        for key, executor in list(manager.state.executors.items()):
            if executor.mode is not Mode.RUNNING:
                await manager.resume(key)
    elif roll < 0.155 and len(grids) > 1:
        await manager.finish(luck.choice(grids))
    elif roll < 0.16 and len(grids) > 1:
        await manager.sell(luck.choice(grids))
    elif roll < 0.165 and len(grids) > 1:
        await manager.keep_coins(luck.choice(grids))
    elif roll < 0.19:
        await manager.audit()
    elif roll < 0.21:  # kill -9, and a new start
        stage.new_manager()
        await stage.manager.start()
    elif roll < 0.24 and grids:
        await edit(stage, luck.choice(grids), luck)


async def edit(stage: Stage, grid_id: str, luck: Random) -> None:
    """Somebody makes another grid of one that runs, and presses Apply again where it had changed meanwhile."""
    spec = stage.manager.state.grids[grid_id].spec
    low, profit = dec(luck.choice([58_800, 59_000, 59_500])), dec(luck.choice(["0.4", "0.5", "0.8"]))
    after = replace(spec, minimum=low, maximum=low + 1200, count=luck.choice([3, 6, 11]), loop=luck.random() < 0.8)
    try:
        shown = await stage.manager.plan_edit(grid_id, replace(after, profit_pct=profit))
        while isinstance(made := await stage.manager.edit(shown), Edit):
            shown = made
    except (CommandError, MarketError):  # nothing changes, it is being stopped, there is no price
        return


def unlike_their_spec(stage: Stage) -> list[str]:
    """Grids whose levels are not those of what they were made or edited to, and levels given a number twice."""
    state, wrong = stage.manager.state, []
    for grid in state.grids.values():
        members = [state.executors[key] for key in state.members[grid.id]]
        own = [each for each in members if each.left_at is None]
        wanted = prices(grid.spec, dec("0.01"))
        if members and sorted(each.level.entry for each in own) != wanted:
            wrong.append(grid.id)
        if any(each.level.number > grid.last_number for each in members):
            wrong.append(f"{grid.id} has a level beyond number {grid.last_number}")
        for each in own:
            meant = each.renewed or each.level
            profit = grid.spec.profit_pct
            if meant.exit != exit_price(meant.entry, profit, dec("0.01")) or meant.loop != grid.spec.loop:
                wrong.append(each.id)
        for each in members:
            if each.renewed is not None and not is_under_way(each):
                wrong.append(f"{each.id} is still what it was")
            if each.left_at is not None and each.order is not None and each.order.leg is Leg.ENTRY:
                wrong.append(f"{each.id} buys though it left")
            idle = each.sellable and each.order is None and each.mode_in(grid.effective_mode) < Mode.HALTED
            if idle and each.state in EXIT_STATES and not each.frozen and stage.manager.policy.max_open_orders is None:
                wrong.append(f"{each.id} holds coins that nothing sells")
    return wrong


async def storm(seed: int, beats: int) -> Stage:
    luck = Random(seed)
    symbols = [BTC, ETH] if luck.random() < 0.3 else [BTC]
    rules = [market(symbol, min_cost="0", fee_side=luck.choice(list(FeeSide))) for symbol in symbols]
    policy = Policy(
        max_open_orders=luck.choice([None, None, 5]), max_exposure=luck.choice([None, None, None, dec(1000)])
    )
    stage = Stage(*rules, policy=policy, temper=replace(Temper(), person_cancels=0.001), seed=seed)
    await stage.manager.start()
    for symbol in symbols:
        await stage.grid("59000", "60200", 6, symbol=symbol, loop=luck.random() < 0.8)
        await stage.grid("59500", "60700", 3, symbol=symbol, above_wait=True)
    for _ in range(beats):
        for symbol in symbols:
            price = stage.prices[symbol] + luck.randint(-150, 150) + (dec(60_100) - stage.prices[symbol]) // 20
            await stage.beat(price, symbol, seconds=luck.choice([0.2, 2, 4]))
        await command(stage, luck)
    drained(stage.exchange)
    for _ in range(40):
        await stage.manager.audit()
        await stage.beat(seconds=5)
    return stage


@pytest.mark.parametrize("block", range(8))
def test_through_any_storm_manager_and_exchange_agree_in_the_end(block: int) -> None:
    closed = 0
    for seed in range(block * 5, block * 5 + 5):
        stage = run(storm(seed, 120))
        assert list(stage.differences()) == [], f"seed {seed}"
        assert unlike_their_spec(stage) == [], f"seed {seed}"
        assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"
        assert stage.manager.heartbeat.troubles == {}
        closed += len(stage.ledger.lines)
    assert closed > 20


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_through_very_many_storms_manager_and_exchange_agree_in_the_end(block: int) -> None:
    for seed in range(1000 + block * 50, 1000 + block * 50 + 50):
        stage = run(storm(seed, 300))
        assert list(stage.differences()) == [], f"seed {seed}"
        assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"


# -- kill -9 -----------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process is gone; nobody may catch it."""


@dataclass
class Fuse:
    """Burns down with every call; at nought the process is gone."""

    left: int = 10**9
    burnt: int = 0

    def burn(self) -> None:
        self.burnt += 1
        self.left -= 1
        if self.left == 0:
            raise Crash


class MortalGateway(HostileGateway):
    """Dies before or after anything reaches the exchange."""

    def __init__(self, exchange: HostileExchange, fuse: Fuse) -> None:
        super().__init__(exchange)
        self.fuse = fuse

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        events: list[Event] = []
        for action in actions:
            self.fuse.burn()
            events += await super().submit([action], stands)
            self.fuse.burn()
        return events

    async def news(self, symbol: str, cursor: str) -> News:
        self.fuse.burn()
        news = await super().news(symbol, cursor)
        self.fuse.burn()
        return news

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        self.fuse.burn()
        return await super().look_up(symbol, client_id)


class MortalStore(MemoryStore):
    """Dies before or after a write."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        self.fuse.burn()
        await super().keep(changes)
        self.fuse.burn()


class MortalLedger(OnceLedger):
    """Dies before or after a line is written."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        self.fuse.burn()
        await super().append(trades)
        self.fuse.burn()


PRICES = ("60500", "59500", "58900", "60100", "60500", "59200", "60400")
MOVED = {"minimum": dec(59_100), "maximum": dec(60_200), "count": 4}
EDITS: Mapping[int, Mapping[str, object]] = {1: {"count": 7}, 2: {"profit_pct": dec("0.8")}, 5: MOVED}
"""What the grid is edited to at these prices: some levels hold coins, and some of those leave."""
PATIENCE = 5
"""Beats at each price: enough for whatever was in doubt to be found out."""


async def lived(fuse: Fuse, patience: int = PATIENCE) -> Stage:
    """A day of trading; whenever the process dies a new one takes over, and goes on where it stood."""
    stage = Stage(store=MortalStore(fuse))
    stage.ledger = MortalLedger(fuse)
    stage.gateway = MortalGateway(stage.exchange, fuse)

    async def again() -> None:
        stage.new_manager()
        await stage.manager.start()

    async def surviving(deed: Callable[[], object]) -> None:
        try:
            result = deed()
            assert asyncio.iscoroutine(result)
            await result
        except Crash:
            await surviving(again)

    await surviving(again)
    await surviving(lambda: created(stage))
    await surviving(lambda: created(stage))  # the same button, pressed again
    for place, price in enumerate(PRICES):
        stage.price(price)
        for beat in range(patience):
            if beat == 2 and place == 3:
                await surviving(lambda: stage.manager.pause("g1"))
            if beat == 0 and place == 4:
                await surviving(lambda: stage.manager.resume("g1"))
            if beat == 3 and place in EDITS:
                await surviving(partial(applied, stage, EDITS[place]))
                await surviving(partial(applied, stage, EDITS[place]))  # the same button, pressed again
            await surviving(lambda: stage.beat(seconds=15))
        if place == 3:
            await surviving(lambda: stage.manager.pause("g1"))  # said again where the first was lost
        if place == 4:
            await surviving(lambda: stage.manager.resume("g1"))
    for _ in range(2 * patience):
        await surviving(lambda: stage.beat(seconds=15))
    return stage


async def created(stage: Stage) -> None:
    made = await stage.manager.create(await stage.manager.preview(SPEC), "press")
    assert not isinstance(made, Preview)


async def applied(stage: Stage, change: Mapping[str, object]) -> None:
    spec = replace(stage.manager.state.grids["g1"].spec, **change)  # type: ignore[arg-type]
    if spec != stage.manager.state.grids["g1"].spec:
        assert isinstance(await stage.manager.edit(await stage.manager.plan_edit("g1", spec)), Grid)


def outcome(stage: Stage) -> tuple[object, ...]:
    """What the day came to: trades, ledger, what rests, what is held."""
    trades = Counter((side, fill.price, fill.amount) for _, side, fill in stage.exchange.trades)
    ledger = {key: (trade.pnl, trade.qty) for key, trade in stage.ledger.lines.items()}
    held: dict[str, Decimal] = {key: each.books.held for key, each in stage.manager.state.executors.items()}
    totals = stage.manager.state.total("all:USDT")
    return trades, ledger, stage.resting(), stage.owners(), held, totals


def test_killed_at_any_call_a_new_process_ends_where_an_undisturbed_one_does() -> None:
    fuse = Fuse()
    undisturbed = run(lived(fuse))
    undisturbed.agree()
    expected = outcome(undisturbed)
    assert len(undisturbed.ledger.lines) >= 6
    assert fuse.burnt > 150
    for number in range(1, fuse.burnt + 1):
        stage = run(lived(Fuse(number)))
        assert list(stage.differences()) == [], f"killed at call {number}"
        assert outcome(stage) == expected, f"killed at call {number}"
        assert stage.ledger.appends <= len(stage.ledger.lines) + 7  # written again at most once, and known by its key


class TwoFuses(Fuse):
    """The process that took over dies as well."""

    second = 0

    def burn(self) -> None:
        try:
            super().burn()
        except Crash:
            self.left, self.second = self.second or 10**9, 0
            raise


def test_killed_again_soon_after_the_next_one_still_ends_there() -> None:
    expected = outcome(run(lived(Fuse(), patience=10)))
    luck = Random(7)
    for _ in range(120):
        fuse = TwoFuses(luck.randint(1, 250))
        fuse.second = luck.randint(1, 12)
        named = f"killed at call {fuse.left}, and {fuse.second} calls later"
        stage = run(lived(fuse, patience=10))
        assert list(stage.differences()) == [], named
        assert outcome(stage) == expected, named
