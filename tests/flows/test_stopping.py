"""Stops and starts while Telegram is slow, silent or gone: trading does not wait for the chat."""

import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.flows import chat, oracle
from tests.flows.process import QUICK, STOP_SECONDS, Bot, until
from tests.telegram.bot_api import ThreadedBotApi


def has_traded(results: Path, lines: int) -> bool:
    return len(oracle.ledger(results)) > lines


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=["SIGTERM", "SIGINT"]
)
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


@pytest.mark.slow
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


def listens(bot: Bot) -> bool:
    """Whether the process has come so far as to catch SIGTERM; before that it is Python that starts, not the bot."""
    status = Path(f"/proc/{bot.pid}/status")
    if not status.exists():
        time.sleep(0.5)
        return True
    caught = re.search("^SigCgt:\\s*([0-9a-f]+)", status.read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)], ids=["SIGTERM", "SIGINT"]
)
def test_a_stop_at_any_moment_of_the_start_is_a_stop(tmp_path: Path, number: signal.Signals) -> None:
    def stopped(wait: float) -> tuple[int, float, str]:
        with Bot(tmp_path / f"{wait:g}", QUICK) as bot:
            until(lambda: listens(bot), what="its first line")
            time.sleep(wait)  # wherever it is then
            return (*bot.stop(number), bot.errors.text)

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(stopped, [0.15 * step for step in range(8)]))
    for code, seconds, errors in ends:
        assert (code, errors) == (0, "")
        assert seconds < STOP_SECONDS


def test_a_monitor_that_never_answers_holds_up_no_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with Bot(tmp_path, {**QUICK, "HEARTBEAT_URL": address}) as bot:
            silent.settimeout(20)
            line, _ = silent.accept()
            with line:
                code, seconds = bot.stop()
                assert (code, bot.errors.lines) == (0, [])
                assert seconds < STOP_SECONDS
