"""Numbers as traders type them, and how their words are quoted back to them.

Rule: a text has one reading or none. A point is decimal; commas are thousands only as 1 to 3 digits (not
starting with 0) followed by groups of exactly three; any other single comma is decimal; with both, the last
is decimal. `65k` is 65000. ASCII digits only, no exponent, `_` or `+`; typographic dashes count as `-`.
Bounds: at most 10^15, 30 significant digits, 30 decimals: sums and products of two stay exact (`EXACT`).
"""

import re
from decimal import Decimal

from bot.core.money import ZERO, plain
from bot.errors import CommandError
from bot.texts.catalogue import say

MAX_NUMBER = Decimal(10**15)
MAX_DIGITS = 30
MAX_LENGTH = 60
SHOWN_LENGTH = 40

DASHES: dict[int, str] = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
"""For `str.translate`: the dashes that phones write for a minus."""
NUMERAL = re.compile(r"(-?)([0-9.,]+)([kK]?)")
POINT = re.compile(r"[0-9]+|[0-9]*\.[0-9]+")
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?")
DECIMAL_COMMA = re.compile(r"[0-9]*,[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]+")
EITHER = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")


def shown(text: str) -> str:
    """What a person typed, quoted: at most 40 characters, no control marks. Not escaped for HTML."""
    cut = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
    return say("typed.quoted", text="".join(char if char.isprintable() else "?" for char in cut))


def parse_number(text: str, *, what: str, example: str) -> Decimal:
    """The number a text means, negative or not. CommandError says `what` was expected, with the `example`."""
    body = text.strip().translate(DASHES)
    match = NUMERAL.fullmatch(body) if len(body) <= MAX_LENGTH else None
    digits = _with_point(match[2]) if match else None
    if match is None or digits is None:
        raise CommandError(say("typed.number", what=what, example=example, found=shown(text)))
    return bounded(Decimal(match[1] + digits + ("E3" if match[3] else "")), what=what)


def parse_quantity(text: str, *, what: str, example: str) -> Decimal:
    """As `parse_number`, but a text such as `1,000` is refused with both its readings, 1000 and 1."""
    value = parse_number(text, what=what, example=example)
    match = NUMERAL.fullmatch(text.strip().translate(DASHES))
    if match is None or not EITHER.fullmatch(match[2]):
        return value
    small = plain(parse_number(match[0].replace(",", "."), what=what, example=example))
    sure = small if "." in small else f"{small}.0"
    large = plain(value)
    raise CommandError(say("typed.two_readings", what=what, found=shown(text), large=large, small=small, sure=sure))


def bounded(value: Decimal, *, what: str) -> Decimal:
    """The same number without exponent or trailing zeros; CommandError where it is out of bounds or NaN."""
    if value.is_finite() and value == ZERO:
        return ZERO
    # Asked first, for written out in full 1e999999 fills the memory.
    if value.is_finite() and abs(value.adjusted()) <= MAX_DIGITS and len(value.as_tuple().digits) <= 200:
        text = plain(value)
        significant = text.replace(".", "").strip("-0")
        decimals = text.partition(".")[2]
        if -MAX_NUMBER <= value <= MAX_NUMBER and max(len(significant), len(decimals)) <= MAX_DIGITS:
            return Decimal(text)
    raise CommandError(say("typed.bounds", what=what, digits=MAX_DIGITS, found=shown(str(value))))


def _with_point(body: str) -> str | None:
    """Digits, points and commas written with a decimal point alone, or None where they make no number."""
    if POINT.fullmatch(body):
        return body
    if THOUSANDS.fullmatch(body):
        return body.replace(",", "")
    if DECIMAL_COMMA.fullmatch(body):
        return body.replace(".", "").replace(",", ".")
    return None
