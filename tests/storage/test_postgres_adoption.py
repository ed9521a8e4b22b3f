"""A database that was just attached takes over the state of the files: once, whole, and nothing of them is lost."""

import asyncio
import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.core.accounting import RoundTrip
from bot.errors import StateCorrupt, StateError, StateForeign, StateUnwritable
from bot.ports import Key
from bot.storage.adoption import NOTE, adopt_file
from bot.storage.tinydb_store import TinyDBStore
from tests.storage.copies import ACCOUNT, Copy, holder
from tests.storage.levels import beat, cycle_of
from tests.storage.test_postgres_ledger import TRADES

T = TypeVar("T")
META: Key = ("meta", "meta")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


async def lived(folder: Path, cycles: int = 4, account: str = ACCOUNT, fold: bool = True) -> None:
    """A worker's life over files."""
    store = TinyDBStore(folder)
    await store.load()
    await store.keep({META: {"bot": "k3x", "account": account}})
    for cycle in range(1, cycles + 1):
        await store.keep(beat(cycle, range(1, 6)))
        if fold and cycle % 2:
            await store.fold()


async def state(worker: Copy) -> dict[str, dict[str, object]]:
    """What the database holds, but for the note of where it came from."""
    return {name: dict(rows) for name, rows in (await worker.store.load()).items() if name != NOTE[0]}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("fold", [True, False])
def test_the_state_of_the_files_goes_on_in_the_database_and_they_move_aside(
    url: str, tmp_path: Path, fold: bool
) -> None:
    async def story() -> None:
        await lived(tmp_path, fold=fold)
        (tmp_path / "ops.log").write_text("x")
        before = {path.name: path.read_bytes() for path in tmp_path.glob("state.*")}
        wanted = await TinyDBStore(tmp_path).load()
        async with holder(url) as worker:
            said = await adopt_file(tmp_path, worker.store, ACCOUNT)
            assert await state(worker) == wanted
            assert cycle_of(wanted) == 4
            (moved,) = tmp_path.glob("moved-to-database-*")
            assert said == (
                "The database has taken over the state of the files: 0 grids with 5 levels. The files lie in "
                f"{moved.name} now."
            )
            assert names(tmp_path) == {moved.name, "ops.log"}
            assert {path.name: path.read_bytes() for path in moved.iterdir()} == before
            await worker.store.keep(beat(5, range(1, 6)))
            assert await adopt_file(tmp_path, worker.store, ACCOUNT) == ""
            assert cycle_of(await state(worker)) == 5

    run(story())


def test_without_files_there_is_nothing_to_take_over(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with holder(url) as worker:
            assert await adopt_file(tmp_path / "none", worker.store, ACCOUNT) == ""
            assert await worker.store.load() == {}

    run(story())


def test_the_ledger_is_taken_over_too_before_the_state_is(url: str, tmp_path: Path) -> None:
    asked = 0

    async def trades() -> Sequence[RoundTrip]:
        nonlocal asked
        asked += 1
        return TRADES[::-1]

    async def story() -> None:
        await lived(tmp_path)
        async with holder(url) as worker:
            await worker.ledger.append(TRADES[:2])  # a crash had come between
            assert await adopt_file(tmp_path, worker.store, ACCOUNT, worker.ledger, trades)
            assert await worker.ledger.last(99) == TRADES[::-1]
            assert await adopt_file(tmp_path, worker.store, ACCOUNT, worker.ledger, trades) == ""

    run(story())
    assert asked == 1


class Crash(BaseException):
    """The process is gone."""


def test_a_crash_at_any_step_ends_in_the_same_place(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(folder: Path, at: int) -> bool:
        await lived(folder)
        files = names(folder)
        taken = 0

        def step(real: Any) -> Any:
            def counted(*args: Any, **named: Any) -> Any:
                nonlocal taken
                taken += 1
                if taken > at:
                    raise Crash
                return real(*args, **named)

            return counted

        crashed = False
        async with holder(url) as worker:
            await worker.database.run(lambda each: each.execute("delete from rexlapis_things"))
            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", step(os.replace))
                patch.setattr(Path, "mkdir", step(Path.mkdir))
                try:
                    await adopt_file(folder, worker.store, ACCOUNT)
                except Crash:
                    crashed = True
            if crashed:
                assert "has taken over" in await adopt_file(folder, worker.store, ACCOUNT)
            assert cycle_of(await state(worker)) == 4
            (moved,) = folder.iterdir()
            assert names(moved) == files
            await worker.lease.release()
        return crashed

    steps = 0
    while run(story(tmp_path / str(steps), steps)):
        steps += 1
    assert steps > 5


def test_a_database_that_is_gone_takes_nothing_over(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        await lived(tmp_path)
        before = names(tmp_path)
        async with holder(url) as worker:
            await worker.lease.release()
            with pytest.raises(StateUnwritable):
                await adopt_file(tmp_path, worker.store, ACCOUNT)
            assert names(tmp_path) == before
            assert await worker.store.load() == {}

    run(story())


def test_the_files_of_another_account_are_left_untouched(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        await lived(tmp_path, account="okx live ba9876543210")
        before = names(tmp_path)
        async with holder(url) as worker:
            with pytest.raises(StateForeign, match=f"okx live ba9876543210, not to {ACCOUNT}.*RESULTS_DIR"):
                await adopt_file(tmp_path, worker.store, ACCOUNT)
            assert names(tmp_path) == before
            assert await worker.store.load() == {}

    run(story())


def test_a_state_that_cannot_be_read_is_not_taken_for_none(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        await lived(tmp_path, fold=False)
        (tmp_path / "state.journal").unlink()
        (tmp_path / "state.json").write_bytes(b"{")
        async with holder(url) as worker:
            with pytest.raises(StateCorrupt):
                await adopt_file(tmp_path, worker.store, ACCOUNT)
            assert await worker.store.load() == {}

    run(story())


def test_a_database_with_a_state_of_its_own_goes_by_that_and_says_so(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        await lived(tmp_path)
        before = names(tmp_path)
        async with holder(url) as worker:
            await worker.store.keep(beat(9, range(1, 3)))
            assert "was left as it is" in await adopt_file(tmp_path, worker.store, ACCOUNT)
            (tmp_path / "state.json").write_bytes(b"{")
            assert "was left as it is" in await adopt_file(tmp_path, worker.store, ACCOUNT)
            assert cycle_of(await state(worker)) == 9
            assert names(tmp_path) == before

    run(story())


def test_files_that_went_on_after_they_were_taken_over_are_a_question_for_a_person(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        await lived(tmp_path)
        async with holder(url) as worker:
            await adopt_file(tmp_path, worker.store, ACCOUNT)
            (moved,) = tmp_path.iterdir()
            for path in list(moved.iterdir()):
                path.rename(tmp_path / path.name)  # a person put them back, and traded on
            store = TinyDBStore(tmp_path)
            await store.keep(beat(7, range(1, 6)))
            await store.close()
            with pytest.raises(StateError, match=r"went on after.*Remedy: move"):
                await adopt_file(tmp_path, worker.store, ACCOUNT)

    run(story())
