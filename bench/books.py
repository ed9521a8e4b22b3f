"""What the books cost: a report after few and after a million closed trades, a fill, a point, an export."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bench.worlds import MARKET, SYMBOL, resting
from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.model import Fill, Side
from bot.ledger.logs import FileLedger
from bot.manager import TradeManager
from bot.reports.profits import profit_views
from bot.reports.tally import tally
from handlers.words import statements

DAYS = 365
MANY = 1_000_000
SHEET = 200_000


def filled(manager: TradeManager, trades: int) -> None:
    """Let the books of a grid have seen so many closed trades, spread over a year of points."""
    state, books, desks = manager.state, manager.heartbeat.bookkeeper, manager.heartbeat.desks
    begin = manager.world.clock.now() - timedelta(days=DAYS)
    fill = Fill("t", Decimal(60_000), Decimal("0.001"), Decimal("0.012"), "USDT", begin)
    trip = RoundTrip(
        "g1", "g1.1", 1, SYMBOL, Decimal("0.001"), Decimal(60), Decimal(61), Decimal("0.02"), "USDT", begin
    )
    per_hour = max(1, trades // (DAYS * 24))
    for hour in range(DAYS * 24):
        at = begin + timedelta(hours=hour)
        day = at.date().isoformat()
        for _ in range(per_hour):
            state.add_fill("g1", day, Side.BUY, fill)
            state.add_fill("g1", day, Side.SELL, fill)
            state.add_trade(trip, day)
        books.sample(desks, at)
        state.changes.clear()
        state.unwritten.clear()


def timed(work: Callable[[], object], times: int = 200) -> float:
    """Median CPU seconds."""
    spent = []
    for _ in range(times):
        began = process_time()
        work()
        spent.append(process_time() - began)
    return median(spent)


async def reporting(trades: int) -> tuple[float, float, float]:
    """Seconds of /pnl for all time and for a month, with its text, and of /reconcile, after so many closed trades."""
    manager, _ = await resting(100)
    filled(manager, trades)
    every = timed(lambda: statements.profit(profit_views(manager, "all"), "all", None))
    month = timed(lambda: statements.profit(profit_views(manager, "month"), "month", None))
    began = process_time()
    for _ in range(20):
        await tally(manager)
    return every, month, (process_time() - began) / 20


async def sampling(count: int) -> tuple[float, float]:
    """Seconds of a look at the courses of so many grids: in a minute like any other, and in one that begins an hour."""
    manager, _ = await resting(2)
    grid = manager.state.grids["g1"]
    for number in range(2, count + 1):
        manager.state.put_grid(replace(grid, id=f"g{number}", number=number))
    books, desks, now = manager.heartbeat.bookkeeper, manager.heartbeat.desks, manager.world.clock.now()
    books.sample(desks, now)
    idle = timed(lambda: books.sample(desks, now + timedelta(seconds=1)), 50)
    began = process_time()
    for hour in range(1, 25):
        books.sample(desks, now + timedelta(hours=hour))
    return idle, (process_time() - began) / 24


async def exporting(folder: Path) -> tuple[float, float, float]:
    """Seconds of an export of SHEET trades and fills, the longest it held the loop, and of adding 10 fills."""
    ledger, at = FileLedger(folder / "pnl.log", "live"), datetime(2026, 1, 1, tzinfo=UTC)
    trip = RoundTrip("g1", "g1.1", 1, SYMBOL, Decimal("0.001"), Decimal(60), Decimal(61), Decimal("0.02"), "USDT", at)
    amounts = Decimal(60_000), Decimal("0.001"), Decimal("0.012")
    fill = BookedFill(at, SYMBOL, Side.BUY, *amounts, "USDT", Decimal("0.012"), "USDT", "o", "t", True, "g1", "g1.1", 1)
    await ledger.append([replace(trip, cycle=number) for number in range(SHEET)])
    await ledger.append_fills([replace(fill, trade_id=str(number)) for number in range(SHEET)])
    longest = 0.0
    done = asyncio.ensure_future(ledger.export(folder))
    began = last = perf_counter()
    while not done.done():
        await asyncio.sleep(0.001)
        now = perf_counter()
        longest, last = max(longest, now - last), now
    export = perf_counter() - began
    adding = []
    for number in range(20):
        started = perf_counter()
        await ledger.append_fills([replace(fill, trade_id=f"{number}-{each}") for each in range(10)])
        adding.append(perf_counter() - started)
    await ledger.close()
    return export, longest, median(adding)


def rows() -> Iterator[tuple[str, str]]:
    state_fill = Fill("t", Decimal(60_000), Decimal("0.001"), Decimal("0.012"), MARKET.quote, datetime.now(UTC))
    manager, _ = asyncio.run(resting(2))

    def add() -> None:
        for _ in range(100):
            manager.state.add_fill("g1", "d", Side.BUY, state_fill)

    cost = timed(add) / 100
    yield "a fill in the double entry", f"{cost * 1e6:.1f} µs"
    for trades in (100, MANY):
        every, month, compared = asyncio.run(reporting(trades))
        yield f"/pnl all after {trades:,} closed trades", f"{every * 1e3:.2f} ms"
        yield f"/pnl month after {trades:,} closed trades", f"{month * 1e3:.2f} ms"
        yield f"/reconcile after {trades:,} closed trades, 100 levels", f"{compared * 1e3:.2f} ms"
    idle, hourly = asyncio.run(sampling(100))
    yield "a minute's look at the courses of 100 grids", f"{idle * 1e3:.2f} ms"
    yield "an hour's points of 100 grids", f"{hourly * 1e3:.2f} ms"
    with tempfile.TemporaryDirectory() as folder:
        export, longest, adding = asyncio.run(exporting(Path(folder)))
    yield (
        f"/export of {SHEET:,} trades and {SHEET:,} fills",
        f"{export:.1f} s, loop held {longest * 1e3:.0f} ms at most",
    )
    yield f"10 fills into the journal of {SHEET:,}", f"{adding * 1e3:.2f} ms"
