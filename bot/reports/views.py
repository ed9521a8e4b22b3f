"""Answers to questions: immutable pictures of the present state, made without asking the exchange.

Rule: figures come from the sums the state keeps; nothing here changes anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bot.core import wishes
from bot.core.editing import is_spent
from bot.core.executor import PositionExecutor
from bot.core.level import Awaited, Wish
from bot.core.lifecycle import Mode, State
from bot.core.model import Quote, Side
from bot.core.money import ZERO
from bot.core.portfolio import Grid, Holding, Totals
from bot.core.wishes import Moment
from bot.manager import TradeManager
from bot.trading.closing import SLACK_RATIO
from bot.trading.desk import NOT_LOOKED
from bot.trading.guards import holding_of

SELLING = "its coins are being sold"
"""Why a grid places nothing, beside the reasons it keeps itself."""


@dataclass(frozen=True, slots=True)
class LevelView:
    """One level. `why` says what it does or waits for; `next_try` when it looks again, and it does earlier where the
    ask comes up to `rise` or the bid down to `fall`. `grid_mode` and `grid_why` are its grid's own.
    `leaves`: it was edited out of its grid, and has still to sell what it holds."""

    id: str
    state: State
    mode: Mode
    entry: Decimal
    exit: Decimal
    amount: Decimal
    held: Decimal
    cycle: int
    order_side: Side | None
    order_price: Decimal | None
    order_left: Decimal
    why: str
    next_try: datetime | None
    refusal: str
    rise: Decimal | None = None
    fall: Decimal | None = None
    grid_mode: Mode = Mode.RUNNING
    grid_why: str = ""
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class GridView:
    """One grid with its levels from the lowest up, its profit in quote currency, and the price it stands at.
    `liquidation`: the price at which the exchange said it would liquidate the position of its market."""

    grid: Grid
    mode: Mode
    currency: str
    base: str
    quote: Quote | None
    levels: tuple[LevelView, ...]
    totals: Totals
    today: Totals
    holding: Holding
    open_profit: Decimal
    liquidation: Decimal | None = None

    @property
    def resting(self) -> int:
        return sum(level.order_side is not None for level in self.levels)

    @property
    def holding_levels(self) -> int:
        return sum(level.held > ZERO and level.state is not State.PENDING_ENTRY for level in self.levels)

    def nearest(self, side: Side) -> LevelView | None:
        """The level whose resting order of this side is next to the market."""
        orders = [level for level in self.levels if level.order_side is side and level.order_price is not None]
        key = (lambda level: -level.order_price) if side is Side.BUY else (lambda level: level.order_price)
        return min(orders, key=key, default=None)


@dataclass(frozen=True, slots=True)
class PlacingView:
    """How far a grid is laid: orders on the book, orders on their way, and its levels, of which some may wait."""

    placed: int
    under_way: int
    levels: int


@dataclass(frozen=True, slots=True)
class StopEffect:
    """What ending one grid means now. `proceeds` and `profit` (against cost) are what selling all brings after the
    taker fee, at the bid and at the lowest price a sale may get; None while there is no price. `too_little`: the
    exchange wouldn't take the sale. `at_exits` is the profit against cost once all levels have sold at their exits,
    after the fee, `worth` what the coins are worth at the bid and the profit against cost of that.
    """

    grid: str
    symbol: str
    entries: int
    exits: int
    held: Decimal
    cost: Decimal
    proceeds: tuple[Decimal, Decimal] | None = None
    profit: tuple[Decimal, Decimal] | None = None
    too_little: bool = False
    at_exits: Decimal | None = None
    worth: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class HealthView:
    """How the worker is: age of the last beat in seconds (None: none yet), what is wrong, and how much it carries."""

    beat_age: float | None
    up_since: datetime | None
    troubles: tuple[str, ...]
    grids: int
    executors: int
    resting: int
    in_doubt: int
    undelivered: int


def level_view(manager: TradeManager, executor: PositionExecutor) -> LevelView:
    """What one level does now."""
    grid = manager.state.grids[executor.level.grid]
    desk = manager.heartbeat.desks[executor.market.symbol]
    now = manager.world.clock.now()
    seated = desk.window.is_seated(executor.id)
    moment = Moment(desk.quote, now, grid.effective_mode, manager.policy.offsets, seated)
    wish = wishes.wants(executor, moment)
    order = executor.order
    back = executor.back
    why, next_try = _why(manager, executor, wish, now)
    return LevelView(
        id=executor.id,
        state=executor.state,
        mode=executor.mode_in(grid.effective_mode),
        entry=executor.level.entry,
        exit=executor.level.exit,
        amount=executor.level.amount,
        held=executor.books.held,
        cycle=executor.cycle,
        order_side=order.side if order is not None else None,
        order_price=order.price if order is not None else None,
        order_left=order.amount - order.filled if order is not None else ZERO,
        why=why,
        next_try=next_try,
        refusal=f"{back.reason}: {back.message}" if back is not None else "",
        rise=wish.rise if why == wish.why else None,
        fall=wish.fall if why == wish.why else None,
        grid_mode=grid.effective_mode,
        grid_why=SELLING if grid.sale is not None and not grid.halted else grid.why,
        leaves=executor.left_at is not None,
    )


def _why(manager: TradeManager, executor: PositionExecutor, wish: Wish, now: datetime) -> tuple[str, datetime | None]:
    """Why a level waits, and until when: its own reason, or what holds back what it wants."""
    heart = manager.heartbeat
    desk, until = heart.desks[executor.market.symbol], manager.state.meta.quiet_until
    would_act = wish.action is not None or wish.why in (wishes.NO_PRICE, wishes.NO_ROOM)
    if would_act and (shut := heart.gate.shut(now)):
        return shut, None if heart.gate.is_unconfirmed else until
    if would_act and not desk.is_known:
        return NOT_LOOKED, None
    if wish.why == wishes.NO_PRICE:
        return desk.why_unpriced or wish.why, None
    if executor.id in desk.held_back:
        return heart.exposure.why_held_back(desk), heart.exposure.next_try(desk)
    return wish.why, wish.at


def grid_view(manager: TradeManager, grid: Grid) -> GridView:
    """One grid as it stands now."""
    state, desk = manager.state, manager.heartbeat.desks[grid.symbol]
    holding, position = holding_of(grid, state), manager.heartbeat.margin.seen(grid.symbol)
    members = [state.executors[key] for key in state.members[grid.id]]
    there = [each for each in members if each.left_at is None or not is_spent(each)]
    levels = tuple(level_view(manager, each) for each in sorted(there, key=lambda each: each.level.entry))
    today = manager.heartbeat.guard.day_of(manager.world.clock.now())
    return GridView(
        grid=grid,
        mode=grid.effective_mode,
        currency=desk.market.quote,
        base=desk.market.base,
        quote=desk.quote,
        levels=levels,
        totals=state.total(grid.id),
        today=state.total(f"{grid.id}:{today}"),
        holding=holding,
        open_profit=holding.open_profit(desk.quote.bid) if desk.quote is not None else holding.unsettled,
        liquidation=position.liquidation if position is not None and position.amount else None,
    )


def grid_views(manager: TradeManager, ended: bool = False) -> list[GridView]:
    """All grids that run, oldest first; with `ended` those that are over as well."""
    return [grid_view(manager, grid) for grid in manager.state.grids.values() if ended or grid.ended_at is None]


def placing_view(manager: TradeManager, grid_id: str) -> PlacingView:
    """How far a grid's orders are laid."""
    members = [manager.state.executors[key] for key in manager.state.members[grid_id]]
    under_way = sum(each.awaiting is not None and each.awaiting.kind is Awaited.PLACE for each in members)
    placed = sum(each.order is not None for each in members) - under_way
    return PlacingView(placed, under_way, len(members))


def health_view(manager: TradeManager) -> HealthView:
    """How the worker is now."""
    heart, state, now = manager.heartbeat, manager.state, manager.world.clock.now()
    return HealthView(
        beat_age=(now - heart.beaten_at).total_seconds() if heart.beaten_at is not None else None,
        up_since=manager.started_at,
        troubles=(
            *(f"{what}: {why}" for what, why in heart.troubles.items()),
            *(f"{desk.market.symbol}: {desk.shut}" for desk in heart.desks.values() if desk.shut),
        ),
        grids=sum(grid.ended_at is None for grid in state.grids.values()),
        executors=len(state.executors),
        resting=sum(executor.order is not None for executor in state.executors.values()),
        in_doubt=len(heart.doubts),
        undelivered=len(state.outbox),
    )


def on_book(executors: Iterable[PositionExecutor]) -> tuple[int, int]:
    """How many entries and exits of these rest on the book, or are on their way."""
    sides = [executor.order.side for executor in executors if executor.order is not None]
    return sides.count(Side.BUY), sides.count(Side.SELL)


def stop_effects(manager: TradeManager, grids: Iterable[Grid]) -> list[StopEffect]:
    """What ending each of these grids means now, at the price of the last beat."""
    return [_effect(manager, grid) for grid in grids]


def _effect(manager: TradeManager, grid: Grid) -> StopEffect:
    state, desk = manager.state, manager.heartbeat.desks[grid.symbol]
    members = [state.executors[key] for key in state.members[grid.id]]
    (entries, exits), holding, market = on_book(members), holding_of(grid, state), desk.market
    bare = StopEffect(grid.id, grid.symbol, entries, exits, holding.amount, holding.cost)
    if holding.amount <= ZERO:
        return bare
    brought = sum((each.books.held * each.level.exit for each in members), ZERO)
    fee = sum((each.sellable * each.level.exit * market.maker_fee_ratio for each in members), ZERO)
    bare = replace(bare, at_exits=brought - fee - holding.cost + holding.unsettled)
    if desk.quote is None:
        return bare
    prices = desk.quote.bid, desk.quote.bid - desk.quote.bid * SLACK_RATIO
    amount = market.amount_down(holding.amount)
    amount = amount if market.accepts(prices[1], amount) else ZERO
    fees = [amount * price * market.taker_fee_ratio for price in prices]
    proceeds = [amount * price - fee for price, fee in zip(prices, fees, strict=True)]
    profit = [holding.open_profit(price) - fee for price, fee in zip(prices, fees, strict=True)]
    return replace(
        bare,
        worth=(holding.amount * desk.quote.bid, holding.open_profit(desk.quote.bid)),
        proceeds=(proceeds[0], proceeds[1]),
        profit=(profit[0], profit[1]),
        too_little=not amount,
    )
