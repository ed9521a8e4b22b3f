"""/alerts and the buttons under alerts, through the real application."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bot.core.events import Refusal
from bot.core.lifecycle import Mode
from bot.core.snapshot import DailyLossReached, DailyReport, LevelBlocked, LevelFrozen
from bot.core.vigil import OUT_AFTER
from bot.trading.state import VIGIL
from handlers.chat.kinds import NOTE, Kind, Way
from tests.handlers.trading_stage import Stage, plain, play


async def looks(stage: Stage, span: timedelta) -> None:
    """Time passes, and each minute the grids are looked at."""
    end = stage.clock.at + span
    while stage.clock.at < end:
        stage.clock.at += timedelta(minutes=1)
        await stage.manager.fold()
    await stage.manager.beat()


def test_each_kind_is_turned_by_its_button_in_place_and_kept(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        page = await stage.hear("/alerts", "What I push")
        assert len(page.buttons) == len(Kind)
        for sign in ("🔕", "📦", "✖️", "🔔"):
            await stage.owner.press("Fills", page).wait()
            await stage.owner.wait_for(f"{sign} Fills:")
        await stage.owner.press("Alarms", page).wait()
        await stage.owner.wait_for("🔕 Alarms")
        await stage.owner.press("People", page).wait()
        await stage.owner.wait_for("🔕 People")
        assert len([message for message in stage.owner.messages if "What I push" in message.text]) == 1
        both = [stage.owner.press(title, page) for title in ("Levels", "Grids")]  # at once
        for press in both:
            await press.wait()
        await stage.owner.wait_for(lambda message: "🔕 Levels" in message.text and "🔕 Grids" in message.text)
        kept = stage.manager.state.notes[NOTE[0]][NOTE[1]]
        ways = {"fills": "on", "alarms": "silent", "people": "silent", "levels": "silent", "grids": "silent"}
        assert kept == {str(stage.owner.id): ways}
        assert stage.chat.ways.of(stage.owner.id, Kind.PEOPLE) is Way.SILENT
        assert "📦 Range" in await stage.ask("/alerts range digest", "What I push")
        assert "such as /alerts fills silent" in await stage.ask("/alerts range loud")
        assert stage.chat.ways.of(stage.owner.id, Kind.RANGE) is Way.DIGEST
        assert "Only an owner" in await stage.ask("/alerts", person=stage.viewer)

    play(story, tmp_path)


def test_a_grid_out_of_range_is_told_with_a_button_that_lets_it_be(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("-6% -4% 5 0.001 0.5% loop")
        await looks(stage, OUT_AFTER - timedelta(minutes=2))
        assert VIGIL in stage.manager.state.notes and "out of range" not in "".join(stage.owner.texts)
        await looks(stage, timedelta(minutes=5))
        told = await stage.owner.wait_for("g1 is out of range", since=0)
        assert "above its MAX" in told.text and "It holds nothing" in told.text
        await looks(stage, timedelta(hours=3))
        assert sum("out of range" in text for text in stage.owner.texts) == 1
        assert not [text for text in stage.viewer.texts if "out of range" in text]
        await stage.owner.press("Re-centre", told).wait()
        shown = await stage.owner.wait_for(lambda message: any("Apply" in each.text for each in message.buttons))
        assert "g1" in shown.text
        await stage.owner.press("Leave it", told).wait()
        left = await stage.owner.wait_for("Left as it is")
        assert left.id == told.id and "g1 is out of range" in left.text and not left.buttons

    play(story, tmp_path)


def test_a_refused_level_says_why_and_is_paused_by_its_buttons(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        now = stage.clock.at
        await stage.manager.tell(LevelBlocked(now, "g1.3", "BTC/USDT", Refusal.OTHER, "no", now))
        told = await stage.owner.wait_for("g1.3 is refused")
        for _ in range(2):  # a look may be had again
            await stage.owner.press("Why?", told).wait()
            await stage.owner.wait_for(lambda message: message.id != told.id and "g1.3" in message.text)
        stage.clock.at += timedelta(hours=3)  # alerts are read late
        await stage.owner.press("Pause level", told).wait()
        assert "g1.3 is paused" in plain(await stage.owner.wait_for("g1.3 is paused"))
        assert stage.manager.state.executors["g1.3"].mode is Mode.PAUSED

    play(story, tmp_path)


def test_a_frozen_level_is_resumed_by_its_button(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        state = stage.manager.state
        async with stage.manager.heartbeat.lock:
            state.put_executor(replace(state.executors["g1.3"], frozen="it traded twice"))
        await stage.manager.tell(LevelFrozen(stage.clock.at, "g1.3", "it traded twice"))
        await stage.owner.wait_for("g1.3 is frozen")
        await stage.owner.press("Resume").wait()
        await stage.owner.wait_for(lambda message: "g1.3" in message.text and not message.buttons)
        assert not state.executors["g1.3"].frozen

    play(story, tmp_path)


def test_after_the_daily_loss_its_button_resumes_the_grids_it_paused_and_no_other(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.grid("-3% -2% 5 0.001 0.5% loop")
        await stage.manager.pause("all")
        told = DailyLossReached(stage.clock.at, Decimal(201), Decimal(200), "USDT", ("g1",))
        await stage.manager.tell(told)
        await stage.owner.wait_for("MAX_DAILY_LOSS reached")
        await stage.owner.press("Resume").wait()
        await stage.owner.wait_for(lambda message: "g1" in message.text and "MAX_DAILY" not in message.text)
        modes = {key: grid.mode for key, grid in stage.manager.state.grids.items()}
        assert modes == {"g1": Mode.RUNNING, "g2": Mode.PAUSED}

    play(story, tmp_path)


def test_the_daily_report_shows_the_course_of_its_week(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("-1% +1% 20 0.001 0.4% loop")
        for _ in range(4):
            await stage.pass_time(120)
            stage.clock.at += timedelta(hours=1)
            await stage.manager.fold()
        assert stage.manager.state.currencies
        await stage.manager.report()
        for person in (stage.owner, stage.viewer):
            message = await person.wait_for("📊", since=0)
            file = message.now.content.file
            assert message.now.content.kind == "photo" and file is not None
        assert DailyReport.__name__ not in "".join(stage.owner.texts)
        await asyncio.sleep(0)

    play(story, tmp_path)
