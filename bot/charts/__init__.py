"""Pictures for a phone: figures in, PNG bytes out.

Rule: drawn away from the event loop (these functions only compute), matplotlib imported when the first picture is asked
for. Portrait, dark, letters of 28 px and lines of 3 px at least, as a chat makes a JPEG of it on a small screen. A
picture is an extra: whoever asks for one must do without it when drawing fails.
"""

from bot.charts.backtest import BacktestPicture, backtest_chart
from bot.charts.candles import Candles
from bot.charts.ladder import LadderPicture, Mark, Rung, RungKind, ladder_chart
from bot.charts.preview import PreviewPicture, preview_chart
from bot.charts.profit import ProfitPicture, profit_chart
from bot.charts.style import HEIGHT_PX, WIDTH_PX

__all__ = [
    "HEIGHT_PX",
    "WIDTH_PX",
    "BacktestPicture",
    "Candles",
    "LadderPicture",
    "Mark",
    "PreviewPicture",
    "ProfitPicture",
    "Rung",
    "RungKind",
    "backtest_chart",
    "ladder_chart",
    "preview_chart",
    "profit_chart",
]
