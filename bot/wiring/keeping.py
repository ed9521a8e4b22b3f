"""Where state and ledger live: files in RESULTS_DIR, or Postgres behind a lease.

Rule: of any number of copies with one database, the one that holds the lease trades; the others wait here, and neither
poll Telegram nor ask the exchange anything. Files that were there before a database is attached are taken over once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.accounting import RoundTrip
from bot.errors import StateUnwritable
from bot.exchange.paper_file import Kept
from bot.ledger.logs import PNL_LOG, FileLedger
from bot.settings import Settings
from bot.storage.adoption import adopt_file
from bot.storage.claim import Claim, claim
from bot.storage.database import Database
from bot.storage.lease import Lease
from bot.storage.migrations import migrate
from bot.storage.postgres import PRETEND, PostgresStore
from bot.storage.postgres_ledger import PostgresLedger
from bot.storage.tinydb_store import TinyDBStore
from bot.trading.state import Identity
from bot.wiring.opening import is_paper, warm_up
from bot.wiring.pretence import Pretence, move_aside, open_pretence

log = logging.getLogger(__name__)

PAUSE = 2.0
EVERYTHING = 10**9


@dataclass(slots=True)
class Keeping:
    """Store and ledger of one worker. `taken_over` is a sentence for the owner where files were."""

    store: TinyDBStore | PostgresStore
    ledger: FileLedger | PostgresLedger
    lease: Lease | None = None
    database: Database | None = None
    pretence: Pretence | None = None
    taken_over: str = ""

    @property
    def account(self) -> Kept | None:
        """The pretend account, where it is not in a file."""
        return self.pretence.kept if self.pretence is not None else None

    def refusal(self) -> str:
        """Why nothing may be sent now: another copy may trade. Empty when it may."""
        return self.lease.refusal() if self.lease is not None else ""

    async def close(self, was_cut: bool = False) -> None:
        """Close the ledger and let the next copy begin: at once, unless something that was sent may still arrive."""
        await self.ledger.close()
        if self.lease is not None:
            await self.store.close()
            if self.pretence is not None:
                await self.pretence.keeper.close()
            if not was_cut:
                await self.lease.release()
            await self.lease.close()
        if self.database is not None:
            await self.database.close()


async def open_keeping(settings: Settings, identity: Identity, mode: str, told: Callable[[str], None]) -> Keeping:
    """Store and ledger, once this copy may use them; `told` hears what is waited for. SettingsError, StateError."""
    files = FileLedger(settings.results_dir / PNL_LOG, mode)
    if settings.database_url is None:
        return Keeping(TinyDBStore(settings.results_dir), files)
    warm_up(settings)
    database = Database(settings.database_url.get_secret_value())
    mine = await _claimed(database, settings, identity, told)
    lease = Lease(database, mine)
    kept = Keeping(PostgresStore(database, mine, lease), PostgresLedger(database, lease, mode), lease, database)
    try:
        await lease.stand_by(told)
        renewing = asyncio.ensure_future(lease.hold())
        try:
            await _take_over(kept, settings, identity.account, files)
        finally:
            renewing.cancel()
    except BaseException:  # whoever waits for the lease shall not wait for its end
        await kept.close()
        raise
    return kept


async def _take_over(kept: Keeping, settings: Settings, account: str, files: FileLedger) -> None:
    """What lay in files, and the pretend account, which is in the database as well."""
    folder, store, database, lease = settings.results_dir, kept.store, kept.database, kept.lease
    assert isinstance(store, PostgresStore) and database is not None and lease is not None
    if is_paper(settings):
        account_store = PostgresStore(database, lease.claim, lease, PRETEND)
        kept.pretence = await open_pretence(account_store, folder, account, is_new=not await store.load())

    async def past() -> Sequence[RoundTrip]:
        await kept.ledger.append_fills(await files.fills())  # each stands there once, however often
        return await files.last(EVERYTHING)

    kept.taken_over = await adopt_file(folder, store, account, kept.ledger, past)
    if kept.pretence is not None and kept.pretence.is_from_file:
        move_aside(folder)


async def _claimed(database: Database, settings: Settings, identity: Identity, told: Callable[[str], None]) -> Claim:
    """Whose rows these are, once the database answers."""
    why = ""
    while True:
        try:
            await migrate(database)
            return await claim(database, identity.account, settings.bot_id)
        except StateUnwritable as error:
            if str(error) != why:
                why = str(error)
                told(why)
            await asyncio.sleep(PAUSE)
