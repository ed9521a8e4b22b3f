"""Records: what is kept is read back to the last digit, and what is not understood is refused."""

import dataclasses
import types
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.accounting import RoundTrip
from bot.core.executor import PositionExecutor
from bot.core.margin import Standing
from bot.core.model import Market
from bot.core.portfolio import Grid, Totals
from bot.core.snapshot import LevelFrozen, Notice, TradeClosed
from bot.errors import StateCorrupt, StateNewer
from bot.storage.records import compact, from_record, to_record
from tests.storage.levels import MARKET, NOW, executor

MARKETS = {MARKET.symbol: MARKET}
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**9), max_value=10**9) | (
    st.decimals(allow_nan=False, allow_infinity=False)
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: decimals,
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
    Market: st.just(MARKET),
    timedelta: st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)),
}


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type the core uses."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([st.none() if arg is type(None) else of(arg) for arg in args])
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(of(args[0]), max_size=3).map(tuple)
        return st.tuples(*[of(arg) for arg in args])
    if origin is not None:
        return st.dictionaries(of(args[0]), of(args[1]), max_size=3)
    hints = get_type_hints(hint)
    every = {field.name: of(hints[field.name]) for field in dataclasses.fields(hint) if field.init}
    return st.builds(hint, **every)


def notices() -> list[Any]:
    kinds = {kind.__name__: kind for kind in Notice.__subclasses__()}
    return list(kinds.values())


def again(table: str, key: str, thing: object) -> object:
    return from_record(table, orjson.loads(compact(to_record(table, key, thing))), MARKETS)


def spelt(thing: object) -> str:
    """Equal decimals may be spelt differently; this tells them apart."""
    return repr(thing)


@settings(max_examples=50)
@given(of(PositionExecutor))
def test_an_executor_comes_back_as_it_was(thing: PositionExecutor) -> None:
    back = again("executors", "g1.7", thing)
    assert back == thing
    assert spelt(back) == spelt(thing)


@settings(max_examples=40)
@given(of(Grid))
def test_a_grid_comes_back_as_it_was(thing: Grid) -> None:
    assert spelt(again("grids", thing.id, thing)) == spelt(thing)


@pytest.mark.parametrize("kind", notices(), ids=lambda kind: str(kind.__name__))
def test_every_notice_comes_back_as_it_was(kind: Any) -> None:
    @settings(max_examples=20)
    @given(of(kind))
    def comes_back(thing: Notice) -> None:
        assert spelt(again("outbox", "n1", thing)) == spelt(thing)

    comes_back()


@settings(max_examples=40)
@given(of(Totals), of(RoundTrip), of(Market))
def test_sums_trades_and_markets_come_back_as_they_were(totals: Totals, trade: RoundTrip, market: Market) -> None:
    assert spelt(again("totals", "all", totals)) == spelt(totals)
    assert spelt(again("unwritten", trade.key, trade)) == spelt(trade)
    assert spelt(again("markets", market.symbol, market)) == spelt(market)


@given(of(Standing))
def test_what_is_known_of_a_perpetual_comes_back_as_it_was(standing: Standing) -> None:
    assert spelt(again("standings", "BTC/USDT:USDT", standing)) == spelt(standing)


@pytest.mark.parametrize("value", [{"id": "other", "n": 1}, [1, "a", None], "text", 0, False, {}])
def test_plain_values_keep_their_own_ids(value: object) -> None:
    record = to_record("chat", "k", value)
    assert record["id"] == "k"
    assert again("chat", "k", value) == value


def test_a_record_says_nothing_of_defaults_and_the_market_only_by_its_symbol() -> None:
    record = to_record("executors", "g1.2", executor(2))
    assert record == {
        "id": "g1.2",
        "symbol": "BTC/USDT",
        "level": {
            "grid": "g1", "number": 2, "entry": "60002.1", "exit": "60302.1", "amount": "0.001", "loop": True,
        },
        "prefix": "abc001",
    }  # fmt: skip


def test_what_a_newer_version_wrote_is_refused_and_named() -> None:
    record = to_record("executors", "g1.1", executor(1))
    with pytest.raises(StateNewer, match=r"executors g1\.1: the field wings"):
        from_record("executors", {**record, "wings": 2}, MARKETS)
    with pytest.raises(StateNewer, match="FLYING"):
        from_record("executors", {**record, "state": "FLYING"}, MARKETS)
    with pytest.raises(StateNewer, match="MoonReached"):
        from_record("outbox", {"id": "1", "notice": "MoonReached"}, MARKETS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": None},
        {"cycle": "3"},
        {"prefix": 7},
        {"placed_at": "2026-11-22T10:00:00"},
        {"placed_at": "yesterday"},
        {"books": {"held": 0.1}},
        {"books": {"held": "NaN"}},
        {"books": {"held": "much"}},
        {"symbol": "DOGE/USDT"},
        {"watched": 3},
    ],
)
def test_a_record_that_cannot_be_right_is_refused_and_named(wrong: dict[str, Any]) -> None:
    record = to_record("executors", "g1.2", executor(2)) | wrong
    with pytest.raises(StateCorrupt, match=r"executors g1\.2"):
        from_record("executors", record, MARKETS)


def test_a_record_that_lacks_a_field_is_refused_and_named() -> None:
    record = to_record("outbox", "n1", LevelFrozen(NOW, "g1.1", "why"))
    del record["why"]
    with pytest.raises(StateCorrupt, match="'why' is missing"):
        from_record("outbox", record, MARKETS)


def test_a_thing_in_the_wrong_table_or_not_an_amount_is_never_kept() -> None:
    with pytest.raises(TypeError, match="Totals"):
        to_record("totals", "all", executor(1))
    with pytest.raises(ValueError, match="NaN"):
        to_record("totals", "all", Totals(realised=Decimal("NaN")))
    with pytest.raises(ValueError, match="no time zone"):
        to_record("outbox", "1", LevelFrozen(NOW.replace(tzinfo=None), "g1.1", "why"))


def test_a_closed_trade_inside_a_notice_is_whole() -> None:
    trade = RoundTrip("g1", "g1.7", 3, "BTC/USDT", Decimal("0.001"), Decimal(60), Decimal(61), Decimal(0), "USDT", NOW)
    assert again("outbox", "n", TradeClosed(NOW, trade)) == TradeClosed(NOW, trade)
