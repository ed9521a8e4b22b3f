"""What is said of grids traded over past prices. Pure: data in, HTML out.

Rule: how long a past it was and what holding would have brought stand beside every profit; and that it promises nothing
is said.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.specs import as_command
from bot.texts.catalogue import say
from handlers.words.captions import Part, fitted, text_of
from handlers.words.figures import duration, foreign, gain, money, name, pct
from handlers.words.standing import loop_word

if TYPE_CHECKING:
    from bot.backtest import Run

EXAMPLE = "/backtest linear -5% +5% 20 0.001 0.5% loop days=7"


def line(done: "Run") -> str:
    """A backtest in a sentence, for the preview of its grid."""
    report = done.report
    return say(
        "backtests.line",
        span=_span(done),
        trades=say("count.trade", count=report.round_trips),
        profit=gain(report.profit),
        coin=name(done.preview.market.quote),
        share=_share(done),
        fall=money(report.max_drawdown),
        hold=gain(report.hold),
    )


def under_way(days: int, symbol: str) -> str:
    """While it takes longer."""
    return say("backtests.under_way", days=say("count.day", count=days), symbol=name(symbol))


def answer(done: "Run", days: int) -> str:
    """All of a backtest, under its picture: it fits there."""
    spec = done.preview.spec
    levels, minutes = say("count.level", count=spec.count), say("count.minute", count=done.report.bars)
    head = say("backtests.head", shape=spec.shape, symbol=name(spec.symbol), levels=levels, loop=loop_word(spec))
    parts = [
        Part(0, head),
        Part(1, say("backtests.span", span=_span(done), minutes=minutes)),
        *_shorter(done, days),
        Part(1, "\n".join(_figures(done))),
        Part(4, f"<code>{foreign(as_command(spec), 1000)}</code>"),
        Part(2, say("backtests.promise")),
    ]
    return text_of(fitted(parts)[0])


def _figures(done: "Run") -> Iterable[str]:
    report, coin = done.report, name(done.preview.market.quote)
    yield say("backtests.closed", count=report.round_trips)
    yield say("backtests.realised", profit=gain(report.realized), coin=coin, fees=money(report.fees))
    levels = say("count.level", count=report.open_positions)
    yield say("backtests.open", profit=gain(report.unrealized), coin=coin, levels=levels)
    yield say("backtests.together", profit=gain(report.profit), coin=coin, share=_share(done))
    yield say("backtests.fall", fall=money(report.max_drawdown), coin=coin)
    yield say("backtests.hold", hold=gain(report.hold), coin=coin)
    yield say("backtests.capital", capital=money(report.capital, up=True), coin=coin)


def _shorter(done: "Run", days: int) -> list[Part]:
    """Where it is not the past that was asked for."""
    if done.span > timedelta(days=days) - timedelta(hours=1):
        return []
    return [Part(3, say("backtests.shorter", days=say("count.day", count=days)))]


def _span(done: "Run") -> str:
    return duration(done.span.total_seconds())


def _share(done: "Run") -> str:
    """The profit as a part of what is bound."""
    share = done.report.profit_pct
    return f" ({pct(share, sign=True)})" if share is not None else ""
