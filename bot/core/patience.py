"""How long a level waits after a refusal, and whether its owner is told.

Rule: what a moment may mend is tried again after one second, then two; what it does not mend, and what was refused
three times in a row, once a minute. Told once in a row. A price outside the venue's band is nobody's trouble: such a
level waits for the market, and nobody is told.
"""

from datetime import timedelta

from bot.core.events import OrderRefused, Refusal
from bot.core.level import Back
from bot.core.model import Leg

FIRST = timedelta(seconds=1)
LAST = timedelta(seconds=60)
NEVER_QUICK = frozenset({Refusal.FUNDS, Refusal.MINIMUM, Refusal.PRICE_BAND, Refusal.AUTH, Refusal.MAINTENANCE})
CIRCUIT = 3
"""Refusals of the same kind in a row after which a level tries once a minute and its owner is told."""


def put_off(before: Back | None, event: OrderRefused, leg: Leg) -> tuple[Back, bool]:
    """When the next try is due after a refusal, and whether this one is told of."""
    in_a_row = before is not None and before.reason is event.reason and event.at < before.until + LAST
    count = before.count + 1 if before is not None and in_a_row else 1
    # Coins that were bought a moment ago may not be free to sell yet.
    may_be_quick = event.reason not in NEVER_QUICK or (event.reason is Refusal.FUNDS and leg is Leg.EXIT)
    pause = FIRST * 2 ** (count - 1) if may_be_quick and count < CIRCUIT else LAST
    is_told = count == CIRCUIT or (count == 1 and not may_be_quick)
    back = Back(event.reason, count, event.message, event.at + pause, event.near)
    return back, is_told and event.reason is not Refusal.PRICE_BAND
