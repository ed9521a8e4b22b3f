"""What waits for its owner's word, in the chat: the first live start, and orders a person took off the book."""

from datetime import timedelta
from pathlib import Path

from bot.core.events import CloseReason, OrderClosed
from bot.core.lifecycle import Mode
from bot.core.model import Side
from bot.core.money import ZERO
from bot.ports import Policy
from tests.fakes import dec
from tests.handlers.trading_stage import Stage, play

ASKS = Policy(ask_first=True, max_exposure=dec(5000))


def resting(stage: Stage) -> int:
    return sum(each.order is not None for each in stage.manager.state.executors.values())


def test_the_first_live_start_asks_and_nothing_is_placed_before_it_is_pressed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        asked = await stage.owner.wait_for("Trade live?", since=0)
        assert "On it: 10,000 USDT" in asked.text
        assert "MAX_EXPOSURE 5,000, MAX_DAILY_LOSS none" in asked.text
        assert [button.text for button in asked.buttons] == ["🔑 Trade live", "Not now"]
        preview = await stage.ask("/linear -1% +1% 5 0.001 0.5% loop", "Create")
        assert "nothing is placed before you press Trade live" in preview
        told = await stage.press("Create", "created")
        assert "Its orders go out once you press Trade live" in told
        await stage.pass_time(5)
        assert resting(stage) == 0
        assert "Nothing is placed before you press Trade live" in await stage.ask("/status", "g1")
        assert "nothing is sent until an owner has pressed Trade live" in await stage.ask("/why g1.1", "g1.1")
        stage.owner.press("🔑 Trade live", asked)
        await stage.owner.wait_for("Trading live.")
        await stage.pass_time(2)
        assert resting(stage) == 5
        assert "Trade live" not in await stage.ask("/status", "g1")

    play(story, tmp_path, policy=ASKS)


def test_the_button_stands_under_what_was_created_and_resume_shows_the_question_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("-1% +1% 5 0.001 0.5% loop")
        assert [button.text for button in stage.owner.last.buttons] == ["🔑 Trade live", "Not now"]
        assert await stage.press("Not now", "Nothing was changed.") == "Nothing was changed."
        assert resting(stage) == 0
        await stage.ask("/resume", "Trade live?")
        await stage.press("Trade live", "Trading live.")
        await stage.manager.beat()
        assert resting(stage) == 5
        assert "Trade live" not in await stage.ask("/resume", "▶️")

    play(story, tmp_path, policy=ASKS)


def test_a_viewer_is_neither_asked_nor_obeyed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        asked = await stage.owner.wait_for("Trade live?", since=0)
        assert not stage.viewer.messages
        await stage.ask("/status", "", person=stage.viewer)
        answer = await stage.viewer.press_data(asked.buttons[0].data or "", stage.viewer.last).wait()
        assert answer.text == "Only an owner may press this button."
        assert not stage.manager.state.meta.confirmed_live

    play(story, tmp_path, policy=ASKS)


async def taken_off(stage: Stage) -> None:
    """Somebody cancels two orders on the exchange's own page."""
    await stage.grid("60000 61000 3 0.001 0.5% loop")
    await stage.pass_time(10)
    for key in ("g1.1", "g1.2"):
        order = stage.manager.state.executors[key].order
        assert order is not None
        stage.manager.hear([OrderClosed(order.client_id, stage.clock.now(), ZERO, CloseReason.PERSON)])
    await stage.manager.beat()
    stage.clock.at += timedelta(seconds=10)
    await stage.manager.beat()
    asked = await stage.owner.wait_for("not by me", since=0)
    assert asked.text.startswith("✋ g1 levels 1–2: orders were taken off the book")
    assert [button.text for button in asked.buttons] == ["Resume", "Leave out"]


def test_what_a_person_took_off_is_asked_about_once_and_placed_again_at_a_press(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await taken_off(stage)
        left_out = "To buy: somebody took its order off the book, so it is left out."
        assert left_out in await stage.ask("/why g1.1", "g1.1")
        told = await stage.press("Resume", "back on the book")
        assert told == "▶️ g1 levels 1–2: back on the book as the price allows."
        await stage.manager.beat()
        assert resting(stage) == 3
        assert all(each.mode is Mode.RUNNING for each in stage.manager.state.executors.values())

    play(story, tmp_path)


def test_what_is_left_out_stays_out_until_somebody_resumes_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await taken_off(stage)
        told = await stage.press("Leave out", "left out")
        assert told.startswith("⏸ g1 levels 1–2: left out.")
        await stage.pass_time(10)
        assert resting(stage) == 1
        await stage.ask("/resume g1", "▶️")
        await stage.manager.beat()
        assert resting(stage) == 3

    play(story, tmp_path)


def test_a_market_that_is_shut_stands_in_the_status(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 3 0.001 0.5% loop")
        stage.manager.heartbeat.desks["BTC/USDT"].shut = "trading is suspended"
        await stage.manager.pause("g1")
        await stage.manager.resume("g1")
        await stage.manager.beat()
        assert "⚠️ BTC/USDT: trading is suspended" in await stage.ask("/status", "g1")
        assert "the exchange has shut this market: trading is suspended" in await stage.ask("/why g1.1", "g1.1")
        assert not [each for each in stage.manager.state.executors.values() if each.leg.side is not Side.BUY]

    play(story, tmp_path)
