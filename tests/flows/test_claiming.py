"""A token without owners: the worker prints a link, trades nothing, and belongs to whoever opens it first."""

import re
from pathlib import Path

import pytest

from tests.flows import chat, oracle
from tests.flows.process import Bot
from tests.telegram.bot_api import ThreadedBotApi

LINK = re.compile(r"https://t\.me/loopback_bot\?start=(\S+)")


def unowned(folder: Path, api: ThreadedBotApi) -> Bot:
    return chat.start(folder, api, TELEGRAM_OWNER_IDS="")


def code_of(bot: Bot) -> str:
    found = LINK.search(bot.out.wait_for(lambda line: LINK.search(line) is not None, 20))
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_wrong_codes_end_the_link_and_the_right_one_makes_an_owner_who_is_kept(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        thief, owner = api.person(chat.STRANGER, "Sam", started=True), api.person(chat.OWNER, "Olga", started=True)
        with unowned(tmp_path, api) as bot:
            code = code_of(bot)
            for number in range(5):
                thief.start(f"wrong-{number}")
            bot.out.wait_for("has ended after 5 wrong tries", 20)
            thief.start(code)  # the right one comes too late now
            owner.say(chat.GRID)
            api.wait_for_sync(lambda: not api.updates.waiting, what="the bot to read its updates")
            assert bot.stop()[0] == 0
        assert not thief.messages
        assert not owner.messages
        assert not oracle.deals(bot.results)

        with unowned(tmp_path, api) as bot:
            again = code_of(bot)
            assert again != code
            thief.start(code)  # of the life before
            owner.start(again)
            told = owner.wait_for_sync("You are my owner now", 20)
            assert f"TELEGRAM_OWNER_IDS={chat.OWNER}" in told.text
            bot.out.wait_for(f"claimed by the Telegram user {chat.OWNER}")
            thief.start(again)  # once only
            chat.create(owner)
            assert bot.stop()[0] == 0
        assert not thief.messages

        with unowned(tmp_path, api) as bot:
            owner.mark()
            owner.wait_for_sync("Back at", 20)
            assert bot.stop()[0] == 0
        assert not LINK.search(bot.out.text)
        assert again not in (bot.results / "ops.log").read_text("utf-8")


def test_a_stop_while_nobody_owns_it_is_quick(tmp_path: Path) -> None:
    with ThreadedBotApi() as api, unowned(tmp_path, api) as bot:
        code_of(bot)
        code, seconds = bot.stop()
        assert (code, bot.errors.lines) == (0, [])
        assert seconds < 5
