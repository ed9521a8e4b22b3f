"""What is said when a running grid is edited: what can be, the difference before, the answer to Apply. Pure: data in,
HTML out.

Rule: the difference names every deed and every effect on the money before anything is done; nothing is said in it that
Apply does not do.
"""

from collections.abc import Iterable
from decimal import Decimal

from bot.core.editing import Edit
from bot.core.lifecycle import Mode
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.core.preview import PlannedLevel
from bot.core.specs import KEYS, as_command, as_pairs
from handlers.words import perpetuals
from handlers.words.figures import agree, fixed, foreign, gain, money, name, number, pct, places_of, plural
from handlers.words.standing import MODES

MOST_REASONS = 2
UNSAID = {"loop": "no", "above": "now", "stop_sell": "no", "force": "no", "sigma": KEYS["sigma"]}
"""What a key that a grid does not say stands at; any other is not set."""

HOW = (
    "Or write what is to change, any of:\n"
    "<code>/edit {} count=30 profit=0.6%</code>\n"
    "min, max, count, qty or budget, profit, loop=yes or no, above=wait or now, stop, take (none ends them), "
    "stop_sell; mean and sigma of a normal grid. min=-1% max=+1% are counted from the market."
)


def menu(grid: Grid) -> str:
    """Under /edit without changes: the grid as it is, and how to say what is to be another."""
    return (
        f"<b>Edit {grid.id} {name(grid.symbol)}</b>\n"
        f"It is: <code>{foreign(as_command(grid.spec), 1000)}</code>\n"
        "Each button shows first what it would do; the grid goes on meanwhile.\n"
        f"{HOW.format(grid.id)}"
    )


def difference(edit: Edit) -> str:
    """All that Apply would do."""
    problems = [f"🛑 {foreign(problem, 600)}" for problem in edit.problems]
    asked = "It can't be edited like this." if problems else "Nothing is changed before you press Apply."
    return "\n".join(
        [
            f"<b>Edit {edit.grid.id} {name(edit.grid.symbol)}</b>",
            *_changes(edit),
            *_deeds(edit),
            *_waits(edit.grid),
            *_money(edit),
            *perpetuals.gearing(edit.made),
            *problems,
            asked,
        ]
    )


def _changes(edit: Edit) -> Iterable[str]:
    """`count 20 → 30`, a line each."""
    before, after = as_pairs(edit.grid.spec), as_pairs(edit.made.spec)
    for key in KEYS:
        was, is_ = (pairs.get(key, UNSAID.get(key, "none")) for pairs in (before, after))
        if was != is_:
            yield f"{key} {_figure(was)} → <b>{_figure(is_)}</b>"


def _figure(text: str) -> str:
    """A figure as it is written elsewhere: with thousands separators."""
    digits = text.removesuffix("%")
    if not digits.replace(".", "", 1).isdigit():
        return foreign(text)
    return number(Decimal(digits)) + (" %" if digits != text else "")


def _deeds(edit: Edit) -> Iterable[str]:
    """What rests on, what is cancelled, what is placed, what sells."""
    keeps, gone = edit.keeps, edit.cancelled
    yield f"<b>Stays</b>: {_stays(keeps)}"
    if gone:
        yield f"<b>Cancelled</b>: {plural(len(gone), 'entry', 'entries')}, {_span(each.level.entry for each in gone)}"
    if edit.entering:
        yield from _placed(edit)
    if edit.holding:
        yield from _holding(edit)
    yield from _refused(edit)


def _waits(grid: Grid) -> Iterable[str]:
    """Why nothing is placed yet, where that is so."""
    mode = grid.effective_mode
    if mode is not Mode.RUNNING:
        yield f"It is {MODES[mode]}: no entry is placed before /resume {grid.id}"


def _stays(keeps: int) -> str:
    return f"{plural(keeps, 'order')} {agree(keeps, 'rests', 'rest')} on, untouched" if keeps else "no order"


def _span(prices: Iterable[Decimal]) -> str:
    ordered = sorted(prices)
    places = places_of(ordered)
    low, high = fixed(ordered[0], places), fixed(ordered[-1], places)
    return f"at {low}" if low == high else f"{low} … {high}"


def _placed(edit: Edit) -> Iterable[str]:
    back = set(edit.returning)
    entries = [level.entry for level in edit.placed]
    entries += [each.level.entry for each in edit.stays if each.id in back]
    yield f"<b>Placed</b>: {plural(edit.entering, 'level')}, {_span(entries)}"
    now = _at_once(edit, set(entries))
    if now:
        cost = sum((level.amount * level.buys_at for level in now if level.buys_at is not None), ZERO)
        coin = name(edit.made.market.quote)
        verb = agree(len(now), "lies above the market and buys", "lie above the market and buy")
        yield f"» {len(now):,} of them {verb} at once: about <b>{money(cost)} {coin}</b>"


def _at_once(edit: Edit, entries: set[Decimal]) -> list[PlannedLevel]:
    return [level for level in edit.made.immediate if level.entry in entries]


def _holding(edit: Edit) -> Iterable[str]:
    """Levels that hold coins keep their exits; of those that vanish it is said what becomes of them."""
    held = sum((each.books.held for each in edit.holding), ZERO)
    count, leaving = len(edit.holding), len(edit.leaving_holding)
    what = f"{number(held)} {name(edit.made.market.base)}"
    exits = _span(each.level.exit for each in edit.holding)
    sells = agree(count, "sells at its exit", "sell at their exits")
    yield f"<b>Holding</b>: {plural(count, 'level')} with {what} {sells} of before, {exits}"
    if leaving:
        yield f"{leaving:,} of them {agree(leaving, 'ends', 'end')} once that is sold"
    if renewed := len(edit.renewed):
        yield f"{renewed:,} of them {agree(renewed, 'sells', 'sell')} as edited from the next cycle on"


def _refused(edit: Edit) -> Iterable[str]:
    refused = edit.made.refused
    reasons = list(dict.fromkeys(level.refused for level in refused))
    for reason in reasons[:MOST_REASONS]:
        yield f"× {plural(sum(level.refused == reason for level in refused), 'level')} can't trade: {foreign(reason)}"
    if len(reasons) > MOST_REASONS:
        yield "× and others likewise"


def _money(edit: Edit) -> Iterable[str]:
    made = edit.made
    if not made.accepted:
        return
    coin = name(made.market.quote)
    before, after = money(edit.capital_before, up=True), money(edit.capital, up=True)
    yield f"Bound at worst: {before} → <b>{after} {coin}</b>"
    low, high = gain(made.net_low), gain(made.net_high)
    nets = low if low == high else f"{low} to {high}"
    yield (
        f"A cycle of a level earns <b>{nets} {coin}</b> after the fees of both legs; of all levels together "
        f"{pct(made.net_pct, sign=True)} of what is bound"
    )


def moved() -> str:
    """What becomes of a difference that is out of date when Apply is pressed."""
    return (
        "The grid or the market has moved since, so nothing was done: below is what Apply would do now. "
        "Look at it and press again."
    )


def applied(edit: Edit) -> str:
    """After Apply."""
    keeps, gone, placed = edit.keeps, len(edit.cancelled), edit.entering
    parts = [f"{plural(keeps, 'order')} {agree(keeps, 'stays', 'stay')}"]
    parts += [f"{plural(gone, 'entry', 'entries')} {agree(gone, 'leaves', 'leave')} the book"] if gone else []
    parts += [f"{plural(placed, 'level')} {agree(placed, 'is', 'are')} placed"] if placed else []
    lines = [
        f"✏️ <b>{edit.grid.id}</b> is edited: {', '.join(parts)}.",
        *_waits(edit.grid),
        f"<code>{foreign(as_command(edit.made.spec), 1000)}</code>",
        f"/grid {edit.grid.id} shows it.",
    ]
    return "\n".join(lines)
