"""What is said when somebody looks: status, grids, orders, why. Pure: views in, HTML out.

Rule: figures are those of the views; only what a person needs to decide comes first, and each page says where to look
further. Lists are bounded by what can be read, and say how much they leave out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from re import sub

from bot.core.lifecycle import Mode, State
from bot.core.model import Balance, Quote, Side
from bot.core.money import ZERO
from bot.core.portfolio import Totals
from bot.reports.views import GridView, LevelView
from handlers.words.figures import (
    about,
    agree,
    bar,
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
    pct,
    places_of,
    plural,
    table,
    top,
)

MOST_GRIDS = 12
MOST_LEVELS = 60
MOST_ORDERS = 200
MOST_COINS = 40
MOST_REASONS = 12

NO_GRIDS = "No grid runs. /linear shows a line that would work now; /help lists everything."

MODES = {
    Mode.RUNNING: "running",
    Mode.PAUSED: "⏸ paused",
    Mode.FINISHING: "🏁 finishing",
    Mode.HALTED: "⛔ halted",
    Mode.ENDED: "ended",
}


def status(views: Sequence[GridView], troubles: Sequence[str], today: Mapping[str, Totals]) -> str:
    """The one glance. `today` is what was realised by currency."""
    parts = [f"⚠️ {foreign(trouble)}" for trouble in troubles[:5]]
    if not views:
        return "\n".join([*parts, NO_GRIDS])
    for symbol in dict.fromkeys(view.grid.symbol for view in views[:MOST_GRIDS]):
        first = next(view for view in views if view.grid.symbol == symbol)
        price = number(first.quote.bid) if first.quote is not None else "has no price now"
        parts.append(f"<b>{name(symbol)}</b> {price}{_liquidation(first)}")
        parts += [_glance(view) for view in views[:MOST_GRIDS] if view.grid.symbol == symbol]
    parts += _left_out(len(views))
    sums = [_today(coin, total) for coin, total in today.items()]
    parts.append(f"Today: {'; '.join(sums) if sums else 'no trade closed yet'}")
    parts.append("/pnl, /orders, /grids" if len(views) > 1 else f"/grid {views[0].grid.id}, /pnl, /orders")
    return "\n".join(parts)


def _liquidation(view: GridView) -> str:
    if view.liquidation is None:
        return ""
    away = f" ({distance(view.liquidation, view.quote.bid)})" if view.quote is not None else ""
    return f", liquidation at {about(view.liquidation)}{away}"


def _today(coin: str, total: Totals) -> str:
    funding = f" ({gain(total.funding)} of it funding)" if total.funding else ""
    return f"<b>{gain(total.realised)} {name(coin)}</b>{funding} in {plural(total.trades, 'trade')}"


def _glance(view: GridView) -> str:
    grid = view.grid
    line = f"{grid.id} {MODES[view.mode]}, {plural(view.resting, 'order')}, {view.holding_levels:,} holding"
    return "\n".join([line, _range(view), *_nexts(view)])


def _range(view: GridView) -> str:
    spec = view.grid.spec
    low, high = about(spec.minimum), about(spec.maximum)
    if view.quote is None:
        return f"{low} … {high}"
    outside = ""
    if view.quote.bid > spec.maximum:
        outside = " above the range"
    elif view.quote.bid < spec.minimum:
        outside = " below the range"
    return f"{low} <code>{bar(spec.minimum, spec.maximum, view.quote.bid, 14)}</code> {high}{outside}"


def _nexts(view: GridView) -> Iterable[str]:
    """The resting orders next to the market, and how far they are."""
    texts = []
    for side, word in ((Side.BUY, "buys at"), (Side.SELL, "sells at")):
        level = view.nearest(side)
        if level is not None and level.order_price is not None:
            away = f" ({distance(level.order_price, view.quote.bid)})" if view.quote is not None else ""
            texts.append(f"{word} {number(level.order_price)}{away}")
    if texts:
        yield "Next: " + ", ".join(texts)


def _left_out(count: int) -> list[str]:
    return [f"… and {plural(count - MOST_GRIDS, 'more grid')}: /grids"] if count > MOST_GRIDS else []


def grids(views: Sequence[GridView]) -> str:
    """Every grid that runs, a paragraph each; of very many, two lines each."""
    if not views:
        return NO_GRIDS
    parts = [f"<b>{plural(len(views), 'grid')}</b>"]
    for view in views:
        spec, total = view.grid.spec, view.totals.realised + view.open_profit
        parts.append(
            f"<b>{view.grid.id}</b> {name(spec.symbol)} {spec.shape}, {MODES[view.mode]}\n"
            f"{about(spec.minimum)} … {about(spec.maximum)}, {plural(len(view.levels), 'level')}: "
            f"{view.resting:,} resting, {view.holding_levels:,} holding; {gain(total)} {name(view.currency)}"
        )
    parts.append(f"/grid {views[0].grid.id} looks at one, /pnl at the profit.")
    return "\n".join(parts)


def grid(view: GridView, zone: tzinfo) -> str:
    """One grid: where it stands, its profit, its levels."""
    spec, grid_id = view.grid.spec, view.grid.id
    loop = "loop" if spec.loop else "once"
    mode = MODES[view.mode] + (f" ({foreign(view.grid.why)})" if view.grid.why else "")
    price = number(view.quote.bid) if view.quote is not None else "no price now"
    head = f"<b>{grid_id} {name(spec.symbol)}</b> {spec.shape}, {plural(spec.count, 'level')}"
    parts = [
        f"{head}, {pct(spec.profit_pct)} a trade, {loop}",
        f"{mode}; price {price}",
        _range(view),
        *_nexts(view),
        *_triad(view),
    ]
    parts += [f"Stop at {number(spec.stop)}"] if spec.stop is not None else []
    parts += [f"Take at {number(spec.take)}"] if spec.take is not None else []
    if view.grid.ended_at is not None:
        parts.append(f"Ended {clock(view.grid.ended_at, zone)}; its trades stay in /pnl all {grid_id}")
    elif view.levels:
        parts += [_ladder(view), f"/why {grid_id}, /orders, /pause {grid_id}, /stop {grid_id}"]
    return "\n".join(parts)


def _triad(view: GridView) -> Iterable[str]:
    """Realised, open, total; and what is held."""
    coin, total = name(view.currency), view.totals.realised + view.open_profit
    today = f", today {gain(view.today.realised)}" if view.today.trades else ""
    yield f"Realised {gain(view.totals.realised)} {coin} in {plural(view.totals.trades, 'trade')}{today}"
    held = f", holding {number(view.holding.amount)} {name(view.base)} for {money(view.holding.cost)}"
    unpriced = " (no price now)" if view.quote is None and view.holding.amount else ""
    yield f"Open {gain(view.open_profit)} {coin}{held if view.holding.amount else ', nothing held'}{unpriced}"
    fees = f", after {money(view.totals.fees)} of fees" if view.totals.fees else ""
    yield f"Total <b>{gain(total)} {coin}</b>{fees}"


def _ladder(view: GridView) -> str:
    """Levels from the highest down, as a ladder stands; of many, those nearest to the price."""
    shown = list(view.levels)
    if len(shown) > MOST_LEVELS:
        price = view.quote.bid if view.quote is not None else view.grid.spec.minimum
        nearest = sorted(shown, key=lambda level: abs(_price(level) - price))[:MOST_LEVELS]
        shown = sorted(nearest, key=lambda level: level.entry)
    shown.reverse()
    text = table(("#", "does", "at", "amount"), _cells(shown))
    left = len(view.levels) - len(shown)
    return text + (f"\nThe {len(shown)} nearest of {len(view.levels):,} levels." if left else "")


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


def orders(views: Sequence[GridView]) -> str:
    """What rests on the book, by grid, nearest to the price first."""
    resting = sum(view.resting for view in views)
    if not resting:
        return "No order of this bot rests on the book. /grids lists the grids, /why g1 says what one waits for."
    parts, room = [f"<b>{plural(resting, 'order')} on the book</b>"], MOST_ORDERS
    for view in views:
        rows = _nearest_first(view)
        if rows and room > 0:
            price = f", price {number(view.quote.bid)}" if view.quote is not None else ""
            shown = rows[:room]
            parts.append(f"<b>{view.grid.id}</b> {name(view.grid.symbol)}, {plural(len(rows), 'order')}{price}")
            parts.append(_orders(shown, view.quote))
            room -= len(shown)
    if resting > MOST_ORDERS:
        parts.append(f"… and {resting - MOST_ORDERS:,} more, farther away.")
    return "\n".join(parts)


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


def why_level(level: LevelView, zone: tzinfo) -> str:
    """What one level does or waits for."""
    plan = f"buys {number(level.amount)} at {number(level.entry)}, sells at {number(level.exit)}"
    parts = [
        f"<b>{level.id}</b> {plan}; cycle {level.cycle:,}",
        f"{STANDS[level.state]}: {reason(level.why)}.",
    ]
    if level.order_side is not None and level.order_price is not None:
        parts.append(f"On the book: {level.order_side} {number(level.order_left)} at {number(level.order_price)}.")
    if level.held:
        parts.append(f"It holds {number(level.held)}.")
    if level.mode in (Mode.PAUSED, Mode.HALTED):
        parts.append(f"It is {MODES[level.mode]}: /resume {level.id}, or its grid: /resume {_grid_of(level)}")
    parts += _refusals(level, zone)
    return "\n".join(parts)


def _grid_of(level: LevelView) -> str:
    return level.id.partition(".")[0]


def _refusals(level: LevelView, zone: tzinfo) -> Iterable[str]:
    if level.refusal:
        yield f"Last refusal: <i>{foreign(level.refusal)}</i>"
    if level.next_try is not None:
        yield f"Next try at {clock(level.next_try, zone)}."


STANDS = {
    State.PENDING_ENTRY: "To buy",
    State.PLACED_ENTRY: "Buy on the book",
    State.FILLED_WAIT: "Bought, to sell",
    State.PLACED_EXIT: "Sale on the book",
    State.COMPLETED: "Trade closed",
}


def reason(why: str) -> str:
    """The core's reason for a person: client order ids are left out, which also lets like reasons be drawn together."""
    text = sub(r" ?\b[0-9a-z]{18}\b", "", why)
    for core, said in SAID.items():
        text = text.replace(core, said)
    return foreign(text)


SAID = {
    "waiting for the answer to place": "its order was sent, waiting for the answer",
    "waiting for the answer to cancel": "its order is being cancelled, waiting for the answer",
    "venue": "exchange",
}


def _kind(level: LevelView) -> str:
    """Why, without what differs from level to level: the figures in the exchange's words for a refusal."""
    return level.why.partition(": ")[0] if level.refusal and level.why == level.refusal else level.why


def why_grid(view: GridView, zone: tzinfo) -> str:
    """What a grid's levels do or wait for, those with the same reason together."""
    grid_id = view.grid.id
    head = f"<b>{grid_id}</b> {name(view.grid.symbol)}: {MODES[view.mode]}"
    head += f" ({foreign(view.grid.why)})" if view.grid.why else ""
    if view.mode in (Mode.PAUSED, Mode.HALTED) and view.grid.sale is None and view.grid.ended_at is None:
        head += f". /resume {grid_id} goes on."
    if not view.levels:
        return f"{head}\nNo level of it is left; /pnl all {grid_id} shows what it made."
    groups: dict[tuple[State, str], list[LevelView]] = {}
    for level in view.levels:
        groups.setdefault((level.state, reason(_kind(level))), []).append(level)
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    parts = [head]
    for (state, why), levels in largest[:MOST_REASONS]:
        numbers = numbers_of(int(_number(level)) for level in levels)
        tries = [level.next_try for level in levels if level.next_try is not None]
        again = f"; next try {clock(min(tries), zone)}" if tries else ""
        parts.append(f"{agree(len(levels), 'Level', 'Levels')} {numbers}: {STANDS[state].lower()}: {why}{again}")
    left = sum(len(levels) for _, levels in largest[MOST_REASONS:])
    parts += [f"… and {plural(left, 'more level')}, each with a reason of its own."] if left else []
    refused = [level for level in view.levels if level.refusal]
    if refused:
        last = refused[-1]
        parts.append(f"Last refusal ({last.id}): <i>{foreign(last.refusal)}</i>")
    parts.append(f"/why {view.levels[0].id} looks at one level.")
    return "\n".join(parts)


# -- the market and the account ----------------------------------------------------------------------------------------


def price(quote: Quote, zone: tzinfo, views: Sequence[GridView] = ()) -> str:
    """Best bid and ask, and how the grids of this market stand to them."""
    spread = f"spread {number(quote.ask - quote.bid)} ({distance(quote.ask, quote.bid).removeprefix('+')})"
    line = f"<b>{name(quote.symbol)}</b> bid {{}}, ask {{}}".format(*top(quote.bid, quote.ask))
    parts = [f"{line}, {spread}, at {clock(quote.at, zone)}"]
    for view in views[:MOST_GRIDS]:
        parts.append(f"{view.grid.id}: {_range(view)}")
        parts += _nexts(view)
    return "\n".join(parts)


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
