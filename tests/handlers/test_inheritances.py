"""Orders the store does not know, in the chat: the question, its buttons, and what each does."""

from dataclasses import replace
from pathlib import Path

from bot.core.model import Side
from bot.trading.orphans import ASKED
from tests.handlers.trading_stage import Stage, play


async def forgotten(stage: Stage) -> int:
    """A grid rests, and the state forgets it; returns how many orders rest."""
    await stage.grid("60000 61000 5 0.001 0.5%")
    state = stage.manager.state
    orders = [executor.order for executor in state.executors.values() if executor.order is not None]
    state.drop_grid("g1")
    stage.manager.heartbeat.desks["BTC/USDT"].due.clear()
    return len(orders)


async def resting(stage: Stage) -> int:
    return len(await stage.manager.world.gateway.open_orders("BTC/USDT"))


def test_orders_of_nobody_are_cancelled_when_the_owner_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        count = await forgotten(stage)
        await stage.manager.audit()
        await stage.pass_time(1, beat=1)
        told = await stage.owner.wait_for("belong to nothing I know")
        assert f"{count} orders of mine at 60,000 … 61,000" in told.text
        assert await resting(stage) == count
        stage.owner.press("Cancel those orders", told)
        await stage.owner.wait_for("orders leave the book")
        assert await resting(stage) == 0

    play(story, tmp_path)


def test_left_alone_they_stay_and_nobody_is_asked_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        count = await forgotten(stage)
        await stage.manager.audit()
        await stage.pass_time(1, beat=1)
        told = await stage.owner.wait_for("belong to nothing I know")
        stage.owner.press("Leave them", told)
        await stage.owner.wait_for("I won't touch or ask again")
        assert await resting(stage) == count
        assert ASKED not in {note["verdict"] for note in stage.manager.state.notes["orphans"].values()}

    play(story, tmp_path)


def test_an_empty_store_over_our_orders_asks_and_rebuilds_what_it_showed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("62000 62400 5 0.001 0.5%")
        for _ in range(240):
            await stage.pass_time(0.5, beat=0.5)
            orders = [executor.order for executor in stage.manager.state.executors.values()]
            if sum(order is not None and order.side is Side.SELL for order in orders) > 2:
                break
        count = await resting(stage)
        held = stage.manager.state.holding("BTC/USDT").amount
        state = stage.manager.state
        state.drop_grid("g1")
        state.put_meta(replace(state.meta, next_grid=1))
        stage.manager.heartbeat.desks["BTC/USDT"].due.clear()
        stage.manager.inheritance.begin()
        stage.manager.inheritance._is_asked = False
        await stage.manager.beat()
        told = await stage.owner.wait_for("My store is empty")
        assert f"{count} orders of mine rest" in told.text
        assert "guessed: whether it loops" in told.text
        stage.owner.press("Rebuild", told)
        await stage.owner.wait_for("made again")
        assert stage.manager.state.holding("BTC/USDT").amount == held
        assert await resting(stage) == count
        assert stage.manager.state.meta.next_grid == 2

    play(story, tmp_path)
