"""Stops and starts while Telegram is slow, silent or gone: trading does not wait for the chat."""

import signal
import time
from pathlib import Path

import pytest

from tests.flows import chat, oracle
from tests.flows.process import STOP_SECONDS, until
from tests.telegram.bot_api import ThreadedBotApi


def has_traded(results: Path, lines: int) -> bool:
    return len(oracle.ledger(results)) > lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_stop_is_over_in_five_seconds_whatever_telegram_does(tmp_path: Path, number: signal.Signals) -> None:
    with ThreadedBotApi() as api:
        owner = chat.owner_of(api)
        with chat.start(tmp_path, api, TICK_SECONDS="0.1") as bot:
            chat.create(owner)
            until(lambda: oracle.deals(bot.results), what="orders")
            api.faults.slow(60)
            owner.say("/status")  # an answer is under way, and pushes are
            until(lambda: has_traded(bot.results, 0), what="a closed trade")
            code, seconds = bot.stop(number)
            assert (code, bot.errors.lines) == (0, [])
            assert seconds < STOP_SECONDS
            api.faults.clear()
        oracle.nothing_is_doubled(bot.results)


def test_with_telegram_gone_it_starts_trades_and_stops_and_tells_later(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        owner = chat.owner_of(api)
        with chat.start(tmp_path, api) as bot:
            chat.create(owner)
            until(lambda: oracle.deals(bot.results), what="orders")
            assert bot.stop()[0] == 0
        known = len(oracle.ledger(bot.results))
        api.stop_listening()
        with chat.start(tmp_path, api) as bot:
            until(lambda: has_traded(bot.results, known), what="trading without Telegram")
            bot.out.wait_for("Telegram can't be reached")
            code, seconds = bot.stop()
            assert (code, bot.errors.lines) == (0, [])
            assert seconds < STOP_SECONDS
        known = len(oracle.ledger(bot.results))
        api.listen_again()
        silence = api.faults.slow(60)  # it takes calls and answers none
        with chat.start(tmp_path, api) as bot:
            until(lambda: has_traded(bot.results, known), what="trading with a silent Telegram")
            silence.stop()
            mark = owner.mark()
            owner.wait_for_sync("Back at", 20, since=mark)
            owner.wait_for_sync("closed", 20, since=mark)
            assert bot.stop()[0] == 0
        oracle.nothing_is_doubled(bot.results)


def test_a_stop_the_moment_it_has_started_is_a_stop(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        for wait in (0.3, 0.5, 0.7):
            with chat.start(tmp_path, api) as bot:
                if wait > 0.4:
                    until(lambda: (bot.results / "worker.lock").exists(), what="its lock")  # noqa: B023
                time.sleep(wait - 0.3)
                code, seconds = bot.stop()
                assert code in (0, -signal.SIGTERM)  # before Python runs its first line it is the system's
                assert code == 0 or not bot.out.lines
                assert seconds < STOP_SECONDS
                assert "Traceback" not in bot.errors.text
