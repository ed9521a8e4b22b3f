"""A whole story in the terminal: words and a button through a pipe, closed trades, a stop, and the next start.

Then every kind of standard input a worker may be given.
"""

import re
import signal
import subprocess
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.flows import oracle
from tests.flows.process import QUICK, STOP_SECONDS, Bot, until

GRID = "/normal -1% +1% 20 0.001 0.3 loop"
CLOSED = re.compile(r"(?:💰|🔻) (g1\.\d+)")
DEMO = "demonstration grid"


def is_closing(line: str) -> bool:
    return CLOSED.search(line) is not None


def stopped_well(bot: Bot, number: int = signal.SIGTERM) -> None:
    code, seconds = bot.stop(number)
    assert (code, bot.errors.lines) == (0, [])
    assert seconds < STOP_SECONDS


def test_a_grid_by_pipe_trades_stops_on_ctrl_c_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with Bot(tmp_path, QUICK) as first:
        first.say(GRID, "1")
        first.out.wait_for("g1 created")
        first.out.wait_for(is_closing, 60)
        until(lambda: len(oracle.ledger(first.results)) >= 2, 60, "two lines in pnl.log")
        stopped_well(first, signal.SIGINT)
    assert "Traceback" not in first.out.text
    assert first.out.lines.count("(simulated)") >= 3  # the preview, the press, each push
    told = set(CLOSED.findall(first.out.text))
    assert told <= {line.executor for line in oracle.ledger(first.results)}
    assert {line.mode for line in oracle.ledger(first.results)} == {"simulated"}
    assert oracle.lines_are_the_fills(first.results) >= 2
    oracle.nothing_is_doubled(first.results)
    before, levels = oracle.ledger(first.results), {each.id: each.level for each in oracle.executors(first.results)}
    orders = {deal.client_id for deal in oracle.deals(first.results)}

    with Bot(tmp_path, QUICK) as second:
        back = second.out.wait_for("Back at")
        assert "1 grid, 20 orders on the book" in back or re.search(r"1 grid, \d+ orders on the book", back)
        assert "created" not in second.out.text
        until(lambda: len(oracle.ledger(second.results)) > len(before), 60, "another line in pnl.log")
        second.say("/panic")
        button = re.search(r"\[(\d+)\]", second.out.wait_for("[1]"))
        assert button is not None
        second.say(button[1])
        second.out.wait_for("/resume")
        until(lambda: not any(deal.is_open for deal in oracle.deals(second.results)), what="an empty book")
        second.say("/status")
        second.out.wait_for("g1")
        stopped_well(second)
    assert [grid.id for grid in oracle.grids(second.results)] == ["g1"]
    assert {each.id: each.level for each in oracle.executors(second.results)} == levels
    assert oracle.ledger(second.results)[: len(before)] == before
    assert orders <= {deal.client_id for deal in oracle.deals(second.results)}
    oracle.nothing_is_lost(second.results)
    oracle.lines_are_the_fills(second.results)


@pytest.mark.slow
def test_input_of_every_kind_is_lived_with(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text(f"{GRID}\n1\n/grids\n", "utf-8")
    with ExitStack() as stack:
        typed = stack.enter_context(Bot(tmp_path / "terminal", {**QUICK, "TERM": "xterm"}, terminal=True))
        with words.open("rb") as file:
            read = stack.enter_context(Bot(tmp_path / "file", QUICK, stdin=file))
        piped = stack.enter_context(Bot(tmp_path / "pipe", QUICK))
        empty = stack.enter_context(Bot(tmp_path / "null", QUICK, stdin=subprocess.DEVNULL))
        closed = stack.enter_context(Bot(tmp_path / "closed", QUICK, close_stdin=True))

        piped.say("/price")
        piped.out.wait_for("BTC/USDT")
        piped.end_input()
        piped.out.wait_for("Input has ended")

        read.out.wait_for("g1 created")
        read.out.wait_for("Input has ended")

        for bot in (empty, closed):
            bot.out.wait_for(DEMO)
            bot.out.wait_for(lambda line: line.startswith("g1: "))
            until(partial(oracle.deals, bot.results), what="orders of the demonstration grid")

        typed.say(GRID)
        typed.out.wait_for("Create")
        typed.say("1")
        typed.out.wait_for("g1 created")
        assert "\x1b[" in typed.out.text
        typed.types("\x04")  # Ctrl-D
        typed.out.wait_for("Input has ended")

        for bot in (piped, read, empty, closed, typed):
            assert bot.is_running
            stopped_well(bot)
        assert not oracle.grids(piped.results)  # a price is all that was asked
        assert DEMO not in piped.out.text + read.out.text + typed.out.text

        again = stack.enter_context(Bot(tmp_path / "null", QUICK, stdin=subprocess.DEVNULL))
        again.out.wait_for("Back at")
        until(lambda: oracle.deals(again.results), what="orders")
        stopped_well(again)
        assert DEMO not in again.out.text
        assert [grid.id for grid in oracle.grids(again.results)] == ["g1"]


def test_a_word_too_many_or_quit_ends_it_with_the_right_code(tmp_path: Path) -> None:
    with Bot(tmp_path / "a", QUICK) as bot, Bot(tmp_path / "b", QUICK, ["start"]) as wrong:
        bot.say("quit")
        assert bot.wait() == 0
        assert wrong.wait() == 2
        assert re.fullmatch(r"python -m bot: expected .*, got 'start'", wrong.errors.text)


@pytest.mark.parametrize("seed", ["7"])
@pytest.mark.slow
def test_trades_close_within_a_minute_at_the_usual_pace(tmp_path: Path, seed: str) -> None:
    with Bot(tmp_path, {"SIMULATED_SEED": seed}) as bot:
        bot.say(GRID, "1")
        bot.out.wait_for("g1 created")
        bot.out.wait_for(is_closing, 60)
        stopped_well(bot)
