"""What people do to grids, and what becomes of orders and money: pause, finish, keep, sell, panic, create."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bot.core.accounting import Books
from bot.core.actions import Action
from bot.core.events import Event, HoldingSold
from bot.core.executor import PositionExecutor
from bot.core.level import Level
from bot.core.model import Fill, Side
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.snapshot import GridSold
from bot.errors import CommandError
from bot.trading.closing import shares
from bot.trading.guards import KEEP_ENDED, holding_of
from tests.fakes import START, dec, market, run
from tests.hostile import CALM, HostileGateway
from tests.stage import LEVELS, SPEC, Stage, staged


def test_pause_takes_entries_off_the_book_and_exits_stay_and_are_placed() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59800")
        assert await stage.manager.pause("g1") == ["g1"]
        assert stage.resting() == ["60300"]
        await stage.beat("60400")
        assert stage.resting() == []
        assert await stage.manager.resume("all") == ["g1"]
        assert stage.resting() == LEVELS
        stage.agree()

    run(story())


def test_one_level_can_be_paused_alone() -> None:
    async def story() -> None:
        stage = await staged()
        assert await stage.manager.pause("G1.2") == ["g1.2"]
        assert stage.resting() == ["59000", "59500", "59750", "60000"]
        await stage.manager.resume("g1.2")
        assert stage.resting() == LEVELS
        for command in (stage.manager.finish, stage.manager.keep_coins, stage.manager.sell):
            with pytest.raises(CommandError, match=r"g1\.2 is one level; stop its grid: /stop g1"):
                await command("g1.2")
        with pytest.raises(CommandError, match="no grid or level “g9”"):
            await stage.manager.pause("g9")

    run(story())


def test_a_pause_between_keep_and_send_withdraws_what_has_not_left() -> None:
    class Slow(HostileGateway):
        """Asks whether the first intent still stands, and then waits for a command before it sends the rest."""

        async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
            events = [*await super().submit(actions[:1], stands)]
            pause = asyncio.create_task(stage.manager.pause("g1"))
            await asyncio.sleep(0.001)
            events += await super().submit(actions[1:], stands)
            self.paused = pause
            return events

    stage = Stage()
    stage.gateway = Slow(stage.exchange)
    stage.new_manager()

    async def story() -> None:
        await staged(stage)
        await stage.beats(2)
        assert stage.gateway.calls.count("place") == 1
        assert stage.resting() == []
        stage.gateway.__class__ = HostileGateway
        await stage.manager.resume("g1")
        await stage.beats(2)
        assert stage.resting() == LEVELS
        stage.agree()

    run(story())


def test_finish_lets_what_is_held_sell_at_its_exit_and_then_ends() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59800")
        await stage.manager.finish("g1")
        assert stage.resting() == ["60300"]
        assert await stage.manager.pause("g1") == []  # finishing is stricter than paused
        await stage.beat("60400")
        await stage.beat()
        assert stage.manager.state.grids["g1"].ended_at is not None
        assert stage.resting() == []
        stage.agree()

    run(story())


def test_keep_cancels_all_and_the_coins_stay_in_the_books() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59700")
        await stage.manager.keep_coins("g1")
        await stage.beat()
        grid = stage.manager.state.grids["g1"]
        assert stage.resting() == []
        assert grid.ended_at is not None
        assert grid.kept.amount == dec("0.001998")
        held = holding_of(grid, stage.manager.state)
        stage.clock.ahead(KEEP_ENDED.total_seconds() + 1)
        await stage.beat()
        await stage.manager.fold()
        assert stage.manager.state.executors == {}
        assert holding_of(stage.manager.state.grids["g1"], stage.manager.state) == held

    run(story())


def test_sell_cancels_all_and_sells_what_the_grid_holds_as_a_taker() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59700")
        await stage.manager.sell("g1")
        await stage.beats(2)
        assert stage.resting() == []
        (sold,) = stage.listener.of(GridSold)
        assert (sold.amount, sold.left) == (dec("0.0019"), dec("0.000098"))
        assert [fill.maker for client_id, _, fill in stage.exchange.trades][-1] is False
        assert {trade.executor for trade in stage.ledger.lines.values()} == {"g1.4", "g1.5"}
        assert stage.manager.state.grids["g1"].ended_at is not None
        stage.agree()

    run(story())


def test_selling_twice_sells_once_and_no_id_is_used_again() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59700")
        stage.exchange.temper = replace(stage.exchange.temper, lost_reply=1.0, longest_delay=5.0)
        await stage.manager.sell("g1")  # its replies are lost; the news is slow
        for _ in range(60):
            await stage.beat(seconds=1)
            if any(client_id[15] == "c" for client_id in stage.exchange.sent):
                break
        await stage.manager.panic()
        await stage.manager.sell("g1")
        stage.exchange.temper = replace(stage.exchange.temper, lost_reply=0.0)
        await stage.beats(20, seconds=3)
        sales = [fill.amount for client_id, side, fill in stage.exchange.trades if side is Side.SELL]
        assert sales == [dec("0.0019")]
        assert stage.manager.state.grids["g1"].ended_at is not None
        stage.agree()

    run(story())


@pytest.mark.parametrize("lands_after", [12, 40])
def test_a_sale_given_up_that_traded_after_all_is_booked(lands_after: int) -> None:
    """It lands while the next try is under way, or when the grid has ended."""

    async def story() -> None:
        stage = await staged()
        await stage.beat("59700")
        stage.exchange.temper = replace(stage.exchange.temper, late_landing=1.0)
        await stage.manager.sell("g1")
        ((_, first),) = stage.exchange.landing
        stage.exchange.landing = []
        stage.exchange.temper = CALM
        await stage.beats(lands_after // 2 if lands_after > 20 else 7)
        stage.exchange.landing = [(START, first)]
        await stage.beats(15)
        assert len([1 for _, side, _ in stage.exchange.trades if side is Side.SELL]) >= 1
        assert stage.manager.state.grids["g1"].ended_at is not None
        stage.agree()

    run(story())


def test_the_parts_of_a_closing_fill_add_up_to_it_and_none_is_nobodys() -> None:
    fill = Fill("c1", dec(59_000), dec("0.0025"), dec("0.01000000000000000001"), "USDT", START)
    holders = []
    for number, held in enumerate(("0.0007", "0", "0.0011", "0.0003"), 1):
        executor = PositionExecutor(Level("g1", number, dec(1), dec(2), dec(1), loop=True), market(), "abc001")
        holders.append(replace(executor, books=Books(held=dec(held))))
    parts = dict(shares(fill, "id", holders))
    assert [(key, part.fill.amount) for key, part in parts.items()] == [
        ("g1.1", dec("0.0007")),
        ("g1.3", dec("0.0011")),
        ("g1.4", dec("0.0007")),
    ]
    assert sum(part.fill.fee for part in parts.values()) == fill.fee
    (alone,) = shares(fill, "id", holders[1:2])  # sold by a stray in the meantime: it stands in the books all the same
    assert alone == ("g1.2", HoldingSold("id", fill))


def test_panic_takes_everything_off_the_book_and_places_nothing_until_resumed() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.grid("58000", "58500", 3)
        await stage.beat("59700")
        assert await stage.manager.panic() == ["g1", "g2"]
        assert stage.resting() == []
        await stage.beats(5)
        assert stage.resting() == []
        await stage.manager.resume("all")
        await stage.beats(2)
        assert len(stage.resting()) == 8
        stage.agree()

    run(story())


def test_panic_takes_the_order_of_a_frozen_level_off_the_book_too() -> None:
    async def story() -> None:
        stage = await staged()
        executor = stage.manager.state.executors["g1.3"]
        stage.manager.state.put_executor(executor.stopped("it said so", START)[0])
        await stage.manager.panic()
        assert stage.resting() == []
        await stage.manager.sell("g1")
        await stage.beats(2)
        assert stage.manager.state.grids["g1"].ended_at is not None

    run(story())


def test_after_a_panic_a_finishing_grid_goes_on_finishing() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59800")
        await stage.manager.finish("g1")
        await stage.manager.panic()
        assert stage.resting() == []
        await stage.manager.resume("g1")
        assert stage.resting() == ["60300"]

    run(story())


def test_a_button_works_once_even_when_it_is_pressed_twice_at_the_same_moment() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)
        made = await asyncio.gather(*(stage.manager.create(shown, "press") for _ in range(5)))
        assert {grid.id for grid in made if isinstance(grid, Grid)} == {"g1"}
        assert await stage.manager.create(shown, "press") == made[0]
        assert len(stage.manager.state.grids) == 1

    run(story())


def test_create_shows_the_new_preview_when_the_market_has_moved_and_makes_nothing() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)
        stage.price("59100")
        assert isinstance(await stage.manager.create(shown), Preview)
        assert stage.manager.state.grids == {}

    run(story())
