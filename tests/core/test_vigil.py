"""The watch over a grid's course: out of range and back, and nothing that trades; each told once a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.core.alerts import BackInRange, OutOfRange, Stalled
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode
from bot.core.model import Quote
from bot.core.portfolio import Grid, Holding
from bot.core.snapshot import Notice
from bot.core.vigil import NEW, OUT_AFTER, OUT_AGAIN, STALLED_AFTER, STALLED_AGAIN, Watch, looked

D = Decimal
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPEC = GridSpec(Shape.LINEAR, "BTC/USDT", D(59_000), D(60_000), 5, D("0.001"), None, D("0.5"), loop=True)
GRID = Grid("g1", 1, SPEC, START)
HELD = Holding(D("0.002"), D("119.5"), D(0))


class Watcher:
    """Looks once a minute, keeps what it knows as a record each time, and notes what is told."""

    def __init__(self) -> None:
        self.at = START
        self.grid = GRID
        self.fills = 0
        self.watch = NEW
        self.told: list[Notice] = []

    def look(self, price: str | None, span: timedelta = timedelta(0)) -> list[Notice]:
        """Looks until so much time is over; what was told in it."""
        end, before = self.at + span, len(self.told)
        quote = None if price is None else Quote("BTC/USDT", D(price), D(price) + 1, self.at)
        while self.at <= end:
            known = Watch.from_record(self.watch.to_record())
            assert known == self.watch
            self.watch, told = looked(known, self.grid, self.fills, HELD, quote, self.at)
            self.told += [told] if told is not None else []
            self.at += MINUTE
        return self.told[before:]


@pytest.mark.parametrize(("price", "bound", "is_below"), [("58000", 59_000, True), ("60500", 60_000, False)])
def test_a_price_that_stays_outside_is_told_once_and_that_it_is_back(price: str, bound: int, is_below: bool) -> None:
    watcher = Watcher()
    assert watcher.look("59500") == []
    since = watcher.at
    assert watcher.look(price, OUT_AFTER - MINUTE) == []
    at = watcher.at
    told = OutOfRange(at, "g1", "BTC/USDT", D(price), D(bound), is_below, since, HELD.amount, HELD.cost)
    assert watcher.look(price) == [told]
    assert watcher.look(price, OUT_AGAIN) == []
    assert watcher.look("59500") == [BackInRange(watcher.at - MINUTE, "g1", "BTC/USDT", D(59_500), since)]


def test_a_price_at_the_edge_is_told_once_in_its_cool_down() -> None:
    watcher = Watcher()
    for _ in range(int(OUT_AGAIN / (2 * OUT_AFTER))):
        watcher.look("58000", OUT_AFTER)
        watcher.look("59500", OUT_AFTER - 2 * MINUTE)
    assert [type(told) for told in watcher.told] == [OutOfRange, BackInRange]
    watcher.look("58000", OUT_AFTER + 4 * MINUTE)
    assert [type(told) for told in watcher.told] == [OutOfRange, BackInRange, OutOfRange]


def test_a_short_trip_outside_is_not_worth_a_word() -> None:
    watcher = Watcher()
    watcher.look("58000", OUT_AFTER - 2 * MINUTE)
    watcher.look("59500", timedelta(hours=1))
    assert watcher.told == []


def test_a_grid_in_whose_range_nothing_trades_is_told_of_once_a_day() -> None:
    watcher = Watcher()
    watcher.look("59500", STALLED_AFTER - MINUTE)
    assert watcher.told == []
    assert watcher.look("59500") == [Stalled(watcher.at - MINUTE, "g1", "BTC/USDT", D(59_500), START)]
    assert watcher.look("59500", STALLED_AGAIN - 2 * MINUTE) == []
    assert [type(told) for told in watcher.look("59500", 2 * MINUTE)] == [Stalled]


def test_each_fill_begins_the_wait_anew_and_so_does_a_return_into_the_range() -> None:
    watcher = Watcher()
    for _ in range(5):
        watcher.look("59500", STALLED_AFTER / 2)
        watcher.fills += 1
    watcher.look("58000", OUT_AFTER / 2)
    watcher.look("59500", STALLED_AFTER - MINUTE)
    assert watcher.told == []


def test_a_grid_that_somebody_paused_is_left_alone() -> None:
    watcher = Watcher()
    watcher.grid = replace(GRID, mode=Mode.PAUSED)
    watcher.look("58000", timedelta(days=2))
    watcher.look("59500", timedelta(days=2))
    watcher.grid = replace(GRID, halted=True)
    watcher.look("59500", timedelta(days=2))
    assert watcher.told == []
    watcher.grid = GRID
    watcher.look("58000", OUT_AFTER - MINUTE)
    assert watcher.told == []


def test_without_a_price_nothing_is_known_anew() -> None:
    watcher = Watcher()
    watcher.look("58000", OUT_AFTER - 3 * MINUTE)
    before = watcher.watch
    assert watcher.look(None, timedelta(days=1)) == []
    assert watcher.watch == before


def test_a_grid_of_a_single_price_has_no_range_to_leave() -> None:
    watcher = Watcher()
    watcher.grid = replace(GRID, spec=replace(SPEC, minimum=D(59_000), maximum=D(59_000), count=1))
    watcher.look("50000", STALLED_AFTER - MINUTE)
    assert watcher.told == []
    assert [type(told) for told in watcher.look("50000")] == [Stalled]
