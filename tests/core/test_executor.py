"""One level against a hostile exchange: seeded runs in which everything that goes wrong goes wrong.

After each event the books equal the trades that were heard of, the same event again changes nothing, and the rules of
HOUSE.md hold; once the exchange is calm, executor and exchange agree about everything.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from bot.core.actions import PlaceOrder
from bot.core.events import CloseReason, CycleRearmed, Event, OrderAccepted, OrderClosed, OrderFilled, OrderMissing
from bot.core.executor import PositionExecutor
from bot.core.level import Level
from bot.core.lifecycle import ENTRY_STATES, Mode, State
from bot.core.model import FeeSide, Fill, Leg, Side
from bot.core.pricing import Offset, Offsets
from bot.core.snapshot import TradeClosed
from bot.core.wishes import Moment, wants
from tests.fakes import BTC, HandClock, ScriptedMarket, dec, market
from tests.hostile import HostileExchange, cash, drained

PREFIX = "abc001"


class Life:
    """One executor, its exchange, and what a manager would do for it."""

    def __init__(self, seed: int) -> None:
        self.luck = luck = Random(seed)
        self.clock = HandClock()
        side = luck.choice(list(FeeSide))
        self.rules = market(fee_side=side, step="0.0001", min_amount="0.0002", min_cost=luck.choice(["0", "5", "30"]))
        self.data = ScriptedMarket(self.clock, self.rules)
        self.exchange = HostileExchange(luck, self.clock, self.data)
        level = Level("g1", 7, dec(60_000), dec(60_300), dec("0.0020"), loop=luck.random() < 0.8)
        self.executor = PositionExecutor(level, self.rules, PREFIX)
        self.offsets = Offsets(Offset(absolute=dec(5)), Offset()) if luck.random() < 0.5 else Offsets()
        self.mode = Mode.RUNNING
        self.seated = True
        self.heard: dict[str, tuple[str, Side, Fill]] = {}
        self.realised = Decimal(0)
        self.closed: set[str] = set()
        self.looks: dict[str, int] = {}
        self.looked_at = self.clock.now()
        self.price = dec(60_100)
        self.quote()

    @property
    def moment(self) -> Moment:
        return Moment(self.data.quotes.get(BTC), self.clock.now(), self.mode, self.offsets, self.seated)

    def quote(self) -> None:
        self.data.says(self.price - dec("0.5"), self.price + dec("0.5"))

    def hear(self, event: Event) -> None:
        """Fold an event, as a manager does; the books must follow, and its repetition must change nothing."""
        before = self.executor
        self.executor, notices = before.on(event)
        if isinstance(event, OrderFilled):
            side = self.exchange.orders[event.client_id].place.side
            self.heard[event.fill.trade_id] = (event.client_id, side, event.fill)
        for notice in notices:
            if isinstance(notice, TradeClosed):
                assert notice.trade.key not in self.closed, "one trade was closed twice"
                self.closed.add(notice.trade.key)
                self.realised += notice.trade.pnl
        again, told = self.executor.on(event)
        assert again == self.executor, f"{event} changed something when it came again"
        assert told == ()
        self.check()

    def check(self) -> None:
        executor = self.executor
        base, quote = cash(self.heard.values(), self.rules)
        assert executor.books.held == base
        assert self.realised + executor.books.unsettled - executor.books.held_cost == quote
        watched = {record.client_id for record in executor.watched}
        alive = [truth.place.client_id for truth in self.exchange.live() if truth.place.client_id not in watched]
        assert len(alive) <= 1
        assert not alive or (executor.order is not None and executor.order.client_id == alive[0])
        assert (executor.order is not None) or executor.state not in (State.PLACED_ENTRY, State.PLACED_EXIT)
        if executor.order is not None:
            assert (executor.order.leg is Leg.ENTRY) == (executor.state in ENTRY_STATES)

    def decide(self) -> None:
        while (wish := wants(self.executor, self.moment)).rearm:
            self.executor, _ = self.executor.on(CycleRearmed("", self.clock.now()))
        action = wish.action
        if action is None:
            return
        assert self.executor.awaiting is None
        if isinstance(action, PlaceOrder):
            assert self.executor.order is None
            assert max(self.mode, self.executor.mode) < Mode.HALTED
            assert action.leg is not Leg.ENTRY or max(self.mode, self.executor.mode) < Mode.PAUSED
            assert action.leg is not Leg.EXIT or action.amount <= self.executor.books.held
            self.check_price(action)
        before = self.executor
        self.executor = before.begun(action, self.clock.now())
        assert self.executor.awaiting is not None
        assert self.executor.awaiting.client_id == action.client_id
        assert wants(self.executor, self.moment).action is None
        for event in self.exchange.receive(action):
            self.hear(event)

    def check_price(self, action: PlaceOrder) -> None:
        quote = self.data.quotes[BTC]
        if action.leg is Leg.ENTRY:
            assert action.price <= min(self.executor.level.entry, quote.ask - self.rules.price_tick)
        else:
            assert action.price >= max(self.executor.level.exit, quote.bid + self.rules.price_tick)

    def doubt(self) -> None:
        """Look up what is awaited too long, or has closed without its trades; three looks that find nothing count."""
        executor, now = self.executor, self.clock.now()
        awaiting, order = executor.awaiting, executor.order
        client_id = ""
        if awaiting is not None and now - awaiting.since > timedelta(seconds=10):
            client_id = awaiting.client_id
        elif order is not None and order.closed is not None:
            client_id = order.client_id
        if not client_id or now - self.looked_at < timedelta(seconds=1):
            return
        self.looked_at = now
        events = self.exchange.look_up(client_id)
        if events is not None:
            self.looks.pop(client_id, None)
            for event in events:
                self.hear(event)
            if not any(isinstance(event, OrderClosed) for event in events):
                self.hear(OrderAccepted(client_id, now))
            return
        self.looks[client_id] = self.looks.get(client_id, 0) + 1
        if self.looks[client_id] == 3:
            del self.looks[client_id]
            self.conclude(client_id, now)

    def conclude(self, client_id: str, now: datetime) -> None:
        for record in self.executor.orders:
            if record.client_id == client_id and record.accepted:
                self.hear(OrderClosed(client_id, now, record.filled, CloseReason.VENUE))
                return
        self.hear(OrderMissing(client_id, now))

    def audit(self) -> None:
        for truth in self.exchange.live():
            if truth.visible_at <= self.clock.now():
                self.hear(OrderAccepted(truth.place.client_id, self.clock.now()))

    def step(self) -> None:
        self.clock.ahead(self.luck.choice([0.1, 1, 3]))
        self.price += self.luck.randint(-150, 150) + (dec(60_150) - self.price) // 10
        self.quote()
        if self.luck.random() < 0.02:
            self.data.is_silent()
        if self.luck.random() < (0.01 if self.mode is Mode.RUNNING else 0.1):
            self.mode = self.luck.choice([Mode.RUNNING, Mode.PAUSED, Mode.HALTED, Mode.FINISHING])
        if self.luck.random() < (0.01 if self.seated else 0.2):
            self.seated = not self.seated
        if self.executor.mode is Mode.HALTED and self.luck.random() < 0.1:
            self.executor = replace(self.executor, mode=Mode.RUNNING)
        self.exchange.moved()
        for event in self.exchange.heard(BTC):
            self.hear(event)
        self.doubt()
        if self.luck.random() < 0.05:
            self.audit()
        self.decide()
        self.check()

    def calm(self) -> None:
        drained(self.exchange)
        self.quote()
        self.mode, self.seated = Mode.RUNNING, True
        for _ in range(100):
            self.clock.ahead(2)
            for event in self.exchange.heard(BTC):
                self.hear(event)
            self.doubt()
            self.audit()
            self.decide()


def agree(life: Life) -> None:
    """Executor and exchange say the same."""
    executor, live = life.executor, life.exchange.live()
    assert executor.awaiting is None
    assert len(life.heard) == len(life.exchange.trades)
    if executor.order is None:
        assert live == []
    else:
        (truth,) = live
        order = executor.order
        assert (order.client_id, order.price, order.amount, order.filled) == (
            truth.place.client_id,
            truth.place.price,
            truth.place.amount,
            truth.filled,
        )
    if max(life.mode, executor.mode) < Mode.PAUSED and executor.level.loop:
        resting = executor.order is not None
        assert resting, f"{executor.state} and nothing rests: {wants(executor, life.moment)}"


def live_through(seed: int, steps: int) -> Life:
    life = Life(seed)
    try:
        for _ in range(steps):
            life.step()
        life.calm()
        agree(life)
    except Exception as error:
        error.add_note(f"seed {seed}, at {life.executor}")
        raise
    return life


@pytest.mark.parametrize("block", range(10))
def test_over_many_hostile_lives_no_fill_is_lost_or_counted_twice(block: int) -> None:
    closed = 0
    for seed in range(block * 60, block * 60 + 60):
        closed += len(live_through(seed, 250).closed)
    assert closed > 100  # these lives are lived, not merely survived


@pytest.mark.slow
@pytest.mark.parametrize("block", range(40))
def test_over_very_many_hostile_lives_no_fill_is_lost_or_counted_twice(block: int) -> None:
    for seed in range(10_000 + block * 250, 10_000 + block * 250 + 250):
        live_through(seed, 400)
