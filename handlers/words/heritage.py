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
from bot.texts.catalogue import say
from handlers.words.figures import foreign, name, number

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_DOUBTS = 6
MOST_GRIDS = 8


def _inheritance(told: snapshot.InheritanceFound, config: "ChatConfig") -> str:
    parts = [say("heritage.inheritance", count=told.resting), *_grids(told.grids)]
    if told.loose:
        parts.append(say("heritage.loose", count=told.loose))
    if told.can_rebuild:
        parts.append(f"{say('heritage.rebuild', count=len(told.grids))} {say('heritage.unseen')}")
    else:
        parts.append(say("heritage.too_little"))
    return "\n".join([*parts, say("heritage.choices")])


def _grids(grids: Sequence[InheritedGrid]) -> list[str]:
    lines = [_grid(grid) for grid in grids[:MOST_GRIDS]]
    more = len(grids) - MOST_GRIDS
    return [*lines, say("heritage.more_grids", count=more)] if more > 0 else lines


def _grid(grid: InheritedGrid) -> str:
    base = name(coins_of(grid.symbol)[0])
    where = f"{grid.name} {name(grid.symbol)}, {number(grid.low)} … {number(grid.high)}"
    resting = say("heritage.resting", count=grid.resting)
    if grid.held > ZERO:
        resting = say("heritage.resting_and_held", count=grid.resting, held=f"{number(grid.held)} {base}")
    if not grid.levels:
        return f"• {where}: {resting}; {foreign(listed(grid.doubts))}"
    each = number(grid.least) if grid.least == grid.most else f"{number(grid.least)} … {number(grid.most)}"
    text = say(
        "heritage.grid",
        where=where,
        levels=say("count.level", count=grid.levels),
        shape=grid.shape or say("heritage.as_listed"),
        amount=f"{each} {base}",
        profit=number(grid.profit_pct),
        loop=say("heritage.loop") if grid.loop else say("heritage.no_loop"),
        resting=resting,
    )
    doubts = [foreign(doubt) for doubt in grid.doubts[:MOST_DOUBTS]]
    more = len(grid.doubts) - MOST_DOUBTS
    doubts += [say("heritage.more_doubts", count=more)] if more > 0 else []
    return "\n".join([text, *(f"   {say('heritage.guessed', doubt=doubt)}" for doubt in doubts)])


def _rebuilt(told: snapshot.GridsRebuilt, config: "ChatConfig") -> str:
    how = "heritage.rebuilt_as_agreed" if told.asked else "heritage.rebuilt"
    return "\n".join([say(how, count=len(told.grids)), *_grids(told.grids), say("heritage.unseen")])


def _orphans(told: snapshot.OrphansFound, config: "ChatConfig") -> str:
    prices = number(told.low) if told.low == told.high else f"{number(told.low)} … {number(told.high)}"
    market, grids = name(told.symbol), listed(told.grids)
    what = say("heritage.orphans", market=market, count=told.count, prices=prices, grids=grids)
    return f"{what}\n{say('heritage.orphans_choice')}"


def meanwhile(told: snapshot.Restarted) -> str:
    """What happened while the bot was away, in one clause after another."""
    parts = []
    if told.fills or told.closed:
        parts += [say("count.fill", count=told.fills), say("count.closed_trade", count=told.closed)]
    elif told.unasked:
        parts.append(say("heritage.meanwhile.unasked"))
    else:
        parts.append(say("heritage.meanwhile.nothing"))
    if told.gone:
        parts.append(say("heritage.meanwhile.gone", count=told.gone))
    if told.adopted:
        parts.append(say("heritage.meanwhile.adopted", count=told.adopted))
    if told.unknown:
        parts.append(say("heritage.meanwhile.unknown", count=told.unknown))
    return ", ".join(parts)


def cancelling(count: int) -> str:
    """After `Cancel those orders`."""
    return say("heritage.cancelling", count=count) if count else say("heritage.cancelled_already")


def left(count: int) -> str:
    """After `Leave them`."""
    return say("heritage.left", count=count)


def rebuilding(ids: Sequence[str]) -> str:
    """After `Rebuild`."""
    return say("heritage.rebuilding", grids=name(listed(ids)), count=len(ids))


TEXTS: dict[type[Notice], Callable[..., str]] = {
    snapshot.InheritanceFound: _inheritance,
    snapshot.GridsRebuilt: _rebuilt,
    snapshot.OrphansFound: _orphans,
}
