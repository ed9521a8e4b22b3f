"""The kinds of push, and how each chat wants to be told of each: aloud, silently, gathered in a digest, or not at all.

Rule: a chat decides for itself, and what it has not decided is told aloud. Alarms, where money is at risk, may be
silent but are never off and never gathered.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import cast

from bot.core import alerts, snapshot
from bot.core.snapshot import Notice
from bot.trading.troubles import EXCHANGE, LEDGER

NOTE = ("chat", "alerts")


class Kind(StrEnum):
    """What a push is about, in the order in which /alerts shows it."""

    ALARMS = "alarms"
    FILLS = "fills"
    TRADES = "trades"
    LEVELS = "levels"
    RANGE = "range"
    GRIDS = "grids"
    TROUBLE = "trouble"
    REPORTS = "reports"
    RESTARTS = "restarts"
    PEOPLE = "people"


class Way(StrEnum):
    """How a kind is told."""

    ON = "on"
    SILENT = "silent"
    DIGEST = "digest"
    OFF = "off"


KINDS: Mapping[type[Notice], Kind] = {
    snapshot.LevelFilled: Kind.FILLS,
    snapshot.StrayFilled: Kind.FILLS,
    snapshot.TradeClosed: Kind.TRADES,
    snapshot.LevelBlocked: Kind.LEVELS,
    snapshot.OrderCutShort: Kind.LEVELS,
    alerts.OutOfRange: Kind.RANGE,
    alerts.BackInRange: Kind.RANGE,
    alerts.Stalled: Kind.RANGE,
    snapshot.TakeReached: Kind.GRIDS,
    snapshot.GridSold: Kind.GRIDS,
    snapshot.GridEnded: Kind.GRIDS,
    snapshot.GridsRebuilt: Kind.GRIDS,
    snapshot.DailyReport: Kind.REPORTS,
    snapshot.Restarted: Kind.RESTARTS,
    snapshot.StateRestored: Kind.RESTARTS,
    snapshot.StrangerKnocked: Kind.PEOPLE,
    snapshot.PersonGone: Kind.PEOPLE,
}
"""All others are alarms; a Trouble is one where nothing can be sent because of it."""
FOR_VIEWERS = frozenset({Kind.FILLS, Kind.TRADES, Kind.REPORTS})
URGENT = frozenset({Kind.ALARMS, Kind.TROUBLE})
TRADING = frozenset({Kind.FILLS, Kind.TRADES})
"""What becomes a digest by itself where it is much."""


def kind_of(notice: Notice) -> Kind:
    """The kind a notice belongs to."""
    if isinstance(notice, snapshot.Trouble) and notice.what in (EXCHANGE, LEDGER):
        return Kind.TROUBLE
    return KINDS.get(type(notice), Kind.ALARMS)


def ways_of(kind: Kind) -> tuple[Way, ...]:
    """How a kind may be told."""
    return (Way.ON, Way.SILENT) if kind is Kind.ALARMS else tuple(Way)


class Ways:
    """How each chat wants to be told."""

    def __init__(self) -> None:
        self._chosen: dict[str, dict[str, str]] = {}

    def recall(self, notes: Mapping[str, object]) -> None:
        """Take over what was chosen, from the store's table `chat`."""
        self._chosen = dict(cast("dict[str, dict[str, str]]", notes.get(NOTE[1]) or {}))

    def of(self, person_id: int, kind: Kind) -> Way:
        """How this person wants to hear of a kind."""
        chosen = self._chosen.get(str(person_id), {}).get(kind)
        return Way(chosen) if chosen is not None and chosen in ways_of(kind) else Way.ON

    def next(self, person_id: int, kind: Kind) -> Way:
        """The way a kind is turned to by a press."""
        ways = ways_of(kind)
        return ways[(ways.index(self.of(person_id, kind)) + 1) % len(ways)]

    def turned(self, person_id: int, kind: Kind, way: Way) -> dict[str, object]:
        """What is to be kept once this person wants a kind to be told in this way."""
        return {**self._chosen, str(person_id): {**self._chosen.get(str(person_id), {}), str(kind): str(way)}}
