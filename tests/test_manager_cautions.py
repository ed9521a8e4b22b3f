"""When the manager holds back: what a person took off the book, leaps, orders that can't be right, short funds, the
first live start, an exchange that wants silence, rules that change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from bot.core.actions import Action, PlaceOrder
from bot.core.events import CloseReason, Event, OrderFilled, OrderRefused, Refusal
from bot.core.executor import PositionExecutor
from bot.core.lengths import Length
from bot.core.model import Balance, Candle, Fill, Leg, Market, Quote, Side
from bot.core.money import ZERO
from bot.core.snapshot import (
    LevelBlocked,
    LevelsHalted,
    LiveAsked,
    MarketShut,
    Notice,
    OrderWithheld,
    StopReached,
    TakerFilled,
    Trouble,
)
from bot.core.wishes import TOO_FAR
from bot.errors import ExchangeWaits, MarketError
from bot.ports import News, Policy
from bot.reports.views import health_view, level_view
from bot.trading.exposure import FOR_FUNDS
from bot.trading.gate import SILENCE, UNCONFIRMED
from bot.trading.herald import TOGETHER
from bot.trading.state import Meta
from tests.fakes import BTC, ETH, START, HandClock, ScriptedMarket, dec, market, run
from tests.hostile import CALM, HostileExchange, HostileGateway
from tests.stage import LEVELS, SPEC, Stage, staged


def executor(stage: Stage, key: str) -> PositionExecutor:
    return stage.manager.state.executors[key]


def why(stage: Stage, key: str) -> str:
    return level_view(stage.manager, executor(stage, key)).why


# -- what a person took off the book -----------------------------------------------------------------------------------


def take_off(stage: Stage, *owners: str) -> None:
    """Somebody cancels the orders of these levels on the exchange's own page."""
    for truth in stage.exchange.live():
        if truth.place.owner_id in owners:
            stage.exchange._close(truth, CloseReason.PERSON)


def test_all_that_a_person_takes_off_within_seconds_is_one_question() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.grid("58000", "58000", 1)
        await stage.beats(3)
        take_off(stage, "g1.2", "g1.3")
        await stage.beat()
        take_off(stage, "g1.4", "g2.1")
        await stage.beats(3)
        assert stage.listener.of(LevelsHalted) == []
        await stage.beat()
        (asked,) = stage.listener.of(LevelsHalted)
        assert asked.levels == ("g1.2", "g1.3", "g1.4", "g2.1")
        await stage.beats(20)
        assert len(stage.listener.of(LevelsHalted)) == 1
        assert stage.owners() == ["g1.1", "g1.5"]
        take_off(stage, "g1.5")
        await stage.beats(7)
        assert [told.levels for told in stage.listener.of(LevelsHalted)][1:] == [("g1.5",)]
        assert await stage.manager.resume_levels(asked.levels) == list(asked.levels)
        await stage.beat()
        assert stage.owners() == ["g1.1", "g1.2", "g1.3", "g1.4", "g2.1"]

    run(story())


def test_a_restart_does_not_forget_to_ask() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beats(3)
        take_off(stage, "g1.2")
        await stage.beat()
        stage.new_manager()
        await stage.manager.start()
        assert stage.listener.of(LevelsHalted) == []
        stage.clock.ahead(TOGETHER.total_seconds())
        await stage.beat()
        assert [told.levels for told in stage.listener.of(LevelsHalted)] == [("g1.2",)]
        assert stage.owners() == ["g1.1", "g1.3", "g1.4", "g1.5"]

    run(story())


def test_what_was_resumed_or_ended_meanwhile_is_not_asked_about() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.grid("58000", "58000", 1)
        await stage.beats(3)
        take_off(stage, "g1.2", "g2.1")
        await stage.beat()
        await stage.manager.resume("g1.2")
        await stage.manager.keep_coins("g2")
        await stage.beats(10)
        assert stage.listener.of(LevelsHalted) == []
        assert stage.manager.state.meta.taken_at is None

    run(story())


@pytest.mark.parametrize("word", ["g1", "all", "g1.2"])
def test_resume_reaches_levels_that_stand_alone(word: str) -> None:
    async def story() -> None:
        stage = await staged()
        await stage.beats(3)
        take_off(stage, "g1.2")
        await stage.manager.pause("g1.4")
        await stage.beats(10)
        assert stage.owners() == ["g1.1", "g1.3", "g1.5"]
        await stage.manager.resume(word)
        await stage.beat()
        assert set(stage.owners()) == {f"g1.{n}" for n in ((1, 2, 3, 5) if word == "g1.2" else (1, 2, 3, 4, 5))}

    run(story())


def test_a_frozen_level_waits_for_a_look_of_its_own() -> None:
    async def story() -> None:
        stage = await staged()
        stage.manager.state.put_executor(replace(executor(stage, "g1.2"), frozen="odd"))
        await stage.manager.resume("g1")
        assert executor(stage, "g1.2").frozen
        await stage.manager.resume("g1.2")
        assert not executor(stage, "g1.2").frozen

    run(story())


# -- prices ------------------------------------------------------------------------------------------------------------


def test_a_leap_neither_places_nor_stops_before_it_is_confirmed() -> None:
    async def story() -> None:
        stage = await staged(stop=dec(50_000))
        await stage.manager.pause("g1")
        stage.clock.ahead(2)
        stage.price("40000")
        await stage.manager.resume("g1")
        await stage.manager.beat()  # twice the same quote is one look
        await stage.manager.beat()
        assert stage.resting() == []
        assert why(stage, "g1.1") == "the price leapt, and is looked at again before it counts"
        await stage.beat("60500")
        assert stage.resting() == LEVELS
        assert stage.listener.of(StopReached) == []
        await stage.beats(3, "40000")
        assert len(stage.listener.of(StopReached)) == 1

    run(story())


class LeapingGateway(HostileGateway):
    """The price moves while the orders wait for their turn."""

    before: Callable[[], None] = staticmethod(lambda: None)

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        self.before()
        return await super().submit(actions, stands)


@pytest.mark.parametrize(("quote", "rest"), [("59300", 2), (None, 0)])
def test_an_order_that_would_cross_by_now_is_made_anew_at_the_new_price(quote: str | None, rest: int) -> None:
    async def story() -> None:
        stage = Stage()
        stage.gateway = LeapingGateway(stage.exchange)
        stage.new_manager()
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)

        def move() -> None:
            if quote is None:
                stage.manager.heartbeat.desks[BTC].see(None)
            else:
                stage.price(quote)
                stage.manager.heartbeat.desks[BTC].see(stage.data.quotes[BTC])

        stage.gateway.before = move
        await stage.manager.create(shown)
        crossing = [truth for truth in stage.exchange.orders.values() if truth.place.price >= dec(59_300)]
        assert [truth.place.price for truth in crossing] == ([dec("59300.49")] * 3 if quote else [])
        assert len(stage.exchange.sent) == (5 if quote else 0)
        assert all(key.endswith(("00", "01")) for key in stage.exchange.sent)
        assert len(stage.exchange.live()) == rest + len(crossing)

    run(story())


def test_what_waited_for_its_turn_until_its_price_was_old_does_not_leave() -> None:
    async def story() -> None:
        stage = Stage()
        stage.gateway = LeapingGateway(stage.exchange)
        stage.new_manager()
        await stage.manager.start()
        stage.gateway.before = lambda: stage.clock.ahead(31)
        await stage.manager.create(await stage.manager.preview(SPEC))
        assert stage.exchange.sent == set()
        stage.gateway.before = lambda: None
        await stage.beat()
        assert stage.resting() == LEVELS

    run(story())


@pytest.mark.parametrize(
    ("leg", "price", "amount", "fault"),
    [
        (Leg.ENTRY, "60000", "0.001", ""),
        (Leg.ENTRY, "59999", "0.001", ""),
        (Leg.ENTRY, "60000.01", "0.001", "a buy of 0.001 at 60000.01, above its entry 60000"),
        (Leg.ENTRY, "60000", "0.0012", "a buy of 0.0012 at 60000, more than its 0.001 at 60000"),
        (Leg.ENTRY, "60500.5", "0.001", "a buy of 0.001 at 60500.5 across the market (60499.5 and 60500.5)"),
        (Leg.ENTRY, "600", "0.1", ""),
        (Leg.EXIT, "60600", "0.001", ""),
        (Leg.EXIT, "60550", "0.001", "a sell of 0.001 at 60550, below its exit 60600"),
        (Leg.EXIT, "60600", "0.0011", "a sell of 0.0011 at 60600, more than the 0.001 it holds"),
        (Leg.EXIT, "60400", "0.001", "a sell of 0.001 at 60400 across the market (60499.5 and 60500.5)"),
    ],
)
def test_an_order_that_cannot_be_right_freezes_its_level_and_is_told(
    leg: Leg, price: str, amount: str, fault: str
) -> None:
    async def story() -> None:
        stage = await staged(count=1, low="60000", profit="1")
        heart, told = stage.manager.heartbeat, list[Notice]()
        level = replace(executor(stage, "g1.1"), order=None)
        level = replace(level, books=replace(level.books, held=dec("0.001")))
        order = PlaceOrder("x", level.id, BTC, leg, dec(price), dec(amount))
        admits = heart.gate.admits(heart.desks[BTC], level, order, stage.clock.now(), told.append)
        assert admits == (not fault)
        assert [notice.why for notice in told if isinstance(notice, OrderWithheld)] == ([fault] if fault else [])
        assert executor(stage, "g1.1").frozen == fault

    run(story())


def test_a_taker_fill_raises_one_alarm_for_a_market_in_half_an_hour() -> None:
    async def story() -> None:
        stage = await staged()

        def takes(number: int) -> None:
            order = executor(stage, f"g1.{number}").order
            assert order is not None
            fill = Fill(f"x{number}", order.price, dec("0.0002"), ZERO, "USDT", stage.clock.now(), maker=False)
            stage.exchange.wire.append((START, BTC, OrderFilled(order.client_id, fill)))

        takes(1)
        takes(2)
        await stage.beat()
        (alarm,) = stage.listener.of(TakerFilled)
        assert (alarm.symbol, alarm.side, alarm.amount) == (BTC, Side.BUY, dec("0.0002"))
        stage.clock.ahead(1800)
        takes(3)
        await stage.beat()
        assert len(stage.listener.of(TakerFilled)) == 2

    run(story())


def test_levels_outside_the_venues_band_wait_without_a_request_until_the_market_is_near() -> None:
    async def story() -> None:
        stage = Stage(replace(market(min_cost="0"), lowest_buy_ratio=dec("0.98")))
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)
        assert [level.number for level in shown.too_far] == [1, 2]
        await stage.manager.create(shown)
        assert stage.resting() == LEVELS[2:]
        assert why(stage, "g1.1") == TOO_FAR
        calls = stage.gateway.calls.count("place")
        await stage.beats(100)
        assert stage.gateway.calls.count("place") == calls
        await stage.beat("60400")
        assert stage.resting() == LEVELS[1:]
        await stage.beat("60204.5")  # the bid is at 60,204
        assert stage.resting() == LEVELS

    run(story())


class BandedExchange(HostileExchange):
    """Refuses buys far below the market, without having said so before."""

    ratio = dec("0.98")

    def _place(self, action: PlaceOrder) -> list[Event]:
        if action.side is Side.BUY and action.price < self.ratio * self.data.quotes[action.symbol].bid:
            return [OrderRefused(action.client_id, self.clock.now(), Refusal.PRICE_BAND, "-1013 PERCENT_PRICE")]
        return super()._place(action)


def test_a_band_that_nobody_told_of_costs_a_request_a_minute_and_no_message() -> None:
    async def story() -> None:
        stage = Stage()
        stage.exchange = BandedExchange(Random(0), stage.clock, stage.data, CALM)
        stage.gateway = HostileGateway(stage.exchange)
        stage.new_manager()
        await staged(stage, low="59000", high="59000", count=1)
        assert stage.gateway.calls.count("place") == 1
        await stage.beats(58)
        assert stage.gateway.calls.count("place") == 2
        await stage.beat("59800")  # more than one per cent towards it
        assert stage.resting() == ["59000"]
        assert stage.listener.told == []

    run(story())


# -- funds -------------------------------------------------------------------------------------------------------------


class PoorExchange(HostileExchange):
    """Has just so much quote currency free."""

    funds = dec(130)

    def _place(self, action: PlaceOrder) -> list[Event]:
        bound = sum((t.place.amount * t.place.price for t in self.live() if t.place.side is Side.BUY), ZERO)
        spent = sum((f.cost if side is Side.BUY else -f.cost for _, side, f in self.trades), ZERO)
        if action.side is Side.BUY and bound + spent + action.amount * action.price > self.funds:
            return [OrderRefused(action.client_id, self.clock.now(), Refusal.FUNDS, "insufficient balance")]
        return super()._place(action)


def poor(funds: str = "130", **policy: object) -> Stage:
    stage = Stage(policy=Policy(**policy))  # type: ignore[arg-type]
    stage.exchange = PoorExchange(Random(0), stage.clock, stage.data, CALM)
    stage.exchange.funds = dec(funds)
    stage.gateway = HostileGateway(stage.exchange)
    stage.new_manager()
    return stage


def test_while_funds_are_short_one_entry_is_tried_a_minute_and_it_is_told_once() -> None:
    async def story() -> None:
        stage = await staged(poor(), low="51000", high="60000", count=91)
        assert stage.resting() == ["59900", "60000"]
        await stage.beats(28)
        calls = stage.gateway.calls.count("place")
        await stage.beats(300)  # ten minutes
        assert stage.gateway.calls.count("place") - calls <= 11
        assert len(stage.listener.of(LevelBlocked)) == 1
        assert FOR_FUNDS in {why(stage, key) for key in stage.manager.state.executors}
        stage.agree()

    run(story())


def test_when_funds_come_free_the_nearest_go_first_one_after_the_other() -> None:
    async def story() -> None:
        stage = await staged(poor("150"), low="59000", high="60000", count=11)
        await stage.beats(40)
        assert stage.resting() == ["59900", "60000"]
        await stage.beat("59850")  # both buy, and their exits rest
        assert stage.resting(Side.BUY) == []
        await stage.beat("60700")  # both are sold: their funds are free again
        await stage.beats(2)
        assert len(stage.resting(Side.BUY)) == 2
        stage.exchange.funds = dec(10_000)  # type: ignore[attr-defined]
        await stage.beats(35)
        assert len(stage.resting(Side.BUY)) == 11
        assert not stage.manager.heartbeat.desks[BTC].held_back
        stage.agree()

    run(story())


def test_entries_that_wait_for_funds_do_not_hold_up_exits_nor_other_coins() -> None:
    async def story() -> None:
        stage = await staged(poor(), count=5)
        await stage.beats(5)
        await stage.beat("59800")
        assert len(stage.resting(Side.SELL)) == 1 + ("59750" not in stage.resting(Side.BUY))
        heart = stage.manager.heartbeat
        assert heart.exposure.shortage.holds("USDT")
        assert not heart.exposure.shortage.holds("USDC")

    run(story())


def test_short_funds_under_an_exposure_limit_end_in_order() -> None:
    async def story() -> None:
        stage = await staged(poor("130", max_exposure=dec(300)), low="59000", high="59300", count=4)
        await stage.grid("59700", "60000", 4)
        await stage.beats(40)
        assert stage.resting() == ["59200", "59300"]
        stage.exchange.funds = dec(10_000)  # type: ignore[attr-defined]
        await stage.beats(70)
        assert stage.resting() == ["59300", "59700", "59800", "59900", "60000"]
        stage.agree()

    run(story())


class QueueingGateway(HostileGateway):
    """Sends later, one after the other, when it is told to."""

    def __init__(self, exchange: HostileExchange) -> None:
        super().__init__(exchange)
        self.queue: list[tuple[Action, Callable[[Action], bool]]] = []

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        self.queue += [(action, stands) for action in actions]
        return ()

    async def send_one(self) -> Sequence[Event]:
        action, stands = self.queue.pop(0)
        return await super().submit([action], stands)


def test_entries_that_wait_for_their_turn_to_be_sent_are_withdrawn_once_funds_have_run_out() -> None:
    async def story() -> None:
        stage = poor("59")
        stage.gateway = QueueingGateway(stage.exchange)
        stage.new_manager()
        await stage.manager.start()
        await stage.manager.create(await stage.manager.preview(SPEC))
        assert isinstance(stage.gateway, QueueingGateway)
        while stage.gateway.queue:
            stage.manager.hear(await stage.gateway.send_one())
            await stage.manager.beat()
        assert stage.gateway.calls.count("place") == 1
        assert len(stage.manager.heartbeat.desks[BTC].held_back) == 4

    run(story())


def test_an_order_that_was_refused_its_turn_is_not_sent_when_it_is_asked_again_before_that_is_heard() -> None:
    async def story() -> None:
        stage = Stage()
        stage.gateway = QueueingGateway(stage.exchange)
        stage.new_manager()
        await stage.manager.start()
        await stage.manager.create(await stage.manager.preview(SPEC))
        assert isinstance(stage.gateway, QueueingGateway)
        gate, waiting = stage.manager.heartbeat.gate, list(stage.gateway.queue)
        gate.barred = "for a moment"
        assert not any(stands(action) for action, stands in waiting)
        gate.barred = ""
        assert not any(stands(action) for action, stands in waiting)
        stage.gateway.queue.clear()
        await stage.manager.beat()
        assert len(stage.gateway.queue) == len(waiting)
        assert all(stands(action) for action, stands in stage.gateway.queue)

    run(story())


def test_a_paused_line_of_waiting_entries_is_dissolved() -> None:
    async def story() -> None:
        stage = await staged(poor(), low="59000", high="60000", count=11)
        await stage.beats(40)
        await stage.manager.pause("g1")
        await stage.beats(3)
        assert stage.resting() == []
        assert not stage.manager.heartbeat.desks[BTC].held_back

    run(story())


# -- the first live start ----------------------------------------------------------------------------------------------

ASKS = Policy(ask_first=True, max_exposure=dec(500))


def test_before_it_is_confirmed_nothing_leaves_and_nothing_is_noted_to_leave() -> None:
    async def story() -> None:
        stage = Stage(policy=ASKS)
        await stage.manager.start()
        (asked,) = stage.listener.of(LiveAsked)
        assert (asked.account, asked.max_exposure, asked.max_daily_loss) == ("tests", dec(500), None)
        assert asked.balances == (("BTC", dec(10**6)), ("USDT", dec(10**9)))
        await stage.grid()
        await stage.beats(3, "59100")
        await stage.manager.panic()
        await stage.manager.resume()
        assert not {"place", "cancel"} & set(stage.gateway.calls)
        assert all(each.order is None and each.awaiting is None for each in stage.manager.state.executors.values())
        assert why(stage, "g1.1") == UNCONFIRMED
        stage.new_manager()  # asked again at the next start
        await stage.manager.start()
        assert len(stage.listener.of(LiveAsked)) == 2
        await stage.beat("60500")
        await stage.manager.trade_live()
        assert stage.resting() == LEVELS
        stage.new_manager()
        await stage.manager.start()
        assert len(stage.listener.of(LiveAsked)) == 2
        await stage.beat("59700")
        assert len(stage.resting(Side.SELL)) == 2

    run(story())


def test_a_grid_that_is_stopped_before_the_first_live_start_ends() -> None:
    async def story() -> None:
        stage = Stage(policy=ASKS)
        await stage.manager.start()
        await stage.grid()
        await stage.manager.keep_coins("g1")
        assert stage.manager.state.grids["g1"].ended_at is not None

    run(story())


def test_it_is_asked_even_where_the_balance_cannot_be_read() -> None:
    class Mute(HostileGateway):
        async def balances(self) -> Mapping[str, Balance]:
            raise MarketError("no answer")

    async def story() -> None:
        stage = Stage(policy=ASKS)
        stage.new_manager(Mute(stage.exchange))
        await stage.manager.start()
        assert [asked.balances for asked in stage.listener.of(LiveAsked)] == [None]

    run(story())


def test_a_state_from_before_these_notes_reads_as_it_was() -> None:
    meta = Meta("abc", "tests", 5, 2, 3, "2026-11-22", (("USDT", dec("1.5")),), START)
    old = meta.to_record()
    for key in ("confirmed_live", "quiet_until", "taken_off", "taken_at"):
        del old[key]
    assert Meta.from_record(old) == meta
    full = replace(meta, confirmed_live=True, quiet_until=START, taken_off=("g1.2", "g1.3"), taken_at=START)
    assert Meta.from_record(full.to_record()) == full


# -- an exchange that wants silence ------------------------------------------------------------------------------------


class Resting(ScriptedMarket):
    """A market that is down until a moment: it names the moment, or just does not answer."""

    def __init__(self, clock: HandClock, *markets: Market) -> None:
        super().__init__(clock, *markets)
        self.until: datetime | None = None
        self.names_it = True

    def ask(self) -> None:
        if self.until is not None and self._clock.now() < self.until:
            if self.names_it:
                raise ExchangeWaits("closed for maintenance", self.until)
            raise MarketError("no answer")

    async def market(self, symbol: str) -> Market:
        self.ask()
        return await super().market(symbol)

    async def quote(self, symbol: str) -> Quote:
        self.ask()
        return await super().quote(symbol)

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        return ()


class RestingGateway(HostileGateway):
    """Down together with its market."""

    def __init__(self, exchange: HostileExchange, data: Resting) -> None:
        super().__init__(exchange)
        self.data = data

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        self.data.ask()
        return await super().submit(actions, stands)

    async def news(self, symbol: str, cursor: str) -> News:
        self.data.ask()
        return await super().news(symbol, cursor)

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        self.data.ask()
        return await super().look_up(symbol, client_id)


def resting() -> tuple[Stage, Resting]:
    stage = Stage(market(min_cost="0"), market(ETH, min_cost="0"))
    data = Resting(stage.clock, *stage.data.markets.values())
    data.quotes = stage.data.quotes
    stage.data = stage.exchange.data = data
    stage.gateway = RestingGateway(stage.exchange, data)
    stage.new_manager()
    return stage, data


@pytest.mark.parametrize("names_it", [True, False])
def test_an_exchange_that_is_down_for_an_hour_is_two_messages_and_then_it_goes_on(names_it: bool) -> None:
    async def story() -> None:
        stage, data = resting()
        await staged(stage)
        await stage.grid(symbol=ETH)
        data.names_it = names_it
        data.until = stage.clock.now() + timedelta(hours=1)
        for minute in range(60):
            await stage.beats(30, "59700")
            await stage.manager.audit()
            await stage.manager.fold()
            if minute == 30:
                await stage.manager.refresh_markets()
                assert not any(desk.shut for desk in stage.manager.heartbeat.desks.values())
        await stage.beats(5)
        await stage.manager.audit()
        await stage.beats(3)
        assert [told.over for told in stage.listener.of(Trouble)] == [False, True]
        assert stage.listener.of(MarketShut) == []
        assert len(stage.resting(Side.SELL)) == 2
        stage.agree()

    run(story())


def test_in_the_silence_nothing_is_sent_cancels_neither_and_a_restart_remembers_it() -> None:
    async def story() -> None:
        stage, data = resting()
        await staged(stage)
        data.until = until = stage.clock.now() + timedelta(minutes=10)
        await stage.beats(2)
        assert stage.manager.state.meta.quiet_until == until
        stage.gateway.calls.clear()
        await stage.manager.pause("g1")
        assert executor(stage, "g1.1").awaiting is None
        await stage.manager.resume("g1")
        await stage.manager.panic()
        await stage.beats(5)
        stage.new_manager()
        await stage.manager.start()
        assert stage.manager.state.meta.quiet_until == until
        assert stage.resting() == LEVELS
        assert stage.gateway.calls == []
        assert why(stage, "g1.1") == SILENCE
        assert level_view(stage.manager, executor(stage, "g1.1")).next_try == until
        stage.clock.ahead(600)
        await stage.beats(2)
        assert stage.resting() == []
        assert health_view(stage.manager).troubles == ()

    run(story())


def test_a_breath_the_exchange_asks_for_is_no_trouble() -> None:
    async def story() -> None:
        stage, data = resting()
        await staged(stage)
        data.until = stage.clock.now() + timedelta(seconds=5)
        await stage.beats(10)
        assert stage.listener.of(Trouble) == []

    run(story())


def test_a_request_nobody_repeats_does_not_keep_the_exchange_in_trouble() -> None:
    async def story() -> None:
        stage, _ = resting()
        await stage.manager.start()
        submit = stage.gateway.submit

        async def failing(actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
            for action in actions:
                await submit([action], stands)
            raise MarketError("gone while it answered")

        stage.gateway.submit = failing  # type: ignore[method-assign]
        await stage.grid()
        await stage.beats(30)
        assert not stage.manager.heartbeat.troubles
        stage.agree()

    run(story())


# -- rules that change -------------------------------------------------------------------------------------------------


def test_changed_rules_are_gone_by_and_prices_off_the_tick_move_to_it() -> None:
    async def story() -> None:
        stage = await staged(low="59000", high="60000", count=4, profit="0.51")  # 59333.33, 59666.66 between
        levels = [executor(stage, f"g1.{n}").level for n in (1, 2, 3, 4)]
        stage.data.markets[BTC] = replace(market(min_cost="0", tick="0.1"), maker_fee_ratio=dec("0.0005"))
        await stage.manager.refresh_markets()
        after = [executor(stage, f"g1.{n}").level for n in (1, 2, 3, 4)]
        assert [level.entry for level in after] == [dec(each) for each in ("59000", "59333.3", "59666.6", "60000")]
        assert all(new.exit >= old.exit and new.exit % dec("0.1") == 0 for old, new in zip(levels, after, strict=True))
        assert executor(stage, "g1.1").market.maker_fee_ratio == dec("0.0005")
        assert len(stage.resting()) == 4  # what rests stays
        for price in ("58900", "60400", "58900"):
            await stage.beats(2, price)
        assert len(stage.ledger.lines) >= 4
        assert all(truth.place.price % dec("0.1") == 0 for truth in stage.exchange.live())
        stage.new_manager()
        await stage.manager.start()
        assert executor(stage, "g1.2").level.entry == dec("59333.3")

    run(story())


def test_unchanged_rules_touch_nobody() -> None:
    async def story() -> None:
        stage = await staged()
        await stage.manager.refresh_markets()
        assert stage.manager.state.changes == {}
        assert not stage.manager.heartbeat.desks[BTC].due

    run(story())


@pytest.mark.parametrize("restarts", [False, True])
def test_a_market_that_is_halted_is_told_once_and_traded_again_when_it_is_back(restarts: bool) -> None:
    async def story() -> None:
        stage = Stage(market(min_cost="0"), market(ETH, min_cost="0"))
        await staged(stage)
        await stage.grid(symbol=ETH)
        rules = stage.data.markets.pop(BTC)
        for _ in range(3):
            await stage.manager.refresh_markets()
            await stage.beat()
        if restarts:
            stage.new_manager()
            await stage.manager.start()
            await stage.manager.fold()
        await stage.manager.pause("g1")
        await stage.manager.resume("g1")
        await stage.beat()
        assert stage.resting() == []  # taken off by the pause, and not placed again
        assert why(stage, "g1.1") == f"the market can't be traded now: there is no {BTC}"
        assert health_view(stage.manager).troubles == (f"{BTC}: there is no {BTC}",)
        assert len(stage.resting(symbol=ETH)) == 5
        stage.data.markets[BTC] = rules
        await stage.manager.fold()
        await stage.beat()
        assert stage.resting() == LEVELS
        shut = [told.over for told in stage.listener.of(MarketShut)]
        assert shut == ([False, False, True] if restarts else [False, True])

    run(story())


def test_the_worker_starts_while_the_exchange_is_down() -> None:
    async def story() -> None:
        stage, data = resting()
        await staged(stage)
        data.until = stage.clock.now() + timedelta(minutes=5)
        data.names_it = False
        stage.new_manager()
        await stage.manager.start()
        await stage.beats(10)
        await stage.manager.fold()
        assert stage.listener.of(MarketShut) == []
        stage.clock.ahead(300)
        await stage.beat()
        await stage.manager.fold()
        await stage.beats(2, "59700")
        assert len(stage.resting(Side.SELL)) == 2
        stage.agree()

    run(story())


def test_a_symbol_nobody_has_traded_is_still_refused() -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        with pytest.raises(MarketError):
            await stage.manager.desk("NO/USDT")

    run(story())
