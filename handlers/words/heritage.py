"""What is said about orders that the store does not know: of earlier lives, of nobody, and of grids made again from
them. Pure: notices in, HTML out.

Rule: what was guessed is named before anybody agrees to it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.core import snapshot
from bot.core.money import ZERO
from bot.core.snapshot import InheritedGrid, Notice
from bot.core.symbols import coins_of, listed
from handlers.words.figures import agree, foreign, name, number, plural

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_DOUBTS = 6
MOST_GRIDS = 8


def _inheritance(told: snapshot.InheritanceFound, config: "ChatConfig") -> str:
    begin = (
        f"❓ My store is empty, yet {plural(told.resting, 'order')} of mine {agree(told.resting, 'rests', 'rest')} on "
        "the exchange. Nothing is sent until you have answered."
    )
    parts = [begin, *_grids(told.grids)]
    if told.loose:
        parts.append(f"{plural(told.loose, 'closing order')} {agree(told.loose, 'belongs', 'belong')} to no level.")
    if told.can_rebuild:
        parts.append(f"<b>Rebuild</b> goes on with {agree(len(told.grids), 'it', 'them')} like that. {_LOST}")
    else:
        parts.append("That is too little to go on from.")
    parts.append("<b>Cancel those orders</b> keeps the coins; <b>Leave them</b> never touches the orders again.")
    return "\n".join(parts)


_LOST = "A stop, a take price and above=wait can't be seen from orders: set them anew."


def _grids(grids: Sequence[InheritedGrid]) -> list[str]:
    lines = [_grid(grid) for grid in grids[:MOST_GRIDS]]
    more = len(grids) - MOST_GRIDS
    return [*lines, f"… and {plural(more, 'grid')} more."] if more > 0 else lines


def _grid(grid: InheritedGrid) -> str:
    base = name(coins_of(grid.symbol)[0])
    where = f"{grid.name} {name(grid.symbol)}, {number(grid.low)} … {number(grid.high)}"
    held = f", {number(grid.held)} {base} held" if grid.held > ZERO else ""
    resting = f"{plural(grid.resting, 'order')} resting{held}"
    if not grid.levels:
        return f"• {where}: {resting}; {foreign(listed(grid.doubts))}"
    each = number(grid.least) if grid.least == grid.most else f"{number(grid.least)} … {number(grid.most)}"
    shape = grid.shape or "as listed"
    loop = "loop" if grid.loop else "no loop"
    text = (
        f"• {where}: {plural(grid.levels, 'level')}, {shape}, {each} {base} each, profit {number(grid.profit_pct)} %, "
        f"{loop}; {resting}"
    )
    doubts = [foreign(doubt) for doubt in grid.doubts[:MOST_DOUBTS]]
    more = len(grid.doubts) - MOST_DOUBTS
    doubts += [f"and {more:,} more like that"] if more > 0 else []
    return "\n".join([text, *(f"   guessed: {doubt}" for doubt in doubts)])


def _rebuilt(told: snapshot.GridsRebuilt, config: "ChatConfig") -> str:
    which = agree(len(told.grids), "this grid is", "these grids are")
    how = "as you agreed" if told.asked else "every price, amount and trade was to be seen"
    return "\n".join([f"♻️ My store was empty; {which} made again from the orders, {how}.", *_grids(told.grids), _LOST])


def _orphans(told: snapshot.OrphansFound, config: "ChatConfig") -> str:
    prices = number(told.low) if told.low == told.high else f"{number(told.low)} … {number(told.high)}"
    return (
        f"❓ {name(told.symbol)}: {plural(told.count, 'order')} of mine at {prices} "
        f"{agree(told.count, 'belongs', 'belong')} to nothing I know (of {listed(told.grids)}, by the id).\n"
        "I leave them alone unless you say <b>Cancel those orders</b>. Coins stay on the account either way."
    )


def meanwhile(told: snapshot.Restarted) -> str:
    """What happened while the bot was away, in one clause after another."""
    parts = []
    if told.fills or told.closed:
        parts += [plural(told.fills, "fill"), plural(told.closed, "closed trade")]
    elif told.unasked:
        parts.append("what happened is not known yet: the exchange can't be asked")
    else:
        parts.append("nothing traded")
    if told.gone:
        parts.append(f"{plural(told.gone, 'order')} left the book without a trade")
    if told.adopted:
        parts.append(
            f"{plural(told.adopted, 'order')} my store had forgotten {agree(told.adopted, 'was', 'were')} adopted"
        )
    if told.unknown:
        parts.append(f"{plural(told.unknown, 'order')} of mine {agree(told.unknown, 'belongs', 'belong')} to nothing")
    return ", ".join(parts)


def cancelling(count: int) -> str:
    """After `Cancel those orders`."""
    if not count:
        return "None of them rests any more."
    return f"{plural(count, 'order')} {agree(count, 'leaves', 'leave')} the book; coins stay on the account. /balance"


def left(count: int) -> str:
    """After `Leave them`."""
    return f"{plural(count, 'order')} {agree(count, 'stays', 'stay')} on the book, and I won't touch or ask again."


def rebuilding(ids: Sequence[str]) -> str:
    """After `Rebuild`."""
    return f"♻️ {name(listed(ids))} {agree(len(ids), 'is', 'are')} made again. /grids shows how things stand."


TEXTS: dict[type[Notice], Callable[..., str]] = {
    snapshot.InheritanceFound: _inheritance,
    snapshot.GridsRebuilt: _rebuilt,
    snapshot.OrphansFound: _orphans,
}
KINDS: dict[type[Notice], str] = {
    snapshot.InheritanceFound: "orders of an earlier life",
    snapshot.GridsRebuilt: "grids rebuilt",
    snapshot.OrphansFound: "orders of nobody",
}
