"""The pretend account in a database: what else stands in RESULTS_DIR/exchange.db, as rows, behind the lease.

Rule: as in the file, what was acknowledged is durable before anyone hears of it, and a batch is kept whole or not at
all. A file that was there before the database was attached is taken over together with its state.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bot.errors import StateCorrupt, StateForeign
from bot.exchange import paper_file
from bot.exchange.paper_file import Batch, ExchangeFile, Kept, Row, Saved, saved_of
from bot.ports import Key
from bot.storage.atomic_json import unwritable
from bot.storage.postgres import PostgresStore

FILE, ASIDE = "exchange.db", "exchange-moved-to-database.db"
Tables = Mapping[str, Mapping[str, Row]]

TABLES: Mapping[str, tuple[str, int]] = {
    paper_file.SAVE_NOTE: ("notes", 0),
    paper_file.SAVE_BALANCE: ("balances", 0),
    paper_file.SAVE_ORDER: ("orders", 1),
    paper_file.SAVE_TRADE: ("trades", 0),
}
"""The table of each statement that puts rows, and the place of what names a row."""


class KeptPretence:
    """The Keeper of `bot.exchange.paper_file` over a store of its own."""

    def __init__(self, store: PostgresStore, trades: Mapping[str, list[str]]) -> None:
        self._store = store
        self._trades = {client_id: list(numbers) for client_id, numbers in trades.items()}

    async def save(self, batch: Batch) -> None:
        """Make a batch durable, all or none. StateUnwritable."""
        changes: dict[Key, object | None] = {}
        forgotten: list[str] = []
        for statement, rows in batch:
            if statement == paper_file.FORGET_TRADES:
                forgotten += [str(row[0]) for row in rows]
                continue
            for row in rows:
                self._put(changes, statement, row)
        for client_id in forgotten:
            changes |= {("trades", number): None for number in self._trades.get(client_id, ())}
        await self._store.keep(changes)
        for client_id in forgotten:
            self._trades.pop(client_id, None)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._store.close()

    def _put(self, changes: dict[Key, object | None], statement: str, row: Row) -> None:
        if statement == paper_file.FORGET_ORDER:
            changes["orders", str(row[0])] = None
            return
        table, place = TABLES[statement]
        changes[table, str(row[place])] = list(row)
        if table == "trades":
            numbers = self._trades.setdefault(str(row[1]), [])
            if str(row[0]) not in numbers:
                numbers.append(str(row[0]))


@dataclass(frozen=True, slots=True)
class Pretence:
    """A pretend account: who keeps it, and what stood there. `is_from_file`: it was taken over just now."""

    keeper: KeptPretence
    saved: Saved
    is_from_file: bool

    @property
    def is_new(self) -> bool:
        """Whether it begins just now."""
        return not self.saved.notes

    @property
    def kept(self) -> Kept:
        return self.keeper, self.saved


async def open_pretence(store: PostgresStore, folder: Path, account: str, is_new: bool) -> Pretence:
    """The pretend account of this worker, to be called with the lease held, before its state is taken over. `is_new`:
    the database has no state of it yet, so the account of the files, if there is one, goes on; it also does where none
    has traded here. StateCorrupt, StateForeign, StateUnwritable, StateNewer."""
    try:
        return await _opened(store, folder, account, is_new)
    except BaseException:
        await store.close()
        raise


async def _opened(store: PostgresStore, folder: Path, account: str, is_new: bool) -> Pretence:
    tables = cast("Tables", await store.load())
    is_from_file = (folder / FILE).exists() and (is_new or not tables.get("orders"))
    if is_from_file:
        tables = await _taken_over(store, folder / FILE, account, tables)
    if not tables and not is_new:
        raise StateCorrupt(
            "the pretend account is not in the database, though the state there tells of orders on it: put a backup of "
            f"the database back, or {FILE} into RESULTS_DIR; or begin anew with another BOT_ID or DATABASE_URL"
        )
    try:
        saved = _saved(tables)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise paper_file.corrupt("the database", f"a row can't be read: {error}") from error
    fills = {order.client_id: [fill.trade_id for fill in order.fills] for order in saved.orders}
    return Pretence(KeptPretence(store, fills), saved, is_from_file)


def move_aside(folder: Path) -> None:
    """Once the state is in the database too: nobody shall go on from the file by mistake. StateUnwritable."""
    path = folder / FILE
    if path.exists():
        try:
            os.replace(path, folder / ASIDE)
        except OSError as error:
            raise unwritable(path, error) from error


async def _taken_over(store: PostgresStore, path: Path, account: str, stale: Tables) -> Tables:
    """The rows of a file, which stand in the database now in place of all that did."""
    file, saved = ExchangeFile.open(path)
    file.close()
    if (owner := saved.notes.get("account", account)) != account:
        raise StateForeign(
            f"the pretend account in {path} belongs to {owner}, not to {account}, so the database did not take it "
            "over: set another RESULTS_DIR"
        )
    changes: dict[Key, object | None] = {(table, key): None for table, rows in stale.items() for key in rows}
    found: dict[str, dict[str, Row]] = {}
    for statement, rows in _batch(saved):
        table, place = TABLES[statement]
        found.setdefault(table, {}).update({str(row[place]): tuple(row) for row in rows})
    changes |= {(table, key): list(row) for table, rows in found.items() for key, row in rows.items()}
    await store.keep(changes)
    return found


def _batch(saved: Saved) -> Batch:
    trades = [(order.client_id, fill) for order in saved.orders for fill in order.fills]
    return [
        paper_file.note_rows(saved.notes),
        paper_file.balance_rows(saved.balances),
        paper_file.order_rows(saved.orders),
        paper_file.trade_rows(trades),
    ]


def _saved(tables: Tables) -> Saved:
    def rows(table: str, is_ordered: bool = False) -> Sequence[Row]:
        found = list(tables.get(table, {}).values())
        return sorted(found, key=lambda row: int(row[0] or 0)) if is_ordered else found

    return saved_of(rows("notes"), rows("balances"), rows("orders", True), rows("trades", True))
