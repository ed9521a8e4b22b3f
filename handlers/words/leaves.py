"""Long lists in pages, and what is looked at again and again. Pure: rows and a place in, one page out.

Rule: a page fits one screen of a phone, and a place beyond the end is the last page: lists grow shorter while somebody
looks at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Row = TypeVar("Row")
LAST = 1_000_000_000
"""A place that is beyond any end."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page: `place` of `count`, counted from 0."""

    html: str
    place: int = 0
    count: int = 1


def cut(rows: Sequence[Row], size: int, place: int) -> tuple[Sequence[Row], int, int]:
    """The rows of a page of `size`, its place and how many pages there are."""
    count = max(1, -(-len(rows) // size))
    place = min(max(place, 0), count - 1)
    return rows[place * size : (place + 1) * size], place, count
