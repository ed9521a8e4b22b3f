"""What is offered at each step of a new grid: it works, it is marked, and the last choice comes first."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.drafts import Draft
from bot.core.grids import GridSpec, Shape
from bot.core.model import Candle, FeeSide, Market, Quote
from bot.core.money import use_exact
from bot.core.portfolio import Grid
from bot.core.preview import Limits, preview
from bot.core.pricing import NO_OFFSETS
from bot.core.specs import as_command
from bot.errors import CommandError
from bot.reports import offers
from bot.reports.offers import Offer
from bot.reports.suggestion import Facts, span_of, spec_of, suggested_spec

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BTC = Market(
    "BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.000001"), Decimal("0.00001"), Decimal(5), Decimal("0.001"),
    Decimal("0.001"),
)  # fmt: skip
TINY = replace(
    BTC,
    symbol="PEPE/USDT",
    base="PEPE",
    price_tick=Decimal("0.00000001"),
    amount_step=Decimal(1),
    min_amount=Decimal(1),
)


Step = Callable[[Draft, Facts], list[Offer]]


@pytest.fixture(autouse=True)
def exact_context() -> Iterator[None]:
    with localcontext():
        use_exact()
        yield


def facts(market: Market = BTC, price: str = "62500", free: str = "10000", exposure: Decimal | None = None) -> Facts:
    bid = Decimal(price)
    quote = Quote(market.symbol, bid, bid + market.price_tick, NOW)
    return Facts(market, quote, Limits(free=Decimal(free), exposure=exposure), NO_OFFSETS, (market.symbol,))


def draft(**given: str) -> Draft:
    return Draft({"symbol": "BTC/USDT", "shape": "linear", **given})


def only(found: list[Offer]) -> Offer:
    (suggested,) = [offer for offer in found if offer.is_suggested]
    return suggested


@pytest.mark.parametrize("market", [BTC, TINY, replace(BTC, fee_side=FeeSide.QUOTE)])
@pytest.mark.parametrize("free", ["12", "100", "10000", "123456789"])
@pytest.mark.parametrize("shape", list(Shape))
def test_whatever_is_pressed_makes_a_grid_that_can_be_created(market: Market, free: str, shape: Shape) -> None:
    known = facts(market, "62500" if market is not TINY else "0.00001234", free)
    begun = Draft({"symbol": market.symbol, "shape": shape})
    suggested = offers.draft_of(suggested_spec(shape, known))
    for step in (offers.ranges, offers.counts, offers.sizes, offers.profits, offers.loops):
        for offer in step(begun, known):
            spec = spec_of(shape, known, suggested.plus(offer.given).pairs)
            made = preview(spec, known.market, known.quote, known.offsets, known.limits)
            money_moved = step in (offers.counts, offers.ranges)  # the size is asked for after them
            assert money_moved or not made.problems, (step.__name__, offer, made.problems)


@pytest.mark.parametrize("step", [offers.ranges, offers.counts, offers.sizes, offers.profits, offers.loops])
def test_one_of_the_offers_is_suggested_and_stands_in_the_suggested_grid(
    step: Step,
) -> None:
    known = facts()
    whole = offers.draft_of(suggested_spec(Shape.LINEAR, known))
    after = spec_of(Shape.LINEAR, known, whole.plus(only(step(draft(), known)).given).pairs)
    assert after == suggested_spec(Shape.LINEAR, known)


def test_sizes_are_shares_of_the_free_funds_over_the_minimum() -> None:
    found = offers.sizes(draft(min="60000", max="65000", count="50"), facts())
    assert [offer.given for offer in found if "budget" in offer.given] == [
        {"budget": "1000"}, {"budget": "2500"}, {"budget": "5000"}, {"budget": "10000"},
    ]  # fmt: skip
    poor = offers.sizes(draft(min="60000", max="65000", count="50"), facts(free="1500"))
    assert [offer.name for offer in poor if "budget" in offer.given] == ["25%", "50%", "100%"]  # 150 would be too small


def test_sizes_stay_within_the_exposure_that_is_allowed() -> None:
    found = offers.sizes(draft(), facts(exposure=Decimal(3000)))
    assert [offer.name for offer in found if "budget" in offer.given] == ["10%", "25%"]


def test_a_fee_on_top_is_kept_back_of_all_the_funds() -> None:
    known = facts(replace(BTC, fee_side=FeeSide.QUOTE), free="1000")
    assert offers.share_of(known, Decimal(100)) == 999
    spec = spec_of(Shape.LINEAR, known, draft(min="60000", max="65000", count="5", profit="1%", budget="999").pairs)
    assert not preview(spec, known.market, known.quote, known.offsets, known.limits).problems


def test_the_smallest_size_is_the_smallest_that_works() -> None:
    known = facts()
    (smallest,) = [offer for offer in offers.sizes(draft(), known) if offer.name == offers.SMALLEST]
    whole = offers.draft_of(suggested_spec(Shape.LINEAR, known)).plus(smallest.given)

    def refused(pairs: dict[str, str]) -> int:
        spec = spec_of(Shape.LINEAR, known, pairs)
        return len(preview(spec, known.market, known.quote, known.offsets, known.limits).refused)

    less = str(Decimal(smallest.given["qty"]) - BTC.amount_step)
    assert refused(whole.pairs) == 0
    assert refused({**whole.pairs, "qty": less}) > 0


def test_profits_are_clearly_over_the_fees_and_say_what_they_earn() -> None:
    found = offers.profits(draft(), facts())
    assert [offer.name for offer in found] == ["0.3%", "0.5%", "0.8%", "1%"]
    assert all(offer.figure is not None and offer.figure > 0 for offer in found)
    assert found == sorted(found, key=lambda offer: offer.figure or 0)
    dear = offers.profits(draft(), facts(replace(BTC, maker_fee_ratio=Decimal("0.009"))))
    assert [offer.name for offer in dear] == ["3%", "3.6%", "5%", "8%", "10%"]
    assert only(dear).name == "3.6%"


def test_the_net_of_a_profit_is_that_of_the_level_in_the_middle() -> None:
    known = facts()
    spec = spec_of(Shape.LINEAR, known, draft(min="60000", max="65000", count="3", qty="0.01", profit="1%").pairs)
    made = preview(spec, known.market, known.quote, known.offsets, known.limits)
    assert offers.net_of(spec, Decimal(1), known) == made.levels[1].net


def test_counts_fit_the_tick_and_the_funds() -> None:
    assert [offer.name for offer in offers.counts(draft(), facts())] == ["10", "20", "50", "100"]
    assert [offer.name for offer in offers.counts(draft(), facts(free="60"))] == ["2", "5", "10"]
    narrow = offers.counts(draft(min="62500", max="62500.08"), facts())
    assert [offer.name for offer in narrow] == ["2", "5"]


def test_the_last_choice_comes_first_where_it_means_something() -> None:
    found = offers.ranges(draft(), facts())
    same = offers.with_last(found, {"min": "-5%", "max": "+5%", "symbol": "X/Y"}, ("min", "max"), draft())
    assert same[0].is_last and same[0].name == "5%" and len(same) == len(found)
    typed = {"min": "60000", "max": "65000"}
    here = offers.with_last(found, {**typed, "symbol": "BTC/USDT"}, ("min", "max"), draft())
    assert here[0] == Offer(typed, is_last=True) and len(here) == len(found) + 1
    elsewhere = offers.with_last(found, {**typed, "symbol": "ETH/USDT"}, ("min", "max"), draft())
    assert elsewhere == found
    coins = offers.with_last([], {"budget": "700", "symbol": "ETH/USDT"}, ("qty", "budget"), draft())
    assert coins == [Offer({"budget": "700"}, is_last=True)]
    assert offers.with_last([], {"budget": "700", "symbol": "ETH/BTC"}, ("qty", "budget"), draft()) == []
    assert offers.with_last([], {"qty": "7", "symbol": "ETH/USDT"}, ("qty", "budget"), draft()) == []


def test_markets_are_the_default_then_recent_then_favourite_ones() -> None:
    def grid(number: int, symbol: str) -> Grid:
        one = Decimal(1)
        return Grid(f"g{number}", number, GridSpec(Shape.LINEAR, symbol, one, one, 1, one, None, one), NOW)

    symbols = [f"C{number}/USDT" for number in range(500)] + ["BTC/USDT"]
    made = [grid(1, "C1/USDT"), grid(2, "C2/USDT"), grid(3, "C2/USDT"), grid(4, "GONE/USDT")]
    found = offers.worth_offering("BTC/USDT", symbols, ["C9/USDT", "GONE/USDT"], made)
    assert found == ("BTC/USDT", "C9/USDT", "C2/USDT", "C1/USDT")
    assert offers.worth_offering("BTC/USDT", ["ETH/USDT", "BTC/USDT"], [], []) == ("BTC/USDT", "ETH/USDT")


def test_a_suggestion_keeps_every_answer() -> None:
    given = {"min": "60000", "max": "65000", "count": "7", "profit": "2%", "loop": "no", "stop": "50000"}
    spec = suggested_spec(Shape.GEOMETRIC, facts(), given)
    assert as_command(spec) == "/geometric BTC/USDT 60000 65000 7 0.005 2% stop=50000"
    assert suggested_spec(Shape.LINEAR, facts(), {"budget": "700"}).budget == 700


def test_ends_relative_to_the_market_are_easy_to_read_unless_that_would_bend_them() -> None:
    pairs = {"count": "3", "qty": "0.01", "profit": "1%"}
    wide = spec_of(Shape.LINEAR, facts(price="62513.37"), {"min": "-1%", "max": "+1%", **pairs})
    assert as_command(wide) == "/linear BTC/USDT 61890 63140 3 0.01 1%"
    narrow = spec_of(Shape.LINEAR, facts(price="62513.37"), {"min": "-0.01%", "max": "+0.01%", **pairs})
    assert narrow.minimum == Decimal("62513.37") * Decimal("0.9999")
    typed = spec_of(Shape.LINEAR, facts(), {"min": "61234.56", "max": "+1%", **pairs})
    assert as_command(typed) == "/linear BTC/USDT 61234.56 63120 3 0.01 1%"


def test_the_range_of_the_past_is_rounded_outwards() -> None:
    one = Decimal(1)
    candles = [
        Candle(NOW + timedelta(minutes=n), one, Decimal(high), Decimal(low), one, one)
        for n, (low, high) in enumerate([("61234.5", "62000"), ("61999", "63333.3")])
    ]
    assert span_of(candles, BTC) == {"min": "61230", "max": "63340"}
    with pytest.raises(CommandError, match="type two prices"):
        span_of([], BTC)


@given(
    price=st.decimals("0.00001", "99999", places=5),
    free=st.decimals("0", "1000000", places=2),
    fee=st.integers(0, 100),
    count=st.one_of(st.none(), st.integers(1, 300)),
)
def test_any_market_has_offers(price: Decimal, free: Decimal, fee: int, count: int | None) -> None:
    market = replace(TINY, symbol="BTC/USDT", maker_fee_ratio=Decimal(fee) / 10_000)
    known = facts(market, str(price), str(free))
    begun = draft(**({"count": str(count)} if count is not None else {}))
    for step in (offers.ranges, offers.counts, offers.sizes, offers.profits, offers.loops):
        found = step(begun, known)
        assert 2 <= len(found) <= 7
        assert sum(offer.is_suggested for offer in found) == 1
    assert offers.example_range(known) and offers.example_amount(known)
