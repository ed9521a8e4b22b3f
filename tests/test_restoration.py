"""Backups as data: exact both ways, foreign to nothing but the state, and seen for what they don't know."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import StateCorrupt, StateForeign
from bot.storage.backup import packed, unpacked
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity, TradingState
from bot.upkeep.restoration import Backup, changes, check_account, is_too_old, tables_of, trades_since
from bot.upkeep.vault import put_in_place
from tests.fakes import BTC, OnceLedger, run
from tests.stage import IDENTITY, Stage, staged


def backup_of(stage: Stage) -> Backup:
    """The state of now, through the document and back."""
    return Backup(*unpacked(packed(tables_of(stage.manager.state), stage.clock.now())))


async def traded() -> Stage:
    stage = await staged()
    for price in ("59700", "60100", "59600"):
        await stage.beat(price)
        await stage.beat()
    return stage


async def put(stage: Stage, backup: Backup) -> None:
    """Another life, from the backup."""
    await stage.manager.close()
    await put_in_place(backup, stage.store, stage.ledger)
    stage.new_manager()
    await stage.manager.start()


def test_a_backup_is_the_state_to_the_last_digit() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        again = TradingState(IDENTITY)
        again.load(backup.tables, IDENTITY)
        before = stage.manager.state
        assert backup.made_at == stage.clock.now()
        assert (again.grids, again.executors, again.totals) == (before.grids, before.executors, before.totals)
        assert (again.meta, again.cursors, again.markets) == (before.meta, before.cursors, before.markets)

    run(story())


def test_going_back_to_one_ends_where_the_exchange_is_and_writes_no_line_twice() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        for price in ("60500", "59400", "60600"):
            await stage.beat(price)
            await stage.beat()
        lines, rested = dict(stage.ledger.lines), stage.resting()
        await put(stage, backup)
        await stage.beats(5)
        stage.agree()
        assert stage.ledger.lines == lines
        assert stage.resting() == rested

    run(story())


def test_a_wiped_store_goes_on_from_one_and_gives_out_no_name_again() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        stage.store = MemoryStore()
        await put(stage, backup)
        stage.agree()
        assert (await stage.grid("57000", "58000", 3)).id == "g2"
        assert len({truth.place.client_id for truth in stage.exchange.live()}) == len(stage.exchange.live())

    run(story())


def test_what_was_made_since_goes_and_its_name_stays_taken() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        await stage.grid("57000", "58000", 3)
        await put(stage, backup)
        assert list(stage.manager.state.grids) == ["g1"]
        assert (await stage.grid("56000", "56500", 3)).id == "g3"

    run(story())


def test_permission_to_trade_live_that_was_given_stays_given() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        await stage.manager.trade_live()
        meta = changes(await stage.store.load(), backup)["meta", "meta"]
        assert isinstance(meta, dict) and meta["confirmed_live"]

    run(story())


def test_only_trades_that_it_does_not_know_make_it_older_than_the_exchange() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        orders = await stage.gateway.own_orders(BTC)
        assert any(order.filled for order in orders)
        assert trades_since(backup, orders) == 0
        await stage.beat("60600")
        await stage.beat()
        since = trades_since(backup, await stage.gateway.own_orders(BTC))
        assert since > 0
        stranger = [
            replace(order, client_id="zzz" + order.client_id[3:]) for order in await stage.gateway.own_orders(BTC)
        ]
        assert trades_since(backup, stranger) == 0
        assert not is_too_old(backup, stage.clock.now())
        assert is_too_old(backup, backup.made_at + timedelta(days=7))

    run(story())


def test_another_account_is_refused_naming_both() -> None:
    async def story() -> None:
        stage = await traded()
        with pytest.raises(StateForeign, match=r"belongs to tests, not to bybit live 12"):
            check_account(backup_of(stage), Identity("abc", "bybit live 12"))

    run(story())


def test_not_a_byte_of_it_can_be_changed_or_lost_unseen() -> None:
    async def story() -> None:
        stage = await staged()
        data = packed(tables_of(stage.manager.state), stage.clock.now())
        for at in range(10, len(data), 97):
            wrong = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            with pytest.raises(StateCorrupt):
                unpacked(wrong)
            with pytest.raises(StateCorrupt):
                unpacked(data[:at])

    run(story())


def test_an_unwritten_line_of_a_backup_is_written_once() -> None:
    async def story() -> None:
        stage = await traded()
        backup = backup_of(stage)
        ledger = OnceLedger()
        await put_in_place(backup, MemoryStore(), ledger)
        assert ledger.lines == {}

    asyncio.run(story())
