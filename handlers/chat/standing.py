"""What stands in the chats: digests that are still edited, and the messages that told of entries, to be answered by
their closings.

Rule: kept with the delivery of what they say, so a crash may repeat an edit and never loses one; bounded.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bot.core.model import Side
from bot.core.snapshot import LevelFilled, Notice, TradeClosed
from bot.ports import Key
from handlers.chat.pace import Pace
from handlers.chat.parcels import SPANS, Digests, Parcel, Slot

TABLE = "chat"
DIGEST, ENTRY = "digest", "entry"
MOST_ENTRIES = 1_000
"""Messages about entries remembered in a chat; beyond that the oldest are forgotten."""
LATELY = 60.0

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """A digest that may be edited: `said` is what its words need to go on."""

    message_id: int
    since: datetime
    said: Record
    edited_at: datetime


class Standing:
    """See the module's rule. `changes` is what is still to be kept."""

    def __init__(self) -> None:
        self._windows: dict[tuple[int, Slot], Window] = {}
        self._entries: dict[int, dict[str, int]] = {}
        self._messages: dict[int, deque[datetime]] = {}
        self.changes: dict[Key, Mapping[str, object] | None] = {}

    def recall(self, notes: Mapping[str, object]) -> None:
        """Take over what the last run knew, from the store's table `chat`."""
        entries: list[tuple[int, int, str]] = []
        for name, value in notes.items():
            what, _, rest = name.partition(":")
            person, _, which = rest.partition(":")
            record = cast(Record, value)
            if what == ENTRY:
                entries.append((int(person), int(record["message"]), which))
            elif what == DIGEST:
                since = datetime.fromisoformat(record["since"])
                window = Window(int(record["message"]), since, record["said"], since)
                self._windows[int(person), Slot(which)] = window
        for person_id, message_id, executor in sorted(entries):
            self._entries.setdefault(person_id, {})[executor] = message_id

    # -- digests -------------------------------------------------------------------------------------------------

    def window(self, person_id: int, slot: Slot, now: datetime) -> Window | None:
        """The digest that is to be edited; None where its time is over."""
        window = self._windows.get((person_id, slot))
        if window is not None and (now - window.since).total_seconds() >= SPANS[slot]:
            del self._windows[person_id, slot]
            self.changes[TABLE, f"{DIGEST}:{person_id}:{slot}"] = None
            return None
        return window

    def put(self, person_id: int, slot: Slot, message_id: int, since: datetime, said: Record, now: datetime) -> None:
        """A digest, begun `since` then, says this now."""
        self._windows[person_id, slot] = Window(message_id, since, said, now)
        note = {"message": message_id, "since": since.isoformat(), "said": said}
        self.changes[TABLE, f"{DIGEST}:{person_id}:{slot}"] = note

    def digests(self, person_id: int, now: datetime, pace: Pace) -> Digests:
        """How the digests of a chat stand now."""
        lately = self._messages.get(person_id, deque())
        while lately and (now - lately[0]).total_seconds() >= LATELY:
            lately.popleft()
        windows = {slot: window for slot in Slot if (window := self.window(person_id, slot, now)) is not None}

        def wait(slot: Slot) -> float:
            window = windows.get(slot)
            return pace.edit_pause - (now - window.edited_at).total_seconds() if window is not None else 0.0

        return Digests(frozenset(windows), wait, len(lately), pace.singly)

    def kept(self, changes: Mapping[Key, object]) -> None:
        """These are durable now, but for what has changed since."""
        self.changes = {key: note for key, note in self.changes.items() if changes.get(key, self) is not note}

    # -- entries -------------------------------------------------------------------------------------------------

    def entry(self, person_id: int, notices: Sequence[Notice]) -> int | None:
        """The message in which this person was told of the entry that these close; None where there is none."""
        for notice in notices:
            executor = ""
            if isinstance(notice, TradeClosed):
                executor = notice.trade.executor
            elif isinstance(notice, LevelFilled) and notice.side is Side.SELL:
                executor = notice.executor
            message_id = self._entries.get(person_id, {}).get(executor)
            if message_id is not None:
                return message_id
        return None

    def told(self, person_id: int, parcel: Parcel, message_id: int | None, now: datetime) -> None:
        """A parcel has arrived, in this message; None: in a digest, or nobody knows where."""
        if parcel.slot is None and any(isinstance(notice, LevelFilled | TradeClosed) for notice in parcel.notices):
            self._messages.setdefault(person_id, deque()).append(now)
        for notice in parcel.notices:
            if isinstance(notice, TradeClosed):
                self._put_entry(person_id, notice.trade.executor, None)
            elif isinstance(notice, LevelFilled) and notice.side is Side.BUY:
                self._put_entry(person_id, notice.executor, message_id)

    def _put_entry(self, person_id: int, executor: str, message_id: int | None) -> None:
        entries = self._entries.setdefault(person_id, {})
        known = entries.pop(executor, None)
        if message_id is not None:
            entries[executor] = message_id
            self.changes[TABLE, f"{ENTRY}:{person_id}:{executor}"] = {"message": message_id}
        elif known is not None:
            self.changes[TABLE, f"{ENTRY}:{person_id}:{executor}"] = None
        while len(entries) > MOST_ENTRIES:
            oldest = next(iter(entries))
            del entries[oldest]
            self.changes[TABLE, f"{ENTRY}:{person_id}:{oldest}"] = None
