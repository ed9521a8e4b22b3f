"""Backups made, read and put in the state's place: where the trader, its store, its ledger and its chat meet.

Rule: a backup is taken of one moment, under the heartbeat's lock, and put in place between two lives of the worker, in
one write; so a crash leaves the old state or the new one, and what follows is an ordinary start.
"""

import asyncio
import base64
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import cast

from bot.core.accounting import RoundTrip
from bot.errors import CommandError, StateCorrupt
from bot.manager import TradeManager
from bot.ports import Ledger, Store
from bot.storage.atomic_json import sync_folder, unwritable
from bot.storage.backup import MOST_BYTES, packed, unpacked
from bot.texts.catalogue import say
from bot.upkeep.restoration import CLOSED, PRETEND, Backup, Packed, Tables, changes, check_account, tables_of

MOST_LINES = 2_000
"""Ledger lines that go along, the newest: enough for /trades and the days a disk may be gone."""
NAME = re.compile(r"rexlapis-[a-z0-9]{3}-\d{8}T\d{6}Z\.json\.gz")


class Vault:
    """The Vault port of one life. `pretend` is the file of the pretend exchange, None where the exchange is real."""

    def __init__(
        self,
        manager: TradeManager,
        folder: Path,
        restore: Callable[[Backup], None],
        *,
        pretend: Path | None = None,
        is_exchange_new: bool = False,
    ) -> None:
        self._manager = manager
        self._folder = folder
        self._restore = restore
        self._pretend = pretend
        self._is_exchange_new = is_exchange_new

    @property
    def is_exchange_new(self) -> bool:
        """Whether the exchange is a pretend one that began with this worker, and nothing was traded there since."""
        return self._is_exchange_new and not self._manager.state.grids

    async def pack(self) -> Packed:
        """The state of now. CommandError when it is too large to be handed back."""
        manager = self._manager
        async with manager.heartbeat.lock:
            tables, now, meta = tables_of(manager.state), manager.world.clock.now(), manager.state.meta
        lines = await manager.world.ledger.last(MOST_LINES)
        tables[CLOSED] = {f"{number:09d}": trade for number, trade in enumerate(reversed(lines))}
        data = await asyncio.to_thread(self._packed, tables, now)
        if len(data) > MOST_BYTES:
            size, most = f"{len(data) / 1024**2:.0f}", MOST_BYTES // 1024**2
            raise CommandError(say("unable.backup_too_large", size=size, most=most))
        name = f"rexlapis-{meta.bot}-{now:%Y%m%dT%H%M%SZ}.json.gz"
        running = sum(grid.ended_at is None for grid in manager.state.grids.values())
        return Packed(name, data, now, meta.account, running, len(tables["executors"]))

    def _packed(self, tables: dict[str, dict[str, object]], at: datetime) -> bytes:
        if self._pretend is not None and self._pretend.exists():
            whole = packed({**tables, PRETEND: {"exchange": image(self._pretend)}}, at)
            if len(whole) <= MOST_BYTES:
                return whole
        return packed(tables, at)

    async def open(self, data: bytes) -> Backup:
        """A backup of this account. StateCorrupt, StateNewer, StateForeign."""
        backup = Backup(*await asyncio.to_thread(unpacked, data))
        check_account(backup, self._manager.identity)
        return backup

    def file(self, name: str) -> Path:
        """Where a backup of this name lies in RESULTS_DIR. CommandError when there is none."""
        path = self._folder / name
        if NAME.fullmatch(name) is None or not path.is_file():
            raise CommandError(say("unable.no_backup"))
        return path

    def restore(self, backup: Backup) -> None:
        """End this life in order; the next begins from the backup."""
        self._restore(backup)


async def put_in_place(backup: Backup, store: Store, ledger: Ledger, pretend: Path | None = None) -> None:
    """Go on from a backup from now on; no life of the worker is under way. `pretend`: where its pretend exchange goes,
    None where one is there that knows better. StateError."""
    exchange = backup.tables.get(PRETEND, {}).get("exchange")
    if pretend is not None and exchange is not None:
        await asyncio.to_thread(put_image, pretend, str(exchange))
    now: Tables = await store.load()
    await store.keep(changes(now, backup))
    await ledger.append(cast("list[RoundTrip]", list(backup.tables.get(CLOSED, {}).values())))


def is_fleeting(folder: Path, is_hosted: bool) -> bool:
    """Whether what lies in `folder` may be gone at the next start. It was, or has never been, where a start finds no
    state; and on a host that begins each time from its image, what lies on the same disk as everything else is."""
    if not any(folder.glob("state.*")):
        return True
    return is_hosted and folder.stat().st_dev == Path("/").stat().st_dev


def image(path: Path) -> str:
    """The pretend exchange as it is on the disk now, whole, as text."""
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(":memory:")) as copy,
    ):
        source.backup(copy)
        return base64.b64encode(copy.serialize()).decode("ascii")


def put_image(path: Path, text: str) -> None:
    """Put a pretend exchange in the place of the one there is. StateUnwritable, StateCorrupt."""
    draft = path.with_name(f"{path.name}.restored")
    try:
        draft.write_bytes(base64.b64decode(text, validate=True))
        with closing(sqlite3.connect(draft)) as file:
            (verdict,) = file.execute("PRAGMA quick_check(1)").fetchone()
        for end in ("-wal", "-shm"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)
            path.with_name(path.name + end).unlink(missing_ok=True)
        if verdict != "ok":
            raise ValueError(verdict)
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    except (ValueError, sqlite3.Error) as error:
        raise StateCorrupt(f"The pretend exchange in the backup can't be read: {error}") from error
