"""Profit by period: totals, capital, holding and the course of it, from sums that are kept."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.money import HUNDRED, ZERO, average
from bot.core.values import evolve
from bot.ports import Policy
from bot.reports.profits import ProfitView, level_profit, profit_views
from handlers.pictures import picture
from tests.fakes import BTC, dec, run
from tests.stage import Stage, staged

BERLIN = ZoneInfo("Europe/Berlin")


def view(stage: Stage, period: str = "all", grid: str = "") -> ProfitView:
    (found,) = profit_views(stage.manager, period, stage.manager.state.grids[grid] if grid else None)
    return found


async def days(stage: Stage, count: int, *prices: str) -> None:
    """Days in which the price swings once, looked at each hour."""
    for _ in range(count):
        for hour in range(24):
            await stage.beat(prices[hour % len(prices)] if prices else None, seconds=3600)
            await stage.manager.fold()


def test_a_period_is_the_difference_of_two_moments() -> None:
    async def story() -> None:
        stage = await staged(Stage(policy=Policy(timezone=BERLIN)))
        await stage.manager.fold()
        await days(stage, 3, "59600", "60500")
        await stage.beat("59400", seconds=60)
        await stage.beat(seconds=60)
        overall, week, today = view(stage), view(stage, "week"), view(stage, "day")
        holding, quote = stage.manager.state.holding(BTC), stage.manager.heartbeat.desks[BTC].quote
        assert quote is not None
        assert overall.open_profit == holding.open_profit(quote.bid)
        assert overall.total == overall.totals.realised + overall.open_profit
        assert (week.totals, week.total) == (overall.totals, overall.total)  # it began within the week
        assert today.started is not None
        assert today.started.at.astimezone(BERLIN).hour == 0
        assert 0 < today.totals.trades < overall.totals.trades
        assert today.total == overall.total - today.started.total
        assert today.open_change == overall.open_profit - today.started.open_profit
        assert view(stage, "day", "g1").total == today.total
        await days(stage, 1)
        assert view(stage, "day").totals.trades == 0

    run(story())


def test_the_capital_is_the_most_that_was_bound_at_one_time_and_the_total_is_a_per_cent_of_it() -> None:
    async def story() -> None:
        stage = await staged()
        shown = stage.manager.state.grids["g1"].capital
        assert shown == sum(dec(price) * dec("0.001") for price in ("59000", "59250", "59500", "59750", "60000"))
        await stage.manager.fold()
        await stage.grid("58000", "58500", 2)
        assert view(stage).capital == shown + dec("116.5")
        await days(stage, 1, "59600", "60500")
        await stage.manager.keep_coins("g1")
        await stage.beats(3)
        found = view(stage)
        assert found.capital == shown + dec("116.5")  # it was bound once
        assert found.total_pct == average(found.total * HUNDRED, found.capital)
        assert view(stage, "all", "g1").capital == shown
        await days(stage, 9)
        assert view(stage, "day").capital == dec("116.5")

    run(story())


def test_holding_is_the_same_capital_as_coins_from_the_start_to_the_end_of_each_grid() -> None:
    async def story() -> None:
        stage = await staged()
        grid = stage.manager.state.grids["g1"]
        assert grid.start_price == dec("60499.5")
        await stage.manager.fold()
        await stage.beat("61000")
        expected = float(grid.capital) * (60999.5 / 60499.5 - 1)
        assert float(view(stage).hold or 0) == pytest.approx(expected)
        await stage.manager.keep_coins("g1")
        await stage.beat()
        await stage.manager.fold()
        await stage.beat("70000")
        assert float(view(stage).hold or 0) == pytest.approx(expected)
        assert float(view(stage, "all", "g1").hold or 0) == pytest.approx(expected)

    run(story())


def test_a_month_of_hours_is_a_bounded_number_of_points_and_is_found_again_after_a_restart() -> None:
    async def story() -> None:
        stage = await staged(Stage(policy=Policy(timezone=BERLIN)))
        await stage.manager.fold()
        await days(stage, 30, "59600", "60500")
        state = stage.manager.state
        assert len(state.points) <= 2 * (30 + 8 * 24 + 2)
        course = view(stage).course
        assert len(course) == len(state.points) // 2 + 1
        stage.new_manager()
        await stage.manager.start()
        await stage.manager.fold()
        assert view(stage).course[:-1] == course[:-1]
        assert view(stage, "month").totals == view(stage).totals or view(stage, "month").started is not None

    run(story())


def test_without_a_price_no_point_is_guessed_and_the_course_goes_on_later() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59600")
        await stage.beats(2)
        await stage.manager.fold()
        stage.data.is_silent()
        for _ in range(3):
            await stage.beat(seconds=3600)
            await stage.manager.fold()
        assert len(stage.manager.heartbeat.bookkeeper.curves["g1"]) == 1
        stage.price("59600")
        await stage.beats(3)
        await stage.manager.fold()
        assert len(stage.manager.heartbeat.bookkeeper.curves["g1"]) == 2

    run(story())


def test_a_grid_from_an_older_state_learns_its_capital_and_start() -> None:
    async def story() -> None:
        stage = await staged()
        before = stage.manager.state.grids["g1"]
        stage.manager.state.put_grid(evolve(before, capital=ZERO, start_price=ZERO))
        assert view(stage).hold is None
        await stage.manager.fold()
        after = stage.manager.state.grids["g1"]
        assert (after.capital, after.start_price) == (before.capital, before.start_price)

    run(story())


def test_a_level_counts_its_own_trades_until_its_grid_is_swept() -> None:
    async def story() -> None:
        stage = await staged()
        await days(stage, 1, "58900", "60500")
        await stage.beats(3)
        state = stage.manager.state
        each = [level_profit(stage.manager, executor) for executor in state.executors.values()]
        assert sum(found.totals.trades for found in each) == state.total("g1").trades > 5
        assert sum(found.totals.realised for found in each) == state.total("g1").realised
        assert all(found.capital and found.hold is not None for found in each)
        await stage.manager.keep_coins("g1")
        await stage.beats(3)
        await stage.beat(seconds=timedelta(hours=1).total_seconds())
        await stage.manager.fold()
        assert not any(key.startswith("g1.") for key in state.totals)
        assert state.total("g1").trades > 5

    run(story())


def test_a_picture_counts_from_the_beginning_of_its_period() -> None:
    async def story() -> None:
        stage = await staged(Stage(policy=Policy(timezone=BERLIN)))
        await stage.manager.fold()
        await days(stage, 3, "59600", "60500")
        today = view(stage, "day")
        drawn = picture(today, "Profit", BERLIN)
        assert len(drawn.times) == len(drawn.total) == len(drawn.hold) == len(today.course)
        assert drawn.total[0] == drawn.realised[0] == drawn.hold[0] == 0
        assert drawn.total[-1] == pytest.approx(float(today.total))
        assert drawn.times[0] % 86_400_000 < 3_600_000  # midnight on the owner's wall
        assert float(today.hold or 0) == pytest.approx(drawn.hold[-1])

    run(story())
