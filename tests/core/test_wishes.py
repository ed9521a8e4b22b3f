"""What a level wants, situation by situation; and histories that cannot be, which are refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.actions import CancelOrder, PlaceOrder
from bot.core.events import CloseReason, CycleRearmed, HoldingSold, OrderAccepted, OrderFilled, OrderMissing, Refusal
from bot.core.lifecycle import Mode, State
from bot.core.model import FeeSide, Fill, Leg, Side
from bot.core.patience import CIRCUIT
from bot.core.pricing import Offset, Offsets
from bot.core.snapshot import LevelBlocked, LevelHalted, StrayFilled, TradeClosed
from bot.core.wishes import Moment, needs_seat, wants
from bot.errors import IllegalTransition, ProtocolError
from tests.core.levels import Story, fresh, order_id
from tests.fakes import START, dec, market

ENTRY, EXIT = order_id(Leg.ENTRY, 0), order_id(Leg.EXIT, 1)


def holding(story: Story | None = None) -> Story:
    """A level that has bought and whose exit rests."""
    story = story or Story()
    story.rests()
    story.fills(ENTRY, "0.001", "60000")
    story.rests()
    assert story.executor.state is State.PLACED_EXIT
    return story


# -- one cycle ---------------------------------------------------------------------------------------------------------


def test_a_cycle_buys_at_the_entry_and_sells_at_the_exit_and_begins_anew() -> None:
    story = Story()
    assert story.rests() == PlaceOrder(ENTRY, "g1.7", "BTC/USDT", Leg.ENTRY, dec(60_000), dec("0.001"))
    story.fills(ENTRY, "0.001", "60000", fee="0.06")
    assert story.rests() == PlaceOrder(EXIT, "g1.7", "BTC/USDT", Leg.EXIT, dec(60_300), dec("0.001"))
    story.fills(EXIT, "0.001", "60300", fee="0.0603")
    assert story.executor.state is State.COMPLETED
    (closed,) = [notice for notice in story.told if isinstance(notice, TradeClosed)]
    assert closed.trade.pnl == dec("0.3") - dec("0.1203")
    assert story.wish().rearm
    story.hear(CycleRearmed("", story.now))
    assert story.places().client_id == order_id(Leg.ENTRY, 0, cycle=2)


def test_without_loop_a_level_trades_once() -> None:
    story = holding(Story(fresh(loop=False)))
    story.fills(EXIT, "0.001", "60300")
    assert (story.wish().why, story.wish().rearm) == ("done", False)


def test_a_finishing_level_begins_no_next_cycle() -> None:
    story = holding(Story(mode=Mode.RUNNING))
    story.mode = Mode.FINISHING
    assert story.wish().action is None
    story.fills(EXIT, "0.001", "60300")
    assert not story.wish().rearm


def test_while_an_answer_is_awaited_nothing_is_wanted() -> None:
    story = Story()
    story.places()
    for mode in Mode:
        story.mode = mode
        assert story.wish().action is None
    story.later(3600)
    assert story.wish().why.startswith("waiting for the answer to place")


def test_a_fill_may_outrun_its_acknowledgement() -> None:
    story = Story()
    story.places()
    story.fills(ENTRY, "0.0004", "60000")
    assert story.stands_at(State.PLACED_ENTRY)
    story.fills(ENTRY, "0.0006", "60000")
    assert story.stands_at(State.FILLED_WAIT)
    before = story.executor
    story.hear(OrderAccepted(ENTRY, story.now))
    assert story.executor == before


# -- modes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "leaves"), [(Mode.PAUSED, True), (Mode.FINISHING, True), (Mode.HALTED, True), (Mode.RUNNING, False)]
)
def test_entries_leave_the_book_unless_running(mode: Mode, leaves: bool) -> None:
    story = Story()
    story.rests()
    story.mode = mode
    assert isinstance(story.wish().action, CancelOrder) is leaves


@pytest.mark.parametrize("own", [True, False])
def test_exits_are_placed_and_stay_while_paused_and_leave_when_halted(own: bool) -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.001", "60000")

    def turn(mode: Mode) -> None:
        if own:
            story.executor = replace(story.executor, mode=mode)
        else:
            story.mode = mode

    turn(Mode.PAUSED)
    story.rests()
    assert story.wish().action is None
    turn(Mode.HALTED)
    assert isinstance(story.act(), CancelOrder)
    story.closes(EXIT)
    assert story.wish().action is None
    turn(Mode.RUNNING)
    assert story.places().client_id == order_id(Leg.EXIT, 2)


def test_a_pause_while_an_order_is_awaited_cancels_it_once_it_rests() -> None:
    story = Story()
    story.places()
    story.mode = Mode.PAUSED
    assert story.wish().action is None
    story.hear(OrderAccepted(ENTRY, story.now))
    assert isinstance(story.wish().action, CancelOrder)


def test_a_frozen_level_does_nothing_until_it_is_halted_which_takes_its_order_off_the_book() -> None:
    story = holding()
    story.executor, told = story.executor.stopped("it said so", START)
    assert len(told) == 1
    assert story.executor.stopped("and again", START) == (story.executor, ())
    story.mode = Mode.PAUSED
    assert story.wish().action is None
    story.mode = Mode.HALTED
    assert isinstance(story.act(), CancelOrder)
    story.closes(EXIT)
    story.mode = Mode.RUNNING
    assert story.wish().action is None


# -- following the market ----------------------------------------------------------------------------------------------


def test_an_entry_above_the_market_rests_beside_it_and_follows_once_the_book_gives_way() -> None:
    story = Story(bid=dec("59000"))
    order = story.rests()
    assert order.price == dec("59000")  # the ask is a tick above
    story.later(60)
    story.bid = dec("59029")  # 0.05 % are 29.5
    assert story.wish().action is None
    bound = story.wish().rise
    assert bound is not None
    assert bound <= dec("59029.52")
    story.bid = dec("59029.51")
    assert isinstance(story.wish().action, CancelOrder)


def test_an_order_moves_at_most_once_in_ten_seconds_and_says_when() -> None:
    story = Story(bid=dec("59000"))
    story.rests()
    story.bid = dec("59500")
    story.later(9.9)
    assert (story.wish().action, story.wish().at) == (None, START + timedelta(seconds=10))
    story.later(0.1)
    assert isinstance(story.wish().action, CancelOrder)


def test_an_order_never_moves_away_from_its_target() -> None:
    story = Story()
    story.rests()
    for bid in ("60000", "59000", "70000"):
        story.bid = dec(bid)
        story.later(60)
        assert story.wish().action is None


def test_an_order_never_moves_while_partly_filled() -> None:
    story = Story(bid=dec("59000"))
    story.rests()
    story.fills(ENTRY, "0.0001", "59000")
    story.later(60)
    story.bid = dec("59900")
    assert story.wish().action is None


def test_an_offset_is_the_distance_kept_and_the_distance_that_moves() -> None:
    story = Story(bid=dec("59000"), offsets=Offsets(buy=Offset(absolute=dec(100))))
    assert story.rests().price == dec("58900.01")
    story.later(60)
    story.bid = dec("59099")
    assert story.wish().action is None
    story.bid = dec("59100.01")
    assert isinstance(story.wish().action, CancelOrder)


def test_with_above_wait_a_buy_is_placed_only_while_the_market_is_above_its_level() -> None:
    story = Story(fresh(above_wait=True), bid=dec("59999.99"))
    assert story.wish().action is None
    assert story.wish().rise == dec("60000.01")
    story.bid = dec("60000")
    assert story.places().price == 60_000


def test_without_a_price_nothing_is_placed_and_cancels_are_still_wanted() -> None:
    story = Story()
    moment = Moment(None, START, Mode.RUNNING, Offsets())
    assert wants(story.executor, moment).action is None
    story.rests()
    assert isinstance(wants(story.executor, moment._replace(mode=Mode.HALTED)).action, CancelOrder)


# -- parts, strays, dust -----------------------------------------------------------------------------------------------


def test_a_partly_filled_entry_is_cancelled_and_sold_when_the_bid_is_at_its_exit() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.0004", "60000")
    assert story.wish().action is None
    assert story.wish().rise == 60_300
    story.bid = dec("60300")
    assert isinstance(story.act(), CancelOrder)
    story.closes(ENTRY, "0.0004")
    assert story.executor.state is State.FILLED_WAIT
    assert story.places().amount == dec("0.0004")


def test_a_new_attempt_buys_what_is_missing() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.0001", "60000")  # under the minimum: no exit could sell it
    story.closes(ENTRY, "0.0001", CloseReason.VENUE)
    assert story.executor.state is State.PENDING_ENTRY
    story.later(2)
    assert story.places().amount == dec("0.0009")


def test_an_entry_cancelled_by_us_that_had_filled_is_filled_whatever_the_exchange_calls_it() -> None:
    story = Story()
    story.rests()
    story.mode = Mode.PAUSED
    story.act()
    story.fills(ENTRY, "0.001", "60000")
    assert story.executor.state is State.FILLED_WAIT
    story.closes(ENTRY, "0.001")
    assert story.executor.state is State.FILLED_WAIT
    assert story.executor.awaiting is None


def test_a_closed_order_waits_for_its_trades() -> None:
    story = Story()
    story.rests()
    story.closes(ENTRY, "0.0005", CloseReason.VENUE)
    assert story.wish().why == "waiting for the trades of an order that left the book"
    assert story.executor.waits_for(ENTRY)
    story.fills(ENTRY, "0.0005", "60000")
    assert story.executor.state is State.FILLED_WAIT


def test_a_late_lander_is_cancelled_and_what_it_bought_joins_the_exit() -> None:
    story = Story()
    story.places()
    story.hear(OrderMissing(ENTRY, story.now))
    second = story.rests()
    assert second.client_id == order_id(Leg.ENTRY, 1)
    story.hear(OrderAccepted(ENTRY, story.now))
    cancel = story.act()
    assert cancel.client_id == ENTRY
    story.fills(ENTRY, "0.001", "60000")
    assert any(isinstance(notice, StrayFilled) for notice in story.told)
    story.closes(ENTRY, "0.001")
    younger = story.act()
    assert (type(younger), younger.client_id) == (CancelOrder, second.client_id)
    story.closes(second.client_id)
    assert story.executor.state is State.FILLED_WAIT
    assert story.places().amount == dec("0.001")


def test_an_order_given_up_as_gone_that_is_on_the_book_after_all_is_cancelled() -> None:
    story = Story()
    story.rests()
    story.closes(ENTRY, reason=CloseReason.VENUE)  # looked for again and again, and not found
    story.later(5)
    second = story.rests()
    story.hear(OrderAccepted(ENTRY, START))  # old news: seen before it was gone
    assert story.wish().action is None
    story.hear(OrderAccepted(ENTRY, story.now))
    story.later(3600)
    cancel = story.act()
    assert cancel.client_id == ENTRY
    story.fills(ENTRY, "0.001", "60000")
    story.closes(ENTRY, "0.001")
    assert story.act().client_id == second.client_id


def test_an_order_beside_a_lower_market_is_large_enough_for_its_own_price() -> None:
    story = Story(fresh(market(fee_side=FeeSide.QUOTE, min_cost="60")), bid=dec("55000"))
    order = story.rests()
    assert order.amount * order.price >= 60
    assert order.amount == dec("0.0011")
    story.fills(order.client_id, "0.0001", str(order.price))
    story.closes(order.client_id, "0.0001", CloseReason.VENUE)
    story.later(60)
    second = story.rests()
    assert second.amount * second.price >= 60
    assert story.wish().action is None  # no smaller one would be accepted


def test_an_exit_is_sized_anew_when_a_stray_sells_or_buys() -> None:
    story = Story()
    story.rests()
    story.mode = Mode.PAUSED
    story.act()
    story.fills(ENTRY, "0.0006", "60000")
    story.closes(ENTRY, "0.0006")  # stale: another trade was on its way
    exit_ = story.rests()
    assert exit_.amount == dec("0.0006")
    story.fills(ENTRY, "0.0003", "60000")
    resized = story.act()
    assert (type(resized), resized.client_id) == (CancelOrder, exit_.client_id)
    story.closes(exit_.client_id)
    assert story.places().amount == dec("0.0009")


def test_an_exit_given_up_and_filled_after_all_closes_the_trade_once() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.001", "60000")
    first = story.places()
    story.hear(OrderMissing(first.client_id, story.now))
    second = story.places()
    story.fills(first.client_id, "0.001", "60300")  # the late lander sold it all
    story.refuses(second.client_id, Refusal.FUNDS)
    assert story.executor.state is State.COMPLETED
    assert sum(isinstance(notice, TradeClosed) for notice in story.told) == 1
    assert story.executor.books.held == 0


def test_what_was_sold_twice_is_bought_back_and_the_cycle_closes_with_it() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.001", "60000")
    first = story.places()
    story.hear(OrderMissing(first.client_id, story.now))
    story.rests()
    story.fills(order_id(Leg.EXIT, 2), "0.001", "60300")
    story.fills(first.client_id, "0.001", "60300")
    assert story.executor.books.held == dec("-0.001")
    story.hear(CycleRearmed("", story.now))
    story.rests()
    story.fills(order_id(Leg.ENTRY, 0, cycle=2), "0.001", "60000")
    assert story.executor.state is State.COMPLETED
    assert story.executor.books.held == 0
    assert sum(isinstance(notice, TradeClosed) for notice in story.told) == 2


def test_dust_of_a_fee_joins_the_next_exit() -> None:
    story = Story(fresh(market(fee_side=FeeSide.RECEIVED, step="0.0001", min_cost="0")))
    for cycle in range(1, 12):
        entry = story.rests()
        fill = Fill(f"b{cycle}", dec(60_000), entry.amount, entry.amount / 1000, "BTC", story.now)
        story.hear(OrderFilled(entry.client_id, fill))
        exit_ = story.rests()
        assert exit_.amount <= story.executor.books.held
        story.fills(exit_.client_id, str(exit_.amount), "60300")
        assert story.executor.books.held < dec("0.0002")
        story.hear(CycleRearmed("", story.now))


def test_what_a_closing_sale_took_ends_the_leg() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.001", "60000")
    fill = Fill("c1", dec(59_000), dec("0.001"), dec(0), "USDT", story.now)
    story.hear(HoldingSold("", fill))
    assert story.executor.state is State.COMPLETED
    assert isinstance(story.told[-1], TradeClosed)
    assert story.told[-1].trade.pnl == -1


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accepted_first", [True, False])
def test_a_post_only_refusal_is_tried_again_with_back_off_and_told_once(accepted_first: bool) -> None:
    story = Story()
    pauses = []
    for _ in range(5):
        order = story.places()
        if accepted_first:
            story.hear(OrderAccepted(order.client_id, story.now))
            story.closes(order.client_id, reason=CloseReason.WOULD_CROSS)
        else:
            story.refuses(order.client_id, Refusal.WOULD_CROSS)
        until = story.wish().at
        assert until is not None
        pauses.append((until - story.now).total_seconds())
        story.now = until
    assert pauses == [1, 2, 60, 60, 60]
    assert sum(isinstance(notice, LevelBlocked) for notice in story.told) == 1


@pytest.mark.parametrize("reason", [Refusal.FUNDS, Refusal.MINIMUM, Refusal.PRICE_BAND, Refusal.MAINTENANCE])
def test_what_a_quick_retry_does_not_mend_waits_a_minute_at_once(reason: Refusal) -> None:
    story = Story()
    for _ in range(CIRCUIT + 1):
        story.refuses(story.places().client_id, reason)
        assert story.wish().at == story.now + timedelta(seconds=60)
        story.later(60)
    assert sum(isinstance(notice, LevelBlocked) for notice in story.told) <= 2


def test_a_fill_ends_the_back_off() -> None:
    story = Story()
    story.refuses(story.places().client_id, Refusal.RATE)
    story.later(1)
    order = story.rests()
    story.fills(order.client_id, "0.001", "60000")
    assert story.executor.back is None


def test_an_order_the_venue_takes_off_the_book_comes_back_with_back_off() -> None:
    story = Story()
    order = story.rests()
    story.closes(order.client_id, reason=CloseReason.VENUE)
    assert story.wish().action is None
    assert story.wish().at == story.now + timedelta(seconds=1)
    story.later(1)
    assert story.places().client_id == order_id(Leg.ENTRY, 1)


@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.EXIT])
def test_an_order_a_person_cancelled_is_not_placed_again_until_somebody_resumes(leg: Leg) -> None:
    story = Story()
    order = story.rests()
    if leg is Leg.EXIT:
        story.fills(order.client_id, "0.001", "60000")
        order = story.rests()
    story.later(6)
    story.closes(order.client_id, reason=CloseReason.PERSON)
    story.later(3600)
    assert story.wish().action is None
    assert sum(isinstance(notice, LevelHalted) for notice in story.told) == 1
    story.executor = replace(story.executor, mode=Mode.RUNNING)
    assert story.places().leg is leg


def test_a_withdrawn_order_is_no_refusal() -> None:
    story = Story()
    story.refuses(story.places().client_id, Refusal.WITHDRAWN)
    assert story.executor.back is None
    assert story.places().client_id == order_id(Leg.ENTRY, 1)


# -- places on the book ------------------------------------------------------------------------------------------------


def test_a_level_says_what_it_needs_a_place_for() -> None:
    story = Story()
    moment = Moment(None, START, Mode.RUNNING, Offsets())
    assert needs_seat(story.executor, moment) == (Side.BUY, dec(60_000))
    assert needs_seat(story.executor, moment._replace(mode=Mode.PAUSED)) is None
    holding(story)
    assert needs_seat(story.executor, moment._replace(mode=Mode.HALTED)) == (Side.SELL, dec(60_300))
    story.fills(EXIT, "0.001", "60300")
    assert needs_seat(story.executor, moment) is None


@pytest.mark.parametrize("filled", ["0", "0.0004"])
def test_an_order_without_a_place_leaves_the_book_and_nothing_is_placed_without_one(filled: str) -> None:
    story = Story()
    story.rests()
    if filled != "0":
        story.fills(ENTRY, filled, "60000")
    story.seated = False
    assert isinstance(story.act(), CancelOrder)
    story.closes(ENTRY, filled)
    assert story.wish().action is None


# -- histories that cannot be ------------------------------------------------------------------------------------------


def test_an_order_that_trades_more_than_it_was_for_contradicts() -> None:
    story = Story()
    story.rests()
    story.fills(ENTRY, "0.0006", "60000")
    with pytest.raises(ProtocolError, match=r"over 0\.0010 traded 0\.0011"):
        story.fills(ENTRY, "0.0005", "60000")
    watched = Story()
    watched.places()
    watched.hear(OrderMissing(ENTRY, START))
    with pytest.raises(ProtocolError, match="traded"):
        watched.fills(ENTRY, "0.002", "60000")


def test_a_refusal_after_acceptance_or_a_fill_contradicts() -> None:
    story = Story()
    story.rests()
    with pytest.raises(ProtocolError, match="refused after it had been accepted"):
        story.refuses(ENTRY, Refusal.OTHER)
    story.fills(ENTRY, "0.0001", "60000")
    with pytest.raises(ProtocolError, match="refused after it had been accepted"):
        story.refuses(ENTRY, Refusal.OTHER)


@pytest.mark.parametrize("client_id", [order_id(Leg.ENTRY, 1), order_id(Leg.EXIT, 5), order_id(Leg.ENTRY, 0, 2), "?"])
def test_a_fill_of_an_order_that_was_never_sent_contradicts(client_id: str) -> None:
    story = Story()
    story.rests()
    with pytest.raises(ProtocolError, match="never sent"):
        story.fills(client_id, "0.001", "60000")


def test_a_fill_of_an_order_long_settled_is_in_the_books_already() -> None:
    story = Story()
    story.rests()
    event = story.fills(ENTRY, "0.001", "60000")
    before = story.executor
    story.hear(event)
    assert story.executor is before


def test_a_cycle_can_only_be_rearmed_when_it_is_complete() -> None:
    story = Story()
    with pytest.raises(IllegalTransition):
        story.hear(CycleRearmed("", START))


def test_a_level_whose_ids_are_used_up_says_so_and_waits() -> None:
    story = Story(replace(fresh(), attempts=36**2))
    assert story.wish().action is None
    assert "no client order id is left: attempt 1296" in story.wish().why
