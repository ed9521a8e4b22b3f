"""The fill rule, sentence by sentence, and against a book that is too simple to be wrong."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Side
from bot.core.money import ZERO, use_exact
from bot.exchange.matching import Book, Match, Resting, would_cross
from tests.exchange.accounts import START, SYMBOL, dec


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


def order(number: int, side: Side, price: str | int, amount: str | int = 1) -> Resting:
    return Resting(f"o{number}", SYMBOL, side, dec(price), dec(amount), number, START, ZERO)


def book_of(*orders: Resting, touch: bool = False) -> Book:
    book = Book(touch)
    for each in orders:
        book.add(each)
    return book


def ids(matches: list[Match]) -> list[tuple[str, Decimal]]:
    return [(each.client_id, amount) for each, amount in matches]


def test_a_buy_fills_only_when_the_market_is_strictly_below_it() -> None:
    book = book_of(order(1, Side.BUY, 100))
    assert book.moved(dec(100), dec(110)) == []
    assert ids(book.moved(dec("99.99"), dec(110))) == [("o1", dec(1))]
    assert len(book) == 0


def test_a_sell_fills_only_when_the_market_is_strictly_above_it() -> None:
    book = book_of(order(1, Side.SELL, 100))
    assert book.moved(dec(90), dec(100)) == []
    assert ids(book.moved(dec(90), dec("100.01"))) == [("o1", dec(1))]


def test_with_touch_an_equal_price_fills() -> None:
    book = book_of(order(1, Side.BUY, 100), order(2, Side.SELL, 110), touch=True)
    assert ids(book.moved(dec(100), dec(110))) == [("o1", dec(1)), ("o2", dec(1))]


def test_inside_a_candle_buys_fill_before_sells() -> None:
    book = book_of(order(1, Side.SELL, 105), order(2, Side.BUY, 95))
    assert ids(book.moved(dec(90), dec(110))) == [("o2", dec(1)), ("o1", dec(1))]


def test_better_prices_fill_first_and_among_equals_the_older() -> None:
    buys = book_of(order(1, Side.BUY, 98), order(2, Side.BUY, 99), order(3, Side.BUY, 98), order(4, Side.BUY, 99))
    assert [name for name, _ in ids(buys.moved(dec(90), dec(90)))] == ["o2", "o4", "o1", "o3"]
    sells = book_of(order(1, Side.SELL, 98), order(2, Side.SELL, 97), order(3, Side.SELL, 98))
    assert [name for name, _ in ids(sells.moved(dec(99), dec(99)))] == ["o2", "o1", "o3"]


def test_best_prices_follow_placing_cancelling_and_filling() -> None:
    book = book_of(order(1, Side.BUY, 95), order(2, Side.BUY, 97), order(3, Side.SELL, 105), order(4, Side.SELL, 103))
    assert (book.best_buy(), book.best_sell()) == (dec(97), dec(103))
    book.remove("o2")
    book.remove("o4")
    assert (book.best_buy(), book.best_sell()) == (dec(95), dec(105))
    book.moved(dec(94), dec(106))
    assert (book.best_buy(), book.best_sell()) == (None, None)


def test_an_order_that_is_gone_can_not_be_removed_again() -> None:
    book = book_of(order(1, Side.BUY, 95))
    assert book.remove("o1") is not None
    assert book.remove("o1") is None
    assert book.moved(dec(1), dec(1)) == []


def test_a_print_fills_at_most_its_volume_in_price_and_time() -> None:
    book = book_of(order(1, Side.BUY, 99, 2), order(2, Side.BUY, 100, 1), order(3, Side.BUY, 99, 2))
    assert ids(book.printed(dec(98), dec("2.5"))) == [("o2", dec(1)), ("o1", dec("1.5"))]
    assert ids(book.printed(dec(98), dec(2))) == [("o1", dec("0.5")), ("o3", dec("1.5"))]
    assert [each.client_id for each in book.orders] == ["o3"]
    assert book.orders[0].remaining == dec("0.5")


def test_a_print_at_our_price_fills_only_with_touch() -> None:
    assert book_of(order(1, Side.BUY, 99)).printed(dec(99), dec(5)) == []
    touched = book_of(order(1, Side.BUY, 99), touch=True)
    assert ids(touched.printed(dec(99), dec("0.25"))) == [("o1", dec("0.25"))]


def test_an_order_dealt_out_in_pieces_keeps_its_place_and_does_not_hold_up_others() -> None:
    book = Book(parts=lambda each: min(each.remaining, dec(1)))
    book.add(order(1, Side.BUY, 99, 3))
    book.add(order(2, Side.BUY, 98, 2))
    assert ids(book.moved(dec(90), dec(90))) == [("o1", dec(1)), ("o2", dec(1))]
    assert book.best_buy() == 99
    assert ids(book.moved(dec(90), dec(90))) == [("o1", dec(1)), ("o2", dec(1))]
    assert ids(book.moved(dec(90), dec(90))) == [("o1", dec(1))]
    assert len(book) == 0


def test_a_partly_filled_order_can_still_be_cancelled() -> None:
    book = book_of(order(1, Side.SELL, 99, 3), order(2, Side.SELL, 99, 3))
    book.printed(dec(100), dec(1))
    removed = book.remove("o1")
    assert removed is not None
    assert removed.remaining == 2
    assert ids(book.printed(dec(100), dec(9))) == [("o2", dec(3))]


@pytest.mark.parametrize(
    ("side", "price", "crosses"),
    [
        (Side.BUY, "100.00", False),
        (Side.BUY, "100.01", True),
        (Side.BUY, "100.02", True),
        (Side.SELL, "100.00", False),
        (Side.SELL, "99.99", True),
        (Side.SELL, "99.98", True),
    ],
)
def test_an_order_crosses_when_it_meets_the_other_side(side: Side, price: str, crosses: bool) -> None:
    assert would_cross(side, dec(price), bid=dec("99.99"), ask=dec("100.01")) is crosses


def test_on_a_close_both_sides_meet_the_same_price() -> None:
    assert would_cross(Side.BUY, dec(100), dec(100), dec(100))
    assert would_cross(Side.SELL, dec(100), dec(100), dec(100))
    assert not would_cross(Side.BUY, dec("99.99"), dec(100), dec(100))


MOVES = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(Side), st.integers(90, 110), st.integers(1, 5)),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.just("move"), st.integers(88, 112), st.integers(88, 112)),
    st.tuples(st.just("print"), st.integers(88, 112), st.integers(1, 12)),
)


@given(st.lists(MOVES, max_size=60), st.booleans())
def test_the_book_does_what_a_plain_list_would_do(moves: list[tuple[object, ...]], touch: bool) -> None:
    use_exact()
    book = Book(touch)
    rows: list[list[int | Side]] = []  # number, side, price, remaining: searched through each time

    def sweep(side: Side, price: int, volume: int) -> list[tuple[str, Decimal]]:
        sign = 1 if side is Side.BUY else -1
        done: list[tuple[str, Decimal]] = []
        for row in sorted((row for row in rows if row[1] is side), key=lambda r: (-sign * int(r[2]), int(r[0]))):
            beyond = sign * (int(row[2]) - price)
            part = min(volume, int(row[3]))
            if (beyond > 0 or (touch and beyond == 0)) and part:
                volume -= part
                row[3] = int(row[3]) - part
                done.append((f"o{row[0]}", Decimal(part)))
        rows[:] = [row for row in rows if row[3]]
        return done

    for number, (what, *values) in enumerate(moves):
        if what == "add":
            side, price, amount = values
            assert isinstance(side, Side)
            assert isinstance(price, int)
            assert isinstance(amount, int)
            book.add(order(number, side, price, amount))
            rows.append([number, side, price, amount])
            continue
        first, last = (int(str(value)) for value in (values[0], values[-1]))
        if what == "remove":
            known = any(row[0] == first for row in rows)
            assert (book.remove(f"o{first}") is not None) == known
            rows[:] = [row for row in rows if row[0] != first]
        elif what == "move":
            expected = sweep(Side.BUY, first, 10**9) + sweep(Side.SELL, last, 10**9)
            assert ids(book.moved(Decimal(first), Decimal(last))) == expected
        else:
            expected = sweep(Side.BUY, first, last)
            expected += sweep(Side.SELL, first, last - int(sum(amount for _, amount in expected)))
            assert ids(book.printed(Decimal(first), Decimal(last))) == expected
        assert book.best_buy() == max((row[2] for row in rows if row[1] is Side.BUY), default=None)
        assert book.best_sell() == min((row[2] for row in rows if row[1] is Side.SELL), default=None)
        assert len(book) == len(rows)
