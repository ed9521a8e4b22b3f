"""Profit over a period: of a level, a grid, or everything in a currency.

Rule: figures are differences of sums the state keeps, so a report costs the same after ten or a million closed trades.
Four definitions:
* a period is made of the owner's days: `day` is today, `week` the last 7 days and `month` the last 30, today included;
* total = realised + the change of the open profit since the period began (for `all`: the open profit);
* the capital is what the grids alive at one time could bind at worst, every level bought at its own entry: the most
  there was of it in the period;
* holding is what that capital would have gained as coins, each grid's bought at the bid it began at, without fees, and
  no further than its end; over a period, the change of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from bot.core.curve import Point
from bot.core.executor import PositionExecutor
from bot.core.flows import Fees, less, together
from bot.core.money import HUNDRED, ZERO, average
from bot.core.portfolio import Grid, Totals
from bot.manager import TradeManager
from bot.trading.bookkeeping import held_instead
from bot.trading.guards import holding_of
from bot.trading.state import TradingState

DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True, slots=True)
class ProfitView:
    """Profit in one currency over a period; the definitions are the module's. None of the figures is rounded.

    `open_profit` and `held_cost` are of now, `started` is how things stood when the period began (None: with nothing).
    `fees` are of all fills of the period, by the coin they were paid in; those of `totals` belong to its closed trades.
    `capital` is 0 and `hold` None where they are not known. `course` are the points of the period, the last of now.
    """

    currency: str
    period: str
    totals: Totals
    open_profit: Decimal
    held_cost: Decimal
    started: Point | None = None
    fees: Fees = ()
    capital: Decimal = ZERO
    hold: Decimal | None = None
    course: tuple[Point, ...] = ()

    @property
    def open_change(self) -> Decimal:
        return self.open_profit - (self.started.open_profit if self.started is not None else ZERO)

    @property
    def total(self) -> Decimal:
        return self.totals.realised + self.open_change

    @property
    def total_pct(self) -> Decimal | None:
        """The total in per cent of the capital."""
        return average(self.total * HUNDRED, self.capital) if self.capital else None


def days_of(manager: TradeManager, period: str) -> Sequence[str]:
    """The owner's days in a period (`day`, `week`, `month`), today last; none for `all`."""
    today = date.fromisoformat(manager.heartbeat.guard.day_of(manager.world.clock.now()))
    return [(today - timedelta(days=back)).isoformat() for back in reversed(range(DAYS.get(period, 0)))]


def _begin(manager: TradeManager, days: Sequence[str]) -> datetime | None:
    """The midnight a period began with."""
    return datetime.combine(date.fromisoformat(days[0]), time(), manager.policy.timezone) if days else None


def profit_views(manager: TradeManager, period: str, grid: Grid | None = None) -> list[ProfitView]:
    """Profit by currency over `day`, `week`, `month` or `all`; of one grid or of everything."""
    state = manager.state
    groups: dict[str, list[Grid]] = {}
    for each in state.grids.values() if grid is None else (grid,):
        groups.setdefault(state.markets[each.symbol].quote, []).append(each)
    return [_view(manager, period, currency, grids, grid) for currency, grids in groups.items()]


def _view(manager: TradeManager, period: str, currency: str, grids: list[Grid], grid: Grid | None) -> ProfitView:
    state, days = manager.state, days_of(manager, period)
    key = grid.id if grid is not None else f"all:{currency}"
    parts = [state.total(f"{key}:{day}") for day in days] if days else [state.total(key)]
    open_profit = held_cost = ZERO
    for each in grids:
        holding, quote = holding_of(each, state), manager.heartbeat.desks[each.symbol].quote
        open_profit += holding.open_profit(quote.bid) if quote is not None else holding.unsettled
        held_cost += holding.cost
    before, course = _course(manager, currency, grid, _begin(manager, days))
    capital = max((point.capital for point in course), default=ZERO)
    now_hold, then_hold = (course[-1].hold if course else None), (before.hold if before is not None else ZERO)
    return ProfitView(
        currency=currency,
        period=period,
        totals=_sum(parts),
        open_profit=open_profit,
        held_cost=held_cost,
        started=before,
        fees=together(*(_fees(state, each.id, days) for each in grids)),
        capital=capital,
        hold=now_hold - then_hold if now_hold is not None and then_hold is not None else None,
        course=tuple(course),
    )


def _fees(state: TradingState, grid_id: str, days: Sequence[str]) -> Fees:
    """Fees of a grid's fills, by coin, in these days; without days of all time."""
    fees = state.flow(grid_id).fees
    if not days:
        return fees
    before = state.flow_before(grid_id, days)
    return less(fees, before.fees) if before is not None else ()


def _sum(parts: Sequence[Totals]) -> Totals:
    return Totals(
        trades=sum(part.trades for part in parts),
        realised=sum((part.realised for part in parts), ZERO),
        fees=sum((part.fees for part in parts), ZERO),
        volume=sum((part.volume for part in parts), ZERO),
        funding=sum((part.funding for part in parts), ZERO),
    )


def _course(
    manager: TradeManager, currency: str, grid: Grid | None, begin: datetime | None
) -> tuple[Point | None, list[Point]]:
    """How things stood when the period began (None: there was nothing yet), and the points since, that of now last."""
    books, now = manager.heartbeat.bookkeeper, manager.world.clock.now()
    quotes = {symbol: desk.quote for symbol, desk in manager.heartbeat.desks.items()}
    live: Point | None = None
    if grid is None:
        live = books.point_of_all(currency, quotes, now)
    elif grid.ended_at is None:
        live = books.point_of(grid, quotes.get(grid.symbol), now)
    curve = books.curves.get(grid.id if grid is not None else f"all:{currency}")
    before = curve.at_start(begin) if curve is not None and begin is not None else None
    points = ([*curve] if begin is None else curve.since(begin)) if curve is not None else []
    return before, [*points, *([live] if live is not None else [])]


def level_profit(manager: TradeManager, executor: PositionExecutor) -> ProfitView:
    """Profit of one level since it began."""
    state, grid = manager.state, manager.state.grids[executor.level.grid]
    quote, books = manager.heartbeat.desks[grid.symbol].quote, executor.books
    capital = executor.level.amount * executor.level.entry
    known = quote is not None and grid.start_price
    return ProfitView(
        currency=executor.market.quote,
        period="all",
        totals=state.total(executor.id),
        open_profit=books.open_profit(quote.bid) if quote is not None else books.unsettled,
        held_cost=books.held_cost,
        capital=capital,
        hold=held_instead(capital, grid.start_price, quote.bid) if known and quote is not None else None,
    )
