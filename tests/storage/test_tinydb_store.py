"""The store on disk: whatever byte the power goes at, the state is the old one or the new one."""

import asyncio
import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

import orjson
import pytest
from tinydb import TinyDB, where

from bot.errors import StateCorrupt, StateError, StateNewer, StateUnwritable
from bot.storage.atomic_json import AtomicJSONStorage
from bot.storage.journal import line
from bot.storage.recovery import Recovery, recover
from bot.storage.tinydb_store import QUICK_SECONDS, TinyDBStore, load, save, things
from tests.storage.levels import MARKET, beat, cycle_of, executor

LEVELS = range(1, 4)
T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def reopened(folder: Path) -> tuple[int, Recovery]:
    """The cycle the state in a folder is in, whole, and how it was found."""
    state = recover(folder)
    return cycle_of(things(state.tables)), state.recovery


async def lived(folder: Path, cycles: int, folds: tuple[int, ...] = (), close: bool = False) -> TinyDBStore:
    """A store after so many beats, folded after those named."""
    store = TinyDBStore(folder)
    await store.load()
    for cycle in range(1, cycles + 1):
        await store.keep(beat(cycle, LEVELS))
        if cycle in folds:
            await store.fold()
    if close:
        await store.close()
    return store


@pytest.fixture
def lived_in(tmp_path: Path) -> Path:
    """Six beats, folded after the second and the fourth."""
    run(lived(tmp_path / "state", 6, (2, 4)))
    return tmp_path / "state"


def other(folder: Path) -> Path:
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    return Path(shutil.copytree(folder, copy))


def test_what_was_kept_is_found_again(lived_in: Path) -> None:
    assert reopened(lived_in) == (6, Recovery())


def test_an_empty_folder_is_a_new_state_and_looking_writes_nothing(tmp_path: Path) -> None:
    store = TinyDBStore(tmp_path)
    assert run(store.load()) == {}
    run(store.fold())
    run(store.close())
    assert list(tmp_path.iterdir()) == []


def test_looking_at_a_state_with_a_torn_end_writes_nothing(lived_in: Path) -> None:
    with (lived_in / "state.journal").open("ab") as file:
        file.write(b"0123")
    before = {path.name: path.read_bytes() for path in lived_in.iterdir()}
    assert reopened(lived_in) == (6, Recovery())
    assert {path.name: path.read_bytes() for path in lived_in.iterdir()} == before


def test_a_removal_is_kept_too(tmp_path: Path) -> None:
    async def story() -> None:
        store = await lived(tmp_path, 1)
        await store.keep({("executors", "g1.1"): None, ("outbox", "nobody"): None})
        await store.close()

    run(story())
    tables = run(TinyDBStore(tmp_path).load())
    assert set(tables["executors"]) == {"g1.2", "g1.3"}


@pytest.mark.parametrize("with_our_storage", [True, False])
def test_stock_tinydb_can_ask_the_file(lived_in: Path, with_our_storage: bool) -> None:
    path = lived_in / "state.json"
    with TinyDB(path, storage=AtomicJSONStorage) if with_our_storage else TinyDB(path) as database:
        (found,) = database.table("executors").search(where("id") == "g1.3")
        assert found["level"]["entry"] == "60003.1"
        assert database.table("about").all()[0]["schema"] == 1


def test_what_tinydb_writes_while_no_worker_runs_is_read_back(tmp_path: Path) -> None:
    run(lived(tmp_path, 2, close=True))
    with TinyDB(tmp_path / "state.json", storage=AtomicJSONStorage) as database:
        database.table("executors").remove(where("id") == "g1.2")
    tables = run(TinyDBStore(tmp_path).load())
    assert set(tables["executors"]) == {"g1.1", "g1.3"}


# -- cut off, flipped, lost --------------------------------------------------------------------------------------


def test_a_state_file_cut_off_anywhere_loses_nothing(lived_in: Path) -> None:
    whole = (lived_in / "state.json").read_bytes()
    copy = other(lived_in)
    for size in [*range(0, len(whole), 100), len(whole) - 1]:
        (copy / "state.json").write_bytes(whole[:size])
        cycle, recovery = reopened(copy)
        assert cycle == 6
        assert recovery.is_exact
        assert "state.json.1 and the journals" in recovery.note
        assert (copy / "state.json").read_bytes() == whole[:size]


def test_a_journal_cut_off_anywhere_is_an_earlier_whole_state(lived_in: Path) -> None:
    whole = (lived_in / "state.journal").read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    copy = other(lived_in)
    for size in sorted({*range(0, len(whole), 3), *(end + by for end in ends for by in (-1, 0, 1))} - {len(whole) + 1}):
        (copy / "state.journal").write_bytes(whole[:size])
        cycle, recovery = reopened(copy)
        assert cycle == 4 + max(sum(end <= size for end in ends) - 1, 0)
        assert recovery.is_exact == (size >= ends[0])


@pytest.mark.parametrize("name", ["state.json", "state.journal"])
def test_a_flipped_bit_never_makes_an_empty_or_a_mixed_state(lived_in: Path, name: str) -> None:
    whole = (lived_in / name).read_bytes()
    copy = other(lived_in)
    for position in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        (copy / name).write_bytes(flipped)
        try:
            cycle, recovery = reopened(copy)
        except StateCorrupt as error:
            assert name == "state.journal"
            assert "Remedy" in str(error)
            continue
        assert cycle == 6 or (not recovery.is_exact and cycle in (4, 5))
        assert recovery.note


def test_two_damaged_generations_lose_nothing_either(lived_in: Path) -> None:
    for name in ("state.json", "state.json.1"):
        (lived_in / name).write_bytes(b"{}")
    cycle, recovery = reopened(lived_in)
    assert (cycle, recovery.is_exact) == (6, True)
    (lived_in / "state.json.2").unlink()
    assert reopened(lived_in)[0] == 6  # the first journal began with nothing


def test_without_a_whole_generation_the_state_is_corrupt_not_empty(tmp_path: Path) -> None:
    run(lived(tmp_path, 8, (2, 4, 6, 7)))
    for name in ("state.json", "state.json.1", "state.json.2"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(StateCorrupt, match=r"state\.json .*Remedy"):
        reopened(tmp_path)
    for name in ("state.json", "state.json.1", "state.json.2"):
        (tmp_path / name).unlink()
    with pytest.raises(StateCorrupt, match=r"state\.json is missing"):
        reopened(tmp_path)


def test_a_damaged_file_is_set_aside_once_a_good_one_takes_its_place(lived_in: Path) -> None:
    (lived_in / "state.json").write_bytes(b"garbage")

    async def story() -> None:
        store = TinyDBStore(lived_in)
        await store.load()
        await store.keep(beat(7, LEVELS))
        assert (lived_in / "state.json").read_bytes() == b"garbage"
        await store.close()

    run(story())
    (aside,) = lived_in.glob("state.json.corrupt-*")
    assert aside.read_bytes() == b"garbage"
    assert reopened(lived_in) == (7, Recovery())
    (lived_in / "state.json").write_bytes(b"garbage again")
    assert reopened(lived_in)[0] == 7


def test_a_garbled_middle_is_never_skipped(lived_in: Path) -> None:
    journal = lived_in / "state.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1].replace(b"60001", b"60007") + lines[2])
    with pytest.raises(StateCorrupt, match="record 1 is garbled"):
        reopened(lived_in)
    journal.write_bytes(lines[0] + lines[2])
    with pytest.raises(StateCorrupt, match="record 2 stands where record 1 belongs"):
        reopened(lived_in)


def test_a_state_of_a_newer_version_is_refused_untouched(lived_in: Path) -> None:
    path = lived_in / "state.json"
    body = path.read_bytes().split(b',\n"checksum"')[0].replace(b'"schema":1', b'"schema":2')
    newer = body + b',\n"checksum":{"1":{"sha256":"%s"}}}\n' % hashlib.sha256(body).hexdigest().encode()
    path.write_bytes(newer)
    with pytest.raises(StateNewer, match=r"schema 2.*Remedy"):
        reopened(lived_in)
    assert path.read_bytes() == newer


def test_a_journal_of_a_newer_version_is_refused(lived_in: Path) -> None:
    header = orjson.dumps([3, 0, {"schema": 2, "history": "x", "after": 0}])
    (lived_in / "state.journal").write_bytes(line(header))
    with pytest.raises(StateNewer):
        reopened(lived_in)


def test_files_of_two_states_are_never_mixed(lived_in: Path, tmp_path: Path) -> None:
    run(lived(tmp_path / "stranger", 5, (2, 4)))
    shutil.copy(tmp_path / "stranger" / "state.json", lived_in / "state.json")
    with pytest.raises(StateCorrupt, match="another state"):
        reopened(lived_in)


def test_an_older_file_under_newer_journals_is_refused(tmp_path: Path) -> None:
    run(lived(tmp_path / "state", 1, (1,)))
    shutil.copy(tmp_path / "state" / "state.json", tmp_path / "old.json")
    shutil.rmtree(tmp_path / "state")
    run(lived(tmp_path / "state", 9, (2, 4, 6, 8)))
    about = orjson.loads((tmp_path / "state" / "state.json").read_bytes())["about"]["1"]
    old = AtomicJSONStorage(tmp_path / "old.json").read()
    assert old is not None
    old["about"]["1"] |= {"history": about["history"]}
    AtomicJSONStorage(tmp_path / "state" / "state.json").write(old)
    with pytest.raises(StateCorrupt, match=r"generation 2, the journals beside it"):
        reopened(tmp_path / "state")


def test_a_file_alone_is_a_state_but_says_that_more_may_have_been_kept(lived_in: Path) -> None:
    for journal in lived_in.glob("state.journal*"):
        journal.unlink()
    cycle, recovery = reopened(lived_in)
    assert (cycle, recovery.is_exact) == (4, False)
    assert "state.journal is missing" in recovery.note

    async def story() -> None:
        store = TinyDBStore(lived_in)
        await store.load()
        await store.keep(beat(7, LEVELS))

    run(story())
    assert reopened(lived_in) == (7, Recovery())


# -- crashes between any two steps of the store itself -----------------------------------------------------------


class Crash(BaseException):
    """The process is gone."""


def steps_of_a_fold(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Let every step that changes a folder fail from the `at`th on, as if the process had been killed there."""
    taken = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken > at:
                raise Crash
            return real(*args, **named)

        return step

    for name in ("replace", "link", "fsync", "write", "ftruncate"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    return lambda: taken


@pytest.mark.parametrize("damaged", [False, True])
def test_a_kill_between_any_two_steps_of_a_fold_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    async def kept(folder: Path) -> TinyDBStore:
        disk = Disk()  # looks the system's functions up anew each time
        store = TinyDBStore(folder, disk.write, disk.sync)
        await store.load()
        await store.keep(beat(7, LEVELS))
        return store

    for at in range(100):
        folder = tmp_path / str(at)
        run(lived(folder, 6, (2, 4)))
        if damaged:
            (folder / "state.json").write_bytes(b"garbage")

        async def story(folder: Path = folder, at: int = at) -> int:
            store = await kept(folder)
            with monkeypatch.context() as patch:
                taken = steps_of_a_fold(patch, at)
                try:
                    await store.fold()
                except Crash:
                    return -1
                return taken()

        steps = run(story())
        cycle, recovery = reopened(folder)
        assert cycle == 7, at
        assert damaged or recovery.is_exact or "state.journal is missing" in recovery.note
        run(go_on(folder))
        assert reopened(folder) == (8, Recovery())
        if steps >= 0:
            assert steps > 8
            return
    raise AssertionError("a fold never ended")


async def go_on(folder: Path) -> None:
    store = TinyDBStore(folder)
    await store.load()
    await store.keep(beat(8, LEVELS))
    await store.close()


def copied_alive(folder: Path, copy: Path) -> Path:
    """A copy of a folder in which the fold's thread goes on renaming: taken again until no name was missed."""
    while True:
        try:
            return Path(shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.tmp")))
        except shutil.Error:
            shutil.rmtree(copy)


def test_what_is_kept_during_a_fold_is_in_the_state_whatever_is_lost_of_the_fold(tmp_path: Path) -> None:
    """Changes land between any two slices of the file; the file and its journal are the state at every moment."""
    copies: list[Path] = []

    async def story() -> int:
        store = TinyDBStore(tmp_path / "state")
        await store.keep(beat(1, range(1, 800)))
        folding = asyncio.create_task(store.fold())
        cycle = 1
        while not folding.done():
            cycle += 1
            await store.keep({**beat(cycle, range(1, 800, 160)), ("executors", f"g1.{cycle * 2}"): None})
            copies.append(copied_alive(tmp_path / "state", tmp_path / f"copy{cycle}"))
            await asyncio.sleep(0)  # a quick disk is written to without a pause
        await folding
        return cycle

    last = run(story())
    assert last > 1  # how many there is time for is the disk's to say
    for copy in copies:
        cycle = int(copy.name.removeprefix("copy"))
        tables = run(TinyDBStore(copy).load())
        wanted = {f"g1.{n}": executor(n) for n in range(1, 800)}
        wanted |= {f"g1.{n}": executor(n, cycle) for n in range(1, 800, 160)}
        for gone in range(2, cycle + 1):
            wanted.pop(f"g1.{gone * 2}")
        assert tables["executors"] == wanted


# -- a disk that is full -----------------------------------------------------------------------------------------


class Disk:
    """A disk with room for `room` more bytes; `syncs` says whether syncing works."""

    def __init__(self) -> None:
        self.room = 1 << 40
        self.syncs = True

    def write(self, fd: int, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = os.write(fd, data[: self.room])
        self.room -= taken
        return taken

    def sync(self, fd: int) -> None:
        if not self.syncs:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(fd)


def test_a_full_disk_at_any_byte_of_a_keep_changes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        disk = Disk()
        store = TinyDBStore(tmp_path, disk.write, disk.sync)
        await store.keep(beat(1, LEVELS))
        for room in range(0, 900, 13):
            disk.room = room
            with pytest.raises(StateUnwritable, match=r"the disk is full\. Remedy"):
                await store.keep(beat(2, LEVELS))
            assert reopened(tmp_path) == (1, Recovery())
        with pytest.raises(StateUnwritable):
            await store.fold()
        assert reopened(tmp_path) == (1, Recovery())
        disk.room = 1 << 40
        await store.fold()
        assert reopened(tmp_path) == (1, Recovery())
        await store.keep(beat(3, LEVELS))
        await store.close()

    run(story())
    assert reopened(tmp_path) == (3, Recovery())


def test_a_disk_that_does_not_sync_keeps_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        disk = Disk()
        store = TinyDBStore(tmp_path, disk.write, disk.sync)
        await store.keep(beat(1, LEVELS))
        disk.syncs = False
        for _ in range(3):
            with pytest.raises(StateUnwritable, match="Input/output error"):
                await store.keep(beat(2, LEVELS))
        disk.syncs = True
        await store.fold()
        await store.keep({("chat", "x"): 1})

    run(story())
    assert reopened(tmp_path) == (1, Recovery())


def test_a_new_state_on_a_full_disk_begins_once_there_is_room(tmp_path: Path) -> None:
    async def story() -> None:
        disk = Disk()
        store = TinyDBStore(tmp_path / "new", disk.write, disk.sync)
        for room in range(0, 400, 20):
            disk.room = room
            with pytest.raises(StateUnwritable):
                await store.keep(beat(1, LEVELS))
        disk.room = 1 << 40
        await store.keep(beat(2, LEVELS))

    run(story())
    assert reopened(tmp_path / "new") == (2, Recovery())


def test_a_close_on_a_full_disk_is_quiet_and_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        disk = Disk()
        store = TinyDBStore(tmp_path, disk.write, disk.sync)
        await store.keep(beat(1, LEVELS))
        disk.room = 0
        await store.close()

    run(story())
    assert reopened(tmp_path) == (1, Recovery())


def test_a_folder_that_is_a_file_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("x")
    with pytest.raises((StateUnwritable, StateError)):
        run(TinyDBStore(tmp_path / "results").keep(beat(1, LEVELS)))


# -- tasks -------------------------------------------------------------------------------------------------------


def test_a_keep_that_is_cancelled_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    def slow(fd: int) -> None:
        sleep(2 * QUICK_SECONDS)
        os.fsync(fd)

    async def story() -> None:
        store = TinyDBStore(tmp_path, sync=slow)
        await store.keep(beat(1, LEVELS))
        for cycle in range(2, 30):
            task = asyncio.create_task(store.keep(beat(cycle, LEVELS)))
            for _ in range(cycle % 4):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            on_disk = reopened(tmp_path)[0]
            await store.keep({("chat", "x"): cycle})
            await store.fold()
            assert reopened(tmp_path)[0] == on_disk  # memory, which was folded, is what the journal said
        await store.close()

    run(story())


def test_keeps_from_many_tasks_are_all_kept(tmp_path: Path) -> None:
    async def story() -> None:
        store = TinyDBStore(tmp_path)
        await asyncio.gather(*(store.keep({("chat", str(n)): n}) for n in range(50)), store.fold(), store.fold())
        await store.close()

    run(story())
    assert run(TinyDBStore(tmp_path).load())["chat"] == {str(n): n for n in range(50)}


def test_folds_keep_three_generations_and_no_more(tmp_path: Path) -> None:
    run(lived(tmp_path, 12, tuple(range(1, 12)), close=True))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{stem}{n}" for stem in ("state.json", "state.journal") for n in ("", ".1", ".2")}


def test_an_idle_fold_writes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        store = await lived(tmp_path, 2, (2,))
        before = (tmp_path / "state.json").stat().st_ino
        await store.fold()
        assert (tmp_path / "state.json").stat().st_ino == before

    run(story())


# -- one file, for scripts ---------------------------------------------------------------------------------------


def test_a_session_is_saved_and_loaded_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "session.json"
    tables: dict[str, dict[str, object]] = {
        "markets": {MARKET.symbol: MARKET},
        "executors": {"g1.1": executor(1), "g1.2": executor(2)},
        "meta": {"meta": {"epoch": "abc"}},
    }
    save(path, {})
    save(path, tables)
    assert load(path) == tables
    assert [each.name for each in path.parent.iterdir()] == ["session.json"]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StateCorrupt, match="Remedy"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")


# -- the real thing ----------------------------------------------------------------------------------------------

WORKER = """
import asyncio, sys
from pathlib import Path
from bot.storage.tinydb_store import TinyDBStore
from tests.storage.levels import beat, cycle_of

async def main():
    store = TinyDBStore(Path(sys.argv[1]))
    cycle = cycle_of(await store.load())
    print("began", cycle, store.recovery.note, flush=True)
    while True:
        cycle += 1
        await store.keep(beat(cycle, range(1, 300)))
        print(cycle, flush=True)
        if cycle % 5 == 0:
            asyncio.get_running_loop().create_task(store.fold())

asyncio.run(main())
"""


@pytest.mark.parametrize("count", [8, pytest.param(30, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_kills(tmp_path: Path, count: int) -> None:
    kills = [0.02 + 0.2 * number / count for number in range(count)]
    acknowledged = 0
    for pause in kills:
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "state")],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        began, at, *note = worker.stdout.readline().split()
        assert (began, note) == ("began", [])
        assert int(at) in (acknowledged, acknowledged + 1)  # one may have been kept and not said so any more
        try:
            worker.wait(pause)
        except subprocess.TimeoutExpired:
            os.kill(worker.pid, signal.SIGKILL)
        said = [int(each) for each in worker.stdout.read().split("\n")[:-1]]
        worker.wait()
        worker.stdout.close()
        acknowledged = max([int(at), *said])
    assert acknowledged > 2 * count  # each life kept some
    assert reopened(tmp_path / "state")[0] in (acknowledged, acknowledged + 1)
