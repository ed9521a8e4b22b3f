"""The questions of a new grid, in their order.

Rule: a step is a row of `STEPS`: what of the draft it asks for, what is offered, and what a typed answer means there
alone. Figures come from `bot.reports.offers`, words from `handlers.words.guide` by the name of the step.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.core.drafts import Draft
from bot.core.money import plain
from bot.core.numerals import parse_number
from bot.reports import offers
from bot.reports.offers import Offer
from bot.reports.suggestion import Facts
from bot.texts.catalogue import say
from handlers.chat.sheet import LAST as PREVIEW

ANY_PCT = re.compile(r"(?:±|\+-|\+/-)?\s*([0-9.,]+)\s*%")
Reading = Callable[[str, Facts], Mapping[str, str] | None]
"""What a typed answer means at one step alone; None where it means there what it means everywhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question. It is answered once the draft has one of its keys."""

    name: str
    keys: tuple[str, ...]
    offers: Callable[[Draft, Facts], list[Offer]]
    reads: Reading = lambda typed, facts: None
    wants_number: bool = False
    columns: int = 2


def _around(typed: str, facts: Facts) -> Mapping[str, str] | None:
    """`2%` and `±2%` as a range."""
    match = ANY_PCT.fullmatch(typed)
    return {"min": f"-{match[1]}%", "max": f"+{match[1]}%"} if match else None


def _share(typed: str, facts: Facts) -> Mapping[str, str] | None:
    """`30%` as a share of the free funds."""
    match = ANY_PCT.fullmatch(typed)
    if match is None:
        return None
    budget = offers.share_of(facts, parse_number(match[1], what=say("guide.share"), example="25%"))
    return {"budget": plain(budget)}


def _again(typed: str, facts: Facts) -> Mapping[str, str] | None:
    """More words for yes and no."""
    said = {"y": "yes", "n": "no", "once": "no"}.get(typed.lower())
    return {"loop": said} if said is not None else None


STEPS = (
    Step("market", ("symbol",), offers.markets),
    Step("shape", ("shape",), offers.shapes, columns=3),
    Step("range", ("min", "max"), offers.ranges, _around),
    Step("count", ("count",), offers.counts, wants_number=True),
    Step("size", ("qty", "budget"), offers.sizes, _share, wants_number=True),
    Step("profit", ("profit",), offers.profits, wants_number=True),
    Step("loop", ("loop",), offers.loops, _again),
)
BY_NAME = {step.name: step for step in STEPS}
NAMES = (*(step.name for step in STEPS), PREVIEW)
