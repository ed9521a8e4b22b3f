"""Questions with buttons: each may be answered once, by the person it was put to, for ten minutes; what is only a look
may be looked at again, for a day.

Rule: a button carries `choice:nonce` and nothing else; what it would do stays here, so that nothing can be forged, and
a late press finds nothing to do. Questions live in memory: after a restart a press is answered with a sentence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from bot.texts.catalogue import say
from handlers.words import door

LIFETIME = timedelta(minutes=10)
LOOK_LIFETIME = timedelta(days=1)
MOST = 500
"""Open questions kept; beyond that the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person was asked. `about` is what the answer will act on."""

    nonce: str
    person_id: int
    asked_at: datetime
    about: object
    lasts: timedelta = LIFETIME


class Questions:
    """The open questions of the chat."""

    def __init__(self) -> None:
        self._open: dict[str, Question] = {}

    def ask(self, person_id: int, about: object, now: datetime, lasts: timedelta = LIFETIME) -> str:
        """Note a question; returns its nonce."""
        nonce = token_hex(6)
        self._open[nonce] = Question(nonce, person_id, now, about, lasts)
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return nonce

    def is_open(self, nonce: str) -> bool:
        """Whether nobody has answered it yet."""
        return nonce in self._open

    def take(self, nonce: str, person_id: int, now: datetime, *, stays: bool = False) -> object | str:
        """What the question was about, taking it away unless it `stays`; or a sentence (str) that says why it can't be
        answered."""
        question = self._open.get(nonce)
        if question is None:
            return say("door.used")
        if question.person_id != person_id:
            return say("door.not_yours")
        is_over = now - question.asked_at > question.lasts
        if is_over or not stays:
            del self._open[nonce]
        if is_over:
            return door.too_old(question.lasts)
        return question.about
