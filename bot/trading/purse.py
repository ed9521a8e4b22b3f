"""The coins of the account against those the grids hold: what somebody sold or moved by hand is noticed.

Rule: nothing is changed by looking. Balances are compared with the books only where no fill came between two looks and
nothing is in trouble, so a trade that is on its way is never taken for a loss; in a market that never rests, the
refused exits tell of it. What is less than an order can be is no loss either.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.alerts import CoinsMissing
from bot.core.model import Balance, Market
from bot.core.money import ZERO
from bot.core.snapshot import Notice
from bot.errors import BotError
from bot.ports import OrderGateway
from bot.trading.state import TradingState
from bot.trading.troubles import Troubles

EVERY = timedelta(minutes=5)


class Purse:
    """See the module's rule."""

    def __init__(
        self, state: TradingState, gateway: OrderGateway, troubles: Troubles, note: Callable[[Notice], None]
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._troubles = troubles
        self._note = note
        self._asked_at: datetime | None = None
        self._seen: tuple[int, Mapping[str, Balance]] | None = None

    async def look(self, now: datetime) -> None:
        """Compare what the last look saw, where nothing has traded since; now and then ask for the balances anew."""
        seen, self._seen = self._seen, None
        if self._troubles:
            return
        if seen is not None and seen[0] == self._fills():
            for told in self._missing(seen[1], now):
                self._note(told)
        if (self._asked_at is not None and now - self._asked_at < EVERY) or not any(self._held()):
            return
        fills = self._fills()
        try:
            self._seen = fills, await self._gateway.balances()
        except BotError:  # whoever asks for orders tells of the trouble
            return
        self._asked_at = now

    def _missing(self, there: Mapping[str, Balance], now: datetime) -> Iterator[CoinsMissing]:
        held: dict[str, Decimal] = {}
        steps: dict[str, Decimal] = {}
        for market, amount in self._held():
            held[market.base] = held.get(market.base, ZERO) + amount
            steps[market.base] = max(steps.get(market.base, ZERO), market.amount_step)
        for coin, amount in held.items():
            found = there[coin].total if coin in there else ZERO
            if amount - found >= steps[coin]:
                yield CoinsMissing(now, coin, amount, found)

    def _held(self) -> Iterator[tuple[Market, Decimal]]:
        """Coins that running grids hold, by market; those of a perpetual are a position and no coins."""
        for grid in self._state.grids.values():
            market, amount = self._state.markets[grid.symbol], self._state.holding(grid.id).amount
            if grid.ended_at is None and amount and not market.perpetual:
                yield market, amount

    def _fills(self) -> int:
        return sum(self._state.flow(grid_id).fills for grid_id in self._state.grids)
