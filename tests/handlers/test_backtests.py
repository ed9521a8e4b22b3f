"""/backtest and the button under a preview: words, picture, figures; and what is said where it can't be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import CommandError
from handlers import backtests, pictures
from tests.handlers.trading_stage import Stage, play
from tests.telegram.html_rules import utf16_length
from tests.telegram.world import Message

GRID = "linear -1% +1% 3 0.001 0.5% loop"


def is_answer(message: Message) -> bool:
    return message.text.startswith("Backtest: ")


def test_a_grid_is_traded_over_recent_prices_and_shown(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(f"/backtest {GRID} days=1", is_answer)
        assert shown.kind == "photo" and shown.file is not None and shown.file.height == 1350
        assert utf16_length(shown.text) <= 1024 and not shown.buttons
        heads = [line.partition(":")[0] for line in shown.text.splitlines()]
        assert heads[0] == "Backtest"
        assert shown.text.startswith("Backtest: linear BTC/USDT, 3 levels, loop\nThe last 1 d, 1,440 minutes")
        figures = ["Closed trades", "Realised", "Open", "Together", "Deepest fall", "Holding instead", "Bound at worst"]
        assert heads[2:9] == figures
        assert "/linear BTC/USDT 61875 63125 3 0.001 0.5% loop" in shown.text
        assert "No promise." in shown.text
        assert not stage.manager.state.grids and not stage.manager.state.executors

    play(story, tmp_path)


def test_the_button_under_a_preview_answers_with_a_picture_of_its_own_and_stays(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(f"/{GRID}", "Preview")
        for _ in range(2):
            await stage.owner.press("Backtest", shown).wait()
            answer = await stage.owner.wait_for(is_answer)
            assert answer.id > shown.id and answer.kind == "photo"
        await stage.press("Create", "g1 created")

    play(story, tmp_path)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of the lively market is enough."""
    monkeypatch.setattr(backtests, "USUAL_DAYS", 1)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("", "A grid is needed, such as /backtest linear -5% +5% 20 0.001 0.5% loop days=7"),
        ("days=3", "A grid is needed, such as /backtest linear"),
        ("linear 1 2 3", "such as /backtest linear"),
        ("zigzag 1 2 3 4 5", "“zigzag” isn't a market here"),
        (f"{GRID} days=0", "A backtest is of 1 to 60 days, such as /backtest linear"),
        (f"{GRID} days=61", "A backtest is of 1 to 60 days"),
        (f"{GRID} days=2.5", "A backtest is of 1 to 60 days"),
        (f"{GRID} days=", "A backtest is of 1 to 60 days"),
        (f"{GRID} days=٣", "A backtest is of 1 to 60 days"),
        ("linear -1% +1% 2001 0.001 0.5%", "at most 2,000 levels"),
        ("linear -1% +1% 20 0.000001 0.5%", "No level can trade"),
        ("linear -1% +1% 20 0.001 0.05%", "below the fees of both legs"),
    ],
)
def test_words_that_can_t_be_traded_are_answered_with_an_example(tmp_path: Path, words: str, answer: str) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask(f"/backtest {words}")
        assert answer in told and len(told) < 600

    play(story, tmp_path)


@pytest.mark.parametrize(
    "words", ["-1% +1% 3 0.001 0.5%", "/geometric 61000 64000 3 0.001 0.5%", "NORMAL btc -1% +1% 3 0.001 1%"]
)
def test_the_shape_may_be_left_out_or_written_as_a_command(tmp_path: Path, words: str) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear(f"/backtest days=1 {words}", is_answer)
        shape = next((each for each in ("geometric", "normal") if each in words.lower()), "linear")
        assert shown.text.startswith(f"Backtest: {shape} BTC/USDT, 3 levels, once")

    play(story, tmp_path)


def test_what_takes_longer_is_said_to_be_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        monkeypatch.setattr(backtests, "AT_ONCE", 0.0)
        shown = await stage.hear(f"/backtest {GRID} days=1", is_answer)
        assert stage.owner.screen[-2].text.startswith("Trading the grid over the last 1 day of BTC/USDT")
        assert stage.owner.last.id == shown.id

    play(story, tmp_path)


def test_where_drawing_fails_the_figures_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def undrawn(*_: object) -> None:
        return None

    async def story(stage: Stage) -> None:
        monkeypatch.setattr(pictures, "backtest", undrawn)
        shown = await stage.hear(f"/backtest {GRID} days=1", is_answer)
        assert shown.kind == "text" and "Closed trades" in shown.text

    play(story, tmp_path)


def test_one_is_traded_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        may_go, trade = asyncio.Event(), stage.chat.rehearsals._traded

        async def later(*given: object) -> object:
            await may_go.wait()
            return await trade(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(stage.chat.rehearsals, "_traded", later)
        stage.owner.say(f"/backtest {GRID} days=1")
        told = await stage.ask(f"/backtest {GRID} days=1", "Another backtest is running")
        assert "send it again when that one is done" in told
        may_go.set()
        await stage.owner.wait_for(is_answer)

    play(story, tmp_path)


def test_a_viewer_backtests_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "Only an owner" in await stage.ask(f"/backtest {GRID}", person=stage.viewer)

    play(story, tmp_path)


def test_days_stand_anywhere_among_the_words() -> None:
    assert backtests._days(["linear", "DAYS=7", "1", "2"]) == (["linear", "1", "2"], 7)
    assert backtests._days(["linear", "days", "7"]) == (["linear", "days", "7"], 1)
    with pytest.raises(CommandError):
        backtests._days(["days=7d"])
