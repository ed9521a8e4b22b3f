"""Steering in the chat: pause, resume, stop and panic; with the real application, trader and built-in market."""

from pathlib import Path

import pytest

from bot.core.lifecycle import Mode
from bot.core.model import Side
from tests.handlers.trading_stage import Stage, play

SELLABLE = "63000 64000 5 0.001 0.5%"
"""All above the market: it buys at once, so there are coins to sell."""


def resting(stage: Stage, side: Side) -> int:
    orders = [executor.order for executor in stage.manager.state.executors.values()]
    return sum(order is not None and order.side is side for order in orders)


async def holding_grid(stage: Stage) -> None:
    """A grid that holds coins."""
    await stage.grid(SELLABLE)
    for _ in range(120):
        await stage.pass_time(0.5, beat=0.5)
        if resting(stage, Side.SELL) == 5:
            return
    raise AssertionError("it never bought")


def test_pausing_says_what_leaves_and_what_stays(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        buys = sells = 0
        for _ in range(120):
            await stage.pass_time(0.5, beat=0.5)
            buys, sells = resting(stage, Side.BUY), resting(stage, Side.SELL)
            if buys > 1 and sells > 1:
                break
        told = await stage.ask("/pause", "paused")
        assert told.startswith(f"⏸ g1 is paused: {buys} entries leave the book, {sells} exits stay.")
        assert resting(stage, Side.BUY) == 0
        assert "Nothing to pause" in await stage.ask("/pause g1", "Nothing")
        told = await stage.ask("/resume", "▶️")
        assert told.startswith("▶️ g1 runs: entries and exits are placed as the price allows.")
        assert stage.manager.state.grids["g1"].mode is Mode.RUNNING

    play(story, tmp_path)


def test_one_level_can_be_paused_alone(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 3 0.001 0.5%")
        told = await stage.ask("/pause 1.2", "paused")
        assert told == (
            "⏸ g1.2 is paused: 1 entry leaves the book, no exit rests. What is held still sells at its exits.\n"
            "/resume g1.2 goes on."
        )
        assert resting(stage, Side.BUY) == 2
        await stage.ask("/pause g1", "paused")
        assert "g1.2 may run, but g1 doesn't: /resume g1" in await stage.ask("/resume g1.2", "▶️")

    play(story, tmp_path)


def test_stop_asks_which_way_and_says_what_each_does(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await holding_grid(stage)
        told = await stage.ask("/stop g1", "Stop g1?")
        assert "Held: 0.004995 BTC, bought for " in told
        assert "Finish: no entry is on the book, 5 exits stay and what is held sells at its own exits" in told
        assert "Keep coins: 5 orders leave the book and it ends now" in told
        assert "as a taker, at the best bid or up to 1 % below it. That brings about 31" in told
        assert "against cost), at worst 3" in told
        assert [button.text for button in stage.owner.last.buttons] == ["Finish", "Keep coins", "Sell now", "Back"]
        assert await stage.press("Back", "Nothing was changed.") == "Nothing was changed."
        assert stage.manager.state.grids["g1"].mode is Mode.RUNNING

    play(story, tmp_path)


def test_finish_keeps_the_exits(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await holding_grid(stage)
        await stage.ask("/stop 1", "Stop g1?")
        told = await stage.press("Finish", "finishes")
        assert told == "🏁 g1 finishes: no entry is on the book, 5 exits stay. You are told when it is over."
        assert stage.manager.state.grids["g1"].mode is Mode.FINISHING
        assert resting(stage, Side.SELL) == 5

    play(story, tmp_path)


def test_keep_coins_ends_at_once_and_names_the_coins(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await holding_grid(stage)
        await stage.ask("/stop g1", "Stop g1?")
        told = await stage.press("Keep coins", "ends")
        assert told.startswith("🏁 g1 ends: 5 orders leave the book. Held: 0.004995 BTC")
        assert told.endswith("They stay on your account: /balance")
        await stage.manager.beat()
        await stage.owner.wait_for("0.004995 BTC stay on the account", since=0)
        assert stage.manager.state.grids["g1"].ended_at is not None

    play(story, tmp_path)


def test_a_sale_needs_a_second_press_and_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await holding_grid(stage)
        await stage.ask("/stop all", "Stop g1?")
        asked = await stage.press("Sell now", "This can't be taken back.")
        assert asked.startswith("Sell what g1 holds? Held: 0.004995 BTC")
        assert stage.manager.state.grids["g1"].sale is None
        assert resting(stage, Side.SELL) == 5
        told = await stage.press("Yes, sell now", "being sold")
        assert told.startswith("🔴 g1 is being sold: first the orders leave the book")
        await stage.pass_time(3)
        sold = await stage.owner.wait_for("🔴 g1 sold 0.004995 BTC for ", since=0)
        assert "USDT, at 6" in sold.text
        assert stage.manager.state.grids["g1"].ended_at is not None

    play(story, tmp_path)


def test_an_older_question_does_not_stop_a_younger_grid(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        question = await stage.hear("/stop all", "Stop g1?")
        await stage.grid("60000 61000 2 0.001 0.5%")
        stage.owner.press("Keep coins", question)
        await stage.owner.wait_for("g1 ends")
        await stage.manager.beat()
        assert stage.manager.state.grids["g1"].ended_at is not None
        assert stage.manager.state.grids["g2"].mode is Mode.RUNNING

    play(story, tmp_path)


def test_a_press_about_a_grid_that_has_ended_changes_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        first = await stage.hear("/stop g1", "Stop g1?")
        await stage.ask("/stop g1", "Stop g1?")
        await stage.press("Keep coins", "g1 ends")
        await stage.manager.beat()
        stage.owner.press("Sell now", first)
        await stage.owner.wait_for("Meanwhile g1 has ended, or is being sold. /grids lists what runs")

    play(story, tmp_path)


def test_a_button_does_nothing_on_a_question_of_another_kind(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        message = await stage.hear("/stop g1", "Stop g1?")
        nonce = (message.buttons[0].data or "").partition(":")[2]
        stage.owner.press_data(f"panic:{nonce}", message)
        await stage.owner.wait_for("doesn't belong to that question")
        assert not stage.manager.state.grids["g1"].halted

    play(story, tmp_path)


def test_panic_asks_once_and_halts_all(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        await stage.grid("60000 61000 3 0.001 0.5% loop")
        told = await stage.ask("/panic", "Panic?")
        assert "It cancels every order of this bot (5 orders of 2 grids)" in told
        assert "No coins are held. Coins stay on the account." in told
        told = await stage.press("panic", "Halted")
        assert told.startswith("⛔ Halted: g1 and g2. 5 orders leave the book now;")
        await stage.manager.beat()
        assert resting(stage, Side.BUY) == 0
        assert "⛔ halted" in await stage.ask("/grids")
        told = await stage.ask("/resume", "▶️")
        assert told.startswith("▶️ g1 and g2 run:")
        await stage.manager.beat()
        assert resting(stage, Side.BUY) == 5

    play(story, tmp_path)


def test_after_a_panic_a_finishing_grid_goes_on_finishing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await holding_grid(stage)
        await stage.ask("/stop g1", "Stop g1?")
        await stage.press("Finish", "finishes")
        await stage.ask("/panic", "Panic?")
        await stage.press("panic", "Halted")
        assert "▶️ g1 goes on finishing: what is held sells at its exits." in await stage.ask("/resume g1", "▶️")

    play(story, tmp_path)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("/stop", "An id or all is missing. Example: /stop g1"),
        ("/stop g9", "There is no grid or level"),
        ("/stop g1.1", "That is one level. Pause it with /pause g1.1, or stop its grid: /stop g1"),
        ("/stop <b>", "“<b>” isn't the id of a grid or a level. Example: /stop g1"),
        ("/pause g1 g2", "“g1 g2” is more than one id. Example: /pause g1"),
        ("/pause " + "g1" * 2000, "isn't the id of a grid or a level. Example: /pause g1"),
        ("/resume g77", "There is no grid or level"),
    ],
)
def test_what_is_not_there_can_t_be_steered(tmp_path: Path, words: str, answer: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        told = await stage.ask(words)
        assert answer in told
        assert len(told) < 300
        assert stage.manager.state.grids["g1"].mode is Mode.RUNNING

    play(story, tmp_path)


def test_without_grids_there_is_nothing_to_steer(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "nothing to stop" in await stage.ask("/stop all")
        assert await stage.ask("/panic") == "No grid runs, so no order of this bot is on the book."
        assert "Nothing to pause" in await stage.ask("/pause")
        assert "Nothing to resume" in await stage.ask("/resume")

    play(story, tmp_path)


def test_a_viewer_steers_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        for words in ("/pause", "/resume", "/stop all", "/panic"):
            assert "Only an owner" in await stage.ask(words, person=stage.viewer)

    play(story, tmp_path)


def test_the_alarm_of_a_stop_price_has_buttons_that_sell_or_resume(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        mark = stage.owner.mark()
        await stage.grid("62000 63000 5 0.001 0.5% stop=62900 force")  # the price is below it from the start
        for _ in range(4):
            await stage.pass_time(1)
        alarm = await stage.owner.wait_for(lambda message: "Resume" in str(message.buttons), since=mark)
        assert "62,900" in alarm.text
        modes = [stage.manager.state.grids["g1"].mode]
        assert resting(stage, Side.BUY) == 0
        await stage.press("Resume", "g1 runs")
        modes.append(stage.manager.state.grids["g1"].mode)
        assert modes == [Mode.PAUSED, Mode.RUNNING]
        assert not [message for message in stage.viewer.messages if message.buttons]

    play(story, tmp_path)
