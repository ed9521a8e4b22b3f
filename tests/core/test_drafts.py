"""A grid put together answer by answer: what an answer changes, what it lets go, and that the sum is the grid a command
would have made.
"""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.drafts import Draft, read_answer
from bot.core.grids import Shape
from bot.core.money import use_exact
from bot.core.specs import PLACES
from bot.core.words import parse_grid, read_pairs, resolve_symbol
from bot.errors import CommandError

SYMBOLS = ["BTC/USDT", "ETH/USDT", "ETH/BTC", "1INCH/USDT"]
PRICE = Decimal(60_000)


@pytest.fixture(autouse=True)
def exact_context() -> Iterator[None]:
    with localcontext():
        use_exact()
        yield


def told(draft: Draft, typed: str, places: tuple[str, ...] = PLACES) -> Draft:
    return read_answer(
        draft,
        typed,
        resolve=lambda word: resolve_symbol(word, SYMBOLS, "BTC/USDT"),
        default_symbol="BTC/USDT",
        places=places,
    )


def test_answers_one_by_one_make_the_grid_of_one_command() -> None:
    draft = Draft()
    for typed, places in (("eth/usdt", PLACES), ("normal", PLACES), ("3000 4000", PLACES), ("20", PLACES[2:]),
                          ("0.01", PLACES[3:]), ("0.5%", PLACES[4:]), ("loop sigma=4", ())):  # fmt: skip
        draft = told(draft, typed, places)
    words = parse_grid(
        Shape.NORMAL,
        "eth/usdt 3000 4000 20 0.01 0.5% loop sigma=4",
        resolve=lambda word: resolve_symbol(word, SYMBOLS),
        default_symbol="BTC/USDT",
    )
    assert draft.shape is Shape.NORMAL
    assert read_pairs(Shape.NORMAL, draft.symbol, draft.pairs) == words


@pytest.mark.parametrize(
    ("typed", "places", "given"),
    [
        ("60000 65000", PLACES, {"min": "60000", "max": "65000", "symbol": "BTC/USDT"}),
        ("65000 60000", PLACES, {"min": "60000", "max": "65000", "symbol": "BTC/USDT"}),
        ("+2% -1%", PLACES, {"min": "-1%", "max": "+2%", "symbol": "BTC/USDT"}),
        ("30 0.6%", ("count", "qty", "profit"), {"count": "30", "profit": "0.6%"}),
        ("2000usdt", ("qty", "profit"), {"budget": "2000", "symbol": "BTC/USDT"}),
        ("0.01btc 1%", ("count", "qty", "profit"), {"qty": "0.01", "profit": "1%", "symbol": "BTC/USDT"}),
        ("loop", (), {"loop": "yes"}),
        ("Geometric", (), {"shape": "geometric"}),
        ("linear eth/btc count=5", (), {"shape": "linear", "symbol": "ETH/BTC", "count": "5"}),
    ],
)
def test_what_is_typed_is_put_where_it_belongs(typed: str, places: tuple[str, ...], given: dict[str, str]) -> None:
    assert dict(told(Draft(), typed, places).given) == given


def test_an_amount_and_a_budget_replace_each_other() -> None:
    draft = told(Draft({"symbol": "BTC/USDT", "qty": "1"}), "budget=2000", ())
    assert draft.pairs == {"budget": "2000"}
    assert told(draft, "0.1", ("qty",)).pairs == {"qty": "0.1"}


def test_another_market_lets_go_of_what_had_its_prices_and_coins() -> None:
    draft = Draft({"symbol": "BTC/USDT", "min": "1", "max": "2", "stop": "1", "budget": "9", "count": "3"})
    assert draft.plus({"symbol": "ETH/USDT"}).pairs == {"budget": "9", "count": "3"}
    assert draft.plus({"symbol": "ETH/BTC"}).pairs == {"count": "3"}
    assert draft.plus({"symbol": "ETH/USDT", "min": "5", "max": "6"}).pairs["min"] == "5"
    assert draft.plus({"symbol": "BTC/USDT"}) == draft


def test_a_mean_goes_with_the_normal_shape() -> None:
    draft = Draft({"symbol": "BTC/USDT", "shape": "normal", "mean": "60000", "sigma": "4"})
    assert draft.plus({"shape": "linear"}).given == {"symbol": "BTC/USDT", "shape": "linear"}
    assert draft.plus({"shape": "normal"}).pairs == {"mean": "60000", "sigma": "4"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"min": "60000"}, "two prices"),
        ({"count": "0"}, "COUNT must be a whole number"),
        ({"count": "2.5"}, "COUNT must be a whole number"),
        ({"profit": "9999%"}, "below 1000"),
        ({"qty": "0"}, "QTY must be above 0"),
        ({"loop": "perhaps"}, "loop must be yes or no"),
        ({"shape": "linear", "sigma": "3"}, "belong to a normal grid"),
        ({"min": "60000", "max": "60000"}, "MIN must be below MAX"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(given: dict[str, str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        Draft({"symbol": "BTC/USDT", **given}).checked(PRICE)


def test_half_a_draft_is_checked_as_far_as_it_goes() -> None:
    for answers in ({}, {"shape": "normal"}, {"mean": "1"}, {"budget": "10"}, {"min": "-1%", "max": "+1%"}):
        draft = Draft({"symbol": "BTC/USDT", **answers})
        assert draft.checked(PRICE) is draft


def test_a_number_that_has_no_place_is_refused() -> None:
    with pytest.raises(CommandError, match="say what it is, such as count=30"):
        told(Draft({"symbol": "BTC/USDT"}), "20", ())


@given(st.text(max_size=80), st.sampled_from([PLACES, PLACES[2:], PLACES[3:], ()]))
def test_anything_typed_is_taken_or_refused(typed: str, places: tuple[str, ...]) -> None:
    try:
        draft = told(Draft({"symbol": "BTC/USDT", "min": "60000", "max": "65000"}), typed, places)
        draft.checked(PRICE)
    except CommandError as error:
        assert 10 < len(str(error)) < 600
    else:
        assert draft.symbol in SYMBOLS
