"""A hostile exchange: it keeps the true ledger, and tells of it late, twice, shuffled, or only when asked.

Rule: whatever it does a real venue does (FAULTS.md): requests and replies are lost, orders land late or become visible
late, post-only refusals come before or after acceptance, fills race cancels, closings are stale, venues and persons
cancel. Trades, and closings nobody asked for, are told at least once; the rest may never be. Nothing of the product's
matching is used; seeded, so that every run can be had again.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.model import Balance, FeeSide, Fill, Market, Order, Position, Quote, Side
from bot.ports import News
from tests.fakes import HandClock, ScriptedMarket


@dataclass
class Temper:
    """How often (of one) things go wrong."""

    lost_request: float = 0.08
    lost_reply: float = 0.15
    late_landing: float = 0.05
    refusal: float = 0.05
    hidden: float = 0.1
    third_coin: float = 0.2
    stale_close: float = 0.3
    venue_closes: float = 0.01
    person_cancels: float = 0.003
    repeat: float = 0.3
    longest_delay: float = 20.0


CALM = Temper(*(0.0,) * 11)


@dataclass
class Truth:
    """One order as it really stands."""

    place: PlaceOrder
    at: datetime
    visible_at: datetime
    trades: list[Fill] = field(default_factory=list)
    closed: OrderClosed | None = None

    @property
    def filled(self) -> Decimal:
        return sum((fill.amount for fill in self.trades), Decimal(0))


class HostileExchange:
    """One account. `trades` is the true ledger; `faults` what the trader did that no trader may."""

    def __init__(self, luck: Random, clock: HandClock, data: ScriptedMarket, temper: Temper | None = None) -> None:
        self.luck = luck
        self.clock = clock
        self.data = data
        self.temper = temper or Temper()
        self.orders: dict[str, Truth] = {}
        self.trades: list[tuple[str, Side, Fill]] = []
        self.wire: list[tuple[datetime, str, Event]] = []
        self.sent: set[str] = set()
        self.landing: list[tuple[datetime, PlaceOrder]] = []
        self.logs: dict[str, list[Event]] = {}
        self.number = 0

    def happens(self, chance: float) -> bool:
        return self.luck.random() < chance

    # -- requests --------------------------------------------------------------------------------------------------

    def receive(self, action: Action) -> list[Event]:
        """Carry out a request, or lose it; returns what the reply says, if it arrives."""
        if isinstance(action, PlaceOrder):
            assert action.client_id not in self.sent, f"the id {action.client_id} was sent twice"
            self.sent.add(action.client_id)
            if self.happens(self.temper.lost_request):
                return []
            if self.happens(self.temper.late_landing):
                self.landing.append((self._later(120), action))
                return []
            events = self._place(action)
        else:
            if self.happens(self.temper.lost_request):
                return []
            events = self._cancel(action)
        return [] if self.happens(self.temper.lost_reply) else events

    def _place(self, action: PlaceOrder) -> list[Event]:
        now, rules = self.clock.now(), self.data.markets[action.symbol]
        assert action.client_id not in self.orders
        assert action.price > 0
        assert action.price % rules.price_tick == 0
        assert action.amount % rules.amount_step == 0
        assert action.amount >= rules.min_amount
        assert action.amount * action.price >= rules.min_cost
        if self.happens(self.temper.refusal):
            kind = self.luck.choice([Refusal.RATE, Refusal.FUNDS, Refusal.OTHER, Refusal.TOO_MANY])
            return [OrderRefused(action.client_id, now, kind, "not today")]
        quote = self.data.quotes.get(action.symbol)
        crosses = quote is not None and (
            action.price >= quote.ask if action.side is Side.BUY else action.price <= quote.bid
        )
        if crosses and not action.taker and self.happens(0.5):
            return [OrderRefused(action.client_id, now, Refusal.WOULD_CROSS, "post only")]
        hidden = self.happens(self.temper.hidden)
        truth = Truth(action, now, self._later(8) if hidden else now)
        self.orders[action.client_id] = truth
        accepted = OrderAccepted(action.client_id, now)
        if crosses and not action.taker:
            self._close(truth, CloseReason.WOULD_CROSS)
        elif action.taker:
            if crosses and quote is not None:
                self.trade(truth, action.amount, quote.bid)
            if truth.closed is None:
                self._close(truth, CloseReason.VENUE)
        return [accepted]

    def _cancel(self, action: CancelOrder) -> list[Event]:
        truth = self.orders.get(action.client_id)
        if truth is None:
            return []
        if truth.closed is None:
            said = truth.filled  # a trade may race the cancel, and the reply not know of it
            if truth.filled < truth.place.amount and self.happens(self.temper.stale_close):
                self.trade(truth, self._part(truth), truth.place.price)
            if truth.closed is None:
                truth.closed = OrderClosed(action.client_id, self.clock.now(), truth.filled, CloseReason.ASKED)
            return [replace(truth.closed, filled=said)]
        return self.story(truth)

    # -- the market and the world ----------------------------------------------------------------------------------

    def live(self, symbol: str | None = None) -> list[Truth]:
        return [
            truth
            for truth in self.orders.values()
            if truth.closed is None and (symbol is None or truth.place.symbol == symbol)
        ]

    def moved(self) -> None:
        """The prices have moved: what they went through trades, in whole or in part; then the world has its say."""
        for at, action in list(self.landing):
            if at <= self.clock.now():
                self.landing.remove((at, action))
                self._say(action.symbol, *self._place(action))
        for truth in self.live():
            quote = self.data.quotes.get(truth.place.symbol)
            if quote is not None and self._is_through(truth, quote):
                self.trade(truth, self._part(truth), truth.place.price)
            elif self.happens(self.temper.venue_closes):
                self._close(truth, CloseReason.VENUE)
            elif self.happens(self.temper.person_cancels):
                self._close(truth, CloseReason.PERSON)

    def _is_through(self, truth: Truth, quote: Quote) -> bool:
        price = truth.place.price
        return quote.ask < price if truth.place.side is Side.BUY else quote.bid > price

    def _part(self, truth: Truth) -> Decimal:
        left = truth.place.amount - truth.filled
        if self.temper.longest_delay == 0 or self.happens(0.5):
            return left
        step = self.data.markets[truth.place.symbol].amount_step
        return self.luck.randint(1, int(left / step)) * step

    def trade(self, truth: Truth, amount: Decimal, price: Decimal) -> None:
        """A trade, which is told of at least once."""
        place, rules = truth.place, self.data.markets[truth.place.symbol]
        self.number += 1
        fee, coin, rate = amount * price * rules.maker_fee_ratio, rules.quote, None
        if self.happens(self.temper.third_coin):
            fee, coin, rate = amount / 100, "BNB", Decimal(self.luck.randint(300, 900))
        elif place.side is Side.BUY and rules.fee_side is FeeSide.RECEIVED:
            fee, coin = amount * rules.maker_fee_ratio, rules.base
        fill = Fill(f"t{self.number}", price, amount, fee, coin, self.clock.now(), not place.taker, rate)
        truth.trades.append(fill)
        self.trades.append((place.client_id, place.side, fill))
        self._say(place.symbol, OrderFilled(place.client_id, fill))
        if truth.filled == place.amount:
            truth.closed = OrderClosed(place.client_id, fill.at, truth.filled, CloseReason.FILLED)
            if self.happens(0.5):
                self._say(place.symbol, truth.closed)

    def _close(self, truth: Truth, reason: CloseReason) -> None:
        truth.closed = OrderClosed(truth.place.client_id, self.clock.now(), truth.filled, reason)
        self._say(truth.place.symbol, truth.closed)

    # -- what is told ----------------------------------------------------------------------------------------------

    def _later(self, most: float | None = None) -> datetime:
        longest = self.temper.longest_delay if most is None else most
        return self.clock.now() + timedelta(seconds=self.luck.uniform(0, longest))

    def _say(self, symbol: str, *events: Event) -> None:
        for event in events:
            self.wire.append((self._later(), symbol, event))
            while self.happens(self.temper.repeat):
                self.wire.append((self._later(), symbol, event))

    def heard(self, symbol: str) -> list[Event]:
        """What has come over the wire by now, shuffled."""
        now = self.clock.now()
        arrived = [event for at, where, event in self.wire if at <= now and where == symbol]
        self.wire = [(at, where, event) for at, where, event in self.wire if at > now or where != symbol]
        self.luck.shuffle(arrived)
        return arrived

    def story(self, truth: Truth) -> list[Event]:
        """All that is known of an order."""
        events: list[Event] = [OrderAccepted(truth.place.client_id, truth.at)]
        events += [OrderFilled(truth.place.client_id, fill) for fill in truth.trades]
        return events if truth.closed is None else [*events, truth.closed]

    def look_up(self, client_id: str) -> list[Event] | None:
        truth = self.orders.get(client_id)
        if truth is None or truth.visible_at > self.clock.now():
            return None
        return self.story(truth)


def drained(exchange: HostileExchange) -> None:
    """From now on nothing goes wrong any more, and what is on the wire is there."""
    exchange.temper = CALM
    for _, action in exchange.landing:
        exchange._say(action.symbol, *exchange._place(action))
    exchange.landing = []
    now = exchange.clock.now()
    exchange.wire = [(now, symbol, event) for _, symbol, event in exchange.wire]
    for truth in exchange.orders.values():
        truth.visible_at = min(truth.visible_at, now)


def cash(trades: Iterable[tuple[str, Side, Fill]], rules: Market) -> tuple[Decimal, Decimal]:
    """Coins and quote currency that trades brought, fees paid; a third coin valued at the rate of its trade."""
    base = quote = Decimal(0)
    for _, side, fill in trades:
        sign = 1 if side is Side.BUY else -1
        base += sign * fill.amount
        quote -= sign * fill.amount * fill.price
        if fill.fee_currency == rules.base:
            base -= fill.fee
        elif fill.fee_currency == rules.quote:
            quote -= fill.fee
        else:
            assert fill.fee_rate is not None
            quote -= fill.fee * fill.fee_rate
    return base, quote


def shown(truth: Truth) -> Order:
    """An order as the exchange shows it."""
    place = truth.place
    return Order(
        client_id=place.client_id,
        symbol=place.symbol,
        side=place.side,
        price=place.price,
        amount=place.amount,
        filled=truth.filled,
        is_open=truth.closed is None,
        at=truth.at,
    )


class HostileGateway:
    """The OrderGateway port over a hostile exchange. `calls` counts requests by kind."""

    def __init__(self, exchange: HostileExchange) -> None:
        self.exchange = exchange
        self.calls: list[str] = []

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        events: list[Event] = []
        for action in actions:
            await asyncio.sleep(0)
            if stands(action):
                self.calls.append("place" if isinstance(action, PlaceOrder) else "cancel")
                events += self.exchange.receive(action)
        return events

    async def news(self, symbol: str, cursor: str) -> News:
        await asyncio.sleep(0)
        self.calls.append("news")
        log = self.exchange.logs.setdefault(symbol, [])
        log += self.exchange.heard(symbol)
        return News(tuple(log[int(cursor or 0) :]), str(len(log)))

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        await asyncio.sleep(0)
        self.calls.append("look up")
        return self.exchange.look_up(client_id)

    def is_pending(self, client_id: str) -> bool:
        return False

    async def position(self, symbol: str) -> Position | None:
        return None

    async def own_orders(self, symbol: str) -> Sequence[Order]:
        await asyncio.sleep(0)
        self.calls.append("own orders")
        return [
            shown(truth)
            for truth in self.exchange.orders.values()
            if truth.closed is None or truth.place.symbol == symbol
        ]

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        await asyncio.sleep(0)
        now = self.exchange.clock.now()
        return [shown(truth) for truth in self.exchange.live(symbol) if truth.visible_at <= now]

    async def balances(self) -> Mapping[str, Balance]:
        await asyncio.sleep(0)
        return {"USDT": Balance(Decimal(10**9), Decimal(0)), "BTC": Balance(Decimal(10**6), Decimal(0))}
