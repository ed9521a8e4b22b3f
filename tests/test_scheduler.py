"""The clockwork: jobs that fail, are late, or hang; and the watchdog that minds the heart."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.scheduler import EXIT_HUNG, Schedule, Watchdog
from tests.fakes import run

ROOT = Path(__file__).parent.parent


class Beats:
    """A job that counts, and tells when it has run so often."""

    def __init__(self, deed: Callable[[int], Awaitable[None]] | None = None) -> None:
        self.count = 0
        self._deed = deed
        self._news = asyncio.Condition()

    async def __call__(self) -> None:
        self.count += 1
        async with self._news:
            self._news.notify_all()
        if self._deed is not None:
            await self._deed(self.count)

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: self.count >= count)


def test_a_job_that_fails_is_logged_and_the_next_beat_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(count: int) -> None:
        if count <= 2:
            raise ZeroDivisionError("of the heart")

    async def story() -> None:
        schedule, beats = Schedule(UTC), Beats(fail)
        schedule.every(0.02, beats, "heartbeat")
        schedule.start()
        await beats.reach(5)
        await schedule.stop(1)

    run(story())
    failures = [record for record in caplog.records if record.message == "the heartbeat failed"]
    assert len(failures) == 2
    assert all(record.exc_info is not None for record in failures)


def test_late_beats_coalesce_and_never_run_side_by_side() -> None:
    at_once: list[int] = [0, 0]

    async def slow(count: int) -> None:
        at_once[0] += 1
        at_once[1] = max(at_once)
        if count == 1:
            time.sleep(0.5)  # the loop is blocked for ten beats
        await asyncio.sleep(0.06)
        at_once[0] -= 1

    async def story() -> int:
        schedule, beats = Schedule(UTC), Beats(slow)
        schedule.every(0.05, beats, "heartbeat")
        schedule.start()
        await beats.reach(1)
        await asyncio.sleep(0)
        counted = beats.count
        await beats.reach(4)  # a late one was not dropped, it goes on
        await schedule.stop(1)
        return counted

    assert run(story()) == 1
    assert at_once[1] == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks begin when the loop comes round")
def test_a_job_that_is_woken_begins_before_whatever_waits() -> None:
    async def story() -> None:
        schedule, begun = Schedule(UTC), list[str]()

        async def beat() -> None:
            begun.append("beat")

        schedule.now(beat, "heartbeat")
        assert begun == []  # not before the start
        schedule.start()
        asyncio.get_running_loop().call_soon(begun.append, "other news")
        schedule.now(beat, "heartbeat")
        await asyncio.sleep(0)
        assert begun == ["beat", "other news"]
        await schedule.stop(1)

    run(story())


def test_a_slow_job_delays_no_other() -> None:
    async def hang(count: int) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        schedule, beats, audit = Schedule(UTC), Beats(), Beats(hang)
        schedule.every(0.02, audit, "audit")
        schedule.every(0.02, beats, "heartbeat")
        schedule.start()
        await audit.reach(1)
        await beats.reach(5)
        assert audit.count == 1
        began = time.monotonic()
        await schedule.stop(0.2)  # what hangs is not waited for beyond the patience
        assert 0.1 < time.monotonic() - began < 2

    run(story())


def test_a_stop_awaits_the_beat_under_way_and_begins_none() -> None:
    done: list[int] = []

    async def slowly(count: int) -> None:
        await asyncio.sleep(0.2)
        done.append(count)

    async def story() -> None:
        schedule, beats = Schedule(UTC), Beats(slowly)
        schedule.every(0.01, beats, "heartbeat")
        schedule.start()
        await beats.reach(1)
        await schedule.stop(2)
        assert done == [1]
        await asyncio.sleep(0.1)
        assert beats.count == 1

    run(story())


def test_a_beat_that_hangs_is_cut_off_by_a_stop(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> float:
        schedule, begun, cut = Schedule(UTC), asyncio.Event(), asyncio.Event()

        async def hangs() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cut.set()

        schedule.every(60, hangs, "heartbeat")
        schedule.start()
        await begun.wait()
        began = time.monotonic()
        await schedule.stop(0.05)
        assert cut.is_set()
        return time.monotonic() - began

    assert run(story()) < 1
    assert not caplog.records


def test_a_stop_before_the_start_is_none() -> None:
    run(Schedule(UTC).stop(1))


def test_the_daily_report_comes_at_its_local_time() -> None:
    async def story() -> None:
        berlin = ZoneInfo("Europe/Berlin")
        schedule, beats = Schedule(berlin), Beats()
        schedule.daily(time_of_day(8, 30), beats, "daily report")
        schedule.start()
        job = schedule._scheduler.get_job("daily report")
        due = job.next_run_time
        assert (due.hour, due.minute, due.second) == (8, 30, 0)
        assert due.utcoffset() == berlin.utcoffset(due.replace(tzinfo=None))
        assert timedelta(0) < due - datetime.now(UTC) <= timedelta(days=1, hours=1)
        await schedule.stop(1)

    run(story())


class Heart:
    """A watchdog with time moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[tuple[float, bool]] = []
        self.ended: list[int] = []
        self.dog = Watchdog(
            lambda age, over: self.told.append((age, over)),
            late_after=30,
            hung_after=180,
            end=self.ended.append,
            clock=lambda: self.now,
        )

    async def look_at(self, now: float) -> None:
        self.now = now
        await asyncio.to_thread(self.dog.look)  # as its thread does
        await asyncio.sleep(0)


def test_a_late_heart_is_told_once_and_its_return_once() -> None:
    async def story() -> Heart:
        heart = Heart()
        heart.dog.start()
        for now in (110.0, 129.9, 130.0, 150.0, 279.9):
            await heart.look_at(now)
        heart.dog.beaten()
        for now in (280.0, 281.0):
            await heart.look_at(now)
        heart.dog.stop()
        return heart

    heart = run(story())
    assert [over for _, over in heart.told] == [False, True]
    assert heart.told[0][0] == 30
    assert heart.ended == []


def test_a_heart_that_stands_still_ends_the_process(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> Heart:
        heart = Heart()
        await heart.look_at(279.9)
        assert heart.ended == []
        await heart.look_at(280.0)
        return heart

    with (tmp_path / "stacks").open("w") as stacks:
        monkeypatch.setattr(sys, "__stderr__", stacks)
        heart = run(story())
    assert heart.ended == [EXIT_HUNG]
    assert "stood still for 180 s" in caplog.text
    assert "most recent call first" in (tmp_path / "stacks").read_text()


def test_a_heart_that_stumbles_again_and_again_is_told_of_once_in_a_while() -> None:
    async def story() -> Heart:
        heart = Heart()
        heart.dog.start()
        for late in range(130, 1430, 50):
            await heart.look_at(late)
            heart.dog.beaten()
            await heart.look_at(late + 1)
        heart.dog.stop()
        return heart

    heart = run(story())
    assert [over for _, over in heart.told] == [False, True, False, True, False, True]


def test_the_watchdog_looks_by_itself_until_it_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        told = asyncio.Event()
        dog = Watchdog(lambda age, over: told.set(), late_after=0.0, hung_after=1e9)
        with caplog.at_level(logging.ERROR):
            dog.start()
            async with asyncio.timeout(10):
                await told.wait()
        dog.stop()
        for thread in threading.enumerate():
            if thread.name == "watchdog":
                await asyncio.to_thread(thread.join, 10)
                assert not thread.is_alive()

    run(story())
    assert "the heartbeat is late" in caplog.text


BLOCKED = """
import asyncio, time
from bot import scheduler
from bot.scheduler import Schedule, Watchdog

scheduler.PATIENCE = 0.05

async def main():
    schedule = Schedule(__import__("datetime").UTC)
    dog = Watchdog(lambda age, over: None, late_after=0.2, hung_after=0.6)
    beats = 0

    async def beat():
        nonlocal beats
        beats += 1
        dog.beaten()
        if beats == 3:
            print("blocked", flush=True)
            time.sleep(60)

    schedule.every(0.05, beat, "heartbeat")
    schedule.start()
    dog.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_blocked_loop_ends_the_process_with_its_own_exit_code() -> None:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == EXIT_HUNG
    assert ended.stdout == "blocked\n"
    assert "time.sleep" in ended.stderr or "in beat" in ended.stderr  # where it stood still
    assert time.monotonic() - began < 15
