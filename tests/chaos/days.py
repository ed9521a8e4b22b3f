"""A day that is scripted: prices through every level and back, each held until bot and venue agree.

Rule: nothing depends on how long anything took, so a day that was disturbed in any way must end as one that was not.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bot.manager import TradeManager
from tests.chaos.life import Fuse
from tests.chaos.places import Place
from tests.chaos.world import World, opened
from tests.venue.faults import CALM, Plan

PRICES = ("59700", "59100", "59650", "60100", "59700", "59100", "60200")
BEATS = 60
"""Within so many beats everything that was in doubt is found out."""


async def day(
    place: Place,
    folder: Path,
    *,
    fuse: Fuse | None = None,
    streams: bool = True,
    plan: Plan = CALM,
    prices: tuple[str, ...] = PRICES,
) -> World:
    """Two levels trade through the prices. AssertionError where bot and venue don't agree in time."""
    world = World(place, folder, streams=streams, fuse=fuse)
    async with opened(world):
        world.venue.faults.use(plan)
        await world.grid("59200", "59500", 2, "0.003", "0.5")
        await agreement(world)
        for price in prices:
            await world.step(Decimal(price))
            await agreement(world)
            await world.do(TradeManager.fold)
    return world


async def agreement(world: World, *, at_targets: bool = True) -> None:
    """Go on until the books are right, and every level's order rests at its target."""
    wrong: list[str] = []
    for beat in range(BEATS):
        wrong = [*world.differences(), *(restless(world) if at_targets else ())]
        if not wrong:
            return
        if beat % 4 == 3:
            await world.do(TradeManager.audit)
        await world.step(seconds=5)
    raise AssertionError(wrong)


def restless(world: World) -> list[str]:
    """Levels whose order is not on the book, or not at its target."""
    executors = world.manager.state.executors.values()
    return [
        f"{each.id} is {each.state}, and not on the book where it should be"
        for each in executors
        if each.order is None or not each.order.rests or each.order.price != each.target
    ]
