"""The record of every call the bot made, and questions about it.

The rule: a call is written down when it arrives, its outcome when it is known; the token is never written
down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PENDING = "pending"
OK = "ok"
REFUSED = "refused"
DROPPED = "dropped"
GONE = "gone"


@dataclass(slots=True)
class Call:
    """One call. `outcome`: pending, ok, refused, dropped (by a fault) or gone (the bot hung up first)."""

    number: int
    method: str
    params: dict[str, str]
    files: tuple[str, ...]
    at: float
    outcome: str = PENDING
    code: int = 0
    description: str = ""
    result: Any = None
    faults: list[str] = field(default_factory=list)
    took_effect: bool = False

    @property
    def chat_id(self) -> int:
        """The chat the call was about; 0 when about none."""
        try:
            return int(self.params.get("chat_id", "0"))
        except ValueError:
            return 0

    @property
    def text(self) -> str:
        """What it said: text or caption as sent."""
        return self.params.get("text") or self.params.get("caption", "")


class Journal:
    """All calls, oldest first."""

    def __init__(self) -> None:
        self.entries: list[Call] = []

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self.entries))

    def open(self, method: str, params: dict[str, str], files: tuple[str, ...], at: float) -> Call:
        """Writes down a call that arrives."""
        call = Call(len(self.entries) + 1, method, params, files, at)
        self.entries.append(call)
        return call

    def calls(self, method: str | None = None, *, chat_id: int | None = None, since: int = 0) -> list[Call]:
        """Calls of a method (case-blind), to a chat, after call number `since`."""
        return [
            call
            for call in list(self.entries)
            if call.number > since
            and (method is None or call.method.lower() == method.lower())
            and (chat_id is None or call.chat_id == chat_id)
        ]

    def count(self, method: str | None = None) -> int:
        """How many calls."""
        return len(self.calls(method))

    def last(self, method: str | None = None) -> Call:
        """The newest call; raises LookupError when there was none."""
        found = self.calls(method)
        if not found:
            raise LookupError(f"no call of {method or 'anything'} so far")
        return found[-1]

    def refused(self, code: int | None = None, *, injected: bool = False) -> list[Call]:
        """Calls answered with ok=false, by code. Those refused by a fault on order only with `injected`."""
        return [
            call
            for call in list(self.entries)
            if call.outcome == REFUSED and (code is None or call.code == code) and (injected or not call.faults)
        ]

    def methods(self, *, since: int = 0) -> list[str]:
        """The names of the calls in order."""
        return [call.method for call in list(self.entries) if call.number > since]
