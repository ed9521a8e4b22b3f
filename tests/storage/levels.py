"""Things to store: one market, and executors as they look in the middle of a busy day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bot.core.accounting import Books, Lot
from bot.core.executor import PositionExecutor
from bot.core.level import Level, OrderRecord
from bot.core.lifecycle import State
from bot.core.model import Leg, Market
from bot.ports import Key

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)

MARKET = Market(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_tick=Decimal("0.01"),
    amount_step=Decimal("0.000001"),
    min_amount=Decimal("0.00001"),
    min_cost=Decimal(5),
    maker_fee_ratio=Decimal("0.001"),
    taker_fee_ratio=Decimal("0.001"),
)


def executor(number: int, cycle: int = 1) -> PositionExecutor:
    """Level `number` of g1; odd ones hold coins and have an exit on the book."""
    entry = Decimal("60000.1") + number
    level = Level("g1", number, entry, entry + 300, Decimal("0.001"), loop=True)
    idle = PositionExecutor(level, MARKET, "abc001", cycle=cycle)
    if number % 2 == 0:
        return idle
    return replace(
        idle,
        state=State.PLACED_EXIT,
        attempts=2,
        books=Books((Lot(Decimal("0.000999"), entry),), Decimal("0.000999"), Decimal("59.9401"), Decimal("0.001")),
        order=OrderRecord("abc00101007000100x", Leg.EXIT, entry + 300, Decimal("0.000999"), accepted=True),
        placed_at=NOW,
    )


def beat(cycle: int, numbers: range) -> dict[Key, object | None]:
    """The changes of one beat: these levels in their cycle `cycle`, and a mark that says so."""
    changes: dict[Key, object | None] = {("executors", f"g1.{n}"): executor(n, cycle) for n in numbers}
    changes["meta", "beat"] = {"cycle": cycle}
    changes["markets", MARKET.symbol] = MARKET
    return changes


def cycle_of(tables: Mapping[str, Mapping[str, object]]) -> int:
    """The cycle all of a state is in: 0 when it is empty. Fails where it is a mixture."""
    if not tables:
        return 0
    executors = [each for each in tables["executors"].values() if isinstance(each, PositionExecutor)]
    mark = tables["meta"]["beat"]
    assert isinstance(mark, dict)
    assert {each.cycle for each in executors} == {mark["cycle"]}
    assert all(each == executor(each.level.number, each.cycle) for each in executors)
    return int(mark["cycle"])
