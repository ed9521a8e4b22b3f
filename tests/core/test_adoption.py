"""Orders an executor has forgotten: compared within their own epoch, adopted once, and booked once."""

from dataclasses import replace

import pytest

from bot.core import adoption
from bot.core.client_ids import OrderKey, encode
from bot.core.events import CloseReason, OrderAdopted, OrderClosed, OrderFilled
from bot.core.executor import PositionExecutor
from bot.core.level import Level
from bot.core.lifecycle import State
from bot.core.model import Fill, Leg
from bot.core.money import ZERO
from tests.fakes import START, dec, market

OLD, NEW = "abc001", "abc002"
LEVEL = Level("g1", 7, dec(60_000), dec(60_300), dec("0.001"), loop=True)
AMOUNT = dec("0.001")


def fresh(prefix: str = OLD, **more: object) -> PositionExecutor:
    return replace(PositionExecutor(LEVEL, market(fee="0"), prefix), **more)  # type: ignore[arg-type]


def sent(cycle: int, leg: Leg, attempt: int, prefix: str = OLD) -> str:
    return encode(OrderKey(prefix, 1, 7, cycle, leg, attempt))


def found(client_id: str, price: int = 60_000, amount: str = "0.001") -> OrderAdopted:
    return OrderAdopted(client_id, START, dec(price), dec(amount))


def fill(client_id: str, price: int = 60_000, trade_id: str = "") -> OrderFilled:
    return OrderFilled(client_id, Fill(trade_id or client_id, dec(price), AMOUNT, ZERO, "USDT", START))


def after(executor: PositionExecutor, *events: object) -> PositionExecutor:
    for event in events:
        executor, _ = executor.on(event)  # type: ignore[arg-type]
    return executor


def test_an_id_is_compared_with_what_its_own_epoch_had_sent() -> None:
    executor = adoption.in_epoch(fresh(cycle=3, attempts=2), NEW)
    for cycle in range(1, 6):
        for attempt in range(4):
            beyond = (cycle, attempt) >= (3, 2)
            assert adoption.is_unknown(executor, sent(cycle, Leg.ENTRY, attempt)) is beyond
    executor = replace(executor, cycle=9, attempts=9)
    assert adoption.is_unknown(executor, sent(3, Leg.ENTRY, 2))
    assert not adoption.is_unknown(executor, sent(9, Leg.ENTRY, 8, NEW))
    assert adoption.is_unknown(executor, sent(1, Leg.ENTRY, 0, "abc009"))


def test_an_epoch_that_goes_on_changes_nothing() -> None:
    executor = fresh()
    assert adoption.in_epoch(executor, OLD) is executor


def test_the_order_of_the_leg_that_goes_on_becomes_the_present_one() -> None:
    entry, exit_ = sent(1, Leg.ENTRY, 0), sent(1, Leg.EXIT, 1)
    executor = after(adoption.in_epoch(fresh(), NEW), found(entry))
    assert executor.state is State.PLACED_ENTRY
    executor = after(executor, fill(entry), found(exit_, 60_300))
    assert (executor.state, executor.watched) == (State.PLACED_EXIT, ())
    executor = after(executor, fill(exit_, 60_300))
    assert (executor.state, executor.cycle) == (State.COMPLETED, 1)
    executor = after(executor, found(sent(2, Leg.ENTRY, 0)))
    assert (executor.state, executor.cycle) == (State.PLACED_ENTRY, 2)


@pytest.mark.parametrize(
    "event",
    [
        found(sent(1, Leg.EXIT, 1), 60_300),  # of the other leg
        found(sent(2, Leg.ENTRY, 0)),  # of a later cycle, while this one goes on
        found(sent(1, Leg.ENTRY, 0), 60_001),  # beyond the target of the level
    ],
)
def test_one_that_does_not_fit_is_watched_and_leaves_the_book(event: OrderAdopted) -> None:
    executor = after(adoption.in_epoch(fresh(), NEW), event)
    assert executor.order is None
    assert [late.client_id for late in executor.watched if late.rests] == [event.client_id]


def test_found_again_and_heard_again_it_is_booked_once() -> None:
    entry = sent(1, Leg.ENTRY, 0)
    events = (found(entry), fill(entry), OrderClosed(entry, START, AMOUNT, CloseReason.FILLED))
    once = after(adoption.in_epoch(fresh(), NEW), *events)
    assert once.books.held == AMOUNT
    assert after(once, *events) is once
    assert not adoption.is_unknown(once, entry)


def test_one_that_left_the_book_without_a_trade_is_remembered_and_nothing_else() -> None:
    entry = sent(1, Leg.ENTRY, 0)
    executor = after(adoption.in_epoch(fresh(), NEW), found(entry, amount="0"))
    assert (executor.order, executor.watched, executor.adopted) == (None, (), (entry,))


def test_restarts_in_which_nothing_was_sent_leave_no_mark() -> None:
    executor = adoption.in_epoch(fresh(cycle=3, attempts=2), "abc100")
    for number in range(101, 160):
        executor = adoption.in_epoch(executor, f"abc{number}")
    assert [mark.prefix for mark in executor.marks] == [OLD]
    assert not adoption.is_unknown(executor, sent(3, Leg.ENTRY, 1))
    assert adoption.is_unknown(executor, sent(3, Leg.ENTRY, 2, "abc130"))


def test_news_of_an_order_reach_back_over_many_restarts_that_sent_something() -> None:
    executor = fresh(cycle=1, attempts=1)
    for number in range(101, 101 + adoption.MOST_MARKS):
        executor = replace(adoption.in_epoch(executor, f"abc{number}"), attempts=executor.attempts + 1)
    assert len(executor.marks) == adoption.MOST_MARKS
    assert not adoption.is_unknown(executor, sent(1, Leg.ENTRY, 0))
