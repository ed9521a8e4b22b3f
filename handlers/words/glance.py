"""The one glance: how all of it stands, and the market. Pure: views in, HTML out.

Rule: what is wrong comes first, and all of it fits one screen of a phone: a few grids in full, the others in a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo

from bot.core.model import Quote
from bot.core.portfolio import Totals
from bot.reports.views import GridView, HealthView
from bot.texts.catalogue import say
from handlers.words.figures import about, clock, distance, duration, fixed, foreign, gain, name, number, top
from handlers.words.standing import in_range, mode_word, nexts

IN_FULL = 4
"""Grids with a bar and their next orders; of those after them a line each."""
MOST_GRIDS = 12
MOST_TROUBLES = 5
LATE = 30.0
"""Seconds without a heartbeat that are told."""


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
        parts.append(say("glance.more_troubles", count=len(troubles) - MOST_TROUBLES))
    if not views:
        return "\n".join([*parts, say("glance.no_grids"), _beat(health, at, zone)])
    shown = sorted(views[:MOST_GRIDS], key=lambda view: [each.grid.symbol for each in views].index(view.grid.symbol))
    symbol = ""
    for place, view in enumerate(shown):
        if view.grid.symbol != symbol:
            symbol = view.grid.symbol
            parts.append(_market(view))
        parts.append(_in_full(view) if place < IN_FULL else _line(view))
    if len(views) > MOST_GRIDS:
        parts.append(say("standing.more_grids", count=len(views) - MOST_GRIDS))
    if len(views) > 1 or any(total.funding for total in today.values()):
        sums = "; ".join(_sum(coin, total) for coin, total in today.items())
        parts.append(say("glance.all_today", sums=sums) if sums else say("glance.none_today"))
    return "\n".join([*parts, _beat(health, at, zone)])


def _market(view: GridView) -> str:
    symbol, liquidation = name(view.grid.symbol), _liquidation(view)
    if view.quote is None:
        return say("glance.no_price", symbol=symbol, liquidation=liquidation)
    return say("glance.market", symbol=symbol, price=number(view.quote.bid), liquidation=liquidation)


def _liquidation(view: GridView) -> str:
    if view.liquidation is None:
        return ""
    away = f" ({distance(view.liquidation, view.quote.bid)})" if view.quote is not None else ""
    return say("glance.liquidation", price=f"{about(view.liquidation)}{away}")


def _in_full(view: GridView) -> str:
    return "\n".join([_head(view), in_range(view), *nexts(view), _profit(view)])


def _head(view: GridView) -> str:
    mode, orders = mode_word(view.mode), say("count.order", count=view.resting)
    return say("glance.grid", grid=view.grid.id, mode=mode, orders=orders, count=view.holding_levels)


def _profit(view: GridView) -> str:
    """Today's, and in all."""
    coin, total = name(view.currency), gain(view.totals.realised + view.open_profit)
    if not view.today.trades:
        return say("glance.no_trade_today", total=total, coin=coin)
    trades = say("count.trade", count=view.today.trades)
    return say("glance.today", profit=gain(view.today.realised), trades=trades, total=total, coin=coin)


def _line(view: GridView) -> str:
    orders, total = say("count.order", count=view.resting), view.totals.realised + view.open_profit
    return f"<b>{view.grid.id}</b> {mode_word(view.mode)}, {orders}, {gain(total)}"


def _sum(coin: str, total: Totals) -> str:
    """Of a currency, in all."""
    funding = say("glance.funding", funding=gain(total.funding)) if total.funding else ""
    trades = say("count.trade", count=total.trades)
    return say("glance.sum", profit=gain(total.realised), coin=name(coin), funding=funding, trades=trades)


def _beat(health: HealthView, at: datetime, zone: tzinfo) -> str:
    """When this was true, and that the trader lives."""
    if health.beat_age is None:
        return say("glance.no_heartbeat", time=clock(at, zone))
    late = "⚠️ " if health.beat_age > LATE else ""
    return late + say("glance.heartbeat", time=clock(at, zone), age=duration(health.beat_age))


def price(quote: Quote, zone: tzinfo, views: Sequence[GridView] = ()) -> str:
    """Best bid and ask, and how the grids of this market stand to them."""
    bid, ask = top(quote.bid, quote.ask)
    spread = fixed(quote.ask - quote.bid, len(bid.partition(".")[2]))
    share = distance(quote.ask, quote.bid).removeprefix("+")
    parts = [
        say("glance.price_at", symbol=name(quote.symbol), time=clock(quote.at, zone)),
        say("glance.book", bid=bid, ask=ask, spread=spread, share=share),
        *_grids_there(views),
    ]
    return "\n".join(parts)


def _grids_there(views: Sequence[GridView]) -> Iterable[str]:
    for view in views[:MOST_GRIDS]:
        yield f"<b>{view.grid.id}</b> {in_range(view)}"
        yield from nexts(view)
    if len(views) > MOST_GRIDS:
        yield say("standing.more_grids", count=len(views) - MOST_GRIDS)
