"""The one glance: how all of it stands, and the market. Pure: views in, HTML out.

Rule: what is wrong comes first, and all of it fits one screen of a phone: a few grids in full, the others in a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo

from bot.core.model import Quote
from bot.core.portfolio import Totals
from bot.reports.views import GridView, HealthView
from handlers.words.figures import about, clock, distance, duration, fixed, foreign, gain, name, number, plural, top
from handlers.words.standing import MODES, in_range, nexts

IN_FULL = 4
"""Grids with a bar and their next orders; of those after them a line each."""
MOST_GRIDS = 12
MOST_TROUBLES = 5
LATE = 30.0
"""Seconds without a heartbeat that are told."""

NO_GRIDS = "No grid runs. /new makes one step by step; /help lists everything."


def status(
    views: Sequence[GridView],
    health: HealthView,
    troubles: Sequence[str],
    today: Mapping[str, Totals],
    at: datetime,
    zone: tzinfo,
) -> str:
    """The one glance. `today` is what was realised by currency."""
    parts = [f"⚠️ {foreign(trouble[:1].upper() + trouble[1:])}" for trouble in troubles[:MOST_TROUBLES]]
    if len(troubles) > MOST_TROUBLES:
        parts.append(f"⚠️ and {plural(len(troubles) - MOST_TROUBLES, 'more trouble')}: /health")
    if not views:
        return "\n".join([*parts, NO_GRIDS, _beat(health, at, zone)])
    shown = sorted(views[:MOST_GRIDS], key=lambda view: [each.grid.symbol for each in views].index(view.grid.symbol))
    symbol = ""
    for place, view in enumerate(shown):
        if view.grid.symbol != symbol:
            symbol = view.grid.symbol
            parts.append(_market(view))
        parts.append(_in_full(view) if place < IN_FULL else _line(view))
    if len(views) > MOST_GRIDS:
        parts.append(f"… and {plural(len(views) - MOST_GRIDS, 'more grid')}: /grids")
    if len(views) > 1 or any(total.funding for total in today.values()):
        sums = [_today(coin, total) for coin, total in today.items()]
        parts.append(f"Today in all: {'; '.join(sums) if sums else 'no trade closed yet'}")
    return "\n".join([*parts, _beat(health, at, zone)])


def _market(view: GridView) -> str:
    price = number(view.quote.bid) if view.quote is not None else "has no price now"
    return f"<b>{name(view.grid.symbol)}</b> {price}{_liquidation(view)}"


def _liquidation(view: GridView) -> str:
    if view.liquidation is None:
        return ""
    away = f" ({distance(view.liquidation, view.quote.bid)})" if view.quote is not None else ""
    return f", liquidation at {about(view.liquidation)}{away}"


def _in_full(view: GridView) -> str:
    coin, total = name(view.currency), view.totals.realised + view.open_profit
    today = f"{gain(view.today.realised)} in {plural(view.today.trades, 'trade')}" if view.today.trades else "no trade"
    lines = [_head(view), in_range(view), *nexts(view), f"Today {today}, in all <b>{gain(total)} {coin}</b>"]
    return "\n".join(lines)


def _head(view: GridView) -> str:
    mode = MODES[view.mode]
    return f"<b>{view.grid.id}</b> {mode}, {plural(view.resting, 'order')}, {view.holding_levels:,} holding"


def _line(view: GridView) -> str:
    total = view.totals.realised + view.open_profit
    return f"<b>{view.grid.id}</b> {MODES[view.mode]}, {plural(view.resting, 'order')}, {gain(total)}"


def _today(coin: str, total: Totals) -> str:
    funding = f" ({gain(total.funding)} of it funding)" if total.funding else ""
    return f"<b>{gain(total.realised)} {name(coin)}</b>{funding} in {plural(total.trades, 'trade')}"


def _beat(health: HealthView, at: datetime, zone: tzinfo) -> str:
    """When this was true, and that the trader lives."""
    if health.beat_age is None:
        return f"{clock(at, zone)}, no heartbeat yet"
    late = "⚠️ " if health.beat_age > LATE else ""
    return f"{late}{clock(at, zone)}, heartbeat {duration(health.beat_age)} ago"


def price(quote: Quote, zone: tzinfo, views: Sequence[GridView] = ()) -> str:
    """Best bid and ask, and how the grids of this market stand to them."""
    bid, ask = top(quote.bid, quote.ask)
    spread = fixed(quote.ask - quote.bid, len(bid.partition(".")[2]))
    parts = [
        f"<b>{name(quote.symbol)}</b> at {clock(quote.at, zone)}",
        f"bid {bid}, ask {ask}, spread {spread} ({distance(quote.ask, quote.bid).removeprefix('+')})",
        *_grids_there(views),
    ]
    return "\n".join(parts)


def _grids_there(views: Sequence[GridView]) -> Iterable[str]:
    for view in views[:MOST_GRIDS]:
        yield f"<b>{view.grid.id}</b> {in_range(view)}"
        yield from nexts(view)
    if len(views) > MOST_GRIDS:
        yield f"… and {plural(len(views) - MOST_GRIDS, 'more grid')}: /grids"
