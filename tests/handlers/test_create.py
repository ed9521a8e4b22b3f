"""Making grids in the chat: words, preview, Create, Cancel; with the real application, trader and built-in market."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.grids import GridSpec, Shape
from bot.core.preview import Preview
from bot.core.specs import as_command
from tests.handlers.trading_stage import TAG, Stage, play


def test_nothing_is_sent_before_create_and_create_makes_the_grid(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.ask("/linear -1% +1% 20 0.001 0.5% loop", "Preview")
        assert "/linear BTC/USDT 61875 63125 20 0.001 0.5% loop" in shown
        assert "11» 62,532.89 62,845.56  0.001" in shown
        assert "» 10 levels above the market buy at once, near 62,500.02: about 625 USDT." in shown
        assert "Bound at worst, when every level has bought: 1,250 USDT." in shown
        texts = [button.text for button in stage.owner.last.buttons]
        assert texts == ["✅ Create", "Cancel", "1h", "4h", "1d", "1w", "Backtest"]
        await stage.pass_time(3)
        assert not stage.manager.state.grids
        told = await stage.press("Create", "created")
        assert told.startswith("✅ g1 created: linear BTC/USDT, 20 levels.")
        assert "/grid g1 looks at it, /pause g1 pauses, /stop g1 ends it." in told
        assert not stage.owner.last.buttons
        await stage.manager.beat()
        assert sum(executor.order is not None for executor in stage.manager.state.executors.values()) == 20

    play(story, tmp_path)


def test_every_message_says_that_the_money_is_not_real(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for words in ("/linear", "/linear -1% +1% 3 0.001 0.5%", "/status", "/linear nonsense"):
            assert (await stage.hear(words)).text.endswith(TAG) or words.endswith("nonsense")

    play(story, tmp_path)


def test_create_works_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        message = await stage.hear("/linear -1% +1% 3 0.001 0.5%", "Preview")
        await stage.press("Create", "created")
        again = stage.owner.press("Create", message, stale=True)
        assert "used already" in (await again.wait()).text
        assert list(stage.manager.state.grids) == ["g1"]

    play(story, tmp_path)


def test_cancel_sends_nothing_and_gives_the_words_back(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.ask("/geometric 61000 64000 4 0.001 0.5%", "Preview")
        told = await stage.press("Cancel", "Cancelled")
        assert told == (
            "Cancelled; nothing was sent. To change it, copy:\n/geometric BTC/USDT 61000 64000 4 0.001 0.5%"
        )
        assert not stage.manager.state.grids

    play(story, tmp_path)


def test_a_market_that_moved_brings_a_new_preview_and_creates_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = await stage.hear("/linear 62000 62400 20 0.001 0.5% loop", "Preview")
        amount, profit = Decimal("0.001"), Decimal("0.5")
        ends = Decimal(62000), Decimal(62400)
        spec = GridSpec(Shape.LINEAR, "BTC/USDT", *ends, 20, amount, None, profit, loop=True)
        before = await stage.manager.preview(spec)
        after = await moved_since(stage, before)
        told = await stage.press("Create", "The market has moved since, so nothing was sent")
        assert "press again" in told
        second = await stage.owner.wait_for(lambda message: message.id > first.id and "Preview" in message.text)
        assert f"{len(after.immediate)} level" in second.text or not after.immediate
        assert as_command(spec) in second.text
        assert not stage.manager.state.grids
        await stage.press("Create", "g1 created")

    async def moved_since(stage: Stage, before: Preview) -> Preview:
        for _ in range(60):
            await stage.pass_time(0.5, beat=0.5)
            after = await stage.manager.preview(before.spec)
            if after.changed_since(before):
                return after
        raise AssertionError("the market never moved")

    play(story, tmp_path)


def test_what_can_t_be_created_has_no_create_button(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        shown = await stage.hear("/linear 60000 65000 20 1 0.05% loop", "Preview")
        assert not shown.buttons
        assert "🛑 A profit of 0.05 % is below the fees of both legs" in shown.text
        assert "🛑 It would bind" in shown.text
        assert "Change the command and send it again:\n/linear BTC/USDT 60000 65000 20 1 0.05% loop" in shown.text

    play(story, tmp_path)


def test_without_words_a_line_is_offered_that_works_when_it_is_sent(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for shape in Shape:
            offered = await stage.ask(f"/{shape}", "tap to copy")
            line = next(line for line in offered.splitlines() if line.startswith(f"/{shape} BTC/USDT"))
            assert " 20 0.001 0.5% loop" in line
            budget = next(line for line in offered.splitlines() if line.startswith(f"/{shape} ") and "budget=" in line)
            for words in (line, budget):
                shown = await stage.hear(words, "Preview")
                assert "✅ Create" in [button.text for button in shown.buttons], words
                assert "×" not in shown.text

    play(story, tmp_path)


def copied(offered: str) -> str:
    """The line to copy of what a shape's command says without words."""
    return next(line for line in offered.splitlines() if line.startswith("/"))


@pytest.mark.parametrize("funds", ["25", "100", "1000", "1000000000"])
def test_the_line_that_is_offered_suits_the_funds(tmp_path: Path, funds: str) -> None:
    async def story(stage: Stage) -> None:
        offered = await stage.ask("/linear", "tap to copy")
        shown = await stage.hear(copied(offered), "Preview")
        assert "✅ Create" in [button.text for button in shown.buttons]

    play(story, tmp_path, funds={"USDT": Decimal(funds)})


@pytest.mark.parametrize("funds", ["0", "3"])
def test_without_funds_the_line_says_that_they_are_missing(tmp_path: Path, funds: str) -> None:
    async def story(stage: Stage) -> None:
        offered = await stage.ask("/linear", "once there are funds for it")
        assert "/linear BTC/USDT" in offered

    play(story, tmp_path, funds={"USDT": Decimal(funds)})


def test_a_profit_that_is_offered_covers_high_fees(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        offered = await stage.ask("/linear", "tap to copy")
        assert "3.6% loop" in copied(offered)

    play(story, tmp_path, fee="0.009")


def test_many_levels_come_in_several_messages_with_the_buttons_on_the_last(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        last = await stage.hear("/linear 60000 65000 200 0.0001 0.5%", "Nothing is sent before")
        messages = [message for message in stage.owner.screen if message.id <= last.id]
        assert [bool(message.buttons) for message in messages] == [False] * (len(messages) - 1) + [True]
        text = "\n".join(message.text for message in messages)
        assert all(f"\n{number:3}" in f"\n{text}" for number in range(1, 201))
        await stage.press("Create", "200 levels")

    play(story, tmp_path)


def test_very_many_levels_come_as_a_file(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.hear("/normal 60000 65000 1000 0.0001 0.5%", "970 levels between")
        document = next(message for message in stage.owner.screen if message.now.content.file is not None)
        assert document.now.content.file is not None
        assert document.now.content.file.data.count(b"\n") == 1001
        await stage.press("Create", "1,000 levels")
        assert len(stage.manager.state.executors) == 1000

    play(story, tmp_path)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("/linear 1 2 3 4", "PROFIT is missing"),
        ("/linear <b>x</b> 1 2 3 4 5", "“<b>x</b>” isn't a market here"),
        ("/linear doge 1 2 3 4 5", "isn't a market here"),
        ("/linear " + "9" * 4000, "Example: /linear BTC/USDT"),
        ("/normal 1 2 0 1 1%", "COUNT must be a whole number"),
        ("/linear " + "1 " * 100, "at most 40 words"),
    ],
)
def test_words_that_can_t_be_obeyed_are_answered_with_an_example(tmp_path: Path, words: str, answer: str) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask(words)
        assert answer in told
        assert len(told) < 400

    play(story, tmp_path)


def test_a_viewer_makes_no_grid(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "Only an owner" in await stage.ask("/linear -1% +1% 3 0.001 0.5%", person=stage.viewer)

    play(story, tmp_path)
