"""What is said of the results and of the worker itself: profit, trades, logs, health, help. Pure: data in, HTML out.

Rule: profit is always three figures, realised, open and their total, and each says of which time it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from bot.core.accounting import RoundTrip
from bot.core.money import ZERO
from bot.core.symbols import listed
from bot.reports.profits import ProfitView
from bot.reports.views import HealthView
from handlers.words.figures import about, duration, foreign, gain, money, name, number, pct, plural, stamp, table
from handlers.words.leaves import LAST, Leaf, cut

PERIODS = {"day": "today", "week": "the last 7 days", "month": "the last 30 days", "all": "all time"}
MOST_LOG_LINE = 400
TRADES_A_PAGE = 10
LOG_PAGE = 3400
"""Characters of log lines on a page, markup and all."""


def profit(views: Sequence[ProfitView], period: str, name_: str | None, *, unpriced: bool = False) -> str:
    """Profit by currency over a period, of a grid, a level, or all; `unpriced`: some holding has no price now, and its
    coins are left out."""
    of = f" of {name_}" if name_ is not None else ""
    parts = [f"<b>Profit{of}, {PERIODS[period]}</b>"]
    if not views:
        return f"{parts[0]}\nNothing was traded yet. /status shows how near the first trade is."
    for view in views:
        parts += [table(("", name(view.currency)), _profit_rows(view)), *_beside(view)]
    if unpriced:
        parts.append("⚠️ A market has no price now: the open profit leaves its coins out.")
    parts.append("Realised is after fees. /trades lists the last trades, /export has all, /pnl week g1 asks for less.")
    return "\n".join(parts)


def _profit_rows(view: ProfitView) -> list[tuple[str, str]]:
    totals = view.totals
    rows = [
        ("realised", gain(totals.realised)),
        *([("of it funding", gain(totals.funding))] if totals.funding else []),
        ("open now", gain(view.open_profit)) if view.period == "all" else ("open, change", gain(view.open_change)),
        ("total", gain(view.total)),
        ("fees paid", money(totals.fees)),
        ("trades", number(totals.trades)),
        ("volume", money(totals.volume)),
    ]
    if view.total_pct is not None:
        rows += [("capital", money(view.capital, up=True)), ("total of it", pct(view.total_pct, sign=True))]
    if view.hold is not None:
        rows.append(("holding", gain(view.hold)))
    return rows


def _beside(view: ProfitView) -> Iterable[str]:
    """What the figures of the table mean, where they need it."""
    coin = name(view.currency)
    if view.period != "all":
        yield f"Open now {gain(view.open_profit)} {coin}."
    if view.held_cost:
        yield f"Held coins cost {money(view.held_cost)} {coin}."
    if paid := [f"{money(amount)} {name(each)}" for each, amount in view.fees if amount]:
        yield f"Fees of all fills: {listed(paid)}."
    if view.hold is not None:
        yield "Capital is what is bound at worst; holding is the same capital put into coins at the start."


def trades(trips: Sequence[RoundTrip], zone: tzinfo, place: int = 0) -> Leaf:
    """Closed trades, newest first, and the sum of all of them."""
    if not trips:
        return Leaf("No trade has closed yet. /status shows how near the next is.")
    shown, place, count = cut(trips, TRADES_A_PAGE, place)
    parts = [f"<b>The last {plural(len(trips), 'closed trade')}</b>"]
    parts += [
        f"{stamp(trip.closed_at, zone)} {trip.executor} <b>{gain(trip.pnl)} {name(trip.currency)}</b>: "
        f"{number(trip.qty)} from {about(trip.entry)} to {about(trip.exit)}"
        for trip in shown
    ]
    for currency in dict.fromkeys(trip.currency for trip in trips):
        pnls = [trip.pnl for trip in trips if trip.currency == currency]
        if len(pnls) > 1:
            parts.append(f"All {len(pnls):,} together <b>{gain(sum(pnls, ZERO))} {name(currency)}</b>")
    return Leaf("\n".join(parts), place, count)


def exported(sheet: str, count: int) -> str:
    """Under a CSV document."""
    what = "closed trade" if sheet.startswith("trades") else "fill"
    return f"{plural(count, what)}, each figure exact, times in UTC"


def nothing_to_export() -> str:
    """There is no trade and no fill yet."""
    return "Nothing was traded yet, so there is nothing to export. /status shows how near the next trade is."


def too_large(path: Path) -> str:
    """A document that Telegram would not take."""
    return f"{foreign(path.name)} is too large to be sent here; it lies at <code>{foreign(path)}</code>."


def logs(lines: Sequence[str], place: int = LAST) -> Leaf:
    """The tail of ops.log, oldest first, as it stands there; the last page unless another is asked for."""
    if not lines:
        return Leaf("ops.log is empty.")
    (shown,), place, count = cut(_log_pages(lines), 1, place)
    return Leaf(f"<pre>{shown}</pre>", place, count)


def _log_pages(lines: Sequence[str]) -> list[str]:
    """As many lines a page as fit; the last page is full, for it is the one that is looked at."""
    pages: list[str] = []
    for line in reversed([foreign(line, MOST_LOG_LINE) for line in lines]):
        if pages and len(pages[0]) + len(line) < LOG_PAGE:
            pages[0] = f"{line}\n{pages[0]}"
        else:
            pages.insert(0, line)
    return pages


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was measured of the process for /health. `latency` is the exchange's, in seconds; None with the reason in
    `silence` when it did not answer. Memory in MiB, None where the system doesn't tell."""

    latency: float | None
    silence: str
    memory: float | None
    peak: float | None


def health(view: HealthView, vitals: Vitals, age: float | None) -> str:
    """How the worker is; `age` in seconds is how long it has been up."""
    beat = "none yet" if view.beat_age is None else f"{duration(view.beat_age)} ago"
    exchange = f"⚠️ {foreign(vitals.silence)}"
    if vitals.latency is not None:
        exchange = f"answers in {1000 * vitals.latency:,.0f} ms"
    store = "⚠️ can't be written" if any(trouble.startswith("store:") for trouble in view.troubles) else "kept"
    memory = "unknown" if vitals.memory is None else f"{vitals.memory:,.0f} MiB"
    if vitals.peak is not None:
        memory += f", at most {vitals.peak:,.0f} MiB so far"
    parts = [
        f"<b>{'⚠️ There is trouble' if view.troubles else '✅ All well'}</b>",
        *(f"⚠️ {foreign(trouble)}" for trouble in view.troubles[:5]),
        f"Last heartbeat: {beat}",
        f"Up: {duration(age) if age is not None else 'not started yet'}",
        f"Exchange: {exchange}",
        f"Store: {store}",
        f"Carries: {plural(view.grids, 'grid')}, {plural(view.executors, 'level')}, {plural(view.resting, 'order')}",
        f"Orders in doubt: {view.in_doubt:,}" + (" (being looked up)" if view.in_doubt else ""),
        f"Messages waiting: {view.undelivered:,}",
        f"Memory: {memory}",
    ]
    return "\n".join(parts)


def version(bot: str, python: str, libraries: Sequence[tuple[str, str]]) -> str:
    """What runs here."""
    rest = ", ".join(f"{library} {its}" for library, its in libraries)
    return f"RexLapis Bot <b>{foreign(bot)}</b>\nPython {foreign(python)}, {foreign(rest)}"


def start(person: str, tag: str, *, owner: bool) -> str:
    """The greeting. `tag` says that money is not real, empty when it is."""
    money_ = "The money here is pretended: try things." if tag else "Orders here are real."
    looks = "" if owner else "You may look at everything; grids are made and steered by the owner.\n"
    hello = f"Hello {foreign(person, 64)}." if person else "Hello."
    return (
        f"{hello} I trade grids: many small buys, each sold a little higher. {money_}\n"
        f"{looks}/status is the one glance, /help lists all there is."
    )


def begin() -> str:
    """Above the button that begins a grid."""
    return (
        "Begin with <b>New grid</b> or /new: I ask step by step and suggest what works at today's price. You see all "
        "before anything is sent."
    )


def help_(commands: Sequence[tuple[str, str]], *, owner: bool) -> str:
    """The list of commands: (usage, help line), in the order of the table."""
    lines = [f"/{foreign(usage)} – {foreign(line)}" for usage, line in commands]
    who = "" if owner else "\nWhat changes something is for the owner and not listed."
    return "<b>What I can do</b>\n" + "\n".join(lines) + who
