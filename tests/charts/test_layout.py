"""Where things stand in a picture: scales, tags, rungs, marks and densities, without drawing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.candles import MOST_CANDLES, merged
from bot.charts.ladder import Rung, RungKind, rows
from bot.charts.levels import LEAST_GAP, chosen, density, every
from bot.charts.marks import CELL, apart
from bot.charts.scale import CANDLE_TIMES, fitting
from bot.charts.tags import spread
from tests.charts.gallery import bell, candles, even

HEIGHT, TOP, BOTTOM = 72.0, 200.0, 1280.0


@given(st.lists(st.floats(TOP, BOTTOM), max_size=12).map(sorted))
def test_tags_never_overlap_and_stay_beside_their_panel(wanted: list[float]) -> None:
    places = spread(wanted, HEIGHT, TOP, BOTTOM)
    assert len(places) == len(wanted)
    assert all(after - before >= HEIGHT - 1e-6 for before, after in itertools.pairwise(places))
    assert all(TOP + HEIGHT / 2 - 1e-6 <= place <= BOTTOM - HEIGHT / 2 + 1e-6 for place in places)


def test_tags_with_room_stay_where_they_are() -> None:
    assert spread([300, 500, 900], HEIGHT, TOP, BOTTOM) == [300, 500, 900]


def test_tags_that_touch_part_around_their_middle() -> None:
    assert spread([500, 500, 900], HEIGHT, TOP, BOTTOM) == [464, 536, 900]


def test_levels_market_and_usual_candles_are_all_in_the_picture() -> None:
    scale = fitting([60_000, 64_000], 62_000, (59_500, 64_200))
    assert all(scale.holds(price) for price in (59_500, 60_000, 62_000, 64_200))


def test_wild_candles_leave_the_levels_a_third_of_the_height() -> None:
    scale = fitting([60_000, 64_000], 62_000, (10_000, 200_000))
    assert scale.high - scale.low == pytest.approx(4_000 * CANDLE_TIMES, rel=0.11)
    assert scale.holds(60_000)
    assert scale.holds(64_000)


def test_a_market_far_away_does_not_squeeze_the_levels() -> None:
    scale = fitting([100, 120], 62_000, (61_000, 63_000))
    assert not scale.holds(62_000)
    assert (scale.low, scale.high) == pytest.approx((99, 121))
    assert scale.place(62_000, TOP, BOTTOM) == TOP


def test_a_market_somewhat_away_is_shown_with_the_levels() -> None:
    assert fitting([50_000, 55_000], 62_000, None).holds(62_000)


@given(st.floats(1e-8, 1e9), st.integers(2, 9))
def test_round_prices_are_few_and_in_the_picture(price: float, most: int) -> None:
    scale = fitting([price], price, None)
    rounds, step = scale.rounds(most)
    assert 1 <= len(rounds) <= most + 1
    assert step > 0
    assert all(scale.low - step / 1e6 <= each <= scale.high + step / 1e6 for each in rounds)


def test_every_level_is_drawn_where_there_is_room_and_few_where_not() -> None:
    assert every(np.array(even(0, 1000, 20))) == 1
    assert every(np.array([500.0])) == 1
    assert every(np.array([500.0, 500.0, 500.0])) == 3
    crowded = np.array(even(0, 1000, 10_000))
    drawn = chosen(crowded.tolist(), every(crowded))
    assert float(np.diff(drawn[:-1]).min()) >= LEAST_GAP
    assert (drawn[0], drawn[-1]) == (crowded[0], crowded[-1])


def test_the_density_of_an_even_grid_is_level_and_of_a_normal_one_a_bell() -> None:
    _, level = density(even(60_000, 64_000, 1000))
    assert level.min() > 0.9
    edges, dense = density(bell(60_000, 64_000, 1000))
    assert edges[int(dense.argmax())] == pytest.approx(62_000, abs=200)
    assert dense[0] < 0.2
    assert dense[-1] < 0.2


@pytest.mark.parametrize("entries", [[], [5.0], [5.0, 5.0]])
def test_levels_at_one_price_have_no_density(entries: list[float]) -> None:
    assert len(density(entries)[1]) == 0


def test_rungs_too_close_to_tell_apart_share_one_and_none_is_lost() -> None:
    kinds = [RungKind.BUY, RungKind.SELL]
    rungs = [Rung(price, kinds[number % 2]) for number, price in enumerate(even(100, 200, 1000))]
    shown = rows(rungs, 5.0)
    assert len(shown) <= 20
    assert sum(row.kinds.total() for row in shown) == 1000
    assert all(after.price - before.price >= 4.9 for before, after in itertools.pairwise(shown))


def test_rungs_with_room_keep_their_own_price() -> None:
    rungs = [Rung(300.0, RungKind.SELL), Rung(100.0, RungKind.BUY), Rung(200.0, RungKind.HOLDING)]
    assert [(row.price, list(row.kinds)) for row in rows(rungs, 5.0)] == [
        (100.0, [RungKind.BUY]),
        (200.0, [RungKind.HOLDING]),
        (300.0, [RungKind.SELL]),
    ]


def test_of_marks_in_one_place_the_first_given_is_drawn() -> None:
    assert list(apart([(5, 5), (6, 6), (5 + CELL, 5), (5, 5 + CELL)])) == [0, 2, 3]


def test_merged_candles_lose_no_high_and_no_low() -> None:
    past = candles(1000)
    shown = merged(past)
    assert len(shown) <= MOST_CANDLES
    assert shown.ends == past.ends
    assert (shown.opens[0], shown.closes[-1]) == (past.opens[0], past.closes[-1])
    assert merged(shown) is shown
