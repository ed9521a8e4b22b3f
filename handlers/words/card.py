"""A grid's card and the pages of its levels. Pure: views in, HTML out.

Rule: fits under a picture by construction: what matters most comes first, and what finds no room can be looked at by a
button. A level is always one line.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal

from bot.core.flows import BookedFill
from bot.core.model import Side
from bot.reports.cards import CardView, Stand, stand_of
from bot.reports.views import GridView
from handlers.words.captions import Part, fitted, text_of
from handlers.words.figures import (
    clock,
    distance,
    fixed,
    foreign,
    gain,
    money,
    name,
    number,
    pct,
    places_of,
    plural,
    stamp,
    table,
)
from handlers.words.leaves import Leaf, cut
from handlers.words.reasons import grid_why
from handlers.words.standing import MODES, in_range, nexts

LEVELS_A_PAGE = 20
LAST_FILLS = 3
HEADING, PROFIT, PLACE, COUNTS, FILLS, RULES = range(6)
"""What finds a place under the picture first."""

MOST_PICKS = 20
"""Grids with a button each."""


def caption(card: CardView, zone: tzinfo) -> str:
    """Where a grid stands, what it has made, and what it did last."""
    view, spec = card.view, card.grid.spec
    mode = MODES[view.mode] + (f" ({grid_why(card.grid.why)})" if card.grid.why else "")
    price = f"Price {number(view.quote.bid)}" if view.quote is not None else "No price"
    loop = "loop" if spec.loop else "once"
    parts = [
        Part(HEADING, f"<b>{card.grid.id} {name(spec.symbol)}</b> {mode}"),
        Part(RULES, f"{spec.shape}, {plural(spec.count, 'level')}, {pct(spec.profit_pct)} a trade, {loop}"),
        Part(HEADING, f"{price} at {clock(card.at, zone)}"),
        *(Part(PLACE, line) for line in (in_range(view), *nexts(view)) if card.grid.ended_at is None),
        *(Part(COUNTS, line) for line in _counts(card)),
        *(Part(PROFIT, line) for line in _triad(card)),
        *(Part(FILLS, line) for line in _last(card, zone)),
        *(Part(RULES, line) for line in _ends(card, zone)),
    ]
    return text_of(fitted(parts)[0])


def _counts(card: CardView) -> Iterable[str]:
    """`Levels: 8 buy, 5 sell, 2 wait`."""
    stands = card.stands
    verbs = {Stand.BUY: "buy", Stand.SELL: "sell", Stand.HOLDING: "hold", Stand.WAITING: "wait"}
    texts = [f"{stands[each]:,} {verbs.get(each, each)}" for each in Stand if stands.get(each)]
    if texts:
        yield f"Levels: {', '.join(texts)}"
    if leaving := sum(level.leaves for level in card.view.levels):
        yield f"{plural(leaving, 'level')} of before the last edit still to sell"


def _triad(card: CardView) -> Iterable[str]:
    """Realised, open, total; and what is held."""
    view, coin = card.view, name(card.view.currency)
    today = f", today {gain(view.today.realised)}" if view.today.trades else ""
    yield f"Realised {gain(view.totals.realised)} {coin} in {plural(view.totals.trades, 'trade')}{today}"
    held = f", holding {number(view.holding.amount)} {name(view.base)} for {money(view.holding.cost)}"
    unpriced = " (no price now)" if view.quote is None and view.holding.amount else ""
    yield f"Open {gain(view.open_profit)} {coin}{held if view.holding.amount else ', nothing held'}{unpriced}"
    share = f" ({pct(card.total_pct, sign=True)} of {money(card.grid.capital)})" if card.total_pct is not None else ""
    yield f"Total <b>{gain(card.total)} {coin}</b>{share}"


def _last(card: CardView, zone: tzinfo) -> Iterable[str]:
    """The last fills, newest first."""
    places = places_of(fill.price for fill in card.fills[:LAST_FILLS])
    for fill in card.fills[:LAST_FILLS]:
        yield f"{clock(fill.at, zone)} {_did(fill)} {number(fill.amount)} at {fixed(fill.price, places)}{_by(fill)}"


def _did(fill: BookedFill) -> str:
    return "🟢 bought" if fill.side is Side.BUY else "🔴 sold"


def _by(fill: BookedFill) -> str:
    return f" ({foreign(fill.executor)})" if fill.executor else ""


def _ends(card: CardView, zone: tzinfo) -> Iterable[str]:
    spec = card.grid.spec
    if card.grid.ended_at is not None:
        yield f"Ended {stamp(card.grid.ended_at, zone)}; its trades stay in /pnl all {card.grid.id}"
        return
    if spec.stop is not None:
        yield f"Stop at {number(spec.stop)}{_away(card.view, spec.stop)}{', selling at once' if spec.stop_sell else ''}"
    if spec.take is not None:
        yield f"Take at {number(spec.take)}{_away(card.view, spec.take)}"


def _away(view: GridView, price: Decimal) -> str:
    return f" ({distance(price, view.quote.bid)})" if view.quote is not None else ""


def levels(view: GridView, place: int) -> Leaf:
    """Each level's state, from the highest down as a ladder stands; the first page is where the price is."""
    if not view.levels:
        return Leaf(f"{view.grid.id} has no level any more. /pnl all {view.grid.id} shows what it made.")
    ladder = view.levels[::-1]
    shown, place, count = cut(ladder, LEVELS_A_PAGE, place)
    places = places_of(price for level in ladder for price in (level.entry, level.exit))
    rows = [
        (
            level.id.partition(".")[2] + ("*" if level.leaves else ""),
            fixed(level.entry, places),
            fixed(level.exit, places),
            stand_of(level).value,
        )
        for level in shown
    ]
    price = f", price {number(view.quote.bid)}" if view.quote is not None else ""
    parts = [f"<b>{view.grid.id} {name(view.grid.symbol)}</b> {plural(len(ladder), 'level')}{price}"]
    parts.append(table(("#", "entry", "exit", "does"), rows))
    if any(level.leaves for level in shown):
        parts.append("* from before an edit: it sells, then it ends")
    parts.append(f"/why {shown[0].id} says what one waits for")
    return Leaf("\n".join(parts), place, count)


def page_of_price(view: GridView) -> int:
    """The page on which the price lies."""
    if view.quote is None:
        return 0
    above = sum(level.entry > view.quote.bid for level in view.levels)
    return above // LEVELS_A_PAGE


def pick(views: Sequence[GridView]) -> str:
    """Above a button for each grid: how each stands, in a line."""
    lines = [_line(view) for view in views[:MOST_PICKS]]
    more = [f"… and {plural(len(views) - MOST_PICKS, 'more grid')}: /grids"] if len(views) > MOST_PICKS else []
    return "\n".join(["<b>Which grid?</b>", *lines, *more])


def _line(view: GridView) -> str:
    total = view.totals.realised + view.open_profit
    return f"<b>{view.grid.id}</b> {name(view.grid.symbol)} {MODES[view.mode]}, {gain(total)} {name(view.currency)}"


def names(views: Sequence[GridView]) -> list[tuple[str, str]]:
    """A button's text for each grid, and its id."""
    return [(f"{view.grid.id} {view.grid.symbol}", view.grid.id) for view in views[:MOST_PICKS]]
