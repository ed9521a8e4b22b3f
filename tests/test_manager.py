"""The manager between a scripted market and an honest venue: grids, modes, stops, limits, troubles."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, DefaultContext, setcontext

import pytest

from bot.core.actions import Action
from bot.core.client_ids import decode, encode
from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderFilled, OrderMissing
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode, State
from bot.core.model import Fill, Quote, Side
from bot.core.money import AVERAGES, ZERO
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.snapshot import GridEnded, GridSold, LevelFrozen, StopReached, TakeReached, Trouble
from bot.errors import CommandError, MarketError, StateUnwritable
from bot.guards import KEEP_ENDED, holding_of
from bot.ports import Policy
from tests.fakes import BTC, ETH, START, FullDisk, dec, market, run
from tests.hostile import CALM, HostileGateway
from tests.stage import Stage

SPEC = GridSpec(Shape.LINEAR, BTC, dec(59_000), dec(60_000), 5, dec("0.001"), None, dec("0.5"), loop=True)
LEVELS = ["59000", "59250", "59500", "59750", "60000"]


async def staged(stage: Stage | None = None, **more: object) -> Stage:
    """A stage with one grid of five entries below the market."""
    stage = stage or Stage()
    await stage.manager.start()
    await stage.grid(**more)  # type: ignore[arg-type]
    return stage


# -- trading -----------------------------------------------------------------------------------------------------------


def test_a_grid_rests_buys_sells_and_begins_anew() -> None:
    async def story() -> None:
        stage = await staged()
        assert stage.resting() == LEVELS
        await stage.beat("59700")  # two entries fill, their exits are placed in the same beat
        assert stage.resting(Side.BUY) == LEVELS[:3]
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        await stage.beat("60100")
        assert stage.resting() == [*LEVELS[:4], "60300"]
        (trade,) = stage.ledger.lines.values()
        assert (trade.executor, trade.cycle, trade.entry, trade.exit) == ("g1.4", 1, dec("59750"), dec("60048.75"))
        stage.agree()

    run(story())


def test_levels_above_the_market_buy_at_once_near_it_unless_they_are_to_wait() -> None:
    async def story(**more: object) -> list[str]:
        stage = Stage()
        stage.price("59600")
        await staged(stage, **more)
        return stage.resting()

    assert run(story()) == ["59000", "59250", "59500", "59600.49", "59600.49"]
    assert run(story(above_wait=True)) == ["59000", "59250", "59500"]


def test_without_loop_the_grid_ends_when_every_level_has_traded_and_its_history_stays() -> None:
    async def story() -> None:
        stage = await staged(loop=False)
        await stage.beat("58900")
        assert stage.resting(Side.SELL) == ["59295", "59546.25", "59797.5", "60048.75", "60300"]
        await stage.beat("60400")
        assert stage.resting() == []
        assert len(stage.ledger.lines) == 5
        grid = stage.manager.state.grids["g1"]
        assert grid.ended_at == stage.clock.now()
        (ended,) = stage.listener.of(GridEnded)
        assert ended.trades == 5
        assert ended.realised == sum(trade.pnl for trade in stage.ledger.lines.values())
        stage.clock.ahead(KEEP_ENDED.total_seconds() + 1)
        await stage.beat()
        await stage.manager.fold()
        assert stage.manager.state.executors == {}
        assert stage.manager.state.total("g1").trades == 5
        with pytest.raises(CommandError, match="has ended already"):
            await stage.manager.pause("g1")

    run(story())


def test_many_grids_on_many_markets_trade_side_by_side() -> None:
    async def story() -> None:
        markets = [market(symbol, min_cost="0") for symbol in (BTC, ETH, "SOL/USDT")]
        stage = Stage(*markets)
        await stage.manager.start()
        for symbol in stage.data.markets:
            await stage.grid(symbol=symbol)
            await stage.grid("58000", "59500", 4, symbol=symbol)
        for price in ("59700", "60600", "58100", "60800", "59000"):
            for symbol in stage.data.markets:
                await stage.beat(price, symbol)
        await stage.beat()
        assert len({trade.grid for trade in stage.ledger.lines.values()}) == 6
        assert {executor.id for executor in stage.manager.state.executors.values()} >= {"g1.1", "g6.4"}
        stage.agree()

    run(story())


def test_an_idle_beat_touches_no_executor_however_many_there_are() -> None:
    class Counted(dict[str, object]):
        touched = 0

        def __getitem__(self, key: str) -> object:
            self.touched += 1
            return super().__getitem__(key)

        def get(self, key: str, default: object = None) -> object:
            self.touched += 1
            return super().get(key, default)

        def values(self) -> object:  # type: ignore[override]
            self.touched += len(self)
            return super().values()

    async def idle(count: int) -> tuple[int, int, int]:
        stage = Stage()
        await staged(stage, low="50000", high="60000", count=count, stop=dec(40_000), take=dec(90_000))
        counted = Counted(stage.manager.state.executors)
        stage.manager.state.executors = counted  # type: ignore[assignment]
        stage.gateway.calls.clear()
        asked = stage.data.asked
        await stage.beats(5)
        return counted.touched, len(stage.gateway.calls), stage.data.asked - asked

    assert run(idle(10)) == run(idle(1000)) == (0, 5, 5)


def test_a_level_that_contradicts_itself_freezes_alone_and_the_rest_go_on() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        wrong = Fill("x", dec("59500"), dec("0.002"), ZERO, "USDT", stage.clock.now())
        stage.exchange.wire.append((START, BTC, OrderFilled(order.client_id, wrong)))
        await stage.beat()
        assert stage.manager.state.executors["g1.3"].frozen
        assert [told.executor for told in stage.listener.of(LevelFrozen)] == ["g1.3"]
        await stage.beat("59100")
        assert stage.resting(Side.SELL) == ["59546.25", "60048.75", "60300"]
        await stage.manager.resume("g1.3")
        assert not stage.manager.state.executors["g1.3"].frozen

    run(story())


def test_a_figure_that_cannot_be_booked_exactly_freezes_its_level_alone() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        long = AVERAGES.copy()
        long.prec = 59
        fee = long.divide(Decimal(1), Decimal(3))
        wrong = Fill("x", dec("59500"), dec("0.0005"), fee, "BTC", stage.clock.now())
        right = stage.manager.state.executors["g1.4"].order
        assert right is not None
        good = Fill("y", dec("59750"), dec("0.001"), ZERO, "USDT", stage.clock.now())
        stage.exchange.wire += [
            (START, BTC, OrderFilled(order.client_id, wrong)),
            (START, BTC, OrderFilled(right.client_id, good)),
        ]
        await stage.beat()
        await stage.beat()
        assert stage.manager.state.executors["g1.3"].frozen
        assert stage.manager.state.executors["g1.4"].state is State.PLACED_EXIT

    run(story())


@pytest.mark.parametrize("bad", ["zero", "crossed", "stale", "silent"])
def test_no_order_is_made_on_a_price_that_is_none(bad: str) -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)
        await stage.manager.create(shown)
        await stage.manager.pause()
        stage.gateway.calls.clear()
        old = stage.clock.now()
        stage.clock.ahead(31)
        quotes = {
            "zero": Quote(BTC, ZERO, dec(60_000), stage.clock.now()),
            "crossed": Quote(BTC, dec(60_001), dec(60_000), stage.clock.now()),
            "stale": Quote(BTC, dec(60_499), dec(60_500), old),
        }
        stage.data.is_silent()
        if bad in quotes:
            stage.data.quotes[BTC] = quotes[bad]
        await stage.manager.resume()
        assert "place" not in stage.gateway.calls
        stage.price("60500")
        await stage.beat()
        assert stage.resting() == LEVELS

    run(story())


def test_exposure_holds_the_farther_entries_back_and_the_nearer_go_first() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_exposure=dec(300)))
        await staged(stage)
        assert stage.resting() == LEVELS
        await stage.grid("59600", "60200", 4, loop=False)  # nearer ones: farther entries make room
        assert stage.resting() == ["59750", "59800", "60000", "60000", "60200"]
        assert stage.manager.state.exposure["USDT"] <= 300
        await stage.beat("59900")
        await stage.beat()
        assert stage.resting(Side.BUY) == ["59750", "59800"]
        assert stage.manager.state.exposure["USDT"] <= 300
        await stage.beat("60650")  # what was held is sold: the levels that waited get in, nearest first
        await stage.beats(2)
        assert stage.resting(Side.BUY)[-1] == "60000"
        assert "59800" in stage.resting(Side.BUY)
        assert 240 < stage.manager.state.exposure["USDT"] <= 300
        stage.agree()

    run(story())


def test_an_entry_that_waits_for_exposure_and_is_paused_blocks_nobody() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_exposure=dec(130)))
        await stage.manager.start()
        await stage.grid("59000", "59000", 1, "0.002")
        await stage.grid("58000", "58000", 1, "0.002")  # waits behind g1
        assert stage.owners() == ["g1.1"]
        await stage.manager.pause("g1")
        await stage.beats(2)
        assert stage.owners() == ["g2.1"]
        await stage.manager.resume("g1")
        await stage.beats(3)
        assert stage.owners() == ["g1.1"]
        assert stage.manager.state.exposure["USDT"] <= 130

    run(story())


def test_a_window_shows_the_nearest_and_the_rest_wait() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_open_orders=8))
        await staged(stage, low="50000", high="60000", count=101)
        assert stage.resting() == ["59300", "59400", "59500", "59600", "59700", "59800", "59900", "60000"]
        for price in ("59450", "59050", "59990", "58500", "60900", "59000"):
            await stage.beats(4, price)
            assert len(stage.resting()) <= 8
        stage.agree()

    run(story())


# -- commands ----------------------------------------------------------------------------------------------------------


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
        with pytest.raises(CommandError, match="no grid or level 'g9'"):
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
        await stage.beat()
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


# -- guards ------------------------------------------------------------------------------------------------------------


def test_a_stop_counts_after_two_beats_and_keeps_the_coins() -> None:
    async def story() -> None:
        stage = await staged(stop=dec(58_900))
        await stage.beat("58900")
        await stage.beat("58950")  # one wild print is not a fall
        await stage.beat("58900")
        assert stage.listener.of(StopReached) == []
        await stage.beat("58900")
        assert len(stage.listener.of(StopReached)) == 1
        assert len(stage.resting(Side.SELL)) == 5
        await stage.beats(5, "58800")
        assert len(stage.listener.of(StopReached)) == 1
        await stage.manager.resume("g1")
        await stage.beats(5, "58800")
        assert len(stage.listener.of(StopReached)) == 1  # not again before the price has been above it
        await stage.beat("59000")
        await stage.beats(2, "58800")
        assert len(stage.listener.of(StopReached)) == 2

    run(story())


def test_a_stop_that_sells_sells_at_once() -> None:
    async def story() -> None:
        stage = await staged(stop=dec(58_900), stop_sell=True)
        await stage.beats(2, "58800")
        await stage.beats(3)
        assert stage.resting() == []
        assert len(stage.listener.of(GridSold)) == 1
        assert stage.manager.state.grids["g1"].ended_at is not None
        stage.agree()

    run(story())


def test_at_its_take_price_a_grid_finishes() -> None:
    async def story() -> None:
        stage = await staged(take=dec(60_600))
        await stage.beat("59800")
        await stage.beat("60700")
        await stage.beats(2)
        assert len(stage.listener.of(TakeReached)) == 1
        assert len(stage.ledger.lines) == 1
        assert stage.manager.state.grids["g1"].ended_at is not None

    run(story())


def test_the_daily_loss_pauses_all_entries_and_resume_counts_from_there() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_daily_loss=dec(5)))
        await staged(stage)
        await stage.beat("58900")
        assert stage.mode("g1") == Mode.RUNNING
        await stage.beat("58000")
        assert stage.mode("g1") == Mode.PAUSED
        assert len(stage.resting(Side.SELL)) == 5
        await stage.manager.resume()
        await stage.beat("57900")
        assert stage.mode("g1") == Mode.RUNNING
        await stage.beat("56900")
        assert stage.mode("g1") == Mode.PAUSED

    run(story())


def test_the_daily_loss_is_counted_whatever_other_markets_say() -> None:
    async def story() -> None:
        stage = Stage(market(min_cost="0"), market(ETH), policy=Policy(max_daily_loss=dec(5)))
        await staged(stage)
        await stage.manager.desk(ETH)  # somebody once asked for it
        stage.data.is_silent(ETH)
        await stage.beat("58900")
        await stage.beat("57800")
        assert stage.mode("g1") == Mode.PAUSED

    run(story())


def test_no_day_begins_without_a_price_for_what_is_held() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_daily_loss=dec(20)))
        await staged(stage)
        await stage.beat("58000")  # some 8 of open loss, of yesterday
        stage.data.is_silent()
        stage.clock.ahead(timedelta(days=1).total_seconds())
        await stage.beat()
        stage.price("58000")
        await stage.beats(2)
        assert stage.mode("g1") == Mode.RUNNING
        assert stage.manager.state.meta.day == "2026-11-23"
        (base,) = stage.manager.state.meta.day_base
        assert base[1] < -7
        await stage.beat("55000")
        assert stage.mode("g1") == Mode.RUNNING
        await stage.beat("53500")
        assert stage.mode("g1") == Mode.PAUSED

    run(story())


def test_letting_go_of_an_ended_grid_is_neither_profit_nor_loss_of_the_day() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_daily_loss=dec(5)))
        await staged(stage)
        await stage.grid("50000", "51000", 3)
        await stage.beat("58900")
        await stage.beat("59250")
        await stage.manager.keep_coins("g1")
        await stage.beat("68000")  # the kept coins have gained some 40
        stage.clock.ahead(KEEP_ENDED.total_seconds() + 1)
        await stage.beat()
        await stage.manager.fold()
        await stage.beats(2)
        assert stage.mode("g2") == Mode.RUNNING

    run(story())


# -- trouble -----------------------------------------------------------------------------------------------------------


def test_while_the_store_fails_nothing_new_leaves_and_resting_orders_stay() -> None:
    async def story() -> None:
        store = FullDisk()
        stage = await staged(Stage(store=store))
        sent = set(stage.exchange.sent)
        store.full = True
        await stage.beat("59700")
        await stage.beats(3)
        assert stage.exchange.sent == sent
        assert stage.resting() == LEVELS[:3]
        with pytest.raises(StateUnwritable):
            await stage.manager.pause("g1")
        with pytest.raises(StateUnwritable):
            await stage.manager.create(await stage.manager.preview(SPEC))
        assert list(stage.manager.state.grids) == ["g1"]
        assert stage.listener.of(Trouble) == []  # not durable, so not told
        store.full = False
        await stage.manager.resume("g1")
        await stage.beats(2)
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        assert [(told.what, told.over) for told in stage.listener.of(Trouble)] == [("store", False), ("store", True)]
        stage.agree()

    run(story())


def test_one_silent_market_is_told_once_and_once_when_it_is_over() -> None:
    async def story() -> None:
        stage = Stage(market(min_cost="0"), market(ETH, min_cost="0"))
        await staged(stage)
        await stage.grid(symbol=ETH)
        stage.data.is_silent(ETH)
        await stage.beats(5)
        assert [told.over for told in stage.listener.of(Trouble)] == [False]
        stage.price("60500", ETH)
        await stage.beats(5)
        assert [told.over for told in stage.listener.of(Trouble)] == [False, True]

    run(story())


def test_what_was_learned_before_the_exchange_fell_silent_counts() -> None:
    async def story() -> None:
        stage = Stage()
        stage.exchange.temper = replace(stage.exchange.temper, lost_reply=1.0)
        await staged(stage)
        look_up, looks = stage.gateway.look_up, []

        async def failing(symbol: str, client_id: str) -> object:
            looks.append(client_id)
            if len(looks) % 2 == 0:
                raise MarketError("gone")
            return await look_up(symbol, client_id)

        stage.gateway.look_up = failing  # type: ignore[assignment,method-assign]
        await stage.beats(30, seconds=5)
        assert all(executor.awaiting is None for executor in stage.manager.state.executors.values())
        stage.agree()

    run(story())


def test_a_cancel_that_never_arrived_is_found_out_and_sent_again() -> None:
    async def story() -> None:
        stage = await staged()
        stage.exchange.temper = replace(stage.exchange.temper, lost_request=1.0)
        await stage.manager.pause("g1")
        stage.exchange.temper = replace(stage.exchange.temper, lost_request=0.0)
        assert stage.resting() == LEVELS
        await stage.beats(10)
        assert stage.resting() == []
        stage.agree()

    run(story())


def test_a_late_lander_whose_cancel_finds_nothing_is_not_waited_for_forever() -> None:
    async def story() -> None:
        stage = await staged()
        executor = stage.manager.state.executors["g1.3"]
        order = executor.order
        assert order is not None
        key = decode(order.client_id)
        assert key is not None
        ghost = encode(replace(key, attempt=5))
        record = replace(order, client_id=ghost, accepted=False)
        stage.manager.state.put_executor(replace(executor, watched=(record,), attempts=9))
        stage.exchange.wire.append((START, BTC, OrderAccepted(ghost, stage.clock.now())))
        await stage.beats(12, seconds=3)
        assert stage.manager.state.executors["g1.3"].awaiting is None
        await stage.beat("59450")
        assert stage.manager.state.executors["g1.3"].state is State.PLACED_EXIT

    run(story())


def test_the_audit_finds_an_order_that_is_gone_and_one_that_was_given_up() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        await stage.beat()
        del stage.exchange.orders[order.client_id]  # the venue has forgotten it
        await stage.manager.audit()
        await stage.beats(8)
        assert stage.resting() == LEVELS
        stage.agree()

    run(story())


def test_strangers_and_other_bots_orders_are_nobodys() -> None:
    async def story() -> None:
        stage = await staged()
        before = dict(stage.manager.state.executors)
        now = stage.clock.now()
        fill = Fill("s", dec(1), dec(1), ZERO, "USDT", now)
        for client_id in ("web_1234", "zzz0000100500010e0", "abc000zz0010001e00", "abc00001zzz0001e00", ""):
            stage.exchange.wire += [
                (START, BTC, OrderAccepted(client_id, now)),
                (START, BTC, OrderFilled(client_id, fill)),
                (START, BTC, OrderClosed(client_id, now, dec(1), CloseReason.PERSON)),
                (START, BTC, OrderMissing(client_id, now)),
            ]
        await stage.beat()
        assert stage.manager.state.executors == before

    run(story())


def test_a_desk_opened_while_a_beat_waits_does_not_disturb_it() -> None:
    async def story() -> None:
        markets = [market(f"C{number}/USDT", min_cost="0") for number in range(5)]
        stage = Stage(market(min_cost="0"), *markets)
        await staged(stage)
        await asyncio.gather(stage.beat(), *(stage.manager.desk(each.symbol) for each in markets))
        await stage.beat()
        assert len(stage.manager.heartbeat.desks) == 6

    run(story())


def test_a_command_that_keeps_while_news_wait_does_not_lose_them() -> None:
    """The cursor of news is kept together with what they changed: a crash in between hears them again."""

    async def story() -> None:
        stage = await staged()
        stage.clock.ahead(2)
        stage.price("59700")
        stage.exchange.moved()
        await stage.manager.heartbeat._sense(stage.manager.heartbeat.desks[BTC], stage.clock.now())
        await stage.manager.remember({("chat", "x"): {"a": 1}})
        stage.new_manager()  # kill -9 here
        await stage.manager.start()
        await stage.beats(3)
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        stage.agree()

    run(story())


def test_a_manager_refuses_to_begin_where_money_would_be_rounded() -> None:
    stage = Stage()
    setcontext(DefaultContext.copy())
    with pytest.raises(RuntimeError, match="use_exact"):
        stage.new_manager()
