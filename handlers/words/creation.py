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
from bot.texts.catalogue import say
from handlers.words import perpetuals
from handlers.words.captions import Part, fitted, text_of
from handlers.words.figures import (
    fixed,
    foreign,
    gain,
    money,
    name,
    number,
    numbers_of,
    pct,
    places_of,
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
        return "\n".join([*parts, say("creation.understood"), command, say("creation.asked")])
    problems = [f"🛑 {foreign(problem, 600)}" for problem in made.problems]
    return "\n".join([*parts, *problems, say("creation.impossible"), command])


def preview_card(made: Preview, notes: Sequence[str] = ()) -> Card:
    """The same for a picture: what matters most as its caption, and where that can't hold all of it the levels and the
    rest as a text before it."""
    rows = [Part(LEVELS, _rows(made))] if len(made.levels) <= MOST_ROWS else []
    command = Part(COMMAND, f"{say('creation.understood')}\n{_command(made)}")
    within, left = fitted([*_parts(made, notes), *rows, command, Part(HEADING, say("creation.asked"))])
    caption = text_of(within)
    if rows and not left:
        return Card("", caption)
    head = Part(HEADING, say("creation.all_levels", shape=made.spec.shape, symbol=name(made.spec.symbol)))
    others = [part for part in left if part not in rows]
    return Card(text_of([head, Part(LEVELS, _levels(made)), *others]), caption)


HEADING, MONEY, COMMAND, AT_STAKE, REFUSALS, ENDS_AT, BESIDES, LEVELS = range(8)
"""What finds a place in a caption first."""


def _parts(made: Preview, notes: Sequence[str]) -> list[Part]:
    """Everything but the levels and the command, in the order in which it is read."""
    spec, quote = made.spec, made.quote
    again = say("creation.loop") if spec.loop else say("creation.once")
    title = say("creation.title", count=spec.count, shape=spec.shape, symbol=name(spec.symbol), again=again)
    bid, ask = top(quote.bid, quote.ask)
    loops, *ends = _rules(spec)
    return [
        Part(HEADING, title),
        Part(BESIDES, say("creation.market_now", bid=bid, ask=ask)),
        *(Part(AT_STAKE, line) for line in _marks(made)),
        *(Part(REFUSALS, line) for line in _refusals(made)),
        *(Part(MONEY, line) for line in _money(made)),
        *(Part(AT_STAKE, line) for line in perpetuals.gearing(made)),
        *(Part(MONEY, note) for note in notes),
        Part(BESIDES, loops),
        *(Part(ENDS_AT, line) for line in ends),
    ]


def _command(made: Preview) -> str:
    return f"<code>{foreign(as_command(made.spec), 1000)}</code>"


def _rows(made: Preview) -> str:
    """The levels in lines that need no columns."""
    prices, amounts = places_of([made.market.price_tick]), places_of(level.amount for level in made.levels)
    lines = [f"<blockquote expandable>{say('creation.rows')}"]
    for level in made.levels:
        figures = f"{fixed(level.entry, prices)} → {fixed(level.exit, prices)} · {fixed(level.amount, amounts)}"
        lines.append(f"{level.number}{_mark(level).strip()}  {figures}")
    return "\n".join(lines) + "</blockquote>"


def _levels(made: Preview) -> str:
    levels, prices = made.levels, places_of([made.market.price_tick])
    amounts = places_of(level.amount for level in levels)
    if len(levels) <= MOST_LEVELS:
        return _table(levels, prices, amounts)
    between = say("creation.between", count=len(levels) - 2 * ENDS)
    return f"{_table(levels[:ENDS], prices, amounts)}\n{between}\n{_table(levels[-ENDS:], prices, amounts)}"


def _table(levels: Sequence[PlannedLevel], prices: int, amounts: int) -> str:
    rows = []
    for level in levels:
        figures = (fixed(level.entry, prices), fixed(level.exit, prices), fixed(level.amount, amounts))
        rows.append((f"{level.number}{_mark(level)}", *figures))
    return table(("# ", say("creation.entry"), say("creation.exit"), say("creation.amount")), rows)


def _mark(level: PlannedLevel) -> str:
    return REFUSED if level.refused else AT_ONCE if level.buys_at is not None else " "


def _marks(made: Preview) -> Iterable[str]:
    """What the marks in the table mean: what buys at once, and what waits."""
    now = made.immediate
    if now and now[0].buys_at is not None:
        near, cost, coin = number(now[0].buys_at), money(made.immediate_cost), name(made.market.quote)
        yield f"{AT_ONCE} {say('creation.at_once', count=len(now), price=near, cost=cost, coin=coin)}"
    elif made.spec.above_wait:
        yield say("creation.above_wait", count=sum(level.entry >= made.quote.ask for level in made.accepted))
    elif made.accepted:
        yield say("creation.none_above")
    if far := len(made.too_far):
        yield say("creation.too_far", count=far)


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
        refused = say("creation.refused", count=len(levels), levels=numbers_of(levels), reason=foreign(reason))
        yield f"{REFUSED} {refused}"
    if between:
        yield f"{REFUSED} {say('creation.refused_between', count=len(between), levels=numbers_of(between))}"


MOST_REASONS = 3


def _money(made: Preview) -> Iterable[str]:
    if made.accepted:
        coin, share = name(made.market.quote), pct(made.net_pct, sign=True)
        yield say("creation.bound", capital=money(made.capital, up=True), coin=coin)
        yield say("creation.earns", nets=nets(made), coin=coin, share=share)


def nets(made: Preview) -> str:
    """What a cycle earns, from the level that earns least to the one that earns most."""
    low, high = gain(made.net_low), gain(made.net_high)
    return low if low == high else say("creation.nets", low=low, high=high)


def _rules(spec: GridSpec) -> Iterable[str]:
    yield say("creation.loops") if spec.loop else say("creation.trades_once")
    if spec.stop is not None:
        price = number(spec.stop)
        yield say("creation.stop_sells", price=price) if spec.stop_sell else say("creation.stop_keeps", price=price)
    if spec.take is not None:
        yield say("creation.take", price=number(spec.take))


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
        return say("creation.last_hours", count=hours, length=length)
    if hours < 2 * HOURS_A_MONTH:
        return say("creation.last_days", count=hours // HOURS_A_DAY, length=length)
    return say("creation.last_months", count=round(hours / HOURS_A_MONTH), length=length)


HOURS_A_DAY, HOURS_A_MONTH = 24, 730


def created(grid: Grid, made: Preview, *, is_live: bool = True, laid: PlacingView | None = None) -> str:
    """After Create; `is_live` is False before the first live start was confirmed, `laid` tells how far its orders
    are."""
    deeds, left_out = list(_deeds(grid.spec, made)), len(made.refused)
    return say(
        "creation.created",
        grid=grid.id,
        shape=grid.spec.shape,
        symbol=name(grid.symbol),
        levels=say("count.level", count=len(made.accepted)),
        way=_way(is_live, laid),
        deeds=listed(deeds) if deeds else say("creation.no_deed"),
        left_out=say("creation.left_out", count=left_out) if left_out else "",
    )


def _way(is_live: bool, laid: PlacingView | None) -> str:
    """How far the orders of a grid are."""
    if laid is None:
        return say("creation.on_their_way") if is_live else say("creation.not_live")
    if laid.under_way:
        return say("creation.under_way", count=laid.placed, under_way=f"{laid.under_way:,}")
    return say("creation.all_placed", count=laid.placed)


def _deeds(spec: GridSpec, made: Preview) -> Iterable[str]:
    """What the levels of a new grid do."""
    now, far = made.immediate, len(made.too_far)
    if now and now[0].buys_at is not None:
        yield say("creation.buy_at_once", count=len(now), price=number(now[0].buys_at))
    if rest := len(made.accepted) - len(now) - far:
        yield say("creation.wait", count=rest) if spec.above_wait else say("creation.rest", count=rest)
    if far:
        yield say("creation.wait_nearer", count=far)


def cancelled(spec: GridSpec | None = None) -> str:
    """After Cancel."""
    if spec is None:
        return say("creation.unchanged")
    return say("creation.cancelled", command=foreign(as_command(spec), 1000))


def suggestion(shape: Shape, made: Preview) -> str:
    """A grid command without words: a line that would work now."""
    spec = made.spec
    about = {
        "shape": shape,
        "symbol": name(spec.symbol),
        "price": number(made.quote.bid),
        "command": foreign(as_command(spec), 1000),
    }
    if made.problems:
        return say("creation.suggestion_unfunded", problem=foreign(made.problems[0], 600), **about)
    budget = f"{plain(spec.profit_pct)}% loop budget={plain(ceil_to(made.capital, Decimal(1)))}"
    return say(
        "creation.suggestion",
        capital=money(made.capital, up=True),
        coin=name(made.market.quote),
        net=gain(made.net_low),
        other=f"/{shape} {name(spec.symbol)} -5% +5% {spec.count} {budget}",
        **about,
    )
