"""The pretend exchange's own file: orders, trades, balances and where its market stands, in SQLite.

Rule: a real exchange never forgets what it acknowledged, so every change is on the disk before anyone hears
of it: one transaction a batch, WAL, synchronous FULL, only rows that changed. The file appears whole or not
at all (made beside its place, then renamed), so an empty or garbled one is damage and is never taken for a
new account. Writing happens on one thread of its own, so the event loop never waits for the disk.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol, Self

from bot.core.events import CloseReason
from bot.core.model import Balance, Fill, Side
from bot.errors import StateCorrupt, StateError, StateNewer, StateUnwritable
from bot.exchange.matching import Resting

VERSION = 1

SCHEMA = """
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE balances (currency TEXT PRIMARY KEY, free TEXT NOT NULL, used TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, side TEXT NOT NULL,
    price TEXT NOT NULL, amount TEXT NOT NULL, filled TEXT NOT NULL, fee_ratio TEXT NOT NULL,
    taker INTEGER NOT NULL, at TEXT NOT NULL, closed_at TEXT, reason TEXT, closed_seq INTEGER);
CREATE TABLE trades (
    seq INTEGER PRIMARY KEY, client_id TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, fee TEXT NOT NULL,
    fee_currency TEXT NOT NULL, at TEXT NOT NULL, maker INTEGER NOT NULL);
CREATE INDEX trades_of_order ON trades (client_id);
"""

SAVE_NOTE = "INSERT OR REPLACE INTO notes VALUES (?, ?)"
SAVE_BALANCE = "INSERT OR REPLACE INTO balances VALUES (?, ?, ?)"
SAVE_ORDER = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SAVE_TRADE = "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
FORGET_ORDER = "DELETE FROM orders WHERE client_id = ?"
FORGET_TRADES = "DELETE FROM trades WHERE client_id = ?"

UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""SQLite's primary result codes that speak of the disk, not of what is written there."""

Row = tuple[str | int | None, ...]
Batch = list[tuple[str, Sequence[Row]]]
"""Statements with the rows they take, in order: one transaction."""


@dataclass(slots=True)
class Saved:
    """What the file held when it was opened; no notes: it is new. Orders and their fills oldest first."""

    number: int = 0
    seq: int = 0
    notes: dict[str, str] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)
    orders: list[Resting] = field(default_factory=list)


def note_rows(notes: Mapping[str, str]) -> tuple[str, Sequence[Row]]:
    return SAVE_NOTE, list(notes.items())


def balance_rows(balances: Mapping[str, Balance]) -> tuple[str, Sequence[Row]]:
    return SAVE_BALANCE, [(currency, str(funds.free), str(funds.used)) for currency, funds in balances.items()]


def order_rows(orders: Iterable[Resting]) -> tuple[str, Sequence[Row]]:
    return SAVE_ORDER, [_order_row(order) for order in orders]


def trade_rows(trades: Iterable[tuple[str, Fill]]) -> tuple[str, Sequence[Row]]:
    return SAVE_TRADE, [_trade_row(client_id, fill) for client_id, fill in trades]


class ExchangeFile:
    """An open exchange file. `save` may be called from one thread at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> tuple[Self, Saved]:
        """Open the file, or make it where there is none, and read it.

        StateCorrupt when it can't be read whole, StateNewer when a newer bot wrote it, StateUnwritable when
        the disk does not let it be opened; each names the file and what to do.
        """
        try:
            if not path.exists():
                _create(path)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        except (OSError, sqlite3.Error) as error:
            raise StateUnwritable(
                f"{path} can't be opened: {error}. Make its folder writable, then start again"
            ) from error
        try:
            _check(path, connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            return cls(path, connection), _read(connection)
        except sqlite3.Error as error:
            connection.close()
            raise _state_error(path, error) from error
        except (ValueError, TypeError, KeyError, InvalidOperation) as error:
            connection.close()
            raise corrupt(path, f"a row can't be read: {error}") from error
        except StateError:
            connection.close()
            raise

    def save(self, batch: Batch) -> None:
        """Make a batch durable, all or none. StateUnwritable: it can't be now; StateCorrupt: the file
        broke."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for statement, rows in batch:
                    self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _state_error(self._path, error) from error

    def close(self) -> None:
        """Let go of the file; nothing is pending, every `save` was whole."""
        self._connection.close()


class Keeper(Protocol):
    """Where else than in a file the account may be kept; what was saved is durable."""

    async def save(self, batch: Batch) -> None:
        """Make a batch durable, all or none. StateUnwritable: it can't be now, or nobody knows whether it is."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


Kept = tuple[Keeper, Saved]
"""Where an account is kept, and what stands there."""


def opened(place: Path | Kept | None) -> tuple[ExchangeFile | Keeper | None, Saved]:
    """What is kept at a place: in a file (see `ExchangeFile.open`), or where it was looked up already."""
    if place is None:
        return None, Saved()
    return ExchangeFile.open(place) if isinstance(place, Path) else place


class _OnThread:
    """A file as a keeper: written by a thread of its own."""

    def __init__(self, file: ExchangeFile) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="exchange-file")

    async def save(self, batch: Batch) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.save, batch)

    async def close(self) -> None:
        self._thread.shutdown()
        self._file.close()


Standing = tuple[Mapping[str, Balance], Mapping[str, str]]
"""Balances and counters of the account at one moment."""


class Saver:
    """What has changed since the last transaction, and who keeps it.

    The gateway notes changes as it makes them and awaits `settle` before it lets anyone hear of them; all
    who wait at one moment share one transaction. `now` tells balances and counters as they are when a
    transaction is put together.
    """

    def __init__(self, keeper: ExchangeFile | Keeper, now: Callable[[], Standing]) -> None:
        self.orders: dict[str, Resting] = {}
        self.trades: list[tuple[str, Fill]] = []
        self.notes: dict[str, str] = {}
        self.forgotten: list[str] = []
        self._keeper = _OnThread(keeper) if isinstance(keeper, ExchangeFile) else keeper
        self._now = now
        self._unsaved: Batch = []
        self._writing: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Return once all that was noted is on the disk. StateUnwritable, StateCorrupt: it is not, and
        stays noted."""
        while True:
            if self._writing is None:
                if not (self.orders or self.trades or self.notes or self._unsaved):
                    return
                self._writing = asyncio.ensure_future(self._write(self._take()))
            # Shielded: a caller that is cancelled leaves the transaction to those who wait with it.
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Write what is noted and let go of the file."""
        try:
            await self.settle()
        finally:
            await self._keeper.close()

    def _take(self) -> Batch:
        balances, counters = self._now()
        forgotten = [(client_id,) for client_id in self.forgotten]
        batch = [
            *self._unsaved,
            order_rows(self.orders.values()),
            trade_rows(self.trades),
            balance_rows(balances),
            note_rows({**self.notes, **counters}),
            (FORGET_ORDER, forgotten),
            (FORGET_TRADES, forgotten),
        ]
        self.orders, self.trades, self.notes, self.forgotten, self._unsaved = {}, [], {}, [], []
        return batch

    async def _write(self, batch: Batch) -> None:
        try:
            await self._keeper.save(batch)
            batch = []
        finally:
            # Failed or cut off: it is written again with what comes next, which changes nothing if it was written.
            self._unsaved, self._writing = batch, None


def _create(path: Path) -> None:
    leftover = path.with_name(path.name + "-wal")
    if leftover.exists():
        # SQLite would play an old write-ahead log into the new file.
        raise corrupt(path, f"it is gone, but {leftover.name} is still there")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    finally:
        connection.close()
    os.replace(new, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(path: Path, connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StateNewer(
            f"{path} was written by a newer version of the bot (format {version}, not {VERSION}): use that"
        )
    if version != VERSION:
        raise corrupt(path, "it is not a file of the pretend exchange")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise corrupt(path, str(verdict))


def _state_error(path: Path, error: sqlite3.Error) -> StateError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in UNWRITABLE:
        return StateUnwritable(f"{path} can't be written now ({error}): free space or make its folder writable")
    return corrupt(path, str(error))


def corrupt(place: Path | str, found: str) -> StateCorrupt:
    """The error for a place that holds something it can't hold, with what to do about it."""
    setting = "RESULTS_DIR" if isinstance(place, Path) else "DATABASE_URL"
    return StateCorrupt(
        f"{place} can't be read as the pretend exchange's account: {found}. Put back a copy of it, or "
        f"begin anew with new pretend funds: set another {setting}, or delete this one"
    )


def _read(connection: sqlite3.Connection) -> Saved:
    return saved_of(
        connection.execute("SELECT key, value FROM notes"),
        connection.execute("SELECT currency, free, used FROM balances"),
        connection.execute("SELECT * FROM orders ORDER BY number"),
        connection.execute("SELECT * FROM trades ORDER BY seq"),
    )


Rows = Iterable[Sequence[Any]]


def saved_of(notes: Rows, balances: Rows, orders: Rows, trades: Rows) -> Saved:
    """What rows tell of, orders and trades oldest first. ValueError, TypeError, KeyError or InvalidOperation where one
    can't be read."""
    saved = Saved()
    for key, value in notes:
        saved.notes[key] = value
    if saved.notes:
        saved.number, saved.seq = int(saved.notes["number"]), int(saved.notes["seq"])
    for currency, free, used in balances:
        saved.balances[currency] = Balance(Decimal(free), Decimal(used))
    by_id: dict[str, Resting] = {}
    for row in orders:
        order = _order(row)
        by_id[order.client_id] = order
        saved.orders.append(order)
    for row in trades:
        by_id[row[1]].fills.append(_fill(row))
    for order in saved.orders:
        if sum((fill.amount for fill in order.fills), Decimal(0)) != order.filled:
            raise ValueError(f"the trades of order {order.client_id} do not add up")
    return saved


def _order_row(order: Resting) -> Row:
    return (
        order.number,
        order.client_id,
        order.symbol,
        order.side.value,
        str(order.price),
        str(order.amount),
        str(order.filled),
        str(order.fee_ratio),
        int(order.taker),
        order.at.isoformat(),
        None if order.closed_at is None else order.closed_at.isoformat(),
        None if order.reason is None else order.reason.name,
        order.closed_seq,
    )


def _order(row: Sequence[Any]) -> Resting:
    number, client_id, symbol, side, price, amount, filled, fee_ratio, taker, at, *closing = row
    closed_at, reason, closed_seq = closing
    return Resting(
        client_id=client_id,
        symbol=symbol,
        side=Side(side),
        price=Decimal(price),
        amount=Decimal(amount),
        number=int(number),
        at=datetime.fromisoformat(at),
        fee_ratio=Decimal(fee_ratio),
        taker=bool(taker),
        filled=Decimal(filled),
        closed_at=None if closed_at is None else datetime.fromisoformat(closed_at),
        reason=None if reason is None else CloseReason[reason],
        closed_seq=None if closed_seq is None else int(closed_seq),
    )


def _trade_row(client_id: str, fill: Fill) -> Row:
    return (
        int(fill.trade_id),
        client_id,
        str(fill.price),
        str(fill.amount),
        str(fill.fee),
        fill.fee_currency,
        fill.at.isoformat(),
        int(fill.maker),
    )


def _fill(row: Sequence[Any]) -> Fill:
    seq, _, price, amount, fee, fee_currency, at, maker = row
    return Fill(
        trade_id=str(seq),
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Decimal(fee),
        fee_currency=fee_currency,
        at=datetime.fromisoformat(at),
        maker=bool(maker),
    )
