"""Killed at any point of placing, filling, exiting and closing, the next process ends where an undisturbed one does.

Rule: the points are every request before it leaves and after it was answered, every write to the state before and
after, and every line of the ledger; which they are is found by living the day once undisturbed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.days import day
from tests.chaos.life import Fuse
from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, Place


def killed_at_each(place: Place, folder: Path, *, first: int, stride: int) -> int:
    """How many days were lived; each was killed at another point."""
    fuse = Fuse()
    expected = asyncio.run(day(place, folder / "undisturbed", fuse=fuse)).outcome()
    points = range(1 + first % stride, len(fuse.passed) + 1, stride)
    for number in points:
        world = asyncio.run(day(place, folder / str(number), fuse=Fuse(number)))
        assert world.outcome() == expected, f"killed at point {number}: {fuse.passed[number - 1]}"
    return len(points)


@pytest.mark.parametrize("place", [BINANCE, BYBIT], ids=str)
def test_killed_at_some_points_a_new_process_ends_where_an_undisturbed_one_does(place: Place, tmp_path: Path) -> None:
    assert killed_at_each(place, tmp_path, first=7, stride=60) > 1


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("place", [BINANCE, BYBIT, BYBIT_LINEAR], ids=str)
def test_killed_at_any_point_a_new_process_ends_where_an_undisturbed_one_does(
    place: Place, part: int, tmp_path: Path
) -> None:
    assert killed_at_each(place, tmp_path, first=part, stride=4) > 20
