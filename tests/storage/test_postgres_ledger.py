"""Closed trades and fills in Postgres: each once, to the last digit, in the order in which they were written."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.model import Side
from bot.errors import StateUnwritable
from bot.ledger.logs import FileLedger
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


# -- fills ---------------------------------------------------------------------------------------------------------

FILL = BookedFill(
    at=AT,
    symbol="BTC/USDT",
    side=Side.BUY,
    price=Decimal("60000.1"),
    amount=Decimal("0.0005"),
    fee=Decimal("0.0000005"),
    fee_currency="BTC",
    fee_value=Decimal("0.03000005"),
    currency="USDT",
    order="abc00000100100001e01",
    trade_id="17",
    maker=True,
    grid="g1",
    executor="g1.7",
    cycle=3,
)


def fill(number: int) -> BookedFill:
    return replace(FILL, trade_id=str(number), at=AT + timedelta(seconds=number))


FILLS = [fill(number) for number in range(1, 9)]


def test_a_fill_is_written_once_however_often_it_is_told(server: PostgresServer, url: str) -> None:
    others = [replace(FILL, order="another"), replace(FILL, executor="g1.8"), replace(FILL, executor="", order="sale")]

    async def story() -> None:
        async with holder(url) as worker:
            for batch in (FILLS[:3], FILLS[1:5], [FILLS[0], FILLS[0]], [], FILLS[2:6]):
                await worker.ledger.append_fills(batch)
            await worker.lease.release()
        async with holder(url) as worker:
            await worker.ledger.append_fills([*FILLS[3:6], *others, *others])

    run(story())
    found = server.ask("select trade_id, order_id, executor from rexlapis_fills order by line", url)
    assert [row[0] for row in found[:6]] == ["1", "2", "3", "4", "5", "6"]
    assert found[6:] == [(each.trade_id, each.order, each.executor) for each in others]


def test_whatever_is_asked_of_a_cut_connection_each_fill_stands_there_once(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            for number in range(1, 5):
                await worker.ledger.append_fills([fill(number)])
                for pid in backends(server, url, "rexlapis_fills"):
                    server.ask(f"select pg_terminate_backend({pid})")
                await worker.ledger.append_fills([fill(number)])

    run(story())
    assert server.ask("select trade_id from rexlapis_fills order by line", url) == [("1",), ("2",), ("3",), ("4",)]


def test_the_last_fills_of_a_grid_come_newest_first(url: str) -> None:
    others = [replace(each, grid="g2", executor="g2.1") for each in FILLS]

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append_fills([*FILLS, *others])
            assert await worker.ledger.fills_since("g1", FILLS[2].at, 3) == FILLS[:4:-1]
            assert await worker.ledger.fills_since("g1", FILLS[6].at, 99) == FILLS[:5:-1]
            assert await worker.ledger.fills_since("g3", AT, 9) == []

    run(story())


def test_without_the_lease_no_fill_is_written(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker, copy(url) as other:
            with pytest.raises(StateUnwritable, match="has not asked for the lease"):
                await other.ledger.append_fills([FILL])
            server.ask("update rexlapis_states set number = number + 1", url)
            with pytest.raises(StateUnwritable, match="another copy"):
                await worker.ledger.append_fills([FILL])
            assert worker.lease.lost.is_set()

    run(story())
    assert server.ask("select * from rexlapis_fills", url) == []


def test_an_export_is_the_same_to_the_last_byte_as_that_of_the_files(url: str, tmp_path: Path) -> None:
    odd = [
        replace(TRADES[7], proceeds=Decimal("1E+9"), fees=Decimal("-0.10"), closed_at=AT + timedelta(days=40)),
        replace(TRADES[6], qty=Decimal("1E-18"), cost=Decimal("1E-27")),
    ]
    strange = [
        replace(FILL, trade_id="a,b", fee=Decimal("-1E-9"), side=Side.SELL, maker=False, at=AT + timedelta(days=40)),
        replace(FILL, trade_id="w", order="", fee_value=Decimal(0)),
    ]
    trades, fills = [*TRADES[:6], *odd[::-1]], [*FILLS, strange[1], strange[0]]
    kinds = {}

    async def story() -> None:
        async with holder(url) as worker:
            for name, ledger in (("rows", worker.ledger), ("files", FileLedger(tmp_path / "pnl.log", "demo"))):
                (folder := tmp_path / name).mkdir()
                await ledger.append(trades)
                await ledger.append_fills(fills)
                kinds[name] = {path.name: path.read_bytes() for path in await ledger.export(folder)}
                await ledger.close()

    run(story())
    assert kinds["rows"] == kinds["files"]
    found = asyncio.run(FileLedger(tmp_path / "pnl.log", "demo").fills())
    known = {each.key: each for each in [*FILLS, strange[1], replace(strange[0], trade_id="a_b")]}
    assert {each.key: each for each in found} == known
    assert sorted(kinds["rows"]) == ["fills.csv", "trades.csv"]
    assert kinds["rows"]["fills.csv"].count(b"\r\n") == len(fills) + 1


def test_thousands_are_exported_page_by_page_while_the_loop_goes_on(url: str, tmp_path: Path) -> None:
    many = [fill(number) for number in range(3_500)]

    async def story() -> None:
        async with holder(url) as worker:
            await worker.ledger.append_fills(many)
            turns = 0

            async def live() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            living = asyncio.ensure_future(live())
            _, path = await worker.ledger.export(tmp_path)
            living.cancel()
            assert turns > 50
            assert [row.split(",")[11] for row in path.read_text().splitlines()[1:]] == [f.trade_id for f in many]

    run(story())


def test_an_export_that_has_no_room_says_so(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            with pytest.raises(StateUnwritable, match="the export can't be written"):
                await worker.ledger.export(tmp_path / "nowhere")

    run(story())
