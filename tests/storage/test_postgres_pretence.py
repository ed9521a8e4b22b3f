"""The pretend account in a database: what the file promises holds there, and a file goes on there once."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StateCorrupt, StateForeign, StateUnwritable
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import ExchangeFile
from bot.storage.postgres import PRETEND, PostgresStore
from bot.wiring.pretence import ASIDE, FILE, Pretence, move_aside, open_pretence
from tests.exchange.accounts import FUNDS, LATER, MARKET, START, SYMBOL, always, buy, cancel, dec, sell
from tests.exchange.test_paper_file import everything, some_trading
from tests.storage.copies import Copy, copy, holder
from tests.storage.postgres_server import PostgresServer

ACCOUNT = "simulated"
NAMES = list("abcdef")


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def account(pretence: Pretence, keep_closed: int = 100, name: str = ACCOUNT) -> PaperGateway:
    gateway = PaperGateway({SYMBOL: MARKET}, ReplayClock(START), FUNDS, keep_closed=keep_closed)
    gateway.keep_in(*pretence.kept, name)
    gateway.set_top(SYMBOL, dec("99.99"), dec("100.01"))
    return gateway


async def looked_up(worker: Copy, folder: Path, is_new: bool = False) -> Pretence:
    """The account, as one life of a worker finds it."""
    if worker.lease.is_ours:
        assert await worker.lease.acquire()
    store = PostgresStore(worker.database, worker.lease.claim, worker.lease, PRETEND)
    return await open_pretence(store, folder, ACCOUNT, is_new)


def test_what_was_acknowledged_goes_on_after_a_death_without_a_goodbye(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            found = await looked_up(worker, tmp_path, is_new=True)
            assert found.is_new
            gateway = account(found)
            await some_trading(gateway)
            before = await everything(gateway, NAMES)
            again = await looked_up(worker, tmp_path)
            assert not again.is_new
            after = account(again)
            assert await everything(after, NAMES) == before
            (refused,) = await after.submit([buy("b", 60, 1)], always)
            assert "used before" in str(refused)
            for each in (gateway, after):
                await each.close()

    run(story())


def test_forgotten_orders_leave_the_rows_with_their_trades(server: PostgresServer, url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            gateway = account(await looked_up(worker, tmp_path, is_new=True), keep_closed=2)
            for number in range(5):
                await gateway.submit([sell(f"s{number}", 110, "0.1")], always)
                gateway.on_trade(SYMBOL, dec(111), dec(1), LATER)
                await gateway.settled()
            await gateway.close()
            gateway = account(await looked_up(worker, tmp_path), keep_closed=1)
            await gateway.submit([sell("x", 110, "0.1")], always)
            await gateway.submit([cancel("x")], always)
            await gateway.close()

    run(story())
    rows = server.ask("select tab, id from rexlapis_pretend where tab in ('orders', 'trades') order by 1, 2", url)
    assert rows == [("orders", "s4"), ("orders", "x"), ("trades", "5")]


def test_a_batch_that_was_not_answered_is_kept_with_the_next(server: PostgresServer, url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url, patience=0.3) as worker:
            gateway = account(await looked_up(worker, tmp_path, is_new=True))
            await gateway.submit([buy("a", 90, 1)], always)
            server.ask("alter table rexlapis_pretend rename to hidden", url)
            with pytest.raises(StateUnwritable):
                await gateway.submit([buy("b", 91, 1)], always)
            server.ask("alter table hidden rename to rexlapis_pretend", url)
            await gateway.submit([buy("c", 92, 1)], always)
            await gateway.close()
            again = account(await looked_up(worker, tmp_path))
            assert [order.client_id for order in await again.open_orders(SYMBOL)] == ["a", "b", "c"]
            await again.close()

    run(story())


def test_without_the_lease_nothing_is_kept(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url) as worker, copy(url) as other:
            gateway = account(await looked_up(worker, tmp_path, is_new=True))
            await gateway.submit([buy("a", 90, 1)], always)
            frozen = account(await looked_up(other, tmp_path))
            with pytest.raises(StateUnwritable):
                await frozen.submit([buy("b", 91, 1)], always)
            with pytest.raises(StateUnwritable):
                await frozen.close()
            await gateway.close()

    run(story())


def in_a_file(folder: Path, name: str = ACCOUNT) -> tuple[object, ...]:
    async def story() -> tuple[object, ...]:
        gateway = PaperGateway({SYMBOL: MARKET}, ReplayClock(START), FUNDS)
        gateway.keep_in(*ExchangeFile.open(folder / FILE), name)
        gateway.set_top(SYMBOL, dec("99.99"), dec("100.01"))
        await some_trading(gateway)
        told = await everything(gateway, NAMES)
        await gateway.close()
        return told

    return asyncio.run(story())


def test_the_account_of_a_file_goes_on_where_the_database_has_none(url: str, tmp_path: Path) -> None:
    before = in_a_file(tmp_path)

    async def story() -> None:
        async with holder(url) as worker:
            await (await looked_up(worker, tmp_path, is_new=True)).keeper.close()  # it dies before it has the state
            found = await looked_up(worker, tmp_path, is_new=True)
            assert (found.is_from_file, found.is_new) == (True, False)
            gateway = account(found)
            assert await everything(gateway, NAMES) == before
            await gateway.close()
            move_aside(tmp_path)
            assert [path.name for path in tmp_path.iterdir()] == [ASIDE]
            found = await looked_up(worker, tmp_path)
            assert not found.is_from_file
            await found.keeper.close()

    run(story())


def test_an_account_that_has_traded_in_the_database_heeds_no_file(url: str, tmp_path: Path) -> None:
    in_a_file(tmp_path)

    async def story() -> None:
        async with holder(url) as worker:
            gateway = account(await looked_up(worker, tmp_path / "elsewhere", is_new=True))
            await gateway.submit([buy("z", 90, 1)], always)
            await gateway.close()
            again = account(await looked_up(worker, tmp_path))
            assert [order.client_id for order in await again.open_orders(SYMBOL)] == ["z"]
            await again.close()

    run(story())


def test_a_foreign_file_is_left_alone_and_what_is_gone_or_garbled_is_said(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    in_a_file(tmp_path, "bybit paper")

    async def story() -> None:
        async with holder(url) as worker:
            with pytest.raises(StateForeign, match="belongs to bybit paper, not to simulated"):
                await looked_up(worker, tmp_path, is_new=True)
            assert server.ask("select * from rexlapis_pretend", url) == []
            with pytest.raises(StateCorrupt, match="not in the database, though the state"):
                await looked_up(worker, tmp_path / "elsewhere")
            gateway = account(await looked_up(worker, tmp_path / "elsewhere", is_new=True))
            await gateway.submit([buy("a", 90, 1)], always)
            await gateway.close()
            found = await looked_up(worker, tmp_path / "elsewhere")
            with pytest.raises(StateForeign, match="set another DATABASE_URL"):
                account(found, name="bybit paper")
            await found.keeper.close()
            server.ask("delete from rexlapis_pretend where tab = 'notes' and id = 'seq'", url)
            with pytest.raises(StateCorrupt, match="the database can't be read as the pretend exchange"):
                await looked_up(worker, tmp_path / "elsewhere")

    run(story())
