"""The guard of positions on perpetuals: what the exchange shows is compared with the books, before the first order of a
grid and at each audit; and funding is booked.

Rule: like every guard it only turns modes and tells why. A fill on its way is no difference: one of amounts counts when
nothing of ours is on the book, when look after look shows it while neither side moves, or when it never goes away.
Where nothing is held as a position (spot, a pretend account) there is nothing to compare.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.margin import ALIKE, OF_AMOUNT, Difference, Oddity, Standing, difference
from bot.core.model import FundingPaid, Market, Position
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.core.snapshot import PositionNotOurs, PositionSmaller
from bot.ports import OrderGateway, Policy
from bot.trading.desk import Desk
from bot.trading.guards import Guard, Note, holding_of
from bot.trading.state import TradingState

LOOK_PAUSE = timedelta(seconds=10)
"""Between looks while a difference is not sure yet."""
STILL = timedelta(seconds=30)
"""Longer than trades are told late."""
ALWAYS = timedelta(minutes=5)
"""So long a busy market may move: fills on their way come and go, a difference seen by each look stays."""

SMALLER = "its position is smaller than the books"
NOT_OURS = "its position isn't only this bot's"


@dataclass(slots=True)
class Watch:
    """What was seen of one market: `is_seen` and not compared yet, `is_fresh` once the news have come as well, `idle`
    what was held if no order was out. `suspect` is what every look has found `since` then; books and position `stood`
    as they do from `still_since` on."""

    position: Position | None = None
    is_wanted: bool = False
    is_first: bool = True
    is_seen: bool = False
    is_fresh: bool = False
    idle: Decimal | None = None
    again_at: datetime | None = None
    suspect: Difference = ALIKE
    since: datetime | None = None
    stood: tuple[Decimal, Decimal] = (ZERO, ZERO)
    still_since: datetime | None = None

    def suspected(self, found: Difference, held: Decimal, there: Decimal, now: datetime) -> bool:
        """Note what a look found; returns whether a difference of amounts is sure by now."""
        shared = found.shared(self.suspect)
        if not shared.is_of_amount or self.since is None or self.still_since is None:
            shared, self.since, self.still_since = found, now, now
        elif (held, there) != self.stood:
            self.still_since = now
        self.suspect, self.stood = shared, (held, there)
        return now - self.still_since >= STILL or now - self.since >= ALWAYS


class MarginGuard:
    """See the module's rule."""

    def __init__(self, state: TradingState, policy: Policy, gateway: OrderGateway, guard: Guard) -> None:
        self._state = state
        self._leverage = policy.leverage
        self._gateway = gateway
        self._guard = guard
        self._watches: dict[str, Watch] = {}
        self._funding: list[FundingPaid] = []

    # -- sense -----------------------------------------------------------------------------------------------------

    def _watch(self, symbol: str) -> Watch:
        return self._watches.setdefault(symbol, Watch())

    def look_again(self, symbol: str) -> None:
        """Have the position asked for in the next beat."""
        self._watch(symbol).is_wanted = True

    def refused(self, owner_id: str) -> None:
        """A sale was refused: maybe there is less to sell than the books say."""
        grid = self._state.grids.get(owner_id.partition(".")[0])
        if grid is not None:
            self.look_again(grid.symbol)

    def look_first(self, desk: Desk) -> None:
        """Let nothing be placed on this market before its position has been seen."""
        if desk.market.perpetual:
            self._watch(desk.market.symbol).is_first = True
            desk.see(None)

    def is_unseen(self, market: Market) -> bool:
        """Whether no order may be priced yet."""
        return market.perpetual and self._watch(market.symbol).is_first

    def seen(self, symbol: str) -> Position | None:
        """The position as it was seen last."""
        watch = self._watches.get(symbol)
        return watch.position if watch is not None else None

    async def look(self, symbol: str, now: datetime) -> None:
        """Ask for a position where that is due; to be called before the news are asked for, so that these tell of every
        fill it holds. BotError when the exchange gives no answer."""
        watch = self._watch(symbol)
        is_due = now >= watch.again_at if watch.again_at is not None else watch.is_wanted
        if is_due or watch.is_first:
            watch.idle = self.held(symbol) if self._is_idle(symbol) else None
            watch.position = await self._gateway.position(symbol)
            watch.is_wanted = watch.is_first = False
            watch.is_seen = True

    def heard(self, symbol: str, funding: Iterable[FundingPaid]) -> None:
        """The news of a market have come, with this funding."""
        self._funding += funding
        watch = self._watches.get(symbol)
        if watch is not None and watch.is_seen:
            watch.is_seen, watch.is_fresh = False, True

    # -- fold ------------------------------------------------------------------------------------------------------

    def fold(self, now: datetime, note: Note, is_open: Callable[[str], bool]) -> Iterator[str]:
        """Book funding, compare fresh positions with the books; yields the grids that were turned. While the books of a
        market are still open (`is_open`: orders of ours are being found again) nothing can be compared."""
        funding, self._funding = self._funding, []
        for paid in sorted(funding, key=lambda each: each.at):
            self._book(paid)
        for symbol, watch in self._watches.items():
            if watch.is_fresh:
                watch.is_fresh = False
                if is_open(symbol):
                    watch.is_wanted = True
                elif watch.position is not None:
                    yield from self._judge(symbol, watch, watch.position, now, note)

    def _book(self, paid: FundingPaid) -> None:
        """What was paid before this bot traded the market is not its."""
        begun = (grid.created_at for grid in self._state.grids.values() if grid.symbol == paid.symbol)
        if paid.at >= min(begun, default=paid.at):
            self._state.add_funding(paid, self._state.markets[paid.symbol].quote, self._guard.day_of(paid.at))

    def _judge(self, symbol: str, watch: Watch, position: Position, now: datetime, note: Note) -> Iterator[str]:
        orders = [each.order for each in self.executors(symbol) if each.order is not None]
        if any(order.closed is not None for order in orders):
            watch.again_at = now + LOOK_PAUSE  # trades are known to be on their way
            return
        held, kept = self.held(symbol), self._kept(symbol)
        step = self._state.markets[symbol].amount_step
        found = difference(position, held, kept, step, self._leverage)
        at_once = watch.idle == held and self._is_idle(symbol)
        is_sure = watch.suspected(found, held, position.amount, now) or at_once
        sure = watch.suspect if is_sure else watch.suspect.without_amounts()
        watch.again_at = None if is_sure or not found.is_of_amount else now + LOOK_PAUSE
        beside = self._still_beside(symbol, position, found.oddities)
        odd = tuple(each for each in sure.oddities if each not in beside)
        if sure.missing:
            halted = tuple(self._halted(symbol))
            if halted:
                note(PositionSmaller(now, symbol, held, position.amount, halted))
            yield from halted
        elif odd:
            paused = tuple(self._paused(symbol))
            if paused:
                note(PositionNotOurs(now, symbol, held + kept, position.amount, odd, paused))
            yield from paused

    def _halted(self, symbol: str) -> Iterator[str]:
        for grid in self.grids(symbol):
            if not grid.halted:
                self._state.put_grid(replace(grid, halted=True, why=SMALLER))
                yield grid.id

    def _paused(self, symbol: str) -> Iterator[str]:
        for grid in self.grids(symbol):
            if grid.effective_mode is Mode.RUNNING:
                self._state.put_grid(grid.turned(Mode.PAUSED, NOT_OURS))
                yield grid.id

    def _still_beside(self, symbol: str, position: Position, present: Iterable[Oddity]) -> tuple[Oddity, ...]:
        """What the owner trades beside. A margin or leverage that is ours again is forgotten, so that the owner is
        asked when it changes; an empty position says nothing of them, and amounts come and go with fills."""
        standing, there = self._state.standing(symbol), {*present, *OF_AMOUNT}
        if not position.amount:
            there |= {Oddity.CROSS, Oddity.LEVERAGE}
        beside = tuple(each for each in standing.beside if each in there)
        if beside != standing.beside:
            self._state.put_standing(symbol, Standing(beside, standing.booked))
        return beside

    # -- the books -------------------------------------------------------------------------------------------------

    def grids(self, symbol: str) -> list[Grid]:
        """The grids of a market that have not ended."""
        return [grid for grid in self._state.grids.values() if grid.symbol == symbol and grid.ended_at is None]

    def executors(self, symbol: str) -> list[PositionExecutor]:
        """Their levels."""
        return [self._state.executors[key] for grid in self.grids(symbol) for key in self._state.members[grid.id]]

    def _is_idle(self, symbol: str) -> bool:
        return all(each.is_idle for each in self.executors(symbol))

    def held(self, symbol: str) -> Decimal:
        """What they hold."""
        return sum((self._state.holding(grid.id).amount for grid in self.grids(symbol)), ZERO)

    def _kept(self, symbol: str) -> Decimal:
        """What ended grids have left in the books."""
        ended = (grid for grid in self._state.grids.values() if grid.symbol == symbol and grid.ended_at is not None)
        return sum((holding_of(grid, self._state).amount for grid in ended), ZERO)

    # -- decided by the owner --------------------------------------------------------------------------------------

    def accept(self, symbol: str, oddities: Iterable[Oddity]) -> list[str]:
        """Trade beside these from now on; returns the grids that run again."""
        standing, running = self._state.standing(symbol), []
        beside = tuple(dict.fromkeys((*standing.beside, *oddities)))
        self._state.put_standing(symbol, Standing(beside, standing.booked))
        for grid in self.grids(symbol):
            if grid.mode is Mode.PAUSED and grid.why == NOT_OURS:
                self._state.put_grid(grid.turned(Mode.RUNNING))
                running.append(grid.id)
        return running

    def agreed(self, symbol: str) -> list[str]:
        """The books follow the position now; returns the grids that are no longer halted."""
        self._watches.pop(symbol, None)
        freed = []
        for grid in self.grids(symbol):
            if grid.halted and grid.why == SMALLER:
                self._state.put_grid(replace(grid, halted=False, why=""))
                freed.append(grid.id)
        return freed
