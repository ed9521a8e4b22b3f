"""A grid's card and the pages of its levels. Pure: views in, HTML out.

Rule: fits under a picture by construction: what matters most comes first, and what finds no room can be looked at by a
button. A level is always one line.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal

from bot.core.grids import GridSpec
from bot.reports.cards import CardView, Stand, stand_of
from bot.reports.views import GridView
from bot.texts.catalogue import say
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
    stamp,
    table,
)
from handlers.words.leaves import Leaf, cut
from handlers.words.reasons import grid_why
from handlers.words.standing import at_price, in_range, loop_word, mode_word, nexts

LEVELS_A_PAGE = 20
LAST_FILLS = 3
HEADING, PROFIT, PLACE, COUNTS, FILLS, RULES = range(6)
"""What finds a place under the picture first."""

MOST_PICKS = 20
"""Grids with a button each."""


def caption(card: CardView, zone: tzinfo) -> str:
    """Where a grid stands, what it has made, and what it did last."""
    view, spec = card.view, card.grid.spec
    mode = mode_word(view.mode) + (f" ({grid_why(card.grid.why)})" if card.grid.why else "")
    parts = [
        Part(HEADING, f"<b>{card.grid.id} {name(spec.symbol)}</b> {mode}"),
        Part(RULES, _rules(spec)),
        Part(HEADING, _price(card, zone)),
        *(Part(PLACE, line) for line in (in_range(view), *nexts(view)) if card.grid.ended_at is None),
        *(Part(COUNTS, line) for line in _counts(card)),
        *(Part(PROFIT, line) for line in _triad(card)),
        *(Part(FILLS, line) for line in _last(card, zone)),
        *(Part(RULES, line) for line in _ends(card, zone)),
    ]
    return text_of(fitted(parts)[0])


def _rules(spec: GridSpec) -> str:
    return say(
        "card.rules",
        shape=spec.shape,
        levels=say("count.level", count=spec.count),
        profit=pct(spec.profit_pct),
        loop=loop_word(spec),
    )


def _price(card: CardView, zone: tzinfo) -> str:
    quote, time = card.view.quote, clock(card.at, zone)
    if quote is None:
        return say("card.no_price", time=time)
    return say("card.price", price=number(quote.bid), time=time)


def _counts(card: CardView) -> Iterable[str]:
    """`Levels: 8 buy, 5 sell, 2 wait`."""
    stands = card.stands
    texts = [say(f"card.count.{each.name.lower()}", count=stands[each]) for each in Stand if stands.get(each)]
    if texts:
        yield say("card.levels", levels=", ".join(texts))
    if leaving := sum(level.leaves for level in card.view.levels):
        yield say("card.leaving", count=leaving)


def _triad(card: CardView) -> Iterable[str]:
    """Realised, open, total; and what is held."""
    view, coin = card.view, name(card.view.currency)
    today = say("card.today", profit=gain(view.today.realised)) if view.today.trades else ""
    trades = say("count.trade", count=view.totals.trades)
    yield say("card.realised", profit=gain(view.totals.realised), coin=coin, trades=trades, today=today)
    yield _open(view, coin)
    share = ""
    if card.total_pct is not None:
        share = say("card.share", share=pct(card.total_pct, sign=True), capital=money(card.grid.capital))
    yield say("card.total", total=gain(card.total), coin=coin, share=share)


def _open(view: GridView, coin: str) -> str:
    profit = gain(view.open_profit)
    if not view.holding.amount:
        return say("card.open_nothing", profit=profit, coin=coin)
    held, cost = f"{number(view.holding.amount)} {name(view.base)}", money(view.holding.cost)
    text = "card.open" if view.quote is not None else "card.open_unpriced"
    return say(text, profit=profit, coin=coin, held=held, cost=cost)


def _last(card: CardView, zone: tzinfo) -> Iterable[str]:
    """The last fills, newest first."""
    places = places_of(fill.price for fill in card.fills[:LAST_FILLS])
    for fill in card.fills[:LAST_FILLS]:
        yield say(
            f"card.fill_{fill.side.value}",
            time=clock(fill.at, zone),
            amount=number(fill.amount),
            price=fixed(fill.price, places),
            by=f" ({foreign(fill.executor)})" if fill.executor else "",
        )


def _ends(card: CardView, zone: tzinfo) -> Iterable[str]:
    spec = card.grid.spec
    if card.grid.ended_at is not None:
        yield say("card.ended", time=stamp(card.grid.ended_at, zone), grid=card.grid.id)
        return
    if spec.stop is not None:
        yield say("card.stop_sell" if spec.stop_sell else "card.stop", price=_away(card.view, spec.stop))
    if spec.take is not None:
        yield say("card.take", price=_away(card.view, spec.take))


def _away(view: GridView, price: Decimal) -> str:
    """The price, and how far it is."""
    return number(price) + (f" ({distance(price, view.quote.bid)})" if view.quote is not None else "")


def levels(view: GridView, place: int) -> Leaf:
    """Each level's state, from the highest down as a ladder stands; the first page is where the price is."""
    if not view.levels:
        return Leaf(say("card.no_levels", grid=view.grid.id))
    ladder = view.levels[::-1]
    shown, place, count = cut(ladder, LEVELS_A_PAGE, place)
    places = places_of(price for level in ladder for price in (level.entry, level.exit))
    rows = [
        (
            level.id.partition(".")[2] + ("*" if level.leaves else ""),
            fixed(level.entry, places),
            fixed(level.exit, places),
            say(f"card.does.{stand_of(level).name.lower()}"),
        )
        for level in shown
    ]
    count_of_all = say("count.level", count=len(ladder))
    parts = [f"<b>{view.grid.id} {name(view.grid.symbol)}</b> {count_of_all}{at_price(view)}"]
    parts.append(table(("#", say("card.column_entry"), say("card.column_exit"), say("card.column_does")), rows))
    if any(level.leaves for level in shown):
        parts.append(say("card.from_before"))
    parts.append(say("card.look_closer", level=shown[0].id))
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
    more = [say("standing.more_grids", count=len(views) - MOST_PICKS)] if len(views) > MOST_PICKS else []
    return "\n".join([say("card.which"), *lines, *more])


def _line(view: GridView) -> str:
    total = view.totals.realised + view.open_profit
    return f"<b>{view.grid.id}</b> {name(view.grid.symbol)} {mode_word(view.mode)}, {gain(total)} {name(view.currency)}"


def names(views: Sequence[GridView]) -> list[tuple[str, str]]:
    """A button's text for each grid, and its id."""
    return [(f"{view.grid.id} {view.grid.symbol}", view.grid.id) for view in views[:MOST_PICKS]]
