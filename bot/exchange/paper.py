"""The pretend account: an order gateway over matching books, with balances, fees and a real venue's refusals.

Rule: it behaves as an exchange does. Funds are reserved when an order is accepted; what was acknowledged is
never forgotten while it may still be asked for (with a file: it is on the disk before anyone hears of it);
a fact once told stays the same. Without a file nothing here ever waits, so a backtest runs in one
deterministic order. The market is moved from outside: `on_quote`, `on_candle`, `on_trade`.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.model import Balance, Fill, Market, Order, Position, Side
from bot.core.money import ZERO, plain
from bot.errors import StateForeign
from bot.exchange.funds import Funds, bound_currency, need
from bot.exchange.matching import Book, Match, Parts, Resting, would_cross
from bot.exchange.paper_file import ExchangeFile, Keeper, Saved, Saver, Standing
from bot.ports import Clock, News

KEEP_CLOSED = 20_000
"""So many closed orders can still be looked up; older ones are forgotten, as venues do."""


class PaperGateway:
    """One pretend account. `markets` may grow while it runs; a symbol is known once it is there. It lends nothing: what
    is bought on a perpetual is paid in full and held as coins, so there is no position and nothing to liquidate.

    `funds` are what a new account begins with, in full units of each currency. `touch` and `parts` are the
    book's. Client ids must be unique among the open and the last `keep_closed` (at least 1) closed orders.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        clock: Clock,
        funds: Mapping[str, Decimal],
        *,
        touch: bool = False,
        parts: Parts | None = None,
        keep_closed: int = KEEP_CLOSED,
    ) -> None:
        self._markets = markets
        self._clock = clock
        self._touch = touch
        self._parts = parts
        self._keep_closed = keep_closed
        self._funds = Funds({currency: Balance(amount, ZERO) for currency, amount in funds.items()})
        self._books: dict[str, Book] = {}
        self._tops: dict[str, tuple[Decimal, Decimal]] = {}
        self._orders: dict[str, Resting] = {}
        self._closed: deque[str] = deque()
        self._logs: dict[str, tuple[list[int], list[Event]]] = {}
        self._number = 0
        self._seq = 0
        self._saver: Saver | None = None
        self._advance: Callable[[], None] | None = None

    def driven_by(self, advance: Callable[[], None]) -> None:
        """Have `advance` called before every question and order, so that the market stands where the clock
        is."""
        self._advance = advance

    def book(self, symbol: str) -> Book:
        """The resting orders of a symbol."""
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = Book(self._touch, self._parts)
        return book

    # The market moves

    def set_top(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        """Best bid and ask that post-only is checked against; nothing fills. While they make no sense (zero,
        crossed) no order is taken."""
        if ZERO < bid <= ask:
            self._tops[symbol] = (bid, ask)
        else:
            self._tops.pop(symbol, None)

    def on_quote(self, symbol: str, bid: Decimal, ask: Decimal, at: datetime) -> None:
        """A new best bid and ask at a moment: buys above the ask and sells below the bid fill."""
        self.set_top(symbol, bid, ask)
        book = self._books.get(symbol)
        if book is not None and symbol in self._tops:
            self._trade(symbol, book.moved(ask, bid), at)

    def on_candle(self, symbol: str, low: Decimal, high: Decimal, close: Decimal, at: datetime) -> None:
        """A whole candle that closed at `at`, the time of all its fills; its close is then the bid and the
        ask."""
        self._tops[symbol] = (close, close)
        book = self._books.get(symbol)
        if book is not None:
            self._trade(symbol, book.moved(low, high), at)

    def on_trade(self, symbol: str, price: Decimal, volume: Decimal, at: datetime) -> None:
        """A trade of others of `volume` base coin at `price`; at most that much of our orders fills."""
        book = self._books.get(symbol)
        if book is not None:
            volume = self._markets[symbol].amount_down(volume)
            if volume > ZERO:
                self._trade(symbol, book.printed(price, volume), at)

    # The port

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        """Carry out actions in their order; all that came of them, once it is durable.

        A cancel of an order that is closed already is answered with all that is known of it, one of an
        order never accepted with nothing. StateUnwritable: the disk took nothing, so what came of them
        can't be told yet.
        """
        if self._advance is not None:
            self._advance()
        events: list[Event] = []
        for action in actions:
            if stands(action):
                if isinstance(action, PlaceOrder):
                    self._place(action, events)
                else:
                    self._cancel(action, events)
        if self._saver is not None:
            await self._saver.settle()
        return events

    def is_pending(self, client_id: str) -> bool:
        """False: whatever is asked is answered at once."""
        return False

    async def news(self, symbol: str, cursor: str) -> News:
        """Trades of our orders on a symbol after `cursor`, and closings that neither trades nor our cancels
        explain."""
        await self.settled()
        log = self._logs.get(symbol)
        if log is None:
            return News((), cursor)
        seqs, events = log
        after = int(cursor) if cursor else 0
        if after == seqs[-1]:
            return News((), cursor)
        # A cursor beyond the last number was given by another account's file: begin anew, nothing may be missed.
        start = bisect_right(seqs, after) if after <= self._seq else 0
        return News(tuple(events[start:]), str(seqs[-1]))

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        """All that is known of one order: accepted, each trade, closed; None where there is no such order."""
        await self.settled()
        order = self._orders.get(client_id)
        return None if order is None or order.symbol != symbol else _story(order)

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        """Orders resting on a symbol, oldest first."""
        await self.settled()
        book = self._books.get(symbol)
        return [] if book is None else [_shown(order) for order in book.orders]

    async def own_orders(self, symbol: str) -> Sequence[Order]:
        """Every order the account remembers."""
        await self.settled()
        return [_shown(order) for order in self._orders.values()]

    async def position(self, symbol: str) -> Position | None:
        """None: a pretend account holds coins, whatever the market calls them."""
        return None

    async def balances(self) -> Mapping[str, Balance]:
        """Funds by currency."""
        await self.settled()
        return self._funds.balances()

    async def settled(self) -> None:
        """Bring the market up to the clock, and return once all that happened is durable."""
        if self._advance is not None:
            self._advance()
        if self._saver is not None:
            await self._saver.settle()

    # The file

    def keep_in(self, file: ExchangeFile | Keeper, saved: Saved, account: str) -> None:
        """Go on from what a file held (a new one: from `funds`) and keep everything there from now on.

        `account` names whose it is; StateForeign when the file belongs to another.
        """
        if saved.notes.get("account", account) != account:
            where, remedy = "in the database", "set another DATABASE_URL"
            if isinstance(file, ExchangeFile):
                file.close()
                where, remedy = "in RESULTS_DIR", "set another RESULTS_DIR"
            raise StateForeign(
                f"the pretend account {where} belongs to {saved.notes['account']}, not to {account}: {remedy}"
            )
        self._saver = Saver(file, self._standing)
        if not saved.notes:
            self._saver.notes["account"] = account
            return
        self._number, self._seq = saved.number, saved.seq
        self._funds = Funds(saved.balances)
        told: list[tuple[int, str, Event]] = []
        closed: list[tuple[datetime, int, str]] = []
        for order in saved.orders:
            self._orders[order.client_id] = order
            told.extend((int(f.trade_id), order.symbol, OrderFilled(order.client_id, f)) for f in order.fills)
            if order.closed_seq is not None:
                told.append((order.closed_seq, order.symbol, _story(order)[-1]))
            if order.closed_at is None:
                self.book(order.symbol).add(order)
            else:
                closed.append((order.closed_at, order.number, order.client_id))
        self._closed.extend(client_id for _, _, client_id in sorted(closed))
        for seq, symbol, event in sorted(told, key=lambda item: item[0]):
            self._tell(symbol, seq, event)

    def note(self, key: str, value: str) -> None:
        """Keep a word of the market's with the account, in the same transaction as the trades it led to."""
        if self._saver is not None:
            self._saver.notes[key] = value

    async def close(self) -> None:
        """Write what is pending and let go of the file."""
        if self._saver is not None:
            await self._saver.close()

    def _standing(self) -> Standing:
        return self._funds.balances(), {"number": str(self._number), "seq": str(self._seq)}

    # Inside

    def _place(self, action: PlaceOrder, events: list[Event]) -> None:
        now = self._clock.now()
        market = self._markets.get(action.symbol)
        if market is None:
            message = f"no market is called {action.symbol}"
            events.append(OrderRefused(action.client_id, now, Refusal.OTHER, message))
            return
        ratio = market.taker_fee_ratio if action.taker else market.maker_fee_ratio
        refusal = self._malformed(action, market) or self._unacceptable(action, market, ratio)
        if refusal is not None:
            events.append(OrderRefused(action.client_id, now, *refusal))
            return
        self._number += 1
        order = Resting(
            client_id=action.client_id,
            symbol=action.symbol,
            side=action.side,
            price=action.price,
            amount=action.amount,
            number=self._number,
            at=now,
            fee_ratio=ratio,
            taker=action.taker,
        )
        self._orders[order.client_id] = order
        if self._saver is not None:
            self._saver.orders[order.client_id] = order
        events.append(OrderAccepted(order.client_id, now))
        if order.taker:
            self._take(order, market, events)
            return
        self._funds.reserve(order, market, order.amount)
        self.book(order.symbol).add(order)

    def _malformed(self, action: PlaceOrder, market: Market) -> tuple[Refusal, str] | None:
        """What is wrong with the order itself, whatever the market does."""
        price, amount = action.price, action.amount
        if action.client_id in self._orders:
            return Refusal.OTHER, f"client order id {action.client_id} was used before"
        if price <= ZERO or price % market.price_tick:
            return Refusal.OTHER, f"price {plain(price)} is not on the tick {plain(market.price_tick)}"
        if amount % market.amount_step:
            return Refusal.OTHER, f"amount {plain(amount)} is not on the step {plain(market.amount_step)}"
        if not market.accepts(price, amount):
            least = f"{plain(market.min_amount)} {market.base} and {plain(market.min_cost)} {market.quote}"
            return Refusal.MINIMUM, f"{plain(amount)} at {plain(price)} is under the minimum of {least}"
        return None

    def _unacceptable(self, action: PlaceOrder, market: Market, ratio: Decimal) -> tuple[Refusal, str] | None:
        """Why a venue would not take this order just now."""
        price, side = action.price, action.side
        top = self._tops.get(action.symbol)
        if top is None:
            return Refusal.OTHER, f"{action.symbol} has no price now"
        if not action.taker:
            bid, ask = top
            if would_cross(side, price, bid, ask):
                found = f"bid {plain(bid)}, ask {plain(ask)}"
                return (
                    Refusal.WOULD_CROSS,
                    f"a post-only {side} at {plain(price)} would trade at once: {found}",
                )
            most = market.max_open_orders
            if most is not None and len(self.book(action.symbol)) >= most:
                return Refusal.TOO_MANY, f"{most} orders rest on {action.symbol} already"
        currency = bound_currency(side, market)
        bound, free = need(side, price, action.amount, market, ratio), self._funds.free(currency)
        if bound > free:
            return Refusal.FUNDS, f"{plain(bound)} {currency} are needed, {plain(free)} are free"
        return None

    def _take(self, order: Resting, market: Market, events: list[Event]) -> None:
        """Immediate or cancel: trade against the top as far as the limit allows, then close."""
        bid, ask = self._tops[order.symbol]
        if would_cross(order.side, order.price, bid, ask):
            order.filled = order.amount
            price = ask if order.side is Side.BUY else bid
            events.append(self._fill(order, order.amount, price, market, order.at))
        reason = CloseReason.FILLED if order.filled == order.amount else CloseReason.VENUE
        self._close(order, order.at, reason)
        closed = OrderClosed(order.client_id, order.at, order.filled, reason)
        events.append(closed)
        if reason is CloseReason.VENUE:
            self._seq += 1
            order.closed_seq = self._seq
            self._tell(order.symbol, self._seq, closed)

    def _cancel(self, action: CancelOrder, events: list[Event]) -> None:
        order = self._orders.get(action.client_id)
        if order is None or order.symbol != action.symbol:
            return
        if order.closed_at is not None:
            events.extend(_story(order))
            return
        self.book(order.symbol).remove(order.client_id)
        self._funds.reserve(order, self._markets[order.symbol], -order.remaining)
        now = self._clock.now()
        self._close(order, now, CloseReason.ASKED)
        events.append(OrderClosed(order.client_id, now, order.filled, CloseReason.ASKED))

    def _trade(self, symbol: str, matches: list[Match], at: datetime) -> None:
        if matches:
            market = self._markets[symbol]
            for order, amount in matches:
                self._funds.reserve(order, market, -amount)
                self._fill(order, amount, order.price, market, at)
                if order.filled == order.amount:
                    self._close(order, at, CloseReason.FILLED)

    def _fill(self, order: Resting, amount: Decimal, price: Decimal, market: Market, at: datetime) -> OrderFilled:
        """Pay for a trade and put it among the news. What was reserved for it is free by now."""
        fee, currency = self._funds.trade(order, market, price, amount)
        self._seq += 1
        fill = Fill(str(self._seq), price, amount, fee, currency, at, not order.taker)
        order.fills.append(fill)
        if self._saver is not None:
            self._saver.orders[order.client_id] = order
            self._saver.trades.append((order.client_id, fill))
        event = OrderFilled(order.client_id, fill)
        self._tell(order.symbol, self._seq, event)
        return event

    def _close(self, order: Resting, at: datetime, reason: CloseReason) -> None:
        order.closed_at, order.reason = at, reason
        self._closed.append(order.client_id)
        if self._saver is not None:
            self._saver.orders[order.client_id] = order
        if len(self._closed) > self._keep_closed:
            oldest = self._closed.popleft()
            del self._orders[oldest]
            if self._saver is not None:
                self._saver.forgotten.append(oldest)

    def _tell(self, symbol: str, seq: int, event: Event) -> None:
        log = self._logs.get(symbol)
        if log is None:
            log = self._logs[symbol] = ([], [])
        seqs, events = log
        seqs.append(seq)
        events.append(event)
        if len(seqs) > 2 * self._keep_closed:
            # In blocks, so that a long run pays for it only once in a while.
            del seqs[: self._keep_closed], events[: self._keep_closed]


def _story(order: Resting) -> list[Event]:
    events: list[Event] = [OrderAccepted(order.client_id, order.at)]
    events.extend(OrderFilled(order.client_id, fill) for fill in order.fills)
    if order.closed_at is not None and order.reason is not None:
        events.append(OrderClosed(order.client_id, order.closed_at, order.filled, order.reason))
    return events


def _shown(order: Resting) -> Order:
    price, amount, filled = order.price, order.amount, order.filled
    is_open = order.closed_at is None
    return Order(order.client_id, order.symbol, order.side, price, amount, filled, is_open, order.at)
