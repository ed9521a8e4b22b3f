"""Dialogues of several steps: where each person is, kept so that a restart changes nothing.

Rule: one dialogue a person; a new one takes the place of the old. A button belongs to the page it stands on (`nonce`)
and does what the page said when it was shown, for its offers are kept with it. A day without an answer ends it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from bot.errors import StateError
from bot.manager import TradeManager
from bot.ports import Key
from bot.texts.catalogue import say

log = logging.getLogger(__name__)

LIFETIME = timedelta(days=1)
TABLE = "chat"
DIALOGUE, HABITS = "dialogue:", "habits:"
MOST_RECENT = 5
"""Markets of a person's last grids that are remembered."""

Note = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Where somebody is. `message_id` shows the page, `heard` is the last message that answered it; `offers` are what
    its buttons answer, in their order; `skipped` steps were settled by how it began; `wants_number`: a bare number is
    an answer."""

    person_id: int
    nonce: str
    at: datetime
    step: str
    given: Mapping[str, str]
    message_id: int = 0
    heard: int = 0
    offers: tuple[Mapping[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    wants_number: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What a pressed button belongs to; an empty nonce is whatever page is open."""

    nonce: str


@dataclass(frozen=True, slots=True)
class Habits:
    """What a person chose the last time: `last` are the answers of the last grid, `markets` the last ones, newest
    first."""

    last: Mapping[str, str]
    markets: Sequence[str]


class Dialogues:
    """The open dialogues, and people's habits."""

    def __init__(self, manager: TradeManager) -> None:
        self._manager = manager
        self._locks: dict[int, asyncio.Lock] = {}

    def lock(self, person_id: int) -> asyncio.Lock:
        """Held while a person's dialogue takes a step: of two presses at once the second finds the page gone."""
        return self._locks.setdefault(person_id, asyncio.Lock())

    def of(self, person_id: int) -> Dialogue | None:
        """The open dialogue of a person."""
        dialogue = _dialogue(person_id, self._note(DIALOGUE, person_id))
        if dialogue is None or self._manager.world.clock.now() - dialogue.at > LIFETIME:
            return None
        return dialogue

    def wants_number(self, person_id: int) -> bool:
        """Whether a bare number is an answer now."""
        dialogue = self.of(person_id)
        return dialogue is not None and dialogue.wants_number

    def refusal(self, nonce: str, person_id: int, message_id: int) -> str:
        """Why a button is not obeyed; empty where it is: it stands on the page that is open, or on an older state of
        the same message, which is then shown anew."""
        dialogue = self.of(person_id)
        if dialogue is None:
            return say("guide.ended")
        if nonce != dialogue.nonce and message_id != dialogue.message_id:
            return say("guide.over")
        return ""

    async def keep(self, dialogue: Dialogue) -> None:
        """Make a step durable. Where that fails now it is kept later: nothing is at stake before Create."""
        await self._remember({_key(DIALOGUE, dialogue.person_id): _record(dialogue)})

    async def end(self, person_id: int) -> None:
        """Forget a dialogue."""
        if self._note(DIALOGUE, person_id):
            await self._remember({_key(DIALOGUE, person_id): None})

    def habits(self, person_id: int) -> Habits:
        """What this person chose the last time; nothing at first."""
        note = self._note(HABITS, person_id)
        last = cast("Mapping[str, str]", note.get("last", {}))
        return Habits(last, cast("Sequence[str]", note.get("markets", ())))

    async def learn(self, person_id: int, given: Mapping[str, str]) -> None:
        """A whole grid was put together: remember its answers."""
        markets = dict.fromkeys((given.get("symbol", ""), *self.habits(person_id).markets))
        note = {"last": dict(given), "markets": list(markets)[:MOST_RECENT]}
        await self._remember({_key(HABITS, person_id): note})

    def _note(self, kind: str, person_id: int) -> Note:
        return self._manager.state.notes.get(TABLE, {}).get(f"{kind}{person_id}", {})

    async def _remember(self, changes: Mapping[Key, Note | None]) -> None:
        try:
            await self._manager.remember(changes)
        except StateError as error:
            log.warning("a dialogue can't be kept now: %s", error)


def _key(kind: str, person_id: int) -> Key:
    return TABLE, f"{kind}{person_id}"


def _record(dialogue: Dialogue) -> dict[str, object]:
    return {
        "nonce": dialogue.nonce,
        "at": dialogue.at.isoformat(),
        "step": dialogue.step,
        "given": dict(dialogue.given),
        "message_id": dialogue.message_id,
        "heard": dialogue.heard,
        "offers": [dict(offer) for offer in dialogue.offers],
        "skipped": list(dialogue.skipped),
        "wants_number": dialogue.wants_number,
    }


def _dialogue(person_id: int, note: Note) -> Dialogue | None:
    if not note:
        return None
    return Dialogue(
        person_id=person_id,
        nonce=str(note["nonce"]),
        at=datetime.fromisoformat(str(note["at"])),
        step=str(note["step"]),
        given=cast("Mapping[str, str]", note["given"]),
        message_id=cast(int, note["message_id"]),
        heard=cast(int, note["heard"]),
        offers=tuple(cast("Sequence[Mapping[str, str]]", note["offers"])),
        skipped=tuple(cast("Sequence[str]", note["skipped"])),
        wants_number=bool(note["wants_number"]),
    )
