"""One level of a grid: buys at its entry, sells at its exit, and knows at every moment what it waits for.

Rule: an executor is a value. `on(event)` folds what the exchange said, `begun(action)` records an intent before it
leaves; what it wants next is said by `wishes.py`. Nothing here performs anything.

While `awaiting` is set it wants nothing. `order` is the current leg's order; older orders that may still trade are
`watched`: a fill of one of those is a stray, booked at once, and changes no state by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core import adoption, meddling, patience
from bot.core.accounting import EMPTY_BOOKS, Books, RoundTrip
from bot.core.actions import Action, CancelOrder
from bot.core.events import (
    CloseReason,
    CycleRearmed,
    Event,
    HoldingSold,
    OrderAccepted,
    OrderAdopted,
    OrderClosed,
    OrderFilled,
    OrderMissing,
    OrderRefused,
    Refusal,
)
from bot.core.level import Awaited, Awaiting, Back, Level, Mark, OrderRecord
from bot.core.lifecycle import ENTRY_STATES, Mode, State, Trigger, step
from bot.core.model import Fill, Leg, Market, Side
from bot.core.money import ZERO
from bot.core.snapshot import (
    LevelBlocked,
    LevelFilled,
    LevelFrozen,
    LevelHalted,
    Notice,
    OrderCutShort,
    StrayFilled,
    TradeClosed,
)
from bot.core.values import evolve
from bot.errors import ProtocolError

WATCH_CANCELLED = timedelta(minutes=10)
WATCH_MISSING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PositionExecutor:
    """The life of one level. See the module's rule. `renewed` is what its grid was edited to while it held coins: so it
    goes on from its next cycle. One with `left_at` was edited out of its grid then: it buys nothing any more."""

    level: Level
    market: Market
    prefix: str
    state: State = State.PENDING_ENTRY
    mode: Mode = Mode.RUNNING
    cycle: int = 1
    attempts: int = 0
    books: Books = EMPTY_BOOKS
    order: OrderRecord | None = None
    awaiting: Awaiting | None = None
    watched: tuple[OrderRecord, ...] = ()
    placed_at: datetime | None = None
    back: Back | None = None
    frozen: str = ""
    marks: tuple[Mark, ...] = ()
    adopted: tuple[str, ...] = ()
    renewed: Level | None = None
    left_at: datetime | None = None

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self.level.id

    def mode_in(self, grid_mode: Mode) -> Mode:
        """What it may do while its grid is in this mode: the strictest of both counts."""
        mode = max(grid_mode, self.mode)
        return mode if self.left_at is None else max(mode, Mode.FINISHING)

    @property
    def leg(self) -> Leg:
        return Leg.ENTRY if self.state in ENTRY_STATES else Leg.EXIT

    @property
    def target(self) -> Decimal:
        """The price the current leg is to trade at."""
        return self.level.entry if self.state in ENTRY_STATES else self.level.exit

    @property
    def sellable(self) -> Decimal:
        """What of the holding an exit can sell: on the step, and above the venue's minimums; else 0."""
        return self._sellable(self.books.held)

    def _sellable(self, held: Decimal) -> Decimal:
        amount = self.market.amount_down(held) if held > ZERO else ZERO
        return amount if amount and self.market.accepts(self.level.exit, amount) else ZERO

    def missing(self, price: Decimal) -> Decimal:
        """What the entry leg still has to buy, at least the smallest amount the venue accepts at this price."""
        carried = self.books.held - self.books.bought
        bought = self.books.bought + (carried if self.sellable and carried > ZERO else ZERO)
        wanted = self.market.amount_down(max(self.level.amount - bought, ZERO))
        return max(wanted, self.market.smallest_amount(price))

    def budget(self, price: Decimal) -> Decimal:
        """The most one entry may cost: the level's own amount at its own price, and one step of rounding."""
        return self.level.amount * self.level.entry + self.market.amount_step * price

    @property
    def exposure(self) -> Decimal:
        """Quote currency bound: coins held at cost, and an entry that rests or is awaited."""
        return self.books.held_cost + self.resting_cost

    @property
    def resting_cost(self) -> Decimal:
        """Quote currency that an entry which rests or is awaited may still spend."""
        order = self.order
        return (order.amount - order.filled) * order.price if order is not None and order.leg is Leg.ENTRY else ZERO

    @property
    def orders(self) -> tuple[OrderRecord, ...]:
        """The order of the current leg, and the older ones that may still trade."""
        return self.watched if self.order is None else (self.order, *self.watched)

    @property
    def is_idle(self) -> bool:
        """Nothing of it rests, is awaited, or is waited for to add up."""
        return self.order is None and self.awaiting is None

    def waits_for(self, client_id: str) -> bool:
        """Whether news of this order has to come: it is awaited, or has left the book and its trades are missing."""
        awaiting, order = self.awaiting, self.order
        if awaiting is not None and awaiting.client_id == client_id:
            return True
        return order is not None and order.client_id == client_id and order.closed is not None

    # -- what happened -------------------------------------------------------------------------------------------

    def begun(self, action: Action, now: datetime) -> "PositionExecutor":
        """With the intent to carry out `action` recorded. Must be durable before the action leaves."""
        if isinstance(action, CancelOrder):
            order = self.order
            if order is not None and order.client_id == action.client_id:
                order = evolve(order, asked=True)
            return evolve(self, order=order, awaiting=Awaiting(Awaited.CANCEL, action.client_id, now))
        watched = self.watched
        if watched:
            watched = tuple(
                record for record in watched if record.rests or record.watch_until is None or record.watch_until > now
            )
        return evolve(
            self,
            attempts=self.attempts + 1,
            order=OrderRecord(action.client_id, action.leg, action.price, action.amount),
            awaiting=Awaiting(Awaited.PLACE, action.client_id, now),
            watched=watched,
            placed_at=now,
        )

    def on(self, event: Event) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """This executor after an event, and what is worth telling. An event it has seen before changes nothing.

        ProtocolError when the event contradicts what is known (the manager then freezes this executor).
        """
        after, notices = self._folded(event)
        if after is self or not after.is_idle:
            return after, notices
        # Strays and closing sales have no order of the current leg: where they completed it, the leg is over.
        if after.state is State.PENDING_ENTRY and after.sellable:
            return after._advanced(Trigger.FILLED), notices
        if after.state is State.FILLED_WAIT and not after.sellable:
            after, closed = after._finished_exit(after.books, after.watched, event.at)
            return after, (*notices, *closed)
        return after, notices

    def _folded(self, event: Event) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        match event:
            case OrderFilled():
                return self._on_filled(event)
            case OrderAccepted():
                return self._on_accepted(event), ()
            case OrderClosed():
                return self._on_closed(event)
            case OrderRefused():
                return self._on_refused(event)
            case OrderMissing():
                return self._on_missing(event), ()
            case HoldingSold():
                return self._on_holding_sold(event), ()
            case CycleRearmed():
                return self._on_rearmed(), ()
            case OrderAdopted():
                return adoption.adopted(self, event), ()

    def _on_accepted(self, event: OrderAccepted) -> "PositionExecutor":
        order, awaiting = self.order, self.awaiting
        # Seen on the book after its cancel was sent, the cancel did not take and may be wanted anew.
        if awaiting is not None and awaiting.client_id == event.client_id:
            answered = awaiting.kind is Awaited.PLACE or event.at > awaiting.since
            awaiting = None if answered else awaiting
        if order is not None and order.client_id == event.client_id and not order.accepted:
            return evolve(
                self, state=step(self.state, Trigger.PLACED), order=evolve(order, accepted=True), awaiting=awaiting
            )
        late, watched = self._watched_order(event.client_id), self.watched
        if late is not None and (not late.accepted or (late.closed_at is not None and event.at > late.closed_at)):
            # Not there when it was looked for, and on the book after all.
            until = max(late.watch_until or event.at, event.at + WATCH_CANCELLED)
            watched = self._watching(late, evolve(late, accepted=True, closed=None, closed_at=None, watch_until=until))
        if awaiting is self.awaiting and watched is self.watched:
            return self
        return evolve(self, awaiting=awaiting, watched=watched)

    def _watched_order(self, client_id: str) -> OrderRecord | None:
        return next((late for late in self.watched if late.client_id == client_id), None)

    def _watching(self, before: OrderRecord, after: OrderRecord) -> tuple[OrderRecord, ...]:
        """The watched orders with one of them changed; one that has traded in full has nothing more to say."""
        others = (after if late is before else late for late in self.watched)
        return tuple(late for late in others if not late.is_full)

    def _on_filled(self, event: OrderFilled) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        order, fill = self.order, event.fill
        if order is not None and order.client_id == event.client_id:
            if fill.trade_id in order.trade_ids:
                return self, ()
            order = order.traded(fill)
            awaiting = self.awaiting
            if awaiting is not None and (awaiting.kind is Awaited.PLACE or order.is_full):
                awaiting = None
            books = self.books.booked(order.side, fill, self.market)
            told = LevelFilled(
                at=fill.at,
                executor=self.id,
                symbol=self.market.symbol,
                side=order.side,
                price=fill.price,
                amount=fill.amount,
                whole=order.is_full,
                target=self.level.exit,
                maker=fill.maker,
            )
            if order.is_settled:
                return self._settled(order, books, None, event.at, told)
            state = step(self.state, Trigger.PARTLY_FILLED)
            return evolve(self, state=state, order=order, awaiting=awaiting, books=books, back=None), (told,)
        late = self._watched_order(event.client_id)
        if late is not None:
            return self._on_stray(late, fill)
        if adoption.is_unknown(self, event.client_id):
            raise ProtocolError(f"{self.id} never sent order {event.client_id}, yet it traded")
        return self, ()  # an order long settled: this trade is in the books

    def _on_stray(self, record: OrderRecord, fill: Fill) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        if fill.trade_id in record.trade_ids:
            return self, ()
        watched = self._watching(record, record.traded(fill))
        books = self.books.booked(record.side, fill, self.market)
        told = StrayFilled(
            at=fill.at,
            executor=self.id,
            symbol=self.market.symbol,
            side=record.side,
            price=fill.price,
            amount=fill.amount,
            maker=fill.maker,
        )
        return evolve(self, watched=watched, books=books), (told,)

    def _on_closed(self, event: OrderClosed) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        order = self.order
        awaiting = None if self.awaiting is not None and self.awaiting.client_id == event.client_id else self.awaiting
        if order is None or order.client_id != event.client_id:
            late = self._watched_order(event.client_id)
            if late is None or late.closed is not None:
                return (self if awaiting is self.awaiting else evolve(self, awaiting=awaiting)), ()
            closed = max(event.filled, late.filled)
            watched = self._watching(late, evolve(late, closed=closed, closed_at=event.at))
            return evolve(self, awaiting=awaiting, watched=watched), ()
        told: tuple[Notice, ...] = ()
        if meddling.is_cut_short(event, order, self.placed_at):
            done = max(event.filled, order.filled)
            told = (OrderCutShort(event.at, self.id, self.market.symbol, order.side, done, order.amount),)
        hand = meddling.hand(event, order, self.placed_at)
        order = evolve(order, accepted=True, closed=max(event.filled, order.filled), closed_at=event.at)
        if not order.is_settled:
            return evolve(self, order=order, awaiting=awaiting), told  # trades are still to come
        if order.filled:
            return self._settled(order, self.books, self.back, event.at, *told)
        after, notices = self._turned_away(event, hand)
        return after._settled(order, after.books, after.back, event.at, *notices)

    def _turned_away(self, event: OrderClosed, hand: CloseReason) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """An order left the book without a trade: the venue is asked again later, a person is not fought."""
        match hand:
            case CloseReason.WOULD_CROSS | CloseReason.VENUE:
                crossed = hand is CloseReason.WOULD_CROSS
                reason = Refusal.WOULD_CROSS if crossed else Refusal.OTHER
                return self._backed_off(OrderRefused(event.client_id, event.at, reason, str(hand)))
            case CloseReason.PERSON:
                halted = evolve(self, mode=max(self.mode, Mode.HALTED))
                return halted, (LevelHalted(at=event.at, executor=self.id, symbol=self.market.symbol),)
            case _:
                return self, ()

    def _settled(
        self, order: OrderRecord, books: Books, back: Back | None, at: datetime, *told: Notice
    ) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """The current order is over: decide, by quantities, what became of its leg."""
        watched = self.watched if order.is_full else (*self.watched, evolve(order, watch_until=at + WATCH_CANCELLED))
        sellable = self._sellable(books.held)
        if order.leg is Leg.EXIT and not sellable:
            completed, closed = self._finished_exit(books, watched, at)
            return completed, (*told, *closed)
        filled = order.leg is Leg.ENTRY and (order.is_full or bool(sellable))
        state = step(self.state, Trigger.FILLED if filled else Trigger.LOST)
        over = evolve(self, state=state, order=None, awaiting=None, watched=watched, books=books, back=back)
        return over, told

    def _finished_exit(
        self, books: Books, watched: tuple[OrderRecord, ...], at: datetime
    ) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """The cycle is over: what was sold of it is a closed trade."""
        state = step(self.state, Trigger.FILLED)
        settled, level = books.settled(), self.renewed or self.level
        after = evolve(self, state=state, order=None, awaiting=None, watched=watched, books=settled, back=None)
        if level is not self.level:
            after = evolve(after, level=level, renewed=None)
        if not books.sold:
            return after, ()
        trade = RoundTrip(
            grid=self.level.grid,
            executor=self.id,
            cycle=self.cycle,
            symbol=self.market.symbol,
            qty=books.sold,
            cost=books.cost,
            proceeds=books.proceeds,
            fees=books.fees,
            currency=self.market.quote,
            closed_at=at,
        )
        return after, (TradeClosed(at=at, trade=trade),)

    def _on_refused(self, event: OrderRefused) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        order = self.order
        if order is None or order.client_id != event.client_id:
            return self, ()
        if order.filled or order.accepted:
            raise ProtocolError(f"{self.id}: order {event.client_id} was refused after it had been accepted")
        after, notices = self._backed_off(event)
        return evolve(after._advanced(Trigger.LOST), order=None, awaiting=None), notices

    def _backed_off(self, event: OrderRefused) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """With the next try put off, twice as long each time; a level refused again and again is told of once."""
        if event.reason is Refusal.WITHDRAWN:
            return self, ()
        back, is_told = patience.put_off(self.back, event, self.leg)
        if not is_told:
            return evolve(self, back=back), ()
        symbol, side = self.market.symbol, self.leg.side
        told = LevelBlocked(event.at, self.id, symbol, event.reason, event.message, back.until, side)
        return evolve(self, back=back), (told,)

    def _on_missing(self, event: OrderMissing) -> "PositionExecutor":
        """The awaited order was not found: it is watched for a late landing, and the leg may be tried anew."""
        order = self.order
        if order is None or order.client_id != event.client_id or order.accepted or order.filled:
            return self
        watched = (*self.watched, evolve(order, watch_until=event.at + WATCH_MISSING))
        return evolve(self._advanced(Trigger.LOST), order=None, awaiting=None, watched=watched)

    def _on_holding_sold(self, event: HoldingSold) -> "PositionExecutor":
        after = evolve(self, books=self.books.booked(Side.SELL, event.fill, self.market))
        if after.state is State.PENDING_ENTRY and after.books.held <= ZERO < after.books.sold:
            # What had been bought below the minimum went with the sale: the cycle is over all the same.
            after = after._advanced(Trigger.FILLED)
        return after

    def _on_rearmed(self) -> "PositionExecutor":
        state = step(self.state, Trigger.REARMED)
        return evolve(self, state=state, cycle=self.cycle + 1, attempts=0, placed_at=None, back=None)

    def _advanced(self, trigger: Trigger) -> "PositionExecutor":
        state = step(self.state, trigger)
        return self if state is self.state else evolve(self, state=state)

    def stopped(self, why: str, at: datetime) -> tuple["PositionExecutor", tuple[Notice, ...]]:
        """Frozen: it does nothing more until a person has looked; its order stays where it is. Told once."""
        if self.frozen:
            return self, ()
        return evolve(self, frozen=why), (LevelFrozen(at=at, executor=self.id, why=why),)
