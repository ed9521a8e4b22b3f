"""Starts that must not be: one line on stderr that says what is wrong and what would be right, exit code 2, no
traceback, and whatever lies in the folder is as it was.
"""

import hashlib
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import parse_settings
from tests.flows import chat, oracle
from tests.flows.process import QUICK, Bot, until
from tests.telegram.bot_api import ThreadedBotApi

WRONG: tuple[tuple[str, str, str], ...] = (
    ("TELEGRAM_BOT_TOKEN", "hello", "BotFather"),
    ("TELEGRAM_OWNER_IDS", "@olga", "user ids"),
    ("TELEGRAM_VIEWER_IDS", "1,,2", "user ids"),
    ("TELEGRAM_API_URL", "127.0.0.1:8081", "http"),
    ("EXCHANGE", "byebit", "simulated"),
    ("EXCHANGE_MODE", "dream", "paper, demo or live"),
    ("EXCHANGE_OPTIONS", "[1]", "JSON object"),
    ("SYMBOL", "bitcoin", "BTC/USDT"),
    ("SYMBOL", "DOGE/USDT", "BTC/USDT, ETH/USDT"),
    ("PAPER_FUNDS", "lots", "10000 USDT"),
    ("PAPER_MAKER_FEE", "1", "per cent"),
    ("SIMULATED_SEED", "lucky", "whole number"),
    ("LEVERAGE", "3", "perpetual"),
    ("BOT_ID", "mybot", "three letters"),
    ("TICK_SECONDS", "0", "0.1 to 60"),
    ("MAKER_OFFSET_BUY", "-1", "quote currency or per cent"),
    ("MAX_OPEN_ORDERS", "0", "positive"),
    ("MAX_EXPOSURE", "all", "positive"),
    ("MAX_DAILY_LOSS", "1e3", "positive"),
    ("ALLOW_WITHDRAWAL_KEY", "maybe", "yes or no"),
    ("DAILY_REPORT_AT", "25:00", "08:00"),
    ("TIMEZONE", "Mars/Olympus", "Europe/Berlin"),
    ("RESULTS_DIR", "/dev/null/results", "RESULTS_DIR"),
    ("DATABASE_URL", "mysql://x", "expected"),
    ("HEARTBEAT_URL", "ping", "http"),
    ("LOG_LEVEL", "LOUD", "INFO"),
)


def refused(folder: Path, settings: Mapping[str, str]) -> str:
    """The one line a start that must not be ends with."""
    with Bot(folder, settings) as bot:
        assert bot.wait() == 2, bot.errors.text + bot.out.text
    assert len(bot.errors.lines) == 1, bot.errors.text
    assert "Traceback" not in bot.out.text
    return bot.errors.text


BY_THE_PROCESS = {"TICK_SECONDS", "EXCHANGE", "SYMBOL", "LEVERAGE", "RESULTS_DIR", "DATABASE_URL"}
"""One that is found wrong when it is read, and those whose fault shows later in a start."""


def test_a_wrong_setting_is_named_with_what_it_accepts(tmp_path: Path) -> None:
    def line(number: int) -> str:
        name, value, _ = WRONG[number]
        if name in BY_THE_PROCESS:
            return refused(tmp_path / str(number), {**QUICK, name: value})
        with pytest.raises(SettingsError) as error:
            parse_settings({**QUICK, name: value})
        return str(error.value)

    with ThreadPoolExecutor(4) as threads:
        lines = list(threads.map(line, range(len(WRONG))))
    for (name, value, accepted), said in zip(WRONG, lines, strict=True):
        assert name in said, said
        assert accepted in said, said
        assert "://x" not in said, value


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a grid that has traded, cut off by `kill -9` so that its journal is in use."""
    folder = tmp_path_factory.mktemp("traded")
    with Bot(folder, chat.BRISK) as bot:
        bot.say(chat.GRID, "1")
        until(lambda: len(oracle.ledger(bot.results)) >= 1, 60, "closed trades")
        bot.kill()
    yield folder
    oracle.nothing_is_doubled(folder / "results")


@pytest.fixture
def mine(traded: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(traded, tmp_path / "mine")
    return tmp_path / "mine"


def held(folder: Path) -> dict[str, bytes]:
    """What lies in RESULTS_DIR, but for the lock, the log and SQLite's own shared memory."""
    left_out = {"worker.lock", "ops.log", "exchange.db-shm", "exchange.db-wal", "exchange.db"}
    return {path.name: path.read_bytes() for path in (folder / "results").iterdir() if path.name not in left_out}


def goes_on(folder: Path, *told: str) -> Bot:
    """Start it, see that it is the same grid and trades on, and stop it."""
    lines = len(oracle.ledger(folder / "results"))
    with Bot(folder, chat.BRISK) as bot:
        bot.out.wait_for("Back at")
        for word in told:
            bot.out.wait_for(word)
        until(lambda: len(oracle.ledger(bot.results)) > lines, 60, "another closed trade")
        code, _ = bot.stop(signal.SIGINT)
        assert code == 0
    assert [grid.id for grid in oracle.grids(bot.results)] == ["g1"]
    oracle.nothing_is_doubled(bot.results)
    return bot


def test_a_second_worker_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    with Bot(tmp_path, QUICK) as first:
        until((first.results / "state.json").exists, what="its state")
        assert f"pid {first.pid}" in refused(tmp_path, QUICK)
        with Bot(tmp_path, QUICK, ["check"]) as check:
            assert check.wait() == 0  # looking needs no lock
        assert first.stop()[0] == 0
    with Bot(tmp_path, QUICK) as next_one:  # the lock went with the process
        next_one.say("/price")
        next_one.out.wait_for("spread")
        assert next_one.stop()[0] == 0


def test_a_pretend_exchange_of_another_account_is_left_alone(mine: Path) -> None:
    with closing(sqlite3.connect(mine / "results/exchange.db")) as database:
        found = dict(database.execute("SELECT key, value FROM notes"))
        account = next((key for key, value in found.items() if value == "simulated"), "")
        assert account, found
        database.execute("UPDATE notes SET value = 'another' WHERE key = ?", (account,))
        database.commit()
    before = held(mine)
    said = refused(mine, chat.BRISK)
    assert "another" in said
    assert "simulated" in said
    assert "RESULTS_DIR" in said
    assert held(mine) == before


def sealed(document: bytes, old: bytes, new: bytes) -> bytes:
    """A state file with something else in it, and the checksum that fits."""
    body, seal, _ = document.partition(b',\n"checksum":')
    assert seal
    assert body.count(old) == 1
    body = body.replace(old, new)
    return body + seal + b'{"1":{"sha256":"%s"}}}\n' % hashlib.sha256(body).hexdigest().encode()


def instead(folder: Path, old: bytes, new: bytes) -> bytes:
    """Put such a file in the place of the folder's, as if it had been stopped well; returns what stands there now."""
    goes_on(folder)  # a stop folds the journal into the file
    path = folder / "results/state.json"
    for journal in path.parent.glob("state.journal*"):
        journal.unlink()
    path.write_bytes(sealed(path.read_bytes(), old, new))
    return path.read_bytes()


def test_a_state_of_another_account_is_left_alone(mine: Path) -> None:
    other = instead(mine, b'"account":"simulated"', b'"account":"bybit live 0123456789ab"')
    said = refused(mine, chat.BRISK)
    assert "bybit live 0123456789ab" in said
    assert "simulated" in said
    assert "RESULTS_DIR" in said
    assert (mine / "results/state.json").read_bytes() == other


@pytest.mark.parametrize(
    "damage", ["truncated", *(pytest.param(each, marks=pytest.mark.slow) for each in ("garbled", "empty"))]
)
def test_damage_to_state_json_is_made_up_for_and_told(mine: Path, damage: str) -> None:
    path = mine / "results/state.json"
    whole = path.read_bytes()
    path.write_bytes({
        "garbled": whole[: len(whole) // 2] + b"\x00#" + whole[len(whole) // 2 + 2 :],
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
    }[damage])  # fmt: skip
    bot = goes_on(mine, "the store")
    assert re.search(r"the state was mended: .*state\.json.* was put together from ", bot.errors.text)


def test_a_state_that_is_lost_altogether_is_never_taken_for_an_empty_one(mine: Path) -> None:
    for path in (mine / "results").glob("state.j*"):
        path.write_bytes(b"{ not this")
    before = held(mine)
    said = refused(mine, chat.BRISK)
    assert "state.j" in said
    assert held(mine) == before


def test_a_state_of_a_newer_version_is_left_alone(mine: Path) -> None:
    newer = instead(mine, b'"schema":1,', b'"schema":99,')
    assert "newer" in refused(mine, chat.BRISK)
    assert (mine / "results/state.json").read_bytes() == newer


def test_a_pretend_exchange_that_is_gone_is_not_made_anew_over_a_state_that_knows_it(mine: Path) -> None:
    for path in (mine / "results").glob("exchange.db*"):
        path.unlink()
    before = held(mine)
    said = refused(mine, chat.BRISK)
    assert "exchange.db is gone" in said
    assert held(mine) == before


def test_a_token_that_telegram_refuses_is_named_and_not_shown(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        settings = chat.settings(api)
        api.token = "123456789:another_one_was_made_by_BotFather"
        said = refused(tmp_path, settings)
    assert said.startswith("TELEGRAM_BOT_TOKEN: expected the token from BotFather")
    assert settings["TELEGRAM_BOT_TOKEN"].partition(":")[2] not in said
    assert re.search("refuses", said)
