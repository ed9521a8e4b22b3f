"""A grid of far more levels than the venue allows open orders trades through its whole range.

Rule: the nearest levels rest, the others wait; every level buys and sells as the price passes, the venue is never asked
for more than it allows, and never refuses for that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.client_ids import decode
from bot.core.model import Leg
from tests.chaos.places import BINANCE
from tests.chaos.world import World, opened
from tests.venue.faults import CANCEL, CREATE
from tests.venue.model import Reason

LOW, HIGH = 57_000, 59_900
SETTLED = 40
"""Beats within which the window has followed the price."""


async def walked(folder: Path, *, levels: int, places: int) -> World:
    """Down through all levels and up again, half of what each side surely has on the book at a time."""
    world = World(BINANCE, folder, timeout_ms=10_000, max_open_orders=places)  # a hundred leave at once
    async with opened(world):
        await world.grid(str(LOW), str(HIGH), levels, "0.001", "0.5")
        await settled(world)
        stride = (HIGH - LOW) * places // levels // 8
        top = HIGH * 1005 // 1000 + 50
        down = range(HIGH + 50, LOW - 4 * stride, -stride)  # what came to its place late rests at the touch: go on
        for price in (*down, *reversed(down), *range(HIGH + 50 + stride, top + stride, stride)):
            await world.step(Decimal(price))
            await settled(world)
        assert world.differences() == []
    return world


async def settled(world: World) -> None:
    """Go on until nothing is placed or cancelled any more."""
    still = 0
    for _ in range(SETTLED):
        before = written(world)
        await world.step(seconds=0.5)
        still = still + 1 if written(world) == before and not world.manager.heartbeat.doubts else 0
        if still == 2:
            return
    raise AssertionError("the window does not come to rest")


def written(world: World) -> int:
    """Requests that placed or cancelled."""
    return sum(call.kind in (CREATE, CANCEL) for call in world.venue.witness.calls)


def trades_through_its_range(folder: Path, levels: int, places: int) -> None:
    world = asyncio.run(walked(folder, levels=levels, places=places))
    legs = Counter((key.level, key.leg) for fill in world.ledger.fills if (key := decode(fill.order.client_id)))
    numbers = range(1, levels + 1)
    assert [number for number in numbers if not legs[number, Leg.ENTRY]] == []
    assert [number for number in numbers if not legs[number, Leg.EXIT]] == []
    assert places * 9 // 10 <= world.most_resting <= places
    assert world.venue.witness.refusals()[Reason.TOO_MANY_ORDERS.value] == 0
    assert world.wrong == []


def test_a_grid_five_times_as_large_as_the_book_allows_trades_through_its_range(tmp_path: Path) -> None:
    trades_through_its_range(tmp_path, levels=40, places=8)


@pytest.mark.slow
def test_a_grid_of_two_thousand_levels_trades_on_a_venue_of_two_hundred_open_orders(tmp_path: Path) -> None:
    trades_through_its_range(tmp_path, levels=2000, places=200)
