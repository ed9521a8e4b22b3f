"""What is said to words that are no command: the one that was meant, or where to look. Pure: words in, HTML out.

Rule: the nearest command is named, letters that only look like Latin ones count as those, and what was typed is quoted
short. A hint is never obeyed by itself: it may have been meant otherwise.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from unicodedata import normalize

from handlers.words.figures import foreign, name

MOST_QUOTED = 32
SURE = 0.75
"""How like a command a word without a slash must be; most of those are just words."""
LOOK_ALIKES: Mapping[int, int] = {
    **str.maketrans("авекмнорстухіјѕԛԝгпиль", "abekmhopctyxijsqwrnulb"),
    **str.maketrans("αβγεικνορτυχω", "abyeikvoptuxw"),
}
"""Cyrillic and Greek letters that are taken for Latin ones."""
ID = re.compile(r"g[0-9]{1,9}(\.[0-9]{1,9})?", re.IGNORECASE | re.ASCII)
MARKET = re.compile(r"[0-9a-z]{2,20}([/_:-][0-9a-z]{1,20}){0,2}", re.IGNORECASE | re.ASCII)
NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*[k%]?", re.IGNORECASE | re.ASCII)

VIEWERS_ONLY_LOOK = "Only an owner may use /{}. You may look at everything: /help lists how."
NOTHING_KNOWN = "I understand commands; /help lists them."


def folded(word: str) -> str:
    """The word as it looks, in plain small letters: `／STATUS` and `/ѕtаtus` are `/status`."""
    return normalize("NFKC", word).lower().translate(LOOK_ALIKES)


def unknown(typed: str, commands: Iterable[str], theirs: Iterable[str]) -> str:
    """To a command that there is not; `typed` without its slash, `theirs` those of the commands this person may use."""
    near = get_close_matches(folded(typed[:MOST_QUOTED]), list(commands), n=1)
    hint = "/help lists what I know."
    if near:
        hint = f"Did you mean /{near[0]}?" if near[0] in set(theirs) else viewers_only_look(near[0])
    return f"I don't know /{foreign(typed, MOST_QUOTED)}. {hint}"


def no_command(text: str, commands: Iterable[str]) -> str:
    """To words without a slash."""
    first, *others = text.split()
    word = folded(first[:MOST_QUOTED])
    if not others and ID.fullmatch(word):
        look = f"/why {word}" if "." in word else f"/grid {word}"
        return f"Did you mean {look}? {NOTHING_KNOWN}"
    if not others and NUMBER.fullmatch(word):
        return f"A number alone tells me nothing; /new makes a grid step by step. {NOTHING_KNOWN}"
    near = get_close_matches(word, list(commands), n=1, cutoff=SURE)
    return f"Did you mean /{near[0]}? {NOTHING_KNOWN}" if near else NOTHING_KNOWN


def market(symbol: str, *, owner: bool) -> str:
    """To the name of a market typed alone."""
    grid = f", /linear {name(symbol)} begins a grid there" if owner else ""
    return f"/price {name(symbol)} shows that market{grid}."


def viewers_only_look(command: str) -> str:
    """To a viewer who would change something."""
    return VIEWERS_ONLY_LOOK.format(command)
