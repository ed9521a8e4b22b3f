"""The buttons of the chat. Pure: a question's nonce in, a keyboard out.

Rule: a button carries `choice:nonce` and nothing else, at most 64 bytes; what a choice does is said where it is made
(`CHOICES` in `create.py` and `control.py`).
"""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

MOST_BYTES = 64
"""Telegram's limit of callback data."""

Row = tuple[tuple[str, str], ...]
"""Buttons side by side: (text, choice)."""


def keyboard(nonce: str, *rows: Row) -> InlineKeyboardMarkup:
    """A keyboard whose buttons all belong to one question. ValueError when data would not fit."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data_of(choice, nonce)) for text, choice in row] for row in rows]
    )


def data_of(choice: str, nonce: str) -> str:
    """The callback data of one button."""
    data = f"{choice}:{nonce}"
    if len(data.encode()) > MOST_BYTES:
        raise ValueError(f"callback data {data[:20]!r}… is longer than {MOST_BYTES} bytes")
    return data


def preview(nonce: str) -> InlineKeyboardMarkup:
    """Under the preview of a grid that can be made."""
    return keyboard(nonce, (("✅ Create", "create"), ("Cancel", "cancel")))


def stop(nonce: str) -> InlineKeyboardMarkup:
    """The three ways to end grids. No text is part of another, so that nobody presses the wrong one."""
    return keyboard(nonce, (("Finish", "finish"), ("Keep coins", "keep")), (("Sell now", "sell"), ("Back", "cancel")))


def sell(nonce: str) -> InlineKeyboardMarkup:
    """The second press before a sale."""
    return keyboard(nonce, (("Yes, sell now", "sell_now"), ("Back", "cancel")))


def panic(nonce: str) -> InlineKeyboardMarkup:
    """The one confirmation of a panic."""
    return keyboard(nonce, (("⛔ Yes, panic now", "panic"), ("Back", "cancel")))


def follow(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a position is smaller than the books."""
    return keyboard(nonce, (("Books follow", "follow"), ("Stay halted", "cancel")))


def beside(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a position is not this bot's."""
    return keyboard(nonce, (("Trade beside it", "beside"), ("Buy nothing", "cancel")))


def live(nonce: str) -> InlineKeyboardMarkup:
    """Under the question of the first live start."""
    return keyboard(nonce, (("🔑 Trade live", "live"), ("Not now", "cancel")))


def taken_off(nonce: str) -> InlineKeyboardMarkup:
    """Under the question about orders that a person took off the book."""
    return keyboard(nonce, (("Resume", "again"), ("Leave out", "leave_out")))


def unknown_orders(nonce: str, *, rebuild: bool) -> InlineKeyboardMarkup:
    """Under the question about orders that the store does not know."""
    first: tuple[Row, ...] = ((("♻️ Rebuild", "rebuild"),),) if rebuild else ()
    return keyboard(nonce, *first, (("Cancel those orders", "cancel_those"), ("Leave them", "leave_those")))


def restore(nonce: str) -> InlineKeyboardMarkup:
    """Under the difference that a backup would make."""
    return keyboard(nonce, (("♻️ Restore", "restore"), ("Cancel", "cancel")))


def lost_state(nonce: str, *, found: bool) -> InlineKeyboardMarkup:
    """Under the question what an empty store goes on from."""
    first: tuple[Row, ...] = ((("♻️ Restore", "restore"),),) if found else ()
    return keyboard(nonce, *first, (("Go on without it", "without"),))


def stop_alarm(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a stop price was reached."""
    return keyboard(nonce, (("Sell now", "sell"), ("Resume", "resume")))
