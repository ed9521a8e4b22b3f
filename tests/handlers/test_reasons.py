"""Every reason the trader can have for what a level does has words of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core import wishes
from bot.core.events import Refusal
from bot.core.lifecycle import Mode
from bot.core.money import use_exact
from bot.texts.catalogue import read
from bot.trading import desk, exposure, gate, guards
from handlers.words import reasons
from tests.handlers.samples import LATER, QUOTE, ZONE, D, waiting
from tests.handlers.trading_stage import Stage, play


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def calls(path: str, *names: str) -> Iterator[ast.expr]:
    """What is handed to these calls as their words: the first argument of a Wish, the last of the others."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node.args[0] if node.func.id == "Wish" else node.args[-1]


def beginning(words: ast.expr) -> str:
    """The words, or what they begin with; constants of the module by their value, empty for what is computed."""
    match words:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text
        case ast.Name(id=name):
            return str(getattr(wishes, name, ""))
    return ""


def test_every_wish_of_a_level_has_words() -> None:
    found = [beginning(words) for words in calls(str(wishes.__file__), "Wish", "_cancel", "_near")]
    texts = {text.strip(": ") for text in found if text}
    assert len(texts) > 20 and "resting at its target" in texts
    known = set(reasons.MEANINGS)
    unknown = {text for text in texts if not any(text.startswith(key) or key.startswith(text) for key in known)}
    assert unknown == set()


def test_every_mode_and_what_holds_a_grid_back_has_words() -> None:
    assert {mode.name.lower() for mode in Mode if mode is not Mode.RUNNING} <= set(reasons.MEANINGS)
    held_back = {exposure.FOR_FUNDS, exposure.FOR_ROOM, gate.SILENCE, gate.UNCONFIRMED, desk.NOT_LOOKED}
    assert held_back <= set(reasons.MEANINGS)


def test_every_reason_and_refusal_has_both_of_its_texts() -> None:
    assert len(set(reasons.MEANINGS.values())) == len(reasons.MEANINGS)
    slugs = [*reasons.MEANINGS.values(), *(f"refused.{refusal.name.lower()}" for refusal in Refusal)]
    told = {f"reasons.{slug}.{part}" for slug in slugs for part in ("means", "then")}
    grid_whys = {f"reasons.grid_why.{slug}" for slug in reasons.GRID_WHYS.values()}
    assert told | grid_whys <= read("en").keys


def test_every_reason_of_a_guard_to_turn_a_grid_has_words() -> None:
    tree = ast.parse(Path(str(guards.__file__)).read_text(encoding="utf-8"))
    turned = [
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "turned"
        if len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
    ]
    assert turned and set(turned) <= set(reasons.GRID_WHYS)


def test_the_exchanges_words_and_order_ids_are_told_apart() -> None:
    found = reasons.meaning(waiting("frozen: order x7kq00100a1b000001 traded <2>"))
    assert "can't be right: order traded &lt;2&gt;" in found.means and "/resume g1.7" in found.then
    refused = waiting("not enough funds: need 5", refusal="not enough funds: need 5")
    assert reasons.meaning(refused).means == "the exchange refused it for want of funds"
    assert reasons.meaning(waiting("something <new>")).means == "something &lt;new&gt;"


def test_the_next_try_is_a_time_or_a_price() -> None:
    when = reasons.next_try(waiting("x", next_try=LATER, fall=D(60000)), ZONE, QUOTE)
    assert when == "Next try at 11:01:07 or when the price is at or below 60,000 (−4.02 %)"
    assert reasons.next_try(waiting("x", rise=D(70000)), ZONE, None) == "Next try when the price is at or above 70,000"
    assert reasons.next_try(waiting("x"), ZONE, QUOTE) == ""


@pytest.mark.parametrize(
    ("mode", "grid_mode", "said"),
    [
        (Mode.PAUSED, Mode.PAUSED, "Its grid is paused (MAX_DAILY_LOSS was reached today): /resume g1 goes on"),
        (Mode.PAUSED, Mode.RUNNING, "The level itself is paused: /resume g1.7 goes on"),
        (Mode.RUNNING, Mode.RUNNING, ""),
        (Mode.FINISHING, Mode.FINISHING, ""),
    ],
)
def test_what_holds_a_level_back_is_named(mode: Mode, grid_mode: Mode, said: str) -> None:
    why = "MAX_DAILY_LOSS reached" if grid_mode is Mode.PAUSED else ""
    assert reasons.resume(waiting("paused", mode=mode, grid_mode=grid_mode, grid_why=why)) == said


def test_a_market_nobody_has_looked_at_says_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 3 0.001 0.5%")
        await stage.ask("/pause g1", "paused")
        await stage.manager.beat()
        stage.manager.heartbeat.desks["BTC/USDT"].is_known = False
        grid = stage.manager.state.grids["g1"]
        stage.manager.state.put_grid(grid.turned(Mode.RUNNING))
        told = await stage.ask("/why g1.1", "To buy")
        assert "nothing is sent before the exchange has said which of its orders rest there" in told
        assert "It is asked with each heartbeat." in told

    play(story, tmp_path)
