"""What was met over many storms, kept as lines of JSON that any number of processes may add to one file.

Rule: counting only. `python -m tests.chaos FILE` prints the sums.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COUNTED = ("runs", "crashes", "orders", "fills", "trades", "requests")


@dataclass(frozen=True)
class Story:
    """How one storm went; `wrong` is empty when all was well."""

    name: str
    wrong: list[str]
    crashes: int
    fills: int
    trades: int
    orders: int
    requests: int
    faults: Mapping[str, int]


@dataclass
class Tally:
    """Sums over stories; `violations` says what went wrong, and in which."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, story: Story) -> None:
        """Count one more."""
        self.counts.update(
            runs=1,
            crashes=story.crashes,
            orders=story.orders,
            fills=story.fills,
            trades=story.trades,
            requests=story.requests,
        )
        self.faults.update(story.faults)
        self.violations += [f"{story.name}: {wrong}" for wrong in story.wrong]

    def write(self, path: Path) -> None:
        """Add these sums to a file."""
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(vars(self)) + "\n")

    def table(self) -> str:
        """For a person."""
        rows = [(name, self.counts[name]) for name in COUNTED]
        rows += sorted(self.faults.items())
        rows.append(("violations", len(self.violations)))
        return "\n".join(f"{name:<18}{count:>10,}" for name, count in rows)


def read(path: Path) -> Tally:
    """The sums of all that was added to a file."""
    whole = Tally()
    for line in path.read_text("utf-8").splitlines():
        part = json.loads(line)
        whole.counts.update(part["counts"])
        whole.faults.update(part["faults"])
        whole.violations += part["violations"]
    return whole
