"""What the chat itself says: at the door, to late commands, to presses that can't be obeyed, when something fails.
Pure: data in, HTML out; what answers a press is plain text.

Rule: short, and never without what to do next.
"""

from datetime import timedelta
from html import escape

from handlers.words.figures import agree, foreign

SHOWN = 500
GROUP = "I work in private chats only, so I am leaving. Write to me directly."
UNKEPT = "I can't keep who owns me right now. Try the link again in a moment."

# -- to a press, as plain text -----------------------------------------------------------------------------------------

USED = "This button was used already, or is from before a restart. Send the command again."
NOT_YOURS = "This button belongs to somebody else. Send the command yourself."
NO_PERSON = "I answer persons only. Write to me in private"
OTHER_QUESTION = "This button doesn't belong to that question. Send the command again"
UNKNOWN_BUTTON = "I don't know this button. Send the command again."
FOR_OWNERS = "Only an owner may press this button."
AFTER_RESTART = (
    "I was restarted while I was at the button you pressed. /grids and /status show how things stand; "
    "send the command again if something is missing."
)


def too_old(lasts: timedelta) -> str:
    """To a press after the time a question lasts."""
    age = "a day" if lasts >= timedelta(days=1) else f"{lasts.seconds // 60} minutes"
    return f"This button is older than {age}, and prices have moved. Send the command again."


# -- as messages -------------------------------------------------------------------------------------------------------


def owned(person_id: int) -> str:
    """To whoever claimed the bot."""
    return (
        "You are my owner now. So that this holds whatever happens to my files, set\n"
        f"<code>TELEGRAM_OWNER_IDS={person_id}</code>\n/help shows what I can do."
    )


def late(words: str, age: timedelta) -> str:
    """To a command from a while ago, above the button that does it now."""
    return f"You sent this {_ago(age)} ago; it has not been done:\n<code>{foreign(words, SHOWN)}</code>"


def doing_now(words: str) -> str:
    """After that button."""
    return f"Doing it now:\n<code>{foreign(words, SHOWN)}</code>"


def refused(why: str) -> str:
    """What an error made for people says."""
    return escape(why[:1].upper() + why[1:MOST_REFUSED], quote=False)


MOST_REFUSED = 3000


def failed(reference: str) -> str:
    """After an error that is not made for people."""
    return (
        f"Something went wrong on my side; it was noted (ref {foreign(reference)}). "
        "Nothing was changed that you weren't told of."
    )


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {agree(count, unit, f'{unit}s')}"
    return f"{seconds} {agree(seconds, 'second', 'seconds')}"
