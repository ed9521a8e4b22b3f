"""Who did what in the chat: a line of ops.log for each command and each pressed button, with what came of it.

Rule: one line a deed, written when it is over, however it ended. What a person typed stands in it as far as it was
meant for the trader: words behind `/start` are a code, and what is no command is none of the log's business.
"""

import logging
from types import TracebackType
from typing import Self

from telegram import Update

from bot.errors import BotError
from handlers.chat.context import Context

log = logging.getLogger(__name__)

MOST_WORDS = 300
SECRET_WORDS = frozenset({"start"})
"""Commands whose words are not written down."""


class Deed:
    """What somebody does, from its beginning to its end, errors among them. `outcome` is set by whoever knows better
    than that it was done."""

    def __init__(self, update: Update, context: Context, what: str, about: str = "") -> None:
        self._update = update
        self._context = context
        self._what = what
        self._about = about
        self.outcome = "done"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, BotError):
            self.outcome = f"refused: {error}"
        elif error is not None:
            self.outcome = f"failed: {type(error).__name__}" if isinstance(error, Exception) else "cut off by the stop"
        person = self._update.effective_user
        said: dict[str, object] = {
            "who": person.id if person is not None else None,
            "role": self._context.role.name.lower(),
            "what": self._what,
            "outcome": self.outcome[:MOST_WORDS],
        }
        about = {"about": self._about[:MOST_WORDS]} if self._about else {}
        log.info("the chat was used", extra={"context": said | about})


def command_line(name: str, words: list[str]) -> str:
    """A command as it was typed, as far as it may be written down."""
    line = f"/{name}" if name in SECRET_WORDS else " ".join((f"/{name}", *words))
    return line[:MOST_WORDS]


def subject(about: object) -> str:
    """What a button was about, in a few words: the kind of question, and the grids or levels it names."""
    named: list[str] = []
    for attribute in ("grid", "grids", "level", "levels", "symbol"):
        value = getattr(about, attribute, None)
        if isinstance(value, str):
            named.append(value)
        elif isinstance(value, tuple) and all(isinstance(each, str) for each in value):
            named += value
    return " ".join([type(about).__name__, *named])
