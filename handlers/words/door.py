"""What the chat itself says with figures in it: to late commands and presses, and to what is refused. Pure: data in,
HTML out; what answers a press is plain text.

Rule: short, and never without what to do next.
"""

from datetime import timedelta
from html import escape

from bot.texts.catalogue import say
from handlers.words.figures import foreign

SHOWN = 500
MOST_REFUSED = 3000
DAY = timedelta(days=1)


def too_old(lasts: timedelta) -> str:
    """To a press after the time a question lasts, as plain text."""
    return say("door.old_day") if lasts >= DAY else say("door.old_minutes", count=lasts.seconds // 60)


def late(words: str, age: timedelta) -> str:
    """To a command from a while ago, above the button that does it now."""
    return say("door.late", ago=_ago(age), words=foreign(words, SHOWN))


def doing_now(words: str) -> str:
    """After that button."""
    return say("door.doing_now", words=foreign(words, SHOWN))


def refused(why: str) -> str:
    """What an error made for people says."""
    return escape(why[:1].upper() + why[1:MOST_REFUSED], quote=False)


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size:
            return say(f"door.{unit}_ago", count=seconds // size)
    return say("door.seconds_ago", count=seconds)
