"""Conversations with all of their answers and refusals as a person sees them, held against files under `golden/`.

The rule: the real application and trader over the loopback Telegram; what differs from run to run (memory, latency,
versions) is not asked for here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

from tests.handlers.golden_texts import check
from tests.handlers.trading_stage import Stage, play
from tests.telegram.keyboards import Button
from tests.telegram.world import Message

ASKED = (
    # before there is anything
    "/help", "/status", "/grids", "/orders", "/balance", "/price", "/trades", "/export", "/pnl", "/why g1", "/grid g1",
    "/pause g1", "/pause", "/resume all", "/stop all", "/panic", "/reconcile",
    # what is not understood
    "/linaer 1 2", "hello", "status", "60000", "btc", "g1.7", "/\u0455t\u0430tus", "/price <b>", "/price btc eth",
    "/price dogge", "/grid", "/grid g1 g2", "/why", "/why <i>", "/stop", "/pause x", "/pnl year", "/pnl week g9",
    "/trades 0", "/trades ten", "/logs 999", "/alerts louder", "/cancel", "/restore", "/edit g1 count=3",
    "/edit", "/backtest", "/backtest linear 60000 61000 3", "/backtest linear 60000 61000 3 0.001 0.5% days=x",
    # grids that can't be
    "/linear 60000", "/linear 60000 61000 3 0.001", "/linear 60000 61000 3 1,000 0.5%", "/linear 60000 61000 3 x 0.5%",
    "/linear 61000 60000 3 0.001 0.5%", "/linear 60000 61000 0 0.001 0.5%", "/linear 60000 61000 2.5 0.001 0.5%",
    "/linear 60000 61000 99999 0.001 0.5%", "/linear 60000 61000 3 -1 0.5%", "/linear 60000 61000 3 0.001 0.5% lop",
    "/linear 60000 61000 3 0.001 0.5% stop=", "/linear 60000 61000 3 0.001 0.5% colour=red",
    "/linear 60000 61000 3 0.001 0.5% above=maybe", "/linear nowhere 1 2 3 4 5", "/linear btc 1e5 61000 3 0.001 0.5%",
    "/linear 60000 61000 3 0.001 0.5% budget=100", "/linear 60000 61000 3 2000EUR 0.5%",
    "/normal 60000 61000 3 0.001 0.5% sigma=0",
)  # fmt: skip
LATER = (
    "/status", "/grids", "/orders", "/balance", "/price", "/why g1", "/why g1.2", "/why g1.9", "/pause g1.2",
    "/why g1.2", "/pause", "/pause", "/why g1", "/status", "/resume", "/resume g1.2", "/pnl day g1.2", "/stop g1.2",
    "/stop g2", "/reconcile",
)  # fmt: skip
VIEWED = ("/start", "/help", "/status", "/linear 1 2", "/panic", "/paus", "eth")


GUIDED = (
    ("/start", "Hello"), ("/start", "Begin with"), ("[New grid", "1 of 8"), ("nowhere", "isn't a market"),
    ("[BTC/USDT", "2 of 8"),
    ("[Linear", "3 of 8"), ("[« Back", "2 of 8"), ("[Linear", "3 of 8"), ("dear", "⚠️"), ("61000 64000", "4 of 8"),
    ("20", "5 of 8"), ("0.001", "6 of 8"), ("0.5", "7 of 8"), ("[⭐", "8 of 8"), ("count=10", "linear BTC/USDT, 10"),
    ("[Create", "g1 created"), ("/linear", "1 of 7"), ("/cancel", "Cancelled"), ("/new", "1 of 8"),
    ("[Suggest", "8 of 8"), ("/cancel", "Cancelled"),
)  # fmt: skip
STEERED = (
    ("/grid g1", "running"), ("[Levels", "g1.20"), ("/edit g1", "Edit g1"), ("/edit g1 count=x", "COUNT"),
    ("/edit g1 count=10", "Apply"), ("[Cancel", "Nothing was changed"), ("/edit g1 count=10 profit=0.6%", "Apply"),
    ("[Apply", "g1"), ("/pause g1", "paused"), ("/stop g1", "Stop g1?"), ("[Sell now", "Sell what"),
    ("[Back", "Nothing was changed"), ("/panic", "Panic?"), ("[Yes, panic now", "Halted"), ("/status", "halted"),
    ("/resume", "runs"), ("/stop all", "Stop g1?"), ("[Finish", "finish"), ("/alerts", "What I push"),
    ("[🔔 Fills", "🔕 Fills"), ("/backup", "Backup of"),
)  # fmt: skip


def told(message: Message) -> str:
    """What came, with its buttons."""
    rows: dict[int, list[str]] = {}
    for button in message.now.buttons:
        rows.setdefault(button.row, []).append(f"[{button.text}]")
    return "\n".join([message.text, *(" ".join(row) for row in rows.values())])


def test_a_conversation(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        said: dict[str, str] = {}

        async def hear(words: str, who: str = "owner") -> None:
            person = stage.viewer if who == "viewer" else stage.owner
            message = await stage.hear(words, person=person)
            said[f"{len(said) + 1}. {who}: {words}"] = told(message)

        for words in ASKED:
            await hear(words)
        await stage.grid("60000 61000 3 0.001 0.5%")
        for words in LATER:
            await hear(words)
        for words in VIEWED:
            await hear(words, "viewer")
        check("conversation", said)

    play(story, tmp_path, funds={"USDT": Decimal(10_000)})


def is_meant(words: str, button: Button) -> bool:
    """Whether these words mean this button: `⭐` what is suggested, and not the button that suggests all of it."""
    return words in button.text and (words == "Suggest" or "Suggest" not in button.text)


async def acted(stage: Stage, acts: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What came of saying or pressing each of these."""
    said: dict[str, str] = {}
    for act, answer in acts:
        if act.startswith("["):
            stage.owner.press(partial(is_meant, act[1:]))
        else:
            stage.owner.say(act)
        said[f"{len(said) + 1}. {act}{']' * act.startswith('[')}"] = told(await stage.owner.wait_for(answer))
    return said


def test_the_dialogue_of_a_new_grid(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        check("dialogue", await acted(stage, GUIDED))

    play(story, tmp_path)


def test_steering_a_grid_by_buttons(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("61000 62000 20 0.001 0.5% loop")
        check("steering", await acted(stage, STEERED))

    play(story, tmp_path)
