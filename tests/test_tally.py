"""The books against the exchange: what is the bot's, what is not, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bot.core.model import Balance, Fill, Order, Side
from bot.core.money import ZERO
from bot.reports.tally import Tally, tally
from handlers.words.tallies import reconciled
from tests.fakes import BTC, dec, run
from tests.hostile import HostileGateway, cash
from tests.perpetuals import PERP
from tests.perpetuals import staged as staged_perpetual
from tests.stage import Stage, staged


class Purse(HostileGateway):
    """The gateway of an account with 10,000 USDT and nothing else, and what its owner does by hand."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.exchange)
        self.stage = stage
        self.by_hand: dict[str, Decimal] = {}
        self.strangers: list[Order] = []

    async def balances(self) -> Mapping[str, Balance]:
        base, quote = cash(self.exchange.trades, self.stage.data.markets[BTC])
        funds = {"BTC": base, "USDT": 10_000 + quote}
        for coin, amount in self.by_hand.items():
            funds[coin] = funds.get(coin, ZERO) + amount
        return {coin: Balance(amount, ZERO) for coin, amount in funds.items()}

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        return [*await super().open_orders(symbol), *self.strangers]


async def traded() -> tuple[Stage, Purse]:
    """A grid of five that has bought twice and sold once."""
    stage = Stage()
    stage.gateway = purse = Purse(stage)
    stage.new_manager()
    await staged(stage)
    await stage.beat("59600")
    await stage.beat("60100")
    await stage.beat("59600")
    await stage.beats(3)
    assert stage.manager.state.holding(BTC).amount
    return stage, purse


def coins(found: Tally) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    return {coin.coin: (coin.moved, coin.held, coin.beside) for coin in found.coins}


def test_untouched_the_books_are_the_account_and_what_is_beside_them_is_the_owners() -> None:
    async def story() -> None:
        stage, purse = await traded()
        held = stage.manager.state.holding(BTC).amount
        quote = cash(stage.exchange.trades, stage.data.markets[BTC])[1]
        found = await tally(stage.manager)
        assert found.is_clean and not found.is_short and not found.is_moving
        assert coins(found) == {"BTC": (held, held, ZERO), "USDT": (quote, ZERO, 10_000 + quote)}
        assert [(each.alike, each.strangers) for each in found.orders] == [(5, 0)]
        purse.by_hand["BTC"] = dec("0.5")
        assert coins(await tally(stage.manager))["BTC"] == (held, held, dec("0.5"))
        assert reconciled(found).startswith("✅ <b>The books agree with the exchange</b>")

    run(story())


def test_less_on_the_exchange_than_the_books_hold_is_an_alarm() -> None:
    async def story() -> None:
        stage, purse = await traded()
        purse.by_hand["BTC"] = dec("-0.0004")
        found = await tally(stage.manager)
        assert found.is_short and not found.is_clean
        assert "less than the books hold: 0.0004 BTC short" in reconciled(found)

    run(story())


def test_coins_an_ended_grid_has_kept_are_their_owners_to_move() -> None:
    async def story() -> None:
        stage, purse = await traded()
        held = stage.manager.state.holding(BTC).amount
        await stage.manager.keep_coins("g1")
        await stage.beats(3)
        found = await tally(stage.manager)
        (coin,) = (each for each in found.coins if each.coin == "BTC")
        assert (coin.held, coin.kept, coin.beside, found.is_clean) == (ZERO, held, ZERO, True)
        purse.by_hand["BTC"] = -held
        found = await tally(stage.manager)
        assert not found.is_short
        assert "Coins that ended grids had kept have left the account" in reconciled(found)

    run(story())


def test_orders_are_told_apart_as_ours_missing_unknown_and_strangers() -> None:
    async def story() -> None:
        stage, purse = await traded()
        ours = (await purse.open_orders(BTC))[0]
        foreign = replace(ours, client_id="by-hand")
        lost = replace(ours, client_id=ours.client_id[:-2] + "zz")
        purse.strangers = [foreign, foreign, lost]
        next(iter(stage.exchange.live(BTC))).visible_at = stage.clock.now().replace(year=2030)
        (found,) = (await tally(stage.manager)).orders
        assert (found.alike, found.strangers) == (4, 2)
        assert (found.unknown, len(found.missing), found.is_clean) == ((lost.client_id,), 1, False)
        text = reconciled(await tally(stage.manager))
        assert "1 order with this bot's mark that no level knows" in text
        assert "2 orders there are not this bot's and left alone" in text

    run(story())


def test_looking_changes_nothing_and_a_market_in_motion_is_said() -> None:
    async def story() -> None:
        stage, purse = await traded()
        before = (stage.manager.state.flow("g1"), len(stage.exchange.orders))
        await tally(stage.manager)
        assert (stage.manager.state.flow("g1"), len(stage.exchange.orders)) == before
        asked = 0

        async def busy() -> Mapping[str, Balance]:
            nonlocal asked
            asked += 1
            stage.manager.state.add_fill("g1", "d", Side.BUY, Fill("x", dec(1), ZERO, ZERO, "USDT", stage.clock.now()))
            return {}

        purse.balances = busy  # type: ignore[method-assign]
        assert (await tally(stage.manager)).is_moving
        assert asked == 3

    run(story())


def test_before_any_grid_the_books_are_empty() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        found = await tally(stage.manager)
        assert found == Tally((), (), ())
        assert reconciled(found).startswith("The books are empty")

    run(story())


def test_a_perpetual_is_a_position_and_its_coins_never_change_hands() -> None:
    async def story() -> None:
        stage = await staged_perpetual()
        await stage.beat("59600", PERP)
        await stage.beats(3)
        held = stage.manager.state.holding(PERP).amount
        assert held
        found = await tally(stage.manager)
        assert [(each.held, each.found, each.shortfall) for each in found.positions] == [(held, held, ZERO)]
        (money,) = found.coins
        fees = cash(stage.exchange.trades, stage.data.markets[PERP])[1] + stage.manager.state.holding(PERP).cost
        assert (money.coin, money.moved) == ("USDT", fees)
        assert "position" in reconciled(found)
        stage.account.aside = dec("-0.0004")
        found = await tally(stage.manager)
        assert found.is_short
        assert "0.0004 of BTC/USDT:USDT short" in reconciled(found)

    run(story())
