"""The pretend account: what it refuses, what it reserves, what it tells, and that no digit is lost."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import PlaceOrder
from bot.core.events import (
    CloseReason,
    Event,
    OrderAccepted,
    OrderClosed,
    OrderFilled,
    OrderRefused,
    Refusal,
)
from bot.core.lengths import Length
from bot.core.model import FeeSide, Fill, Market, Quote, Side
from bot.core.money import ZERO, use_exact
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_market import PaperMarket, open_paper
from tests.exchange.accounts import (
    FUNDS,
    LATER,
    MARKET,
    START,
    SYMBOL,
    account,
    always,
    buy,
    cancel,
    dec,
    fills,
    free,
    run,
    sell,
    submit,
    totals,
    used,
)

QUOTE_FEES = replace(MARKET, fee_side=FeeSide.QUOTE)


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


def refusal(gateway: PaperGateway, order: PlaceOrder) -> Refusal:
    (event,) = submit(gateway, order)
    assert isinstance(event, OrderRefused)
    assert event.message
    return event.reason


# What is refused


@pytest.mark.parametrize(
    "order", [buy("a", "100.01", 1), buy("a", "105", 1), sell("a", "99.99", 1), sell("a", "90", 1)]
)
def test_a_post_only_order_that_would_trade_at_once_is_refused_and_holds_nothing(order: PlaceOrder) -> None:
    gateway = account()
    assert refusal(gateway, order) is Refusal.WOULD_CROSS
    assert totals_of(gateway) == FUNDS
    assert used(gateway, "USDT") == used(gateway, "BTC") == 0
    assert run(gateway.look_up(SYMBOL, "a")) is None


def totals_of(gateway: PaperGateway) -> dict[str, Decimal]:
    return {currency: balance.total for currency, balance in run(gateway.balances()).items()}


def test_on_a_candles_close_an_order_at_the_close_is_refused_on_either_side() -> None:
    gateway = account()
    gateway.on_candle(SYMBOL, dec(90), dec(110), dec(100), LATER)
    assert refusal(gateway, buy("a", 100, 1)) is Refusal.WOULD_CROSS
    assert refusal(gateway, sell("a", 100, 1)) is Refusal.WOULD_CROSS
    accepted = submit(gateway, buy("b", "99.99", 1), sell("c", "100.01", 1))
    assert [type(event) for event in accepted] == [OrderAccepted, OrderAccepted]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (buy("a", "90", "0.0001"), Refusal.MINIMUM),
        (buy("a", "90", "0"), Refusal.MINIMUM),
        (buy("a", "10", "0.4999"), Refusal.MINIMUM),
        (buy("a", "90.001", "1"), Refusal.OTHER),
        (buy("a", "90", "1.00001"), Refusal.OTHER),
        (buy("a", "0", "1"), Refusal.OTHER),
        (replace(buy("a", "90", "1"), symbol="ETH/USDT"), Refusal.OTHER),
    ],
)
def test_orders_that_break_the_markets_rules_are_refused(order: PlaceOrder, reason: Refusal) -> None:
    assert refusal(account(), order) is reason


def test_the_smallest_order_is_accepted() -> None:
    (event,) = submit(account(), buy("a", "10", "0.5"))
    assert isinstance(event, OrderAccepted)


def test_funds_can_be_used_to_the_last_digit_and_not_one_further() -> None:
    gateway = account()
    (accepted,) = submit(gateway, buy("a", 80, 125))
    assert isinstance(accepted, OrderAccepted)
    assert (free(gateway, "USDT"), used(gateway, "USDT")) == (ZERO, dec(10_000))
    assert refusal(gateway, buy("b", "25000.00", "0.0002")) is Refusal.WOULD_CROSS
    assert refusal(gateway, buy("b", "50.00", "0.1")) is Refusal.FUNDS
    gateway.on_quote(SYMBOL, dec(70), dec(79), LATER)
    assert totals_of(gateway) == {"USDT": ZERO, "BTC": dec(1) + 125 - dec("0.125")}


def test_a_fee_on_top_is_reserved_too() -> None:
    gateway = account(QUOTE_FEES)
    assert refusal(gateway, buy("a", 80, 125)) is Refusal.FUNDS
    exactly = {"USDT": dec(10_010)}
    gateway = account(QUOTE_FEES, exactly)
    submit(gateway, buy("a", 80, 125))
    assert (free(gateway, "USDT"), used(gateway, "USDT")) == (ZERO, dec(10_010))
    gateway.on_quote(SYMBOL, dec(70), dec(79), LATER)
    assert totals_of(gateway) == {"USDT": ZERO, "BTC": dec(125)}


def test_a_perpetual_is_paid_in_full_and_held_as_coins_with_fees_in_quote() -> None:
    rules = replace(QUOTE_FEES, perpetual=True, maintenance_ratio=dec("0.005"))
    gateway = account(rules, {"USDT": dec(1000)})
    submit(gateway, buy("a", 99, 10))
    assert used(gateway, "USDT") == dec("990.99")
    gateway.on_quote(SYMBOL, dec("98.98"), dec("98.99"), START)
    assert run(gateway.position(SYMBOL)) is None
    assert totals_of(gateway) == {"USDT": dec("9.01"), "BTC": dec(10)}
    assert refusal(gateway, sell("b", 101, 11)) is Refusal.FUNDS  # never short
    submit(gateway, sell("c", 101, 10))
    gateway.on_quote(SYMBOL, dec("101.01"), dec("101.02"), START)
    assert totals_of(gateway) == {"USDT": dec("9.01") + 1010 - dec("1.01"), "BTC": dec(0)}


def test_coins_that_rest_in_one_sale_can_not_be_sold_twice() -> None:
    gateway = account()
    submit(gateway, sell("a", 110, "0.6"))
    assert refusal(gateway, sell("b", 111, "0.5")) is Refusal.FUNDS
    submit(gateway, cancel("a"))
    (event,) = submit(gateway, sell("b", 111, "0.5"))
    assert isinstance(event, OrderAccepted)


def test_a_coin_never_held_is_no_funds() -> None:
    assert refusal(account(funds={"USDT": dec(5)}), sell("a", 110, 1)) is Refusal.FUNDS


def test_a_client_id_is_taken_once_whatever_became_of_its_order() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 1))
    assert refusal(gateway, buy("a", 91, 1)) is Refusal.OTHER
    gateway.on_quote(SYMBOL, dec(88), dec(89), LATER)
    assert refusal(gateway, sell("a", 95, "0.5")) is Refusal.OTHER
    assert len(run(gateway.look_up(SYMBOL, "a")) or []) == 3


def test_the_venues_cap_counts_resting_orders_of_that_symbol() -> None:
    gateway = account(replace(MARKET, max_open_orders=2))
    submit(gateway, buy("a", 90, 1), sell("b", 110, "0.5"))
    assert refusal(gateway, buy("c", 91, 1)) is Refusal.TOO_MANY
    submit(gateway, cancel("a"))
    (event,) = submit(gateway, buy("c", 91, 1))
    assert isinstance(event, OrderAccepted)


def test_without_a_sane_price_nothing_is_accepted_and_nothing_fills() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 1))
    for bid, ask in ((0, 0), (0, 80), (80, 70)):
        gateway.on_quote(SYMBOL, dec(bid), dec(ask), LATER)
        assert refusal(gateway, buy("b", 60, 1)) is Refusal.OTHER
    assert run(gateway.news(SYMBOL, "")).events == ()


def test_an_action_that_no_longer_stands_is_dropped() -> None:
    gateway = account()
    asked = []

    def stands(action: object) -> bool:
        asked.append(action)
        return len(asked) != 1

    events = run(gateway.submit([buy("a", 90, 1), buy("b", 91, 1)], stands))
    assert [event.client_id for event in events] == ["b"]
    assert len(asked) == 2


# What is told


def test_a_trade_tells_its_price_fee_time_and_that_it_was_made_resting() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 2), sell("b", 110, "0.5"))
    gateway.on_candle(SYMBOL, dec("89.99"), dec("110.01"), dec(100), LATER)
    events = run(gateway.news(SYMBOL, "")).events
    assert events == (
        OrderFilled("a", Fill("1", dec(90), dec(2), dec("0.002"), "BTC", LATER)),
        OrderFilled("b", Fill("2", dec(110), dec("0.5"), dec("0.055"), "USDT", LATER)),
    )


def test_news_goes_on_from_its_cursor_and_repeats_what_is_asked_again() -> None:
    gateway = account()
    submit(gateway, *(buy(f"a{n}", 80 + n, 1) for n in range(4)))
    gateway.on_quote(SYMBOL, dec(81), dec("81.5"), LATER)
    first = run(gateway.news(SYMBOL, ""))
    assert [name for name, _ in fills(first.events)] == ["a3", "a2"]
    assert run(gateway.news(SYMBOL, first.cursor)).events == ()
    gateway.on_quote(SYMBOL, dec(70), dec(71), LATER)
    second = run(gateway.news(SYMBOL, first.cursor))
    assert [name for name, _ in fills(second.events)] == ["a1", "a0"]
    assert run(gateway.news(SYMBOL, first.cursor)) == second
    assert run(gateway.news(SYMBOL, "")).events == first.events + second.events


def test_a_cursor_of_another_account_hides_nothing() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 1))
    gateway.on_quote(SYMBOL, dec(80), dec(81), LATER)
    assert len(run(gateway.news(SYMBOL, "999")).events) == 1


def test_a_cancel_tells_what_was_filled_and_frees_the_rest() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 2))
    gateway.on_trade(SYMBOL, dec(89), dec("0.5"), LATER)
    assert submit(gateway, cancel("a")) == [OrderClosed("a", START, dec("0.5"), CloseReason.ASKED)]
    assert used(gateway, "USDT") == 0
    assert totals_of(gateway) == {"USDT": dec(10_000) - 45, "BTC": dec("1.4995")}
    assert run(gateway.open_orders(SYMBOL)) == []
    assert len(run(gateway.news(SYMBOL, "")).events) == 1


def test_a_cancel_after_the_fill_is_answered_with_the_fill() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 2))
    gateway.on_quote(SYMBOL, dec(80), dec(81), LATER)
    before = run(gateway.balances())
    events = submit(gateway, cancel("a"))
    assert fills(events) == [("a", dec(2))]
    assert events[-1] == OrderClosed("a", LATER, dec(2), CloseReason.FILLED)
    assert events == run(gateway.look_up(SYMBOL, "a"))
    assert run(gateway.balances()) == before


def test_a_second_cancel_changes_nothing() -> None:
    gateway = account()
    submit(gateway, buy("a", 90, 2))
    first = submit(gateway, cancel("a"))
    assert submit(gateway, cancel("a"))[-1:] == first
    assert totals_of(gateway) == FUNDS


def test_a_cancel_of_an_order_nobody_knows_is_answered_with_nothing() -> None:
    gateway = account()
    assert submit(gateway, cancel("nobody")) == []
    submit(gateway, buy("a", 90, 2))
    assert submit(gateway, replace(cancel("a"), symbol="ETH/USDT")) == []
    assert len(run(gateway.open_orders(SYMBOL))) == 1


def test_an_order_resting_partly_filled_shows_how_much() -> None:
    gateway = account()
    submit(gateway, sell("a", 110, 1))
    gateway.on_trade(SYMBOL, dec(111), dec("0.30009"), LATER)
    (order,) = run(gateway.open_orders(SYMBOL))
    assert (order.filled, order.amount, order.side, order.is_open) == (dec("0.3"), dec(1), Side.SELL, True)
    assert used(gateway, "BTC") == dec("0.7")


def test_a_print_smaller_than_a_step_fills_nothing() -> None:
    gateway = account()
    submit(gateway, sell("a", 110, 1))
    gateway.on_trade(SYMBOL, dec(111), dec("0.00009"), LATER)
    assert run(gateway.news(SYMBOL, "")).events == ()


# Immediate or cancel


def test_a_taker_sale_trades_at_the_bid_and_pays_the_taker_fee() -> None:
    gateway = account()
    events = submit(gateway, sell("a", 99, "0.5", taker=True))
    fill = Fill("1", dec("99.99"), dec("0.5"), dec("0.09999"), "USDT", START, maker=False)
    assert events == [
        OrderAccepted("a", START),
        OrderFilled("a", fill),
        OrderClosed("a", START, dec("0.5"), CloseReason.FILLED),
    ]
    assert totals_of(gateway) == {"USDT": dec("10049.895") - dec("0.09999") + dec("0.1"), "BTC": dec("0.5")}
    assert run(gateway.look_up(SYMBOL, "a")) == events


def test_a_taker_purchase_trades_at_the_ask() -> None:
    gateway = account()
    events = submit(gateway, buy("a", 105, 1, taker=True))
    assert isinstance(events[1], OrderFilled)
    assert events[1].fill.price == dec("100.01")
    assert totals_of(gateway) == {"USDT": dec(10_000) - dec("100.01"), "BTC": dec("1.998")}


def test_a_taker_order_whose_limit_is_not_reached_is_cancelled_whole_and_told_in_the_news() -> None:
    gateway = account()
    closed = OrderClosed("a", START, ZERO, CloseReason.VENUE)
    assert submit(gateway, sell("a", 101, "0.5", taker=True)) == [OrderAccepted("a", START), closed]
    assert totals_of(gateway) == FUNDS
    assert run(gateway.news(SYMBOL, "")).events == (closed,)


def test_a_taker_order_needs_funds_like_any_other() -> None:
    assert refusal(account(), sell("a", 99, 2, taker=True)) is Refusal.FUNDS
    assert refusal(account(), buy("a", 101, 100, taker=True)) is Refusal.FUNDS


# What is kept


def test_old_closed_orders_are_forgotten_and_open_ones_never() -> None:
    gateway = account(keep_closed=3)
    submit(gateway, buy("open", 50, 1))
    for number in range(15):
        submit(gateway, buy(f"a{number}", 90, 1), cancel(f"a{number}"))
        submit(gateway, sell(f"s{number}", 110, "0.05"))
        gateway.on_quote(SYMBOL, dec("110.01"), dec("110.02"), LATER)
        gateway.on_quote(SYMBOL, dec("99.99"), dec("100.01"), LATER)
    assert run(gateway.look_up(SYMBOL, "a13")) is None
    assert run(gateway.look_up(SYMBOL, "a14")) is not None
    assert run(gateway.look_up(SYMBOL, "open")) == [OrderAccepted("open", START)]
    news = run(gateway.news(SYMBOL, ""))
    assert 3 <= len(news.events) <= 6
    assert run(gateway.news(SYMBOL, news.cursor)).events == ()


def test_nothing_waits_where_there_is_no_file() -> None:
    gateway = account()
    for coroutine in (gateway.submit([buy("a", 90, 1)], always), gateway.news(SYMBOL, ""), gateway.balances()):
        with pytest.raises(StopIteration):
            coroutine.send(None)


# The whole


Change = tuple[str, Side, int, int, bool]
CHANGES = st.tuples(
    st.sampled_from(["order", "order", "order", "cancel", "quote", "candle", "print"]),
    st.sampled_from(Side),
    st.integers(80, 120),
    st.integers(1, 400_000),
    st.sampled_from([False, False, False, True]),
)


def change(gateway: PaperGateway, what: str, side: Side, at: int, number: int, taker: bool, new_id: str) -> None:
    """Do one thing to an account; `at` is a price or an order's number, `number` ten-thousandths of a coin."""
    price, amount, spread = Decimal(at), Decimal(number).scaleb(-4), Decimal(number % 9)
    if what == "order":
        submit(gateway, (buy if side is Side.BUY else sell)(new_id, at, str(amount), taker=taker))
    elif what == "cancel":
        submit(gateway, cancel(f"o{at - 80}"))
    elif what == "quote":
        gateway.on_quote(SYMBOL, price, price + spread, LATER)
    elif what == "candle":
        gateway.on_candle(SYMBOL, price - spread, price + number % 7, price, LATER)
    else:
        gateway.on_trade(SYMBOL, price, amount, LATER)


@given(
    st.lists(CHANGES, max_size=60),
    st.sampled_from([MARKET, QUOTE_FEES, replace(MARKET, maker_fee_ratio=dec("-0.0001"))]),
    st.booleans(),
)
def test_balances_are_always_what_came_in_and_the_fills_to_the_last_digit(
    changes: list[Change], market: Market, touch: bool
) -> None:
    use_exact()
    gateway = account(market, touch=touch)
    sides: dict[str, Side] = {}
    told: list[Event] = []
    cursor = ""
    for number, (what, side, at, amount, taker) in enumerate(changes):
        sides[f"o{number}"] = side
        change(gateway, what, side, at, amount, taker, f"o{number}")
        news = run(gateway.news(SYMBOL, cursor))
        cursor = news.cursor
        told += news.events
        balances = run(gateway.balances())
        trades = [(sides[event.client_id], event) for event in told if isinstance(event, OrderFilled)]
        assert {currency: funds.total for currency, funds in balances.items()} == totals(FUNDS, trades, market)
        assert all(funds.free >= 0 and funds.used >= 0 for funds in balances.values())
        resting = run(gateway.open_orders(SYMBOL))
        coins = sum((each.amount - each.filled for each in resting if each.side is Side.SELL), ZERO)
        assert balances["BTC"].used == coins
        if not resting:
            assert balances["USDT"].used == 0
    filled = dict.fromkeys(sides, ZERO)
    for name, part in fills(told):
        filled[name] += part
    for name, whole in filled.items():
        story = run(gateway.look_up(SYMBOL, name))
        assert sum((part for _, part in fills(story or [])), ZERO) == whole
        if story and isinstance(story[-1], OrderClosed):
            assert story[-1].filled == whole


# Real prices


class Prices:
    """Market data of an exchange, as a test sets it."""

    def __init__(self) -> None:
        self.bid, self.ask = dec("99.99"), dec("100.01")

    async def symbols(self) -> tuple[str, ...]:
        return (SYMBOL,)

    async def market(self, symbol: str) -> Market:
        return replace(MARKET, maker_fee_ratio=dec("0.5"))

    async def quote(self, symbol: str) -> Quote:
        return Quote(symbol, self.bid, self.ask, LATER)

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> tuple[()]:
        return ()


def test_a_paper_account_trades_against_the_quotes_that_were_seen_and_pays_its_own_fee() -> None:
    async def story() -> tuple[PaperMarket, list[Event]]:
        prices = Prices()
        market, gateway = open_paper(None, prices, ReplayClock(START), FUNDS, dec("0.0002"), "bybit")
        assert await market.symbols() == (SYMBOL,)
        assert (await gateway.submit([buy("early", 90, 1)], always))[0].client_id == "early"
        await market.quote(SYMBOL)
        assert (await market.market(SYMBOL)).taker_fee_ratio == dec("0.001")
        await gateway.submit([buy("a", 90, 1)], always)
        prices.bid, prices.ask = dec(89), dec("89.5")
        await market.quote(SYMBOL)
        return market, list((await gateway.news(SYMBOL, "")).events)

    _, events = run(story())
    assert events == [OrderFilled("a", Fill("1", dec(90), dec(1), dec("0.0002"), "BTC", LATER))]
