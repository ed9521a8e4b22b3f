"""Which of the states in a database is this worker's.

Rule: a database is like a folder: it holds one state, named `main`, and a worker of another account leaves it untouched
and ends. Only a BOT_ID that was set names a state of its own beside it. So several workers share a database when
somebody said so, and a changed key, exchange or mode never quietly begins anew beside a state with live orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import StateForeign
from bot.storage.database import Database
from bot.storage.migrations import version

if TYPE_CHECKING:
    from bot.storage.database import Connection

MAIN = "main"

_STATES = """
    select s.worker, s.account, coalesce(
        (select t.doc->'value'->>'bot' from rexlapis_things t
            where t.worker = s.worker and t.tab = 'meta' and t.id = 'meta'),
        s.worker
    ) from rexlapis_states s
    where (s.holder <> '' and s.expires_at > clock_timestamp())
        or exists (select from rexlapis_things t where t.worker = s.worker)
    order by s.worker
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The name that a worker's rows bear, and the account they belong to."""

    worker: str
    account: str


@dataclass(frozen=True, slots=True)
class Known:
    """A state in the database, or one that is just being begun. `bot` marks its orders."""

    worker: str
    account: str
    bot: str


async def claim(database: Database, account: str, bot: str | None) -> Claim:
    """Find the state of an account; `bot` is BOT_ID where it was set, else None. Writes nothing. StateForeign when
    the database belongs to another, StateNewer.
    """

    async def states(connection: "Connection") -> list[Known]:
        if not await version(connection):
            return []
        return [Known(*row) for row in await (await connection.execute(_STATES)).fetchall()]

    return Claim(choose(await database.run(states), account, bot), account)


def choose(states: Sequence[Known], account: str, bot: str | None) -> str:
    """The name of the state to go on from, or to begin. StateForeign."""
    by_name = {state.worker: state for state in states}
    main = by_name.get(MAIN)
    if bot is not None and bot in by_name:
        return _own(by_name[bot], account)
    if bot is None and main is not None:
        return _own(main, account)
    if bot is not None:
        if main is None or main.account != account:
            return bot
        if main.bot == bot:
            return MAIN
        raise StateForeign(
            f"BOT_ID: the database holds a state of this account ({account}) whose orders are marked {main.bot}, not "
            f"{bot}. Remedy: leave BOT_ID out to go on from it, or set another DATABASE_URL for a second bot."
        )
    same = [state.worker for state in states if state.account == account]
    if len(same) == 1:
        return same[0]
    if same:
        raise StateForeign(
            f"the database holds {len(same)} states of {account}: {', '.join(same)}. Remedy: set BOT_ID to one of them."
        )
    if states:
        raise _foreign(", ".join(f"{state.account} (BOT_ID={state.worker})" for state in states), account)
    return MAIN


def _own(state: Known, account: str) -> str:
    if state.account != account:
        raise _foreign(state.account, account)
    return state.worker


def _foreign(others: str, account: str) -> StateForeign:
    return StateForeign(
        f"the database belongs to {others}, not to {account}. Remedy: set another DATABASE_URL for this account, or a "
        "BOT_ID of its own to keep its state beside the other in this database; or go back to the former settings."
    )
