"""Trouble to order: everything that goes wrong between a bot and Telegram, switched on and off at run time.

The rule: a fault names its method, how often it strikes and whether the call took effect before; each counts
its hits. `method` is a Bot API method, case-blind, or "*"; `times=None` means until stopped; `where` narrows
by the parameters.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

Where = Callable[[Mapping[str, str]], bool]


class Kind(enum.StrEnum):
    """What goes wrong."""

    DOWN = "down"  # connection closed, nothing done
    SLOW = "slow"  # a delay before anything is done
    SERVER_ERROR = "server_error"  # 5xx with a JSON envelope
    GARBAGE = "garbage"  # 502 with a page of HTML
    TOO_MANY = "too_many"  # 429
    REPLY_LOST = "reply_lost"  # done, then the connection closed
    TRUNCATED = "truncated"  # done, then half a reply


@dataclass(eq=False, slots=True)
class Fault:
    """One fault; stop it, or use it as a context manager."""

    kind: Kind
    method: str
    times: int | None
    value: float
    where: Where | None
    after_effect: bool
    changed: Callable[[], None]
    hits: int = 0
    stopped: bool = False

    @property
    def active(self) -> bool:
        """Whether it still strikes."""
        return not self.stopped and (self.times is None or self.hits < self.times)

    def covers(self, method: str, values: Mapping[str, str]) -> bool:
        """Whether it would strike this call."""
        if not self.active or self.method not in ("*", method.lower()):
            return False
        return self.where is None or self.where(values)

    def stop(self) -> None:
        """Ends it; calls it holds back go on."""
        self.stopped = True
        self.changed()

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Faults:
    """The switchboard."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._all: list[Fault] = []
        self.hits: Counter[str] = Counter()

    def _arm(
        self,
        kind: Kind,
        method: str,
        times: int | None,
        where: Where | None,
        value: float = 0,
        after_effect: bool = False,
    ) -> Fault:
        fault = Fault(kind, method.lower(), times, value, where, after_effect, self._changed)
        self._all.append(fault)
        self._changed()
        return fault

    def down(self, method: str = "*", *, times: int | None = None, where: Where | None = None) -> Fault:
        """The connection is closed without a reply and without an effect; an open long poll is cut too."""
        return self._arm(Kind.DOWN, method, times, where)

    def slow(self, seconds: float, method: str = "*", *, times: int | None = None, where: Where | None = None) -> Fault:
        """The call waits first; the effect takes place even when the bot has hung up meanwhile."""
        return self._arm(Kind.SLOW, method, times, where, seconds)

    def server_error(
        self,
        status: int = 500,
        method: str = "*",
        *,
        times: int | None = None,
        where: Where | None = None,
        after_effect: bool = False,
    ) -> Fault:
        """A 5xx in a proper envelope."""
        return self._arm(Kind.SERVER_ERROR, method, times, where, status, after_effect)

    def garbage(
        self,
        method: str = "*",
        *,
        times: int | None = None,
        where: Where | None = None,
        after_effect: bool = False,
    ) -> Fault:
        """502 Bad Gateway with a page of HTML, as a proxy in front of Telegram answers."""
        return self._arm(Kind.GARBAGE, method, times, where, 502, after_effect)

    def too_many(
        self, retry_after: int = 1, method: str = "*", *, times: int | None = None, where: Where | None = None
    ) -> Fault:
        """429 although the bot kept the limits."""
        return self._arm(Kind.TOO_MANY, method, times, where, retry_after)

    def reply_lost(self, method: str = "*", *, times: int | None = None, where: Where | None = None) -> Fault:
        """The call takes effect, then the connection is closed."""
        return self._arm(Kind.REPLY_LOST, method, times, where, after_effect=True)

    def truncated(self, method: str = "*", *, times: int | None = None, where: Where | None = None) -> Fault:
        """The call takes effect, then half of the reply is sent and the connection closed."""
        return self._arm(Kind.TRUNCATED, method, times, where, after_effect=True)

    def clear(self) -> None:
        """Ends every fault."""
        for fault in self._all:
            fault.stopped = True
        self._all.clear()
        self._changed()

    def pending(self, kind: Kind, method: str, values: Mapping[str, str]) -> bool:
        """Whether a fault of that kind would strike; strikes nothing."""
        return any(fault.kind is kind and fault.covers(method, values) for fault in self._all)

    def strike(self, method: str, values: Mapping[str, str], *kinds: Kind) -> Fault | None:
        """The oldest fault of these kinds that covers the call, counted; None when there is none."""
        for fault in self._all:
            if fault.kind in kinds and fault.covers(method, values):
                fault.hits += 1
                self.hits[fault.kind.value] += 1
                return fault
        return None

    def peek(self, method: str, values: Mapping[str, str], kind: Kind) -> Fault | None:
        """The fault of that kind that would strike; strikes nothing."""
        return next((fault for fault in self._all if fault.kind is kind and fault.covers(method, values)), None)
