"""What keeping costs with 10,000 executors in the state: an intent in the journal, and folding the journal."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.worlds import resting
from bot.storage.tinydb_store import TinyDBStore

COUNT = 10_000


async def keeping(folder: Path) -> tuple[float, float, float, float]:
    """Median seconds of one keep of two executors; seconds of a fold, its longest hold of the loop; of a load."""
    store = TinyDBStore(folder)
    manager, _ = await resting(COUNT, store)
    executors = list(manager.state.executors.values())
    spent = []
    for index in range(300):
        changes = {("executors", each.id): each for each in executors[index * 2 : index * 2 + 2]}
        began = perf_counter()
        await store.keep(changes)
        spent.append(perf_counter() - began)
    longest, folding = 0.0, True

    async def watch() -> None:
        nonlocal longest
        last = perf_counter()
        while folding:
            await asyncio.sleep(0)
            now = perf_counter()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    longest = 0.0
    began = perf_counter()
    await store.fold()
    fold = perf_counter() - began
    folding = False
    await watching
    await store.close()
    began = perf_counter()
    await TinyDBStore(folder).load()
    return median(spent), fold, longest, perf_counter() - began


def rows() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        keep, fold, longest, load = asyncio.run(keeping(Path(folder)))
    yield f"keeping an intent, {COUNT:,} executors", f"{keep * 1e3:.2f} ms"
    yield f"folding the journal, {COUNT:,} executors", f"{fold * 1e3:.0f} ms, loop held {longest * 1e3:.1f} ms at most"
    yield f"loading, {COUNT:,} executors", f"{load * 1e3:.0f} ms"
