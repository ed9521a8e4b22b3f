"""What a heartbeat costs: idle, however many executors rest; and with fills, however many rest or have closed."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from statistics import median
from time import process_time

from bench.worlds import resting

BEATS = 2_000


def idle(count: int) -> float:
    """CPU seconds inside one beat in which nothing happens, with `count` resting executors."""

    async def measure() -> float:
        manager, _ = await resting(count)
        for _ in range(50):
            await manager.beat()
        began = process_time()
        for _ in range(BEATS):
            await manager.beat()
        return (process_time() - began) / BEATS

    return asyncio.run(measure())


def filling(count: int, fills: int, closed: int = 0) -> float:
    """CPU seconds of a beat in which `fills` of `count` executors buy, after `closed` trades have been closed."""

    async def measure() -> float:
        manager, market = await resting(count)
        top = Decimal(40_000 + count)

        async def swing(depth: int) -> float:
            market.move(top - depth - Decimal("0.5"))
            began = process_time()
            await manager.beat()
            spent = process_time() - began
            market.move(top + 250)
            await manager.beat()
            return spent

        while manager.state.total("all:USDT").trades < closed:
            await swing(100)
        return median([await swing(fills) for _ in range(9)])

    return asyncio.run(measure())


def rows() -> Iterator[tuple[str, str]]:
    for count in (10, 100, 1_000, 10_000):
        yield f"idle beat, {count:,} executors", f"{idle(count) * 1e3:.4f} ms"
    for count, fills in ((100, 1), (10_000, 1), (100, 10), (10_000, 10), (10_000, 100)):
        yield f"beat with {fills} fills of {count:,}", f"{filling(count, fills) * 1e3:.2f} ms"
    yield "the same after 20,000 closed trades", f"{filling(10_000, 10, 20_000) * 1e3:.2f} ms"
