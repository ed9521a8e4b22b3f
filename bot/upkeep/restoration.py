"""Backups of the trader's state, and what going on from one changes.

Rule: truth is the exchange, then the database, then the backup: a backup only fills in what the exchange can't tell. It
takes the place of grids, levels and sums; people, messages and ledger lines stay. What happened since it was made is
learnt as after any restart, before anything is sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, cast

from bot.core import adoption, client_ids
from bot.core.executor import PositionExecutor
from bot.core.model import Order
from bot.core.portfolio import Grid, Totals
from bot.errors import CommandError, StateForeign
from bot.ports import Key
from bot.texts.catalogue import say
from bot.trading.state import INHERITANCE, ORPHANS, Identity, Meta, TradingState

Tables = Mapping[str, Mapping[str, object]]

META: Key = ("meta", "meta")
CLOSED, PRETEND = "closed", "pretend"
"""Tables that a backup alone has: the last ledger lines, and the pretend exchange where there is one."""
REPLACED = ("markets", "cursors", "grids", "executors", "totals", "flows", "points", "standings", ORPHANS, INHERITANCE)
"""Tables of which nothing stays when a backup is put in their place."""
TOLD_FOR = timedelta(days=6)
"""An exchange tells of orders that are over about this long (most keep seven days)."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A state of the past."""

    made_at: datetime
    tables: Tables

    @property
    def meta(self) -> Meta:
        return Meta.from_record(cast("dict[str, object]", self.tables["meta"]["meta"]))

    @property
    def grids(self) -> Mapping[str, Grid]:
        return cast("Mapping[str, Grid]", self.tables.get("grids", {}))

    @property
    def executors(self) -> Mapping[str, PositionExecutor]:
        return cast("Mapping[str, PositionExecutor]", self.tables.get("executors", {}))

    @property
    def symbols(self) -> Sequence[str]:
        return list(dict.fromkeys(grid.symbol for grid in self.grids.values()))


@dataclass(frozen=True, slots=True)
class Packed:
    """A backup as a file."""

    name: str
    data: bytes
    made_at: datetime
    account: str
    grids: int
    levels: int


class Vault(Protocol):
    """Makes backups, reads them, and has the worker go on from one."""

    @property
    def is_exchange_new(self) -> bool:
        """Whether the exchange is a pretend one that began with this worker, and nothing was traded there since: one
        in a backup takes its place."""
        ...

    async def pack(self) -> Packed:
        """The state of now. CommandError when it is too large for Telegram to hand it back."""
        ...

    async def open(self, data: bytes) -> Backup:
        """A backup of this account. StateCorrupt, StateNewer, StateForeign."""
        ...

    def file(self, name: str) -> Path:
        """Where a backup of this name lies in RESULTS_DIR. CommandError when there is none."""
        ...

    def restore(self, backup: Backup) -> None:
        """Have the worker end this life in order and begin the next from the backup. Returns at once."""
        ...


class NoVault:
    """A chat without backups."""

    is_exchange_new = False

    async def pack(self) -> Packed:
        raise CommandError(say("unable.no_vault"))

    async def open(self, data: bytes) -> Backup:
        raise CommandError(say("unable.no_vault"))

    def file(self, name: str) -> Path:
        raise CommandError(say("unable.no_vault"))

    def restore(self, backup: Backup) -> None:
        raise CommandError(say("unable.no_vault"))


def tables_of(state: TradingState) -> dict[str, dict[str, object]]:
    """All that a backup holds of a state: no chat, no update, nothing that people wrote."""
    return {
        "meta": {"meta": state.meta.to_record()},
        "markets": dict(state.markets),
        "cursors": {symbol: {"at": cursor} for symbol, cursor in state.cursors.items()},
        "grids": dict(state.grids),
        "executors": dict(state.executors),
        "totals": dict(state.totals),
        "flows": dict(state.flows),
        "points": dict(state.points),
        "standings": dict(state.standings),
        "unwritten": dict(state.unwritten),
        "fills": dict(state.fills),
        "outbox": dict(state.outbox),
        ORPHANS: dict(state.notes.get(ORPHANS, {})),
        INHERITANCE: dict(state.notes.get(INHERITANCE, {})),
    }


def check_account(backup: Backup, identity: Identity) -> None:
    """StateForeign when it is another account's."""
    if backup.meta.account != identity.account:
        raise StateForeign(say("unable.backup_of_another", theirs=backup.meta.account, ours=identity.account))


def changes(now: Tables, backup: Backup) -> dict[Key, object | None]:
    """What is to be kept so that the next life goes on from the backup. Names, ids and permissions that were given out
    since stay given."""
    put: dict[Key, object | None] = {
        (table, key): None
        for table in REPLACED
        for key in now.get(table, {})
        if key not in backup.tables.get(table, {})
    }
    meta = dict(cast("Mapping[str, object]", backup.tables["meta"]["meta"]))
    if "meta" in now:
        before = cast("Mapping[str, object]", now["meta"]["meta"])
        for name in ("next_grid", "next_notice"):
            meta[name] = max(cast(int, meta[name]), cast(int, before[name]))
        meta["epoch"] = before["epoch"]  # the next life makes another one
        meta["confirmed_live"] = bool(meta.get("confirmed_live") or before.get("confirmed_live"))
        meta["quiet_until"] = before.get("quiet_until") or meta.get("quiet_until")
    if not now.get("grids"):  # a wiped disk: what that life had still to tell comes after what this one has
        for notice in dict(sorted(backup.tables.get("outbox", {}).items())).values():
            number = cast(int, meta["next_notice"])
            put["outbox", f"{number:09d}"] = notice
            meta["next_notice"] = number + 1
    put |= {
        (table, key): thing
        for table in (*REPLACED, "unwritten", "fills")
        for key, thing in backup.tables.get(table, {}).items()
    }
    put |= {("grids", name): _numbered(grid, now) for name, grid in backup.grids.items()}
    return {**put, META: meta}


def _numbered(grid: Grid, now: Tables) -> Grid:
    """A grid of a backup that gives no number again that a level of it was given since."""
    since = cast("Mapping[str, Grid]", now.get("grids", {})).get(grid.id, grid)
    return grid if since.last_number <= grid.last_number else replace(grid, numbered=since.last_number)


# -- against the exchange --------------------------------------------------------------------------------------------


def trades_since(backup: Backup, orders: Iterable[Order]) -> int:
    """How many of these orders have traded what the backup does not know."""
    return sum(_has_news(backup, order) for order in orders)


def is_too_old(backup: Backup, now: datetime) -> bool:
    """Whether the exchange may have forgotten trades since it was made."""
    return now - backup.made_at > TOLD_FOR


def _has_news(backup: Backup, order: Order) -> bool:
    key = client_ids.decode(order.client_id)
    if key is None or key.prefix[:3] != backup.meta.bot or not order.filled:
        return False
    if key.grid >= backup.meta.next_grid:
        return True
    if not key.level:
        grid = backup.grids.get(key.owner_id)
        return grid is not None and grid.sale is None and grid.sold is None
    executor = backup.executors.get(key.owner_id)
    if executor is None:  # its grid had ended
        return False
    known = {record.client_id: record.filled for record in executor.orders}
    if order.client_id in known:
        return order.filled > known[order.client_id]
    return adoption.is_unknown(executor, order.client_id)


# -- what would change -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GridChange:
    """One grid in the backup and now; None of levels where it is not there. `orders`: as the books have them."""

    name: str
    symbol: str
    levels_then: int | None
    levels_now: int | None
    orders_then: int
    orders_now: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What going on from a backup changes. `still_resting`: of its orders, on the exchange now; None: not known."""

    made_at: datetime
    account: str
    grids: tuple[GridChange, ...]
    orders_then: int
    orders_now: int
    trades_then: int
    trades_now: int
    still_resting: int | None


def difference(state: TradingState, backup: Backup, resting: Iterable[Order] | None) -> Difference:
    """A backup against the state of now; `resting`: what rests on the exchange, None where it can't be asked."""
    names = sorted({*backup.grids, *state.grids}, key=lambda name: int(name[1:]))
    grids = [_change(name, state, backup) for name in names]
    then = {each.order.client_id for each in backup.executors.values() if each.order is not None}
    totals = cast("Mapping[str, Totals]", backup.tables.get("totals", {}))
    return Difference(
        made_at=backup.made_at,
        account=backup.meta.account,
        grids=tuple(change for change in grids if change is not None),
        orders_then=len(then),
        orders_now=_orders(state.executors),
        trades_then=_trades(totals),
        trades_now=_trades(state.totals),
        still_resting=None if resting is None else len(then & {order.client_id for order in resting}),
    )


def _change(name: str, state: TradingState, backup: Backup) -> GridChange | None:
    """None for a grid that is over both here and there."""
    then, now = backup.grids.get(name), state.grids.get(name)
    sides = [grid for grid in (then, now) if grid is not None and grid.ended_at is None]
    if not sides:
        return None
    old = {key: each for key, each in backup.executors.items() if each.level.grid == name}
    new = {key: each for key, each in state.executors.items() if each.level.grid == name}
    return GridChange(
        name=name,
        symbol=sides[0].symbol,
        levels_then=len(old) if then in sides and then is not None else None,
        levels_now=len(new) if now in sides and now is not None else None,
        orders_then=_orders(old),
        orders_now=_orders(new),
    )


def _orders(executors: Mapping[str, PositionExecutor]) -> int:
    return sum(executor.order is not None for executor in executors.values())


def _trades(totals: Mapping[str, Totals]) -> int:
    return sum(total.trades for key, total in totals.items() if key.startswith("all:") and key.count(":") == 1)
