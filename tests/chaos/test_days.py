"""Days that are disturbed for long, or all the time, end as calm ones do; and what the owner hears of it.

Rule: the days are scripted; what is compared is trades, ledger, what rests and what is held.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.snapshot import Trouble
from tests.chaos.days import agreement, day
from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, Place
from tests.chaos.world import World, opened
from tests.venue.faults import PRIVATE_STREAM, PUBLIC_STREAM

PLACES = [BINANCE, pytest.param(BYBIT, marks=pytest.mark.slow), BYBIT_LINEAR]
LOSSY = {("event_lost", PRIVATE_STREAM): 0.3, ("event_lost", PUBLIC_STREAM): 0.3}
SHUFFLED = {(name, PRIVATE_STREAM): 0.3 for name in ("event_twice", "event_shuffled", "event_late")}


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_with_streams_off_or_a_third_of_their_events_lost_the_day_ends_the_same(place: Place, tmp_path: Path) -> None:
    calm = asyncio.run(day(place, tmp_path / "calm")).outcome()
    assert asyncio.run(day(place, tmp_path / "silent", streams=False)).outcome() == calm
    lossy = asyncio.run(day(place, tmp_path / "lossy", plan=LOSSY))
    assert lossy.outcome() == calm
    assert lossy.venue.faults.met["event_lost"] > 0
    assert asyncio.run(day(place, tmp_path / "shuffled", plan=SHUFFLED)).outcome() == calm


async def an_hour_away(place: Place, folder: Path, *, closed_door: bool) -> World:
    """The exchange is away for an hour: its port is closed, or it says that it is closed."""
    world = World(place, folder)
    async with opened(world):
        await world.grid("59200", "59500", 2, "0.003", "0.5")
        await agreement(world)
        await world.step(Decimal(59_100))
        await agreement(world)
        before = len(world.listener.of(Trouble))
        if closed_door:
            await world.venue.stop()
        else:
            world.venue.faults.timing.maintenance_ms = 3_600_000
            world.venue.faults.next("maintenance")
        until = world.clock() + 3_600_000
        while world.clock() < until:
            await world.step(seconds=20)
        assert len(world.listener.of(Trouble)) == before + 1
        if closed_door:
            await world.venue.start()
        await agreement(world)
        troubles = world.listener.of(Trouble)[before:]
        assert [(each.what, each.over) for each in troubles] == [("exchange", False), ("exchange", True)]
        await world.step(Decimal(60_200))
        await agreement(world)
        assert world.manager.state.total("all:USDT").trades == 2
        assert len(world.listener.of(Trouble)) == before + 2
    return world


@pytest.mark.parametrize(
    ("place", "closed_door"),
    [
        (BINANCE, True),
        (BYBIT, False),
        pytest.param(BINANCE, False, marks=pytest.mark.slow),
        pytest.param(BYBIT, True, marks=pytest.mark.slow),
    ],
    ids=["binance-refused", "bybit-maintenance", "binance-maintenance", "bybit-refused"],
)
def test_an_hour_without_the_exchange_is_two_messages_to_the_owner(
    place: Place, closed_door: bool, tmp_path: Path
) -> None:
    world = asyncio.run(an_hour_away(place, tmp_path, closed_door=closed_door))
    assert world.wrong == []
