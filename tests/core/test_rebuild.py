"""Grids from their orders: what is certain is taken, what is guessed is said."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from bot.core import grids
from bot.core.client_ids import OrderKey, encode
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import State
from bot.core.model import Leg, Order
from bot.core.rebuild import Rebuilt, profit_of, rebuilt
from tests.fakes import BTC, START, dec, market

RULES = market()
ENTRY, EXIT = Leg.ENTRY, Leg.EXIT


def order(
    level: int,
    leg: Leg,
    price: Decimal | str,
    *,
    cycle: int = 1,
    attempt: int = 0,
    amount: str = "0.001",
    done: bool = False,
    grid: int = 1,
) -> Order:
    client_id = encode(OrderKey("abc00z", grid, level, cycle, leg, attempt))
    size = dec(amount)
    return Order(client_id, BTC, leg.side, Decimal(price), size, size if done else dec(0), not done, START)


def entries_of(shape: Shape = Shape.LINEAR, count: int = 5) -> list[Decimal]:
    spec = GridSpec(shape, BTC, dec(59_000), dec(60_000), count, dec("0.001"), None, dec("0.5"))
    return grids.prices(spec, RULES.price_tick)


def told_whole(entries: Sequence[Decimal], profit: str = "0.5") -> list[Order]:
    """Orders of a grid all of whose past is told of: one level has begun its second cycle, another holds coins."""
    orders = [order(number, ENTRY, entry) for number, entry in enumerate(entries, 1)]
    exit_ = grids.exit_price(entries[-1], dec(profit), RULES.price_tick)
    last = len(entries)
    orders[-1:] = [
        order(last, ENTRY, entries[-1], done=True),
        order(last, EXIT, exit_, attempt=1, amount="0.0009", done=True),
        order(last, ENTRY, entries[-1], cycle=2),
    ]
    return orders


def only(orders: Sequence[Order]) -> Rebuilt:
    (made,) = rebuilt(orders, {BTC: RULES})
    return made


@pytest.mark.parametrize("shape", [Shape.LINEAR, Shape.GEOMETRIC])
@pytest.mark.parametrize("profit", ["0.5", "1", "0.75", "0.123"])
def test_what_all_orders_tell_of_leaves_no_doubt(shape: Shape, profit: str) -> None:
    entries = entries_of(shape)
    orders = told_whole(entries, profit)
    Random(1).shuffle(orders)
    made = only(orders)
    assert made.doubts == ()
    assert (made.shape, made.spec.shape, made.spec.profit_pct, made.spec.loop) == (shape, shape, dec(profit), True)
    assert [start.level.entry for start in made.starts] == entries
    assert [start.level.exit for start in made.starts] == [
        grids.exit_price(entry, dec(profit), RULES.price_tick) for entry in entries
    ]
    assert {start.level.amount for start in made.starts} == {dec("0.001")}
    assert made.view.resting == 5


def test_prices_on_no_curve_are_taken_as_listed_and_those_without_an_exit_doubted() -> None:
    entries = entries_of(Shape.NORMAL)
    made = only(told_whole(entries))
    assert made.shape == ""
    assert [start.level.entry for start in made.starts] == entries
    assert made.doubts[0] == f"g1.1 is taken to buy at {entries[0]}: its order may rest short of that"
    assert len(made.doubts) == 4


def test_an_order_short_of_its_target_yields_to_one_nearer_to_it() -> None:
    entries = entries_of()
    orders = [*told_whole(entries), order(2, ENTRY, entries[1] - 30, attempt=1)]
    assert only(orders).starts[1].level.entry == entries[1]


def test_every_guess_is_named() -> None:
    entries = entries_of()
    whole = told_whole(entries)
    assert only([each for each in whole if each.price != entries[1]]).doubts == (
        "g1.2 shows no order, and is left out",
    )
    late = order(1, ENTRY, entries[0], attempt=3)
    assert only([late, *whole[1:]]).doubts == ("g1.1: not all its orders are told of any more",)
    assert only(whole[:-1]).doubts == ("whether it loops is not to be seen; taken: it does not",)


def test_an_exit_without_its_entry_tells_what_was_bought() -> None:
    entries = entries_of()
    whole = told_whole(entries)
    exit_ = grids.exit_price(entries[2], dec("0.5"), RULES.price_tick)
    whole[2] = order(3, EXIT, exit_, attempt=1, amount="0.0009")
    made = only(whole)
    assert made.doubts == (f"g1.3 is taken to have bought 0.0009 at {entries[2]}",)
    executor = made.starts[2].executor(RULES, "abc123")
    assert (executor.state, executor.books.held, executor.sellable) == (State.FILLED_WAIT, dec("0.0009"), dec("0.0009"))
    assert executor.books.held_cost == dec("0.0009") * entries[2]


def test_without_a_level_that_shows_both_its_legs_nothing_can_be_rebuilt() -> None:
    made = only([order(number, ENTRY, entry) for number, entry in enumerate(entries_of(), 1)])
    assert made.starts == ()
    assert made.view.levels == 0
    assert made.doubts == ("no level shows both its entry and its exit",)


def test_grids_are_told_apart_by_their_ids_and_closing_orders_are_of_none() -> None:
    sale = order(0, Leg.CLOSE, "59000", cycle=0)
    two = [replace(each, client_id=each.client_id[:6] + "02" + each.client_id[8:]) for each in told_whole(entries_of())]
    made = rebuilt([*two, sale, *told_whole(entries_of())], {BTC: RULES})
    assert [grid.number for grid in made] == [1, 2]


def test_the_profit_has_the_fewest_decimals_that_explain_every_exit() -> None:
    luck, tick = Random(5), dec("0.01")
    for _ in range(300):
        places = luck.randint(0, 3)
        pct = Decimal(luck.randint(1, 300)).scaleb(-places).normalize()
        entries = [Decimal(luck.randint(2_000_000, 9_000_000)).scaleb(-2) for _ in range(4)]
        legs = [(entry, grids.exit_price(entry, pct, tick)) for entry in entries]
        found, is_sure = profit_of(legs, tick)
        assert found is not None
        assert (found.normalize(), is_sure) == (pct, True)


def test_an_entry_that_bought_beside_the_market_is_counted_back_from_its_exit() -> None:
    entries = entries_of()
    whole = told_whole(entries)
    near = order(3, ENTRY, entries[2] - 170, done=True)
    exit_ = grids.exit_price(entries[2], dec("0.5"), RULES.price_tick)
    whole[2:3] = [near, order(3, EXIT, exit_, attempt=1, amount="0.0009")]
    fourth = grids.exit_price(entries[3], dec("0.5"), RULES.price_tick)
    whole[-1:] = [whole[-1], order(4, EXIT, fourth, attempt=1, amount="0.0009")]
    made = only(whole)
    assert made.doubts == ()
    assert [start.level.entry for start in made.starts] == entries


def test_a_coarse_tick_or_exits_that_disagree_leave_the_profit_in_doubt() -> None:
    assert profit_of([(dec(100), dec(101))], dec(1)) == (dec(1), True)
    found, is_sure = profit_of([(dec(10), dec(11))], dec(1))
    assert (found, is_sure) == (dec(10), False)
    assert profit_of([(dec(100), dec(101)), (dec(100), dec(105))], dec("0.01")) == (dec(1), False)
    assert profit_of([(dec(100), None), (None, dec(105))], dec("0.01")) == (None, False)


def test_a_grid_that_was_edited_is_not_taken_up_without_a_question() -> None:
    whole = told_whole(entries_of())
    between = [order(number, ENTRY, price) for number, price in ((6, "59125"), (7, "59375"))]
    told = only([*whole, *between])
    assert any("may have been edited" in doubt for doubt in told.doubts)
    assert (told.spec.minimum, told.spec.maximum) == (dec(59_000), dec(60_000))
    above = [order(number, ENTRY, price) for number, price in ((6, "60125"), (7, "60375"))]
    gone = replace(whole[0], is_open=False)
    assert any("may have been edited" in doubt for doubt in only([gone, *whole[1:], *above]).doubts)
    assert not any("edited" in doubt for doubt in only(told_whole(entries_of(Shape.NORMAL, 9))).doubts)
