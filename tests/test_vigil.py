"""What the trader's watch tells, when, and that a restart repeats none of it."""

from datetime import timedelta

from bot.core.alerts import BackInRange, CoinsMissing, OutOfRange, Stalled
from bot.core.events import Refusal
from bot.core.snapshot import LevelBlocked, TakerFilled
from bot.core.vigil import OUT_AFTER, STALLED_AFTER
from bot.trading.herald import REFUSED_AGAIN
from bot.trading.state import VIGIL
from tests.fakes import BTC, dec, run
from tests.stage import Stage, staged
from tests.test_tally import traded

MINUTE = 60.0


async def looks(stage: Stage, span: timedelta, price: str | None = None) -> None:
    """Time passes at a price, with a beat and a look a minute."""
    for _ in range(int(span / timedelta(minutes=1))):
        await stage.beat(price, seconds=MINUTE)
        await stage.manager.fold()
    await stage.beat()


def test_a_price_below_the_range_is_told_once_also_across_a_restart_and_so_is_its_return() -> None:
    async def story() -> None:
        stage = await staged()
        await looks(stage, OUT_AFTER / 2, "58500")
        stage.new_manager()
        await stage.manager.start()
        await looks(stage, OUT_AFTER, "58500")
        (told,) = stage.listener.of(OutOfRange)
        assert told.is_below and told.bound == dec("59000") and told.held == dec("0.004995")
        assert told.cost == stage.manager.state.holding("g1").cost
        stage.new_manager()
        await stage.manager.start()
        await looks(stage, timedelta(hours=1), "58500")
        await looks(stage, timedelta(minutes=2), "59300")
        assert len(stage.listener.of(OutOfRange)) == 1
        (back,) = stage.listener.of(BackInRange)
        assert back.since == told.since

    run(story())


def test_a_grid_that_does_not_trade_is_told_with_its_orders_next_to_the_market() -> None:
    async def story() -> None:
        stage = await staged()
        await looks(stage, timedelta(minutes=3), "59600")
        await looks(stage, STALLED_AFTER, "59600")
        (told,) = stage.listener.of(Stalled)
        assert (told.buy, told.sell) == (dec("59500"), dec("60048.75"))
        assert STALLED_AFTER <= told.at - told.since < STALLED_AFTER + timedelta(minutes=1)

    run(story())


def test_what_is_known_of_a_grid_goes_with_it() -> None:
    async def story() -> None:
        stage = await staged()
        await looks(stage, timedelta(minutes=2))
        assert "g1" in stage.manager.state.notes[VIGIL]
        await stage.manager.keep_coins("g1")
        await looks(stage, timedelta(minutes=2))
        assert stage.manager.state.grids["g1"].ended_at is not None
        assert "g1" not in stage.manager.state.notes[VIGIL]

    run(story())


def test_refusals_of_a_grid_are_told_once_in_their_cool_down_also_across_a_restart() -> None:
    async def story() -> None:
        stage = await staged()

        def refuse(executor: str, reason: Refusal = Refusal.OTHER) -> None:
            now = stage.clock.now()
            stage.manager.heartbeat.note(LevelBlocked(now, executor, BTC, reason, "no", now))

        refuse("g1.1")
        refuse("g1.2")
        refuse("g1.2", Refusal.TOO_MANY)
        await stage.beat()
        stage.new_manager()
        await stage.manager.start()
        refuse("g1.3")
        await stage.beat()
        assert [(told.executor, told.reason) for told in stage.listener.of(LevelBlocked)] == [
            ("g1.1", Refusal.OTHER),
            ("g1.2", Refusal.TOO_MANY),
        ]
        stage.clock.ahead(REFUSED_AGAIN.total_seconds())
        refuse("g1.3")
        await stage.beat()
        assert stage.listener.of(LevelBlocked)[-1].executor == "g1.3"
        assert not stage.listener.of(TakerFilled)

    run(story())


async def audits(stage: Stage, count: int) -> None:
    for _ in range(count):
        await stage.beat(seconds=45)
        await stage.manager.audit()
    await stage.beat()


def test_coins_that_somebody_took_away_are_told_of_once_in_a_while() -> None:
    async def story() -> None:
        stage, purse = await traded()
        await audits(stage, 20)
        assert not stage.listener.of(CoinsMissing)
        purse.by_hand["BTC"] = dec("-0.0004")
        await audits(stage, 60)
        (told,) = stage.listener.of(CoinsMissing)
        held = stage.manager.state.holding("g1").amount
        assert (told.coin, told.held, told.found) == ("BTC", held, held - dec("0.0004"))
        stage.clock.ahead(REFUSED_AGAIN.total_seconds())
        await audits(stage, 20)
        assert len(stage.listener.of(CoinsMissing)) == 2

    run(story())


def test_what_trades_between_two_looks_is_not_taken_for_a_loss() -> None:
    async def story() -> None:
        stage, purse = await traded()
        purse.by_hand["BTC"] = dec("-0.0004")
        for number in range(40):
            await stage.beat("60100" if number % 2 else "59600", seconds=45)
            await stage.manager.audit()
        assert not stage.listener.of(CoinsMissing)

    run(story())


def test_dust_and_coins_of_an_ended_grid_are_nobodys_loss() -> None:
    async def story() -> None:
        stage, purse = await traded()
        purse.by_hand["BTC"] = -stage.data.markets[BTC].amount_step / 2
        await audits(stage, 20)
        await stage.manager.keep_coins("g1")
        purse.by_hand["BTC"] = dec("-0.0004")
        await audits(stage, 20)
        assert not stage.listener.of(CoinsMissing)

    run(story())
