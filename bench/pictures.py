"""How long pictures take that are sent: of each kind the one with most in it, after the first."""

from collections.abc import Callable, Iterator
from time import perf_counter

from bot.charts import backtest_chart, ladder_chart, preview_chart, profit_chart
from tests.charts.gallery import BACKTESTS, LADDERS, PREVIEWS, PROFITS


def timed(draw: Callable[[], bytes]) -> str:
    began = perf_counter()
    png = draw()
    return f"{perf_counter() - began:.2f} s, {len(png) / 1024:.0f} kB"


def rows() -> Iterator[tuple[str, str]]:
    preview, ladder = PREVIEWS["ten_thousand"](), LADDERS["ten_thousand"]()
    profit, backtest = PROFITS["huge"](), BACKTESTS["years"]()
    yield "the first picture, matplotlib being loaded", timed(lambda: preview_chart(preview))
    yield "preview of 10,000 levels", timed(lambda: preview_chart(preview))
    yield "ladder of 10,000 levels", timed(lambda: ladder_chart(ladder))
    yield "profit", timed(lambda: profit_chart(profit))
    yield "backtest of years", timed(lambda: backtest_chart(backtest))
