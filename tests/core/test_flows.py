"""Double entry: the running sums of what fills moved against the coins themselves, counted with fractions."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.core.flows import NO_FLOW, Flow, together, with_fee
from bot.core.model import Side
from tests.core.test_accounting import MARKET, fills
from tests.fakes import dec

FUNDING = st.integers(-(10**9), 10**9).map(lambda units: Decimal(units).scaleb(-8))
HISTORIES = st.lists(st.one_of(fills(), FUNDING), max_size=40)


@given(HISTORIES)
def test_what_flowed_is_what_the_account_changed_by_in_every_coin(history: list[object]) -> None:
    flow, account = NO_FLOW, defaultdict[str, Fraction](Fraction)
    for event in history:
        if isinstance(event, Decimal):
            flow = flow.funded(event)
            account[MARKET.quote] += Fraction(event)
            continue
        assert isinstance(event, tuple)
        side, fill = event
        flow = flow.traded(side, fill)
        sign = 1 if side is Side.BUY else -1
        account[MARKET.base] += sign * Fraction(fill.amount)
        account[MARKET.quote] -= sign * Fraction(fill.amount) * Fraction(fill.price)
        account[fill.fee_currency] -= Fraction(fill.fee)
    net = flow.net(MARKET)
    for coin in net.keys() | account.keys():
        assert Fraction(net.get(coin, Decimal(0))) == account[coin]
    assert flow.fills == sum(isinstance(event, tuple) for event in history)


@given(st.lists(st.tuples(st.sampled_from(["BTC", "USDT", "BNB"]), FUNDING), max_size=12))
def test_fees_of_one_coin_stand_together(paid: list[tuple[str, Decimal]]) -> None:
    fees = together(*(((coin, amount),) for coin, amount in paid))
    assert len({coin for coin, _ in fees}) == len(fees)
    for coin, amount in fees:
        assert amount == sum((each for other, each in paid if other == coin), dec(0))


def test_volume_counts_both_ways() -> None:
    flow = Flow(spent=dec(60), received=dec(61), fees=with_fee((), "BNB", dec("0.1")))
    assert flow.volume == dec(121)
