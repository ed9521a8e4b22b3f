"""Questions with buttons: each may be answered once, by the person it was put to, for ten minutes.

Rule: a button carries `choice:nonce` and nothing else; what it would do stays here, so that nothing can be forged, and
a late press finds nothing to do. Questions live in memory: after a restart a press is answered with a sentence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

LIFETIME = timedelta(minutes=10)
MOST = 500
"""Open questions kept; beyond that the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person was asked. `about` is what the answer will act on."""

    nonce: str
    person_id: int
    asked_at: datetime
    about: object


class Questions:
    """The open questions of the chat."""

    def __init__(self) -> None:
        self._open: dict[str, Question] = {}

    def ask(self, person_id: int, about: object, now: datetime) -> str:
        """Note a question; returns its nonce."""
        nonce = token_hex(6)
        self._open[nonce] = Question(nonce, person_id, now, about)
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return nonce

    def take(self, nonce: str, person_id: int, now: datetime) -> object | str:
        """What the question was about, taking it away; or a sentence (str) that says why it can't be answered."""
        question = self._open.get(nonce)
        if question is None:
            return "This button was used already, or is from before a restart. Send the command again."
        if question.person_id != person_id:
            return "This button belongs to somebody else. Send the command yourself."
        del self._open[nonce]
        if now - question.asked_at > LIFETIME:
            return "This button is older than 10 minutes, and prices have moved. Send the command again."
        return question.about
