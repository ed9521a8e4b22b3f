"""Thousands of updates of every kind, from owners, viewers and strangers, at every step of every dialogue: no unhandled
error, no stranger served, no viewer obeyed, nothing created without Create.
"""

import asyncio
import logging
import random
from collections import Counter
from pathlib import Path

import pytest

from bot.core.money import use_exact
from handlers.chat.polling import readable
from tests.handlers.fuzz_stage import OLGA, FuzzStage, quick_pictures
from tests.handlers.judge import Judge
from tests.handlers.mischief import Act, Mischief

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
MOST_AT_ONCE = 4
MESSAGES_KEPT = 250
SHARE, WHOLE = 1200, 8000
"""Updates in the ordinary suite, and in each of the long days."""


class Story:
    """One long day of mischief. `counts`: updates by kind."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.luck = random.Random(seed)
        self.stage = FuzzStage(folder)
        self.counts: Counter[str] = Counter()
        self.mischief = Mischief(self.stage, self.luck)
        self.judge: Judge

    async def play(self, updates: int) -> None:
        await self.stage.begin()
        self.judge = Judge(self.stage)
        logging.getLogger().addHandler(self.judge.ear)
        try:
            await self.stage.listen()
            await self.stage.settled()
            while self.counts.total() < updates:
                await self.step()
            await self.epilogue()
        finally:
            logging.getLogger().removeHandler(self.judge.ear)
            await self.stage.stop()

    async def step(self) -> None:
        """Some acts at once; then perhaps time, or the end of a life."""
        acts = self.acts(self.luck.choice([1, 1, 1, 2, MOST_AT_ONCE]))
        if self.luck.random() < 0.004:
            await self.restart(acts)
            return
        await self.settled(acts)
        self.judge.judge(acts)
        if self.luck.random() < 0.12:
            await self.world()
        self.stage.forget(MESSAGES_KEPT)

    async def settled(self, acts: list[Act]) -> None:
        try:
            await self.stage.settled()
        except TimeoutError:
            pytest.fail(f"never dealt with: {acts}")

    def acts(self, count: int) -> list[Act]:
        acts = [self.mischief.act() for _ in range(count)]
        self.counts.update(act.kind for act in acts)
        return acts

    async def restart(self, acts: list[Act]) -> None:
        """A life ends in the middle of these acts; the next one brings up what was not finished."""
        for _ in range(self.luck.randrange(40)):
            await asyncio.sleep(0)
        await self.stage.stop()
        self.judge.judge(acts)
        await self.stage.begin()
        self.judge.note("a restart")
        self.judge.look_again()
        await self.stage.listen()
        await self.stage.settled()
        self.judge.judge(acts)

    async def world(self) -> None:
        """Time, prices and fills go on."""
        match self.luck.randrange(12):
            case 0:
                self.stage.clock.at += self.stage.clock.at.resolution * 10**6 * self.luck.choice([61, 601, 90_000])
                await self.stage.manager.beat()
            case 1:
                await self.stage.manager.fold()
                await self.stage.manager.report()
                await self.stage.manager.audit()
            case _:
                await self.stage.pass_time(self.luck.choice([1, 5, 20]), self.luck.choice([1, 3]))
        await self.stage.settled()
        self.judge.note("time went by")
        self.judge.look_again()

    async def epilogue(self) -> None:
        """The bot still answers."""
        for owner in self.stage.owners:
            owner.say("/status")
        await self.stage.settled()
        for owner in self.stage.owners:
            assert owner.find("(simulated)", owner.chat.mark), owner.transcript()
        self.judge.listen(())
        assert self.judge.owners_heard >= {f"{stranger.id}" for stranger in self.stage.strangers}


def play(folder: Path, seed: int, updates: int) -> Story:
    async def run() -> Story:
        use_exact()
        story = Story(folder, seed)
        await story.play(updates)
        return story

    with quick_pictures():
        return asyncio.run(run())


def test_whatever_is_sent_nothing_breaks_and_only_owners_are_obeyed(tmp_path: Path) -> None:
    story = play(tmp_path, 1, SHARE)
    assert story.stage.manager.state.grids, "somebody pressed Create"
    assert story.stage.lives > 1
    assert len(story.counts) > 25


def test_a_date_that_no_calendar_has_does_not_make_the_bot_deaf() -> None:
    chat = {"id": OLGA, "type": "private"}
    for date in (2**63, 10**15, -(2**62)):
        poison = {"update_id": 5, "message": {"message_id": 1, "date": date, "chat": chat, "text": "/status"}}
        assert readable(poison) == {"update_id": 5}


def test_in_a_chat_of_no_known_kind_nothing_is_said(tmp_path: Path) -> None:
    async def run() -> None:
        stage = FuzzStage(tmp_path)
        await stage.begin()
        await stage.listen()
        mallory = stage.strangers[0]
        chat = {**mallory.chat.json(), "type": "of tomorrow"}
        message = {"message_id": 1, "date": 1, "chat": chat, "from": mallory.user, "text": "/status"}
        stage.api.push_update("message", message)
        await stage.settled()
        assert not mallory.texts
        await stage.stop()

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_long_days_of_mischief(tmp_path: Path, seed: int) -> None:
    story = play(tmp_path, seed, WHOLE)
    pressed = story.judge.pressed
    assert {"create", "apply", "sell_now", "panic", "finish", "keep", "now"} <= pressed.keys(), pressed
    assert story.counts.total() >= WHOLE
