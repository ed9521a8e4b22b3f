"""When the world fails the manager: store, exchange, lost answers, strangers, restarts."""

import asyncio
from dataclasses import replace
from decimal import DefaultContext, setcontext

import pytest

from bot.core.client_ids import decode, encode
from bot.core.events import CloseReason, OrderAccepted, OrderClosed, OrderFilled, OrderMissing
from bot.core.lifecycle import State
from bot.core.model import Fill, Side
from bot.core.money import ZERO
from bot.core.snapshot import Trouble
from bot.errors import MarketError, StateUnwritable
from tests.fakes import BTC, ETH, START, FullDisk, dec, market, run
from tests.hostile import CALM
from tests.stage import LEVELS, SPEC, Stage, staged


def test_while_the_store_fails_nothing_new_leaves_and_resting_orders_stay() -> None:
    async def story() -> None:
        store = FullDisk()
        stage = await staged(Stage(store=store))
        sent = set(stage.exchange.sent)
        store.full = True
        await stage.beat("59700")
        await stage.beats(3)
        assert stage.exchange.sent == sent
        assert stage.resting() == LEVELS[:3]
        with pytest.raises(StateUnwritable):
            await stage.manager.pause("g1")
        with pytest.raises(StateUnwritable):
            await stage.manager.create(await stage.manager.preview(SPEC))
        assert list(stage.manager.state.grids) == ["g1"]
        assert stage.listener.of(Trouble) == []  # not durable, so not told
        store.full = False
        await stage.manager.resume("g1")
        await stage.beats(2)
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        assert [(told.what, told.over) for told in stage.listener.of(Trouble)] == [("store", False), ("store", True)]
        stage.agree()

    run(story())


def test_one_silent_market_is_told_once_and_once_when_it_is_over() -> None:
    async def story() -> None:
        stage = Stage(market(min_cost="0"), market(ETH, min_cost="0"))
        await staged(stage)
        await stage.grid(symbol=ETH)
        stage.data.is_silent(ETH)
        await stage.beats(10)
        assert [told.over for told in stage.listener.of(Trouble)] == [False]
        stage.price("60500", ETH)
        await stage.beats(5)
        assert [told.over for told in stage.listener.of(Trouble)] == [False, True]

    run(story())


def test_an_exchange_that_soon_answers_again_is_not_told_of() -> None:
    async def story() -> None:
        stage = await staged(Stage())
        for _ in range(3):
            stage.data.is_silent()
            await stage.beats(3)
            assert "exchange" in stage.manager.heartbeat.troubles
            stage.price("60500")
            await stage.beats(3)
        assert stage.listener.of(Trouble) == []

    run(story())


def test_what_comes_and_goes_is_told_of_less_and_less_until_it_has_been_calm() -> None:
    async def story() -> None:
        stage = await staged()

        async def silent(seconds: int) -> int:
            """How often it is told of."""
            before = len(stage.listener.of(Trouble))
            stage.data.is_silent(BTC)
            await stage.beats(seconds // 5 + 1, seconds=5)
            stage.price("60500")
            await stage.beats(3, seconds=5)
            return len(stage.listener.of(Trouble)) - before

        assert await silent(20) == 2  # that it began, and that it is over
        assert await silent(50) == 0
        assert await silent(70) == 2
        assert await silent(70) == 0
        assert await silent(130) == 2
        assert [told.over for told in stage.listener.of(Trouble)] == 3 * [False, True]
        await stage.beats(10, seconds=60)
        assert await silent(20) == 2

    run(story())


def test_what_was_learned_before_the_exchange_fell_silent_counts() -> None:
    async def story() -> None:
        stage = Stage()
        stage.exchange.temper = replace(stage.exchange.temper, lost_reply=1.0)
        await staged(stage)
        look_up, looks = stage.gateway.look_up, []

        async def failing(symbol: str, client_id: str) -> object:
            looks.append(client_id)
            if len(looks) % 2 == 0:
                raise MarketError("gone")
            return await look_up(symbol, client_id)

        stage.gateway.look_up = failing  # type: ignore[assignment,method-assign]
        await stage.beats(30, seconds=5)
        assert all(executor.awaiting is None for executor in stage.manager.state.executors.values())
        stage.agree()

    run(story())


def test_a_cancel_that_never_arrived_is_found_out_and_sent_again() -> None:
    async def story() -> None:
        stage = await staged()
        stage.exchange.temper = replace(stage.exchange.temper, lost_request=1.0)
        await stage.manager.pause("g1")
        stage.exchange.temper = replace(stage.exchange.temper, lost_request=0.0)
        assert stage.resting() == LEVELS
        await stage.beats(10)
        assert stage.resting() == []
        stage.agree()

    run(story())


def test_an_order_is_looked_for_three_times_over_seconds_before_a_new_attempt() -> None:
    async def story() -> None:
        stage = Stage()
        stage.exchange.temper = replace(CALM, lost_request=1.0)
        await staged(stage, count=1)
        stage.exchange.temper = CALM
        looks = []
        while not stage.resting():
            before = stage.gateway.calls.count("look up")
            await stage.beat(seconds=0.25)
            if stage.gateway.calls.count("look up") > before:
                looks.append(stage.clock.now())
        assert len(looks) == 3
        assert (looks[0] - START).total_seconds() >= 10
        assert (looks[2] - looks[0]).total_seconds() >= 2
        stage.agree()

    run(story())


def test_a_late_lander_whose_cancel_finds_nothing_is_not_waited_for_forever() -> None:
    async def story() -> None:
        stage = await staged()
        executor = stage.manager.state.executors["g1.3"]
        order = executor.order
        assert order is not None
        key = decode(order.client_id)
        assert key is not None
        ghost = encode(replace(key, attempt=5))
        record = replace(order, client_id=ghost, accepted=False)
        stage.manager.state.put_executor(replace(executor, watched=(record,), attempts=9))
        stage.exchange.wire.append((START, BTC, OrderAccepted(ghost, stage.clock.now())))
        await stage.beats(12, seconds=3)
        assert stage.manager.state.executors["g1.3"].awaiting is None
        await stage.beat("59450")
        assert stage.manager.state.executors["g1.3"].state is State.PLACED_EXIT

    run(story())


def test_the_audit_finds_an_order_that_is_gone_and_one_that_was_given_up() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        await stage.beat()
        del stage.exchange.orders[order.client_id]  # the venue has forgotten it
        await stage.manager.audit()
        await stage.beats(8)
        assert stage.resting() == LEVELS
        stage.agree()

    run(story())


def test_strangers_and_other_bots_orders_are_nobodys() -> None:
    async def story() -> None:
        stage = await staged()
        before = dict(stage.manager.state.executors)
        now = stage.clock.now()
        fill = Fill("s", dec(1), dec(1), ZERO, "USDT", now)
        for client_id in ("web_1234", "zzz0000100500010e0", "abc000zz0010001e00", "abc00001zzz0001e00", ""):
            stage.exchange.wire += [
                (START, BTC, OrderAccepted(client_id, now)),
                (START, BTC, OrderFilled(client_id, fill)),
                (START, BTC, OrderClosed(client_id, now, dec(1), CloseReason.PERSON)),
                (START, BTC, OrderMissing(client_id, now)),
            ]
        await stage.beat()
        assert stage.manager.state.executors == before

    run(story())


def test_a_desk_opened_while_a_beat_waits_does_not_disturb_it() -> None:
    async def story() -> None:
        markets = [market(f"C{number}/USDT", min_cost="0") for number in range(5)]
        stage = Stage(market(min_cost="0"), *markets)
        await staged(stage)
        await asyncio.gather(stage.beat(), *(stage.manager.desk(each.symbol) for each in markets))
        await stage.beat()
        assert len(stage.manager.heartbeat.desks) == 6

    run(story())


def test_a_command_that_keeps_while_news_wait_does_not_lose_them() -> None:
    """The cursor of news is kept together with what they changed: a crash in between hears them again."""

    async def story() -> None:
        stage = await staged()
        stage.clock.ahead(2)
        stage.price("59700")
        stage.exchange.moved()
        await stage.manager.heartbeat._sense(stage.manager.heartbeat.desks[BTC], stage.clock.now())
        await stage.manager.remember({("chat", "x"): {"a": 1}})
        stage.new_manager()  # kill -9 here
        await stage.manager.start()
        await stage.beats(3)
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        stage.agree()

    run(story())


def test_a_manager_refuses_to_begin_where_money_would_be_rounded() -> None:
    stage = Stage()
    setcontext(DefaultContext.copy())
    with pytest.raises(RuntimeError, match="use_exact"):
        stage.new_manager()
