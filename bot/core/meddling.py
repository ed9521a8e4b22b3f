"""Whose hand took an order off the book: ours, the venue's, or a person's on the exchange's own page.

Rule: a person is not fought, so nothing is called a person's that may be ours or the venue's: what we have asked for
ourselves (an exchange forgets who asked, and so does a gateway that was started anew), and what is gone within seconds
of being placed, as a late post-only refusal is.
"""

from datetime import datetime, timedelta

from bot.core.events import CloseReason, OrderClosed
from bot.core.level import OrderRecord
from bot.core.money import ZERO

TOO_SOON = timedelta(seconds=5)
"""No person cancels an order that has rested for less."""


def hand(event: OrderClosed, order: OrderRecord, placed_at: datetime | None) -> CloseReason:
    """Why an order was closed, all things considered."""
    if event.reason is not CloseReason.PERSON:
        return event.reason
    if order.asked:
        return CloseReason.ASKED
    is_young = placed_at is not None and event.at - placed_at < TOO_SOON
    return CloseReason.VENUE if is_young else CloseReason.PERSON


def is_cut_short(event: OrderClosed, order: OrderRecord, placed_at: datetime | None) -> bool:
    """Whether a person took off what was left of an order that had traded in part; of news heard again: no."""
    is_part = ZERO < max(event.filled, order.filled) < order.amount
    return is_part and order.closed is None and hand(event, order, placed_at) is CloseReason.PERSON
