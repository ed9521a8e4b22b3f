"""What is said of backups: what one holds, what it would change, and what an empty store asks. Pure: data in, HTML out.

Rule: before a decision all that changes is named, and what becomes of the orders on the exchange.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from bot.core import snapshot
from bot.core.snapshot import Notice
from bot.upkeep.restoration import Difference, GridChange, Packed
from handlers.words.figures import agree, duration, foreign, name, plural, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_GRIDS = 20
HOW = (
    "Reply with /restore to a backup: a document that /backup has sent here, such as the pinned one. "
    "I then show what it would change, and ask"
)
RESTORING = (
    "♻️ I end this run in order and begin the next from the backup. Nothing is sent before the exchange was asked."
)
WITHOUT = "I go on without a backup and ask the exchange what it knows of my orders. /status"


def caption(packed: Packed, zone: tzinfo) -> str:
    """Under the document."""
    return (
        f"💾 Backup of {stamp(packed.made_at, zone)}: {plural(packed.grids, 'grid')}, {plural(packed.levels, 'level')} "
        f"({foreign(packed.account, 100)}). No key or token is in it. To go on from it, reply /restore."
    )


def difference(made: Difference, now: datetime, zone: tzinfo) -> str:
    """What going on from a backup would change."""
    age = duration((now - made.made_at).total_seconds())
    lines = [
        f"♻️ <b>Restore the backup of {stamp(made.made_at, zone)}?</b> It is {age} old ({foreign(made.account, 100)})."
    ]
    lines += [_grid(grid) for grid in made.grids[:MOST_GRIDS]]
    more = len(made.grids) - MOST_GRIDS
    lines += [f"… and {plural(more, 'grid')} more."] if more > 0 else []
    if not made.grids:
        lines.append("• No grid runs, neither in it nor now.")
    lines.append(f"Orders: {made.orders_then:,} in it, {made.orders_now:,} now; {_resting(made)}.")
    lines.append(f"Closed trades: {made.trades_then:,} in it, {made.trades_now:,} now.")
    lines.append(
        "What has happened since it was made I learn from the exchange, as far as it tells, before I send anything. "
        "People, messages and pnl.log stay as they are."
    )
    return "\n".join(lines)


def _resting(made: Difference) -> str:
    if made.still_resting is None:
        return "the exchange can't be asked now which of them still rest"
    return f"{made.still_resting:,} of those in it still {agree(made.still_resting, 'rests', 'rest')} on the exchange"


def _grid(grid: GridChange) -> str:
    title = f"• {grid.name} {name(grid.symbol)}"
    if grid.levels_then is None:
        gone = f"it goes, and of its {plural(grid.orders_now, 'order')} I ask you" if grid.orders_now else "it goes"
        return f"{title}: not in the backup, {gone}"
    then = f"{plural(grid.levels_then, 'level')}, {plural(grid.orders_then, 'order')}"
    if grid.levels_now is None:
        return f"{title}: comes back with {then}"
    return f"{title}: {then} in it; {plural(grid.levels_now, 'level')}, {plural(grid.orders_now, 'order')} now"


# -- notices ---------------------------------------------------------------------------------------------------------


def _older(told: snapshot.BackupOlder, config: "ChatConfig") -> str:
    what = f"{plural(told.grids, 'grid')} with {plural(told.levels, 'level')}"
    since = (
        f"{plural(told.trades, 'order')} of mine {agree(told.trades, 'has', 'have')} traded since"
        if told.trades
        else "it is so old that the exchange may not tell all that has traded since"
    )
    return (
        f"❓ My store is empty. A backup of {stamp(told.made_at, config.timezone)} is pinned here ({what}), but "
        f"{since}. Nothing is sent until you have answered.\n"
        "<b>Restore</b> goes on from it and books what the exchange still tells; <b>Go on without it</b> asks the "
        "exchange alone. For another backup, reply to it with /restore."
    )


def _wanted(told: snapshot.BackupWanted, config: "ChatConfig") -> str:
    return (
        f"❓ My store is empty and the exchange knows orders of mine, but {foreign(told.why)}. "
        "Nothing is sent until you have answered.\n"
        "Reply with /restore to my latest backup, or <b>Go on without it</b>: then I ask the exchange alone."
    )


def _restored(told: snapshot.StateRestored, config: "ChatConfig") -> str:
    return (
        f"♻️ I go on from the backup of {stamp(told.made_at, config.timezone)}: {plural(told.grids, 'grid')}, "
        f"{plural(told.levels, 'level')}. The exchange is asked first what has happened since. /status"
    )


TEXTS: dict[type[Notice], Callable[..., str]] = {
    snapshot.BackupOlder: _older,
    snapshot.BackupWanted: _wanted,
    snapshot.StateRestored: _restored,
}
KINDS: dict[type[Notice], str] = {
    snapshot.BackupOlder: "older backup",
    snapshot.BackupWanted: "backup wanted",
    snapshot.StateRestored: "restored",
}
