"""Anything pressed and typed in any order, by owners and a viewer, with restarts in between: no unhandled error,
nothing made without Create, nobody served who may not.
"""

import asyncio
import logging
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.words.keyboards import MOST_BYTES
from tests.handlers.guide_stage import GuideStage, play
from tests.telegram.people import Person

WORDS = [
    "/new", "/new", "/linear", "/normal", "/geometric eth", "/cancel", "/start", "/status", "/help", "back", "suggest",
    "cancel", "btc", "eth", "doge", "linear", "normal", "geometric", "60000 65000", "-1% +1%", "5%", "±2%", "week",
    "20", "1", "100", "2000", "99999", "0.001", "0", "2000usdt", "25%", "smallest", "0.5%", "0.0001%", "yes", "no",
    "once", "loop", "count=30 profit=0.6%", "mean=62000", "mean=1", "sigma=3", "stop=50000 take=70000", "take=1",
    "above=wait", "force", "budget=1", "qty=5", "min=60000", "max=1", "hello", "<b>&amp;", "🤷", "x" * 300,
    "symbol=sol", "g1", "=", "%", "1,000", "1e9", "-0", "60k 65k", "/linear -1% +1% 3 0.001 0.5%",
    "/new sol normal -1% +1% 10 1000usdt 1% loop",
]  # fmt: skip

APART = ("Create", "Backtest")
"""Buttons that are not pressed here: one makes a grid, the other takes its time."""
Act = tuple[int, str, int]
ACTS = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.sampled_from(["say", "say", "press", "press", "press", "press", "stale", "forge", "restart", "wait"]),
        st.integers(0, 10_000),
    ),
    min_size=20,
    max_size=50,
)


async def perform(stage: GuideStage, act: Act) -> None:
    """One act: mostly Olga's, sometimes Otto's or the viewer's."""
    who, kind, luck = act
    person: Person = {8: stage.otto, 9: stage.vic}.get(who, stage.olga)
    if kind == "say":
        await stage.say(WORDS[luck % len(WORDS)], person)
    elif kind == "restart":
        await stage.restart()
    elif kind == "wait":
        stage.clock.at += stage.clock.at.resolution * 10**6 * (luck % 100_000)
    else:
        await press(stage, person, kind, random.Random(luck))


async def press(stage: GuideStage, person: Person, kind: str, luck: random.Random) -> None:
    versions = [version for message in person.screen for version in message.history] if kind == "stale" else []
    shown = [button for version in versions for button in version.buttons] or list(stage.page(person).buttons)
    fitting = [button for button in shown if button.data is not None and not button.text.endswith(APART)]
    if kind == "forge" or not fitting:
        data = luck.choice(
            ["guide_0:x", "guide_99:y", "guide_rest:", "guide_back:z", "new:", "new:q", "guide_-1:x", ":"]
        )
    else:
        data = str(luck.choice(fitting).data)
    assert len(data.encode()) <= MOST_BYTES
    stage.acts += 1
    person.press_data(data, luck.choice(person.screen) if kind == "forge" and person.screen else stage.page(person))
    await stage.settled()


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_nothing_breaks_and_nothing_is_made_without_create(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, acts: list[Act]
) -> None:
    caplog.set_level(logging.ERROR)
    caplog.clear()

    async def story(stage: GuideStage) -> None:
        for person in (stage.olga, stage.otto, stage.vic):
            await stage.say("/new", person)
        for act in acts:
            await perform(stage, act)
        await asyncio.sleep(0)
        said = [text for person in (stage.olga, stage.otto, stage.vic) for text in person.texts]
        assert not [text for text in said if "Something went wrong" in text]
        assert not [record.getMessage() for record in caplog.records if record.name.startswith("handlers")]
        assert not stage.grids
        assert stage.dialogue(stage.vic) is None
        assert all(len(text) <= 4096 for text in said)

    play(story, tmp_path)
