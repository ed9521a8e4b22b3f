"""A state that lives as long as the process: for backtests and tests.

Rule: things are kept as they are given, so plain values must not be altered afterwards; nothing is copied or spelt out.
"""

from collections.abc import Mapping

from bot.ports import Key


class MemoryStore:
    """The Store port over dictionaries."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, object]] = {}

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        """Every table that has something in it."""
        return {name: dict(rows) for name, rows in self.tables.items() if rows}

    async def keep(self, changes: Mapping[Key, object | None]) -> None:
        """Take these changes; None removes."""
        tables = self.tables
        for (table, key), thing in changes.items():
            if thing is not None:
                tables.setdefault(table, {})[key] = thing
            elif table in tables:
                tables[table].pop(key, None)

    async def fold(self) -> None:
        """Nothing is pending here, ever."""

    async def close(self) -> None:
        """Nothing is open; the tables stay for whoever looks at them."""
