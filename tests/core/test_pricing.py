"""Maker prices: beside the book and never across it, towards the target and never away, and followed in time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Quote, Side
from bot.core.pricing import Offset, Offsets, follow_bound, give_way, maker_price
from tests.fakes import BTC, START, dec, market

MARKET = market()
CENTS = st.integers(2_00, 90_000_00).map(lambda cents: Decimal(cents).scaleb(-2))
OFFSET = st.builds(
    Offset,
    absolute=st.sampled_from([dec(0), dec("0.01"), dec("0.1"), dec("3.33"), dec("0.005")]),
    ratio=st.sampled_from([dec(0), dec("0.0001"), dec("0.01"), dec("0.0003333")]),
)
OFFSETS = st.builds(Offsets, OFFSET, OFFSET)


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    bid = draw(CENTS)
    return Quote(BTC, bid, bid + Decimal(draw(st.integers(0, 500))).scaleb(-2), START)


def quote(bid: str, ask: str) -> Quote:
    return Quote(BTC, dec(bid), dec(ask), START)


@given(CENTS, quotes(), OFFSETS)
def test_a_buy_never_crosses_and_is_never_above_its_target(target: Decimal, at: Quote, offsets: Offsets) -> None:
    price = maker_price(Side.BUY, target, at, MARKET, offsets)
    room = at.ask - max(offsets.buy.at(at.ask), MARKET.price_tick)
    assert price <= target
    if room <= 0:
        assert price <= 0  # no price is left beside the market: nothing is placed
        return
    assert price <= room
    # As near to the target as that allows: one tick more would be too near to the book.
    assert price == target or (price % MARKET.price_tick == 0 and price + MARKET.price_tick > room)


@given(CENTS, quotes(), OFFSETS)
def test_a_sell_never_crosses_and_is_never_below_its_target(target: Decimal, at: Quote, offsets: Offsets) -> None:
    price = maker_price(Side.SELL, target, at, MARKET, offsets)
    room = at.bid + max(offsets.sell.at(at.bid), MARKET.price_tick)
    assert price >= room
    assert price >= target
    assert price == target or (price % MARKET.price_tick == 0 and price - MARKET.price_tick < room)


@pytest.mark.parametrize(
    ("side", "target", "offset", "expected"),
    [
        (Side.BUY, "99", Offset(), "99"),
        (Side.BUY, "100", Offset(), "99.99"),
        (Side.BUY, "105", Offset(), "99.99"),
        (Side.BUY, "105", Offset(absolute=dec("0.5")), "99.5"),
        (Side.BUY, "105", Offset(absolute=dec("0.501")), "99.49"),
        (Side.BUY, "105", Offset(ratio=dec("0.001")), "99.9"),
        (Side.BUY, "105", Offset(ratio=dec("0.00123")), "99.87"),
        (Side.SELL, "100", Offset(), "100"),
        (Side.SELL, "90", Offset(), "99.51"),
        (Side.SELL, "90", Offset(absolute=dec("0.5")), "100"),
        (Side.SELL, "90", Offset(absolute=dec("0.501")), "100.01"),
        (Side.SELL, "90", Offset(ratio=dec("0.001")), "99.6"),
    ],
)
def test_offsets_are_counted_from_the_book(side: Side, target: str, offset: Offset, expected: str) -> None:
    at = quote("99.5", "100")
    offsets = Offsets(buy=offset) if side is Side.BUY else Offsets(sell=offset)
    assert maker_price(side, dec(target), at, MARKET, offsets) == dec(expected)


def test_on_a_candles_close_where_bid_is_ask_there_is_a_tick_between() -> None:
    at = quote("100", "100")
    assert maker_price(Side.BUY, dec(100), at, MARKET, Offsets()) == dec("99.99")
    assert maker_price(Side.SELL, dec(100), at, MARKET, Offsets()) == dec("100.01")


@given(st.sampled_from(Side), CENTS, CENTS, quotes(), OFFSETS)
def test_whenever_an_order_would_be_worth_moving_its_bound_was_reached(
    side: Side, resting: Decimal, target: Decimal, at: Quote, offsets: Offsets
) -> None:
    way = give_way(side, resting, offsets)
    bound = follow_bound(side, resting, MARKET, offsets)
    price = maker_price(side, target, at, MARKET, offsets)
    gain = price - resting if side is Side.BUY else resting - price
    if gain > way:
        assert at.ask >= bound if side is Side.BUY else at.bid <= bound


def test_an_order_gives_way_by_the_offset_or_by_half_a_thousandth() -> None:
    assert give_way(Side.BUY, dec(60_000), Offsets()) == dec(30)
    assert give_way(Side.BUY, dec(60_000), Offsets(buy=Offset(absolute=dec(50)))) == dec(50)
    assert give_way(Side.SELL, dec(60_000), Offsets(sell=Offset(ratio=dec("0.01")))) == dec(600)
