"""`python -m bench [heart|replay|storing|memory|pictures|books|exchange|postgres]`: measure and print.

Without a word all of them, each in a process of its own, so that none pays for what another left in memory.
"""

import subprocess
import sys

from rich.console import Console
from rich.table import Table

from bench import books, exchange, heart, memory, pictures, postgres, replay, storing
from bot.core.money import use_exact

PARTS = {
    "heart": heart.rows,
    "replay": replay.rows,
    "storing": storing.rows,
    "memory": memory.rows,
    "pictures": pictures.rows,
    "books": books.rows,
    "exchange": exchange.rows,
    "postgres": postgres.rows,
}


def main(names: list[str]) -> int:
    if len(names) != 1:
        return max(subprocess.call([sys.executable, "-m", "bench", name]) for name in names or PARTS)
    console, (name,) = Console(), names
    if name not in PARTS:
        console.print(f"{name}: expected one of {', '.join(PARTS)}")
        return 2
    use_exact()
    table = Table(title=name, title_justify="left", show_header=False)
    for what, found in PARTS[name]():
        table.add_row(what, found)
    console.print(table)
    return 0


sys.exit(main(sys.argv[1:]))
