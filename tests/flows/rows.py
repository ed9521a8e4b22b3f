"""What a worker has kept in a database, written into files as the oracles read them.

The rule: nothing is asserted here.
"""

import asyncio
from pathlib import Path
from typing import Any, cast

from bot.core.accounting import RoundTrip
from bot.exchange import paper_file
from bot.exchange.paper_file import Batch, ExchangeFile
from bot.ledger.logs import trade_line
from bot.storage.claim import MAIN, Claim
from bot.storage.database import Database
from bot.storage.lease import Lease
from bot.storage.postgres import PRETEND, PostgresStore
from bot.storage.postgres_ledger import PostgresLedger
from bot.storage.tinydb_store import Tables, save


def into_files(url: str, results: Path, mode: str) -> None:
    """State, ledger and pretend account into state.json, pnl.log and exchange.db of an empty or older folder."""
    results.mkdir(parents=True, exist_ok=True)
    state, account, trades = asyncio.run(_read(url, mode))
    save(results / "state.json", state)
    lines = [f"{trade_line(trade, mode)}\n" for trade in reversed(trades)]
    (results / "pnl.log").write_text("".join(lines), "utf-8")
    if account:
        _write_account(results / "exchange.db", cast("dict[str, dict[str, list[Any]]]", account))


async def _read(url: str, mode: str) -> tuple[Tables, Tables, list[RoundTrip]]:
    database, claim = Database(url), Claim(MAIN, "")
    lease = Lease(database, claim)
    state, account = PostgresStore(database, claim), PostgresStore(database, claim, room=PRETEND)
    ledger = PostgresLedger(database, lease, mode)
    try:
        trades = list(await ledger.last(10**9))
        return cast(Tables, await state.load()), cast(Tables, await account.load()), trades
    finally:
        for each in (state, account, ledger, lease, database):
            await each.close()


def _write_account(path: Path, tables: dict[str, dict[str, list[Any]]]) -> None:
    path.unlink(missing_ok=True)
    file, _ = ExchangeFile.open(path)
    names = {
        "notes": paper_file.SAVE_NOTE,
        "balances": paper_file.SAVE_BALANCE,
        "orders": paper_file.SAVE_ORDER,
        "trades": paper_file.SAVE_TRADE,
    }
    batch: Batch = [(names[table], [tuple(row) for row in found.values()]) for table, found in tables.items()]
    file.save(batch)
    file.close()
