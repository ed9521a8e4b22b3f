"""The books of the account while it trades: each fill counted and journalled as it is folded, and once an hour a point
of every grid's course.

Rule: sums grow with what happens and are never added up anew; what is written here changes no decision of the trader.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from bot.core import client_ids
from bot.core.accounting import fee_value
from bot.core.curve import Curve, Point
from bot.core.events import HoldingSold, OrderFilled
from bot.core.executor import PositionExecutor
from bot.core.flows import BookedFill
from bot.core.model import Fill, Market, Quote, Side
from bot.core.money import AVERAGES, ZERO
from bot.core.portfolio import Grid
from bot.core.values import evolve
from bot.trading.desk import Desk
from bot.trading.guards import holding_of
from bot.trading.state import TradingState


class Bookkeeper:
    """See the module's rule."""

    def __init__(self, state: TradingState, zone: tzinfo) -> None:
        self._state = state
        self._zone = zone
        self._day = ""
        self._from = self._until = datetime.min.replace(tzinfo=UTC)
        self._curves: dict[str, Curve] | None = None
        self._looked: tuple[int, int] | None = None

    # -- fills -----------------------------------------------------------------------------------------------------

    def booked(self, executor: PositionExecutor, event: OrderFilled | HoldingSold) -> None:
        """A fill, or a level's share of one, is in an executor's books: count it in its grid's sums, and journal it. A
        share of a closing sale is journalled with the whole of it; what was written off has no order."""
        fill, grid_id = event.fill, executor.level.grid
        key = client_ids.decode(event.client_id)
        side = key.leg.side if key is not None else Side.SELL
        self._state.add_fill(grid_id, self._day_of(fill.at), side, fill)
        if isinstance(event, OrderFilled) or key is None:
            cycle = key.cycle if key is not None else executor.cycle
            self._state.put_fill(_entry(event.client_id, side, fill, executor.market, grid_id, executor.id, cycle))

    def sold_together(self, grid: Grid, event: OrderFilled) -> None:
        """A fill of a grid's closing sale is in the books of its levels: journal it as the one trade it is."""
        market = self._state.markets[grid.symbol]
        self._state.put_fill(_entry(event.client_id, Side.SELL, event.fill, market, grid.id, "", 0))

    def _day_of(self, at: datetime) -> str:
        """The owner's calendar day; that of the last fill is at hand."""
        if not self._from <= at < self._until:
            local = at.astimezone(self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
            self._day, self._from = local.date().isoformat(), local.astimezone(UTC)
            self._until = (local + timedelta(days=1)).astimezone(UTC)
        return self._day

    # -- the course of profit --------------------------------------------------------------------------------------

    @property
    def curves(self) -> Mapping[str, Curve]:
        """The course of each grid (`g1`) and of everything in a currency (`all:USDT`)."""
        return self._known()

    def _known(self) -> dict[str, Curve]:
        if self._curves is None:
            series: dict[str, list[Point]] = {}
            for point in self._state.points.values():
                series.setdefault(point.series, []).append(point)
            self._curves = {name: Curve(self._zone) for name in series}
            for name, points in series.items():
                self._curves[name].fill(points)
        return self._curves

    def sample(self, desks: Mapping[str, Desk], now: datetime) -> None:
        """Once a minute: note a point of every course whose hour has none yet, where there is a price to go by."""
        grids = self._state.grids.values()
        for grid in grids:
            desk = desks.get(grid.symbol)
            if grid.ended_at is None and desk is not None and desk.quote is not None:
                self._completed(grid, desk.quote)
        local = now.astimezone(self._zone)
        hour = local.toordinal(), local.hour
        due = [grid for grid in grids if self._is_due(grid, now)]
        if not due and hour == self._looked:
            return
        self._looked = hour
        quotes = {symbol: desk.quote for symbol, desk in desks.items()}
        for grid in due:
            if (point := self.point_of(grid, quotes.get(grid.symbol), now)) is not None:
                self._put(point)
        for currency in {self._state.markets[grid.symbol].quote for grid in grids}:
            together = self.point_of_all(currency, quotes, now)
            if together is not None and self._curve(together.series).is_due(now):
                self._put(together)

    def _completed(self, grid: Grid, quote: Quote) -> None:
        """A grid that came from an older state or from its orders learns where its course begins."""
        if not grid.capital or not grid.start_price:
            capital = grid.capital or sum(map(_bound, self._levels(grid)), ZERO)
            self._state.put_grid(evolve(grid, capital=capital, start_price=grid.start_price or quote.bid))

    def _levels(self, grid: Grid) -> Iterable[PositionExecutor]:
        return (self._state.executors[key] for key in self._state.members[grid.id])

    def _is_due(self, grid: Grid, now: datetime) -> bool:
        """A grid's course goes on hour by hour, and has a last point at its end."""
        curve = self._curve(grid.id)
        if grid.ended_at is None:
            return curve.is_due(now)
        return curve.last is not None and curve.last.at < grid.ended_at

    def _curve(self, series: str) -> Curve:
        return self._known().setdefault(series, Curve(self._zone))

    def _put(self, point: Point) -> None:
        self._state.put_point(point)
        for old in self._curve(point.series).add(point):
            self._state.drop_point(old)

    def point_of(self, grid: Grid, quote: Quote | None, now: datetime) -> Point | None:
        """How a grid stands; None while coins are held and there is no price."""
        holding = holding_of(grid, self._state)
        if quote is None and holding.amount:
            return None
        open_profit = holding.open_profit(quote.bid) if quote is not None else holding.unsettled
        hold = None
        if grid.start_price and quote is not None:
            hold = held_instead(grid.capital, grid.start_price, quote.bid)
        capital = grid.capital if grid.ended_at is None else ZERO
        return Point(grid.id, now, self._state.total(grid.id).realised, open_profit, capital, hold)

    def point_of_all(self, currency: str, quotes: Mapping[str, Quote | None], now: datetime) -> Point | None:
        """How everything in a currency stands; grids that are over count with the last they had."""
        open_profit = capital = hold = ZERO
        is_known = True
        for grid in self._state.grids.values():
            if self._state.markets[grid.symbol].quote != currency:
                continue
            point = self.point_of(grid, quotes.get(grid.symbol), now)
            if point is None:
                return None
            instead = point if grid.ended_at is None else self._curve(grid.id).last
            open_profit += point.open_profit
            capital += point.capital
            is_known = is_known and instead is not None and instead.hold is not None
            hold += instead.hold or ZERO if instead is not None else ZERO
        series = f"all:{currency}"
        realised = self._state.total(series).realised
        return Point(series, now, realised, open_profit, capital, hold if is_known else None)


def held_instead(capital: Decimal, start: Decimal, bid: Decimal) -> Decimal:
    """What `capital`, put into coins at the price `start`, has gained at `bid`; to 16 digits, before fees."""
    return AVERAGES.divide(AVERAGES.multiply(capital, bid - start), start)


def _bound(executor: PositionExecutor) -> Decimal:
    return executor.level.amount * executor.level.entry


def _entry(client_id: str, side: Side, fill: Fill, market: Market, grid: str, executor: str, cycle: int) -> BookedFill:
    return BookedFill(
        at=fill.at,
        symbol=market.symbol,
        side=side,
        price=fill.price,
        amount=fill.amount,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        fee_value=fee_value(fill, market),
        currency=market.quote,
        order=client_id,
        trade_id=fill.trade_id,
        maker=fill.maker,
        grid=grid,
        executor=executor,
        cycle=cycle,
    )
