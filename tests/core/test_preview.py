"""The preview of a grid: rounding, money, refusals with advice that works, and what buys at once."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.grids import GridSpec, Shape
from bot.core.model import FeeSide, Market, Position, Quote
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import Offset, Offsets
from tests.fakes import BTC, START, dec, market
from tests.perpetuals import PERP, perpetual

QUOTED = market(fee_side=FeeSide.QUOTE)
LINEAR = GridSpec(Shape.LINEAR, BTC, dec(54_000), dec(66_000), 5, dec("0.001"), None, dec("0.5"))


def seen(
    spec: GridSpec = LINEAR,
    rules: Market = QUOTED,
    price: str = "70000",
    limits: Limits | None = None,
    offsets: Offsets | None = None,
) -> Preview:
    quote = Quote(rules.symbol, dec(price), dec(price) + rules.price_tick, START)
    return preview(spec, rules, quote, offsets or Offsets(), limits or Limits())


def test_levels_are_numbered_from_the_lowest_up_and_know_their_exits_and_amounts() -> None:
    made = seen()
    assert [level.number for level in made.levels] == [1, 2, 3, 4, 5]
    assert [level.entry for level in made.levels] == [54_000, 57_000, 60_000, 63_000, 66_000]
    assert [level.exit for level in made.levels] == [54_270, 57_285, 60_300, 63_315, 66_330]
    assert {level.amount for level in made.levels} == {dec("0.001")}
    assert made.problems == ()


def test_capital_is_what_all_levels_bind_and_fees_that_come_on_top() -> None:
    assert seen().capital == dec(300) + dec("0.3")
    assert seen(rules=market()).capital == dec(300)


def test_net_profit_is_after_the_fees_of_both_legs() -> None:
    first = seen().levels[0]
    assert first.net == dec("0.27") - dec("0.001") * (54 + dec("54.27"))
    # Fees out of the bought coin: less is sold, cut to the step; what stays behind is dust and counts for nothing.
    small = seen(rules=market(step="0.000001")).levels[0]
    assert small.net == dec("0.000999") * 270 - dec("0.001") * (54 + dec("0.000999") * 54_270)


def test_net_per_cent_is_of_the_capital() -> None:
    made = seen()
    assert made.net_low < made.net_high
    assert float(made.net_pct) == pytest.approx(float(sum(level.net for level in made.levels)) * 100 / 300.3)


def test_levels_above_the_market_buy_at_once_near_it_and_cost_that() -> None:
    made = seen(price="60000", offsets=Offsets(buy=Offset(absolute=dec(5))))
    assert [level.number for level in made.immediate] == [3, 4, 5]
    assert {level.buys_at for level in made.immediate} == {dec("59995.01")}
    assert made.immediate_cost == 3 * dec("59.99501")
    waiting = seen(replace(LINEAR, above_wait=True), price="60000")
    assert waiting.immediate == ()
    assert waiting.immediate_cost == 0


def test_twins_are_refused_with_advice_that_fits() -> None:
    spec = replace(LINEAR, minimum=dec("100"), maximum=dec("100.05"), count=20, amount=dec(1))
    problem = seen(spec, price="100.1").problems[0]
    assert "Levels 1 and 2 fall on the same price 100" in problem
    assert "at most 6 fit" in problem
    assert seen(replace(spec, count=6, profit_pct=dec(1)), price="100.1").problems == ()


def test_tiny_and_huge_prices_keep_every_digit() -> None:
    rules = market("PEPE/USDT", tick="0.00000001", step="1", min_amount="1", min_cost="1")
    spec = replace(LINEAR, symbol="PEPE/USDT", minimum=dec("0.00001234"), maximum=dec("0.00002234"), count=3)
    made = seen(replace(spec, amount=dec(100_000)), rules, "0.00003")
    assert [level.entry for level in made.levels] == [dec("0.00001234"), dec("0.00001734"), dec("0.00002234")]
    assert [level.exit for level in made.levels] == [dec("0.00001241"), dec("0.00001743"), dec("0.00002246")]
    assert made.capital == dec("5.202")
    huge = market("BTC/IDR", tick="1000", step="0.00000001", min_amount="0.00000001", min_cost="10000")
    spec = replace(LINEAR, symbol="BTC/IDR", minimum=dec(10**9), maximum=dec(10**9 + 999_999), count=2)
    made = seen(replace(spec, force=True), huge, "2000000000")
    assert [level.entry for level in made.levels] == [10**9, 10**9 + 999_000]
    assert made.levels[1].exit == dec(1_006_004_000)


@given(
    price=st.integers(1, 10**7).map(lambda cents: Decimal(cents).scaleb(-2)),
    fee=st.sampled_from(["0", "0.0002", "0.001", "0.01"]),
    side=st.sampled_from(FeeSide),
    step=st.sampled_from(["0.000001", "0.001", "1"]),
    least=st.sampled_from(["0.000001", "0.0002", "3"]),
    cost=st.sampled_from(["0", "5", "11.3"]),
    budgeted=st.booleans(),
    count=st.integers(1, 4),
)
def test_the_smallest_that_is_said_to_work_works(
    price: Decimal, fee: str, side: FeeSide, step: str, least: str, cost: str, budgeted: bool, count: int
) -> None:
    rules = market(tick="0.01", step=step, min_amount=least, min_cost=cost, fee=fee, fee_side=side)
    one = GridSpec(Shape.LINEAR, BTC, price, price, 1, dec("0.0000001"), None, dec(2), force=True)
    if budgeted:
        one = replace(one, amount=None, budget=dec("0.0000001"), maximum=price * 2 if count > 1 else price, count=count)
    made = seen(one, rules, str(price))
    assume(made.levels[-1].refused)
    words = made.levels[-1].refused.split()
    smallest = Decimal(words[-2])
    bigger = replace(one, budget=smallest) if budgeted else replace(one, amount=smallest)
    again = seen(bigger, rules, str(price))
    assert not again.levels[-1].refused
    if not budgeted:  # and nothing on the step below it does
        less = replace(one, amount=smallest - rules.amount_step)
        assert seen(less, rules, str(price)).levels[-1].refused
    elif smallest > dec("0.001"):
        less = replace(one, budget=smallest * dec("0.98"))
        assert seen(less, rules, str(price)).levels[-1].refused


def test_a_level_that_can_be_bought_but_not_sold_after_the_fee_is_refused_at_entry() -> None:
    rules = market(step="0.0001", min_amount="0.001", min_cost="0")
    made = seen(replace(LINEAR, amount=dec("0.001")), rules)
    assert "the smallest that works is 0.0011 BTC" in made.levels[0].refused
    assert "No level can trade" in made.problems[0]


def test_a_refused_level_alone_forbids_nothing() -> None:
    rules = market(fee_side=FeeSide.QUOTE, min_cost="60")
    made = seen(rules=rules)
    assert [level.number for level in made.refused] == [1, 2]
    assert made.problems == ()
    assert [level.id for level in made.to_levels("g4")] == ["g4.3", "g4.4", "g4.5"]
    assert made.capital == dec("0.001") * (60_000 + 63_000 + 66_000) * dec("1.001")


def test_a_price_below_one_tick_is_refused() -> None:
    rules = market(tick="1", min_cost="0", min_amount="0")
    made = seen(replace(LINEAR, minimum=dec("0.5"), maximum=dec(3), count=2, amount=dec(1)), rules, "4")
    assert "below one tick" in made.levels[0].refused


@pytest.mark.parametrize("fee", ["0.0002", "0.001", "0.0075"])
@pytest.mark.parametrize("side", list(FeeSide))
def test_a_profit_below_the_fees_is_refused_with_one_that_is_enough(fee: str, side: FeeSide) -> None:
    rules = market(fee=fee, fee_side=side, step="0.00000001")
    poor = replace(LINEAR, profit_pct=dec(fee) * 100)
    problem = seen(poor, rules).problems[0]
    assert "below the fees of both legs" in problem
    enough = dec(problem.split("Take ")[1].split(" %")[0])
    assert seen(replace(poor, profit_pct=enough), rules).problems == ()
    assert seen(replace(poor, force=True), rules).problems == ()


@pytest.mark.parametrize(("price", "is_far"), [("35998", True), ("36000", False), ("131999", False), ("132001", True)])
def test_a_range_wholly_more_than_half_the_price_away_needs_force(price: str, is_far: bool) -> None:
    made = seen(replace(LINEAR, above_wait=True), market(tick="1", fee_side=FeeSide.QUOTE), price)
    assert ["half the price away" in problem for problem in made.problems] == [True] * is_far
    assert seen(replace(LINEAR, force=True), price=price).problems == ()


def test_exposure_and_funds_are_asked_for_before_anything_is_made() -> None:
    assert seen(limits=Limits(exposure=dec("300.3"))).problems == ()
    over = seen(replace(LINEAR, force=True), limits=Limits(exposure=dec("300.2"))).problems
    assert "more than MAX_EXPOSURE allows (300.2)" in over[0]
    assert seen(limits=Limits(free=dec("300.3"))).problems == ()
    assert "300.3 USDT at worst, and 300 are free" in seen(limits=Limits(free=dec(300))).problems[0]
    assert seen(replace(LINEAR, force=True), limits=Limits(free=dec(300))).problems == ()


def test_a_person_is_asked_again_only_when_it_matters() -> None:
    shown = seen(price="60000")
    assert not shown.changed_since(seen(price="60001"))
    assert not shown.changed_since(seen(price="63500"))  # one level more or less buys at once
    assert shown.changed_since(seen(price="53000"))
    assert shown.changed_since(seen(replace(LINEAR, amount=dec("0.002")), price="60000"))
    assert shown.changed_since(seen(price="60000", limits=Limits(free=dec(1))))


@given(st.integers(1, 30), st.integers(100, 100_000))
def test_a_budget_is_never_exceeded(count: int, budget: int) -> None:
    spec = replace(LINEAR, amount=None, budget=dec(budget), count=count)
    made = seen(spec, market(step="0.00001"))
    assert made.capital <= budget
    assert sum((level.amount * level.entry for level in made.levels), dec(0)) <= budget


# -- perpetuals --------------------------------------------------------------------------------------------------------

GEARED = replace(LINEAR, symbol=PERP)
FLAT = Position(dec(0), dec(0), dec(10), isolated=True, one_way=True)


def geared(leverage: str | None = "3", position: Position | None = FLAT, **limits: Decimal) -> Limits:
    return Limits(leverage=dec(leverage) if leverage else None, position=position, **limits)


def test_on_a_perpetual_what_is_bound_is_the_margin_with_fees() -> None:
    made = seen(GEARED, perpetual(), limits=geared())
    assert made.problems == ()
    assert made.cost == 300 + dec("0.06")
    assert made.capital == 100 + dec("0.06")
    assert made.gearing is not None
    assert made.gearing.margin == made.capital
    assert made.gearing.liquidation == dec("40201.01")  # 60,000 × (2 / 3) / 0.995, rounded up
    assert seen().gearing is None


def test_funds_are_asked_for_the_margin_and_exposure_for_the_notional() -> None:
    assert seen(GEARED, perpetual(), limits=geared(free=dec("100.06"))).problems == ()
    assert "100 are free" in seen(GEARED, perpetual(), limits=geared(free=dec(100))).problems[0]
    assert "MAX_EXPOSURE allows (300)" in seen(GEARED, perpetual(), limits=geared(exposure=dec(300))).problems[0]


def test_a_liquidation_above_the_lowest_entry_is_refused_unless_forced() -> None:
    limits = geared("12")
    (problem,) = seen(GEARED, perpetual(), limits=limits).problems
    assert "liquidated near 55276.39, above MIN (54000)" in problem
    forced = seen(replace(GEARED, force=True), perpetual(), limits=limits)
    assert forced.problems == ()
    assert forced.gearing is not None
    assert seen(GEARED, perpetual(), limits=geared("9")).problems == ()


def test_the_position_that_is_there_joins_the_estimate() -> None:
    there = Position(dec("0.005"), dec(70_000), dec(3), isolated=True, one_way=True)
    made = seen(GEARED, perpetual(), limits=geared("3", there))
    assert made.gearing is not None
    assert made.gearing.liquidation == dec("43551.09")  # of (60,000 + 70,000) / 2
    assert made.capital == 100 + dec("0.06")


def test_an_unknown_leverage_names_the_setting() -> None:
    (problem,) = seen(GEARED, perpetual(), limits=geared(None)).problems
    assert "Set LEVERAGE" in problem


def test_a_pretend_account_pays_in_full_whatever_the_leverage() -> None:
    made = seen(GEARED, perpetual(), limits=geared("3", None, free=dec("300.06")))
    assert made.problems == ()
    assert made.capital == dec("300.06")
    assert made.gearing is not None
    assert made.gearing.margin == dec("100.06")
    assert "are free" in seen(GEARED, perpetual(), limits=geared("3", None, free=dec(300))).problems[0]
