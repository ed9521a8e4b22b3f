"""What is said to words that are no command: the one that was meant, or where to look. Pure: words in, HTML out.

Rule: the nearest command is named, letters that only look like Latin ones count as those, and what was typed is quoted
short. A hint is never obeyed by itself: it may have been meant otherwise.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from unicodedata import normalize

from bot.texts.catalogue import say
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


def folded(word: str) -> str:
    """The word as it looks, in plain small letters: `／STATUS` and `/ѕtаtus` are `/status`."""
    return normalize("NFKC", word).lower().translate(LOOK_ALIKES)


def unknown(typed: str, commands: Iterable[str], theirs: Iterable[str]) -> str:
    """To a command that there is not; `typed` without its slash, `theirs` those of the commands this person may use."""
    near = get_close_matches(folded(typed[:MOST_QUOTED]), list(commands), n=1)
    hint = say("hints.lists_known")
    if near:
        meant = "hints.did_you_mean" if near[0] in set(theirs) else "hints.viewers_only_look"
        hint = say(meant, command=f"/{near[0]}")
    return say("hints.unknown", typed=foreign(typed, MOST_QUOTED), hint=hint)


def no_command(text: str, commands: Iterable[str]) -> str:
    """To words without a slash."""
    first, *others = text.split()
    word, nothing = folded(first[:MOST_QUOTED]), say("hints.nothing_known")
    if not others and ID.fullmatch(word):
        look = f"/why {word}" if "." in word else f"/grid {word}"
        return f"{say('hints.did_you_mean', command=look)} {nothing}"
    if not others and NUMBER.fullmatch(word):
        return f"{say('hints.number')} {nothing}"
    near = get_close_matches(word, list(commands), n=1, cutoff=SURE)
    return f"{say('hints.did_you_mean', command=f'/{near[0]}')} {nothing}" if near else nothing


def market(symbol: str, *, owner: bool) -> str:
    """To the name of a market typed alone."""
    return say("hints.market_owner" if owner else "hints.market", symbol=name(symbol))
