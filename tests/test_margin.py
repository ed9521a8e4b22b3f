"""Perpetuals in the trader: the guard of positions, the owner's decisions about them, funding."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.lifecycle import Mode
from bot.core.margin import MOST_BOOKED, Oddity
from bot.core.model import FundingPaid, Side
from bot.core.snapshot import LevelFrozen, PositionNotOurs, PositionSmaller
from bot.errors import CommandError
from bot.ports import Policy
from bot.reports import positions
from bot.reports.profits import profit_views
from bot.reports.views import grid_view
from bot.trading.margin import NOT_OURS, SMALLER
from tests.fakes import START, dec, run
from tests.hostile import Temper, drained
from tests.perpetuals import PERP, PerpetualStage, staged
from tests.stage import LEVELS


def orders(stage: PerpetualStage, side: Side | None = None) -> list[str]:
    return stage.resting(side, PERP)


async def short_of(stage: PerpetualStage, amount: str) -> None:
    """So much of the position goes away, and the guard makes sure."""
    stage.account.aside -= dec(amount)
    await stage.looked()
    for _ in range(4):
        await stage.beat(seconds=10)


# -- before the first order --------------------------------------------------------------------------------------------


def test_nothing_is_placed_before_the_position_was_seen() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        await stage.manager.start()
        await stage.manager.desk(PERP)
        await stage.beat()
        stage.account.answers = 2  # one for the preview, one for Create
        await stage.grid(symbol=PERP)
        await stage.beats(3)
        assert stage.exchange.sent == set()
        stage.account.answers = None
        await stage.beat()
        assert orders(stage) == LEVELS

    run(story())


def test_a_silence_about_positions_stops_nothing_that_runs() -> None:
    async def story() -> None:
        stage = await staged()
        stage.account.answers = 0
        await stage.looked()
        assert stage.manager.heartbeat.troubles
        await stage.beat("59900", PERP)
        assert len(orders(stage, Side.SELL)) == 1
        stage.account.answers = None
        await stage.beats(2)
        assert not stage.manager.heartbeat.troubles

    run(story())


@pytest.mark.parametrize(
    ("change", "oddity"),
    [
        ({"aside": dec("0.01")}, Oddity.LARGER),
        ({"aside": dec("-0.01")}, Oddity.SHORT),
        ({"one_way": False}, Oddity.HEDGED),
        ({"aside": dec("0.01"), "isolated": False}, Oddity.CROSS),
        ({"aside": dec("0.01"), "leverage": dec(10)}, Oddity.LEVERAGE),
    ],
)
def test_what_is_not_ours_is_asked_about_before_the_first_order(change: dict[str, object], oddity: Oddity) -> None:
    async def story() -> None:
        stage = PerpetualStage()
        for name, value in change.items():
            setattr(stage.account, name, value)
        await stage.manager.start()
        await stage.grid(symbol=PERP)
        await stage.beats(5)
        assert stage.exchange.sent == set()
        assert stage.mode("g1") == Mode.PAUSED
        (told,) = stage.listener.of(PositionNotOurs)
        assert oddity in told.oddities
        assert told.grids == ("g1",)

    run(story())


def test_mode_margin_and_leverage_of_no_position_are_still_to_be_set() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        stage.account.isolated, stage.account.leverage = False, dec(20)
        await staged(stage)
        assert orders(stage) == LEVELS
        await stage.beat("59800", PERP)  # one is bought, in cross margin after all
        await stage.looked()
        assert stage.listener.of(PositionNotOurs)[0].oddities == (Oddity.CROSS, Oddity.LEVERAGE)
        assert orders(stage, Side.BUY) == []
        assert len(orders(stage, Side.SELL)) == 1  # exits stay

    run(story())


def test_the_owner_may_trade_beside_it_and_is_not_asked_again() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        stage.account.aside = dec("0.5")
        await staged(stage)
        (told,) = stage.listener.of(PositionNotOurs)
        assert await positions.trade_beside(stage.manager, PERP, told.oddities) == ["g1"]
        assert orders(stage) == LEVELS
        stage.new_manager()
        await stage.manager.start()
        stage.account.aside = dec("0.7")
        for _ in range(10):
            await stage.looked(45)
        await stage.grid("57000", "58000", 2, symbol=PERP)
        assert len(orders(stage)) == 7
        assert len(stage.listener.of(PositionNotOurs)) == 1

    run(story())


def test_what_is_accepted_covers_nothing_else() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        stage.account.aside = dec("0.5")
        await staged(stage)
        await positions.trade_beside(stage.manager, PERP, [Oddity.LARGER])
        stage.account.leverage = dec(20)
        await stage.looked()
        assert stage.listener.of(PositionNotOurs)[-1].oddities == (Oddity.LEVERAGE,)
        assert stage.mode("g1") == Mode.PAUSED
        assert stage.manager.state.grids["g1"].why == NOT_OURS

    run(story())


def test_resume_without_a_decision_asks_again_and_sends_nothing() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        stage.account.aside = dec("0.5")
        await staged(stage)
        await stage.manager.resume("g1")
        await stage.beats(2)
        assert stage.exchange.sent == set()
        assert len(stage.listener.of(PositionNotOurs)) == 2
        stage.account.aside = dec(0)
        await stage.manager.resume("g1")
        await stage.beat()
        assert orders(stage) == LEVELS

    run(story())


# -- fewer coins than the books say ------------------------------------------------------------------------------------


def test_a_smaller_position_halts_every_grid_of_the_market_once_it_is_sure() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.grid("58000", "58500", 2, symbol=PERP)
        await stage.beat("59400", PERP)
        assert len(orders(stage, Side.SELL)) == 3
        stage.account.aside = dec("-0.002")
        await stage.looked()
        assert stage.listener.of(PositionSmaller) == []
        assert len(orders(stage, Side.SELL)) == 3
        for _ in range(4):
            await stage.beat(seconds=10)
        (told,) = stage.listener.of(PositionSmaller)
        assert (told.held, told.found, told.grids) == (dec("0.003"), dec("0.001"), ("g1", "g2"))
        await stage.beats(5)
        assert orders(stage) == []
        assert {grid.why for grid in stage.manager.state.grids.values()} == {SMALLER}
        for _ in range(5):
            await stage.looked(45)
        assert len(stage.listener.of(PositionSmaller)) == 1

    run(story())


def test_fills_that_are_told_late_are_no_difference() -> None:
    async def story() -> None:
        stage = PerpetualStage(temper=replace(Temper(*(0.0,) * 11), longest_delay=25.0))
        await staged(stage)
        luck = Random(5)
        for _ in range(400):
            await stage.beat(dec(luck.randint(58_900, 60_400)), PERP)
            if luck.random() < 0.2:
                await stage.manager.audit()
        assert stage.listener.of(PositionSmaller) == []
        assert stage.listener.of(PositionNotOurs) == []
        assert len(stage.ledger.lines) > 50

    run(story())


def test_even_a_market_that_never_rests_shows_what_is_missing() -> None:
    async def story() -> None:
        stage = await staged()
        luck = Random(5)
        stage.account.aside = dec("-0.0005")
        for _ in range(400):
            await stage.beat(dec(luck.randint(58_900, 60_000)), PERP, seconds=2)
            if luck.random() < 0.1:
                await stage.manager.audit()
        assert stage.listener.of(PositionSmaller)

    run(story())


def test_a_refused_sale_is_a_reason_to_look_and_never_resets_a_level() -> None:
    async def story() -> None:
        stage = await staged()
        stage.account.aside = dec("-0.001")  # liquidated the moment it was bought
        await stage.beat("59900", PERP)
        for _ in range(20):
            await stage.beat()  # no audit
        (told,) = stage.listener.of(PositionSmaller)
        assert told.found == 0
        assert stage.manager.state.holding("g1").amount == dec("0.001")

    run(story())


def test_the_books_follow_when_the_owner_says_so() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59400", PERP)
        await short_of(stage, "0.003")
        before = profit_views(stage.manager, "all")[0].total
        done = await positions.follow(stage.manager, PERP)
        bid = dec("59399.5")
        assert (done.amount, done.price, done.grids) == (dec("0.003"), bid, ("g1",))
        assert done.profit == dec("0.003") * bid - dec("0.001") * (59_500 + 59_750 + 60_000)
        assert profit_views(stage.manager, "all")[0].total == before  # it was open, and is realised now
        assert len(stage.ledger.lines) == 3
        assert {line.proceeds for line in stage.ledger.lines.values()} == {dec("0.001") * bid}
        await stage.beats(2)
        assert stage.mode("g1") == Mode.RUNNING
        assert len(orders(stage, Side.BUY)) == 5
        for _ in range(5):
            await stage.looked(45)
        assert len(stage.listener.of(PositionSmaller)) == 1
        stage.new_manager()
        await stage.manager.start()
        assert stage.manager.state.holding(PERP).amount == 0

    run(story())


def test_a_part_that_is_missing_is_written_off_and_the_rest_sells_as_it_would() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59400", PERP)
        await short_of(stage, "0.0015")
        await positions.follow(stage.manager, PERP)
        await stage.beats(2)
        assert stage.manager.state.holding(PERP).amount == dec("0.0015")
        assert stage.venue.amount(PERP) == dec("0.0015")
        sells = [truth.place for truth in stage.exchange.live(PERP) if truth.place.side is Side.SELL]
        assert sum((place.amount for place in sells), Decimal(0)) == dec("0.0015")

    run(story())


def test_when_the_coins_are_there_after_all_nothing_is_written_off() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59400", PERP)
        await short_of(stage, "0.003")
        stage.account.aside = dec(0)
        done = await positions.follow(stage.manager, PERP)
        assert (done.amount, done.profit, done.grids) == (dec(0), dec(0), ("g1",))
        await stage.beats(2)
        assert len(orders(stage, Side.SELL)) == 3
        assert stage.ledger.lines == {}

    run(story())


def test_the_books_follow_nothing_while_orders_rest() -> None:
    async def story() -> None:
        stage = await staged()
        with pytest.raises(CommandError, match="still rest"):
            await positions.follow(stage.manager, PERP)

    run(story())


def test_coins_an_ended_grid_has_kept_are_the_owners_to_sell() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beat("59400", PERP)
        await stage.manager.keep_coins("g1")
        await stage.grid("58000", "58500", 2, symbol=PERP)
        await short_of(stage, "0")  # kept and shown: nothing is too much
        assert stage.mode("g2") == Mode.RUNNING
        await short_of(stage, "0.003")  # sold by hand
        assert stage.mode("g2") == Mode.RUNNING
        assert stage.listener.of(PositionSmaller) == []
        assert stage.listener.of(PositionNotOurs) == []

    run(story())


def test_the_liquidation_price_is_known_to_who_looks() -> None:
    async def story() -> None:
        stage = await staged()
        grid = stage.manager.state.grids["g1"]
        assert grid_view(stage.manager, grid).liquidation is None  # nothing is held
        await stage.beat("59400", PERP)
        await stage.looked()
        assert grid_view(stage.manager, grid).liquidation == 41_000
        (view,) = await positions.positions(stage.manager)
        assert (view.position.amount, view.held) == (dec("0.003"), dec("0.003"))

    run(story())


# -- exits -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_resting_exits_never_exceed_what_is_held(seed: int) -> None:
    async def story() -> None:
        luck = Random(seed)
        stage = PerpetualStage(temper=replace(Temper(*(0.0,) * 11), longest_delay=0.001), seed=seed)
        await staged(stage)
        await stage.grid("59100", "60100", 4, amount="0.0023", symbol=PERP)
        for _ in range(60):
            await stage.beat(dec(luck.randint(58_900, 60_700)), PERP)
            live = [truth for truth in stage.exchange.live(PERP) if truth.place.side is Side.SELL]
            exits = sum((truth.place.amount - truth.filled for truth in live), Decimal(0))
            assert exits <= stage.manager.state.holding(PERP).amount
            assert exits <= stage.venue.amount(PERP)

    run(story())


@pytest.mark.parametrize("seed", range(6))
def test_through_storms_books_and_position_agree_in_the_end(seed: int) -> None:
    async def story() -> None:
        luck = Random(seed)
        stage = PerpetualStage(temper=replace(Temper(), person_cancels=0, third_coin=0), seed=seed)
        await stage.manager.start()
        await stage.grid("59000", "60200", 6, symbol=PERP)
        for _ in range(150):
            price = stage.prices[PERP] + luck.randint(-150, 150) + (dec(60_100) - stage.prices[PERP]) // 20
            await stage.beat(price, PERP, seconds=luck.choice([0.2, 2, 4]))
            if luck.random() < 0.05:
                await stage.manager.audit()
        drained(stage.exchange)
        for _ in range(40):
            await stage.looked(5)
        assert list(stage.differences()) == []
        assert stage.listener.of(LevelFrozen) == []
        assert stage.listener.of(PositionSmaller) == []
        assert stage.venue.amount(PERP) == stage.manager.state.holding(PERP).amount

    run(story())


# -- funding -----------------------------------------------------------------------------------------------------------


def paid(number: int, amount: str = "-0.1", hours: float = 1) -> FundingPaid:
    return FundingPaid(f"f{number}", PERP, dec(amount), START + timedelta(hours=hours))


def test_funding_is_booked_once_however_often_it_is_told() -> None:
    async def story() -> None:
        stage = await staged()
        stage.account.funding = [paid(1), paid(2, "0.03")]
        await stage.beats(5)
        stage.new_manager()
        await stage.manager.start()
        await stage.beats(5)
        total = stage.manager.state.total("all:USDT")
        assert (total.funding, total.realised, total.trades) == (dec("-0.07"), dec("-0.07"), 0)
        assert stage.manager.state.total(f"funding:{PERP}").funding == dec("-0.07")
        (view,) = profit_views(stage.manager, "day")
        assert (view.totals.funding, view.total) == (dec("-0.07"), dec("-0.07"))
        assert stage.ledger.lines == {}

    run(story())


def test_funding_from_before_the_first_grid_is_not_ours() -> None:
    async def story() -> None:
        stage = PerpetualStage()
        stage.account.funding = [paid(1, hours=-1), paid(2, hours=1)]
        await staged(stage)
        await stage.beat()
        assert stage.manager.state.total("all:USDT").funding == dec("-0.1")

    run(story())


def test_a_crash_before_funding_is_kept_books_it_once_all_the_same() -> None:
    async def story() -> None:
        stage = await staged()
        stage.account.funding = [paid(1)]
        stage.new_manager()  # as if the last one had died between the news and the save
        await stage.manager.start()
        assert stage.manager.state.total("all:USDT").funding == dec("-0.1")

    run(story())


@given(
    st.lists(st.tuples(st.integers(0, MOST_BOOKED + 80), st.booleans()), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_in_any_order_and_however_repeated_each_payment_counts_once(
    batches: list[tuple[int, bool]], luck: Random
) -> None:
    state = PerpetualStage().manager.state
    told: set[int] = set()
    high = 0
    for reach, again in batches:  # venues tell a recent stretch, oldest first or shuffled, over and over
        high = max(high, reach)
        window = list(range(max(0, high - 40), high + 1))
        luck.shuffle(window)
        for number in sorted(window) if again else window:
            told.add(number)
            state.add_funding(paid(number, hours=number), "USDT", "2026-11-22")
    booked = state.total(f"funding:{PERP}").funding
    assert booked == dec("-0.1") * len(told)
    assert len(state.standing(PERP).booked) <= MOST_BOOKED


def test_funding_counts_in_the_daily_loss() -> None:
    async def story() -> None:
        stage = PerpetualStage(policy=Policy(leverage=dec(3), max_daily_loss=dec(5)))
        await staged(stage)
        stage.account.funding = [paid(1, "-4.9")]
        await stage.beats(2)
        assert stage.mode("g1") == Mode.RUNNING
        stage.account.funding.append(paid(2, "-0.2"))
        await stage.beats(2)
        assert stage.mode("g1") == Mode.PAUSED

    run(story())
