"""Pictures for the chat, drawn beside the loop: the course of profit, a grid that could be, a grid over the past.

Rule: a picture is an extra. One is drawn at a time, in a thread of its own, and where drawing fails the log says so and
whoever asked does without.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.core.curve import Point
from bot.core.grids import Shape, centre
from bot.core.lengths import Length
from bot.core.model import Candle, Side
from bot.core.money import ZERO
from bot.core.preview import Preview
from bot.reports.cards import CardView, next_price, stand_of
from bot.reports.profits import ProfitView
from bot.texts.catalogue import say
from handlers.words import creation
from handlers.words.figures import gain, money, pct

if TYPE_CHECKING:
    from bot.backtest import Run
    from bot.charts import Candles, LadderPicture, PreviewPicture, ProfitPicture

log = logging.getLogger(__name__)

LEAST_POINTS = 2
FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError, OSError, ImportError)
"""What drawing may raise; a want of memory is another matter."""

_pencil = ThreadPoolExecutor(1, "pencil")
"""Its queue takes no thread from those that keep the state."""


async def _drawn(draw: Callable[[], bytes], what: str) -> bytes | None:
    try:
        return await asyncio.get_running_loop().run_in_executor(_pencil, draw)
    except FAILURES:
        log.exception("a picture could not be drawn", extra={"context": {"picture": what}})
        return None


async def profit(view: ProfitView, title: str, zone: tzinfo) -> bytes | None:
    """The course of a period's profit as PNG; None where there is none yet, or it can't be drawn."""
    if len(view.course) < LEAST_POINTS:
        return None

    def draw() -> bytes:
        from bot.charts import profit_chart

        return profit_chart(picture(view, title, zone))

    return await _drawn(draw, title)


async def preview(made: Preview, past: Sequence[Candle], length: Length, zone: tzinfo) -> bytes | None:
    """A grid that could be, over recent candles, as PNG; None where there are none, or it can't be drawn."""
    if not past:
        return None

    def draw() -> bytes:
        from bot.charts import preview_chart

        return preview_chart(prospect(made, past, length, zone))

    return await _drawn(draw, f"preview {made.spec.symbol}")


async def ladder(card: CardView, past: Sequence[Candle], zone: tzinfo) -> bytes | None:
    """A grid as it stands, over a day at most, as PNG; None where it can't be drawn."""

    def draw() -> bytes:
        from bot.charts import ladder_chart

        return ladder_chart(rungs(card, past, zone))

    return await _drawn(draw, f"ladder {card.grid.id}")


async def backtest(done: "Run", zone: tzinfo) -> bytes | None:
    """A grid over the past as PNG; None where it can't be drawn."""

    def draw() -> bytes:
        from bot import backtest
        from bot.charts import backtest_chart

        return backtest_chart(backtest.picture(done, zone))

    return await _drawn(draw, "backtest")


def prospect(made: Preview, past: Sequence[Candle], length: Length, zone: tzinfo) -> "PreviewPicture":
    """What is drawn of a grid that could be."""
    from bot.charts import PreviewPicture

    spec = made.spec
    binds = say("titles.binds", capital=money(made.capital, up=True), coin=made.market.quote)
    return PreviewPicture(
        title=f"{spec.symbol} {spec.shape} × {spec.count:,}",
        subtitle=f"{creation.past(length, len(past))} · {binds}",
        candles=candles_of(past, zone),
        entries=[float(level.entry) for level in made.levels],
        exits=[float(level.exit) for level in made.levels],
        at_once=[level.buys_at is not None for level in made.levels],
        refused=[bool(level.refused) for level in made.levels],
        market=float(made.quote.bid),
        mean=float(centre(spec)) if spec.shape is Shape.NORMAL else None,
    )


def rungs(card: CardView, past: Sequence[Candle], zone: tzinfo) -> "LadderPicture":
    """What is drawn of a grid that runs: its levels from the lowest up, fills with the time on the wall."""
    from bot.charts import LadderPicture, Mark, Rung, RungKind

    view, spec = card.view, card.grid.spec
    shown = [candle for candle in past if candle.at > card.at - card.back]
    share = f" ({pct(card.total_pct, sign=True)})" if card.total_pct is not None else ""
    closed = say("count.closed_trade", count=view.totals.trades)
    return LadderPicture(
        title=f"{card.grid.id} {spec.symbol}",
        subtitle=f"{gain(card.total)} {view.currency}{share} · {closed}",
        candles=candles_of(shown, zone) if len(shown) >= LEAST_POINTS else None,
        rungs=[Rung(float(next_price(level)), RungKind[stand_of(level).name]) for level in view.levels],
        fills=[Mark(_on_the_wall(fill.at, zone), float(fill.price), fill.side is Side.BUY) for fill in card.fills],
        market=float(view.quote.bid) if view.quote is not None else None,
    )


def candles_of(shown: Sequence[Candle], zone: tzinfo) -> "Candles":
    """Candles as a picture takes them."""
    import numpy as np

    from bot.charts import Candles

    prices = [(candle.open, candle.high, candle.low, candle.close) for candle in shown]
    opens, highs, lows, closes = np.array(prices, dtype=np.float64).T
    times = np.array([_on_the_wall(candle.at, zone) for candle in shown], dtype=np.int64)
    return Candles(times, opens, highs, lows, closes)


def picture(view: ProfitView, title: str, zone: tzinfo) -> "ProfitPicture":
    """What is drawn: everything counted from the beginning of the period."""
    import numpy as np

    from bot.charts import ProfitPicture

    course = view.course
    holds = [point.hold for point in course]
    hold = [each for each in holds if each is not None]
    start = view.started
    of_capital = f" ({pct(view.total_pct, sign=True)})" if view.total_pct is not None else ""
    closed = say("count.closed_trade", count=view.totals.trades)
    return ProfitPicture(
        title=title,
        subtitle=f"{gain(view.total)} {view.currency}{of_capital} · {closed}",
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
