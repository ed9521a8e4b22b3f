"""Of any number of copies one trades and writes, and each worker finds its own state in a shared database."""

import asyncio
import os
import signal
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from bot.errors import StateError, StateForeign, StateNewer, StateUnwritable
from bot.storage import migrations
from bot.storage.claim import Known, choose, claim
from bot.storage.database import Database
from bot.storage.lease import Lease
from bot.storage.migrations import migrate
from tests.storage.copies import ACCOUNT, Copy, backends, copy, holder
from tests.storage.levels import beat, cycle_of
from tests.storage.postgres_server import PostgresServer
from tests.storage.test_postgres_ledger import trade

LEVELS = range(1, 4)
T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


class Hands:
    """Clocks moved by hand: one that runs on while the machine sleeps, and the one on the wall."""

    def __init__(self) -> None:
        self.awake, self.wall = 1000.0, 5000.0

    def pass_(self, seconds: float) -> None:
        self.awake += seconds
        self.wall += seconds

    @property
    def clocks(self) -> Any:
        return lambda: self.awake, lambda: self.wall


# -- one of many -------------------------------------------------------------------------------------------------


def test_of_many_copies_that_start_at_once_one_trades(url: str) -> None:
    async def story() -> None:
        async with copy(url) as first:
            others = [Lease(first.database, first.lease.claim) for _ in range(9)]
            taken = await asyncio.gather(*(lease.acquire() for lease in others))
            assert sum(taken) == 1
            assert [lease.holds() for lease in others] == taken
            winner = others[taken.index(True)]
            loser = others[taken.index(False)]
            assert winner.holder in loser.refusal()
            assert "stands by" in loser.refusal()
            for lease in others:
                await lease.close()

    run(story())


def test_a_lease_that_was_given_back_is_the_next_ones_at_once(url: str) -> None:
    async def story() -> None:
        async with holder(url) as old, copy(url) as new:
            assert not await new.lease.acquire()
            await old.lease.release()
            assert not old.lease.holds()
            assert "given the lease back" in old.lease.refusal()
            assert await new.lease.acquire()
            assert new.lease.number == 2
            assert new.lease.holds()
            await old.lease.release()
            assert await new.lease.renew()

    run(story())


def test_after_a_lease_that_ran_out_the_next_one_waits_for_what_may_still_arrive(url: str) -> None:
    async def story() -> None:
        hands = Hands()
        async with holder(url, lasts=0.2), copy(url, window=5.0, clocks=hands.clocks) as new:
            await asyncio.sleep(0.25)
            assert await new.lease.acquire()
            await new.store.keep(beat(1, LEVELS))  # it may write and read at once
            assert not new.lease.holds()
            assert "nothing that the last copy sent" in new.lease.refusal()
            hands.pass_(4.5)
            assert not new.lease.holds()
            hands.pass_(0.5)
            assert new.lease.holds()
            await new.lease.release()
            async with copy(url, clocks=hands.clocks) as third:  # gave back by the second, but the first ran out
                assert await third.lease.acquire()
                assert not third.lease.holds()

    run(story())


def test_nothing_leaves_in_the_last_five_seconds_of_a_lease(url: str) -> None:
    async def story() -> None:
        hands = Hands()
        async with holder(url, clocks=hands.clocks) as worker:
            hands.pass_(9.9)
            assert worker.lease.holds()
            hands.pass_(0.2)
            assert not worker.lease.holds()
            assert "could not be renewed" in worker.lease.refusal()
            assert await worker.lease.renew()
            assert worker.lease.holds()
            assert worker.lease.refusal() == ""

    run(story())


def test_a_lease_is_counted_by_the_clock_that_runs_furthest(url: str) -> None:
    async def story() -> None:
        hands = Hands()
        async with holder(url, clocks=hands.clocks) as worker:
            hands.wall += 11  # the machine was asleep, or its snapshot was continued
            assert not worker.lease.holds()
            assert await worker.lease.renew()
            hands.wall -= 3600
            hands.awake += 10.1
            assert not worker.lease.holds()

    run(story())


def test_a_lease_is_counted_from_before_it_was_asked_for(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        hands = Hands()
        async with holder(url, clocks=hands.clocks) as worker:
            (pid,) = backends(server, url, "into rexlapis_states")
            hands.pass_(8)
            os.kill(pid, signal.SIGSTOP)
            asked = asyncio.create_task(worker.lease.renew())
            await asyncio.sleep(0.05)
            hands.pass_(8)
            os.kill(pid, signal.SIGCONT)
            assert await asked
            hands.pass_(1.9)
            assert worker.lease.holds()
            hands.pass_(0.2)
            assert not worker.lease.holds()

    run(story())


def test_a_lease_that_ran_out_and_that_nobody_took_is_renewed(url: str) -> None:
    async def story() -> None:
        async with holder(url, lasts=0.1) as worker:
            await asyncio.sleep(0.15)
            assert await worker.lease.renew()
            await worker.store.keep(beat(1, LEVELS))
            assert worker.lease.number == 1

    run(story())


# -- two who write -----------------------------------------------------------------------------------------------


async def overtaken(old: Copy, new: Copy) -> None:
    """The new copy takes over, while the old one believes in its lease."""
    await asyncio.sleep(0.15)
    assert await new.lease.acquire()
    assert old.lease.is_ours


def test_who_has_lost_the_lease_writes_nothing_any_more(url: str) -> None:
    async def story() -> None:
        async with holder(url, lasts=0.1) as old, copy(url) as new:
            await old.store.keep(beat(1, LEVELS))
            await overtaken(old, new)
            await new.store.keep(beat(2, LEVELS))
            with pytest.raises(StateUnwritable, match="another copy"):
                await old.store.keep({**beat(3, range(1, 9)), ("executors", "g1.1"): None})
            assert old.lease.lost.is_set()
            assert "another copy" in old.lease.refusal()
            assert cycle_of(await new.store.load()) == 2
            assert len((await new.store.load())["executors"]) == 3
            with pytest.raises(StateUnwritable, match="another copy"):
                await old.ledger.append([trade(1)])

    run(story())


def test_who_has_lost_the_lease_hears_of_it_from_each_thing_he_does(url: str) -> None:
    async def story() -> None:
        for number in range(2):
            async with holder(url, lasts=0.1) as old, copy(url) as new:
                await overtaken(old, new)
                if number:
                    assert not await old.lease.renew()
                else:
                    with pytest.raises(StateUnwritable, match="another copy"):
                        await old.ledger.append([trade(1)])
                assert old.lease.lost.is_set()
                assert await new.ledger.last(5) == []
                await new.lease.release()

    run(story())


def test_what_a_frozen_copy_had_sent_is_refused_when_it_arrives_after_the_next_one_wrote(
    server: PostgresServer, url: str
) -> None:
    async def story() -> None:
        async with holder(url, lasts=0.5, patience=0.3) as old, copy(url) as new:
            await old.store.keep(beat(1, LEVELS))
            (pid,) = backends(server, url, "insert into rexlapis_things")
            os.kill(pid, signal.SIGSTOP)
            with pytest.raises(StateUnwritable):
                await old.store.keep(beat(2, LEVELS))
            await asyncio.sleep(0.25)
            assert await new.lease.acquire()
            assert cycle_of(await new.store.load()) == 1
            os.kill(pid, signal.SIGCONT)
            while server.ask(f"select 1 from pg_stat_activity where pid = {pid}"):
                await asyncio.sleep(0.01)
            assert cycle_of(await new.store.load()) == 1
            await new.store.keep(beat(3, LEVELS))

    run(story())


# -- standing by -------------------------------------------------------------------------------------------------


def test_who_stands_by_takes_over_soon_after_the_lease_has_ended(url: str) -> None:
    async def story() -> None:
        told: list[str] = []
        async with holder(url, lasts=0.9, window=0.2) as old, copy(url, lasts=0.9, window=0.2) as new:
            holding = asyncio.create_task(old.lease.hold())
            standing = asyncio.create_task(new.lease.stand_by(told.append))
            await asyncio.sleep(1.3)
            assert not standing.done()
            holding.cancel()  # the first one dies
            began = time.monotonic()
            await standing
            assert time.monotonic() - began < 0.9 + 0.5
            while not new.lease.holds():
                await asyncio.sleep(0.01)
            assert time.monotonic() - began < 0.9 + 0.5 + 0.2
            assert not old.lease.holds()
            assert len(told) == 1
            assert old.lease.holder in told[0]

    run(story())


def test_who_holds_goes_on_when_the_database_is_back_and_stops_when_it_is_anothers(server: PostgresServer) -> None:
    url = server.database()

    async def story() -> None:
        async with holder(url, lasts=0.5, window=0.1) as worker:
            holding = asyncio.create_task(worker.lease.hold())
            name = url.rpartition("/")[2]
            server.ask(f"alter database {name} allow_connections false")
            for pid in backends(server, url, ""):
                server.ask(f"select pg_terminate_backend({pid})")
            await asyncio.sleep(0.7)
            assert not worker.lease.holds()
            assert not holding.done()
            server.ask(f"alter database {name} allow_connections true")
            await asyncio.sleep(0.3)
            assert worker.lease.holds()
            server.ask("update rexlapis_states set number = number + 1", url)
            await asyncio.wait_for(holding, 5)
            assert worker.lease.lost.is_set()

    run(story())


def test_who_stands_by_waits_for_a_database_that_is_gone(server: PostgresServer) -> None:
    url = server.database()

    async def story() -> None:
        told: list[str] = []
        async with copy(url, lasts=1, window=0.1) as worker:
            name = url.rpartition("/")[2]
            server.ask(f"alter database {name} allow_connections false")
            standing = asyncio.create_task(worker.lease.stand_by(told.append))
            await asyncio.sleep(0.3)
            assert not standing.done()
            server.ask(f"alter database {name} allow_connections true")
            await standing
            assert worker.lease.holds()
            assert len(told) == 1
            assert "Remedy" in told[0]

    run(story())


# -- whose state -------------------------------------------------------------------------------------------------

OTHER = "okx live ba9876543210"


def main(account: str = ACCOUNT, bot: str = "k3x") -> Known:
    return Known("main", account, bot)


def named(name: str, account: str = ACCOUNT) -> Known:
    return Known(name, account, name)


@pytest.mark.parametrize(
    ("states", "bot", "chosen"),
    [
        ([], None, "main"),
        ([], "abc", "abc"),
        ([main()], None, "main"),
        ([main()], "k3x", "main"),
        ([main(OTHER)], "abc", "abc"),
        ([main(OTHER), named("abc")], "abc", "abc"),
        ([named("abc")], None, "abc"),
        ([named("abc")], "xyz", "xyz"),
        ([named("abc"), named("xyz", OTHER)], None, "abc"),
    ],
)
def test_a_worker_finds_its_own_state(states: list[Known], bot: str | None, chosen: str) -> None:
    assert choose(states, ACCOUNT, bot) == chosen


@pytest.mark.parametrize(
    ("states", "bot", "said"),
    [
        ([main(OTHER)], None, f"belongs to {OTHER}, not to {ACCOUNT}.*DATABASE_URL.*BOT_ID"),
        ([named("abc", OTHER)], "abc", f"belongs to {OTHER}, not to {ACCOUNT}.*DATABASE_URL"),
        ([named("abc", OTHER)], None, rf"belongs to {OTHER} \(BOT_ID=abc\), not to {ACCOUNT}"),
        ([named("abc"), named("xyz")], None, "2 states.*abc, xyz.*set BOT_ID"),
        ([main()], "abc", "^BOT_ID: .*marked k3x, not abc.*leave BOT_ID out"),
    ],
)
def test_a_worker_never_begins_anew_beside_a_state_that_might_be_meant(
    states: list[Known], bot: str | None, said: str
) -> None:
    with pytest.raises(StateForeign, match=said):
        choose(states, ACCOUNT, bot)


def test_a_database_is_one_accounts_until_somebody_names_a_second_worker(url: str) -> None:
    async def story() -> None:
        async with holder(url) as first:
            with pytest.raises(StateForeign):  # while it runs, though it has kept nothing yet
                await claim(first.database, OTHER, None)
            await first.store.keep(beat(1, LEVELS))
            await first.lease.release()
            with pytest.raises(StateForeign, match=f"{ACCOUNT}, not to {OTHER}"):
                await claim(first.database, OTHER, None)
            async with holder(url, account=OTHER, bot="two") as second:
                assert await second.store.load() == {}
                await second.store.keep(beat(7, LEVELS))
                await second.ledger.append([trade(1)])
                assert await first.lease.acquire()
                assert cycle_of(await first.store.load()) == 1
                assert await first.ledger.last(9) == []
                await first.store.keep({("executors", "g1.1"): None})
                assert cycle_of(await second.store.load()) == 7
                assert len((await second.store.load())["executors"]) == 3

    run(story())


def test_a_worker_that_ended_before_it_kept_anything_leaves_no_claim(url: str) -> None:
    async def story() -> None:
        async with holder(url, account="bybit demo a-key-with-a-slip") as first:
            await first.lease.release()
        async with holder(url) as second:
            await second.store.keep(beat(1, LEVELS))

    run(story())


def test_a_database_that_became_anothers_while_standing_by_is_left_alone(url: str) -> None:
    async def story() -> None:
        async with copy(url, account=OTHER) as late, holder(url) as first:
            await first.store.keep(beat(1, LEVELS))
            await first.lease.release()
            with pytest.raises(StateForeign, match=f"{ACCOUNT} by now"):
                await late.lease.acquire()

    run(story())


def test_the_mark_of_a_states_orders_is_read_from_what_it_says_of_itself(url: str) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            await worker.store.keep({("meta", "meta"): {"bot": "k3x", "account": ACCOUNT}})
            assert (await claim(worker.database, ACCOUNT, "k3x")).worker == "main"
            with pytest.raises(StateForeign, match="marked k3x"):
                await claim(worker.database, ACCOUNT, "abc")

    run(story())


# -- migrations --------------------------------------------------------------------------------------------------

NEXT = (*migrations.STEPS, "alter table rexlapis_things add column kept_at timestamptz", "select 1")


def test_copies_that_start_at_once_make_the_tables_once(url: str) -> None:
    async def story() -> None:
        databases = [Database(url) for _ in range(6)]
        made = await asyncio.gather(*(migrate(database, NEXT) for database in databases))
        assert sum(made) == len(NEXT)
        assert await migrate(databases[0], NEXT) == 0
        for database in databases:
            await database.close()

    run(story())


def test_a_step_that_fails_changes_nothing_and_is_made_later(server: PostgresServer, url: str) -> None:
    async def story() -> None:
        database = Database(url)
        with pytest.raises(StateUnwritable, match="does not exist"):
            await migrate(database, (*migrations.STEPS, "create table half (x int); drop table nothing"))
        seen = server.ask("select to_regclass('half'), max(version) from rexlapis_schema", url)
        assert seen == [(None, len(migrations.STEPS))]
        assert await migrate(database, NEXT) == 2
        await database.close()

    run(story())


def test_an_older_version_neither_reads_nor_writes_what_a_newer_one_has_made(url: str) -> None:
    async def story() -> None:
        async with holder(url) as old, copy(url) as waiting:
            await old.store.keep(beat(1, LEVELS))
            await migrate(old.database, NEXT)
            with pytest.raises(StateUnwritable):
                await old.store.keep(beat(2, LEVELS))
            assert not await old.lease.renew()
            for refused in (old.store.load(), waiting.lease.acquire(), migrate(old.database), claim_of(old)):
                with pytest.raises(
                    StateNewer, match=f"schema {len(NEXT)}, this one knows {len(migrations.STEPS)}.*Remedy"
                ):
                    await refused

    run(story())


async def claim_of(worker: Copy) -> None:
    await claim(worker.database, ACCOUNT, None)


def test_a_database_of_another_encoding_is_refused(server: PostgresServer) -> None:
    server.ask("create database narrow encoding 'LATIN1' template template0")

    async def story() -> None:
        database = Database(server.url("narrow"))
        with pytest.raises(StateError, match=r"UTF8, found LATIN1.*Remedy"):
            await migrate(database)
        await database.close()

    run(story())
