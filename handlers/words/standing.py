"""Where a grid stands: its mode, the price in its range, the orders next to the market. Pure: a view in, HTML out.

Rule: said the same on every page, and in the width of a phone.
"""

from collections.abc import Iterable

from bot.core.grids import GridSpec
from bot.core.lifecycle import Mode
from bot.core.model import Side
from bot.reports.views import GridView
from bot.texts.catalogue import say
from handlers.words.figures import WIDTH, about, bar, distance, number

WIDEST_BAR = 14


def mode_word(mode: Mode) -> str:
    """`⏸ paused`, for example."""
    return say(f"standing.mode.{mode.name.lower()}")


def loop_word(spec: GridSpec) -> str:
    """Whether its levels buy again once they have sold."""
    return say("standing.loop") if spec.loop else say("standing.once")


def at_price(view: GridView) -> str:
    """Behind the count of what it has: `, price 62,500`; empty where there is none."""
    return say("standing.price", price=number(view.quote.bid)) if view.quote is not None else ""


def in_range(view: GridView) -> str:
    """The range with the price in it: `61,875 ▕····●····▏ 63,125`; long prices stand above the bar."""
    spec = view.grid.spec
    low, high = about(spec.minimum), about(spec.maximum)
    if view.quote is None:
        return f"{low} … {high}"
    line = f"<code>{bar(spec.minimum, spec.maximum, view.quote.bid, WIDEST_BAR)}</code>"
    if len(low) + len(high) + WIDEST_BAR + 3 > WIDTH:
        return f"{low} … {high}\n{line}{_outside(view)}"
    return f"{low} {line} {high}{_outside(view)}"


def _outside(view: GridView) -> str:
    spec, quote = view.grid.spec, view.quote
    if quote is not None and quote.bid > spec.maximum:
        return f" {say('standing.above')}"
    return f" {say('standing.below')}" if quote is not None and quote.bid < spec.minimum else ""


def nexts(view: GridView) -> Iterable[str]:
    """The resting orders next to the market, and how far they are."""
    texts = []
    for side in (Side.BUY, Side.SELL):
        level = view.nearest(side)
        if level is not None and level.order_price is not None:
            away = f" ({distance(level.order_price, view.quote.bid)})" if view.quote is not None else ""
            texts.append(say(f"standing.next_{side.value}", price=f"{number(level.order_price)}{away}"))
    if texts:
        yield say("standing.next", orders=", ".join(texts))
