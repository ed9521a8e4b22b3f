"""What outside does not work at the moment: told when it begins and when it is over, and not in between.

Rule: the keys are what people know (exchange, store, ledger), the values why. The exchange is in trouble as long as any
question put to it stays without an answer.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from bot.core.snapshot import Notice, Trouble
from bot.errors import BotError

log = logging.getLogger(__name__)

EXCHANGE, STORE, LEDGER = "exchange", "store", "ledger"


class Troubles(dict[str, str]):
    """The present troubles, by what does not work."""

    def __init__(self, note: Callable[[Notice], None]) -> None:
        super().__init__()
        self._note = note
        self._unanswered: set[str] = set()

    def begin(self, what: str, why: str, now: datetime) -> None:
        """Something does not work; known already, nothing is told."""
        if what not in self:
            self[what] = why
            log.error("trouble with the %s: %s", what, why)
            self._note(Trouble(now, what, why))

    def end(self, what: str, now: datetime) -> None:
        """It works."""
        if what in self:
            why = self.pop(what)
            log.warning("the trouble with the %s is over", what)
            self._note(Trouble(now, what, why, over=True))

    @contextmanager
    def asking(self, question: str, now: datetime) -> Iterator[None]:
        """Ask the exchange something; a BotError is taken for no answer."""
        try:
            yield
        except BotError as error:
            self._unanswered.add(question)
            self.begin(EXCHANGE, str(error), now)
        else:
            self._unanswered.discard(question)
            if not self._unanswered:
                self.end(EXCHANGE, now)

    def is_unanswered(self, question: str) -> bool:
        """Whether the exchange gave no answer to it the last time."""
        return question in self._unanswered
