"""What goes out next to one person: one notice, a sale with the trade it closed, or many as a digest. Pure.

Rule: what is urgent goes first and alone; all else in order, but what a digest has to wait for holds up nothing. More
than a few fills and closed trades in a minute become one digest, and so does what a person wants to have gathered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.model import Side
from bot.core.snapshot import LevelFilled, Notice, TradeClosed
from handlers.chat.kinds import TRADING, URGENT, Way, kind_of

SINGLY = 5
"""So many messages of fills and closed trades in a minute a phone shows one by one; more become a digest."""

Item = tuple[str, Notice]
"""A notice with its key."""


class Slot(StrEnum):
    """Which digest of a chat: that of a busy minute, or the one somebody asked for, of an hour."""

    MINUTE = "minute"
    HOUR = "hour"


SPANS = {Slot.MINUTE: 60.0, Slot.HOUR: 3600.0}
"""Seconds after which a digest is over, and another message begins."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out as one message, new or edited: `slot` is the digest it goes into, None for a message of its own."""

    items: tuple[Item, ...]
    slot: Slot | None = None
    is_silent: bool = False

    @property
    def notices(self) -> list[Notice]:
        return [notice for _, notice in self.items]


@dataclass(frozen=True, slots=True)
class Digests:
    """How the digests of a chat stand: which are open, and in how many seconds each may be edited again. `most`
    messages of fills and closed trades in a minute go out one by one; `lately` of them have."""

    open: frozenset[Slot] = frozenset()
    wait: Callable[[Slot], float] = lambda slot: 0.0
    lately: int = 0
    most: int = SINGLY


def next_parcel(
    waiting: Sequence[Item], way: Callable[[Notice], Way], digests: Digests
) -> tuple[Parcel | None, float | None]:
    """The next parcel of what waits, oldest first; else in how many seconds there will be one, None: not by itself."""
    gathered: list[Item] = []
    others: list[Item] = []
    for item in waiting:
        is_gathered = way(item[1]) is Way.DIGEST
        if not is_gathered and kind_of(item[1]) in URGENT:
            return _single(item, way), None
        (gathered if is_gathered else others).append(item)
    found: list[Parcel] = []
    trading = [item for item in others if kind_of(item[1]) in TRADING]
    if Slot.MINUTE in digests.open or digests.lately + len(_messages(trading)) > digests.most:
        others = [item for item in others if kind_of(item[1]) not in TRADING]
        found += [_digest(trading, Slot.MINUTE, way)] if trading else []
    found += [_digest(gathered, Slot.HOUR, way)] if gathered else []
    found += [_message(others, way)] if others else []
    found.sort(key=lambda parcel: parcel.items[0][0])
    waits = [digests.wait(parcel.slot) if parcel.slot is not None else 0.0 for parcel in found]
    for parcel, wait in zip(found, waits, strict=True):
        if wait <= 0:
            return parcel, None
    return None, min(waits, default=None)


def _single(item: Item, way: Callable[[Notice], Way]) -> Parcel:
    return Parcel((item,), is_silent=way(item[1]) is Way.SILENT)


def _digest(items: Sequence[Item], slot: Slot, way: Callable[[Notice], Way]) -> Parcel:
    return Parcel(tuple(items), slot, all(way(notice) is Way.SILENT for _, notice in items))


def _message(items: Sequence[Item], way: Callable[[Notice], Way]) -> Parcel:
    """The first of these; a sale together with the trade that it closed."""
    first = _messages(items[:2])[0]
    return Parcel(tuple(first), is_silent=all(way(notice) is Way.SILENT for _, notice in first))


def _messages(items: Sequence[Item]) -> list[list[Item]]:
    """These as messages of their own."""
    messages: list[list[Item]] = []
    for item in items:
        if messages and len(messages[-1]) == 1 and _closes(messages[-1][0][1], item[1]):
            messages[-1].append(item)
        else:
            messages.append([item])
    return messages


def _closes(sale: Notice, closing: Notice) -> bool:
    """Whether a trade was closed by this very sale."""
    return (
        isinstance(sale, LevelFilled)
        and sale.side is Side.SELL
        and isinstance(closing, TradeClosed)
        and closing.trade.executor == sale.executor
    )
