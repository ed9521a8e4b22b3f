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
from bot.texts.catalogue import say
from handlers.words.figures import about, duration, foreign, gain, money, name, number, pct, stamp, table
from handlers.words.leaves import LAST, Leaf, cut

MOST_LOG_LINE = 400
TRADES_A_PAGE = 10
LOG_PAGE = 3400
"""Characters of log lines on a page, markup and all."""


def profit(views: Sequence[ProfitView], period: str, name_: str | None, *, unpriced: bool = False) -> str:
    """Profit by currency over a period, of a grid, a level, or all; `unpriced`: some holding has no price now, and its
    coins are left out."""
    time = say(f"statements.period.{period}")
    head = say("statements.profit_of", name=name_, period=time) if name_ else say("statements.profit", period=time)
    if not views:
        return f"{head}\n{say('statements.nothing_traded')}"
    parts = [head]
    for view in views:
        parts += [table(("", name(view.currency)), _profit_rows(view)), *_beside(view)]
    if unpriced:
        parts.append(say("statements.unpriced"))
    parts.append(say("statements.profit_further"))
    return "\n".join(parts)


def _profit_rows(view: ProfitView) -> list[tuple[str, str]]:
    totals = view.totals
    rows = [
        ("realised", gain(totals.realised)),
        *([("funding", gain(totals.funding))] if totals.funding else []),
        ("open_now", gain(view.open_profit)) if view.period == "all" else ("open_change", gain(view.open_change)),
        ("total", gain(view.total)),
        ("fees", money(totals.fees)),
        ("trades", number(totals.trades)),
        ("volume", money(totals.volume)),
    ]
    if view.total_pct is not None:
        rows += [("capital", money(view.capital, up=True)), ("total_pct", pct(view.total_pct, sign=True))]
    if view.hold is not None:
        rows.append(("holding", gain(view.hold)))
    return [(say(f"statements.row.{row}"), figure) for row, figure in rows]


def _beside(view: ProfitView) -> Iterable[str]:
    """What the figures of the table mean, where they need it."""
    coin = name(view.currency)
    if view.period != "all":
        yield say("statements.open_now", profit=gain(view.open_profit), coin=coin)
    if view.held_cost:
        yield say("statements.held_cost", cost=money(view.held_cost), coin=coin)
    if paid := [f"{money(amount)} {name(each)}" for each, amount in view.fees if amount]:
        yield say("statements.fees", fees=listed(paid))
    if view.hold is not None:
        yield say("statements.capital")


def trades(trips: Sequence[RoundTrip], zone: tzinfo, place: int = 0) -> Leaf:
    """Closed trades, newest first, and the sum of all of them."""
    if not trips:
        return Leaf(say("statements.no_trades"))
    shown, place, count = cut(trips, TRADES_A_PAGE, place)
    parts = [say("statements.last_trades", count=len(trips)), *(_trade(trip, zone) for trip in shown)]
    for currency in dict.fromkeys(trip.currency for trip in trips):
        pnls = [trip.pnl for trip in trips if trip.currency == currency]
        if len(pnls) > 1:
            profit_ = gain(sum(pnls, ZERO))
            parts.append(say("statements.together", count=len(pnls), profit=profit_, coin=name(currency)))
    return Leaf("\n".join(parts), place, count)


def _trade(trip: RoundTrip, zone: tzinfo) -> str:
    return say(
        "statements.trade",
        time=stamp(trip.closed_at, zone),
        level=trip.executor,
        profit=gain(trip.pnl),
        coin=name(trip.currency),
        amount=number(trip.qty),
        entry=about(trip.entry),
        exit=about(trip.exit),
    )


def exported(sheet: str, count: int) -> str:
    """Under a CSV document."""
    what = "statements.exported_trades" if sheet.startswith("trades") else "statements.exported_fills"
    return say(what, count=count)


def too_large(path: Path) -> str:
    """A document that Telegram would not take."""
    return say("statements.too_large", file=foreign(path.name), path=foreign(path))


def logs(lines: Sequence[str], place: int = LAST) -> Leaf:
    """The tail of ops.log, oldest first, as it stands there; the last page unless another is asked for."""
    if not lines:
        return Leaf(say("statements.log_empty"))
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
    beat = say("health.no_heartbeat") if view.beat_age is None else say("health.heartbeat", age=duration(view.beat_age))
    is_kept = not any(trouble.startswith("store:") for trouble in view.troubles)
    parts = [
        say("health.trouble") if view.troubles else say("health.well"),
        *(f"⚠️ {foreign(trouble)}" for trouble in view.troubles[:5]),
        beat,
        say("health.not_up") if age is None else say("health.up", age=duration(age)),
        _exchange(vitals),
        say("health.store") if is_kept else say("health.store_broken"),
        _carries(view),
        say("health.in_doubt", count=view.in_doubt) if view.in_doubt else say("health.none_in_doubt"),
        say("health.undelivered", count=view.undelivered),
        _memory(vitals),
    ]
    return "\n".join(parts)


def _exchange(vitals: Vitals) -> str:
    if vitals.latency is None:
        return say("health.exchange_silent", silence=foreign(vitals.silence))
    return say("health.exchange", milliseconds=f"{1000 * vitals.latency:,.0f}")


def _carries(view: HealthView) -> str:
    return say(
        "health.carries",
        grids=say("count.grid", count=view.grids),
        levels=say("count.level", count=view.executors),
        orders=say("count.order", count=view.resting),
    )


def _memory(vitals: Vitals) -> str:
    now = _mib(vitals.memory) if vitals.memory is not None else say("health.unknown")
    if vitals.peak is None:
        return say("health.memory", now=now)
    return say("health.memory_peak", now=now, peak=_mib(vitals.peak))


def _mib(memory: float) -> str:
    return say("health.mib", mib=f"{memory:,.0f}")


def version(bot: str, python: str, libraries: Sequence[tuple[str, str]]) -> str:
    """What runs here."""
    rest = ", ".join(f"{library} {its}" for library, its in libraries)
    return say("statements.version", bot=foreign(bot), python=foreign(python), libraries=foreign(rest))


def start(person: str, tag: str, *, owner: bool) -> str:
    """The greeting. `tag` says that money is not real, empty when it is."""
    hello = say("statements.hello", person=foreign(person, 64)) if person else say("statements.hello_nobody")
    pretended = say("statements.pretended") if tag else say("statements.real")
    return "\n".join(
        [
            f"{hello} {say('statements.trade_grids')} {pretended}",
            *([] if owner else [say("statements.viewer")]),
            say("statements.start_further"),
        ]
    )


def help_(commands: Sequence[tuple[str, str]], *, owner: bool) -> str:
    """The list of commands: (usage, help line), in the order of the table."""
    lines = [f"/{foreign(usage)} – {foreign(line)}" for usage, line in commands]
    return "\n".join([say("statements.help"), *lines, *([] if owner else [say("statements.help_viewer")])])
