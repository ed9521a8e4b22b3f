"""The daily report: what the day before brought, by currency."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.core.snapshot import DailyReport
from bot.trading.desk import Desk
from bot.trading.guards import Guard
from bot.trading.state import TradingState


def reports(state: TradingState, guard: Guard, desks: Mapping[str, Desk], now: datetime) -> Iterator[DailyReport]:
    """A report for each currency in which something was ever traded."""
    day = guard.day_of(now - timedelta(days=1))
    profit = guard.profit_by_currency(desks)
    for currency in state.currencies:
        total, that_day = state.total(f"all:{currency}"), state.total(f"all:{currency}:{day}")
        yield DailyReport(
            at=now,
            day=day,
            realised=that_day.realised,
            fees=that_day.fees,
            trades=that_day.trades,
            open_profit=profit.get(currency, total.realised) - total.realised,
            currency=currency,
            funding=that_day.funding,
        )
