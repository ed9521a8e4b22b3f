"""What outside does not work at the moment: told when it begins and when it is over, and not in between.

Rule: the keys are what people know (exchange, store, ledger), the values why. The exchange is in trouble as long as any
question put to it stays without an answer; one that soon answers again is not worth a message, and what comes and goes
has to last longer each time before it is told again.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.core.snapshot import Notice, Trouble
from bot.errors import BotError, ExchangeWaits

log = logging.getLogger(__name__)

EXCHANGE, STORE, LEDGER = "exchange", "store", "ledger"
BLINK = timedelta(seconds=15)
"""Exchanges fail to answer now and then; told is what lasts longer."""
AGAIN_FIRST, AGAIN_LAST = timedelta(minutes=1), timedelta(minutes=10)
"""So long lasts what comes back before it is told, doubled each time."""
CALM = timedelta(minutes=10)
"""What comes back so long after it was told to be over is told as the first time."""
BREATH = timedelta(seconds=10)
"""A shorter silence that the exchange asks for is its manner, and no trouble."""


class Troubles(dict[str, str]):
    """The present troubles, by what does not work."""

    def __init__(self, note: Callable[[Notice], None], hush: Callable[[datetime], None]) -> None:
        """`hush` hears until when the exchange wants no request."""
        super().__init__()
        self._note = note
        self._hush = hush
        self._unanswered: set[str] = set()
        self._untold: dict[str, datetime] = {}
        self._over_at: dict[str, datetime] = {}
        self._again: dict[str, timedelta] = {}

    def begin(self, what: str, why: str, now: datetime, patience: timedelta = timedelta(0)) -> None:
        """Something does not work; told once, when that has lasted for `patience`."""
        if what not in self:
            self[what] = why
            self._untold[what] = now
            if now - self._over_at.get(what, now) >= CALM:
                del self._again[what]
            log.error("trouble with the %s: %s", what, why)
        since = self._untold.get(what)
        if since is not None and now - since >= max(patience, self._again.get(what, patience)):
            del self._untold[what]
            self._note(Trouble(now, what, why))

    def end(self, what: str, now: datetime) -> None:
        """It works."""
        if what in self:
            why = self.pop(what)
            log.warning("the trouble with the %s is over", what)
            if self._untold.pop(what, None) is None:
                self._over_at[what] = now
                self._again[what] = min(2 * self._again.get(what, AGAIN_FIRST / 2), AGAIN_LAST)
                self._note(Trouble(now, what, why, over=True))

    @contextmanager
    def asking(self, question: str, now: datetime) -> Iterator[None]:
        """Ask the exchange something; a BotError is taken for no answer."""
        try:
            yield
        except BotError as error:
            self._unanswered.add(question)
            if isinstance(error, ExchangeWaits):
                self._hush(error.until)
            if not isinstance(error, ExchangeWaits) or error.until - now > BREATH:
                self.begin(EXCHANGE, str(error), now, BLINK)
        else:
            self.moot(question, now)

    def moot(self, question: str, now: datetime) -> None:
        """A question was answered, or nobody asks it any more."""
        self._unanswered.discard(question)
        if not self._unanswered:
            self.end(EXCHANGE, now)

    def is_unanswered(self, question: str) -> bool:
        """Whether the exchange gave no answer to it the last time."""
        return question in self._unanswered
