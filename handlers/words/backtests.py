"""What is said of grids traded over past prices. Pure: data in, HTML out.

Rule: how long a past it was and what holding would have brought stand beside every profit; and that it promises nothing
is said.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.specs import as_command
from handlers.words.captions import Part, fitted, text_of
from handlers.words.figures import duration, foreign, gain, money, name, pct, plural

if TYPE_CHECKING:
    from bot.backtest import Run

EXAMPLE = "/backtest linear -5% +5% 20 0.001 0.5% loop days=7"
NO_PAST = "No past prices could be had now, so there is no picture of them and no backtest."


def line(done: "Run") -> str:
    """A backtest in a sentence, for the preview of its grid."""
    report, coin = done.report, name(done.preview.market.quote)
    return (
        f"Over the last {_span(done)} it would have closed <b>{plural(report.round_trips, 'trade')}</b>: "
        f"<b>{gain(report.profit)} {coin}</b>{_part(done)}, deepest fall {money(report.max_drawdown)}; "
        f"holding {gain(report.hold)}. Past prices, no promise."
    )


def under_way(days: int, symbol: str) -> str:
    """While it takes longer."""
    return f"Trading the grid over the last {plural(days, 'day')} of {name(symbol)}; that may take half a minute…"


def answer(done: "Run", days: int) -> str:
    """All of a backtest, under its picture: it fits there."""
    report, spec, coin = done.report, done.preview.spec, name(done.preview.market.quote)
    loop = "loop" if spec.loop else "once"
    head = f"<b>Backtest: {spec.shape} {name(spec.symbol)}, {plural(spec.count, 'level')}, {loop}</b>"
    figures = [
        f"Closed trades: <b>{report.round_trips:,}</b>",
        f"Realised: {gain(report.realized)} {coin} after {money(report.fees)} of fees",
        f"Open: {gain(report.unrealized)} {coin} in {plural(report.open_positions, 'level')}",
        f"Together: <b>{gain(report.profit)} {coin}</b>{_part(done)}",
        f"Deepest fall: {money(report.max_drawdown)} {coin}",
        f"Holding instead: {gain(report.hold)} {coin}",
        f"Bound at worst: {money(report.capital, up=True)} {coin}",
    ]
    parts = [
        Part(0, head),
        Part(1, f"The last {_span(done)}, {plural(report.bars, 'minute')} of prices."),
        *_shorter(done, days),
        Part(1, "\n".join(figures)),
        Part(4, f"<code>{foreign(as_command(spec), 1000)}</code>"),
        Part(2, "Past prices: an order fills when the market trades through it. No promise."),
    ]
    return text_of(fitted(parts)[0])


def _shorter(done: "Run", days: int) -> list[Part]:
    """Where it is not the past that was asked for."""
    if done.span > timedelta(days=days) - timedelta(hours=1):
        return []
    return [Part(3, f"Of the {plural(days, 'day')} asked for: more is not known, or would take too long.")]


def _span(done: "Run") -> str:
    return duration(done.span.total_seconds()).removesuffix(" 0 h")


def _part(done: "Run") -> str:
    """The profit as a part of what is bound."""
    part = done.report.profit_pct
    return f" ({pct(part, sign=True)})" if part is not None else ""
