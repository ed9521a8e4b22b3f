"""What turns a grid without a person: stop and take prices, the daily loss, its end."""

from datetime import timedelta

from bot.core.lifecycle import Mode
from bot.core.model import Side
from bot.core.snapshot import DailyLossReached, GridSold, StopReached, TakeReached
from bot.ports import Policy
from bot.trading.guards import KEEP_ENDED
from tests.fakes import ETH, ScriptedMarket, dec, market, run
from tests.stage import LEVELS, Stage, staged


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


def test_beats_that_pushed_prices_wake_count_as_one() -> None:
    async def story() -> None:
        stage = await staged(stop=dec(58_900))
        stage.price("58800")
        for _ in range(5):
            stage.clock.ahead(0.1)
            await stage.manager.beat()
        assert not stage.listener.of(StopReached)
        stage.clock.ahead(1)
        await stage.manager.beat()
        assert len(stage.listener.of(StopReached)) == 1

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
        assert [told.grids for told in stage.listener.of(DailyLossReached)] == [("g1",)]
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


def test_a_missing_price_is_no_loss() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_daily_loss=dec(5)))
        await staged(stage, profit="30")
        await stage.beat("58900")
        await stage.beat("65000")
        stage.clock.ahead(timedelta(days=1).total_seconds())
        await stage.beat()  # a day begins with some 27 of open profit
        assert stage.manager.state.meta.day_base[0][1] > 20
        stage.data.is_silent()
        await stage.beats(2)
        assert stage.mode("g1") == Mode.RUNNING

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


def test_after_a_trade_that_the_price_does_not_explain_the_exit_goes_by_the_trade() -> None:
    async def story() -> None:
        stage = Stage()
        behind = ScriptedMarket(stage.clock, *stage.data.markets.values())  # its prices come later than the trades
        behind.says("60499.5", "60500.5")
        stage.new_manager(data=behind)
        await staged(stage)
        stage.clock.ahead(1)
        stage.price("59900")
        stage.exchange.moved()
        await stage.manager.beat()
        assert stage.resting(Side.SELL) == ["60300"]  # 60000 + 0.5 %, and the old price asks for 60500 or more
        assert stage.resting(Side.BUY) == LEVELS[:-1]

        stage.clock.ahead(1)
        stage.price("60400")
        stage.exchange.moved()
        await stage.manager.beat()
        assert stage.resting(Side.BUY) == LEVELS
        stage.agree()

    run(story())
