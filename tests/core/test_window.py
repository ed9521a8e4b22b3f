"""The order window: how many rest, which ones, and that swinging at its border costs nothing."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.core.model import Side
from bot.core.window import Window


class Book:
    """A market with a window: who needs a place at which price, and whose order is on the book."""

    def __init__(self, places: int | None) -> None:
        self.window = Window(places)
        self.needs: dict[str, tuple[Side, Decimal]] = {}
        self.resting: set[str] = set()
        self.leaving: set[str] = set()
        self.cancelled = 0

    def need(self, name: str, side: Side, target: int) -> None:
        if name in self.resting:
            return  # an order does not change its side or target while it rests
        self.needs[name] = (side, Decimal(target))
        self._ask(name)

    def gone(self, name: str) -> None:
        """A level needs nothing any more: its order filled, or it was paused."""
        self.needs.pop(name, None)
        self.resting.discard(name)
        self.window.leave(name)

    def _ask(self, name: str) -> bool:
        side, target = self.needs[name]
        seated = self.window.needs(name, side, target, name in self.resting)
        if seated:
            self.resting.add(name)
        elif name in self.resting:
            self.leaving.add(name)
        return seated

    def settle(self) -> None:
        """Until nothing changes: who has a place orders, who has to leave is cancelled, and the cancel is answered."""
        for _ in range(500):
            seated, leaving = self.window.settle()
            for name in (*seated, *leaving):
                self._ask(name)
            assert len(self.window) <= self.window._places
            if not seated and not leaving:
                if not self.leaving:
                    return
                for name in sorted(self.leaving):  # the cancels are answered
                    self.resting.discard(name)
                    self.cancelled += 1
                    self._ask(name)
                self.leaving = set()
        raise AssertionError("the window does not settle")

    def ranks(self, side: Side, resting: bool) -> list[Decimal]:
        """Nearness of one side's levels, nearest first."""
        sign = -1 if side is Side.BUY else 1
        return sorted(
            sign * target
            for name, (each, target) in self.needs.items()
            if each is side and (name in self.resting) is resting
        )


def check(book: Book, places: int) -> None:
    assert len(book.window) <= places
    assert book.resting == {name for name in book.needs if book.window.is_seated(name)}
    block = max(1, places // 20)
    needed = {side: sum(each is side for each, _ in book.needs.values()) for side in Side}
    if sum(needed.values()) <= places:
        assert len(book.resting) >= sum(needed.values()) - block
    for side in Side:
        resting, waiting = book.ranks(side, True), book.ranks(side, False)
        if waiting and resting:
            nearer = sum(rank > waiting[0] for rank in resting)
            assert nearer <= block, f"{nearer} {side}s rest farther away than one that waits"
        share = min(places // 4, needed[side])
        assert len(resting) >= share - block, f"the {side}s have {len(resting)} of the {share} places they may have"


@pytest.mark.parametrize("places", [4, 8, 40, 100])
@pytest.mark.parametrize("seed", range(6))
def test_after_settling_the_nearest_rest_and_each_side_has_its_quarter(places: int, seed: int) -> None:
    luck = random.Random(seed * 1000 + places)
    book = Book(places)
    for _ in range(60):
        for _ in range(luck.randrange(1, places)):
            name = f"g1.{luck.randrange(places * 3)}"
            if luck.random() < 0.3:
                book.gone(name)
            else:
                book.need(name, luck.choice(list(Side)), luck.randrange(1, 1000))
        book.settle()
        check(book, places)


class AnyOrder(RuleBasedStateMachine):
    """Needs come and go in any order, with a settling now and then."""

    places = 8

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(self.places)

    @rule(number=st.integers(0, 30), side=st.sampled_from(Side), price=st.integers(1, 50))
    def needs_a_place(self, number: int, side: Side, price: int) -> None:
        self.book.need(f"g1.{number}", side, price)

    @rule(number=st.integers(0, 30))
    def is_gone(self, number: int) -> None:
        self.book.gone(f"g1.{number}")

    @rule()
    def settles(self) -> None:
        self.book.settle()
        check(self.book, self.places)

    @invariant()
    def never_more_than_its_places(self) -> None:
        assert len(self.book.window) <= self.places


TestAnyOrder = AnyOrder.TestCase


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 10**6)), max_size=60))
def test_where_there_is_room_for_all_everybody_rests_at_once(levels: list[tuple[Side, int]]) -> None:
    book = Book(None)
    for number, (side, target) in enumerate(levels):
        book.need(f"g1.{number}", side, target)
        assert f"g1.{number}" in book.resting
    book.settle()
    assert book.cancelled == 0


def test_exits_go_first_and_entries_keep_a_quarter() -> None:
    book = Book(40)
    for number in range(100):
        book.need(f"g1.{number}", Side.BUY, 1000 - number)
    book.settle()
    assert len(book.ranks(Side.BUY, True)) == 40
    for number in range(100):
        book.need(f"g2.{number}", Side.SELL, 1001 + number)
    book.settle()
    sells, buys = book.ranks(Side.SELL, True), book.ranks(Side.BUY, True)
    assert (len(sells), len(buys)) == (30, 10)
    assert sells == list(range(1001, 1031))
    assert buys == list(range(-1000, -990))


def test_an_order_that_leaves_holds_its_place_until_it_is_gone() -> None:
    window = Window(2)
    assert window.needs("g1.1", Side.BUY, Decimal(90), False)
    assert window.needs("g1.2", Side.BUY, Decimal(91), False)
    assert not window.needs("g1.3", Side.BUY, Decimal(99), False)
    seated, leaving = window.settle()
    assert (seated, leaving) == ([], ["g1.1"])
    assert not window.needs("g1.1", Side.BUY, Decimal(90), True)
    assert window.settle() == ([], [])
    assert len(window) == 2
    assert not window.needs("g1.1", Side.BUY, Decimal(90), False)
    assert window.settle() == (["g1.3"], [])


def test_swinging_at_the_border_costs_no_cancels() -> None:
    """A level trades to and fro: its entry fills, its exit rests and fills, its entry is wanted again."""
    book = Book(100)
    for number in range(300):
        book.need(f"g1.{number}", Side.BUY, 10_000 - number)
    book.settle()
    before = book.cancelled
    for _ in range(50):
        for number in range(3):
            book.gone(f"g1.{number}")
            book.need(f"g1.{number}", Side.SELL, 10_100 - number)
        book.settle()
        for number in range(3):
            book.gone(f"g1.{number}")
            book.need(f"g1.{number}", Side.BUY, 10_000 - number)
        book.settle()
    assert book.cancelled - before <= 2 * book.window._block
    check(book, 100)


def test_a_nearer_level_brings_a_block_of_the_farthest_off_the_book_once() -> None:
    book = Book(100)
    for number in range(300):
        book.need(f"g1.{number:03}", Side.BUY, 10_000 - number)
    book.settle()
    for number in range(3):  # a block is five, and half of it is kept free for the next ones
        book.need(f"g2.{number}", Side.BUY, 11_000 + number)
        book.settle()
    assert book.cancelled == 5
    check(book, 100)


def test_giving_one_up_for_another_limit_takes_the_farthest_and_nobody_nearer() -> None:
    book = Book(None)
    for number in range(1, 6):
        book.need(f"g1.{number}", Side.BUY, number)
    assert book.window.give_up_farthest(Side.BUY, Decimal(2)) == "g1.1"
    assert book.window.give_up_farthest(Side.BUY, Decimal(2)) is None
    assert book.window.give_up_farthest(Side.SELL, Decimal(2)) is None
