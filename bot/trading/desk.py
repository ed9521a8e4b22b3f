"""One market's table: its last quote, its order window, and which executors are due.

Rule: an executor says when it wants to be looked at again (a time, a rising ask, a falling bid); those bounds lie in
heaps, so a beat asks three heap tops and touches only who is due, however many there are. A bound that was replaced is
recognised when it comes up, and dropped.
"""

import logging
from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush

from bot.core.level import Wish
from bot.core.model import Fill, Market, Quote, Side
from bot.core.money import ZERO
from bot.core.sight import Sight
from bot.core.window import Window

log = logging.getLogger(__name__)

Bounds = tuple[datetime | None, Decimal | None, Decimal | None]
NO_BOUNDS: Bounds = (None, None, None)
AT, RISE, FALL = range(3)
NOT_LOOKED = "waits to learn what rests on the exchange"
"""Why nothing is sent until `is_known`."""


class Desk:
    """See the module's rule. `quote` is None until there is one to go by; until `is_known` nobody has looked what rests
    on the market, and nothing is sent. `shut` says why the market can't be traded now, empty when it can."""

    def __init__(self, market: Market, max_open_orders: int | None, leap_ratio: Decimal | None = None) -> None:
        caps = [cap for cap in (market.max_open_orders, max_open_orders) if cap is not None]
        self.market = market
        self.quote: Quote | None = None
        self.shut = ""
        self._sight = Sight(leap_ratio)
        self.is_known = False
        self.window = Window(min(caps, default=None))
        self.due: dict[str, None] = {}
        self.unpriced: dict[str, None] = {}
        self.held_back: dict[str, tuple[Decimal, Decimal]] = {}
        self._nearest_held: list[tuple[Decimal, str]] = []
        self._bounds: dict[str, Bounds] = {}
        self._times: list[tuple[datetime, str]] = []
        self._rises: list[tuple[Decimal, str]] = []
        self._falls: list[tuple[Decimal, str]] = []

    def believed(self, quote: Quote, now: datetime) -> Quote | None:
        """The quote, where it can be gone by."""
        before = self._sight.leapt
        seen = self._sight.believed(quote, now)
        leapt = self._sight.leapt
        if leapt is not None and leapt is not before:
            context = {"symbol": quote.symbol, "bid": quote.bid, "ask": quote.ask}
            log.warning("the price leapt and is looked at again before it counts", extra={"context": context})
        return seen if not self.shut else None

    @property
    def why_unpriced(self) -> str:
        """Why there is no price, where more is known than that there is none."""
        if self.shut:
            return f"the market can't be traded now: {self.shut}"
        return "the price leapt, and is looked at again before it counts" if self._sight.leapt is not None else ""

    def see(self, quote: Quote | None) -> None:
        """Take note of the price (None: there is none to go by); whoever waited for one is due."""
        if quote is not None and self.unpriced:
            self.due.update(self.unpriced)
            self.unpriced.clear()
        self.quote = quote

    def traded(self, side: Side, fill: Fill) -> None:
        """Take note of a trade of ours: what is placed because of it must not go by a price from before it."""
        if self._sight.is_outdated_by(side, fill) and self.quote is not None:
            self.quote = self._sight.traded

    def hold_back(self, executor_id: str, entry: Decimal, cost: Decimal) -> None:
        """An entry waits for room under the exposure limit; the highest, nearest to the market, is first."""
        if executor_id not in self.held_back:
            heappush(self._nearest_held, (-entry, executor_id))
        self.held_back[executor_id] = (entry, cost)

    def cost_held_back(self, entry: Decimal) -> Decimal:
        """What the entries that are held back would cost, from the nearest down to this price."""
        return sum((cost for price, cost in self.held_back.values() if price >= entry), ZERO)

    def is_behind(self, executor_id: str, entry: Decimal) -> bool:
        """Whether an entry nearer to the market than this one is held back."""
        nearest = self._next_held()
        return nearest is not None and nearest < (-entry, executor_id)

    def next_held_back(self, room: Decimal | None) -> str | None:
        """Take the nearest entry that is held back, if it fits into `room` (quote currency; None: there is no end)."""
        nearest = self._next_held()
        if nearest is None or (room is not None and self.held_back[nearest[1]][1] > room):
            return None
        heappop(self._nearest_held)
        del self.held_back[nearest[1]]
        return nearest[1]

    def _next_held(self) -> tuple[Decimal, str] | None:
        heap = self._nearest_held
        while heap and heap[0][1] not in self.held_back:
            heappop(heap)
        return heap[0] if heap else None

    def look_again(self, executor_id: str, wish: Wish) -> None:
        """Note when an executor wants to be looked at again."""
        bounds = (wish.at, wish.rise, wish.fall)
        before = self._bounds.get(executor_id, NO_BOUNDS)
        if bounds == before:
            return
        if bounds == NO_BOUNDS:
            del self._bounds[executor_id]
            return
        self._bounds[executor_id] = bounds
        if wish.at is not None and wish.at != before[0]:
            heappush(self._times, (wish.at, executor_id))
        if wish.rise is not None and wish.rise != before[1]:
            heappush(self._rises, (wish.rise, executor_id))
        if wish.fall is not None and wish.fall != before[2]:
            heappush(self._falls, (-wish.fall, executor_id))

    def forget(self, executor_id: str) -> None:
        """An executor is gone."""
        self._bounds.pop(executor_id, None)
        self.due.pop(executor_id, None)
        self.unpriced.pop(executor_id, None)
        self.held_back.pop(executor_id, None)
        self.window.leave(executor_id)

    def wake(self, now: datetime) -> None:
        """Move into `due` whoever the time or the quote has reached. Their bounds are used up."""
        times = self._times
        while times and times[0][0] <= now:
            at, executor_id = heappop(times)
            self._reached(executor_id, AT, at)
        if self.quote is None:
            return
        ask, bid = self.quote.ask, self.quote.bid
        while self._rises and self._rises[0][0] <= ask:
            price, executor_id = heappop(self._rises)
            self._reached(executor_id, RISE, price)
        while self._falls and -self._falls[0][0] >= bid:
            price, executor_id = heappop(self._falls)
            self._reached(executor_id, FALL, -price)

    def _reached(self, executor_id: str, which: int, bound: object) -> None:
        bounds = self._bounds.get(executor_id)
        if bounds is not None and bounds[which] == bound:
            self.due[executor_id] = None
            at, rise, fall = bounds
            self._bounds[executor_id] = (
                at if which != AT else None,
                rise if which != RISE else None,
                fall if which != FALL else None,
            )

    def next_bounds(self) -> Bounds:
        """The earliest time, the lowest ask and the highest bid at which somebody is due; may be early, never late."""
        at = self._times[0][0] if self._times else None
        rise = self._rises[0][0] if self._rises else None
        fall = -self._falls[0][0] if self._falls else None
        return at, rise, fall
