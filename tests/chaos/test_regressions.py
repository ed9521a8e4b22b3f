"""Storms that once ended badly, each cut down to what made it so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.events import Event
from bot.errors import MarketError
from tests.chaos.days import agreement
from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, Place
from tests.chaos.world import World, opened
from tests.fakes import run
from tests.hostile import HostileGateway
from tests.stage import Stage, staged
from tests.venue.faults import CALM, READ

PLACES = [BINANCE, BYBIT, BYBIT_LINEAR]


async def with_two_levels(world: World) -> None:
    await world.grid("59200", "59500", 2, "0.003", "0.5")
    await agreement(world)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_trade_that_becomes_visible_late_is_booked_though_a_later_one_was_told(place: Place, tmp_path: Path) -> None:
    async def story() -> None:
        world = World(place, tmp_path, streams=False)
        async with opened(world):
            await with_two_levels(world)
            world.venue.faults.timing.hidden_ms = 30_000
            world.venue.faults.next("late_trade")
            await world.step(Decimal(59_400))
            await world.step(Decimal(59_100))
            held = {key: each.books.held for key, each in world.manager.state.executors.items()}
            assert held["g1.1"] > 0
            assert held["g1.2"] == 0
            for _ in range(8):
                await world.step(seconds=5)
            assert world.manager.state.executors["g1.2"].books.held > 0
            await agreement(world)

    asyncio.run(story())


@pytest.mark.parametrize("failures", [1, 2, 3])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_question_that_is_not_answered_loses_no_trade_that_was_just_read(
    place: Place, failures: int, tmp_path: Path
) -> None:
    async def story() -> None:
        world = World(place, tmp_path, streams=False)
        async with opened(world):
            await with_two_levels(world)
            await world.step(Decimal(59_400))
            for price in (59_100, 59_450, 59_600, 59_100, 60_200):
                await world.step(Decimal(price), seconds=1.5)
                world.venue.faults.next("error_before", on=READ, times=failures)
                await world.step(seconds=1.5)
            await agreement(world, at_targets=False)

    asyncio.run(story())


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_an_order_that_is_not_visible_yet_after_a_restart_is_not_placed_again(place: Place, tmp_path: Path) -> None:
    async def story() -> None:
        world = World(place, tmp_path)
        async with opened(world):
            world.venue.faults.timing.hidden_ms = 6_000
            world.venue.faults.next("hidden_order", times=2)
            await world.grid("59200", "59500", 2, "0.003", "0.5")
            await world.crash()
            for _ in range(8):
                await world.step(seconds=1)
            await agreement(world)
            assert len(world.ledger.orders) == 2

    asyncio.run(story())


class Mute(HostileGateway):
    """Answers no question about a single order while `mute`."""

    mute = False

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        if self.mute:
            raise MarketError("not now")
        return await super().look_up(symbol, client_id)


def test_a_trouble_ends_when_its_question_need_not_be_asked_any_more() -> None:
    async def story() -> None:
        stage = Stage()
        gateway = Mute(stage.exchange)
        stage.gateway = gateway
        stage.new_manager()
        await staged(stage)
        doubts, troubles = stage.manager.heartbeat.doubts, stage.manager.heartbeat.troubles
        gateway.mute = True
        doubts.doubt("whatever", "g1.1", stage.clock.now())
        await stage.beat()
        assert "exchange" in troubles
        doubts.settled("whatever")  # it has told of itself
        await stage.beat()
        assert not troubles

    run(story())


def test_a_question_that_somebody_else_has_asked_in_the_meantime_troubles_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(BINANCE, tmp_path)
        async with opened(world):
            await world.do(lambda manager: manager.desk(BINANCE.symbol))
            world.venue.faults.set("error_before", 1.0, on=READ)
            await world.step()
            assert "exchange" in world.manager.heartbeat.troubles
            world.venue.faults.use(CALM)
            await with_two_levels(world)  # whoever makes a grid asks for orders of an earlier life himself
            assert not world.manager.heartbeat.troubles

    asyncio.run(story())


@pytest.mark.parametrize("place", [BINANCE, BYBIT], ids=str)
def test_a_time_of_silence_is_kept_across_a_restart_from_the_first_request_on(place: Place, tmp_path: Path) -> None:
    async def story() -> World:
        world = World(place, tmp_path)
        async with opened(world):
            await with_two_levels(world)
            world.venue.faults.timing.window_ms = 60_000
            world.venue.faults.next("rate_limited")
            for _ in range(12):
                await world.step(seconds=2)
            asked = len(world.venue.witness.calls)
            await world.crash()
            await world.step()
            assert len(world.venue.witness.calls) == asked
            await agreement(world)
        return world

    world = asyncio.run(story())
    assert world.venue.faults.met["rate_limited"] == 1
    assert world.venue.witness.violations() == []
    assert world.wrong == []
