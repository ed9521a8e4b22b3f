"""The oracle's witness: everything that was asked of the exchange, in the order it came.

The rule: it writes down and counts, and never influences anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.venue.model import NewOrder


@dataclass(slots=True)
class Call:
    """One HTTP request. `status` is 0 while it is unanswered, and stays 0 when the client never got an answer."""

    at_ms: int
    method: str
    path: str
    kind: str  # of endpoint: create, create_batch, cancel, read, public
    params: Mapping[str, object] = field(default_factory=dict)
    client_ids: tuple[str, ...] = ()
    account: str = ""
    copy: str = ""  # of the bot, where its requests bear a mark (header `X-Copy`)
    status: int = 0
    code: str = ""  # the venue's own, "" for none
    took_effect: bool = False  # it reached the matching engine
    faults: list[str] = field(default_factory=list)
    violation: bool = False  # made inside a Retry-After window


@dataclass(frozen=True, slots=True)
class Attempt:
    """One order that reached the matching engine, and what became of it: an order id, or why not."""

    at_ms: int
    account: str
    wish: NewOrder
    order_id: str | None
    refusal: str = ""


class Witness:
    """Calls and attempts, and questions about them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.attempts: list[Attempt] = []

    def attempts_of(self, client_id: str) -> list[Attempt]:
        """Every time an order with this client id reached the engine."""
        return [attempt for attempt in self.attempts if attempt.wish.client_id == client_id]

    def requests_of(self, client_id: str) -> list[Call]:
        """Every request that named this client id, whether it reached the engine or not."""
        return [call for call in self.calls if client_id in call.client_ids]

    def duplicates(self) -> dict[str, int]:
        """Client ids that were accepted more than once; a faultless client leaves this empty."""
        accepted = Counter(
            attempt.wish.client_id for attempt in self.attempts if attempt.order_id and attempt.wish.client_id
        )
        return {client_id: count for client_id, count in accepted.items() if count > 1}

    def refusals(self) -> Counter[str]:
        """How often orders were refused, by reason."""
        return Counter(attempt.refusal for attempt in self.attempts if attempt.refusal)

    def per_minute(self) -> Counter[tuple[str, int]]:
        """Requests by (path, minute)."""
        return Counter((call.path, call.at_ms // 60_000) for call in self.calls)

    def violations(self) -> list[Call]:
        """Requests made inside a Retry-After window."""
        return [call for call in self.calls if call.violation]

    def count(self, kind: str) -> int:
        """Requests to endpoints of a kind."""
        return sum(call.kind == kind for call in self.calls)
