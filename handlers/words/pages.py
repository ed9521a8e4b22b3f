"""What is said when somebody looks closer: grids, orders, why, the account. Pure: views in, HTML out.

Rule: figures are those of the views; only what a person needs to decide comes first, and each page says where to look
further. Long lists come in pages.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import groupby

from bot.core.lifecycle import Mode, State
from bot.core.model import Balance, Quote
from bot.core.money import ZERO
from bot.reports.views import GridView, LevelView
from handlers.words.figures import (
    about,
    agree,
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
    plural,
    table,
)
from handlers.words.glance import NO_GRIDS
from handlers.words.leaves import Leaf, cut
from handlers.words.reasons import Meaning, grid_why, meaning, next_try, resume
from handlers.words.standing import MODES

GRIDS_A_PAGE = 8
ORDERS_A_PAGE = 25
MOST_COINS = 40
MOST_REASONS = 12


def grids(views: Sequence[GridView], place: int = 0) -> Leaf:
    """Every grid that runs, a paragraph each."""
    if not views:
        return Leaf(NO_GRIDS)
    shown, place, count = cut(views, GRIDS_A_PAGE, place)
    parts = [f"<b>{plural(len(views), 'grid')}</b>"]
    for view in shown:
        spec, total = view.grid.spec, view.totals.realised + view.open_profit
        parts.append(
            f"<b>{view.grid.id}</b> {name(spec.symbol)} {spec.shape}, {MODES[view.mode]}\n"
            f"{about(spec.minimum)} … {about(spec.maximum)}, {plural(len(view.levels), 'level')}: "
            f"{view.resting:,} resting, {view.holding_levels:,} holding; {gain(total)} {name(view.currency)}"
        )
    parts.append(f"/grid {shown[0].grid.id} looks at one, /pnl at the profit.")
    return Leaf("\n".join(parts), place, count)


def _cells(levels: Sequence[LevelView]) -> list[tuple[str, ...]]:
    prices, amounts = places_of(map(_price, levels)), places_of(map(_amount, levels))
    return [
        (_number(level), _does(level), fixed(_price(level), prices), fixed(_amount(level), amounts)) for level in levels
    ]


def _number(level: LevelView) -> str:
    return level.id.partition(".")[2]


def _does(level: LevelView) -> str:
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
        return Leaf("No order of this bot rests on the book. /grids lists the grids, /why g1 says what one waits for.")
    shown, place, count = cut(rows, ORDERS_A_PAGE, place)
    parts = [f"<b>{plural(len(rows), 'order')} on the book</b>"]
    for _, group in groupby(shown, lambda row: row[0].grid.id):
        of_grid = list(group)
        view = of_grid[0][0]
        price = f", price {number(view.quote.bid)}" if view.quote is not None else ""
        parts.append(f"<b>{view.grid.id}</b> {name(view.grid.symbol)}, {plural(view.resting, 'order')}{price}")
        parts.append(_orders([level for _, level in of_grid], view.quote))
    return Leaf("\n".join(parts), place, count)


def _nearest_first(view: GridView) -> list[LevelView]:
    price = view.quote.bid if view.quote is not None else ZERO
    rows = [level for level in view.levels if level.order_price is not None]
    return sorted(rows, key=lambda level: abs(_price(level) - price))


def _orders(levels: Sequence[LevelView], quote: Quote | None) -> str:
    head = ("#", "does", "at", "amount")
    if quote is None:
        return table(head, _cells(levels))
    away = [distance(_price(level), quote.bid).replace(" ", "") for level in levels]
    return table((*head, "away"), [(*cells, far) for cells, far in zip(_cells(levels), away, strict=True)])


# -- why ---------------------------------------------------------------------------------------------------------------


def why_level(level: LevelView, zone: tzinfo, quote: Quote | None = None) -> str:
    """What one level does or waits for."""
    found = meaning(level)
    plan = f"buys {number(level.amount)} at {number(level.entry)}, sells at {number(level.exit)}"
    parts = [f"<b>{level.id}</b> {plan}; cycle {level.cycle:,}", f"{STANDS[level.state]}: {found.means}."]
    if level.order_side is not None and level.order_price is not None:
        away = f" ({distance(level.order_price, quote.bid)} from the price)" if quote is not None else ""
        parts.append(
            f"On the book: {level.order_side} {number(level.order_left)} at {number(level.order_price)}{away}."
        )
    if level.held:
        parts.append(f"It holds {number(level.held)}.")
    if level.refusal:
        parts.append(f"The exchange said: <i>{foreign(level.refusal)}</i>")
    then = [each for each in (resume(level) or found.then, next_try(level, zone, quote)) if each]
    parts += [f"{each}." for each in then]
    return "\n".join(parts)


STANDS = {
    State.PENDING_ENTRY: "To buy",
    State.PLACED_ENTRY: "Buy on the book",
    State.FILLED_WAIT: "Bought, to sell",
    State.PLACED_EXIT: "Sale on the book",
    State.COMPLETED: "Trade closed",
}


def why_grid(view: GridView, zone: tzinfo) -> str:
    """What a grid's levels do or wait for, those with the same reason together."""
    grid_id = view.grid.id
    head = f"<b>{grid_id}</b> {name(view.grid.symbol)}: {MODES[view.mode]}"
    head += f" ({grid_why(view.grid.why)})" if view.grid.why else ""
    if view.mode in (Mode.PAUSED, Mode.HALTED) and view.grid.sale is None and view.grid.ended_at is None:
        head += f". /resume {grid_id} goes on."
    if not view.levels:
        return f"{head}\nNo level of it is left; /pnl all {grid_id} shows what it made."
    groups: dict[tuple[State, Meaning], list[LevelView]] = {}
    for level in view.levels:
        found = meaning(level)
        then = "" if resume(level) else found.then.replace(level.id, f"{grid_id}.N")
        groups.setdefault((level.state, Meaning(found.means, then)), []).append(level)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    parts = [head]
    for (state, found), levels in largest[:MOST_REASONS]:
        numbers = numbers_of(int(_number(level)) for level in levels)
        parts.append(
            f"<b>{agree(len(levels), 'Level', 'Levels')} {numbers}</b>: {STANDS[state].lower()}: {found.means}."
            f"{_then(found, levels, zone)}"
        )
    left = sum(len(levels) for _, levels in largest[MOST_REASONS:])
    parts += [f"… and {plural(left, 'more level')}, each with a reason of its own."] if left else []
    refused = [level for level in view.levels if level.refusal]
    if refused:
        last = refused[-1]
        parts.append(f"The exchange said to {last.id}: <i>{foreign(last.refusal)}</i>")
    parts.append(f"/why {view.levels[0].id} looks at one level.")
    return "\n".join(parts)


def _then(found: Meaning, levels: Sequence[LevelView], zone: tzinfo) -> str:
    tries = [level.next_try for level in levels if level.next_try is not None]
    said = ([f"{found.then}."] if found.then else []) + ([f"Next try at {clock(min(tries), zone)}."] if tries else [])
    return " " + " ".join(said) if said else ""


# -- the account ----------------------------------------------------------------------------------------


def balance(balances: Mapping[str, Balance], held: Sequence[tuple[str, Decimal, Decimal, str]]) -> str:
    """Funds by currency. `held`: what the grids of each market hold, as (base coin, amount, cost, quote currency)."""
    rows = [(coin, each) for coin, each in sorted(balances.items()) if each.total]
    if not rows:
        return "The account holds nothing."
    parts = ["<b>Balance</b>"]
    for coin, each in rows[:MOST_COINS]:
        used = f" ({funds(each.free)} free, {funds(each.used)} in orders)" if each.used else ""
        parts.append(f"{name(coin)} <b>{funds(each.total)}</b>{used}")
        for base, amount, cost, currency in held[:MOST_COINS]:
            if base == coin:
                parts.append(f"  of it grids hold {funds(amount)}, bought for {money(cost)} {name(currency)}")
    left = len(rows) - MOST_COINS
    return "\n".join([*parts, *([f"… and {plural(left, 'more coin')}."] if left > 0 else [])])
