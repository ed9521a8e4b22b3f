"""The exchange's own past for a backtest: its public candles, and the rules of the market they are of.

Rule: no key is used and nothing is guessed: a candle that is not over is left out, one that is missing stays missing.
"""

from datetime import timedelta

from bot.clock import SystemClock
from bot.core.model import Market
from bot.errors import MarketError
from bot.exchange.candles import CandleSeries, series_of
from bot.settings import Settings
from bot.wiring.opening import open_history

MINUTE = timedelta(minutes=1)
MINUTES_A_DAY = 1440


async def read_history(settings: Settings, symbol: str, days: int) -> tuple[CandleSeries, Market]:
    """The minutes of the last `days` days, as far as the exchange still tells of them, and the market with the
    exchange's usual fees. SettingsError, MarketError."""
    clock = SystemClock()
    data, connection = open_history(settings, clock)
    try:
        market = await data.market(symbol)
        candles = await data.candles(symbol, days * MINUTES_A_DAY)
        over = [candle for candle in candles if candle.at + MINUTE <= clock.now()]
        if not over:
            raise MarketError(f"{settings.exchange} tells of no minute of {symbol} in the last {days} days")
        return series_of(over, MINUTE), market
    finally:
        await connection.close()
