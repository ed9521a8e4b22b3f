"""The store of backtests."""

import asyncio

from bot.ports import Store
from bot.storage.memory_store import MemoryStore
from tests.storage.levels import executor


def test_what_was_kept_is_found_and_what_was_removed_is_not() -> None:
    async def story() -> None:
        store = MemoryStore()
        port: Store = store
        assert await port.load() == {}
        await port.keep({("executors", "g1.1"): executor(1), ("chat", "x"): 1, ("none", "n"): None})
        await port.keep({("chat", "x"): None})
        await store.fold()
        await port.close()
        assert await port.load() == {"executors": {"g1.1": executor(1)}}

    asyncio.run(story())
