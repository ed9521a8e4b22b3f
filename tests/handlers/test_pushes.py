"""Pushes people keep on: closings that answer entries, digests that grow, kinds that a chat turns, nothing lost.

The rule: the real application over HTTP; time flows only where a story says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.core.accounting import RoundTrip
from bot.core.model import Side
from bot.core.snapshot import DailyReport, GridEnded, LevelFilled, Notice, Restarted, StopReached, TradeClosed, Trouble
from handlers.chat.kinds import NOTE, Kind
from handlers.chat.post import no_picture
from handlers.words import notices
from tests.handlers.chat_stage import START, ChatStage, Worker, play
from tests.telegram.floods import FloodLimits
from tests.telegram.world import Message

ONE = Decimal(1)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001000500010a"
    "2db40000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def _retry_after_is_a_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def bought(stage: ChatStage, executor: str, amount: str = "0.001") -> LevelFilled:
    price, target = Decimal(60_000), Decimal(60_300)
    return LevelFilled(stage.time.at, executor, "BTC/USDT", Side.BUY, price, Decimal(amount), True, target, True)


def sold(stage: ChatStage, executor: str) -> tuple[LevelFilled, TradeClosed]:
    amount, price = Decimal("0.001"), Decimal(60_300)
    fill = LevelFilled(stage.time.at, executor, "BTC/USDT", Side.SELL, price, amount, True, price, True)
    grid = executor.partition(".")[0]
    cost, proceeds, fees = Decimal(60), Decimal("60.3"), Decimal("0.12")
    trade = RoundTrip(grid, executor, 1, "BTC/USDT", amount, cost, proceeds, fees, "USDT", stage.time.at)
    return fill, TradeClosed(stage.time.at, trade)


def alarm(stage: ChatStage, grid: str) -> StopReached:
    return StopReached(stage.time.at, grid, "BTC/USDT", ONE, ONE, False)


async def emptied(stage: ChatStage, worker: Worker) -> None:
    """Until the state's outbox is empty."""
    await stage.api.wait_for(lambda: not worker.manager.state.outbox and not stage.store.tables.get("outbox"))


def speak(worker: Worker) -> None:
    """With the words people read."""
    worker.outbox._post._words = notices


def counted(texts: list[str]) -> tuple[int, Decimal]:
    """How many purchases were told in all, one by one and in digests, and of how much."""
    count, amount = 0, Decimal(0)
    for text in texts:
        if text.startswith("📦"):
            found = re.search(r"bought ([\d.,]+) BTC for [\d.,]+ USDT in ([\d,]+) fills", text)
            assert found, text
            count, amount = count + int(found[2].replace(",", "")), amount + Decimal(found[1])
        elif text.startswith("🟢"):
            count, amount = count + 1, amount + Decimal(text.split()[3])
    return count, amount


def digests(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.text.startswith("📦")]


# -- entries and closings ----------------------------------------------------------------------------------------------


def test_a_closing_answers_the_message_that_told_of_its_entry_also_after_a_kill(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            speak(worker)
            await worker.tell(bought(stage, "g1.1"), bought(stage, "g1.2"))
            await emptied(stage, worker)
        async with stage.worker() as worker:
            speak(worker)
            stage.time.move(3600)
            await worker.manager.tell(sold(stage, "g1.2")[0])
            await worker.tell(sold(stage, "g1.2")[1], sold(stage, "g1.3")[1])
            await emptied(stage, worker)
            for person in (stage.owner, stage.viewer):
                entry = await person.wait_for("g1.2 bought", since=0)
                told = [message for message in person.messages if "g1.2 " in message.text and message is not entry]
                assert told and all(message.reply_to == entry.id for message in told)
                assert (await person.wait_for("g1.3 closed", since=0)).reply_to == 0
        assert not [key for key in stage.store.tables["chat"] if key.endswith("g1.2")]

    play(story, tmp_path)


def test_a_sale_and_the_trade_it_closed_are_one_message(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=(), start=False) as worker:
            speak(worker)
            await worker.tell(bought(stage, "g1.1"), *sold(stage, "g1.1"), *sold(stage, "g1.2"))
            await worker.service.start()
            await emptied(stage, worker)
        assert stage.owner.texts == [
            "🟢 g1.1 bought 0.001 BTC at 60,000, sells at 60,300 (+0.50 %)",
            "🔴 g1.1 sold 0.001 BTC at 60,300\n💰 g1.1 closed +0.18 USDT (+0.30 %): entry 60,000, exit 60,300, cycle 1",
            "🔴 g1.2 sold 0.001 BTC at 60,300\n💰 g1.2 closed +0.18 USDT (+0.30 %): entry 60,000, exit 60,300, cycle 1",
        ]
        assert [message.reply_to for message in stage.owner.messages] == [0, stage.owner.messages[0].id, 0]

    play(story, tmp_path)


def test_an_entry_that_was_deleted_or_gathered_is_answered_by_a_plain_message(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            await worker.tell(bought(stage, "g1.1"))
            entry = await stage.owner.wait_for("g1.1 bought")
            entry.deleted = True
            await worker.tell(sold(stage, "g1.1")[1])
            assert (await stage.owner.wait_for("g1.1 closed")).reply_to == 0
            await emptied(stage, worker)
            stage.time.move(120)
            with stage.api.faults.down("sendMessage"):
                await worker.tell(*(bought(stage, f"g1.{number}") for number in range(1, 20)))
            await stage.owner.wait_for("📦")
            await emptied(stage, worker)
            stage.time.move(120)
            await worker.tell(sold(stage, "g1.1")[1])
            assert (await stage.owner.wait_for(lambda message: message.text.startswith("💰 g1.1"))).reply_to == 0

    play(story, tmp_path)


# -- digests -----------------------------------------------------------------------------------------------------------


def test_a_busy_minute_is_one_message_that_grows_and_the_next_one_another(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            for number in range(1, 11):
                await worker.tell(bought(stage, f"g1.{number}"))
                await emptied(stage, worker)
            (digest,) = digests(stage.owner.messages)
            assert len(stage.owner.messages) == 6  # five one by one
            assert len(digest.history) > 2 and digest.text.count("bought 0.001 at") == 5
            assert "bought 0.005 BTC for 300 USDT in 5 fills" in digest.text
            stage.time.move(60)
            await worker.tell(bought(stage, "g1.11"))
            assert (await stage.owner.wait_for("g1.11")).text.startswith("🟢")
            await emptied(stage, worker)

    play(story, tmp_path)


def test_a_digest_that_was_deleted_begins_anew_and_counts_nothing_twice(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            with stage.api.faults.down("sendMessage"):
                await worker.tell(*(bought(stage, f"g1.{number}") for number in range(1, 20)))
            first = await stage.owner.wait_for("📦")
            await emptied(stage, worker)
            first.deleted = True
            await worker.tell(*(bought(stage, f"g2.{number}") for number in range(1, 5)))
            second = await stage.owner.wait_for("g2.4")
            await emptied(stage, worker)
            assert "in 19 fills" in first.text and "g2.1" not in first.text
            assert "in 4 fills" in second.text and second.id != first.id

    play(story, tmp_path)


def test_a_crash_between_an_edit_and_its_note_repeats_the_edit_and_loses_nothing(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            with stage.api.faults.down("sendMessage"):
                await worker.tell(*(bought(stage, f"g1.{number}") for number in range(1, 20)))
            await stage.owner.wait_for("📦")
            await emptied(stage, worker)
            with stage.api.faults.reply_lost("editMessageText"):  # done, and the bot ends before it hears of it
                await worker.tell(bought(stage, "g2.1"))
                await stage.owner.wait_for("g2.1")
                await worker.service.stop()
        assert stage.store.tables["outbox"]
        async with stage.worker(viewers=(), start=False) as worker:
            speak(worker)
            await worker.service.start()
            await emptied(stage, worker)
            await worker.tell(bought(stage, "g2.2"))
            await stage.owner.wait_for("g2.2", since=0)
            await emptied(stage, worker)
        (digest,) = digests(stage.owner.messages)
        assert "bought 0.021 BTC for 1,260 USDT in 21 fills" in digest.text

    play(story, tmp_path)


def test_a_thousand_fills_in_a_minute_keep_telegrams_limits_and_none_is_lost(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        stage.api.limit(FloodLimits())
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            amounts = [Decimal(f"0.00{number:04}1") for number in range(1_000)]
            for number, amount in enumerate(amounts):
                await worker.manager.tell(bought(stage, f"g1.{number}", str(amount)))
                stage.time.move(0.06)
                if not number % 16:
                    await worker.manager.beat()
                    assert worker.manager.heartbeat.beaten_at == stage.time.at
                    await asyncio.sleep(0.005)  # the courier's request gets to the server and back
            minute = (stage.time.at - START).total_seconds()
            while worker.manager.state.outbox:
                stage.time.move(1)
                await asyncio.sleep(0.005)
            seconds = (stage.time.at - START).total_seconds()
            assert 59 <= minute <= 61 and seconds - minute < 10
            calls = [*stage.api.journal.calls("sendMessage"), *stage.api.journal.calls("editMessageText")]
            assert not stage.api.floods and len(calls) <= 30
            assert len(stage.owner.messages) <= 8 and len(digests(stage.owner.messages)) <= 2
            assert counted(stage.owner.texts) == (len(amounts), sum(amounts))

    play(story, tmp_path, flows=False)


def test_telegram_is_away_for_ten_minutes_and_every_alarm_arrives_after_it_once_in_order(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            speak(worker)
            with stage.api.faults.down("sendMessage"), stage.api.faults.down("editMessageText"):
                end, told = stage.time.at + timedelta(minutes=10), 0
                while stage.time.at < end:
                    told += 1
                    stage.time.move(5)
                    await worker.tell(bought(stage, f"g1.{told}"), alarm(stage, f"g{told}"))
                    await worker.manager.beat()
                    assert worker.manager.heartbeat.beaten_at == stage.time.at
                    await asyncio.sleep(0)
            await emptied(stage, worker)
            heard = [text for text in stage.owner.texts if "reached the stop" in text]
            assert [text.split()[1] for text in heard] == [f"g{number}:" for number in range(1, told + 1)]
            assert counted(stage.viewer.texts) == (told, told * Decimal("0.001"))
            assert not [text for text in stage.viewer.texts if "stop" in text]

    play(story, tmp_path)


# -- how each chat wants it --------------------------------------------------------------------------------------------


async def choose(worker: Worker, person: int, **ways: str) -> None:
    note = {str(person): ways}
    await worker.manager.remember({NOTE: note})
    worker.outbox._ways.recall({NOTE[1]: note})


def test_what_a_chat_wants_silent_makes_no_sound_and_what_is_off_does_not_come(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            await choose(worker, stage.owner.id, fills="silent", grids="off", alarms="silent")
            await worker.fill("g1.1")
            await worker.tell(GridEnded(stage.time.at, "g1", "BTC/USDT", ONE, 1, ONE), alarm(stage, "g1"))
            await emptied(stage, worker)
            assert sorted(text.split()[0] for text in stage.owner.texts) == ["LevelFilled", "StopReached"]
            assert all(message.silent for message in stage.owner.messages)
            assert not (await stage.viewer.wait_for("g1.1", since=0)).silent
        async with stage.worker() as worker:  # it is durable
            await worker.tell(GridEnded(stage.time.at, "g1", "BTC/USDT", ONE, 1, ONE))
            await emptied(stage, worker)
        assert len(stage.owner.texts) == 2

    play(story, tmp_path)


def test_what_a_chat_wants_gathered_is_one_message_an_hour(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            await choose(worker, stage.owner.id, fills="digest", restarts="digest")
            await worker.tell(bought(stage, "g1.1"))
            await emptied(stage, worker)
            stage.time.move(1800)
            await worker.tell(bought(stage, "g1.2"), Restarted(stage.time.at, 5, 1, 2, 3, 4))
            await emptied(stage, worker)
            (message,) = stage.owner.messages
            lines = message.text.splitlines()
            assert lines[0] == "📦 10:00:00–10:30:00"
            assert [line.split()[1] for line in lines[1:]] == ["🟢", "🟢", "✅"]
            stage.time.move(1800)
            await worker.tell(bought(stage, "g1.3"))
            await emptied(stage, worker)
            assert len(stage.owner.messages) == 2

    play(story, tmp_path)


def test_alarms_are_never_off_nor_gathered_whatever_the_store_says(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            for way in ("off", "digest"):
                await choose(worker, stage.owner.id, **{str(Kind.ALARMS): way})
                await worker.tell(alarm(stage, "g1"))
                await stage.owner.wait_for("StopReached")
                await emptied(stage, worker)
            await choose(worker, stage.owner.id, trouble="off")
            await worker.tell(Trouble(stage.time.at, "heartbeat", "late"), Trouble(stage.time.at, "exchange", "away"))
            await emptied(stage, worker)
            assert [text.strip() for text in stage.owner.texts] == ["StopReached", "StopReached", "Trouble late"]

    play(story, tmp_path)


# -- people and pictures -----------------------------------------------------------------------------------------------


def test_who_blocks_the_bot_is_told_of_once_to_the_other_owners(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        second = stage.api.person(9, "Otto", started=True)
        stage.viewer.chat.blocked = True
        for _ in range(2):  # also after a restart
            async with stage.worker(owners=(stage.owner.id, 9)) as worker:
                speak(worker)
                await worker.fill("g1.1")
                await stage.owner.wait_for("g1.1", since=0)
                await stage.api.wait_for(lambda: stage.api.journal.refused(403))
                await emptied(stage, worker)
        for person in (stage.owner, second):
            await person.wait_for("A viewer, user id 8, has blocked me", since=0)
            assert sum("blocked" in text for text in person.texts) == 1
        async with stage.worker(owners=(stage.owner.id, 9)) as worker:
            stage.viewer.unblock()
            await stage.api.wait_for(lambda: "gone" not in stage.store.tables["chat"])
            second.block()
            await stage.owner.wait_for(lambda message: "PersonGone 9" in message.text, since=0)
            await emptied(stage, worker)
        assert not [text for text in second.texts if "PersonGone 9" in text]

    play(story, tmp_path)


def report(stage: ChatStage) -> DailyReport:
    return DailyReport(stage.time.at, "2026-11-21", ONE, ONE, 1, ONE, "USDT")


async def _broken_pencil(told: Notice) -> None:
    raise ZeroDivisionError


async def _picture(told: Notice) -> bytes | None:
    return PNG if isinstance(told, DailyReport) else None


async def _scribble(told: Notice) -> bytes | None:
    return b"no picture that Telegram takes"


@pytest.mark.parametrize(("draw", "kind"), [(_picture, "photo"), (no_picture, "text"), (_broken_pencil, "text")])
def test_the_daily_report_comes_with_its_chart_to_everybody_it_concerns(
    draw: Callable[[Notice], Awaitable[Any]], kind: str, tmp_path: Path
) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker() as worker:
            speak(worker)
            worker.outbox._post._draw = draw
            await worker.tell(report(stage))
            await emptied(stage, worker)
            for person in (stage.owner, stage.viewer):
                (message,) = person.messages
                assert message.now.content.kind == kind
                assert message.text.startswith("📊 2026-11-21: +1 USDT realised in 1 trade")

    play(story, tmp_path)


def test_a_report_whose_picture_telegram_refuses_comes_as_text(tmp_path: Path) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker(viewers=()) as worker:
            speak(worker)
            worker.outbox._post._draw = _scribble
            await worker.tell(report(stage))
            assert (await stage.owner.wait_for("📊")).now.content.kind == "text"
            await emptied(stage, worker)

    play(story, tmp_path)
