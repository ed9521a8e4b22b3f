"""What is said of backups: what one holds, what it would change, and what an empty store asks. Pure: data in, HTML out.

Rule: before a decision all that changes is named, and what becomes of the orders on the exchange.
"""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from bot.core import snapshot
from bot.core.snapshot import Notice
from bot.texts.catalogue import say
from bot.upkeep.restoration import Difference, GridChange, Packed
from handlers.words.figures import duration, foreign, name, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_GRIDS = 20


def caption(packed: Packed, zone: tzinfo) -> str:
    """Under the document."""
    return say(
        "vault.caption",
        time=stamp(packed.made_at, zone),
        grids=say("count.grid", count=packed.grids),
        levels=say("count.level", count=packed.levels),
        account=foreign(packed.account, 100),
    )


def difference(made: Difference, now: datetime, zone: tzinfo) -> str:
    """What going on from a backup would change."""
    age = duration((now - made.made_at).total_seconds())
    lines = [say("vault.question", time=stamp(made.made_at, zone), age=age, account=foreign(made.account, 100))]
    lines += [f"• {grid.name} {name(grid.symbol)}: {_change(grid)}" for grid in made.grids[:MOST_GRIDS]]
    more = len(made.grids) - MOST_GRIDS
    lines += [say("vault.more_grids", count=more)] if more > 0 else []
    lines += [say("vault.no_grid")] if not made.grids else []
    lines += [
        say("vault.orders", then=made.orders_then, now=made.orders_now, resting=_resting(made)),
        say("vault.trades", then=made.trades_then, now=made.trades_now),
        say("vault.since_then"),
    ]
    return "\n".join(lines)


def _resting(made: Difference) -> str:
    if made.still_resting is None:
        return say("vault.resting_unknown")
    return say("vault.resting", count=made.still_resting)


def _change(grid: GridChange) -> str:
    """What becomes of a grid."""
    if grid.levels_then is None:
        return say("vault.goes_with_orders", count=grid.orders_now) if grid.orders_now else say("vault.goes")
    levels, orders = say("count.level", count=grid.levels_then), say("count.order", count=grid.orders_then)
    if grid.levels_now is None:
        return say("vault.comes_back", levels=levels, orders=orders)
    levels_now, orders_now = say("count.level", count=grid.levels_now), say("count.order", count=grid.orders_now)
    return say("vault.stays", levels=levels, orders=orders, levels_now=levels_now, orders_now=orders_now)


# -- notices ---------------------------------------------------------------------------------------------------------


def _older(told: snapshot.BackupOlder, config: "ChatConfig") -> str:
    return say(
        "vault.older",
        time=stamp(told.made_at, config.timezone),
        grids=say("count.grid", count=told.grids),
        levels=say("count.level", count=told.levels),
        since=say("vault.traded_since", count=told.trades) if told.trades else say("vault.too_old"),
    )


def _wanted(told: snapshot.BackupWanted, config: "ChatConfig") -> str:
    return say("vault.wanted", why=foreign(told.why))


def _restored(told: snapshot.StateRestored, config: "ChatConfig") -> str:
    return say(
        "vault.restored",
        time=stamp(told.made_at, config.timezone),
        grids=say("count.grid", count=told.grids),
        levels=say("count.level", count=told.levels),
    )


TEXTS: dict[type[Notice], Callable[..., str]] = {
    snapshot.BackupOlder: _older,
    snapshot.BackupWanted: _wanted,
    snapshot.StateRestored: _restored,
}
