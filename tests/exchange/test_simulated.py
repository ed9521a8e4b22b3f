"""The built-in market: lively, the same for the same seed, and going on where it stopped."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import pytest

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.events import OrderAccepted, OrderFilled
from bot.core.lengths import Length, lengthened
from bot.core.model import Leg, Quote
from bot.core.money import ceil_to, use_exact
from bot.errors import MarketError, StateCorrupt, StateForeign
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import ExchangeFile
from bot.exchange.simulated import LISTINGS, MOST_STEPS, STEP, PricePath, SimulatedMarket, open_simulated
from tests.exchange.accounts import START, SYMBOL, always, buy, dec, fills, run

SYMBOLS = [listing.symbol for listing in LISTINGS]
SECOND = timedelta(seconds=1)
FUNDS = {"USDT": Decimal(10_000)}
FEE = Decimal("0.001")


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


def opened(
    seed: int | None = 7, path: Path | None = None, at: datetime = START
) -> tuple[ReplayClock, SimulatedMarket, PaperGateway]:
    clock = ReplayClock(at)
    market, gateway = open_simulated(path, clock, seed, FUNDS, FEE)
    return clock, market, gateway


async def quotes(market: SimulatedMarket, clock: ReplayClock, beats: int) -> list[Quote]:
    seen = []
    for _ in range(beats):
        clock.at += 2 * SECOND
        seen += [await market.quote(symbol) for symbol in SYMBOLS]
    return seen


def prices(seen: Sequence[Quote]) -> list[tuple[Decimal, Decimal]]:
    return [(quote.bid, quote.ask) for quote in seen]


def test_bitcoin_starts_near_62500_whatever_the_seed() -> None:
    for seed in range(20):
        _, market, _ = opened(seed)
        quote = run(market.quote(SYMBOL))
        assert abs(quote.bid - 62_500) < 1
        assert quote.bid < quote.ask <= quote.bid + dec("0.03")


def test_the_same_seed_gives_the_same_path_however_often_one_looks() -> None:
    clock, market, _ = opened(7)
    path = run(quotes(market, clock, 60))
    clock, market, _ = opened(7)
    for _ in range(480):
        clock.at += STEP
        market.advance()
    assert prices([run(market.quote(symbol)) for symbol in SYMBOLS]) == prices(path[-3:])
    clock, market, _ = opened(8)
    assert prices(run(quotes(market, clock, 60))) != prices(path)


def test_prices_stay_on_the_tick_and_in_the_starts_neighbourhood_for_a_year() -> None:
    steps = range(0, 4 * 86_400 * 365, 99_973)
    for seed in range(5):
        for listing in LISTINGS:
            path = PricePath(seed, listing)
            tops = [path.top(step) for step in steps]
            start = listing.start / float(listing.price_tick)
            assert min(bid for bid, _ in tops) > start * 0.96
            assert max(ask for _, ask in tops) < start * 1.04
            assert {ask - bid for bid, ask in tops} == {1, 2, 3}


def test_what_a_fee_leaves_of_a_purchase_can_be_sold_whole() -> None:
    _, market, _ = opened()
    for symbol, amount in (("BTC/USDT", "0.001"), ("ETH/USDT", "0.01"), ("SOL/USDT", "0.1")):
        rules = run(market.market(symbol))
        left = rules.received_on_buy(dec(amount))
        assert rules.amount_down(left) == left
        quote = run(market.quote(symbol))
        assert rules.accepts(quote.bid, left)


def test_an_unknown_symbol_is_named_with_those_that_are_listed() -> None:
    _, market, _ = opened()
    for question in (market.quote("DOGE/USDT"), market.market("DOGE/USDT"), market.candles("DOGE/USDT", 5)):
        with pytest.raises(MarketError, match=r"DOGE/USDT.*BTC/USDT"):
            run(question)
    assert run(market.symbols()) == tuple(SYMBOLS)


class Trader:
    """The least of a grid trader: 20 levels spread normally over ±1 %, each bought and sold again and again."""

    def __init__(self, market: SimulatedMarket, gateway: PaperGateway, profit_pct: Decimal) -> None:
        self.market, self.gateway, self.profit = market, gateway, 1 + profit_pct / 100
        self.levels: list[Decimal] = []
        self.orders: dict[str, tuple[int, Leg, Decimal]] = {}
        self.wanted: dict[int, Leg] = dict.fromkeys(range(20), Leg.ENTRY)
        self.cursor, self.number, self.closed = "", 0, 0

    def spread(self, price: Decimal) -> None:
        normal = NormalDist(float(price), float(price) * 0.02 / 6)
        low, high = normal.cdf(float(price) * 0.99), normal.cdf(float(price) * 1.01)
        levels = [normal.inv_cdf(low + (high - low) * k / 19) for k in range(20)]
        self.levels = [Decimal(f"{level:.2f}") for level in levels]

    async def beat(self, follow: bool) -> None:
        quote = await self.market.quote(SYMBOL)
        if not self.levels:
            self.spread(quote.bid)
        news = await self.gateway.news(SYMBOL, self.cursor)
        self.cursor = news.cursor
        for name, amount in fills(news.events):
            level, leg, left = self.orders.pop(name)
            if left > amount:
                self.orders[name] = (level, leg, left - amount)
            else:
                self.closed += leg is Leg.EXIT
                self.wanted[level] = Leg.EXIT if leg is Leg.ENTRY else Leg.ENTRY
        actions: list[Action] = []
        asked: dict[str, tuple[int, Leg, Decimal]] = {}
        if follow:
            for order in await self.gateway.open_orders(SYMBOL):
                level, leg, _ = self.orders[order.client_id]
                if leg is Leg.ENTRY and not order.filled and order.price < self.levels[level]:
                    actions.append(CancelOrder(order.client_id, "g1", SYMBOL, leg, order.price))
                    del self.orders[order.client_id]
                    self.wanted[level] = leg
        for level, leg in self.wanted.items():
            self.number += 1
            price = min(self.levels[level], quote.ask - dec("0.01"))
            if leg is Leg.EXIT:
                target = ceil_to(self.levels[level] * self.profit, dec("0.01"))
                price = max(target, quote.bid + dec("0.01"))
            amount = dec("0.001") if leg is Leg.ENTRY else dec("0.000999")
            actions.append(PlaceOrder(f"o{self.number}", "g1", SYMBOL, leg, price, amount))
            asked[f"o{self.number}"] = (level, leg, amount)
        for event in await self.gateway.submit(actions, always):
            if isinstance(event, OrderAccepted):
                self.orders[event.client_id] = asked[event.client_id]
                del self.wanted[asked[event.client_id][0]]


@pytest.mark.parametrize("profit", ["0.2", "0.5"])
@pytest.mark.parametrize("age", [0, 5, 11, 333])
def test_a_normal_grid_around_the_price_closes_several_trades_in_a_minute(profit: str, age: int) -> None:
    async def story(seed: int) -> tuple[int, int]:
        clock, market, gateway = opened(seed)
        for _ in range(age):
            clock.at += SECOND
            market.advance()
        trader = Trader(market, gateway, Decimal(profit))
        for beat in range(30):
            await trader.beat(follow=beat % 5 == 4)
            clock.at += 2 * SECOND
        news = await gateway.news(SYMBOL, "")
        traded = [event.client_id for event in news.events if isinstance(event, OrderFilled)]
        return trader.closed, len(traded) - len(set(traded))

    results = [run(story(seed)) for seed in range(5)]
    assert min(closed for closed, _ in results) >= 3
    assert sum(parts for _, parts in results) > 0, "partial fills must be lived with"


def test_resting_orders_fill_at_steps_between_two_looks_with_their_own_times() -> None:
    async def story() -> None:
        clock, market, gateway = opened()
        quote = await market.quote(SYMBOL)
        await gateway.submit([buy("a", str(quote.bid - 20), "0.001")], always)
        clock.at += 30 * SECOND
        news = await gateway.news(SYMBOL, "")
        assert {name for name, _ in fills(news.events)} == {"a"}
        event = news.events[0]
        assert isinstance(event, OrderFilled)
        assert START < event.at < clock.at
        assert (event.at - START) % STEP == timedelta(0)

    run(story())


def test_a_clock_that_jumps_ahead_is_cut_and_one_set_back_does_no_harm() -> None:
    clock, market, _ = opened()
    clock.at += timedelta(days=3)
    market.advance()
    assert market.step == MOST_STEPS
    clock.at -= timedelta(days=1)
    market.advance()
    assert market.step == MOST_STEPS
    clock.at += SECOND
    market.advance()
    assert market.step == MOST_STEPS + 4


def test_looking_between_steps_neither_slows_nor_hurries_the_market() -> None:
    clock, market, _ = opened()
    for _ in range(100):
        clock.at += timedelta(milliseconds=100)
        market.advance()
    assert market.step == 40


# Candles


def test_candles_are_made_of_the_path_and_reach_into_a_past_that_never_was() -> None:
    clock, market, _ = opened()
    clock.at += 20 * SECOND
    candles = run(market.candles(SYMBOL, 30))
    assert [candle.at for candle in candles] == [START + timedelta(minutes=n - 29) for n in range(30)]
    for candle in candles:
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    assert all(before.close != after.close for before, after in pairwise(candles))
    assert run(market.quote(SYMBOL)).bid == candles[-1].close


def test_a_candle_that_is_over_does_not_change() -> None:
    clock, market, _ = opened()
    before = run(market.candles(SYMBOL, 10))[:-1]
    seen = []
    for _ in range(59):
        clock.at += SECOND
        seen.append(run(market.quote(SYMBOL)).bid)
    after = run(market.candles(SYMBOL, 10))
    assert list(after[:-1]) == list(before)
    assert after[-1].low <= min(seen)
    assert after[-1].high >= max(seen)


@pytest.mark.parametrize("length", [Length.HOUR, Length.FOUR_HOURS, Length.DAY, Length.WEEK])
def test_longer_candles_begin_at_round_times_and_end_at_the_price_of_now(length: Length) -> None:
    clock, market, _ = opened()
    clock.at += 20 * SECOND
    candles = run(market.candles(SYMBOL, 90, length))
    assert [each.at for each in candles] == [length.opening(clock.at) - ago * length.span for ago in range(89, -1, -1)]
    for candle in candles:
        assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    assert run(market.quote(SYMBOL)).bid == candles[-1].close
    clock.at += 40 * SECOND
    assert run(market.candles(SYMBOL, 90, length))[:-1] == candles[:-1]


def test_a_long_candle_agrees_with_its_minutes() -> None:
    _, market, _ = opened()
    hour = run(market.candles(SYMBOL, 2, Length.HOUR))[0]
    minutes = [each for each in run(market.candles(SYMBOL, 200)) if hour.at <= each.at < hour.at + Length.HOUR.span]
    (joined,) = lengthened(minutes, Length.HOUR)
    assert (hour.open, hour.close) == (joined.open, joined.close)
    assert joined.low <= hour.low <= joined.low + 40 and joined.high - 40 <= hour.high <= joined.high  # of 62,500


# After a restart


def test_after_a_restart_the_price_orders_and_balances_go_on_from_where_they_stood(tmp_path: Path) -> None:
    async def story() -> None:
        clock, market, gateway = opened(None, tmp_path / "exchange.db")
        await quotes(market, clock, 20)
        quote = await market.quote(SYMBOL)
        await gateway.submit([buy("far", str(quote.bid - 5_000), "0.01")], always)
        balances, step = await gateway.balances(), market.step
        # No close: as if killed. Time while stopped is not simulated, and another seed changes nothing.
        _, again, account = opened(99, tmp_path / "exchange.db", clock.at + timedelta(days=2))
        assert (again.step, await account.balances()) == (step, balances)
        assert prices([await again.quote(SYMBOL)]) == prices([quote])
        assert [order.client_id for order in await account.open_orders(SYMBOL)] == ["far"]
        await gateway.close()
        await account.close()

    run(story())


def test_an_interrupted_path_is_the_undisturbed_one(tmp_path: Path) -> None:
    async def story() -> None:
        clock, market, _ = opened(5)
        undisturbed = await quotes(market, clock, 30)
        pieces: list[Quote] = []
        for _ in range(3):
            clock, market, gateway = opened(5, tmp_path / "exchange.db")
            pieces += await quotes(market, clock, 10)
            await gateway.close()
        assert prices(pieces) == prices(undisturbed)

    run(story())


def test_a_partial_fill_survives_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        clock, market, gateway = opened(5, tmp_path / "exchange.db")
        bid = (await market.quote(SYMBOL)).bid
        orders = [buy(f"o{n}", str(bid - 100), "0.001") for n in range(40)]
        await gateway.submit(orders, always)
        resting: list[Decimal] = []
        while not resting:
            clock.at += STEP
            resting = [order.filled for order in await gateway.open_orders(SYMBOL) if order.filled]
        again = opened(5, tmp_path / "exchange.db")
        shown = await again[2].open_orders(SYMBOL)
        assert [order.filled for order in shown if order.filled] == resting
        again[0].at += 60 * SECOND
        news = await again[2].news(SYMBOL, "")
        assert sum(amount for _, amount in fills(news.events)) == dec("0.04")
        await gateway.close()
        await again[2].close()

    run(story())


def test_a_file_of_another_kind_of_account_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        paper = PaperGateway({}, ReplayClock(START), FUNDS)
        paper.keep_in(*ExchangeFile.open(tmp_path / "exchange.db"), "bybit")
        await paper.balances()
        await paper.close()

    run(story())
    with pytest.raises(StateForeign, match="bybit"):
        opened(5, tmp_path / "exchange.db")


def test_a_step_that_is_no_number_is_damage(tmp_path: Path) -> None:
    async def story() -> None:
        _, _, gateway = opened(5, tmp_path / "exchange.db")
        gateway.note("simulated.step", "many")
        await gateway.close()

    run(story())
    with pytest.raises(StateCorrupt, match=r"exchange\.db"):
        opened(5, tmp_path / "exchange.db")
