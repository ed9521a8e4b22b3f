"""Closed trades in Postgres: each once, to the last digit, in the order in which they were written."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from bot.core.accounting import RoundTrip
from bot.errors import StateUnwritable
from tests.storage.copies import backends, copy, holder
from tests.storage.postgres_server import PostgresServer

AT = datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
TRADE = RoundTrip(
    grid="g1",
    executor="g1.7",
    cycle=3,
    symbol="BTC/USDT",
    qty=Decimal("0.001"),
    cost=Decimal("60.0001"),
    proceeds=Decimal("60.3002"),
    fees=Decimal("0.02406"),
    currency="USDT",
    closed_at=AT,
)
T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def trade(number: int) -> RoundTrip:
    return replace(TRADE, executor=f"g1.{number % 5}", cycle=number, closed_at=AT + timedelta(seconds=number))


TRADES = [trade(number) for number in range(1, 9)]


def test_a_trade_is_written_once_however_often_it_is_told(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            for batch in (TRADES[:3], TRADES[1:5], [TRADES[0], TRADES[0]], [], TRADES[2:6]):
                await worker.ledger.append(batch)
            await worker.lease.release()
        async with holder(url) as worker:
            await worker.ledger.append(TRADES[3:6])
            assert await worker.ledger.last(1000) == TRADES[5::-1]
            assert await worker.ledger.last(2) == [TRADES[5], TRADES[4]]
            assert await worker.ledger.last(0) == []

    run(story())


def test_the_same_level_and_cycle_of_a_new_state_is_another_trade(url: str) -> None:
    anew = replace(TRADE, closed_at=AT + timedelta(days=1))

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append([TRADE])
            await worker.ledger.append([anew])
            assert await worker.ledger.last(9) == [anew, TRADE]

    run(story())


def test_a_time_is_read_back_to_the_millisecond_in_utc_and_tells_no_trade_twice(url: str) -> None:
    there = replace(TRADE, closed_at=(AT + timedelta(microseconds=999)).astimezone(timezone(timedelta(hours=5))))

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append([there])
            await worker.ledger.append([TRADE])
            (found,) = await worker.ledger.last(9)
            assert found == TRADE
            assert found.closed_at.tzinfo is UTC

    run(story())


@pytest.mark.parametrize("text", ["1E+9", "1E-27", "123456789012345678901234567890.000000001", "-0.10", "0"])
def test_money_comes_back_to_the_last_digit(url: str, text: str) -> None:
    odd = replace(TRADE, proceeds=Decimal(text), fees=Decimal(text), qty=Decimal(text))

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append([odd])
            assert await worker.ledger.last(1) == [odd]

    run(story())


def test_a_person_reads_the_profit_of_each_trade(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append([TRADE])

    run(story())
    found = server.ask("select executor, cycle, gross::text, fees::text, pnl::text, mode from rexlapis_trades", url)
    assert found == [("g1.7", 3, "0.3001", "0.02406", "0.27604", "demo")]


def test_thousands_are_written_in_their_order(url: str) -> None:
    many = [trade(number) for number in range(5_000)]

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append(many)
            assert await worker.ledger.last(10**9) == many[::-1]

    run(story())


def test_a_connection_that_was_cut_costs_no_line(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            for number in range(1, 5):
                await worker.ledger.append([trade(number)])
                for pid in backends(server, url, "rexlapis_trades"):
                    server.ask(f"select pg_terminate_backend({pid})")
            assert [each.cycle for each in await worker.ledger.last(9)] == [4, 3, 2, 1]

    run(story())


def test_without_the_lease_nothing_is_written_but_all_is_read(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker, copy(url) as other:
            await worker.ledger.append([TRADE])
            with pytest.raises(StateUnwritable, match="has not asked for the lease"):
                await other.ledger.append([trade(1)])
            assert await other.ledger.last(9) == [TRADE]

    run(story())
