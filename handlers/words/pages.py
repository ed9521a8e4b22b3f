"""What is said when somebody looks closer: grids, orders, why, the account. Pure: views in, HTML out.

Rule: figures are those of the views; only what a person needs to decide comes first, and each page says where to look
further. Long lists come in pages.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import groupby

from bot.core.lifecycle import Mode, State
from bot.core.model import Balance, Quote, Side
from bot.core.money import ZERO
from bot.reports.views import GridView, LevelView
from bot.texts.catalogue import say
from handlers.words.figures import (
    about,
    clock,
    distance,
    fixed,
    foreign,
    funds,
    gain,
    money,
    name,
    number,
    numbers_of,
    places_of,
    table,
)
from handlers.words.leaves import Leaf, cut
from handlers.words.reasons import Meaning, grid_why, meaning, next_try, resume
from handlers.words.standing import at_price, mode_word

GRIDS_A_PAGE = 8
ORDERS_A_PAGE = 25
MOST_COINS = 40
MOST_REASONS = 12


def grids(views: Sequence[GridView], place: int = 0) -> Leaf:
    """Every grid that runs, a paragraph each."""
    if not views:
        return Leaf(say("glance.no_grids"))
    shown, place, count = cut(views, GRIDS_A_PAGE, place)
    parts = [f"<b>{say('count.grid', count=len(views))}</b>"]
    for view in shown:
        parts += [
            f"<b>{view.grid.id}</b> {name(view.grid.symbol)} {view.grid.spec.shape}, {mode_word(view.mode)}",
            _grid(view),
        ]
    parts.append(say("pages.grids_further", grid=shown[0].grid.id))
    return Leaf("\n".join(parts), place, count)


def _grid(view: GridView) -> str:
    spec, total = view.grid.spec, view.totals.realised + view.open_profit
    return say(
        "pages.grid",
        range=f"{about(spec.minimum)} … {about(spec.maximum)}",
        levels=say("count.level", count=len(view.levels)),
        resting=f"{view.resting:,}",
        holding=f"{view.holding_levels:,}",
        total=f"{gain(total)} {name(view.currency)}",
    )


def _cells(levels: Sequence[LevelView]) -> list[tuple[str, ...]]:
    prices, amounts = places_of(map(_price, levels)), places_of(map(_amount, levels))
    return [
        (
            _number(level),
            say(f"pages.does.{_deed(level)}"),
            fixed(_price(level), prices),
            fixed(_amount(level), amounts),
        )
        for level in levels
    ]


def _number(level: LevelView) -> str:
    return level.id.partition(".")[2]


def _deed(level: LevelView) -> str:
    """Which text of `[pages.does]` it is."""
    if level.why.startswith("frozen"):
        return "frozen"
    if level.order_side is not None:
        return level.order_side.value
    if level.held > ZERO:
        return "holds"
    return "done" if level.state is State.COMPLETED else "waits"


def _price(level: LevelView) -> Decimal:
    if level.order_price is not None:
        return level.order_price
    return level.exit if level.held > ZERO and level.state is not State.PENDING_ENTRY else level.entry


def _amount(level: LevelView) -> Decimal:
    if level.order_side is not None:
        return level.order_left
    return level.held if level.held > ZERO else level.amount


# -- orders ------------------------------------------------------------------------------------------------------------


def orders(views: Sequence[GridView], place: int = 0) -> Leaf:
    """What rests on the book, by grid, nearest to the price first."""
    rows = [(view, level) for view in views for level in _nearest_first(view)]
    if not rows:
        return Leaf(say("pages.no_orders"))
    shown, place, count = cut(rows, ORDERS_A_PAGE, place)
    parts = [say("pages.orders", count=len(rows))]
    for _, group in groupby(shown, lambda row: row[0].grid.id):
        of_grid = list(group)
        view = of_grid[0][0]
        resting = say("count.order", count=view.resting)
        parts.append(f"<b>{view.grid.id}</b> {name(view.grid.symbol)}, {resting}{at_price(view)}")
        parts.append(_orders([level for _, level in of_grid], view.quote))
    return Leaf("\n".join(parts), place, count)


def _nearest_first(view: GridView) -> list[LevelView]:
    price = view.quote.bid if view.quote is not None else ZERO
    rows = [level for level in view.levels if level.order_price is not None]
    return sorted(rows, key=lambda level: abs(_price(level) - price))


def _orders(levels: Sequence[LevelView], quote: Quote | None) -> str:
    head = ("#", say("pages.column_does"), say("pages.column_at"), say("pages.column_amount"))
    if quote is None:
        return table(head, _cells(levels))
    away = [distance(_price(level), quote.bid).replace(" ", "") for level in levels]
    rows = [(*cells, far) for cells, far in zip(_cells(levels), away, strict=True)]
    return table((*head, say("pages.column_away")), rows)


# -- why ---------------------------------------------------------------------------------------------------------------


def why_level(level: LevelView, zone: tzinfo, quote: Quote | None = None) -> str:
    """What one level does or waits for."""
    found = meaning(level)
    stands = say(f"pages.stands.{level.state.lower()}")
    parts = [_plan(level), f"{stands}: {found.means}."]
    if level.order_side is not None and level.order_price is not None:
        parts.append(_on_book(level.order_side, level.order_left, level.order_price, quote))
    if level.held:
        parts.append(say("pages.holds", amount=number(level.held)))
    if level.refusal:
        parts.append(say("pages.exchange_said", words=foreign(level.refusal)))
    then = [each for each in (resume(level) or found.then, next_try(level, zone, quote)) if each]
    parts += [f"{each}." for each in then]
    return "\n".join(parts)


def _plan(level: LevelView) -> str:
    return say(
        "pages.plan",
        level=level.id,
        amount=number(level.amount),
        entry=number(level.entry),
        exit=number(level.exit),
        cycle=f"{level.cycle:,}",
    )


def _on_book(side: Side, left: Decimal, price: Decimal, quote: Quote | None) -> str:
    away = say("pages.away", distance=distance(price, quote.bid)) if quote is not None else ""
    return say(f"pages.on_book_{side.value}", amount=number(left), price=number(price), away=away)


def why_grid(view: GridView, zone: tzinfo) -> str:
    """What a grid's levels do or wait for, those with the same reason together."""
    grid_id = view.grid.id
    head = f"<b>{grid_id}</b> {name(view.grid.symbol)}: {mode_word(view.mode)}"
    head += f" ({grid_why(view.grid.why)})" if view.grid.why else ""
    if view.mode in (Mode.PAUSED, Mode.HALTED) and view.grid.sale is None and view.grid.ended_at is None:
        head += f". {say('pages.resume', grid=grid_id)}"
    if not view.levels:
        return f"{head}\n{say('pages.no_levels', grid=grid_id)}"
    groups: dict[tuple[State, Meaning], list[LevelView]] = {}
    for level in view.levels:
        found = meaning(level)
        then = "" if resume(level) else found.then.replace(level.id, f"{grid_id}.N")
        groups.setdefault((level.state, Meaning(found.means, then)), []).append(level)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    parts = [head]
    for (state, found), levels in largest[:MOST_REASONS]:
        numbers = numbers_of(int(_number(level)) for level in levels)
        which, stands = say("pages.levels", count=len(levels), numbers=numbers), say(f"pages.they.{state.lower()}")
        parts.append(f"<b>{which}</b>: {stands}: {found.means}.{_then(found, levels, zone)}")
    left = sum(len(levels) for _, levels in largest[MOST_REASONS:])
    parts += [say("pages.more_levels", count=left)] if left else []
    refused = [level for level in view.levels if level.refusal]
    if refused:
        last = refused[-1]
        parts.append(say("pages.exchange_said_to", level=last.id, words=foreign(last.refusal)))
    parts.append(say("pages.why_further", level=view.levels[0].id))
    return "\n".join(parts)


def _then(found: Meaning, levels: Sequence[LevelView], zone: tzinfo) -> str:
    """Behind what the levels wait for."""
    said = f" {found.then}." if found.then else ""
    tries = [level.next_try for level in levels if level.next_try is not None]
    if tries:
        when = say("reasons.at", time=clock(min(tries), zone))
        said += f" {say('reasons.next_try', when=when)}."
    return said


# -- the account ----------------------------------------------------------------------------------------


def balance(balances: Mapping[str, Balance], held: Sequence[tuple[str, Decimal, Decimal, str]]) -> str:
    """Funds by currency. `held`: what the grids of each market hold, as (base coin, amount, cost, quote currency)."""
    rows = [(coin, each) for coin, each in sorted(balances.items()) if each.total]
    if not rows:
        return say("pages.no_balance")
    parts = [say("pages.balance")]
    for coin, each in rows[:MOST_COINS]:
        used = say("pages.in_orders", free=funds(each.free), used=funds(each.used)) if each.used else ""
        parts.append(f"{name(coin)} <b>{funds(each.total)}</b>{used}")
        for base, amount, cost, currency in held[:MOST_COINS]:
            if base == coin:
                bought = say("pages.of_grids", amount=funds(amount), cost=money(cost), coin=name(currency))
                parts.append(f"  {bought}")
    left = len(rows) - MOST_COINS
    return "\n".join([*parts, *([say("pages.more_coins", count=left)] if left > 0 else [])])
