"""Grids from nothing but their orders: what client ids, prices, amounts and trades on an exchange tell of them.

Rule: what the orders say for certain is taken, what has to be guessed is named as a doubt, in words; a grid without
doubts is the grid that was. An order rests at its level's target or short of it, so of several entries the highest is
nearest to the target, of several exits the lowest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import floor

from bot.core import client_ids, grids
from bot.core.accounting import Books, Lot
from bot.core.client_ids import OrderKey
from bot.core.executor import PositionExecutor
from bot.core.grids import GridSpec, Shape
from bot.core.level import Level
from bot.core.lifecycle import State
from bot.core.model import Leg, Market, Order
from bot.core.money import ZERO
from bot.core.snapshot import InheritedGrid
from bot.texts.catalogue import say

MOST_DECIMALS = 6
ENOUGH = 3
"""Levels whose entries can't lie on a curve by chance."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a level is taken up: the first cycle that is told of, and coins its first exit must have held."""

    level: Level
    cycle: int
    held: Decimal

    def executor(self, market: Market, prefix: str) -> PositionExecutor:
        """The level before the first of its orders that are told of."""
        fresh = PositionExecutor(self.level, market, prefix, cycle=self.cycle)
        if not self.held:
            return fresh
        cost = self.held * self.level.entry
        books = Books((Lot(self.held, self.level.entry),), held=self.held, held_cost=cost, bought=self.held)
        return replace(fresh, state=State.FILLED_WAIT, books=books)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One grid as its orders tell of it. Without `starts` it can't be made again; with doubts a person has to say."""

    number: int
    spec: GridSpec
    shape: str
    starts: tuple[Start, ...]
    orders: tuple[Order, ...]
    doubts: tuple[str, ...]

    @property
    def view(self) -> InheritedGrid:
        """What a person is shown."""
        entries = [start.level.entry for start in self.starts] or [order.price for order in self.orders]
        amounts = [start.level.amount for start in self.starts] or [order.amount for order in self.orders]
        signs = {Leg.ENTRY.side: 1, Leg.EXIT.side: -1}
        return InheritedGrid(
            name=f"g{self.number}",
            symbol=self.spec.symbol,
            shape=self.shape,
            levels=len(self.starts),
            low=min(entries),
            high=max(entries),
            least=min(amounts),
            most=max(amounts),
            profit_pct=self.spec.profit_pct,
            loop=self.spec.loop,
            resting=sum(order.is_open for order in self.orders),
            held=sum((signs[order.side] * order.filled for order in self.orders), ZERO)
            + sum((start.held for start in self.starts), ZERO),
            doubts=self.doubts,
        )


@dataclass(slots=True)
class _Traces:
    """The orders of one level, oldest first."""

    orders: list[tuple[OrderKey, Order]]

    def of(self, leg: Leg) -> list[Order]:
        return [order for key, order in self.orders if key.leg is leg]

    @property
    def entry(self) -> Decimal | None:
        return max((order.price for order in self.of(Leg.ENTRY)), default=None)

    @property
    def exit(self) -> Decimal | None:
        return min((order.price for order in self.of(Leg.EXIT)), default=None)

    @property
    def amount(self) -> Decimal:
        return max(order.amount for order in self.of(Leg.ENTRY) or self.of(Leg.EXIT))

    @property
    def is_whole(self) -> bool:
        """Whether every attempt of every cycle is told of."""
        sent = [(key.cycle, key.attempt) for key, _ in self.orders]
        last: dict[int, int] = dict(sent)
        return sorted(set(sent)) == [
            (cycle, number) for cycle in range(1, max(last) + 1) for number in range(last.get(cycle, 0) + 1)
        ]


def rebuilt(orders: Iterable[Order], markets: Mapping[str, Market]) -> list[Rebuilt]:
    """The grids whose orders these are (all of one bot), by number."""
    groups: defaultdict[int, list[tuple[OrderKey, Order]]] = defaultdict(list)
    for order in orders:
        key = client_ids.decode(order.client_id)
        if key is not None and key.level:
            groups[key.grid].append((key, order))
    return [_grid(number, group, markets) for number, group in sorted(groups.items())]


def _grid(number: int, group: list[tuple[OrderKey, Order]], markets: Mapping[str, Market]) -> Rebuilt:
    group = sorted(group, key=lambda each: (each[1].at, each[0].cycle, each[0].attempt))
    orders = tuple(order for _, order in group)
    symbol = orders[0].symbol
    tick = markets[symbol].price_tick
    levels: defaultdict[int, _Traces] = defaultdict(lambda: _Traces([]))
    for key, order in group:
        levels[key.level].orders.append((key, order))
    doubts: list[str] = []
    pct, is_sure = profit_of([(each.entry, each.exit) for each in levels.values()], tick)
    loop = any(key.cycle > 1 for key, _ in group)
    spec = GridSpec(Shape.LINEAR, symbol, ZERO, ZERO, max(levels), None, None, pct or ZERO, loop)
    if pct is None:
        return Rebuilt(number, spec, "", (), orders, (say("doubt.no_profit"),))
    if not is_sure:
        doubts.append(say("doubt.profit", pct=pct))
    if not loop:
        doubts.append(say("doubt.loop"))
    entries = {key: entry for key, each in levels.items() if (entry := _entry(each, pct, tick)) is not None}
    curve, shape = _curve(spec, entries, tick)
    starts = []
    for level_number in range(1, max(levels) + 1):
        start, doubt = _start(f"g{number}", level_number, levels.get(level_number), entries, curve, spec, tick)
        doubts += [doubt] if doubt else []
        if start is not None:
            starts.append(start)
    if not curve and _looks_edited(levels, entries):
        doubts.append(say("doubt.edited"))
    low, high = min(start.level.entry for start in starts), max(start.level.entry for start in starts)
    most = max(start.level.amount for start in starts)
    spec = replace(spec, shape=Shape(shape or Shape.LINEAR), minimum=low, maximum=high, amount=most)
    return Rebuilt(number, spec, shape, tuple(starts), orders, tuple(doubts))


def _looks_edited(levels: Mapping[int, _Traces], entries: Mapping[int, Decimal]) -> bool:
    """Whether levels are not numbered from the lowest up, or some bought no more while others went on."""
    in_order = [entries[number] for number in sorted(entries)]
    if in_order != sorted(in_order):
        return True
    lasts = [each.orders[-1] for each in levels.values()]
    is_off = [key.leg is Leg.ENTRY and not order.is_open and not order.filled for key, order in lasts]
    return any(is_off) and not all(is_off)


def profit_of(legs: Sequence[tuple[Decimal | None, Decimal | None]], tick: Decimal) -> tuple[Decimal | None, bool]:
    """The per cent with the fewest decimals that leads from entries to exits, rounded up to the tick, and whether no
    other would do; None where nothing tells it. An entry that rested short of its target shows too large a profit: so
    the smallest counts, and of those as small the one that most levels agree with."""
    spans: list[tuple[Fraction, Fraction]] = []
    for entry, exit_ in legs:
        if entry is not None and exit_ is not None:
            reach, step = Fraction(exit_ - entry) / Fraction(entry) * 100, Fraction(tick) / Fraction(entry) * 100
            spans.append((reach - step, reach))  # itself excluded, included
    best: tuple[int, Decimal, bool] | None = None
    for places in range(MOST_DECIMALS + 1 if spans else 0):
        least, unit = min(spans, key=lambda span: span[1]), Fraction(1, 10**places)
        count = floor(least[1] / unit)
        value = count * unit
        agreeing = [low for low, high in spans if low < value <= high]
        if value > max(least[0], Fraction(0)) and (best is None or len(agreeing) > best[0]):
            is_sure = value - unit <= max(agreeing) and len(agreeing) >= min(2, len(spans))
            best = len(agreeing), Decimal(count).scaleb(-places), is_sure
    return (None, False) if best is None else (best[1], best[2])


def _entry(traces: _Traces, pct: Decimal, tick: Decimal) -> Decimal | None:
    """A level's entry price: of its own orders, or counted back from its exit where they rested short of it."""
    seen, exit_ = traces.entry, traces.exit
    if exit_ is None or (seen is not None and grids.exit_price(seen, pct, tick) == exit_):
        return seen
    price = Fraction(exit_) / (1 + Fraction(pct) / 100)
    entry = floor(price / Fraction(tick)) * tick
    return entry if grids.exit_price(entry, pct, tick) == exit_ else seen


def _curve(spec: GridSpec, entries: Mapping[int, Decimal], tick: Decimal) -> tuple[list[Decimal], str]:
    """The prices of all levels and the shape they have, where the known ones lie on one."""
    if spec.count not in entries or 1 not in entries or len(entries) < min(ENOUGH, spec.count):
        return [], ""
    for shape in (Shape.LINEAR, Shape.GEOMETRIC):
        whole = replace(spec, shape=shape, minimum=entries[1], maximum=entries[spec.count])
        prices = grids.prices(whole, tick)
        if all(prices[number - 1] == entry for number, entry in entries.items()):
            return prices, shape.value
    return [], ""


def _start(
    grid: str,
    number: int,
    traces: _Traces | None,
    entries: Mapping[int, Decimal],
    curve: Sequence[Decimal],
    spec: GridSpec,
    tick: Decimal,
) -> tuple[Start | None, str]:
    """Where a level is taken up, and what about it had to be guessed."""
    name = f"{grid}.{number}"
    entry = entries.get(number) or (curve[number - 1] if curve else None)
    if traces is None or entry is None:
        return None, say("doubt.left_out", level=name)
    exit_ = grids.exit_price(entry, spec.profit_pct, tick)
    level = Level(grid, number, entry, exit_, traces.amount, spec.loop)
    key, first = traces.orders[0]
    held = first.amount if key.leg is Leg.EXIT else ZERO
    start = Start(level, key.cycle, held)
    if held:
        return start, say("doubt.bought", level=name, amount=held, price=entry)
    if not traces.is_whole:
        return start, say("doubt.not_whole", level=name)
    is_sure = len(curve) >= ENOUGH or traces.exit is not None
    return start, "" if is_sure else say("doubt.entry", level=name, price=entry)
