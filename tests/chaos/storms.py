"""One storm from a seed: everything goes wrong that can, and the process dies now and then; then there is peace.

Rule: all luck comes from the seed, but for the real time that sockets take; a storm can be had again by its seed alone,
nearly as it was. Afterwards bot and venue must agree within a bounded number of beats.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from math import pi, sin
from pathlib import Path
from random import Random

from bot.errors import CommandError, MarketError
from bot.manager import TradeManager
from tests.chaos.places import BINANCE, BINANCE_BNB, BYBIT, BYBIT_LINEAR, Place
from tests.chaos.tally import Story
from tests.chaos.world import World, opened
from tests.venue.faults import CALM, NASTY, Plan

PLACES: tuple[Place, ...] = (BINANCE, BYBIT, BINANCE_BNB, BYBIT, BINANCE, BYBIT_LINEAR)
STEPS = 40
MIDDLE, WAVE = 59_500, 750
"""The price goes up and down around the middle, through every level."""
PEACE = 90
"""Beats after which there must be agreement."""
RECV_WINDOW_MS = 5_000
"""No venue carries out a request later than this after it was signed."""


def plan_of(luck: Random) -> Plan:
    """Which troubles there are, and how often."""
    scale = luck.choice((0.3, 1.0, 1.0, 2.0))
    kept = luck.choice((0.4, 1.0, 1.0))
    return {key: min(chance * scale, 0.5) for key, chance in NASTY.items() if luck.random() < kept}


async def storm(seed: int, folder: Path, place: Place | None = None, *, streams: bool | None = None) -> Story:
    """One storm."""
    luck = Random(seed)
    place = place or PLACES[seed % len(PLACES)]
    with_streams = luck.random() < 0.7 if streams is None else streams
    world = World(place, folder, seed=seed, streams=with_streams)
    world.ledger.partial_fills = luck.choice((0.0, 0.3, 0.6))
    timing = world.venue.faults.timing
    timing.hang_s, timing.slow_s = 0.12, 0.01
    timing.late_ms = luck.choice((300, 3_000, RECV_WINDOW_MS))
    timing.hidden_ms = luck.choice((200, 2_000, 6_000))
    timing.stale_ms = luck.choice((500, 5_000))
    timing.window_ms = luck.choice((1_000, 12_000))
    timing.maintenance_ms = luck.choice((500, 30_000))
    async with opened(world):
        plan = plan_of(luck)
        if luck.random() < 0.5:
            world.venue.faults.use(plan)
        await world.grid("58700", "59900", luck.choice((4, 5)), "0.003", "0.5")
        world.venue.faults.use(plan)
        phase = luck.uniform(0, 2 * pi)
        for number in range(STEPS):
            await _step(world, luck, WAVE * sin(phase + number / 3))
            if wrong := world.doubled():
                return _story(f"seed {seed} ({place.name}) in the storm", world, wrong)
        world.venue.faults.use(CALM)
        wrong = await peace(world)
        return _story(f"seed {seed} ({place.name})", world, wrong)


async def _step(world: World, luck: Random, wave: float) -> None:
    price = MIDDLE + int(wave) + luck.randint(-120, 120)
    await world.step(Decimal(price), luck.choice((0.2, 2, 2, 4)), settle=luck.random() < 0.6)
    if not world.life.is_busy:
        await asyncio.sleep(luck.choice((0, 0, 0.002, 0.01)))
    roll = luck.random()
    with suppress(MarketError):
        if roll < 0.06:
            await world.crash()
        elif roll < 0.10:
            await world.do(TradeManager.audit)
        elif roll < 0.14:
            await world.do(TradeManager.fold)
        elif roll < 0.16:
            await world.do(lambda manager: manager.pause("all"))
        elif roll < 0.22:
            await world.resume()
        elif roll < 0.23:
            await world.do(TradeManager.panic)
        elif roll < 0.24:
            world.venue.cut_streams()
        elif roll < 0.25:
            world.venue.stall_streams()
        elif roll < 0.29:
            await world.do(partial(_edit, luck=luck))


async def _edit(manager: TradeManager, luck: Random) -> None:
    """Somebody makes another grid of the one that runs."""
    spec = manager.state.grids["g1"].spec
    low = Decimal(luck.choice((58_700, 59_000)))
    after = replace(spec, minimum=low, maximum=low + 1200, count=luck.choice((4, 5, 7)))
    with suppress(CommandError):  # it is that already
        shown = await manager.plan_edit("g1", replace(after, profit_pct=Decimal(luck.choice(("0.5", "0.7")))))
        await manager.edit(shown)


async def peace(world: World, beats: int = PEACE) -> list[str]:
    """Nothing goes wrong any more: what is still different when the beats are over."""
    wrong, calm = ["nothing was looked at"], 0
    for beat in range(beats):
        if beat % 5 == 0:
            await world.resume()
            await world.do(TradeManager.audit)
        await world.step(seconds=10)
        wrong = world.differences()
        calm = 0 if wrong else calm + 1
        if calm == 3:
            break
    return wrong


def _story(name: str, world: World, wrong: list[str]) -> Story:
    return Story(
        name=name,
        wrong=wrong,
        crashes=world.crashes,
        fills=len(world.ledger.fills),
        trades=world.manager.state.total("all:USDT").trades,
        orders=len(world.ledger.orders),
        requests=len(world.venue.witness.calls),
        faults=dict(world.venue.faults.met),
    )
