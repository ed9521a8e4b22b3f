"""The lease: of any number of copies of a worker, one trades and writes.

Rule: a lease is a row that ends by the database's clock unless it is renewed, and its number grows with each holder, so
it needs no session and asks no copy whether it lives. What a copy may do follows from it:

* write the state: while the row bears its holder and number, checked in the very statement that writes;
* send to the exchange: until the exchange's window for a late request (5 s) before the lease's end, counted here from
  before the renewal was asked for, and by two clocks, one of which goes on while the machine sleeps;
* send, as the next one: from that window after the end of a lease that its holder did not give back. A holder that
  gives it back has awaited its own requests first, so the next may send at once.

So a copy that was frozen, cut off or suspended can neither write nor send what still counts, whatever it believes.
"""

import asyncio
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.errors import StateForeign, StateUnwritable
from bot.storage.claim import Claim
from bot.storage.database import Database
from bot.storage.migrations import version

if TYPE_CHECKING:
    from bot.storage.database import Connection

log = logging.getLogger(__name__)

LASTS = 15.0
"""Seconds that a lease lasts. It is renewed five times in that time; a copy that stands by looks each second."""
PATIENCE = 3.0
"""Seconds for one renewal."""
WINDOW = 5.0
"""Seconds for which the exchange still takes a request that was signed before: its recvWindow."""

OURS = "worker = %(worker)s and holder = %(holder)s and number = %(number)s"
"""SQL: the row of `rexlapis_states` is this holder's."""

_ACQUIRE = """
    insert into rexlapis_states as mine (worker, account, holder, number, expires_at, quiet_until)
    values (%(worker)s, %(account)s, %(holder)s, 1,
        clock_timestamp() + make_interval(secs => %(lasts)s), clock_timestamp())
    on conflict (worker) do update set
        account = excluded.account, holder = excluded.holder, number = mine.number + 1, seal = '', pretend_seal = '',
        expires_at = excluded.expires_at,
        quiet_until = case when mine.holder in ('', excluded.holder) then mine.quiet_until
            else greatest(mine.quiet_until, mine.expires_at + make_interval(secs => %(window)s)) end
    where (mine.holder in ('', excluded.holder) or mine.expires_at <= clock_timestamp())
        and (mine.account = excluded.account
            or not exists (select from rexlapis_things t where t.worker = mine.worker))
    returning number, extract(epoch from quiet_until - clock_timestamp())::float8
"""
_RENEW = f"""
    update rexlapis_states set expires_at = clock_timestamp() + make_interval(secs => %(lasts)s)
    where {OURS} returning number
"""
_RELEASE = """
    update rexlapis_states set holder = '', expires_at = clock_timestamp()
    where worker = %(worker)s and holder = %(holder)s
"""
_LOOK = "select account, holder, number from rexlapis_states where worker = %(worker)s"


def awake() -> float:
    """Seconds that have passed since some moment, those included in which the machine slept (where it can tell)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Lease:
    """One copy's right to a worker's state; see the module's rule. It has a connection of its own, for a renewal must
    not wait for anything else. Times are seconds."""

    def __init__(
        self,
        database: Database,
        claim: Claim,
        lasts: float = LASTS,
        window: float = WINDOW,
        clocks: tuple[Callable[[], float], ...] = (awake, time.time),
    ) -> None:
        self.claim = claim
        self.holder = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        self.number = 0
        self.lost = asyncio.Event()
        self.why = "this copy of the worker has not asked for the lease yet"
        self._database = database.another(PATIENCE)
        self._lasts = lasts
        self._window = window
        self._clocks = clocks
        self._asked: list[float] = []  # what each clock said before the last renewal that succeeded was asked for
        self._sends_at = 0.0  # by the first clock
        self._is_shaky = False
        self._is_asked_for = False  # it may have become ours where no answer came

    @property
    def is_ours(self) -> bool:
        """Whether the lease was acquired, and neither lost nor given back so far as this copy knows."""
        return bool(self.number) and not self.lost.is_set()

    def holds(self) -> bool:
        """Whether a request may leave now. Asks no one: to be called just before the bytes leave, each time."""
        if not self.is_ours or self._clocks[0]() < self._sends_at:
            return False
        ages = [clock() - asked for clock, asked in zip(self._clocks, self._asked, strict=True)]
        return max(ages) < self._lasts - self._window

    def refusal(self) -> str:
        """Why nothing may be sent now; empty when it may."""
        if not self.is_ours:
            return self.why
        if self.holds():
            return ""
        wait = self._sends_at - self._clocks[0]()
        if wait > 0:
            return f"waits {wait:.0f} s until nothing that the last copy sent can arrive any more"
        return "the lease could not be renewed: the database gives no answer"

    @property
    def names(self) -> dict[str, object]:
        """What a statement that is fenced by the lease needs (see OURS)."""
        return {"worker": self.claim.worker, "holder": self.holder, "number": self.number}

    async def acquire(self) -> bool:
        """Take the lease if it is free; `why` says who has it otherwise. StateUnwritable, StateForeign, StateNewer."""
        asked = [clock() for clock in self._clocks]
        self._is_asked_for = True
        found = await self._database.run(self._acquire)
        if found is None:
            self._is_asked_for = False
            return False
        self.number, quiet = found
        self._asked, self._sends_at = asked, self._clocks[0]() + quiet
        self.lost.clear()
        self.why = ""
        log.info("the lease is ours", extra={"context": {"number": self.number, "sends in": round(quiet, 1)}})
        return True

    async def renew(self) -> bool:
        """Have the lease last longer; False when it is another's by now. StateUnwritable: it may still be ours."""
        if not self.is_ours:
            return False
        asked = [clock() for clock in self._clocks]
        names = {**self.names, "lasts": self._lasts}
        if await self._database.run(lambda each: _one(each, _RENEW, names)) is None:
            self.lose()
            return False
        self._asked = asked
        return True

    def lose(self) -> None:
        """It was seen that the lease is another's: nothing leaves any more, and `lost` is set."""
        if self.is_ours:
            self.why = "another copy of the worker holds the lease by now: this one has stopped trading"
            log.error(self.why)
            self.lost.set()

    async def release(self) -> None:
        """Give the lease back, so that the next copy may send at once: only after all that this one sent was awaited.
        Where the database can't be told, the lease ends by itself.
        """
        if not self._is_asked_for or self.lost.is_set():
            return
        names, self.number, self._is_asked_for = self.names, 0, False
        self.why = "this copy of the worker has given the lease back"
        try:
            await self._database.run(lambda connection: connection.execute(_RELEASE, names))
        except StateUnwritable as error:
            log.warning("the lease could not be given back, it ends by itself: %s", error)

    async def stand_by(self, told: Callable[[str], None]) -> None:
        """Return once the lease is ours. `told` hears why it is not yet, each time the reason changes. StateForeign,
        StateNewer; a database that is gone is waited for."""
        said = ""
        while True:
            try:
                if await self.acquire():
                    return
                why = self.why
            except StateUnwritable as error:
                why = str(error)
            if why != said:
                told(why)
                said = why
            await asyncio.sleep(self._lasts / 15)

    async def hold(self) -> None:
        """Renew the lease again and again; returns once it is lost or given back."""
        while self.is_ours:
            await asyncio.sleep(self._lasts / 5)
            if not self.is_ours:
                return
            try:
                await self.renew()
            except StateUnwritable as error:
                if not self._is_shaky:
                    log.warning("the lease could not be renewed: %s", error)
                self._is_shaky = True
            else:
                self._is_shaky = False

    async def close(self) -> None:
        """Let go of the connection; the lease is given back by `release` only."""
        await self._database.close()

    async def _acquire(self, connection: "Connection") -> tuple[int, float] | None:
        await version(connection)
        terms = {"account": self.claim.account, "lasts": self._lasts, "window": self._window, **self.names}
        row = await _one(connection, _ACQUIRE, terms)
        if row is not None:
            return int(row[0]), float(row[1])
        row = await _one(connection, _LOOK, terms)
        if row is not None and row[0] != self.claim.account:
            raise StateForeign(
                f"the database belongs to {row[0]} by now, not to {self.claim.account}. Remedy: set another "
                "DATABASE_URL, or a BOT_ID of its own."
            )
        self.why = f"another copy of the worker ({row[1] if row else 'just gone'}) trades: this one stands by"
        return None


async def _one(connection: "Connection", statement: str, names: dict[str, object]) -> tuple[Any, ...] | None:
    """The first row of an answer."""
    return await (await connection.execute(statement, names)).fetchone()
