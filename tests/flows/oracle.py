"""What is true after a story: the pretend exchange's own database, the ledger's lines, and the bot's books.

The rule: the exchange's trades are the truth; they are added up here anew, from the raw rows, and everything the bot
wrote must be the same to the last digit. Client ids are read by hand, not by the product's decoder.
"""

import asyncio
import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from typing import cast

from bot.core.executor import PositionExecutor
from bot.core.money import EXACT
from bot.core.portfolio import Grid, Totals
from bot.storage.tinydb_store import Tables, TinyDBStore

ZERO = Decimal(0)
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
CONTRACT_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) CLOSED grid=(?P<grid>g\d+) executor=(?P<executor>g\d+\.\d+) "
    rf"cycle=(?P<cycle>\d+) symbol=(?P<symbol>\S+) qty=(?P<qty>{NUMBER}) entry=(?P<entry>{NUMBER}) "
    rf"exit=(?P<exit>{NUMBER}) gross=(?P<gross>{NUMBER}) fees=(?P<fees>{NUMBER}) pnl=(?P<pnl>{NUMBER}) "
    r"currency=(?P<currency>\S+) mode=(?P<mode>\S+)(?: \S+=\S+)*\n"
)
"""A line of pnl.log as CONTRACT.md gives it; more fields may follow."""


@dataclass(frozen=True, slots=True)
class Sold:
    """A line of the ledger."""

    executor: str
    cycle: int
    qty: Decimal
    entry: Decimal
    exit: Decimal
    gross: Decimal
    fees: Decimal
    pnl: Decimal
    mode: str


@dataclass(frozen=True, slots=True)
class Deal:
    """An order of the exchange with what traded of it. `leg` is e, x or c."""

    client_id: str
    executor: str
    cycle: int
    leg: str
    amount: Decimal
    is_open: bool
    trades: tuple[tuple[Decimal, Decimal, Decimal, str, bool], ...]
    """Price, amount, fee, the fee's currency, whether as maker."""

    @property
    def filled(self) -> Decimal:
        return sum((trade[1] for trade in self.trades), ZERO)


def ledger(results: Path) -> list[Sold]:
    """All lines of pnl.log; AssertionError where one is not in the contract's shape."""
    path = results / "pnl.log"
    sold = []
    for line in path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []:
        found = CONTRACT_LINE.fullmatch(line)
        assert found, line
        qty, entry, exit_, gross, fees, pnl = (
            Decimal(found[name]) for name in ("qty", "entry", "exit", "gross", "fees", "pnl")
        )
        executor, cycle, mode = found["executor"], int(found["cycle"]), found["mode"]
        sold.append(Sold(executor, cycle, qty, entry, exit_, gross, fees, pnl, mode))
    return sold


def deals(results: Path) -> list[Deal]:
    """Every order the exchange ever accepted, oldest first."""
    uri = f"file:{results / 'exchange.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        trades = defaultdict(list)
        for client_id, price, amount, fee, currency, maker in database.execute(
            "SELECT client_id, price, amount, fee, fee_currency, maker FROM trades ORDER BY seq"
        ):
            trades[client_id].append((Decimal(price), Decimal(amount), Decimal(fee), str(currency), bool(maker)))
        rows = database.execute("SELECT client_id, amount, closed_at FROM orders ORDER BY number").fetchall()
    return [
        Deal(
            client_id=key,
            executor=f"g{int(key[6:8], 36)}.{int(key[8:11], 36)}",
            cycle=int(key[11:15], 36),
            leg=key[15],
            amount=Decimal(amount),
            is_open=closed_at is None,
            trades=tuple(trades[key]),
        )
        for key, amount, closed_at in rows
    ]


def balances(results: Path) -> dict[str, Decimal]:
    """What the account holds by currency, free and bound."""
    uri = f"file:{results / 'exchange.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database, localcontext(EXACT):
        rows = database.execute("SELECT currency, free, used FROM balances").fetchall()
        return {currency: Decimal(free) + Decimal(used) for currency, free, used in rows}


def state(results: Path) -> Tables:
    """What the bot has kept, as the next start will find it."""
    return cast(Tables, asyncio.run(TinyDBStore(results).load()))


def executors(results: Path) -> list[PositionExecutor]:
    return list(cast("dict[str, PositionExecutor]", state(results).get("executors", {})).values())


def grids(results: Path) -> list[Grid]:
    return list(cast("dict[str, Grid]", state(results).get("grids", {})).values())


def nothing_is_doubled(results: Path) -> None:
    """One order at a time for an executor, no leg traded beyond its size, each closed trade in the ledger once. Holds
    at every moment, even right after a kill."""
    with localcontext(EXACT):
        found, levels = deals(results), {each.id: each for each in executors(results)}
        assert len({deal.client_id for deal in found}) == len(found)
        at_rest = Counter(deal.executor for deal in found if deal.is_open)
        assert all(count == 1 for count in at_rest.values()), at_rest
        bought: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
        for deal in found:
            assert deal.filled <= deal.amount
            assert all(maker for *_, maker in deal.trades)
            if deal.leg == "e":
                bought[deal.executor, deal.cycle] += deal.filled + (deal.amount - deal.filled if deal.is_open else ZERO)
        for (executor, cycle), amount in bought.items():
            assert amount <= levels[executor].level.amount, (executor, cycle)
        names = Counter((line.executor, line.cycle) for line in ledger(results))
        assert all(count == 1 for count in names.values()), names


def nothing_is_lost(results: Path, funds: Decimal = Decimal(10_000)) -> None:
    """The account is what it began with and what its trades made of it; the ledger and the books say the same. Holds
    where no news is under way: nothing rests on the exchange."""
    with localcontext(EXACT):
        nothing_is_doubled(results)
        money, coins = funds, ZERO
        for deal in deals(results):
            assert not deal.is_open
            side = 1 if deal.leg == "e" else -1
            for price, amount, fee, currency, _ in deal.trades:
                money -= side * price * amount + (fee if currency == "USDT" else ZERO)
                coins += side * amount - (fee if currency == "BTC" else ZERO)
        held = balances(results)
        assert (held["USDT"], held.get("BTC", ZERO)) == (money, coins)
        tables, lines = state(results), ledger(results)
        assert not tables.get("unwritten")
        books = [each.books for each in executors(results)]
        realised = sum((line.pnl for line in lines), ZERO)
        in_progress = sum((each.unsettled - each.held_cost for each in books), ZERO)
        assert money == funds + realised + in_progress
        assert coins == sum((each.held for each in books), ZERO)
        totals = cast("dict[str, Totals]", tables.get("totals", {}))
        assert sum((total.realised for key, total in totals.items() if key == "all:USDT"), ZERO) == realised
        assert sum((total.trades for key, total in totals.items() if key == "all:USDT")) == len(lines)


def lines_are_the_fills(results: Path) -> int:
    """Each line's sums are those of its own fills, where the trade carried no dust; returns how many were compared."""
    legs: defaultdict[tuple[str, int, str], list[tuple[Decimal, Decimal, Decimal, str, bool]]] = defaultdict(list)
    for deal in deals(results):
        legs[deal.executor, deal.cycle, deal.leg] += deal.trades
    compared = 0
    with localcontext(EXACT):
        for line in ledger(results):
            assert line.pnl == line.gross - line.fees
            bought, sold = legs[line.executor, line.cycle, "e"], legs[line.executor, line.cycle, "x"]
            coins = sum((amount - fee for _, amount, fee, _, _ in bought), ZERO)
            assert line.qty == sum((amount for _, amount, *_ in sold), ZERO)
            if coins != line.qty:
                continue
            cost = sum(((amount - fee) * price for price, amount, fee, _, _ in bought), ZERO)
            proceeds = sum((amount * price for price, amount, *_ in sold), ZERO)
            fees = sum((fee * price for price, _, fee, _, _ in bought), ZERO) + sum(
                (fee for _, _, fee, *_ in sold), ZERO
            )
            assert (line.gross, line.fees) == (proceeds - cost, fees), line
            assert abs(line.entry * line.qty - cost) < Decimal("1e-8")
            assert abs(line.exit * line.qty - proceeds) < Decimal("1e-8")
            compared += 1
    return compared
