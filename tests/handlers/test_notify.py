"""The outbox: in order, alarms first, merged when many, at the pace Telegram allows, through every trouble, and once.

The rule: the real application over HTTP; time flows only where a story says so.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.core.snapshot import DailyReport, GridEnded, Notice, Restarted, StopReached, Trouble
from handlers.chat import notify
from handlers.chat.context import ChatConfig
from handlers.chat.pace import Pace, seconds_of, unhurried
from tests.handlers.chat_stage import START, ChatStage, Time, Worker, fill_of, play
from tests.telegram.floods import FloodLimits

ONE = Decimal(1)


@pytest.fixture(autouse=True)
def _retry_after_is_a_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def alarm(stage: ChatStage, why: str = "gone") -> Trouble:
    return Trouble(stage.time.at, "exchange", why)


async def emptied(stage: ChatStage, worker: Worker) -> None:
    """Until the state's outbox is empty."""
    await stage.api.wait_for(lambda: not worker.manager.state.outbox and not stage.store.tables.get("outbox"))


def test_everybody_hears_what_concerns_them_in_order(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            await worker.fill("g1.1", "g1.2")
            await worker.tell(
                GridEnded(stage.time.at, "g1", "BTC/USDT", ONE, 1, ONE),
                DailyReport(stage.time.at, "2026-11-21", ONE, ONE, 1, ONE, "USDT"),
            )
            await stage.owner.wait_for("DailyReport")
            await stage.viewer.wait_for("DailyReport")
            kinds = ["LevelFilled g1.1", "LevelFilled g1.2", "GridEnded", "DailyReport"]
            assert stage.owner.texts == kinds
            assert stage.viewer.texts == [kind for kind in kinds if kind != "GridEnded"]
            await emptied(stage, worker)

    play(story, tmp_path)


def test_alarms_go_first_and_fills_that_pile_up_become_one_message(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            with stage.api.faults.down("sendMessage") as outage:
                await worker.fill(*(f"g1.{number}" for number in range(1, 41)))
                await worker.tell(GridEnded(stage.time.at, "g1", "BTC/USDT", ONE, 1, ONE))
                await worker.fill("g2.1")
                await stage.api.wait_for(lambda: outage.hits)
                await worker.tell(alarm(stage), StopReached(stage.time.at, "g2", "BTC/USDT", ONE, ONE, False))
            await stage.owner.wait_for("g2.1")
            await emptied(stage, worker)
            shown = [text.partition("\n")[0] for text in stage.owner.texts]
            assert [text.split()[0] for text in shown if "digest" not in text][:2] == ["Trouble", "StopReached"]
            (digest,) = [text for text in shown if text.startswith("digest")]
            assert digest.split()[2:] == [*(f"g1.{number}" for number in range(1, 41)), "g2.1"]
            assert shown[-1].split()[0] == "GridEnded"

    play(story, tmp_path)


def test_a_stream_of_pushes_keeps_telegrams_limits_and_loses_nothing(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.api.limit(FloodLimits())
        async with stage.worker() as worker:
            for number in range(60):
                await worker.fill(f"g1.{number}")
                if not number % 10:
                    stage.owner.say(f"/look {number}")
            await emptied(stage, worker)
            told = " ".join(stage.viewer.texts)
            assert all(f"g1.{number}" in told.split() for number in range(60))
            assert not stage.api.floods

    play(story, tmp_path)


def test_a_chat_that_must_be_silent_holds_back_no_other(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            flooded = stage.api.faults.too_many(
                30, "sendMessage", times=1, where=lambda values: values["chat_id"] == str(stage.viewer.id)
            )
            await worker.fill("g1.1")
            await stage.owner.wait_for("g1.1")
            await stage.api.wait_for(lambda: flooded.hits)
            stage.time.move(1)
            await worker.fill("g1.2")
            await stage.owner.wait_for("g1.2")
            assert stage.viewer.texts == [] and len(worker.manager.state.outbox) == 2
            stage.time.move(40)
            await stage.viewer.wait_for("g1.1", since=0)
            stage.time.move(1)
            await stage.viewer.wait_for("g1.2", since=0)
            await emptied(stage, worker)

    play(story, tmp_path, flows=False)


def test_who_has_it_already_does_not_get_it_again_after_a_kill(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            with stage.api.faults.down("sendMessage", where=lambda values: values["chat_id"] == str(stage.viewer.id)):
                await worker.fill("g1.1")
                await stage.owner.wait_for("g1.1")
                await stage.api.wait_for(lambda: "told" in stage.store.tables.get("chat", {}))
                await worker.service.stop()
        async with stage.worker() as worker:
            await stage.viewer.wait_for("g1.1")
            await emptied(stage, worker)
            assert len(stage.owner.texts) == 1 and "told" not in stage.store.tables["chat"]

    play(story, tmp_path)


def test_who_has_blocked_the_bot_is_left_in_peace_until_they_speak(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            stage.owner.chat.blocked = True
            await worker.fill("g1.1")
            await stage.api.wait_for(lambda: stage.api.journal.refused(403))
            await worker.fill("g1.2", "g1.3")
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(stage.api.journal.calls("sendMessage")) == 1 and len(worker.manager.state.outbox) == 3
            stage.owner.say("/look")
            await stage.owner.wait_for("LevelFilled g1.3")
            await emptied(stage, worker)
            stage.owner.block()
            await stage.api.wait_until_read()
            stage.owner.unblock()
            await worker.fill("g1.4")
            await stage.owner.wait_for("LevelFilled g1.4")

    play(story, tmp_path)


def test_a_blocked_viewer_keeps_nothing_waiting(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.viewer.chat.blocked = True
        stage.api.world.chats.pop(9, None)
        async with stage.worker(viewers=(8, 9)) as worker:  # 9 has never spoken: chat not found
            await worker.fill("g1.1")
            await stage.owner.wait_for("g1.1")
            await emptied(stage, worker)

    play(story, tmp_path)


def test_while_no_owner_listens_the_newest_notices_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "UNHEARD", 10)

    async def story(stage: ChatStage) -> None:
        stage.owner.chat.blocked = True
        async with stage.worker() as worker:
            for number in range(30):
                await worker.fill(f"g1.{number}")
            await stage.api.wait_for(lambda: len(worker.manager.state.outbox) == 10)
            kept = [getattr(notice, "executor", "") for notice in worker.manager.state.outbox.values()]
            assert kept == [f"g1.{number}" for number in range(20, 30)]

    play(story, tmp_path)


def test_what_the_last_run_left_says_when_it_was(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(start=False) as worker:
            await worker.fill("g1.1")
        stage.time.move(300)
        async with stage.worker() as worker:
            assert "10:00:00" in (await stage.owner.wait_for("g1.1")).text
            stage.time.move(86_400)
            await worker.fill("g1.2", at=stage.time.at - timedelta(days=1))
            assert "2026-11-22 10:05" in (await stage.owner.wait_for("g1.2")).text
            await worker.fill("g1.3")
            assert (await stage.owner.wait_for("g1.3")).text == "LevelFilled g1.3"

    play(story, tmp_path, flows=False)


def test_nothing_is_sent_twice_while_the_store_is_full(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            await worker.fill("g1.1")
            await emptied(stage, worker)
            await worker.manager.tell(fill_of("g1.2", stage.time.at))
            stage.store.is_full = True
            await stage.owner.wait_for("g1.2")
            worker.outbox.tell(())
            stage.store.is_full = False
            await worker.fill("g1.3")
            await stage.owner.wait_for("g1.3")
            await emptied(stage, worker)
            assert len(stage.owner.texts) == 3

    play(story, tmp_path)


class Awkward:
    """Words that fail, and words that Telegram does not take."""

    def notice(self, notice: Notice, config: ChatConfig) -> str:
        if isinstance(notice, Restarted):
            raise ZeroDivisionError
        return "<b>open" if isinstance(notice, Trouble) else ""

    def gathered(
        self, notices: Sequence[Notice], config: ChatConfig, before: dict[str, Any] | None
    ) -> tuple[str, dict[str, Any]]:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda at: Restarted(at, 1, 2, 3, 4, 5), "Restarted: Restarted("),
        (lambda at: Trouble(at, "exchange", "x"), "<b>open"),
        (lambda at: GridEnded(at, "g1", "BTC/USDT", ONE, 1, ONE), ""),
    ],
)
def test_words_that_fail_stop_nothing(make: Callable[[Any], Notice], shown: str, tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            worker.outbox._post._words = Awkward()
            await worker.tell(make(stage.time.at))
            await emptied(stage, worker)
            worker.outbox._post._words = Awkward()
            await worker.tell(Restarted(stage.time.at, 1, 2, 3, 4, 5))
            await stage.owner.wait_for("Restarted")
            assert shown in "".join(stage.owner.texts)
            await emptied(stage, worker)

    play(story, tmp_path)


# -- pace ------------------------------------------------------------------------------------------------------------


def test_a_chat_gets_a_message_a_second_after_a_small_burst() -> None:
    async def story() -> None:
        time = Time()
        pace = Pace(clock=time.seconds, sleep=time.sleep)
        for _ in range(12):
            await pace.turn(7)
        assert 9.9 <= (time.at - START).total_seconds() <= 10.2
        assert pace.wait(8) == 0
        pace.hush(7, 30)
        assert pace.wait(8) == 0 and 29 < pace.wait(7) <= 30
        for _ in range(50):
            pace.spend(8)
        assert pace.wait(8) <= 3  # answers never silence a chat for long
        quick = unhurried()
        for _ in range(100):
            quick.spend(7)
        assert not quick.wait(7)

    asyncio.run(story())


def test_everybody_together_gets_25_a_second() -> None:
    async def story() -> None:
        time = Time()
        pace = Pace(clock=time.seconds, sleep=time.sleep)
        for number in range(125):
            await pace.turn(number)
        assert 3.9 <= (time.at - START).total_seconds() <= 4.1

    asyncio.run(story())


@pytest.mark.parametrize("as_timedelta", ["0", "1"])
def test_a_wait_is_read_in_either_form(as_timedelta: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", as_timedelta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert seconds_of(RetryAfter(7)) == 7.0
