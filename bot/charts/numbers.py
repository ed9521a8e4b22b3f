"""Numbers as an axis and its labels write them.

Rule: short enough for the margin of a picture on a phone; the marks of an axis never read alike.
"""

import math

from bot.texts.catalogue import say

UNITS = ((1e9, 1e9, "picture.billions"), (1e6, 1e6, "picture.millions"), (1e5, 1e3, "picture.thousands"))
"""From what size on a number is shown in which unit."""
LONGEST = 10
"""Letters that fit beside a panel."""


def short(value: float, step: float = 0.0) -> str:
    """A number for an axis: `62,500`, `-412`, `0.5`, `0.00001234`, `100.2k`, `2.5B`. Neighbours `step` apart differ; a
    number that stands alone has four digits that count."""
    if value == 0:
        return "0"
    size = abs(value)
    unit, name = next(((unit, name) for least, unit, name in UNITS if size >= least), (1.0, ""))
    finest = abs(step) / unit or 10.0 ** (math.floor(math.log10(size / unit)) - 3)
    places = next((count for count in range(12) if abs(round(finest, count) - finest) < finest / 1000), 12)
    text = f"{value / unit:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if places and not step else text
    return say(name, number=text) if name else text


def exact(value: float) -> str:
    """A price with as many digits as fit: `1,234,567`, `62,512.37`, `0.00001234`; `short` where not even four do."""
    if value == 0:
        return "0"
    whole = math.floor(math.log10(abs(value)))
    for digits in range(8, 3, -1):
        places = max(digits - 1 - whole, 0)
        text = f"{value:,.{places}f}"
        text = text.rstrip("0").rstrip(".") if places else text
        if len(text) <= LONGEST:
            return text
    return short(value)
