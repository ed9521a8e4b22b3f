"""Pictures of results for the chat: the course of profit, drawn beside the loop.

Rule: a picture is an extra. It comes after the text, one is drawn at a time, and where drawing fails the log says so
and nothing else does.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.core.curve import Point
from bot.core.money import ZERO
from bot.reports.profits import ProfitView
from handlers.words.figures import gain, pct, plural

if TYPE_CHECKING:
    from bot.charts import ProfitPicture

log = logging.getLogger(__name__)

LEAST_POINTS = 2
FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError, OSError, ImportError)
"""What drawing may raise; a want of memory is another matter."""

_pencil = threading.Lock()


async def profit(view: ProfitView, title: str, zone: tzinfo) -> bytes | None:
    """The course of a period's profit as PNG; None where there is none yet, or it can't be drawn."""
    if len(view.course) < LEAST_POINTS:
        return None
    try:
        return await asyncio.to_thread(_drawn, view, title, zone)
    except FAILURES:
        log.exception("a picture could not be drawn", extra={"context": {"picture": title}})
        return None


def _drawn(view: ProfitView, title: str, zone: tzinfo) -> bytes:
    from bot.charts import profit_chart

    with _pencil:
        return profit_chart(picture(view, title, zone))


def picture(view: ProfitView, title: str, zone: tzinfo) -> "ProfitPicture":
    """What is drawn: everything counted from the beginning of the period."""
    import numpy as np

    from bot.charts import ProfitPicture

    course = view.course
    holds = [point.hold for point in course]
    hold = [each for each in holds if each is not None]
    start = view.started
    of_capital = f" ({pct(view.total_pct, sign=True)})" if view.total_pct is not None else ""
    return ProfitPicture(
        title=title,
        subtitle=f"{gain(view.total)} {view.currency}{of_capital} · {plural(view.totals.trades, 'closed trade')}",
        currency=view.currency,
        times=np.array([_on_the_wall(point.at, zone) for point in course], dtype=np.int64),
        realised=np.array(_from(start.realised if start else ZERO, [point.realised for point in course])),
        total=np.array(_from(start.total if start else ZERO, [point.total for point in course])),
        hold=np.array(_from(_hold(start), hold) if len(hold) == len(course) else []),
    )


def _hold(start: Point | None) -> Decimal:
    return start.hold if start is not None and start.hold is not None else ZERO


def _from(start: Decimal, values: Sequence[Decimal]) -> list[float]:
    return [float(value - start) for value in values]


def _on_the_wall(at: datetime, zone: tzinfo) -> int:
    """Milliseconds since 1970 as a clock in this zone would count them."""
    return int(at.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000)
