"""Notices of the watch over grids and coins: nothing has failed, and somebody may want to act.

Rule: as in `snapshot.py`; each is told once a while for a grid or a coin.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.core.snapshot import Notice


@dataclass(frozen=True, slots=True)
class OutOfRange(Notice):
    """The price has been outside a grid's MIN … MAX `since` then; `bound` is the end it passed. Told once a while for a
    grid. `held` coins of it, bought for `cost`."""

    grid: str
    symbol: str
    price: Decimal
    bound: Decimal
    is_below: bool
    since: datetime
    held: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class BackInRange(Notice):
    """The price is in a grid's range again, after its being outside `since` then was told."""

    grid: str
    symbol: str
    price: Decimal
    since: datetime


@dataclass(frozen=True, slots=True)
class Stalled(Notice):
    """Nothing of a grid was filled `since` then, though the price was in its range. `buy` and `sell`: its orders next
    to the market, None where none rests. Told once a while for a grid."""

    grid: str
    symbol: str
    price: Decimal
    since: datetime
    buy: Decimal | None = None
    sell: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CoinsMissing(Notice):
    """The account has less of a coin than running grids hold by the books, though nothing is on its way: somebody sold
    or moved it. Told once a while for a coin."""

    coin: str
    held: Decimal
    found: Decimal


ALERTS = (OutOfRange, BackInRange, Stalled, CoinsMissing)
"""All of them: whoever reads notices from a store has to know them."""
