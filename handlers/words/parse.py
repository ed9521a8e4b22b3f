"""The chat's own words: ids, periods, counts. Words of a grid are read by `bot.core.words`. Pure: words in, data out.

Rule: what is meant must be plain: anything else is a CommandError with an example. Words come as people type them,
any case and spacing, with or without the `g` of a grid.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from bot.core.numerals import parse_number, shown
from bot.errors import CommandError
from bot.texts.catalogue import say

PERIODS = ("day", "week", "month", "all")
ALIASES = {"today": "day", "daily": "day", "weekly": "week", "monthly": "month", "total": "all"}
ID = re.compile(r"#?g?([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.ASCII)


def parse_id(word: str, *, example: str) -> str:
    """`g1` or `g1.7`, of `G1`, `1`, `#1.7` too."""
    match = ID.fullmatch(word.strip().lower())
    if match is None:
        raise CommandError(say("parse.no_id", word=shown(word), example=example))
    grid, level = match.groups()
    return f"g{int(grid)}" + (f".{int(level)}" if level is not None else "")


def parse_target(words: str, *, example: str, default: str | None = None) -> str:
    """One id, or `all`; nothing at all means `default` where there is one."""
    found = words.split()
    if not found and default is not None:
        return default
    if not found:
        raise CommandError(say("parse.target_missing", example=example))
    if len(found) > 1:
        raise CommandError(say("parse.several_ids", words=shown(words), example=example))
    return "all" if found[0].lower() == "all" else parse_id(found[0], example=example)


def parse_one_id(words: str, *, example: str) -> str:
    """One id, and not `all`."""
    found = words.split()
    if not found:
        raise CommandError(say("parse.id_missing", example=example))
    if len(found) > 1:
        raise CommandError(say("parse.several_ids", words=shown(words), example=example))
    return parse_id(found[0], example=example)


def parse_report(words: str) -> tuple[str, str | None]:
    """A period (`all` unless said) and perhaps the id of a grid or a level, in any order: `week g1`."""
    period: str | None = None
    grid: str | None = None
    for word in words.split():
        name = ALIASES.get(word.lower(), word.lower())
        if name in PERIODS and period is None:
            period = name
        elif ID.fullmatch(name) and grid is None:
            grid = parse_id(name, example="/pnl week g1")
        else:
            raise CommandError(say("parse.report", word=shown(word)))
    return period or "all", grid


def parse_count(words: str, *, default: int, most: int, example: str) -> int:
    """A whole number from 1 to `most`; nothing means `default`."""
    found = words.split()
    if not found:
        return default
    if len(found) > 1:
        raise CommandError(say("parse.several_numbers", words=shown(words), example=example))
    value = parse_number(found[0], what=say("parse.lines"), example=example.rsplit(maxsplit=1)[-1])
    if value != value.to_integral_value() or not 1 <= value <= Decimal(most):
        raise CommandError(say("parse.lines_bounds", most=most, word=shown(found[0]), example=example))
    return int(value)


def parse_words(words: str, *, most: int, example: str) -> Sequence[str]:
    """At most so many words, as they stand."""
    found = words.split()
    if len(found) > most:
        raise CommandError(say("parse.too_many", words=shown(words), example=example))
    return found
