"""Market names as traders say them: `btc`, `BTCUSDT`, `btc/usdt` -> `BTC/USDT`.

Rule: a word names one market or none. Where it could name two it is refused with both: a guess costs money.
"""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Literal

from bot.core.numerals import DASHES, SHOWN_LENGTH, shown
from bot.errors import CommandError
from bot.texts.catalogue import say

MOST_LISTED = 5


def coins_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a unified symbol: BTC and USDT for `BTC/USDT` and for `BTC/USDT:USDT`."""
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]


def resolve_symbol(word: str, symbols: Sequence[str], default: str | None = None) -> str:
    """The one of `symbols` (ccxt unified) that a word names: `btc/usdt`, `BTC-USDT`, `BTCUSDT`, `btc`.

    A pair with a separator is exact: BTC-USDT is the spot market even beside BTC/USDT:USDT. BTCUSDT and btc
    need to be unique among the markets of the `default`'s kind, spot or perpetual, or else among all. CommandError
    lists the candidates, or the nearest names.
    """
    asked = word.strip().translate(DASHES).upper()
    pair = re.sub(r"[_-]", "/", asked, count=1)
    readings: tuple[Callable[[str], bool], ...] = (
        lambda symbol: symbol == word,
        lambda symbol: symbol.upper() in (asked, pair),
        lambda symbol: "".join(coins_of(symbol)).upper() == asked,
        lambda symbol: coins_of(symbol)[0].upper() == asked,
    )
    for reads in readings:
        found = [symbol for symbol in symbols if reads(symbol)]
        if default is not None:
            found = [symbol for symbol in found if (":" in symbol) is (":" in default)] or found
        if len(found) == 1:
            return found[0]
        if found:
            names, more = ", ".join(found[:MOST_LISTED]), len(found) - MOST_LISTED
            names = say("figures.and_more", texts=names, count=more) if more > 0 else names
            raise CommandError(say("typed.ambiguous_market", word=shown(word), names=names))
    flats = {"".join(coins_of(symbol)).upper(): symbol for symbol in reversed(symbols)}
    asked_flat = re.sub(r"[/:_-]", "", asked)[:SHOWN_LENGTH]
    near = [flats[name] for name in get_close_matches(asked_flat, flats, n=3)]
    if near:
        raise CommandError(say("typed.near_market", word=shown(word), near=listed(near, "or")))
    raise CommandError(say("typed.no_market", word=shown(word)))


def listed(names: Sequence[str], joint: Literal["and", "or"] = "and") -> str:
    """`a`, `a and b`, `a, b and c`; or with `or`."""
    return say(f"listing.{joint}", names=", ".join(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]
