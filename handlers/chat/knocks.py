"""Strangers at the door: which of them the owners hear of.

Rule: of nobody twice within a day, and of few in a day in all, however many knock and however often the worker is
restarted. What is kept is bounded by that, so nobody fills the disk from outside.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from telegram import User

NOTE = ("chat", "knocks")
MOST_A_DAY = 5
DAY = timedelta(hours=24)


class Knocks:
    """Who knocked within the last day and was told of, by user id."""

    def __init__(self) -> None:
        self._told: dict[int, datetime] = {}

    def recall(self, notes: Mapping[str, object]) -> None:
        """Take over what the last run knew, from the store's table `chat`."""
        note = cast("Mapping[str, str]", notes.get(NOTE[1], {}))
        known = {int(person): datetime.fromisoformat(at) for person, at in note.items()}
        self._told = known | self._told

    def is_news(self, person_id: int, now: datetime) -> bool:
        """Whether the owners are to hear of this one; counted if so."""
        self._told = {person: at for person, at in self._told.items() if now - at < DAY}
        if person_id in self._told or len(self._told) >= MOST_A_DAY:
            return False
        self._told[person_id] = now
        return True

    @property
    def note(self) -> Mapping[str, str]:
        """What is to be kept."""
        return {str(person): at.isoformat() for person, at in self._told.items()}


def called(person: User) -> str:
    """What a stranger calls himself: foreign text."""
    return f"{person.full_name} @{person.username}" if person.username else person.full_name
