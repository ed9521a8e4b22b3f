"""A grid's card: the grid as it stands, with its last fills and what it has made of its capital.

Rule: fills are those the ledger has written, and those it is still to write; where it can't be read the card does
without.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bot.core.flows import BookedFill
from bot.core.lifecycle import Mode, State
from bot.core.model import Side
from bot.core.money import HUNDRED, ZERO, average
from bot.core.portfolio import Grid
from bot.errors import BotError
from bot.manager import TradeManager
from bot.reports.views import GridView, LevelView, grid_view

log = logging.getLogger(__name__)

BACK = timedelta(days=1)
YOUNG = (timedelta(hours=1), timedelta(hours=4), BACK)
"""How much of the past is shown of a grid that is no older, so that a young one's fills are not squeezed."""
MOST_FILLS = 500


class Stand(StrEnum):
    """How one level stands."""

    BUY = "buys"
    SELL = "sells"
    HOLDING = "holds"
    WAITING = "waits"
    PAUSED = "paused"
    HALTED = "halted"
    FROZEN = "frozen"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class CardView:
    """A grid and its fills of the last day, newest first, at `at`."""

    view: GridView
    fills: tuple[BookedFill, ...]
    at: datetime

    @property
    def grid(self) -> Grid:
        return self.view.grid

    @property
    def back(self) -> timedelta:
        """How much of the past is worth showing."""
        return next((span for span in YOUNG if self.at - self.grid.created_at <= span), BACK)

    @property
    def total(self) -> Decimal:
        """Profit realised and open, in quote currency."""
        return self.view.totals.realised + self.view.open_profit

    @property
    def total_pct(self) -> Decimal | None:
        """The same in per cent of the capital bound at worst; None where that is not known."""
        return average(self.total * HUNDRED, self.grid.capital) if self.grid.capital else None

    @property
    def stands(self) -> Mapping[Stand, int]:
        """How many levels stand how."""
        return Counter(stand_of(level) for level in self.view.levels)


async def card_view(manager: TradeManager, grid: Grid) -> CardView:
    """A grid's card as of now."""
    now = manager.world.clock.now()
    try:
        written = await manager.world.ledger.fills_since(grid.id, now - BACK, MOST_FILLS)
    except (BotError, OSError) as error:
        log.warning("a card does without its fills: %s", error)
        written = ()
    told = {fill.key: fill for fill in written}
    told |= {key: fill for key, fill in manager.state.fills.items() if fill.grid == grid.id and fill.at >= now - BACK}
    fills = sorted(told.values(), key=lambda fill: fill.at, reverse=True)
    return CardView(grid_view(manager, grid), tuple(fills), now)


def stand_of(level: LevelView) -> Stand:
    """How a level stands: what of it is on the book, else what it waits for."""
    if level.why.startswith("frozen"):
        return Stand.FROZEN
    if level.order_side is not None:
        return Stand.BUY if level.order_side is Side.BUY else Stand.SELL
    if level.mode >= Mode.HALTED:
        return Stand.HALTED
    if level.held > ZERO and level.state is not State.PENDING_ENTRY:
        return Stand.HOLDING
    if level.state is State.COMPLETED:
        return Stand.DONE
    return Stand.WAITING if level.mode < Mode.PAUSED else Stand.PAUSED


def next_price(level: LevelView) -> Decimal:
    """Where a level's order rests, or would be next."""
    if level.order_price is not None:
        return level.order_price
    return level.exit if level.held > ZERO and level.state is not State.PENDING_ENTRY else level.entry
