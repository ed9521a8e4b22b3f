"""The gateway before real venues on loopback: what is said of an order, when, and how much is asked for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.client_ids import OrderKey, encode
from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.model import Leg
from bot.errors import ExchangeWaits, MarketError, SettingsError
from bot.exchange.ccxt_gateway import CcxtGateway
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection, connect
from tests.chaos.places import BINANCE, BINANCE_BNB, BYBIT, BYBIT_LINEAR, KEY, SECRET, Place, options
from tests.chaos.world import VenueClock
from tests.fakes import HandClock, dec
from tests.venue.faults import CREATE
from tests.venue.model import NewOrder
from tests.venue.model import Side as VenueSide
from tests.venue.server import Clock, Venue

SPOT = pytest.mark.parametrize("place", [BINANCE, BYBIT], ids=str)


def order_id(number: int, leg: Leg = Leg.ENTRY) -> str:
    return encode(OrderKey("abc001", 1, number, 1, leg, 0))


@dataclass
class Desk:
    """A gateway before a venue, and what it has said."""

    place: Place
    venue: Venue
    gateway: CcxtGateway
    data: CcxtMarket
    connection: Connection
    heard: list[Event] = field(default_factory=list)

    @property
    def symbol(self) -> str:
        return self.place.symbol

    def order(self, number: int = 1, price: str = "59000", leg: Leg = Leg.ENTRY, **more: Any) -> PlaceOrder:
        return PlaceOrder(order_id(number, leg), f"g1.{number}", self.symbol, leg, dec(price), dec("0.01"), **more)

    def cancel(self, order: PlaceOrder) -> CancelOrder:
        return CancelOrder(order.client_id, order.owner_id, order.symbol, order.leg, order.price)

    async def send(self, *actions: Action) -> None:
        """Submit, and wait until nothing is under way."""
        await self.gateway.submit(actions, lambda _: True)
        while any(self.gateway.is_pending(action.client_id) for action in actions):
            await asyncio.sleep(0.001)

    async def news(self, cursor: str = "") -> Sequence[Event]:
        return (await self.gateway.news(self.symbol, cursor)).events

    async def hears(self, count: int = 1) -> None:
        while len(self.heard) < count:
            await asyncio.sleep(0.001)

    def move(self, price: str) -> None:
        self.place.market(self.venue).move(dec(price), dec(price) + 1)

    def later(self, seconds: float) -> None:
        self.venue.clock.forward(int(seconds * 1000))
        self.venue.ledger.run_due()


@asynccontextmanager
async def desk_at(place: Place, *, streams: bool = False, **rules: Any) -> AsyncIterator[Desk]:
    async with place.open(1, Clock(), **rules) as venue:
        venue.check_time = True
        keys = {"key": KEY, "secret": SECRET}
        connection = connect(
            place.exchange, "live", keys, options(venue, streams=streams, timeout_ms=2000), VenueClock(venue.clock)
        )
        data = CcxtMarket(connection, has_key=True)
        assert connection.venue is not None
        gateway = CcxtGateway(connection, connection.venue, data, leverage=dec(3))
        desk = Desk(place, venue, gateway, data, connection)
        gateway.listen(desk.heard.extend)
        try:
            yield desk
        finally:
            await gateway.close()


def told(place: Place, story: Callable[[Desk], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with desk_at(place, **options) as desk:
            await asyncio.wait_for(story(desk), 20)

    asyncio.run(run())


@SPOT
def test_an_order_is_accepted_rests_and_is_found_by_its_client_id(place: Place) -> None:
    async def story(desk: Desk) -> None:
        order = desk.order()
        await desk.send(order)
        assert [type(event) for event in desk.heard] == [OrderAccepted]
        (resting,) = await desk.gateway.open_orders(desk.symbol)
        assert (resting.client_id, resting.price, resting.amount) == (order.client_id, dec("59000"), dec("0.01"))
        found = await desk.gateway.look_up(desk.symbol, order.client_id)
        assert found is not None
        assert [type(event) for event in found] == [OrderAccepted]
        assert await desk.gateway.look_up(desk.symbol, order_id(99)) is None

    told(place, story)


@SPOT
@pytest.mark.parametrize("fault", ["reply_lost", "garbage", "empty_body", "empty_object", "html", "truncated"])
def test_a_reply_that_is_no_clear_yes_says_nothing_of_an_order_that_is_live(place: Place, fault: str) -> None:
    async def story(desk: Desk) -> None:
        order = desk.order()
        desk.venue.faults.next(fault, on=CREATE)
        await desk.send(order)
        assert desk.heard == []
        assert desk.venue.faults.met[fault] == 1
        found = await desk.gateway.look_up(desk.symbol, order.client_id)
        assert found is not None
        assert isinstance(found[0], OrderAccepted)

    told(place, story)


@SPOT
def test_a_cancelled_order_is_over_and_was_asked_to_be(place: Place) -> None:
    async def story(desk: Desk) -> None:
        order = desk.order()
        await desk.send(order)
        desk.heard.clear()
        desk.venue.ledger.cancel_lag_ms = 0
        await desk.send(desk.cancel(order))
        await desk.hears(2)
        (closed,) = [event for event in desk.heard if isinstance(event, OrderClosed)]
        assert (closed.client_id, closed.filled, closed.reason) == (order.client_id, dec(0), CloseReason.ASKED)

    told(place, story)


@SPOT
def test_who_did_not_ask_calls_a_cancel_a_persons(place: Place) -> None:
    async def story(desk: Desk) -> None:
        order = desk.order()
        await desk.send(order)
        account = desk.venue.ledger.accounts[KEY]
        (truth,) = desk.venue.ledger.orders_of(account, order.client_id)
        desk.venue.ledger.cancel_by_hand(truth)
        found = await desk.gateway.look_up(desk.symbol, order.client_id)
        assert found is not None
        assert isinstance(found[-1], OrderClosed)
        assert found[-1].reason is CloseReason.PERSON

    told(place, story)


@pytest.mark.parametrize("place", [BINANCE, BINANCE_BNB, BYBIT], ids=str)
def test_a_trade_is_told_once_with_its_fee_and_the_cursor_stays_behind_it(place: Place) -> None:
    async def story(desk: Desk) -> None:
        first = await desk.gateway.news(desk.symbol, "")
        await desk.send(desk.order())
        desk.later(2)
        desk.move("58999")
        desk.later(2)
        news = await desk.gateway.news(desk.symbol, first.cursor)
        fills = list(
            {event.fill.trade_id: event.fill for event in news.events if isinstance(event, OrderFilled)}.values()
        )
        assert sum((fill.amount for fill in fills), dec(0)) == dec("0.01")
        assert {(fill.price, fill.maker) for fill in fills} == {(dec("59000"), True)}
        assert all(fill.fee > 0 and (fill.fee_rate is not None) is (place is BINANCE_BNB) for fill in fills)
        again = await desk.gateway.news(desk.symbol, news.cursor)
        assert not again.events
        account = desk.venue.ledger.accounts[KEY]
        assert len(desk.venue.ledger.fills_of(account)) == len(fills)

    told(place, story)


def test_a_post_only_order_that_would_cross_is_refused_at_once_where_the_venue_does_so() -> None:
    async def story(desk: Desk) -> None:
        order = desk.order(price="60500")
        await desk.send(order)
        (refused,) = desk.heard
        assert isinstance(refused, OrderRefused)
        assert refused.reason is Refusal.WOULD_CROSS

    told(BINANCE, story)


def test_and_is_found_out_by_asking_where_the_venue_refuses_late_and_nothing_is_pushed() -> None:
    async def story(desk: Desk) -> None:
        await desk.send(desk.order(price="60500"))
        desk.later(2)
        (closed,) = [event for event in await desk.news() if isinstance(event, OrderClosed)]
        assert closed.reason is CloseReason.WOULD_CROSS

    told(BYBIT, story)


def test_many_orders_leave_in_batches_and_each_is_told_of() -> None:
    async def story(desk: Desk) -> None:
        orders = [desk.order(number, str(59_000 - number)) for number in range(1, 26)]
        orders[7] = desk.order(8, "100000")  # outside the venue's band
        at_once: list[int] = []

        def hear(events: Sequence[Event]) -> None:
            at_once.append(len(events))
            desk.heard.extend(events)

        desk.gateway.listen(hear)
        await desk.send(*orders)
        assert sorted(at_once) == [5, 10, 10]  # a batch is one piece of news
        requests = [call for call in desk.venue.witness.calls if call.kind.startswith("create")]
        assert len(requests) == 3
        accepted = {event.client_id for event in desk.heard if isinstance(event, OrderAccepted)}
        (refused,) = [event for event in desk.heard if isinstance(event, OrderRefused)]
        assert refused.client_id == orders[7].client_id
        assert accepted == {order.client_id for order in orders} - {refused.client_id}

    told(BYBIT, story)


@SPOT
def test_open_orders_come_in_pages_and_all_of_them_count(place: Place) -> None:
    async def story(desk: Desk) -> None:
        orders = [desk.order(number, str(59_000 - number)) for number in range(1, 121)]
        await desk.send(*orders)
        resting = await desk.gateway.open_orders(desk.symbol)
        assert {order.client_id for order in resting} == {order.client_id for order in orders}

    told(place, story)


@SPOT
def test_strangers_orders_are_nobodys_news(place: Place) -> None:
    async def story(desk: Desk) -> None:
        account = desk.venue.ledger.accounts[KEY]
        wish = NewOrder(market="BTCUSDT", side=VenueSide.BUY, amount=dec("0.01"), price=dec("59000"))
        desk.venue.ledger.place_by_hand(account, wish)
        desk.later(1)
        assert await desk.gateway.open_orders(desk.symbol) == []
        assert await desk.gateway.own_orders(desk.symbol) == []
        cursor = (await desk.gateway.news(desk.symbol, "")).cursor
        desk.move("58000")
        desk.later(2)
        assert not await desk.news(cursor)

    told(place, story)


def test_after_too_many_requests_nothing_is_sent_before_the_moment_the_venue_named() -> None:
    async def story(desk: Desk) -> None:
        desk.venue.faults.next("rate_limited", on=CREATE)
        await desk.send(desk.order())
        (refused,) = desk.heard
        assert isinstance(refused, OrderRefused)
        assert refused.reason is Refusal.RATE
        with pytest.raises(ExchangeWaits) as told:
            await desk.data.quote(desk.symbol)
        await desk.send(desk.order(2))
        assert isinstance(desk.heard[-1], OrderRefused)
        assert desk.venue.witness.violations() == []
        desk.later((told.value.until - VenueClock(desk.venue.clock).now()).total_seconds() + 1)
        await desk.data.quote(desk.symbol)

    told(BINANCE, story)


@SPOT
def test_a_clock_that_is_off_is_set_and_the_question_asked_again(place: Place) -> None:
    async def story(desk: Desk) -> None:
        await desk.gateway.balances()
        desk.venue.faults.next("clock_skew")
        assert (await desk.gateway.balances())["USDT"].free > 0

    told(place, story)


@SPOT
def test_pushed_trades_and_orders_are_heard_without_asking(place: Place) -> None:
    async def story(desk: Desk) -> None:
        cursor = (await desk.gateway.news(desk.symbol, "")).cursor
        await desk.data.quote(desk.symbol)
        while not any("private" in feed.path or feed.account for feed in desk.venue.feeds):
            await asyncio.sleep(0.001)
        order = desk.order()
        await desk.send(order)
        await asyncio.sleep(0.05)
        asked = len(desk.venue.witness.calls)
        desk.move("58999")
        while not any(isinstance(event, OrderFilled) for event in desk.heard):
            await asyncio.sleep(0.001)
        assert len(desk.venue.witness.calls) == asked
        desk.later(20)
        assert not await desk.news(cursor)  # what was pushed is not told again

    told(place, story, streams=True)


@SPOT
def test_what_was_pushed_while_nobody_waited_is_caught_up_on_once(place: Place) -> None:
    async def story(desk: Desk) -> None:
        cursor = (await desk.gateway.news(desk.symbol, "")).cursor
        while not any("private" in feed.path or feed.account for feed in desk.venue.feeds):
            await asyncio.sleep(0.001)
        await desk.send(*(desk.order(number, str(59_000 - number)) for number in range(1, 4)))
        assert desk.connection.streams is not None
        await desk.connection.streams.close()  # nobody waits any more, and ccxt's sockets stay open
        asked = len(desk.venue.witness.calls)
        desk.move("58000")
        while len(desk.connection.exchange.myTrades or ()) < 3:
            await asyncio.sleep(0.001)
        desk.heard.clear()
        desk.gateway._catch_up()
        await desk.hears(6)
        desk.gateway._catch_up()
        filled = [event.client_id for event in desk.heard if isinstance(event, OrderFilled)]
        assert filled == [order_id(1), order_id(2), order_id(3)]
        assert len(desk.venue.witness.calls) == asked
        desk.later(20)
        assert not await desk.news(cursor)

    told(place, story, streams=True)


def test_a_taker_sale_is_over_as_soon_as_it_is_sent() -> None:
    async def story(desk: Desk) -> None:
        await desk.send(desk.order())
        desk.move("58999")
        desk.later(1)
        desk.heard.clear()
        sale = PlaceOrder(order_id(0, Leg.CLOSE), "g1", desk.symbol, Leg.CLOSE, dec("58500"), dec("0.005"), taker=True)
        await desk.send(sale)
        while not any(isinstance(event, OrderClosed) for event in desk.heard):
            await asyncio.sleep(0.001)
        sold = [event.fill for event in desk.heard if isinstance(event, OrderFilled)]
        assert sum((fill.amount for fill in sold), Decimal(0)) == dec("0.005")
        assert not any(fill.maker for fill in sold)

    told(BINANCE, story)


def test_on_a_perpetual_margin_and_leverage_are_set_once_and_exits_only_reduce() -> None:
    async def story(desk: Desk) -> None:
        await desk.send(desk.order())
        await desk.send(desk.order(2, "58900"))
        paths = [call.path for call in desk.venue.witness.calls]
        assert paths.count("/v5/position/set-leverage") == 1
        desk.move("58950")
        desk.later(1)
        position = await desk.gateway.position(desk.symbol)
        assert position is not None
        assert (position.amount, position.leverage, position.isolated) == (dec("0.01"), dec(3), True)
        desk.heard.clear()
        await desk.send(desk.order(1, "60000", Leg.EXIT))
        account = desk.venue.ledger.accounts[KEY]
        (exit_,) = desk.venue.ledger.orders_of(account, order_id(1, Leg.EXIT))
        assert exit_.wish.reduce_only

    told(BYBIT_LINEAR, story)


@SPOT
def test_what_a_key_may_do_is_told(place: Place) -> None:
    async def story(desk: Desk) -> None:
        assert (await desk.gateway.permissions()).withdraw is False
        desk.venue.ledger.accounts[KEY].can_withdraw = True
        assert (await desk.gateway.permissions()).withdraw is True

    told(place, story)


def test_an_exchange_that_does_not_answer_is_a_market_error_without_secrets() -> None:
    async def story(desk: Desk) -> None:
        await desk.gateway.balances()
        await desk.venue.stop()
        with pytest.raises(MarketError) as told:
            await desk.gateway.balances()
        assert KEY not in str(told.value)
        assert "127.0.0.1" not in str(told.value)

    told(BINANCE, story)


@pytest.mark.parametrize(("name", "mode"), [("nowhere", "paper"), ("bitstamp", "live"), ("bitstamp", "demo")])
def test_an_exchange_whose_orders_are_not_known_trades_on_paper_only(name: str, mode: str) -> None:
    with pytest.raises(SettingsError, match=r"^EXCHANGE: expected "):
        connect(name, mode, {"key": "k", "secret": "s"}, {}, HandClock())


def test_paper_knows_every_exchange() -> None:
    connection = connect("bitstamp", "paper", {}, {}, HandClock())
    assert connection.venue is None
    asyncio.run(connection.close())
