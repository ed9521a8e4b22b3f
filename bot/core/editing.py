"""Editing a running grid: what of it stays, what leaves the book, and what is placed, once it is to be another.

Rule: a level whose entry and amount stay keeps its number and its orders; where it holds coins it sells them at the
exit it has, and is what it was edited to from its next cycle on. Any other level leaves: it buys nothing more, sells
what it holds at its exit, and ends. No number is given twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bot.core.executor import PositionExecutor
from bot.core.grids import GridSpec, Shape, centre
from bot.core.level import Level
from bot.core.lifecycle import ENTRY_STATES, EXIT_STATES
from bot.core.margin import margin
from bot.core.model import Leg
from bot.core.money import ZERO, plain
from bot.core.portfolio import Grid
from bot.core.preview import Limits, PlannedLevel, Preview
from bot.core.specs import MAX_LEVELS, checked
from bot.core.values import evolve
from bot.errors import CommandError
from bot.texts.catalogue import say

NEAT = Context(prec=10, rounding=ROUND_HALF_EVEN)
"""Digits of a price that nobody has typed."""


# -- the difference ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit of `grid` does: `made` is the whole of the new grid, `stays` and `leaves` are its levels of before
    as they will be, `placed` new ones; `returning` names those that stay and had left with nothing to sell."""

    grid: Grid
    made: Preview
    stays: tuple[PositionExecutor, ...]
    leaves: tuple[PositionExecutor, ...]
    placed: tuple[Level, ...]
    returning: tuple[str, ...] = ()

    @property
    def keeps(self) -> int:
        """Orders that rest on, untouched."""
        exits = sum(each.order is not None and each.order.leg is Leg.EXIT for each in self.leaves)
        return exits + sum(each.order is not None for each in self.stays)

    @property
    def cancelled(self) -> tuple[PositionExecutor, ...]:
        """Levels whose entry leaves the book."""
        return tuple(each for each in self.leaves if each.order is not None and each.order.leg is Leg.ENTRY)

    @property
    def holding(self) -> tuple[PositionExecutor, ...]:
        """Levels that hold coins, and sell them at the exits they have."""
        return tuple(each for each in (*self.stays, *self.leaves) if is_under_way(each))

    @property
    def renewed(self) -> tuple[PositionExecutor, ...]:
        """Levels that become what was edited with their next cycle, as they hold coins now."""
        return tuple(each for each in self.stays if each.renewed is not None)

    @property
    def leaving_holding(self) -> tuple[PositionExecutor, ...]:
        """Those of them that end once they have sold."""
        return tuple(each for each in self.leaves if is_under_way(each))

    @property
    def entering(self) -> int:
        """Levels that buy from now on: new ones, and such as had left."""
        return len(self.placed) + len(self.returning)

    @property
    def capital_before(self) -> Decimal:
        """Quote currency bound at worst by the grid as it is."""
        if self.grid.capital:
            return self.grid.capital
        return sum((each.level.amount * each.level.entry for each in (*self.stays, *self.leaves)), ZERO)

    @property
    def capital(self) -> Decimal:
        """Quote currency bound at worst afterwards: the new grid, and what the levels that leave hold."""
        cost, gearing = self._left_cost, self.made.gearing
        is_margin = gearing is not None and self.made.capital == gearing.margin
        return self.made.capital + (margin(cost, gearing.leverage) if gearing is not None and is_margin else cost)

    @property
    def _left_cost(self) -> Decimal:
        return sum((each.books.held_cost for each in self.leaves), ZERO)

    @property
    def problems(self) -> tuple[str, ...]:
        """What forbids it."""
        found = (check(self) for check in (_out_of_numbers, _frozen, _stops_at_once, _takes_at_once))
        return (*self.made.problems, *(problem for problem in found if problem))

    def limits(self, limits: Limits) -> Limits:
        """What the new grid may use: what its orders and coins bind now is its own already."""
        members = (*self.stays, *self.leaves)
        bound = sum((each.books.held_cost for each in self.stays), ZERO)
        bound += sum((each.resting_cost for each in members), ZERO)
        position = limits.position
        if position is not None:
            bound = margin(bound, limits.leverage) if limits.leverage else ZERO
            own = sum((each.books.held for each in self.stays), ZERO)
            position = replace(position, amount=max(position.amount - own, ZERO))
        return replace(
            limits,
            free=limits.free + bound if limits.free is not None else None,
            exposure=max(limits.exposure - self._left_cost, ZERO) if limits.exposure is not None else None,
            position=position,
        )

    def changed_since(self, other: "Edit") -> bool:
        """Whether this does something else than what was shown before."""
        return (
            self.grid.spec != other.grid.spec
            or self.made.changed_since(other.made)
            or self.problems != other.problems
            or self.placed != other.placed
            or _ids(self.stays) != _ids(other.stays)
            or _ids(self.cancelled) != _ids(other.cancelled)
            or _ids(self.leaving_holding) != _ids(other.leaving_holding)
        )

    def grid_after(self) -> Grid:
        """The grid as it will be; a changed stop price counts anew."""
        spec, is_same_stop = self.made.spec, self.made.spec.stop == self.grid.spec.stop
        return replace(
            self.grid,
            spec=spec,
            capital=self.capital,
            numbered=self.grid.last_number + len(self.placed),
            stop_beats=self.grid.stop_beats if is_same_stop else 0,
            stop_armed=self.grid.stop_armed if is_same_stop else True,
        )


def edited(grid: Grid, executors: Iterable[PositionExecutor], made: Preview, now: datetime) -> Edit:
    """What it takes to make of a grid with these levels the one that `made` is a preview of."""
    wanted: dict[tuple[Decimal, Decimal], PlannedLevel] = {(each.entry, each.amount): each for each in made.accepted}
    stays: list[PositionExecutor] = []
    leaves: list[PositionExecutor] = []
    returning: list[str] = []
    for executor in sorted(executors, key=lambda each: (each.left_at is not None, each.level.number)):
        level = executor.level
        planned = wanted.pop((level.entry, level.amount), None)
        if planned is not None:
            stays.append(_staying(executor, made.level_of(planned, grid.id, level.number)))
            if executor.left_at is not None and not is_under_way(executor):
                returning.append(executor.id)
        elif executor.left_at is None:
            leaves.append(evolve(executor, left_at=now, renewed=None))
        elif not is_spent(executor):  # it left earlier
            leaves.append(executor)
    numbers = enumerate(wanted.values(), grid.last_number + 1)
    placed = tuple(made.level_of(planned, grid.id, number) for number, planned in numbers)
    return Edit(grid, made, tuple(stays), tuple(leaves), placed, tuple(returning))


def _staying(executor: PositionExecutor, level: Level) -> PositionExecutor:
    if is_under_way(executor):
        renewed = None if level == executor.level else level
        if renewed == executor.renewed and executor.left_at is None:
            return executor
        return evolve(executor, renewed=renewed, left_at=None)
    if level == executor.level and executor.left_at is None:
        return executor
    return evolve(executor, level=level, left_at=None)


def is_under_way(executor: PositionExecutor) -> bool:
    """Whether a level has bought and not sold: its cycle ends at the exit it has."""
    return executor.state in EXIT_STATES or (executor.state in ENTRY_STATES and executor.books.bought > ZERO)


def is_spent(executor: PositionExecutor) -> bool:
    """Whether a level that buys nothing more has nothing left to do."""
    return executor.is_idle and not executor.sellable and executor.state not in EXIT_STATES


def _ids(executors: Iterable[PositionExecutor]) -> list[str]:
    return [each.id for each in executors]


def _out_of_numbers(edit: Edit) -> str:
    if edit.grid.last_number + len(edit.placed) <= MAX_LEVELS:
        return ""
    return say("problem.out_of_numbers", grid=edit.grid.id, count=edit.grid.last_number, most=MAX_LEVELS)


def _frozen(edit: Edit) -> str:
    frozen = next((each.id for each in edit.leaves if each.frozen), None)
    return say("problem.frozen", level=frozen) if frozen is not None else ""


def _stops_at_once(edit: Edit) -> str:
    stop, bid = edit.made.spec.stop, edit.made.quote.bid
    if stop is None or stop == edit.grid.spec.stop or bid > stop:
        return ""
    return say("problem.stops_at_once", bid=plain(bid), stop=plain(stop))


def _takes_at_once(edit: Edit) -> str:
    take, bid = edit.made.spec.take, edit.made.quote.bid
    if take is None or take == edit.grid.spec.take or bid < take:
        return ""
    return say("problem.takes_at_once", bid=plain(bid), take=plain(take))


# -- common edits ------------------------------------------------------------------------------------------------------


def recentred(spec: GridSpec, price: Decimal) -> GridSpec:
    """The same grid around another price: as wide (a geometric one in per cent), with as many levels. Its stop and take
    prices stay where they are. CommandError where it would reach down to 0."""
    middle = centre(replace(spec, mean=None))
    if spec.shape is Shape.GEOMETRIC:
        ratio = NEAT.divide(price, middle)
        return _moved(spec, NEAT.multiply(spec.minimum, ratio), NEAT.multiply(spec.maximum, ratio))
    shift = price - middle
    mean = spec.mean + shift if spec.mean is not None else None
    return _moved(spec, spec.minimum + shift, spec.maximum + shift, mean)


def widened(spec: GridSpec, ratio: Decimal) -> GridSpec:
    """The same grid with its range `ratio` times as wide around its middle. CommandError where it would reach to 0."""
    middle = (spec.minimum + spec.maximum) / 2

    def at(price: Decimal) -> Decimal:
        return NEAT.plus(middle + (price - middle) * ratio)

    return _moved(spec, at(spec.minimum), at(spec.maximum), at(spec.mean) if spec.mean is not None else None)


def counted(spec: GridSpec, count: int) -> GridSpec:
    """The same grid with another number of levels. CommandError where that can't be."""
    if spec.count == count:
        raise CommandError(say("problem.same_count", count=count))
    return checked(replace(spec, count=count))


def earning(spec: GridSpec, more_pct: Decimal) -> GridSpec:
    """The same grid with so much more profit a trade, in per cent of the entry. CommandError where none is left."""
    return checked(replace(spec, profit_pct=spec.profit_pct + more_pct))


def _moved(spec: GridSpec, minimum: Decimal, maximum: Decimal, mean: Decimal | None = None) -> GridSpec:
    if minimum <= ZERO:
        raise CommandError(say("problem.under_zero", low=plain(minimum)))
    return checked(replace(spec, minimum=minimum, maximum=maximum, mean=mean))
