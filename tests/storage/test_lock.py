"""One worker to a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import StateLocked, StateUnwritable
from bot.storage.lock import ResultsLock

HOLDER = """
import sys, time
from pathlib import Path
from bot.storage.lock import ResultsLock
ResultsLock(Path(sys.argv[1])).acquire()
"""


def test_a_second_worker_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    with ResultsLock(tmp_path / "results"):
        second = ResultsLock(tmp_path / "results")
        with pytest.raises(StateLocked, match=rf"pid {os.getpid()}\b.*Remedy"):
            second.acquire()
    with second:
        assert (tmp_path / "results" / "worker.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    code = HOLDER.replace(".acquire()", "") + "lock = ResultsLock(Path(sys.argv[1])); lock.acquire()\n"
    worker = subprocess.Popen(
        [sys.executable, "-c", code + "print('held', flush=True); time.sleep(60)", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    with pytest.raises(StateLocked, match=rf"pid {worker.pid}\b"):
        ResultsLock(tmp_path).acquire()
    worker.kill()
    worker.wait()
    worker.stdout.close()
    ResultsLock(tmp_path).acquire()


def test_a_lock_file_left_behind_is_no_worker(tmp_path: Path) -> None:
    (tmp_path / "worker.lock").write_text("1\n")
    lock = ResultsLock(tmp_path)
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnwritable, match=r"worker\.lock"):
        ResultsLock(tmp_path / "file").acquire()
