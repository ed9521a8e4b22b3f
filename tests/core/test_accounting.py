"""The books of a level against the cash that moved: exact over every history, whatever coin the fees are in."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounting import EMPTY_BOOKS, Books, Lot, RoundTrip, fee_value
from bot.core.model import Fill, Side
from bot.errors import ProtocolError
from tests.fakes import START, dec, market

MARKET = market()
THIRD = "BNB"


def fill(amount: Decimal, price: Decimal, fee: Decimal, coin: str, rate: Decimal | None = None) -> Fill:
    return Fill("t", price, amount, fee, coin, START, fee_rate=rate)


@dataclass
class Account:
    """The truth: coins in, coins out, with fractions. A third coin is valued at the rate of its fill."""

    base: Fraction = Fraction(0)
    quote: Fraction = Fraction(0)

    def trades(self, side: Side, each: Fill) -> None:
        sign = 1 if side is Side.BUY else -1
        self.base += sign * Fraction(each.amount)
        self.quote -= sign * Fraction(each.amount) * Fraction(each.price)
        if each.fee_currency == MARKET.base:
            self.base -= Fraction(each.fee)
        elif each.fee_currency == MARKET.quote:
            self.quote -= Fraction(each.fee)
        else:
            assert each.fee_rate is not None
            self.quote -= Fraction(each.fee) * Fraction(each.fee_rate)


AMOUNTS = st.integers(1, 10**8).map(lambda units: Decimal(units).scaleb(-8))
PRICES = st.integers(1, 10**10).map(lambda units: Decimal(units).scaleb(-4))
RATIOS = st.sampled_from([dec(0), dec("0.001"), dec("0.00075"), dec("-0.00025"), dec("0.0123456789")])


@st.composite
def fills(draw: st.DrawFn) -> tuple[Side, Fill]:
    side, amount, price, ratio = draw(st.sampled_from(Side)), draw(AMOUNTS), draw(PRICES), draw(RATIOS)
    coin = draw(st.sampled_from([MARKET.base, MARKET.quote, THIRD]))
    if coin == MARKET.base:
        return side, fill(amount, price, amount * ratio, coin)
    if coin == MARKET.quote:
        return side, fill(amount, price, amount * price * ratio, coin)
    return side, fill(amount, price, draw(AMOUNTS), coin, draw(PRICES))


HISTORIES = st.lists(st.one_of(fills(), st.just(None)), max_size=30)
"""Fills in any order, oversold ones too; None closes a trade."""


def played(history: list[tuple[Side, Fill] | None]) -> tuple[Books, Account, Decimal]:
    """Books and account after a history, and what its closed trades realised."""
    books, account, realised = EMPTY_BOOKS, Account(), dec(0)
    for event in history:
        if event is None:
            if books.sold:
                realised += books.unsettled
            books = books.settled()
            continue
        side, each = event
        books = books.booked(side, each, MARKET)
        account.trades(side, each)
    return books, account, realised


@given(HISTORIES)
def test_what_is_held_is_what_came_in_less_what_went_out(history: list[tuple[Side, Fill] | None]) -> None:
    books, account, _ = played(history)
    assert Fraction(books.held) == account.base
    assert books.held == sum((lot.amount for lot in books.lots), dec(0))
    assert books.held_cost == sum((lot.amount * lot.price for lot in books.lots), dec(0))


@given(HISTORIES, PRICES)
def test_realised_and_open_profit_are_the_change_of_the_account_at_any_price(
    history: list[tuple[Side, Fill] | None], bid: Decimal
) -> None:
    books, account, realised = played(history)
    value = account.base * Fraction(bid) + account.quote
    assert Fraction(realised + books.open_profit(bid)) == value


@given(HISTORIES)
def test_lots_never_stand_on_both_sides(history: list[tuple[Side, Fill] | None]) -> None:
    books, _, _ = played(history)
    assert len({lot.amount > 0 for lot in books.lots}) <= 1
    assert all(lot.amount for lot in books.lots)


@given(st.lists(fills(), min_size=1, max_size=12), st.integers(1, 9))
def test_a_fill_in_parts_is_booked_as_the_whole(history: list[tuple[Side, Fill]], parts: int) -> None:
    whole = in_parts = EMPTY_BOOKS
    for side, each in history:
        whole = whole.booked(side, each, MARKET)
        amount = each.amount * parts / 10
        fee = each.fee * parts / 10
        for part in (
            replace(each, amount=amount, fee=fee),
            replace(each, amount=each.amount - amount, fee=each.fee - fee),
        ):
            in_parts = in_parts.booked(side, part, MARKET)
    assert in_parts.held == whole.held
    assert in_parts.bought == whole.bought
    assert in_parts.fees == whole.fees
    assert in_parts.held_cost - in_parts.unsettled == whole.held_cost - whole.unsettled


def buy(amount: str, price: str, fee: str = "0", coin: str = "USDT") -> tuple[Side, Fill]:
    return Side.BUY, fill(dec(amount), dec(price), dec(fee), coin)


def sell(amount: str, price: str, fee: str = "0", coin: str = "USDT") -> tuple[Side, Fill]:
    return Side.SELL, fill(dec(amount), dec(price), dec(fee), coin)


def test_the_ledgers_example_comes_out_to_the_last_digit() -> None:
    books, _, _ = played([buy("0.001", "60000.1", "0.0120000200"), sell("0.001", "60300.2", "0.01206004")])
    assert (books.sold, books.cost, books.proceeds) == (dec("0.001"), dec("60.0001"), dec("60.3002"))
    assert books.fees == dec("0.0240600600")
    assert books.unsettled == dec("0.3001") - dec("0.02406006")


def test_a_fee_in_the_bought_coin_is_a_fee_at_the_price_of_its_fill_and_not_cost() -> None:
    books, _, _ = played([buy("0.001", "60000", "0.000001", "BTC")])
    assert (books.held, books.held_cost, books.fees) == (dec("0.000999"), dec("59.94"), dec("0.06"))
    assert books.bought == dec("0.001")


def test_dust_stays_with_its_own_cost_and_joins_the_next_exit_first() -> None:
    books, _, _ = played([buy("0.00109", "60000"), sell("0.001", "60300"), None, buy("0.001", "50000")])
    assert books.lots == (Lot(dec("0.00009"), dec(60_000)), Lot(dec("0.001"), dec(50_000)))
    books = books.booked(*sell("0.001", "50250"), MARKET)
    assert books.cost == dec("0.00009") * 60_000 + dec("0.00091") * 50_000
    assert books.lots == (Lot(dec("0.00009"), dec(50_000)),)


def test_a_sale_beyond_what_is_held_joins_the_profit_only_when_a_purchase_covers_it() -> None:
    books, _, _ = played([buy("1", "100"), sell("1.5", "110")])
    assert (books.held, books.sold, books.unsettled) == (dec("-0.5"), dec(1), dec(10))
    assert books.open_profit(dec(120)) == 10 - dec("0.5") * 10
    covered = books.settled().booked(*buy("1", "90"), MARKET)
    assert (covered.held, covered.sold, covered.unsettled) == (dec("0.5"), dec("0.5"), dec(10))


def test_fees_of_a_leg_that_sold_nothing_are_carried_until_a_trade_can_bear_them() -> None:
    books, _, _ = played([buy("1", "100", "0.1"), None])
    assert (books.bought, books.sold, books.fees) == (dec(0), dec(0), dec("0.1"))
    books = books.booked(*sell("1", "110", "0.11"), MARKET)
    assert books.unsettled == dec("9.79")
    assert books.settled().fees == 0


def test_a_fee_in_a_coin_without_a_price_contradicts_and_a_fee_of_nothing_does_not() -> None:
    with pytest.raises(ProtocolError, match="BNB, which has no price"):
        fee_value(fill(dec(1), dec(1), dec("0.1"), THIRD), MARKET)
    assert fee_value(fill(dec(1), dec(1), dec(0), THIRD), MARKET) == 0


def test_prices_of_a_closed_trade_are_averages_and_its_profit_is_not() -> None:
    trade = RoundTrip("g1", "g1.7", 3, "BTC/USDT", dec(3), dec(100), dec(200), dec("0.1"), "USDT", START)
    assert trade.key == "g1.7:3"
    assert str(trade.entry) == "33.33333333333333"
    assert str(trade.exit) == "66.66666666666667"
    assert (trade.gross, trade.pnl) == (dec(100), dec("99.9"))
