"""The closed trades and the fills in Postgres: a row each, in the order in which they were written.

Rule: each stands there once, whatever crashes: executor, cycle and time (to the millisecond, as in pnl.log) say which
trade it is; order, trade id and executor which fill. Only the copy that holds the lease writes; one that has lost it
might tell of a trade in its own way.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.model import Side
from bot.errors import StateUnwritable
from bot.ledger import spreadsheets
from bot.storage.database import Database
from bot.storage.lease import OURS, Lease
from bot.storage.postgres import DURABLE, LOADING

if TYPE_CHECKING:
    from bot.storage.database import Connection

BATCH = 2_000
"""Trades or fills written in one go."""
PAGE = 1_000
"""Rows read in one go for an export."""
MOST = 2**63 - 1

_APPEND = f"""
    with mine as (
        select 1 from rexlapis_states where {OURS} for share
    ), put as (
        insert into rexlapis_trades
            (worker, closed_at, grid, executor, cycle, symbol, qty, cost, proceeds, fees, currency, mode)
        select %(worker)s, t.closed_at, t.grid, t.executor, t.cycle, t.symbol, t.qty, t.cost, t.proceeds, t.fees,
            t.currency, %(mode)s
        from json_to_recordset(%(rows)s::json) as t(place integer, closed_at timestamptz, grid text, executor text,
            cycle integer, symbol text, qty numeric, cost numeric, proceeds numeric, fees numeric, currency text)
        where exists (select from mine)
        order by t.place
        on conflict do nothing
    )
    select (select count(*) from mine), {DURABLE}
"""
_APPEND_FILLS = f"""
    with mine as (
        select 1 from rexlapis_states where {OURS} for share
    ), put as (
        insert into rexlapis_fills (worker, at, symbol, side, price, amount, fee, fee_currency, fee_value, currency,
            order_id, trade_id, maker, grid, executor, cycle, mode)
        select %(worker)s, f.at, f.symbol, f.side, f.price, f.amount, f.fee, f.fee_currency, f.fee_value, f.currency,
            f.order_id, f.trade_id, f.maker, f.grid, f.executor, f.cycle, %(mode)s
        from json_to_recordset(%(rows)s::json) as f(place integer, at timestamptz, symbol text, side text,
            price numeric, amount numeric, fee numeric, fee_currency text, fee_value numeric, currency text,
            order_id text, trade_id text, maker boolean, grid text, executor text, cycle integer)
        where exists (select from mine)
        order by f.place
        on conflict do nothing
    )
    select (select count(*) from mine), {DURABLE}
"""
_TRADE = """
    grid, executor, cycle, symbol, qty, cost, proceeds, fees, currency,
    to_char(closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS')
"""
_LAST = f"select {_TRADE} from rexlapis_trades where worker = %s order by line desc limit %s"
_TRADES = f"""
    select line, mode, {_TRADE} from rexlapis_trades where worker = %s and line > %s order by line limit {PAGE}
"""
_FILL = """
    line, mode, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS'), symbol, side, price, amount, fee,
    fee_currency, fee_value, currency, order_id, trade_id, maker, grid, executor, cycle
"""
_FILLS = f"select {_FILL} from rexlapis_fills where worker = %s and line > %s order by line limit {PAGE}"
_FILLS_SINCE = f"""
    select {_FILL} from rexlapis_fills where worker = %s and grid = %s and at >= %s order by line desc limit %s
"""


class PostgresLedger:
    """The Ledger port over a database. `mode` is simulated, paper, demo or live."""

    def __init__(self, database: Database, lease: Lease, mode: str) -> None:
        self._database = database.another()
        self._lease = lease
        self._mode = mode

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        """Write a row for each trade that has none yet, durably. StateUnwritable when that can't be."""
        for start in range(0, len(trades), BATCH):
            rows = [_row(place, trade) for place, trade in enumerate(trades[start : start + BATCH])]
            await self._append(_APPEND, rows)

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        """Write a row for each fill that has none yet, durably. StateUnwritable when that can't be."""
        for start in range(0, len(fills), BATCH):
            rows = [_fill_row(place, fill) for place, fill in enumerate(fills[start : start + BATCH])]
            await self._append(_APPEND_FILLS, rows)

    async def last(self, count: int) -> Sequence[RoundTrip]:
        """The last closed trades, newest first; times to the millisecond. StateUnwritable when none can be read."""
        if count <= 0:
            return []
        asked = [self._lease.claim.worker, min(count, MOST)]

        async def look(connection: "Connection") -> list[tuple[Any, ...]]:
            return await (await connection.execute(_LAST, asked)).fetchall()

        rows = await self._database.run(look, LOADING)
        return [_trade(row) for row in rows]

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        """The last fills of a grid, newest first, at most so many, none older than `since`. StateUnwritable when none
        can be read."""
        asked = [self._lease.claim.worker, grid, since, min(most, MOST)]

        async def look(connection: "Connection") -> list[tuple[Any, ...]]:
            return await (await connection.execute(_FILLS_SINCE, asked)).fetchall()

        rows = await self._database.run(look, LOADING)
        return [_fill(row) for row in rows]

    async def export(self, folder: Path) -> Sequence[Path]:
        """Write trades.csv and fills.csv into a folder, a page at a time. StateUnwritable."""
        trades, fills = folder / spreadsheets.TRADES, folder / spreadsheets.FILLS
        try:
            await self._sheet(trades, spreadsheets.TRADES_HEAD, _TRADES, _trade_line)
            await self._sheet(fills, spreadsheets.FILLS_HEAD, _FILLS, _fill_line)
        except OSError as error:
            raise StateUnwritable(f"the export can't be written: {error.strerror or error}") from error
        return [trades, fills]

    async def close(self) -> None:
        """Let go of the connection."""
        await self._database.close()

    async def _append(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        lease = self._lease
        if not lease.is_ours:
            raise StateUnwritable(lease.why)
        names = {**lease.names, "mode": self._mode, "rows": orjson.dumps(rows).decode()}

        async def write(connection: "Connection") -> bool:
            row = await (await connection.execute(statement, names)).fetchone()
            return row is not None and bool(row[0])

        if not await self._database.run(write):
            lease.lose()
            raise StateUnwritable(lease.why)

    async def _sheet(self, path: Path, head: str, statement: str, line: Callable[[tuple[Any, ...]], str]) -> None:
        """A sheet as `spreadsheets` has it, the file being written beside the loop."""

        def write(file: TextIO, rows: Sequence[tuple[Any, ...]]) -> None:
            file.writelines(f"{line(row)}\r\n" for row in rows)

        file = await asyncio.to_thread(path.open, "w", encoding="utf-8", newline="")
        try:
            await asyncio.to_thread(file.write, f"{head}\r\n")
            async for page in self._pages(statement):
                await asyncio.to_thread(write, file, page)
        finally:
            await asyncio.to_thread(file.close)

    async def _pages(self, statement: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        """All rows, oldest first. What is read belongs to its line, so pages need no transaction around them."""
        after = 0

        async def look(connection: "Connection") -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, [self._lease.claim.worker, after])).fetchall()

        while page := await self._database.run(look, LOADING):
            yield page
            after = page[-1][0]


def _moment(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _to_milliseconds(at: datetime) -> str:
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000).isoformat()


def _trade(row: Sequence[Any]) -> RoundTrip:
    *rest, at = row
    return RoundTrip(*(*rest, _moment(at)))


def _trade_line(row: tuple[Any, ...]) -> str:
    _, mode, *rest = row
    return spreadsheets.trade_row(_trade(rest), mode)


def _fill(row: tuple[Any, ...]) -> BookedFill:
    _, _, at, symbol, side, *rest = row
    return BookedFill(*(_moment(at), symbol, Side(side), *rest))


def _fill_line(row: tuple[Any, ...]) -> str:
    return spreadsheets.fill_row(_fill(row), row[1])


def _row(place: int, trade: RoundTrip) -> dict[str, object]:
    return {
        "place": place,
        "closed_at": _to_milliseconds(trade.closed_at),
        "grid": trade.grid,
        "executor": trade.executor,
        "cycle": trade.cycle,
        "symbol": trade.symbol,
        "qty": str(trade.qty),
        "cost": str(trade.cost),
        "proceeds": str(trade.proceeds),
        "fees": str(trade.fees),
        "currency": trade.currency,
    }


def _fill_row(place: int, fill: BookedFill) -> dict[str, object]:
    return {
        "place": place,
        "at": _to_milliseconds(fill.at),
        "symbol": fill.symbol,
        "side": fill.side.value,
        "price": str(fill.price),
        "amount": str(fill.amount),
        "fee": str(fill.fee),
        "fee_currency": fill.fee_currency,
        "fee_value": str(fill.fee_value),
        "currency": fill.currency,
        "order_id": fill.order,
        "trade_id": fill.trade_id,
        "maker": fill.maker,
        "grid": fill.grid,
        "executor": fill.executor,
        "cycle": fill.cycle,
    }
