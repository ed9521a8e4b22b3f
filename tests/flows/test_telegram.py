"""The whole story through Telegram: a grid, its trades, who may speak and who may not, late words and buttons.

One worker plays it all; python-telegram-bot talks HTTP to a loopback Bot API that minds the flood limits.
"""

import re
import time
from collections import Counter
from pathlib import Path

from tests.flows import chat, oracle
from tests.flows.process import STOP_SECONDS, until
from tests.telegram.bot_api import ThreadedBotApi
from tests.telegram.floods import FloodLimits
from tests.telegram.people import Person

PUSH = re.compile(r"(\d\d:\d\d:\d\d )?(🟢|🔴|💰|🔻|📦)")


def panics(owner: Person) -> None:
    owner.say("/panic")
    owner.wait_for_sync(lambda message: bool(message.buttons))
    owner.press(lambda button: "Cancel" not in button.text and "No" not in button.text)
    owner.wait_for_sync("/resume")


def test_a_grid_is_made_trades_and_is_told_of_to_whom_it_concerns(tmp_path: Path) -> None:
    with ThreadedBotApi(flood=FloodLimits()) as api, chat.start(tmp_path, api) as bot:
        owner, viewer = chat.owner_of(api), api.person(chat.VIEWER, "Vera", started=True)
        second, stranger = api.person(9, "Otto", started=True), api.person(chat.STRANGER, "Sam", started=True)
        owner.say(chat.GRID)
        preview = owner.wait_for_sync("Nothing is sent before", 20)
        assert [button.text for button in preview.buttons if "Create" in button.text or "Cancel" in button.text]
        assert not oracle.deals(bot.results)

        viewer.say("/price")
        data = str(preview.buttons[0].data)
        forged = viewer.press_data(data, viewer.wait_for_sync("BTC/USDT"))
        assert "Only an owner" in forged.wait_sync().text
        unheard = [person.press_data(data, preview) for person in (viewer, second, stranger)]
        press = owner.press("Create", preview)
        again = owner.press("Create", preview, stale=True)
        owner.wait_for_sync("g1 created")
        assert {press.wait_sync().alert, again.wait_sync().alert} == {False, True}
        late = owner.press("Create", preview, stale=True)
        assert "used already" in late.wait_sync().text

        stranger.start()
        stranger.say("/status")
        viewer.say("/pause all")
        viewer.wait_for_sync("Only an owner")
        viewer.say("/status")
        viewer.wait_for_sync("g1")
        owner.wait_for_sync("closed", 30)
        until(lambda: len(oracle.ledger(bot.results)) >= 5, what="five closed trades")
        owner.say("/pause g1", date=time.time() - 3600)  # late, but it can only cost
        owner.wait_for_sync("paused")
        owner.say("/resume g1", date=time.time() - 3600)
        owner.wait_for_sync("it has not been done")
        assert [button.text for button in owner.last.buttons] == ["Do it now"]
        owner.press("Do it now")
        owner.wait_for_sync(lambda message: "resume" not in message.text and "g1" in message.text)
        panics(owner)
        until(lambda: not any(deal.is_open for deal in oracle.deals(bot.results)), what="an empty book")

        lines = Counter(line.executor for line in oracle.ledger(bot.results))
        told = api.wait_for_sync(lambda: _is_told(owner, lines), 30, "every closed trade to be told")
        assert told
        code, seconds = bot.stop()
        assert (code, bot.errors.lines) == (0, [])
        assert seconds < STOP_SECONDS
        assert not [call for call in api.floods if PUSH.match(call.text)]
        assert not any(press.answered for press in unheard)
        assert not stranger.messages
        assert not second.messages
        assert len(viewer.messages) > 2
        assert api.concurrent_polls == 0
    assert len(oracle.grids(bot.results)) == 1
    oracle.nothing_is_lost(bot.results)
    hidden = api.token.partition(":")[2]
    assert hidden not in bot.out.text + (bot.results / "ops.log").read_text("utf-8")


def _is_told(owner: Person, lines: Counter[str]) -> bool:
    told, counted = chat.closed_told(message.text for message in owner.messages)
    return sum((lines - told).values()) <= counted
