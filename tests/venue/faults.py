"""Trouble to order: everything that goes wrong between a client and an exchange, by name.

The rule: a fault has a name, a chance for each kind of endpoint, and a counter of how often it was met. Each draws from
a random sequence of its own, so that switching one on never shifts another. Nothing strikes unless asked for.

    venue.faults.set("reply_lost", 0.1, on="create")    # a tenth of the replies to creates
    venue.faults.next("hidden_order")                   # the next order, for certain
    venue.faults.use(NASTY)
    venue.faults.met["reply_lost"]
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EVERY = "*"

# Kinds of endpoint.
CREATE, CREATE_BATCH, CANCEL, READ, PUBLIC = "create", "create_batch", "cancel", "read", "public"
# Kinds of stream.
PRIVATE_STREAM, PUBLIC_STREAM = "private_stream", "public_stream"

BEFORE = MappingProxyType({
    "request_lost": "the connection is reset and nothing is done",
    "error_before": "5xx and nothing is done",
    "hang_before": "no reply in time and nothing is done",
    "rate_limited": "429 (or the venue's own way), and a window in which every further request is a violation",
    "clock_skew": "the time stamp is refused",
    "maintenance": "streams are cut, and every request gets the venue's maintenance answer for a while",
    "late_landing": "the connection is reset, and the request is carried out some time later",
})  # fmt: skip
AFTER = MappingProxyType({
    "reply_lost": "done, then the connection is reset",
    "error_after": "done, and 5xx",
    "timeout_408": "done, and 408",
    "gateway_504": "done, and 504",
    "truncated": "done, and half a reply",
    "garbage": "done, and 200 with bytes that mean nothing",
    "empty_body": "done, and 200 with nothing",
    "empty_object": "done, and 200 with {}",
    "html": "done, and 200 with a page of HTML",
    "hang_after": "done, and no reply in time",
    "slow_reply": "done, and the reply comes after the events of the streams",
})  # fmt: skip
VIEW = MappingProxyType({
    "hidden_order": "reads do not show a new order for a while",
    "late_trade": "reads do not show a new trade for a while",
    "stale_snapshot": "open orders as they were a while ago",
    "partial_batch": "one order of a batch fails by itself",
    "person_cancels": "when the market moves, a person cancels one of our orders",
    "venue_cancels": "when the market moves, the venue cancels one of our orders",
})  # fmt: skip
STREAM = MappingProxyType({
    "event_lost": "never sent",
    "event_twice": "sent twice",
    "event_shuffled": "sent after the one that follows it",
    "event_late": "sent late",
    "stream_cut": "the connection is closed",
    "stream_stalled": "the connection stays open and nothing comes any more",
})  # fmt: skip
NAMES = MappingProxyType({**BEFORE, **AFTER, **VIEW, **STREAM})

Plan = Mapping[tuple[str, str], float]
CALM: Plan = MappingProxyType({})


def _nasty() -> Plan:
    plan: dict[tuple[str, str], float] = {}
    for kind, chance in ((CREATE, 0.02), (CREATE_BATCH, 0.02), (CANCEL, 0.02), (READ, 0.005)):
        for name in (*BEFORE, *AFTER):
            plan[name, kind] = chance
    for kind in (CREATE, CREATE_BATCH, CANCEL, READ):
        plan["maintenance", kind] = plan["rate_limited", kind] = 0.002
    plan["late_landing", READ] = 0.0
    for name in VIEW:
        plan[name, EVERY] = 0.05
    for name in ("person_cancels", "venue_cancels"):
        plan[name, EVERY] = 0.005
    for name in ("event_lost", "event_twice", "event_shuffled", "event_late"):
        plan[name, PRIVATE_STREAM] = 0.05
    for name in ("stream_cut", "stream_stalled"):
        plan[name, PRIVATE_STREAM] = 0.01
        plan[name, PUBLIC_STREAM] = 0.002
    return MappingProxyType(plan)


NASTY = _nasty()


@dataclass(slots=True)
class Timing:
    """How long troubles last; short, for tests wait for them."""

    hang_s: float = 0.3  # a reply that hangs comes after this; keep it above the client's time-out
    slow_s: float = 0.03
    late_ms: int = 300  # landing, events
    hidden_ms: int = 200  # orders, trades
    stale_ms: int = 500
    window_ms: int = 1000  # Retry-After
    maintenance_ms: int = 500
    stalled_pings_answered: bool = False


class Faults:
    """The switchboard."""

    def __init__(self, seed: int = 0, plan: Plan = CALM) -> None:
        self.timing = Timing()
        self.met: Counter[str] = Counter()
        self._chances: dict[tuple[str, str], float] = {}
        self._ordered: Counter[tuple[str, str]] = Counter()
        self._dice = {name: random.Random(f"{seed}:{name}") for name in NAMES}
        self.use(plan)

    def use(self, plan: Plan) -> None:
        """These chances and no others from now on."""
        self._chances = dict(plan)
        self._ordered.clear()

    def set(self, name: str, chance: float, on: str = EVERY) -> None:
        """Another chance for one fault, at one kind of endpoint or stream, or all."""
        self._chances[_known(name), on] = chance

    def next(self, name: str, on: str = EVERY, times: int = 1) -> None:
        """The next occasions are struck for certain."""
        self._ordered[_known(name), on] += times

    def strike(self, name: str, kind: str = EVERY) -> bool:
        """Whether it strikes now; counted."""
        for key in ((name, kind), (name, EVERY)):
            if self._ordered[key] > 0:
                self._ordered[key] -= 1
                self.met[name] += 1
                return True
        chance = self._chances.get((name, kind), self._chances.get((name, EVERY), 0.0))
        if chance <= 0.0 or self._dice[name].random() >= chance:
            return False
        self.met[name] += 1
        return True

    def first(self, names: Mapping[str, str], kind: str) -> str:
        """The first of several that strikes; empty when none does."""
        return next((name for name in names if self.strike(name, kind)), "")

    def pick(self, name: str, count: int) -> int:
        """A random index below `count`, from the fault's own sequence."""
        return self._dice[name].randrange(count)


def _known(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"no fault is called {name}")
    return name
