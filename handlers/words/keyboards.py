"""The buttons of the chat. Pure: a question's nonce in, a keyboard out.

Rule: a button carries `choice:nonce` and nothing else, at most 64 bytes; what a choice does is said where it is made
(`CHOICES` in `create.py` and `control.py`).
"""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup

from bot.core.lengths import Length
from bot.texts.catalogue import say

MOST_BYTES = 64
"""Telegram's limit of callback data."""

LENGTHS = (Length.HOUR, Length.FOUR_HOURS, Length.DAY, Length.WEEK)
"""Of the candles of a picture."""

MOST_OFFERS = 12
"""Choices on one page of a new grid."""

Row = tuple[tuple[str, str], ...]
"""Buttons side by side: (text, choice)."""


def keyboard(nonce: str, *rows: Row) -> InlineKeyboardMarkup:
    """A keyboard whose buttons all belong to one question. ValueError when data would not fit."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data_of(choice, nonce)) for text, choice in row] for row in rows]
    )


def _button(text: str, choice: str = "") -> tuple[str, str]:
    """A text of the catalogue on what makes a choice, of the same name unless said."""
    return say(f"buttons.{text}"), choice or text


def data_of(choice: str, nonce: str) -> str:
    """The callback data of one button."""
    data = f"{choice}:{nonce}"
    if len(data.encode()) > MOST_BYTES:
        raise ValueError(f"callback data {data[:20]!r}… is longer than {MOST_BYTES} bytes")
    return data


def leaves(nonce: str, place: int, count: int) -> InlineKeyboardMarkup:
    """Under what may be looked at again, a page of `count`. The arrows keep their places, so that a thumb does."""
    if count == 1:
        return keyboard(nonce, (_button("refresh", "leaf"),))
    arrows = (("«", "leaf_first"), ("‹", "leaf_back"), ("›", "leaf_next"), ("»", "leaf_last"))
    return keyboard(nonce, arrows, ((say("buttons.page", page=place + 1, pages=count), "leaf"),))


def safe_commands() -> ReplyKeyboardMarkup:
    """The keyboard that stays below the chat: only what changes nothing."""
    return ReplyKeyboardMarkup([["/status", "/grids"], ["/pnl", "/orders"]], resize_keyboard=True, is_persistent=True)


def guide(nonce: str, offers: Sequence[str], columns: int, *, has_back: bool) -> InlineKeyboardMarkup:
    """Under a page of a new grid: what is offered, then the ways out."""
    picks = [(text, f"guide_{place}") for place, text in enumerate(offers[:MOST_OFFERS])]
    rows: list[Row] = [tuple(picks[first : first + columns]) for first in range(0, len(picks), columns)]
    back: Row = (_button("guide_back"),) if has_back else ()
    rest: Row = (_button("guide_rest"),) if picks else ()
    return keyboard(nonce, *rows, (*back, *rest, _button("cancel", "guide_leave")))


def new_grid() -> InlineKeyboardMarkup:
    """Under the greeting."""
    return keyboard("start", (_button("new"),))


def preview(nonce: str, shown: Length | None = None) -> InlineKeyboardMarkup:
    """Under the preview of a grid that can be made; `shown` is the length of the candles in its picture."""
    lengths = tuple((f"· {each} ·" if each is shown else f"{each}", f"candles_{each}") for each in LENGTHS)
    return keyboard(nonce, (_button("create"), _button("cancel")), lengths, (_button("backtest"),))


def card(nonce: str, *, owner: bool, runs: bool, is_over: bool) -> InlineKeyboardMarkup:
    """Under a grid's card; who may only look has the buttons that look."""
    looks = (_button("card_levels"), _button("card_pnl"), _button("refresh", "card"))
    if is_over:
        return keyboard(nonce, (looks[1],))
    turn = _button("card_pause") if runs else _button("card_resume")
    return keyboard(nonce, *(((turn, _button("card_stop"), _button("card_edit")),) if owner else ()), looks)


def pick(buttons: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup:
    """One of several things to look at: texts and their nonces, two in a row."""
    rows = [buttons[at : at + 2] for at in range(0, len(buttons), 2)]
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data_of("card_show", nonce)) for text, nonce in row] for row in rows]
    )


def edit_menu(nonce: str) -> InlineKeyboardMarkup:
    """Edits that are often wanted; each shows first what it would do."""
    return keyboard(
        nonce,
        (_button("less_profit"), _button("more_profit")),
        (_button("sparser"), _button("denser")),
        (_button("narrower"), _button("wider")),
        (_button("recentre"),),
    )


def edit(nonce: str) -> InlineKeyboardMarkup:
    """Under the difference an edit makes."""
    return keyboard(nonce, (_button("apply"), _button("cancel")))


def stop(nonce: str) -> InlineKeyboardMarkup:
    """The three ways to end grids. No text is part of another, so that nobody presses the wrong one."""
    return keyboard(nonce, (_button("finish"), _button("keep")), (_button("sell"), _button("back", "cancel")))


def sell(nonce: str) -> InlineKeyboardMarkup:
    """The second press before a sale."""
    return keyboard(nonce, (_button("sell_now"), _button("back", "cancel")))


def panic(nonce: str) -> InlineKeyboardMarkup:
    """The one confirmation of a panic."""
    return keyboard(nonce, (_button("panic"), _button("back", "cancel")))


def follow(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a position is smaller than the books."""
    return keyboard(nonce, (_button("follow"), _button("stay_halted", "cancel")))


def beside(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a position is not this bot's."""
    return keyboard(nonce, (_button("beside"), _button("buy_nothing", "cancel")))


def live(nonce: str) -> InlineKeyboardMarkup:
    """Under the question of the first live start."""
    return keyboard(nonce, (_button("live"), _button("not_now", "cancel")))


def taken_off(nonce: str) -> InlineKeyboardMarkup:
    """Under the question about orders that a person took off the book."""
    return keyboard(nonce, (_button("resume", "again"), _button("leave_out")))


def unknown_orders(nonce: str, *, rebuild: bool) -> InlineKeyboardMarkup:
    """Under the question about orders that the store does not know."""
    first: tuple[Row, ...] = ((_button("rebuild"),),) if rebuild else ()
    return keyboard(nonce, *first, (_button("cancel_those"), _button("leave_those")))


def restore(nonce: str) -> InlineKeyboardMarkup:
    """Under the difference that a backup would make."""
    return keyboard(nonce, (_button("restore"), _button("cancel")))


def lost_state(nonce: str, *, found: bool) -> InlineKeyboardMarkup:
    """Under the question what an empty store goes on from."""
    first: tuple[Row, ...] = ((_button("restore"),),) if found else ()
    return keyboard(nonce, *first, (_button("without"),))


def alerts(nonce: str, buttons: Sequence[tuple[str, str]]) -> InlineKeyboardMarkup:
    """Under the page of /alerts: a button for each kind, two in a row."""
    return keyboard(nonce, *(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2)))


def level_blocked(nonce: str) -> InlineKeyboardMarkup:
    """Under the alert that a level is refused."""
    return keyboard(nonce, (_button("why"), _button("pause_level")))


def level_frozen(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a level is frozen."""
    return keyboard(nonce, (_button("why"), _button("resume", "resume_level")))


def out_of_range(nonce: str) -> InlineKeyboardMarkup:
    """Under the alert that a grid's price has left its range, or that nothing fills."""
    return keyboard(nonce, (_button("ask_recentre", "recentre"), _button("leave")))


def coins_missing(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that the account lacks coins of the books."""
    return keyboard(nonce, (_button("compare"),))


def daily_loss(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that the daily loss was reached."""
    return keyboard(nonce, (_button("resume", "go_on"),))


def stop_alarm(nonce: str) -> InlineKeyboardMarkup:
    """Under the alarm that a stop price was reached."""
    return keyboard(nonce, (_button("sell"), _button("resume")))
