"""The fills of each month, read back from the files beside pnl.log: `fills/2026-11.csv`.

Rule: a row of a person or another tool is passed over. No more of a file is read than is asked for.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from bot.core.flows import BookedFill
from bot.ledger import spreadsheets
from bot.ledger.lines import backwards, forwards

MONTHS = "????-??.csv"
LATE = timedelta(hours=1)
"""A fill that is heard of late stands behind younger ones."""


def rows(folder: Path) -> Iterator[str]:
    """All rows, oldest first."""
    for path in sorted(folder.glob(MONTHS)):
        for line in forwards(path):
            if spreadsheets.name_of_fill(line) is not None:
                yield line.decode(errors="replace")


def fills(folder: Path) -> Iterator[BookedFill]:
    """All fills, oldest first."""
    for row in rows(folder):
        with suppress(ValueError):
            yield spreadsheets.read_fill(row)


def fills_back(folder: Path, grid: str, since: datetime) -> Iterator[BookedFill]:
    """The fills of a grid, newest first, none older than `since`."""
    for path in sorted(folder.glob(MONTHS), reverse=True):
        lines = backwards(path)
        next(lines, None)  # what is being written
        for line in lines:
            if spreadsheets.name_of_fill(line) is None:
                continue
            with suppress(ValueError):
                fill = spreadsheets.read_fill(line.decode(errors="replace"))
                if fill.at < since - LATE:
                    return
                if fill.grid == grid and fill.at >= since:
                    yield fill
