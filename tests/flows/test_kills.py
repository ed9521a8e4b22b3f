"""`kill -9` in the middle of trading, again and again: what the next start finds is the exchange's truth.

The moments are drawn from a seed: while orders leave, while fills are told, right after Create was pressed.
"""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.flows import chat, oracle
from tests.flows.process import Bot, until
from tests.telegram.bot_api import ThreadedBotApi
from tests.telegram.floods import FloodLimits
from tests.telegram.people import Person, Press


def ask_and_press(api: ThreadedBotApi, owner: Person, chance: random.Random, bot: Bot) -> Press:
    """Create is pressed, and the process dies within a moment of hearing of it."""
    owner.say(chat.GRID)
    owner.wait_for_sync("Nothing is sent before", 20)
    handed = len(api.updates.handed_out)
    press = owner.press("Create")
    api.wait_for_sync(lambda: len(api.updates.handed_out) > handed, 20, "the press to be fetched")
    time.sleep(chance.choice((0.0, 0.003, 0.01, 0.03, 0.1)))
    bot.kill()
    return press


def have_a_grid(folder: Path, api: ThreadedBotApi, owner: Person, press: Press) -> None:
    """The press was lost with the process, and its person hears so; or it was heard, and there is one grid."""

    def news() -> str:
        if press.answered and press.answer.text:
            return press.answer.text
        found = owner.find("Back at", mark) or owner.find("I was restarted", mark)
        return found.text if found is not None else ""

    with chat.start(folder, api) as bot:
        mark = owner.mark()
        heard = api.wait_for_sync(news, 20, "news of the press")
        made = oracle.grids(bot.results)
        assert len(made) <= 1
        if not made:
            assert "restart" in heard
            chat.create(owner)
        until(lambda: oracle.deals(bot.results), what="orders")
        bot.kill()
    oracle.nothing_is_doubled(bot.results)


def end_in_peace(folder: Path, api: ThreadedBotApi, owner: Person) -> Path:
    """A life that is not cut short: late words are asked about, everything is told, the book is emptied."""
    owner.say("/linear 60k 65k 3 0.001 0.5", date=time.time() - 90)  # said while it was dead
    mark = owner.mark()
    with chat.start(folder, api) as bot:
        owner.wait_for_sync("it has not been done", 20, since=mark)
        owner.wait_for_sync("Back at", 20, since=mark)
        owner.press("Do it now")
        owner.wait_for_sync("Nothing is sent before", 20, since=mark)
        owner.press("Cancel")
        until(lambda: oracle.ledger(bot.results), 60, "a closed trade")
        owner.say("/panic")
        owner.wait_for_sync("Panic?", 20)
        owner.press(lambda button: "Cancel" not in button.text and "No" not in button.text)
        owner.wait_for_sync("Halted", 20)
        until(lambda: not any(deal.is_open for deal in oracle.deals(bot.results)), what="an empty book")
        api.wait_for_sync(lambda: not untold(owner, bot.results), 30, "every closed trade to be told")
        until(lambda: not oracle.state(bot.results).get("outbox"), what="an empty outbox")
        code, _ = bot.stop()
        assert (code, bot.errors.lines) == (0, [])
        return bot.results


def untold(owner: Person, results: Path) -> int:
    told, counted = chat.closed_told(message.text for message in owner.messages)
    lines = Counter(line.executor for line in oracle.ledger(results))
    return max(0, sum((lines - told).values()) - counted)


def a_life_of_kills(folder: Path, seed: int, kills: int) -> None:
    chance = random.Random(seed)
    with ThreadedBotApi(flood=FloodLimits()) as api:
        owner = chat.owner_of(api)
        with chat.start(folder, api) as bot:
            press = ask_and_press(api, owner, chance, bot)
        have_a_grid(folder, api, owner, press)
        for _ in range(kills):
            before = len(oracle.deals(bot.results))
            with chat.start(folder, api) as bot:
                # Wherever it is: starting, placing, trading.
                if chance.random() < 0.7:
                    until(lambda: len(oracle.deals(bot.results)) > before, what="an order")  # noqa: B023
                time.sleep(chance.uniform(0, 1.0))
                bot.kill()
            oracle.nothing_is_doubled(bot.results)
        results = end_in_peace(folder, api, owner)
        assert [grid.id for grid in oracle.grids(results)] == ["g1"]
        oracle.nothing_is_lost(results)


def test_nothing_is_doubled_or_lost_by_kills(tmp_path: Path) -> None:
    a_life_of_kills(tmp_path, seed=1, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_nothing_is_doubled_or_lost_by_many_kills(tmp_path: Path, seed: int) -> None:
    a_life_of_kills(tmp_path, seed, kills=10)
