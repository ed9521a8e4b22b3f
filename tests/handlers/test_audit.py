"""The audit: each command and each pressed button leaves one line in ops.log, with who, what and what came of it."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.chat.audit import subject
from tests.handlers.chat_stage import OWNER, VIEWER, ChatStage, play
from tests.handlers.trading_stage import Stage
from tests.handlers.trading_stage import play as trade


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The context of each line of the audit."""
    return [record.context for record in caplog.records if record.name == "handlers.chat.audit"]  # type: ignore[attr-defined]


def test_every_command_leaves_a_line_with_what_came_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: ChatStage) -> None:
        async with stage.worker():
            for words, answer in (
                ("/LOOK a b", "echo"),
                ("/wrong x", "1 < 2"),
                ("/broken", "went wrong"),
                ("/xyzzy my secret", "don't know"),
                ("look", "Did you mean"),
            ):
                stage.owner.say(words)
                await stage.owner.wait_for(answer)
            stage.viewer.say("/linear 1 2")
            await stage.viewer.wait_for("Only an owner")
            stage.stranger.say("/look")
            stage.owner.say("/look late", date=stage.time.at - timedelta(hours=1))
            await stage.owner.wait_for("has not been done")
            await stage.owner.press("Do it now").wait()
            await stage.owner.wait_for("echo late")

    with caplog.at_level(logging.INFO):
        play(story, tmp_path)
    said = [(line["who"], line["role"], line["what"], line["outcome"]) for line in lines(caplog)]
    assert said == [
        (OWNER, "owner", "/look a b", "done"),
        (OWNER, "owner", "/wrong x", "refused: 1 < 2 & so on"),
        (OWNER, "owner", "/broken", "failed: ZeroDivisionError"),
        (OWNER, "owner", "/xyzzy", "there is no such command"),
        (VIEWER, "viewer", "/linear 1 2", "refused: for owners only"),
        (OWNER, "owner", "/look late", "late: asked whether to do it now"),
        (OWNER, "owner", "/look late", "done"),
        (OWNER, "owner", "button now", "done"),
    ]


def test_a_pressed_button_leaves_a_line_that_says_what_it_was_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 3 0.001 0.5%")
        await stage.ask("/stop g1", "Stop g1?")
        await stage.press("Keep coins", "g1 ends")
        assert (await stage.owner.press("Keep coins", stale=True).wait()).alert

    with caplog.at_level(logging.INFO):
        trade(story, tmp_path)
    said = [(line["what"], line.get("about"), line["outcome"]) for line in lines(caplog)]
    assert ("button create", "PendingGrid", "done") in said
    assert ("button keep", "PendingStop g1", "done") in said
    assert said[-1][:2] == ("button keep", None) and said[-1][2].startswith("refused: This button was used already")


def test_the_words_of_a_start_link_are_not_written_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(stage: Stage) -> None:
        await stage.ask("/start a-secret-code", "Hello")

    with caplog.at_level(logging.DEBUG, "handlers"):
        trade(story, tmp_path)
    assert [line["what"] for line in lines(caplog)] == ["/start"]
    assert "a-secret-code" not in caplog.text


def test_a_button_is_about_its_kind_of_question_and_the_grids_it_names() -> None:
    class Pending:
        grids = ("g1", "g2")

    assert subject(Pending()) == "Pending g1 g2"
    assert subject(["cake"]) == "list"
