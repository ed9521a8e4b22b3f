"""Who leaves first, when nothing leaves, and what is asked at the last moment."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import ExchangeWaits
from bot.exchange.request_queue import SILENCE_FIRST, SILENCE_LAST, TICKET, Priority, RequestQueue, Ticket, Withdrawn
from tests.fakes import HandClock

SPACING = 0.002


class Line:
    """Requests that note when they leave."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.queue = RequestQueue(self.clock, SPACING)
        self.left: list[str] = []

    async def request(self, name: str, ticket: Ticket) -> None:
        TICKET.set(ticket)
        await self.queue.pass_through()
        self.left.append(name)

    def ask(
        self, name: str, priority: Priority = Priority.DATA, stands: bool | None = None
    ) -> Coroutine[Any, Any, None]:
        return self.request(name, Ticket(priority, None if stands is None else lambda: stands))


def test_what_waits_leaves_by_urgency_and_not_by_arrival() -> None:
    async def story(line: Line) -> None:
        asked = [
            ("first", Priority.DATA),
            ("price", Priority.DATA),
            ("buy", Priority.ENTRY),
            ("look", Priority.RECONCILE),
        ]
        asked += [("sell", Priority.EXIT), ("cancel", Priority.CANCEL), ("buy more", Priority.ENTRY)]
        await asyncio.gather(*(line.ask(name, priority) for name, priority in asked))

    line = Line()
    asyncio.run(story(line))
    assert line.left == ["first", "cancel", "sell", "look", "buy", "buy more", "price"]


def test_a_request_nobody_wants_any_more_never_leaves() -> None:
    async def story(line: Line) -> None:
        ticket = Ticket(Priority.ENTRY, lambda: False)
        with pytest.raises(Withdrawn):
            await line.request("buy", ticket)
        assert not ticket.left

    line = Line()
    asyncio.run(story(line))
    assert line.left == []


def test_it_is_asked_at_the_last_moment_whether_it_is_wanted() -> None:
    async def story(line: Line) -> None:
        wanted = [True]
        await line.ask("first")
        waiting = asyncio.ensure_future(line.request("buy", Ticket(Priority.ENTRY, lambda: wanted[0])))
        await asyncio.sleep(0)
        wanted[0] = False
        with pytest.raises(Withdrawn):
            await waiting

    line = Line()
    asyncio.run(story(line))
    assert line.left == ["first"]


def test_in_a_time_of_silence_nothing_leaves_and_whoever_waits_is_told() -> None:
    async def story(line: Line) -> None:
        await line.ask("first")
        waiting = asyncio.ensure_future(line.ask("second"))
        await asyncio.sleep(0)
        until = line.clock.now() + timedelta(minutes=2)
        line.queue.silence("too many requests", until)
        with pytest.raises(ExchangeWaits, match="too many requests") as told:
            await waiting
        assert told.value.until == until
        line.clock.ahead(119)
        with pytest.raises(ExchangeWaits):
            await line.ask("third")
        line.clock.ahead(1)
        await line.ask("fourth")

    line = Line()
    asyncio.run(story(line))
    assert line.left == ["first", "fourth"]


def test_a_silence_is_never_shortened_by_a_later_one() -> None:
    line = Line()
    long = line.clock.now() + timedelta(minutes=5)
    line.queue.silence("banned", long)
    line.queue.silence("too many requests", line.clock.now() + timedelta(seconds=1))
    with pytest.raises(ExchangeWaits, match="banned") as told:
        line.queue.check()
    assert told.value.until == long


def test_a_silence_nobody_measured_doubles_until_the_exchange_answers() -> None:
    line, lengths = Line(), []
    for _ in range(8):
        line.queue.silence("closed")
        with pytest.raises(ExchangeWaits) as told:
            line.queue.check()
        lengths.append(told.value.until - line.clock.now())
        line.clock.at = told.value.until
        line.queue.check()
    assert lengths[:3] == [SILENCE_FIRST, SILENCE_FIRST * 2, SILENCE_FIRST * 4]
    assert lengths[-1] == SILENCE_LAST
    line.queue.answered()
    line.queue.silence("closed")
    with pytest.raises(ExchangeWaits) as again:
        line.queue.check()
    assert again.value.until - line.clock.now() == SILENCE_FIRST


def test_a_request_that_was_cancelled_while_it_waited_takes_nobodys_turn() -> None:
    async def story(line: Line) -> None:
        await line.ask("first")
        given_up = asyncio.ensure_future(line.ask("given up", Priority.CANCEL))
        waiting = asyncio.ensure_future(line.ask("second"))
        await asyncio.sleep(0)
        given_up.cancel()
        await waiting

    line = Line()
    asyncio.run(story(line))
    assert line.left == ["first", "second"]


def test_after_the_stop_nothing_leaves_any_more() -> None:
    async def story(line: Line) -> None:
        await line.ask("first")
        waiting = asyncio.ensure_future(line.ask("second"))
        await asyncio.sleep(0)
        line.queue.stop()
        for late in (waiting, line.ask("third")):
            with pytest.raises(Withdrawn):
                await late

    line = Line()
    asyncio.run(story(line))
    assert line.left == ["first"]
