"""Whose hand took an order off the book; how long a level waits after a refusal; the venue's band of prices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.events import CloseReason, OrderAccepted, OrderRefused, Refusal
from bot.core.lifecycle import Mode, State
from bot.core.model import Leg, Quote
from bot.core.money import ZERO
from bot.core.snapshot import LevelBlocked, LevelHalted, OrderCutShort
from bot.core.wishes import TOO_FAR, TOO_SMALL, Moment, needs_seat
from tests.core.levels import QUOTED, Story, fresh
from tests.fakes import BTC, dec, market


def told(story: Story, kind: type) -> int:
    return sum(isinstance(notice, kind) for notice in story.told)


# -- a person's cancel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "halts"), [(0, False), (4.9, False), (5, True), (86_400, True)])
def test_what_is_gone_within_seconds_was_no_person(seconds: float, halts: bool) -> None:
    story = Story()
    order = story.rests()
    story.later(seconds)
    story.closes(order.client_id, reason=CloseReason.PERSON)
    assert (story.executor.mode is Mode.HALTED) is halts
    assert told(story, LevelHalted) == halts
    assert (story.executor.back is None) is halts


def test_our_own_cancel_is_no_persons_even_where_nobody_remembers_who_asked() -> None:
    story = Story()
    order = story.rests()
    story.later(60)
    story.mode = Mode.PAUSED
    story.act()
    story.closes(order.client_id, reason=CloseReason.PERSON)
    assert story.executor.mode is Mode.RUNNING
    assert story.told == []


def test_a_cancel_of_ours_that_works_late_is_still_ours() -> None:
    story = Story()
    order = story.rests()
    story.mode = Mode.PAUSED
    story.act()
    story.later(60)
    story.hear(OrderAccepted(order.client_id, story.now))  # seen on the book: the cancel did not take, it seems
    story.mode = Mode.RUNNING
    story.later(60)
    story.closes(order.client_id, reason=CloseReason.PERSON)
    assert story.executor.mode is Mode.RUNNING
    assert story.places().leg is Leg.ENTRY


def test_the_same_news_twice_is_told_once() -> None:
    story = Story()
    order = story.rests()
    story.later(60)
    for _ in range(3):
        story.closes(order.client_id, reason=CloseReason.PERSON)
    assert told(story, LevelHalted) == 1


@pytest.mark.parametrize("trades_first", [True, False])
def test_of_an_order_cut_short_what_traded_is_sold_and_the_owner_told_once(trades_first: bool) -> None:
    story = Story()
    order = story.rests()
    story.later(60)
    if trades_first:
        story.fills(order.client_id, "0.0004", "60000")
    story.closes(order.client_id, "0.0004", CloseReason.PERSON)
    story.closes(order.client_id, "0.0004", CloseReason.PERSON)
    if not trades_first:
        assert story.wish().why.startswith("waiting for the trades")
        story.fills(order.client_id, "0.0004", "60000")
    (cut,) = [notice for notice in story.told if isinstance(notice, OrderCutShort)]
    assert (cut.filled, cut.amount) == (dec("0.0004"), dec("0.001"))
    assert story.executor.mode is Mode.RUNNING
    assert story.stands_at(State.FILLED_WAIT)
    assert story.places().amount == dec("0.0004")


@pytest.mark.parametrize("reason", [CloseReason.VENUE, CloseReason.ASKED, CloseReason.FILLED])
def test_only_a_persons_cut_is_told_of(reason: CloseReason) -> None:
    story = Story()
    order = story.rests()
    story.later(60)
    story.fills(order.client_id, "0.0004", "60000")
    story.closes(order.client_id, "0.0004", reason)
    assert told(story, OrderCutShort) == 0


def test_an_exit_a_person_took_off_stays_off_and_its_coins_are_kept() -> None:
    story = Story()
    story.fills(story.rests().client_id, "0.001", "60000")
    order = story.rests()
    story.later(60)
    story.closes(order.client_id, reason=CloseReason.PERSON)
    assert story.executor.books.held == dec("0.001")
    assert story.wish().action is None


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_an_exit_without_funds_is_tried_again_quickly_and_told_of_at_the_third_time() -> None:
    story = Story()
    story.fills(story.rests().client_id, "0.001", "60000")
    pauses: list[float] = []
    for _ in range(4):
        assert told(story, LevelBlocked) == (len(pauses) >= 3)
        story.refuses(story.places().client_id, Refusal.FUNDS)
        until = story.wish().at
        assert until is not None
        pauses.append((until - story.now).total_seconds())
        story.now = until
    assert pauses == [1, 2, 60, 60]
    assert told(story, LevelBlocked) == 1


def test_a_price_outside_the_band_is_never_told_of_and_tried_again_when_the_market_has_come() -> None:
    story = Story(bid=dec(80_000))
    for _ in range(5):
        order = story.places()
        near = story.bid - story.bid / 100
        story.hear(OrderRefused(order.client_id, story.now, Refusal.PRICE_BAND, "too far", near))
        assert (story.wish().action, story.wish().fall) == (None, near)
        assert story.wish().at == story.now + timedelta(seconds=60)
        story.bid = near
    story.hear(OrderRefused(story.places().client_id, story.now, Refusal.PRICE_BAND, "too far"))
    assert story.wish().action is None
    story.later(60)
    assert story.wish().action is not None
    assert story.told == []


# -- the band ----------------------------------------------------------------------------------------------------------

BANDED = replace(QUOTED, lowest_buy_ratio=dec("0.75"), highest_sell_ratio=dec("1.2"))


def test_a_buy_outside_the_band_waits_for_the_market_and_takes_no_place() -> None:
    story = Story(fresh(BANDED), bid=dec(80_001))
    wish = story.wish()
    assert (wish.why, wish.action, wish.at, wish.rise, wish.fall) == (TOO_FAR, None, None, None, dec(80_000))
    quote = Quote(BTC, story.bid, story.bid + 1, story.now)
    assert needs_seat(story.executor, Moment(quote, story.now, Mode.RUNNING, story.offsets)) is None
    story.bid = dec(80_000)
    assert story.places().price == dec(60_000)


def test_a_sale_outside_the_band_waits_for_the_market() -> None:
    story = Story(fresh(BANDED))
    story.fills(story.rests().client_id, "0.001", "60000")
    story.bid = dec(50_000)  # 60,300 is more than 1.2 times that
    assert (story.wish().why, story.wish().rise) == (TOO_FAR, dec(50_250))
    story.bid = dec(50_250)
    assert story.places().price == dec(60_300)


def test_an_order_that_rests_outside_the_band_stays() -> None:
    story = Story(fresh(BANDED))
    story.rests()
    story.bid = dec(90_000)
    assert story.wish().why == "resting at its target"


def test_without_a_price_nothing_is_too_far() -> None:
    executor = fresh(BANDED)
    assert needs_seat(executor, Moment(None, Story().now, Mode.RUNNING, Story().offsets)) is not None


# -- rules that change -------------------------------------------------------------------------------------------------


def test_a_level_whose_amount_the_venue_no_longer_takes_buys_no_more_than_it_was_asked_to() -> None:
    story = Story(fresh(replace(QUOTED, min_amount=dec("0.01"))))
    assert (story.wish().why, story.wish().action) == (TOO_SMALL, None)


@pytest.mark.parametrize(
    "changed", [{"amount_step": dec("0.0007")}, {"min_amount": dec("0.01")}, {"min_cost": dec("1000")}]
)
def test_an_exit_that_rests_stays_when_the_rules_grow_stricter(changed: dict[str, object]) -> None:
    story = Story()
    story.fills(story.rests().client_id, "0.001", "60000")
    story.rests()
    story.executor = replace(story.executor, market=replace(QUOTED, **changed))  # type: ignore[arg-type]
    assert story.wish().action is None


def test_what_is_missing_of_an_entry_may_be_rounded_up_to_the_minimum() -> None:
    story = Story(fresh(market(min_cost="0", fee="0")))
    order = story.rests()
    story.fills(order.client_id, "0.0001", "60000")
    story.closes(order.client_id, "0.0001", CloseReason.VENUE)
    assert story.executor.books.held > ZERO
    story.later(60)
    assert story.places().amount == dec("0.0009")
