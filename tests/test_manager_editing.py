"""Editing a running grid through the manager: the book, the store and the books follow, or nothing does."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.core.editing import Edit
from bot.core.lifecycle import Mode
from bot.core.model import Side
from bot.core.portfolio import Grid
from bot.core.snapshot import GridEnded, StopReached, TakeReached
from bot.errors import CommandError, StateUnwritable
from bot.ports import Key, Policy
from bot.reports.views import grid_view
from bot.storage.memory_store import MemoryStore
from bot.upkeep.restoration import Backup, changes, tables_of
from tests.fakes import dec, run
from tests.hostile import CALM
from tests.stage import Stage, staged


async def edited(stage: Stage, grid_id: str = "g1", **change: object) -> Edit:
    """Edit a grid as a person does who has seen what it does; returns what was shown."""
    shown = await planned(stage, grid_id, **change)
    made = await stage.manager.edit(shown)
    assert isinstance(made, Grid)
    return shown


async def planned(stage: Stage, grid_id: str = "g1", **change: object) -> Edit:
    spec = stage.manager.state.grids[grid_id].spec
    return await stage.manager.plan_edit(grid_id, replace(spec, **change))  # type: ignore[arg-type]


def live(stage: Stage) -> dict[str, Decimal]:
    return {truth.place.client_id: truth.place.price for truth in stage.exchange.live()}


def test_what_stays_keeps_its_very_orders_and_the_rest_follows() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        before = live(stage)
        shown = await edited(stage, count=3)
        assert (shown.keeps, len(shown.cancelled), shown.placed) == (3, 2, ())
        await stage.beats(3)
        assert live(stage) == {key: price for key, price in before.items() if price % 500 == 0}
        shown = await edited(stage, count=5)
        assert (shown.keeps, shown.placed, shown.returning) == (3, (), ("g1.2", "g1.4"))
        await stage.beats(3)
        assert stage.resting() == ["59000", "59250", "59500", "59750", "60000"]
        assert stage.owners() == ["g1.1", "g1.2", "g1.3", "g1.4", "g1.5"]
        assert set(live(stage)) > {key for key, price in before.items() if price % 500 == 0}
        stage.agree()

    run(story())


def test_a_grid_is_never_offline_for_an_edit_while_levels_hold() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await stage.beats(3, "59600")  # two levels have bought
        sells = stage.resting(Side.SELL)
        assert sells == ["60048.75", "60300"]
        shown = await edited(stage, minimum=dec(58_000), maximum=dec(59_500), count=4, profit_pct=dec("0.9"))
        assert len(shown.leaving_holding) == 2
        await stage.beats(3)
        assert stage.resting(Side.SELL) == sells
        assert stage.resting(Side.BUY) == ["58000", "58500", "59000", "59500"]
        view = grid_view(stage.manager, stage.manager.state.grids["g1"])
        assert [(level.entry, level.leaves) for level in view.levels][-2:] == [(dec(59_750), True), (dec(60_000), True)]
        await stage.beats(3, "60400")
        assert stage.resting(Side.SELL) == []
        assert len(stage.ledger.lines) == 2
        assert len(grid_view(stage.manager, stage.manager.state.grids["g1"]).levels) == 4
        stage.agree()

    run(story())


def test_levels_that_left_stay_gone_when_their_grid_is_resumed() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await edited(stage, count=3)
        await stage.beats(2)
        await stage.manager.pause("g1")
        await stage.manager.pause("g1.2")
        await stage.beats(2)
        await stage.manager.resume("g1")
        await stage.manager.resume("g1.2")
        await stage.beats(2)
        assert stage.resting() == ["59000", "59500", "60000"]

    run(story())


def test_levels_that_left_are_forgotten_when_nothing_of_them_can_come_any_more() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await edited(stage, count=3)
        await stage.beats(2)
        await stage.manager.fold()
        assert "g1.2" in stage.manager.state.executors
        stage.clock.ahead(1000)
        await stage.manager.fold()
        assert sorted(stage.manager.state.executors) == ["g1.1", "g1.3", "g1.5"]
        await edited(stage, count=5)
        assert sorted(stage.manager.state.executors)[-2:] == ["g1.6", "g1.7"]
        await stage.beats(2)
        stage.new_manager()
        await stage.manager.start()
        assert sorted(stage.manager.state.executors) == ["g1.1", "g1.3", "g1.5", "g1.6", "g1.7"]
        stage.agree()

    run(story())


def test_a_grid_that_trades_once_ends_without_the_levels_that_left() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM), loop=False)
        await edited(stage, minimum=dec(59_750), count=2)
        await stage.beats(3, "59700")
        await stage.beats(3, "60500")
        assert len(stage.listener.of(GridEnded)) == 1

    run(story())


def test_after_a_restart_it_is_the_edited_grid() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await stage.beats(3, "59600")
        await edited(stage, profit_pct=dec(1), stop=dec(50_000), count=3)
        stage.new_manager()
        await stage.manager.start()
        state = stage.manager.state
        assert state.grids["g1"].spec.profit_pct == 1
        assert "g1" in stage.manager.heartbeat.guard.watchful
        assert state.executors["g1.5"].renewed is not None
        assert state.left["g1"] == 3
        await stage.beats(3, "60400")
        assert state.executors["g1.5"].level.exit == dec(60_600)
        stage.agree()

    run(story())


def test_apply_looks_again_and_does_nothing_when_it_would_do_something_else() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        shown = await planned(stage, count=3)
        await stage.beats(2, "59700")  # level 4, which is to leave, has bought meanwhile
        before = stage.manager.state.grids["g1"]
        fresh = await stage.manager.edit(shown)
        assert isinstance(fresh, Edit)
        assert len(fresh.leaving_holding) == 1
        assert stage.manager.state.grids["g1"] == before
        assert all(each.left_at is None for each in stage.manager.state.executors.values())
        assert isinstance(await stage.manager.edit(fresh), Grid)
        assert isinstance(await stage.manager.edit(fresh), Grid)  # pressed twice: done once
        assert stage.manager.state.grids["g1"].numbered == 5

    run(story())


class FullStore(MemoryStore):
    """A store that can be full."""

    is_full = False

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        if self.is_full:
            raise StateUnwritable("the disk is full")
        await super().keep(changes)


def test_what_can_t_be_kept_is_not_done() -> None:
    async def story() -> None:
        store = FullStore()
        stage = await staged(Stage(temper=CALM, store=store))
        await stage.beats(3, "59600")
        state = stage.manager.state
        before = dict(state.executors), state.grids["g1"], state.left["g1"], dict(state.exposure)
        shown = await planned(stage, count=9, profit_pct=dec(1))
        store.is_full = True
        with pytest.raises(StateUnwritable):
            await stage.manager.edit(shown)
        store.is_full = False
        assert (dict(state.executors), state.grids["g1"], state.left["g1"], dict(state.exposure)) == before
        await stage.beats(3)
        stage.new_manager()
        await stage.manager.start()
        assert stage.manager.state.grids["g1"].spec == before[1].spec
        stage.agree()

    run(story())


def test_stop_and_take_are_watched_as_they_are_edited() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await edited(stage, stop=dec(58_000), take=dec(62_000))
        await stage.beats(3, "57900")
        assert len(stage.listener.of(StopReached)) == 1
        await stage.beats(2, "58500")
        await stage.manager.resume("g1")
        await edited(stage, stop=None, take=None)
        assert stage.manager.heartbeat.guard.watchful == set()
        await stage.beats(3, "57000")
        assert len(stage.listener.of(StopReached)) == 1
        with pytest.raises(CommandError, match="stop at once"):
            await stage.manager.edit(await planned(stage, stop=dec(58_000)))
        await edited(stage, take=dec(60_000))
        await stage.beats(2, "60100")
        assert len(stage.listener.of(TakeReached)) == 1

    run(story())


def test_max_exposure_counts_what_leaving_levels_hold() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM, policy=Policy(max_exposure=dec(300))))
        await stage.beats(3, "59600")
        shown = await planned(stage, minimum=dec(58_000), maximum=dec(59_500), count=4)
        assert "more than MAX_EXPOSURE allows" in shown.problems[0]  # 236 and the 120 that two levels hold
        with pytest.raises(CommandError, match="MAX_EXPOSURE"):
            await stage.manager.edit(shown)
        assert (await planned(stage, minimum=dec(58_000), maximum=dec(59_500), count=3)).problems == ()

    run(story())


def test_a_paused_grid_stays_paused_and_one_that_is_being_stopped_can_t_be_edited() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        await stage.manager.pause("g1")
        await edited(stage, count=3)
        await stage.beats(3)
        assert stage.mode("g1") is Mode.PAUSED
        assert stage.resting() == []
        await stage.manager.resume("g1")
        await stage.beats(3)
        assert stage.resting() == ["59000", "59500", "60000"]
        shown = await planned(stage, count=5)
        await stage.manager.finish("g1")
        with pytest.raises(CommandError, match=r"g1 (is finishing|runs no more)"):
            await stage.manager.edit(shown)
        with pytest.raises(CommandError, match="runs no more"):
            await stage.manager.plan_edit("g9", shown.made.spec)

    run(story())


def test_the_same_grid_again_is_no_edit() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        with pytest.raises(CommandError, match="Nothing changes"):
            await planned(stage)

    run(story())


def test_a_backup_from_before_an_edit_gives_no_number_again() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        backup = Backup(stage.clock.now(), tables_of(stage.manager.state))
        await edited(stage, count=9)
        put = changes(tables_of(stage.manager.state), backup)
        restored = put["grids", "g1"]
        assert isinstance(restored, Grid)
        assert (restored.spec.count, restored.last_number) == (5, 9)
        assert put["executors", "g1.6"] is None

    run(story())
