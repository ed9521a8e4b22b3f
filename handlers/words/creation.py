"""What is said when a grid is made: preview, suggestion, the answer to Create. Pure: data in, HTML out.

Rule: plain words; before a decision what it does to the money, after it what happens next. Foreign text is escaped.
Of the other words a person reads, `turns.py` has those of pause, stop and panic, `pages.py` and `statements.py` those
of looking, `notices.py` what is told unasked; `figures.py` writes the figures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.lengths import Length
from bot.core.money import ceil_to, plain
from bot.core.portfolio import Grid
from bot.core.preview import PlannedLevel, Preview
from bot.core.specs import as_command
from bot.core.symbols import listed
from bot.reports.views import PlacingView
from handlers.words import perpetuals
from handlers.words.captions import Part, fitted, text_of
from handlers.words.figures import (
    agree,
    fixed,
    foreign,
    gain,
    money,
    name,
    number,
    numbers_of,
    pct,
    places_of,
    plural,
    table,
    top,
)

MOST_LEVELS = 200
"""Levels a preview lists in messages; of a larger grid it lists the ends and sends all of them as a file."""
ENDS = 15
MOST_ROWS = 30
"""Levels a caption may have room for."""
AT_ONCE, REFUSED = "»", "×"


# -- preview -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """A preview as a picture's caption; `before` is the text that goes first, empty where the caption has it all."""

    before: str
    caption: str


def preview_text(made: Preview, notes: Sequence[str] = ()) -> str:
    """All that Create would do. Of more than `MOST_LEVELS` levels the first and last are shown (see `levels_csv`).
    `notes` are what else there is to say before a decision."""
    parts = [part.html for part in _parts(made, notes)]
    parts.insert(2, _levels(made))
    command = _command(made)
    if not made.problems:
        return "\n".join([*parts, f"{UNDERSTOOD}\n{command}", ASKED])
    problems = [f"🛑 {foreign(problem, 600)}" for problem in made.problems]
    advice = "It can't be created like this. Change the command and send it again:"
    return "\n".join([*parts, *problems, advice, command])


def preview_card(made: Preview, notes: Sequence[str] = ()) -> Card:
    """The same for a picture: what matters most as its caption, and where that can't hold all of it the levels and the
    rest as a text before it."""
    rows = [Part(LEVELS, _rows(made))] if len(made.levels) <= MOST_ROWS else []
    command = Part(COMMAND, f"{UNDERSTOOD}\n{_command(made)}")
    within, left = fitted([*_parts(made, notes), *rows, command, Part(HEADING, ASKED)])
    caption = text_of(within)
    if rows and not left:
        return Card("", caption)
    head = Part(HEADING, f"<b>All levels of {made.spec.shape} {name(made.spec.symbol)}</b>")
    others = [part for part in left if part not in rows]
    return Card(text_of([head, Part(LEVELS, _levels(made)), *others]), caption)


HEADING, MONEY, COMMAND, AT_STAKE, REFUSALS, ENDS_AT, BESIDES, LEVELS = range(8)
"""What finds a place in a caption first."""
UNDERSTOOD = "As understood, to copy:"
ASKED = "Nothing is sent before you press Create."


def _parts(made: Preview, notes: Sequence[str]) -> list[Part]:
    """Everything but the levels and the command, in the order in which it is read."""
    spec, quote = made.spec, made.quote
    loop = "loop" if spec.loop else "once"
    title = f"<b>Preview: {spec.shape} {name(spec.symbol)}, {plural(spec.count, 'level')}, {loop}</b>"
    again, *ends = _rules(spec)
    return [
        Part(HEADING, title),
        Part(BESIDES, "Market now: bid {}, ask {}".format(*top(quote.bid, quote.ask))),
        *(Part(AT_STAKE, line) for line in _marks(made)),
        *(Part(REFUSALS, line) for line in _refusals(made)),
        *(Part(MONEY, line) for line in _money(made)),
        *(Part(AT_STAKE, line) for line in perpetuals.gearing(made)),
        *(Part(MONEY, note) for note in notes),
        Part(BESIDES, again),
        *(Part(ENDS_AT, line) for line in ends),
    ]


def _command(made: Preview) -> str:
    return f"<code>{foreign(as_command(made.spec), 1000)}</code>"


def _rows(made: Preview) -> str:
    """The levels in lines that need no columns."""
    prices, amounts = places_of([made.market.price_tick]), places_of(level.amount for level in made.levels)
    lines = ["<blockquote expandable>Levels: entry → exit · amount"]
    for level in made.levels:
        figures = f"{fixed(level.entry, prices)} → {fixed(level.exit, prices)} · {fixed(level.amount, amounts)}"
        lines.append(f"{level.number}{_mark(level).strip()}  {figures}")
    return "\n".join(lines) + "</blockquote>"


def _levels(made: Preview) -> str:
    levels, prices = made.levels, places_of([made.market.price_tick])
    amounts = places_of(level.amount for level in levels)
    if len(levels) <= MOST_LEVELS:
        return _table(levels, prices, amounts)
    between = f"… {len(levels) - 2 * ENDS:,} levels between, all of them in the file above …"
    return f"{_table(levels[:ENDS], prices, amounts)}\n{between}\n{_table(levels[-ENDS:], prices, amounts)}"


def _table(levels: Sequence[PlannedLevel], prices: int, amounts: int) -> str:
    rows = []
    for level in levels:
        figures = (fixed(level.entry, prices), fixed(level.exit, prices), fixed(level.amount, amounts))
        rows.append((f"{level.number}{_mark(level)}", *figures))
    return table(("# ", "entry", "exit", "amount"), rows)


def _mark(level: PlannedLevel) -> str:
    return REFUSED if level.refused else AT_ONCE if level.buys_at is not None else " "


def _marks(made: Preview) -> Iterable[str]:
    """What the marks in the table mean: what buys at once, and what waits."""
    now, coin = made.immediate, name(made.market.quote)
    if now and now[0].buys_at is not None:
        yield (
            f"{AT_ONCE} {_above(len(now))} at once, near {number(now[0].buys_at)}: "
            f"about <b>{money(made.immediate_cost)} {coin}</b>."
        )
    elif made.spec.above_wait:
        above = sum(level.entry >= made.quote.ask for level in made.accepted)
        verb = agree(above, "waits until it is above it", "wait until it is above them")
        yield f"{plural(above, 'level')} above the market {verb} (above=wait)."
    elif made.accepted:
        yield "No level lies above the market, so none buys at once."
    if far := len(made.too_far):
        verb = agree(far, "waits until the market is nearer: it is", "wait until the market is nearer: they are")
        yield f"{plural(far, 'level')} {verb} outside the exchange's price band."


def _refusals(made: Preview) -> Iterable[str]:
    """Why levels are refused, and the smallest that works. That differs from level to level by a step or two, so of
    many reasons the first and the last are told: what is enough for both is enough for those between."""
    reasons: dict[str, list[int]] = {}
    for level in made.refused:
        reasons.setdefault(level.refused, []).append(level.number)
    told = list(reasons.items())
    between: list[int] = []
    if len(told) > MOST_REASONS:
        between = sorted(number for _, levels in told[1:-1] for number in levels)
        told = [told[0], told[-1]]
    for reason, levels in told:
        yield f"{REFUSED} {_names(levels)} can't trade: {foreign(reason)}."
    if between:
        yield f"{REFUSED} {_names(between)}: likewise, with amounts between these."


MOST_REASONS = 3


def _above(count: int) -> str:
    return f"{plural(count, 'level')} above the market {agree(count, 'buys', 'buy')}"


def _names(levels: Sequence[int]) -> str:
    return f"{agree(len(levels), 'Level', 'Levels')} {numbers_of(levels)}"


def _money(made: Preview) -> Iterable[str]:
    if not made.accepted:
        return
    coin = name(made.market.quote)
    yield f"Bound at worst, when every level has bought: <b>{money(made.capital, up=True)} {coin}</b>."
    low, high = gain(made.net_low), gain(made.net_high)
    nets = low if low == high else f"{low} to {high}"
    yield (
        f"A cycle of a level earns <b>{nets} {coin}</b> after the fees of both legs; "
        f"of all levels together {pct(made.net_pct, sign=True)} of what is bound."
    )


def _rules(spec: GridSpec) -> Iterable[str]:
    again = "its next cycle starts as soon as one is closed" if spec.loop else "each level trades once, then it is done"
    yield f"{'Loop' if spec.loop else 'Once'}: {again}."
    if spec.stop is not None:
        does = "the coins are sold at once, as a taker" if spec.stop_sell else "the coins are kept and you are asked"
        yield f"Stop at {number(spec.stop)}: entries are cancelled, {does}."
    if spec.take is not None:
        yield f"Take at {number(spec.take)}: the grid finishes."


def levels_csv(made: Preview) -> str:
    """Every level of a preview as CSV."""
    lines = ["number,entry,exit,amount,net,buys_at,refused"]
    for level in made.levels:
        at = "" if level.buys_at is None else plain(level.buys_at)
        figures = ",".join(plain(value) for value in (level.entry, level.exit, level.amount, level.net))
        lines.append(f'{level.number},{figures},{at},"{level.refused.replace(chr(34), "")}"')
    return "\n".join(lines) + "\n"


def past(length: Length, count: int) -> str:
    """`1h candles, last 4 days`: what a picture shows of the past."""
    hours = count * length.span // timedelta(hours=1)
    if hours < 2 * HOURS_A_DAY:
        return f"{length} candles, last {plural(hours, 'hour')}"
    if hours < 2 * HOURS_A_MONTH:
        return f"{length} candles, last {plural(hours // HOURS_A_DAY, 'day')}"
    return f"{length} candles, last {plural(round(hours / HOURS_A_MONTH), 'month')}"


HOURS_A_DAY, HOURS_A_MONTH = 24, 730
NOT_DRAWN = "There is no picture of it now: past prices could not be had, or drawing failed. The buttons still work."


def moved() -> str:
    """What becomes of a preview that is out of date when Create is pressed."""
    return (
        "The market has moved since, so nothing was sent: the preview below is what Create would do now. "
        "Look at it and press again."
    )


def created(grid: Grid, made: Preview, *, is_live: bool = True, laid: PlacingView | None = None) -> str:
    """After Create; `is_live` is False before the first live start was confirmed, `laid` tells how far its orders
    are."""
    now, far, levels = len(made.immediate), len(made.too_far), plural(len(made.accepted), "level")
    rest = len(made.accepted) - now - far
    what = []
    if now and made.immediate[0].buys_at is not None:
        what.append(f"{_above(now)} at once, near {number(made.immediate[0].buys_at)}")
    if rest:
        does = agree(rest, "waits", "wait") if grid.spec.above_wait else agree(rest, "rests", "rest")
        what.append(f"{plural(rest, 'entry', 'entries')} {does} at {agree(rest, 'its level', 'their levels')}")
    if far:
        what.append(f"{plural(far, 'entry', 'entries')} {agree(far, 'waits', 'wait')} until the market is nearer")
    refused = f" {plural(len(made.refused), 'level')} left out." if made.refused else ""
    way = "Its orders are on their way" if is_live else "Its orders go out once you press <b>Trade live</b>"
    if laid is not None:
        way = f"{laid.placed:,} of its orders {agree(laid.placed, 'is', 'are')} on the book"
        way += f", {laid.under_way:,} on their way" if laid.under_way else ", as many as are wanted now"
    return (
        f"✅ <b>{grid.id} created</b>: {grid.spec.shape} {name(grid.symbol)}, {levels}.\n"
        f"{way}: {listed(what) if what else 'none'}.{refused} "
        f"Whatever is bought is sold at its level's exit, and every fill is told here.\n"
        f"/grid {grid.id} looks at it, /pause {grid.id} pauses, /stop {grid.id} ends it."
    )


def cancelled(spec: GridSpec | None = None) -> str:
    """After Cancel."""
    if spec is None:
        return "Nothing was changed."
    return f"Cancelled; nothing was sent. To change it, copy:\n<code>{foreign(as_command(spec), 1000)}</code>"


def suggestion(shape: Shape, made: Preview) -> str:
    """A grid command without words: a line that would work now."""
    spec, coin = made.spec, name(made.market.quote)
    line = f"<code>{foreign(as_command(spec), 1000)}</code>"
    price = f"{name(spec.symbol)} is at {number(made.quote.bid)} now."
    if made.problems:
        sentence = f"A {shape} grid is written like this, once there are funds for it:"
        return f"{price} {sentence}\n{line}\n{foreign(made.problems[0], 600)}"
    budget = f"{plain(spec.profit_pct)}% loop budget={plain(ceil_to(made.capital, Decimal(1)))}"
    return (
        f"{price} A {shape} grid around it, tap to copy:\n{line}\n"
        "The words: market, MIN, MAX, how many levels, the amount of each, the profit of each trade; loop repeats it.\n"
        f"It binds at most {money(made.capital, up=True)} {coin} and earns {gain(made.net_low)} or more a trade after "
        "fees. You see all of it before anything is sent. Per cents of the price and a budget work too:\n"
        f"<code>/{shape} {name(spec.symbol)} -5% +5% {spec.count} {budget}</code>"
    )
