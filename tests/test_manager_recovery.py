"""The manager over a store that is older than the exchange, or empty: what it forgot it finds, and asks where it must.

The store is put back as it was some writes ago (a backup, a lost tail of the journal) while the exchange went on.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from bot.core.actions import PlaceOrder
from bot.core.client_ids import OrderKey, Owner, encode
from bot.core.lifecycle import Mode
from bot.core.model import FeeSide, Leg, Order
from bot.core.snapshot import GridsRebuilt, InheritanceFound, LevelFrozen, OrphansFound, Restarted
from bot.errors import CommandError, MarketError
from bot.ports import Key, Policy
from bot.storage.memory_store import MemoryStore
from tests.fakes import BTC, OnceLedger, dec, market, run
from tests.hostile import Temper, Truth, drained
from tests.stage import LEVELS, SPEC, Stage, staged


class Archive(MemoryStore):
    """A store that can be put back to what it was some writes ago."""

    def __init__(self) -> None:
        super().__init__()
        self.past: list[dict[str, dict[str, object]]] = []

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        self.past.append({name: dict(rows) for name, rows in self.tables.items()})
        await super().keep(changes)

    def back(self, writes: int) -> None:
        """As it was `writes` writes ago."""
        self.tables = deepcopy(self.past[-writes])
        del self.past[-writes:]


def archive_of(stage: Stage) -> Archive:
    assert isinstance(stage.store, Archive)
    return stage.store


async def forget(stage: Stage, writes: int, *, lines_too: bool = False) -> None:
    """Crash, lose the last writes (and the ledger lines they led to), begin again."""
    archive_of(stage).back(min(writes, len(archive_of(stage).past)))
    stage.new_manager()
    await stage.manager.load()
    if lines_too:
        kept = stage.manager.state.total("all:USDT").trades
        stage.ledger.lines = dict(list(stage.ledger.lines.items())[:kept])
    await stage.manager.start()


async def settled(stage: Stage, beats: int = 40) -> None:
    drained(stage.exchange)
    for _ in range(beats):
        await stage.manager.audit()
        await stage.beat(seconds=5)


# -- an older store ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", range(1, 12))
def test_an_older_store_catches_up_with_the_exchange_cycle_by_cycle(writes: int) -> None:
    async def story() -> None:
        stage = await staged(Stage(store=Archive()))
        for price in ("59700", "60100", "59600", "60500", "59400", "60600"):
            await stage.beat(price)
            await stage.beat()
        lines = dict(stage.ledger.lines)
        assert len(lines) > 3
        await forget(stage, writes)
        await stage.beats(5)
        stage.agree()
        assert stage.ledger.lines == lines
        assert stage.listener.of(LevelFrozen) == []

    run(story())


def test_orders_found_resting_are_adopted_where_they_are_without_a_question_for_each() -> None:
    async def story() -> None:
        stage = Stage(store=Archive())
        await staged(stage, low="50000", high="60000", count=1000)
        rested = sorted(truth.place.client_id for truth in stage.exchange.live())
        created = next(
            number for number, tables in enumerate(archive_of(stage).past) if len(tables.get("executors", {})) == 1000
        )
        stage.gateway.calls.clear()
        await forget(stage, len(archive_of(stage).past) - created)
        assert sorted(truth.place.client_id for truth in stage.exchange.live()) == rested
        assert stage.gateway.calls.count("look up") == 0
        assert stage.gateway.calls.count("cancel") == stage.gateway.calls.count("place") == 0
        assert stage.manager.heartbeat.reconciliation.found.adopted == 1000
        stage.agree()

    run(story())


def test_what_happened_while_away_is_told() -> None:
    async def story() -> None:
        stage = await staged(Stage(store=Archive()))
        await stage.manager.fold()  # notes that it lives
        since = len(archive_of(stage).past)
        await stage.beat("59700")
        await stage.beat("60500")
        await forget(stage, len(archive_of(stage).past) - since)
        (told,) = stage.listener.of(Restarted)
        assert (told.fills, told.closed, told.adopted, told.unknown) == (4, 2, 4, 0)
        stage.agree()

    run(story())


def test_nothing_is_sent_before_the_exchange_has_shown_what_rests() -> None:
    async def story() -> None:
        stage = await staged(Stage(store=Archive()))
        await stage.beat("59700")
        show = stage.gateway.open_orders

        async def silent(symbol: str) -> list[Order]:
            raise MarketError("closed for maintenance")

        stage.gateway.open_orders = silent  # type: ignore[method-assign]
        sent = set(stage.exchange.sent)
        await forget(stage, 3)
        await stage.beats(5, "59300")
        assert stage.exchange.sent == sent
        stage.gateway.open_orders = show  # type: ignore[method-assign]
        await stage.beats(5)
        assert stage.exchange.sent > sent
        stage.agree()

    run(story())


async def storm(seed: int, beats: int) -> Stage:
    """Trading through every fault, and now and then the store is put back while the exchange goes on."""
    luck = Random(seed)
    rules = market(min_cost="0", fee_side=luck.choice(list(FeeSide)))
    policy = Policy(max_open_orders=luck.choice([None, None, 5]))
    temper = replace(Temper(), person_cancels=0.0)
    stage = Stage(rules, policy=policy, temper=temper, seed=seed, store=Archive())
    await stage.manager.start()
    await stage.grid("59000", "60200", 6, loop=luck.random() < 0.8)
    await stage.grid("59500", "60700", 3)
    first = len(archive_of(stage).past)
    for _ in range(beats):
        price = stage.prices[BTC] + luck.randint(-150, 150) + (dec(60_100) - stage.prices[BTC]) // 20
        await stage.beat(price, seconds=luck.choice([0.2, 2, 4]))
        roll = luck.random()
        if roll < 0.03:
            most = len(archive_of(stage).past) - first
            if most > 1:
                await forget(stage, luck.randint(1, min(most, luck.choice([3, 30, 300]))), lines_too=True)
        elif roll < 0.05:
            await stage.manager.audit()
    await settled(stage)
    return stage


def differences(stage: Stage) -> list[str]:
    return list(stage.differences())


@pytest.mark.parametrize("block", range(4))
def test_through_storms_with_lost_stores_fills_still_sum_to_the_last_digit(block: int) -> None:
    for seed in range(block * 8, block * 8 + 8):
        stage = run(storm(seed, 100))
        assert differences(stage) == [], f"seed {seed}"
        assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_through_very_many_storms_with_lost_stores_they_do_too(block: int) -> None:
    for seed in range(5000 + block * 40, 5000 + block * 40 + 40):
        stage = run(storm(seed, 250))
        assert differences(stage) == [], f"seed {seed}"
        assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"


# -- an empty store ----------------------------------------------------------------------------------------------------


def ids(stage: Stage) -> list[str]:
    return sorted(truth.place.client_id for truth in stage.exchange.live())


async def wiped(stage: Stage, *, start: bool = True) -> Stage:
    """The disk is gone; the worker begins anew on the market of its settings."""
    stage.store = Archive()
    stage.listener.told.clear()
    stage.new_manager()
    await stage.manager.load()
    await stage.manager.desk(BTC)
    if start:
        await stage.manager.start()
    return stage


async def looped() -> Stage:
    """A grid that has begun its second cycles: all of it is to be seen from its orders."""
    stage = await staged()
    for price in ("59700", "60500", "59400"):
        await stage.beat(price)
        await stage.beat()
    return stage


def test_a_grid_that_is_all_to_be_seen_is_rebuilt_by_itself() -> None:
    async def story() -> None:
        stage = await looped()
        before, lines, rested = dict(stage.manager.state.executors), dict(stage.ledger.lines), ids(stage)
        await wiped(stage)
        (told,) = stage.listener.of(GridsRebuilt)
        assert not told.asked
        (grid,) = told.grids
        assert (grid.shape, grid.levels, grid.profit_pct, grid.loop) == ("linear", 5, dec("0.5"), True)
        after = stage.manager.state.executors
        for key, executor in before.items():
            assert (after[key].level, after[key].state, after[key].cycle, after[key].books) == (
                executor.level,
                executor.state,
                executor.cycle,
                executor.books,
            )
        assert ids(stage) == rested
        assert stage.ledger.lines == lines
        stage.agree()
        await stage.beats(2, "60600")
        stage.agree()
        assert (await stage.grid("57000", "58000", 3)).id == "g2"
        stage.agree()

    run(story())


async def doubtful() -> Stage:
    """A grid in its first cycles: nobody can see whether it loops."""
    stage = await staged()
    await stage.beat("59700")
    await stage.beat()
    return await wiped(stage)


def test_where_something_has_to_be_guessed_nothing_is_sent_before_the_owner_has_answered() -> None:
    async def story() -> None:
        stage = await doubtful()
        rested, sent = ids(stage), set(stage.exchange.sent)
        (told,) = stage.listener.of(InheritanceFound)
        assert told.can_rebuild
        assert told.grids[0].doubts == ("whether it loops is not to be seen; taken: it does not",)
        with pytest.raises(CommandError, match="earlier life"):
            await stage.manager.create(await stage.manager.preview(SPEC))
        await stage.beats(5, "59300")
        await wiped_question(stage)
        assert stage.exchange.sent == sent
        (*_, told) = stage.listener.of(InheritanceFound)
        assert await stage.manager.inheritance.rebuild(told) == ["g1"]
        await stage.beats(3)
        assert not stage.manager.state.grids["g1"].spec.loop
        assert set(rested) - set(ids(stage)) == {truth for truth in rested if stage.exchange.orders[truth].closed}
        stage.agree()
        await stage.beats(3, "60600")
        stage.agree()
        with pytest.raises(CommandError, match="answered already"):
            await stage.manager.inheritance.rebuild(told)

    run(story())


async def wiped_question(stage: Stage) -> None:
    """Killed before the answer: the next life asks again."""
    count = len(stage.listener.of(InheritanceFound))
    stage.new_manager()
    await stage.manager.load()
    await stage.manager.desk(BTC)
    await stage.manager.start()
    assert len(stage.listener.of(InheritanceFound)) == count + 1


@pytest.mark.parametrize("cancel", [True, False])
def test_the_owner_may_have_them_cancelled_or_left(cancel: bool) -> None:
    async def story() -> None:
        stage = await doubtful()
        rested = ids(stage)
        assert await stage.manager.inheritance.release(cancel=cancel) == 5
        await stage.manager.audit()
        await stage.beats(3)
        assert ids(stage) == ([] if cancel else rested)
        await stage.grid("58000", "58500", 3)
        assert set(stage.manager.state.grids) == {"g2"}
        await stage.manager.audit()
        assert stage.listener.of(OrphansFound) == []
        assert len(ids(stage)) == (3 if cancel else 8)

    run(story())


def test_where_only_the_resting_orders_are_told_of_what_was_bought_is_a_guess_in_words() -> None:
    async def story() -> None:
        stage = await looped()
        stage.gateway.own_orders = stage.gateway.open_orders  # type: ignore[method-assign]
        await wiped(stage)
        (told,) = stage.listener.of(InheritanceFound)
        assert not told.can_rebuild  # entries without exits, exits without entries: the profit is not to be seen
        assert told.resting == 5
        assert "no level shows both" in told.grids[0].doubts[0]

    run(story())


def test_an_account_that_cannot_be_asked_makes_no_grid() -> None:
    async def story() -> None:
        stage = await doubtful()
        tell = stage.gateway.own_orders

        async def silent(symbol: str) -> list[Order]:
            raise MarketError("closed for maintenance")

        stage.gateway.own_orders = silent  # type: ignore[method-assign]
        await wiped(stage)
        assert stage.listener.of(InheritanceFound) == []
        with pytest.raises(MarketError):
            await stage.manager.create(await stage.manager.preview(SPEC))
        stage.gateway.own_orders = tell  # type: ignore[method-assign]
        await stage.beat()
        assert len(stage.listener.of(InheritanceFound)) == 1

    run(story())


def test_an_account_without_orders_of_ours_is_asked_once_and_begins() -> None:
    async def story() -> None:
        stage = await wiped(Stage())
        stranger(stage, "web_1234")
        stranger(stage, encode(OrderKey(Owner("zzz", "001").prefix, 1, 1, 1, Leg.ENTRY, 0)))
        await stage.grid()
        await stage.beats(5)
        assert stage.gateway.calls.count("own orders") == 1
        assert stage.listener.of(InheritanceFound) == []

    run(story())


# -- strangers and orphans ---------------------------------------------------------------------------------------------


def stranger(stage: Stage, client_id: str) -> Truth:
    """An order that this state knows nothing of."""
    place = PlaceOrder(client_id, "", BTC, Leg.ENTRY, Decimal(50_000), dec("0.001"))
    truth = stage.exchange.orders[client_id] = Truth(place, stage.clock.now(), stage.clock.now())
    return truth


def test_strangers_orders_are_never_touched_whatever_is_lost() -> None:
    async def story() -> None:
        stage = await doubtful()
        others = [stranger(stage, "web_1234"), stranger(stage, encode(OrderKey("zzz001", 1, 1, 1, Leg.ENTRY, 0)))]
        await stage.manager.inheritance.release(cancel=True)
        await stage.manager.audit()
        await stage.beats(5)
        await stage.manager.panic()
        assert [truth.place for truth in stage.exchange.live()] == [other.place for other in others]
        assert stage.listener.of(OrphansFound) == []

    run(story())


def test_an_order_of_a_grid_that_is_unknown_is_told_once_and_left_until_the_owner_speaks() -> None:
    async def story() -> None:
        stage = await staged()
        orphan = stranger(stage, encode(OrderKey("abc001", 9, 1, 1, Leg.ENTRY, 0)))
        for _ in range(3):
            await stage.manager.audit()
            await stage.beat()
        stage.new_manager()
        await stage.manager.start()
        (told,) = stage.listener.of(OrphansFound)
        assert (told.symbol, told.count, told.low, told.grids) == (BTC, 1, dec(50_000), ("g9",))
        assert orphan.closed is None
        assert await stage.manager.inheritance.decide(told.ids, cancel=True) == 1
        assert orphan.closed is not None
        await stage.manager.audit()
        await stage.beat()
        assert stage.resting() == LEVELS
        assert await stage.manager.inheritance.decide(told.ids, cancel=True) == 0
        stage.agree()

    run(story())


def test_the_closing_sale_a_store_has_forgotten_is_booked() -> None:
    async def story() -> None:
        stage = await staged(Stage(store=Archive()))
        await stage.beat("59400")
        await stage.beat()
        since = len(archive_of(stage).past)
        await stage.manager.sell("g1")
        await stage.beats(3)
        assert stage.mode("g1") is Mode.ENDED
        await forget(stage, len(archive_of(stage).past) - since)
        await stage.beats(5)
        bought = sum(fill.amount - fill.fee for _, side, fill in stage.exchange.trades if side.value == "buy")
        sold = sum(fill.amount for _, side, fill in stage.exchange.trades if side.value == "sell")
        assert stage.manager.state.holding(BTC).amount == bought - sold

    run(story())


async def wiped_storm(seed: int, beats: int) -> Stage | None:
    """A storm, then the disk is gone with the ledger; the owner agrees to what can be rebuilt (None: nothing can)."""
    stage = await storm(seed, beats)
    stage.ledger = OnceLedger()
    await wiped(stage)
    for told in stage.listener.of(InheritanceFound):
        if not told.can_rebuild:
            return None
        sent = set(stage.exchange.sent)
        await stage.beats(3)
        assert stage.exchange.sent == sent
        await stage.manager.inheritance.rebuild(stage.listener.of(InheritanceFound)[-1])
    await settled(stage, 20)
    return stage


def test_after_a_storm_an_empty_store_is_rebuilt_to_the_last_digit() -> None:
    count = 0
    for seed in range(16):
        stage = run(wiped_storm(seed, 60))
        if stage is not None and stage.manager.state.grids:
            assert differences(stage) == [], f"seed {seed}"
            assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"
            count += 1
    assert count > 10


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_after_very_many_storms_it_is_too(block: int) -> None:
    for seed in range(7000 + block * 30, 7000 + block * 30 + 30):
        stage = run(wiped_storm(seed, 120))
        if stage is not None and stage.manager.state.grids:
            assert differences(stage) == [], f"seed {seed}"
            assert stage.listener.of(LevelFrozen) == [], f"seed {seed}"
