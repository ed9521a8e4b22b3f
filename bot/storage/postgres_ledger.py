"""The closed trades in Postgres: a row each, in the order in which they were written.

Rule: a trade stands there once, whatever crashes: executor, cycle and time (to the millisecond, as in pnl.log) say
which it is. Only the copy that holds the lease writes; one that has lost it might tell of a trade in its own way.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from bot.core.accounting import RoundTrip
from bot.errors import StateUnwritable
from bot.storage.database import Database
from bot.storage.lease import OURS, Lease
from bot.storage.postgres import DURABLE, LOADING

if TYPE_CHECKING:
    from bot.storage.database import Connection

BATCH = 2_000
"""Trades written in one go."""
MOST = 2**63 - 1

_APPEND = f"""
    with mine as (
        select 1 from rexlapis_states where {OURS} for share
    ), put as (
        insert into rexlapis_trades
            (worker, closed_at, grid, executor, cycle, symbol, qty, cost, proceeds, fees, currency, mode)
        select %(worker)s, t.closed_at, t.grid, t.executor, t.cycle, t.symbol, t.qty, t.cost, t.proceeds, t.fees,
            t.currency, %(mode)s
        from json_to_recordset(%(trades)s::json) as t(place integer, closed_at timestamptz, grid text, executor text,
            cycle integer, symbol text, qty numeric, cost numeric, proceeds numeric, fees numeric, currency text)
        where exists (select from mine)
        order by t.place
        on conflict do nothing
    )
    select (select count(*) from mine), {DURABLE}
"""
_LAST = """
    select grid, executor, cycle, symbol, qty, cost, proceeds, fees, currency,
        to_char(closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS')
    from rexlapis_trades where worker = %s order by line desc limit %s
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
            await self._append(orjson.dumps(rows).decode())

    async def last(self, count: int) -> Sequence[RoundTrip]:
        """The last closed trades, newest first; times to the millisecond. StateUnwritable when none can be read."""
        if count <= 0:
            return []
        asked = [self._lease.claim.worker, min(count, MOST)]

        async def look(connection: "Connection") -> list[tuple[Any, ...]]:
            return await (await connection.execute(_LAST, asked)).fetchall()

        rows = await self._database.run(look, LOADING)
        return [RoundTrip(*(*row, datetime.fromisoformat(at).replace(tzinfo=UTC))) for *row, at in rows]

    async def close(self) -> None:
        """Let go of the connection."""
        await self._database.close()

    async def _append(self, trades: str) -> None:
        lease = self._lease
        if not lease.is_ours:
            raise StateUnwritable(lease.why)
        names = {**lease.names, "mode": self._mode, "trades": trades}

        async def write(connection: "Connection") -> bool:
            row = await (await connection.execute(_APPEND, names)).fetchone()
            return row is not None and bool(row[0])

        if not await self._database.run(write):
            lease.lose()
            raise StateUnwritable(lease.why)


def _row(place: int, trade: RoundTrip) -> dict[str, object]:
    closed_at = trade.closed_at.astimezone(UTC)
    return {
        "place": place,
        "closed_at": closed_at.replace(microsecond=closed_at.microsecond // 1000 * 1000).isoformat(),
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
