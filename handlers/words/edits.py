"""What is said when a running grid is edited: what can be, the difference before, the answer to Apply. Pure: data in,
HTML out.

Rule: the difference names every deed and every effect on the money before anything is done; nothing is said in it that
Apply does not do.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from bot.core.editing import Edit
from bot.core.lifecycle import Mode
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.core.preview import PlannedLevel
from bot.core.specs import KEYS, as_command, as_pairs
from bot.texts.catalogue import say
from handlers.words import perpetuals
from handlers.words.creation import nets
from handlers.words.figures import fixed, foreign, money, name, number, pct, places_of
from handlers.words.standing import mode_word

MOST_REASONS = 2
UNSAID = {"loop": "no", "above": "now", "stop_sell": "no", "force": "no", "sigma": KEYS["sigma"]}
"""What a key that a grid does not say stands at; any other is not set."""


def menu(grid: Grid) -> str:
    """Under /edit without changes: the grid as it is, and how to say what is to be another."""
    command = foreign(as_command(grid.spec), 1000)
    return say("edits.menu", grid=grid.id, symbol=name(grid.symbol), command=command)


def difference(edit: Edit) -> str:
    """All that Apply would do."""
    problems = [f"🛑 {foreign(problem, 600)}" for problem in edit.problems]
    return "\n".join(
        [
            say("edits.title", grid=edit.grid.id, symbol=name(edit.grid.symbol)),
            *_changes(edit),
            *_deeds(edit),
            *_waits(edit.grid),
            *_money(edit),
            *perpetuals.gearing(edit.made),
            *problems,
            say("edits.impossible") if problems else say("edits.asked"),
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
    yield say("edits.stays", count=keeps) if keeps else say("edits.none_stays")
    if gone:
        yield say("edits.cancelled", count=len(gone), prices=_span(each.level.entry for each in gone))
    if edit.entering:
        yield from _placed(edit)
    if edit.holding:
        yield from _holding(edit)
    yield from _refused(edit)


def _waits(grid: Grid) -> Iterable[str]:
    """Why nothing is placed yet, where that is so."""
    mode = grid.effective_mode
    if mode is not Mode.RUNNING:
        yield say("edits.waits", mode=mode_word(mode), grid=grid.id)


def _span(prices: Iterable[Decimal]) -> str:
    ordered = sorted(prices)
    places = places_of(ordered)
    low, high = fixed(ordered[0], places), fixed(ordered[-1], places)
    return say("edits.at", price=low) if low == high else f"{low} … {high}"


def _placed(edit: Edit) -> Iterable[str]:
    back = set(edit.returning)
    entries = [level.entry for level in edit.placed]
    entries += [each.level.entry for each in edit.stays if each.id in back]
    yield say("edits.placed", count=edit.entering, prices=_span(entries))
    now = _at_once(edit, set(entries))
    if now:
        cost = sum((level.amount * level.buys_at for level in now if level.buys_at is not None), ZERO)
        yield say("edits.at_once", count=len(now), cost=money(cost), coin=name(edit.made.market.quote))


def _at_once(edit: Edit, entries: set[Decimal]) -> list[PlannedLevel]:
    return [level for level in edit.made.immediate if level.entry in entries]


def _holding(edit: Edit) -> Iterable[str]:
    """Levels that hold coins keep their exits; of those that vanish it is said what becomes of them."""
    held, coin = sum((each.books.held for each in edit.holding), ZERO), name(edit.made.market.base)
    exits = _span(each.level.exit for each in edit.holding)
    yield say("edits.holding", count=len(edit.holding), amount=number(held), coin=coin, prices=exits)
    if leaving := len(edit.leaving_holding):
        yield say("edits.leaving", count=leaving)
    if renewed := len(edit.renewed):
        yield say("edits.renewed", count=renewed)


def _refused(edit: Edit) -> Iterable[str]:
    counts = Counter(level.refused for level in edit.made.refused)
    for reason, count in list(counts.items())[:MOST_REASONS]:
        yield say("edits.refused", count=count, reason=foreign(reason))
    if len(counts) > MOST_REASONS:
        yield say("edits.refused_others")


def _money(edit: Edit) -> Iterable[str]:
    made = edit.made
    if not made.accepted:
        return
    coin = name(made.market.quote)
    before, after = money(edit.capital_before, up=True), money(edit.capital, up=True)
    yield say("edits.bound", before=before, after=after, coin=coin)
    yield say("edits.earns", nets=nets(made), coin=coin, share=pct(made.net_pct, sign=True))


def applied(edit: Edit) -> str:
    """After Apply."""
    gone, placed = len(edit.cancelled), edit.entering
    deeds = [say("edits.orders_stay", count=edit.keeps)]
    deeds += [say("edits.entries_leave", count=gone)] if gone else []
    deeds += [say("edits.levels_placed", count=placed)] if placed else []
    lines = [
        say("edits.applied", grid=edit.grid.id, deeds=", ".join(deeds)),
        *_waits(edit.grid),
        f"<code>{foreign(as_command(edit.made.spec), 1000)}</code>",
        say("edits.applied_look", grid=edit.grid.id),
    ]
    return "\n".join(lines)
