"""One level, and the events and orders of its life in one line each."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.actions import Action, PlaceOrder
from bot.core.client_ids import OrderKey, encode
from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.executor import PositionExecutor
from bot.core.level import Level, Wish
from bot.core.lifecycle import Mode, State
from bot.core.model import FeeSide, Fill, Leg, Market, Quote
from bot.core.pricing import NO_OFFSETS, Offsets
from bot.core.snapshot import Notice
from bot.core.wishes import Moment, wants
from tests.fakes import BTC, START, dec, market

PREFIX = "abc001"
QUOTED = market(fee_side=FeeSide.QUOTE, min_cost="0")


def order_id(leg: Leg, attempt: int, cycle: int = 1) -> str:
    return encode(OrderKey(PREFIX, 1, 7, cycle, leg, attempt))


def fresh(rules: Market = QUOTED, *, loop: bool = True, above_wait: bool = False) -> PositionExecutor:
    """A level that buys 0.001 at 60,000 and sells at 60,300."""
    level = Level("g1", 7, dec(60_000), dec(60_300), dec("0.001"), loop, above_wait)
    return PositionExecutor(level, rules, PREFIX)


@dataclass
class Story:
    """An executor that hears events and acts on its wishes, second by second."""

    executor: PositionExecutor = field(default_factory=fresh)
    now: datetime = START
    mode: Mode = Mode.RUNNING
    offsets: Offsets = NO_OFFSETS
    seated: bool = True
    bid: Decimal = Decimal(60100)
    told: list[Notice] = field(default_factory=list)
    number: int = 0

    def stands_at(self, state: State) -> bool:
        return self.executor.state is state

    def wish(self) -> Wish:
        quote = Quote(BTC, self.bid, self.bid + dec("0.01"), self.now)
        return wants(self.executor, Moment(quote, self.now, self.mode, self.offsets, self.seated))

    def act(self) -> Action:
        """Begin what is wanted now."""
        action = self.wish().action
        assert action is not None, self.wish()
        self.executor = self.executor.begun(action, self.now)
        return action

    def places(self) -> PlaceOrder:
        action = self.act()
        assert isinstance(action, PlaceOrder)
        return action

    def rests(self) -> PlaceOrder:
        """Place what is wanted, and have it accepted."""
        action = self.places()
        self.hear(OrderAccepted(action.client_id, self.now))
        return action

    def hear(self, event: Event) -> None:
        self.executor, notices = self.executor.on(event)
        self.told += notices

    def fills(self, client_id: str, amount: str, price: str, *, fee: str = "0") -> OrderFilled:
        self.number += 1
        fill = Fill(f"t{self.number}", dec(price), dec(amount), dec(fee), "USDT", self.now)
        event = OrderFilled(client_id, fill)
        self.hear(event)
        return event

    def closes(self, client_id: str, filled: str = "0", reason: CloseReason = CloseReason.ASKED) -> None:
        self.hear(OrderClosed(client_id, self.now, dec(filled), reason))

    def refuses(self, client_id: str, reason: Refusal) -> None:
        self.hear(OrderRefused(client_id, self.now, reason, "no"))

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
