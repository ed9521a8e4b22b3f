"""What each way of ending a grid is said to do to the money is what it does."""

from bot.core.model import FeeSide
from bot.reports.views import StopEffect, stop_effects
from tests.fakes import dec, market, run
from tests.hostile import CALM
from tests.stage import Stage, staged


async def holding() -> Stage:
    """A grid that has bought three of its levels."""
    stage = await staged(Stage(market(fee_side=FeeSide.QUOTE), temper=CALM), loop=False)
    await stage.beats(3, "59400")
    return stage


def effect(stage: Stage) -> StopEffect:
    return stop_effects(stage.manager, [stage.manager.state.grids["g1"]])[0]


def test_finishing_makes_what_was_said() -> None:
    async def story() -> None:
        stage = await holding()
        said = effect(stage)
        assert (said.entries, said.exits) == (2, 3)
        await stage.manager.finish("g1")
        await stage.beats(3, "60500")
        assert stage.manager.state.total("g1").realised == said.at_exits
        assert stage.manager.state.grids["g1"].ended_at is not None

    run(story())


def test_kept_coins_are_worth_what_was_said() -> None:
    async def story() -> None:
        stage = await holding()
        said = effect(stage)
        assert said.worth is not None
        await stage.manager.keep_coins("g1")
        await stage.beats(3)
        kept = stage.manager.state.grids["g1"].kept
        bid = stage.manager.heartbeat.desks["BTC/USDT"].quote.bid  # type: ignore[union-attr]
        assert (kept.amount, kept.cost) == (said.held, said.cost)
        assert (kept.amount * bid, kept.open_profit(bid)) == said.worth

    run(story())


def test_a_sale_brings_what_was_said_at_the_bid_and_never_less_than_at_worst() -> None:
    async def story() -> None:
        stage = await holding()
        said = effect(stage)
        assert said.profit is not None
        await stage.manager.sell("g1")
        await stage.beats(4)
        realised = stage.manager.state.total("g1").realised
        assert said.profit[1] < realised
        assert abs(realised - said.profit[0]) < dec("0.2")  # the book's maker fee is below the taker's

    run(story())


def test_without_coins_nothing_is_promised() -> None:
    async def story() -> None:
        stage = await staged(Stage(temper=CALM))
        said = effect(stage)
        assert (said.at_exits, said.worth, said.proceeds) == (None, None, None)

    run(story())
