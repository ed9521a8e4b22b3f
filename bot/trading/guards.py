"""What ends or pauses a grid without a person: its `stop=` and `take=` prices, the daily loss, and having nothing
left to do.

Rule: a guard only turns modes and tells why; the executors draw their own conclusions in the same beat.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.editing import is_spent
from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.money import ZERO
from bot.core.portfolio import Grid, Holding, Sale
from bot.core.snapshot import (
    DailyLossReached,
    GridEnded,
    Notice,
    StopReached,
    TakeReached,
)
from bot.ports import Policy
from bot.trading.desk import Desk
from bot.trading.state import TradingState

STOP_BEATS = 2
"""Beats at or below `stop=` before it counts: one wild print is not a fall."""
BETWEEN_BEATS = timedelta(seconds=1)
"""Beats that a pushed price wakes follow each other too closely to count as two."""

KEEP_ENDED = timedelta(minutes=15)
"""How long the levels of an ended grid are kept for late news of their orders."""

Note = Callable[[Notice], None]


class Guard:
    """See the module's rule. `selling` are grids with a closing sale, `touched` those that may have ended."""

    def __init__(self, state: TradingState, policy: Policy) -> None:
        self._state = state
        self._policy = policy
        self._day_ends: datetime | None = None
        self._counted_at: dict[str, datetime] = {}
        self.watchful: set[str] = set()
        self.selling: set[str] = set()
        self.touched: set[str] = set()

    def watch(self, grid: Grid) -> None:
        """Have a grid's `stop=` and `take=` prices looked at in each beat, where it has any."""
        if (grid.spec.stop is not None or grid.spec.take is not None) and grid.ended_at is None:
            self.watchful.add(grid.id)
        else:
            self.watchful.discard(grid.id)

    def check(self, desks: Mapping[str, Desk], now: datetime, note: Note) -> list[str]:
        """Look at prices and losses; returns the grids whose mode has changed."""
        changed: list[str] = []
        for grid_id in list(self.watchful):
            grid = self._state.grids[grid_id]
            quote = desks[grid.symbol].quote
            if grid.mode >= Mode.HALTED or grid.halted or grid.sale is not None or quote is None:
                continue
            if grid.spec.stop is not None and self._stops(grid, grid.spec.stop, quote.bid, now, note):
                changed.append(grid_id)
            elif grid.spec.take is not None and quote.bid >= grid.spec.take and grid.mode < Mode.FINISHING:
                self._state.put_grid(grid.turned(Mode.FINISHING, "take price reached"))
                note(TakeReached(now, grid_id, grid.symbol, quote.bid, grid.spec.take))
                changed.append(grid_id)
        return changed + self._check_day(desks, now, note)

    def _stops(self, grid: Grid, stop: Decimal, bid: Decimal, now: datetime, note: Note) -> bool:
        if bid > stop:
            if grid.stop_beats or not grid.stop_armed:
                self._state.put_grid(replace(grid, stop_beats=0, stop_armed=True))
            return False
        if not grid.stop_armed:
            return False
        if grid.stop_beats + 1 < STOP_BEATS:
            self._state.put_grid(replace(grid, stop_beats=grid.stop_beats + 1))
            self._counted_at[grid.id] = now
            return False
        if now - self._counted_at.get(grid.id, now - BETWEEN_BEATS) < BETWEEN_BEATS:
            return False
        sale = Sale() if grid.spec.stop_sell else None
        self._state.put_grid(
            replace(
                grid,
                mode=max(grid.mode, Mode.PAUSED),
                why="stop price reached",
                stop_beats=0,
                stop_armed=False,
                sale=sale,
            )
        )
        if sale is not None:
            self.selling.add(grid.id)
        note(StopReached(now, grid.id, grid.symbol, bid, stop, grid.spec.stop_sell))
        return True

    def next_prices(self, symbol: str) -> tuple[Decimal | None, Decimal | None, bool]:
        """The highest `stop=` and the lowest `take=` of a market, and whether a grid is counting beats at its stop."""
        grids = [grid for key in self.watchful if (grid := self._state.grids[key]).symbol == symbol]
        stops = [grid.spec.stop for grid in grids if grid.spec.stop is not None and grid.stop_armed]
        takes = [grid.spec.take for grid in grids if grid.spec.take is not None and grid.mode < Mode.FINISHING]
        # One that is disarmed is armed again by any price above its stop: that beat must not be missed.
        counting = any(grid.stop_beats or not grid.stop_armed for grid in grids)
        return max(stops, default=None), min(takes, default=None), counting

    # -- the day ---------------------------------------------------------------------------------------------------

    def day_of(self, at: datetime) -> str:
        """The owner's calendar day."""
        return at.astimezone(self._policy.timezone).date().isoformat()

    def _check_day(self, desks: Mapping[str, Desk], now: datetime, note: Note) -> list[str]:
        limit = self._policy.max_daily_loss
        if not self._is_priced(desks):
            return []  # what the holdings are worth is unknown: no day begins, and no loss is guessed
        if self._day_ends is None or now >= self._day_ends:
            self._begin_day(desks, now)
        if limit is None:
            return []
        paused: list[str] = []
        base = dict(self._state.meta.day_base)
        for currency, total in self.profit_by_currency(desks).items():
            loss = base.get(currency, ZERO) - total
            running = [grid for grid in self._state.grids.values() if self._is_running(grid, currency)]
            if loss < limit or not running:
                continue
            for grid in running:
                self._state.put_grid(grid.turned(Mode.PAUSED, "MAX_DAILY_LOSS reached"))
                paused.append(grid.id)
            note(DailyLossReached(now, loss, limit, currency, tuple(grid.id for grid in running)))
        return paused

    def _is_running(self, grid: Grid, currency: str) -> bool:
        return grid.mode is Mode.RUNNING and self._state.markets[grid.symbol].quote == currency

    def _begin_day(self, desks: Mapping[str, Desk], now: datetime) -> None:
        local = now.astimezone(self._policy.timezone)
        tomorrow = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        self._day_ends = tomorrow.astimezone(now.tzinfo)
        if self._state.meta.day != self.day_of(now):
            self.rebase(desks, now)

    def rebase(self, desks: Mapping[str, Desk], now: datetime) -> None:
        """Count the day's profit and loss from here (midnight, or a person who resumed after the loss limit); without
        a price for what is held, from the first beat that has one."""
        if not self._is_priced(desks):
            self._day_ends = None
            self._state.put_meta(replace(self._state.meta, day=""))
            return
        base = tuple(self.profit_by_currency(desks).items())
        self._state.put_meta(replace(self._state.meta, day=self.day_of(now), day_base=base))

    def _is_priced(self, desks: Mapping[str, Desk]) -> bool:
        """Whether every market in which something is held has a price now."""
        return all(desk.quote is not None or not self._state.holding(symbol).amount for symbol, desk in desks.items())

    def profit_by_currency(self, desks: Mapping[str, Desk]) -> dict[str, Decimal]:
        """Realised and open profit of all grids by quote currency, holdings valued at the bid."""
        profit: dict[str, Decimal] = {}
        for desk in desks.values():
            currency = desk.market.quote
            holding = self._state.holding(desk.market.symbol)
            worth = holding.open_profit(desk.quote.bid) if desk.quote is not None else holding.unsettled
            profit[currency] = profit.get(currency, self._state.total(f"all:{currency}").realised) + worth
        return profit

    # -- the end ---------------------------------------------------------------------------------------------------

    def ended(self, now: datetime, note: Note) -> Iterable[str]:
        """Grids touched in this beat that have nothing left to do; their coins stand in the books as kept."""
        touched, self.touched = self.touched, set()
        for grid_id in touched:
            grid = self._state.grids[grid_id]
            if grid.ended_at is not None or not self._is_over(grid):
                continue
            holding, total = self._state.holding(grid_id), self._state.total(grid_id)
            self._state.put_grid(replace(grid, mode=Mode.ENDED, ended_at=now, kept=holding))
            self.watchful.discard(grid_id)
            note(GridEnded(now, grid_id, grid.symbol, total.realised, total.trades, holding.amount))
            yield grid_id

    def _is_over(self, grid: Grid) -> bool:
        if grid.sale is not None or (grid.mode < Mode.FINISHING and (grid.spec.loop or self._state.left[grid.id])):
            return False
        return all(_is_done(self._state.executors[key], grid.mode) for key in self._state.members[grid.id])

    def sweep(self, desks: Mapping[str, Desk], now: datetime) -> None:
        """Let go of the levels of grids that ended a while ago; totals, ledger and kept coins stay. What they held
        leaves the day's count, and is neither profit nor loss: so not without a price. And of levels that were edited
        out of their grid and have nothing left."""
        for executor in [each for each in self._state.executors.values() if _is_forgettable(each, now)]:
            self._state.drop_executor(executor.id)
            desks[executor.market.symbol].forget(executor.id)
        old = [
            grid
            for grid in self._state.grids.values()
            if self._state.members[grid.id] and grid.ended_at is not None and now - grid.ended_at > KEEP_ENDED
        ]
        if not old or not self._is_priced(desks):
            return
        before = self.profit_by_currency(desks)
        for grid in old:
            self._state.put_grid(replace(grid, kept=self._state.holding(grid.id)))
            for key in list(self._state.members[grid.id]):
                self._state.drop_executor(key)
                desks[grid.symbol].forget(key)
        after = self.profit_by_currency(desks)
        base = tuple(
            (coin, value + after.get(coin, ZERO) - before.get(coin, ZERO)) for coin, value in self._state.meta.day_base
        )
        self._state.put_meta(replace(self._state.meta, day_base=base))


def _is_forgettable(executor: PositionExecutor, now: datetime) -> bool:
    """Whether a level left its grid a while ago with nothing in its books, and no order of it may still have news."""
    if executor.left_at is None or now - executor.left_at <= KEEP_ENDED or not is_spent(executor):
        return False
    if any(late.rests or late.watch_until is None or late.watch_until > now for late in executor.watched):
        return False
    return executor.books.held == ZERO and executor.books.unsettled == ZERO


def _is_done(executor: PositionExecutor, mode: Mode) -> bool:
    return executor.is_idle if mode is Mode.ENDED else is_spent(executor)


def holding_of(grid: Grid, state: TradingState) -> Holding:
    """What a grid holds: its levels while they live, what was noted at its end afterwards."""
    return state.holding(grid.id) if state.members[grid.id] else grid.kept
