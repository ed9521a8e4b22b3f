"""The grids of an account as they run: their mode, their closing sale, and what they have realised so far.

Rule: sums are kept as they grow, so a report costs the same after ten or a million closed trades.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bot.core.accounting import RoundTrip
from bot.core.grids import GridSpec
from bot.core.lifecycle import Mode
from bot.core.money import ZERO


@dataclass(frozen=True, slots=True)
class Totals:
    """Closed trades of a grid, a day, or all: money in quote currency. `funding` of perpetuals is part of `realised`;
    it belongs to a whole position, so grids have none."""

    trades: int = 0
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    volume: Decimal = ZERO
    funding: Decimal = ZERO

    def plus(self, trade: RoundTrip) -> "Totals":
        return Totals(
            self.trades + 1,
            self.realised + trade.pnl,
            self.fees + trade.fees,
            self.volume + trade.cost + trade.proceeds,
            self.funding,
        )

    def funded(self, amount: Decimal) -> "Totals":
        """With funding received (below 0: paid)."""
        return replace(self, realised=self.realised + amount, funding=self.funding + amount)


NO_TRADES = Totals()


@dataclass(frozen=True, slots=True)
class Holding:
    """What a group of levels holds: coins, their cost, and profit not settled by a closed trade yet."""

    amount: Decimal = ZERO
    cost: Decimal = ZERO
    unsettled: Decimal = ZERO

    def plus(self, amount: Decimal, cost: Decimal, unsettled: Decimal) -> "Holding":
        return Holding(self.amount + amount, self.cost + cost, self.unsettled + unsettled)

    def open_profit(self, bid: Decimal) -> Decimal:
        """Total profit less what closed trades have realised, the coins valued at `bid`."""
        return self.amount * bid - self.cost + self.unsettled


NOTHING_HELD = Holding()


@dataclass(frozen=True, slots=True)
class Sale:
    """The closing sale of a grid, one order at a time. `filled` and `closed` belong to the present order, `sold`,
    `proceeds` and `trade_ids` to all.
    """

    tries: int = 0
    client_id: str = ""
    price: Decimal = ZERO
    amount: Decimal = ZERO
    filled: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    closed: Decimal | None = None

    @property
    def is_awaited(self) -> bool:
        return bool(self.client_id) and (self.closed is None or self.filled < self.closed)


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid that was created. `nonce` names the button press that made it, so that a press works once; `sale` is
    its closing sale under way, `sold` the one that is over, whose orders may still have news. `capital` is what it
    binds at worst and `start_price` the bid it began at, both in quote currency; 0 where they are not known yet.
    `numbered` is the highest number a level of it has had, once it was edited."""

    id: str
    number: int
    spec: GridSpec
    created_at: datetime
    nonce: str = ""
    mode: Mode = Mode.RUNNING
    why: str = ""
    halted: bool = False
    sale: Sale | None = None
    sold: Sale | None = None
    stop_beats: int = 0
    stop_armed: bool = True
    ended_at: datetime | None = None
    kept: Holding = NOTHING_HELD
    capital: Decimal = ZERO
    start_price: Decimal = ZERO
    numbered: int = 0

    @property
    def last_number(self) -> int:
        """The highest number that any of its levels was ever given."""
        return self.numbered or self.spec.count

    @property
    def symbol(self) -> str:
        return self.spec.symbol

    @property
    def effective_mode(self) -> Mode:
        """The grid's own mode, or halted while a panic or a closing sale holds it."""
        return max(self.mode, Mode.HALTED) if self.halted or self.sale is not None else self.mode

    def turned(self, mode: Mode, why: str = "") -> "Grid":
        return replace(self, mode=mode, why=why)
