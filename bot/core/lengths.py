"""The lengths of candles that people look at, and long candles made of shorter ones.

Rule: candles begin at round times UTC, weeks on Monday; where some are missing a longer one is made of those there are.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from bot.core.model import Candle
from bot.core.money import ZERO

A_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
NAME = re.compile(r"(\d+)([smhdw])")
UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(days=7),
}


class Length(StrEnum):
    """How long a candle is, under the name that traders and ccxt give it."""

    MINUTE = "1m"
    HOUR = "1h"
    FOUR_HOURS = "4h"
    DAY = "1d"
    WEEK = "1w"

    @property
    def span(self) -> timedelta:
        """The time from its opening to its close."""
        return int(self.value[:-1]) * UNITS[self.value[-1]]

    def opening(self, at: datetime) -> datetime:
        """When the candle that runs at this time began."""
        return at - (at - A_MONDAY) % self.span


def nearest(length: Length, names: Iterable[str]) -> tuple[str, timedelta] | None:
    """Of the lengths an exchange names, the longest that whole candles of `length` are made of, itself first; None
    where there is none."""
    known = [(name, int(found[1]) * UNITS[found[2]]) for name in names if (found := NAME.fullmatch(name))]
    fitting = [(name, span) for name, span in known if span and not length.span % span]
    return max(fitting, key=lambda each: (each[1], each[0] == length), default=None)


def lengthened(candles: Iterable[Candle], length: Length) -> list[Candle]:
    """Shorter candles, oldest first, made into longer ones; those of the first and the last may be some of them."""
    groups = groupby(candles, key=lambda candle: length.opening(candle.at))
    return [_joined(opening, list(group)) for opening, group in groups]


def _joined(opening: datetime, candles: Sequence[Candle]) -> Candle:
    volume = sum((each.volume for each in candles), ZERO)
    high, low = max(each.high for each in candles), min(each.low for each in candles)
    return Candle(opening, candles[0].open, high, low, candles[-1].close, volume)
