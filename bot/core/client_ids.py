"""Client order ids: grid, level, cycle, leg and attempt <-> 18 lower-case letters and digits.

Layout: bot 3 · epoch 3 · grid 2 · level 3 · cycle 4 · leg 1 · attempt 2, numbers in base 36. `bot` tells whose order it
is, `epoch` is new whenever a store begins, so no id ever returns. A field that is full raises CapacityError; it never
wraps.
"""

from dataclasses import dataclass
from functools import lru_cache

from bot.core.model import Leg
from bot.errors import CapacityError

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH = 18
LEG_AT = 15
LEGS = {leg.value: leg for leg in Leg}


@dataclass(frozen=True, slots=True)
class Owner:
    """Who makes ids: BOT_ID and the epoch of its store, three base-36 characters each."""

    bot: str
    epoch: str

    @property
    def prefix(self) -> str:
        return self.bot + self.epoch


@dataclass(frozen=True, slots=True)
class OrderKey:
    """What an id says. `level` 0 is the grid itself (its closing order)."""

    prefix: str
    grid: int
    level: int
    cycle: int
    leg: Leg
    attempt: int

    @property
    def owner_id(self) -> str:
        return f"g{self.grid}.{self.level}" if self.level else f"g{self.grid}"


@lru_cache(maxsize=10_000)  # the same few numbers again and again
def base36(value: int, width: int, field: str) -> str:
    """`value` in base 36, padded to `width`; CapacityError when it does not fit."""
    if not 0 <= value < 36**width:
        raise CapacityError(f"no client order id is left: {field} {value} is over {36**width - 1}")
    text = ""
    while value:
        value, digit = divmod(value, 36)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")


def encode(key: OrderKey) -> str:
    """The id of one attempt at one leg of one cycle."""
    return (
        key.prefix
        + base36(key.grid, 2, "grid")
        + base36(key.level, 3, "level")
        + base36(key.cycle, 4, "cycle")
        + key.leg.value
        + base36(key.attempt, 2, "attempt")
    )


@lru_cache(maxsize=10_000)  # an order is heard of several times
def decode(client_id: str) -> OrderKey | None:
    """The key an id was made from, or None where no bot of this kind made it."""
    if len(client_id) != LENGTH or client_id[LEG_AT] not in LEGS:
        return None
    if not (client_id.isascii() and client_id.isalnum() and client_id.islower()):
        return None
    return OrderKey(
        prefix=client_id[:6],
        grid=int(client_id[6:8], 36),
        level=int(client_id[8:11], 36),
        cycle=int(client_id[11:15], 36),
        leg=LEGS[client_id[15]],
        attempt=int(client_id[16:], 36),
    )
