"""A database that goes away under a worker that trades, or is not there when one starts: nothing is sent that is not
kept, what rests stays, and it goes on without a person.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.places import BYBIT
from tests.flows import exchanges, oracle, rows
from tests.flows.deployment import Deployment, deployed
from tests.flows.process import QUICK, STOP_SECONDS, Bot, until
from tests.storage.postgres_server import PostgresServer, missing, postgres_server
from tests.venue.witness import Call

GONE = "the database can't be used"
LEAVING = 1.0
"""Seconds in which what was kept just before may still leave."""


@pytest.fixture(scope="module")
def fragile() -> Iterator[PostgresServer]:
    """A server of its own, to be stopped."""
    if missing():
        pytest.skip(missing())
    with postgres_server() as server:
        yield server


def wait_for_tries(bot: Bot, count: int) -> None:
    """Until it has asked a database that is not there so often: each try is a socket, and it pauses in between."""
    bot.errors.wait_for(GONE)
    time.sleep(2.2 * (count - 1))


@pytest.mark.slow
def test_a_worker_waits_for_a_database_that_is_down_and_says_so_once(fragile: PostgresServer, tmp_path: Path) -> None:
    settings = {**QUICK, "DATABASE_URL": fragile.emptied()}
    fragile.stop()
    try:
        with Bot(tmp_path / "stopped", settings) as bot, Bot(tmp_path / "waiting", settings) as waiting:
            wait_for_tries(bot, 2)
            code, seconds = bot.stop()
            assert (code, len(bot.errors.lines)) == (0, 1)
            assert seconds < STOP_SECONDS
            waiting.errors.wait_for(GONE)
            fragile.start()
            waiting.out.wait_for("/status")
            assert waiting.stop(signal.SIGINT)[0] == 0
            assert len(waiting.errors.lines) == 1
    finally:
        fragile.stop()
        fragile.start()


def lives(folder: Path, settings: dict[str, str], *words: str) -> Bot:
    """One life on the simulated market, in which trades close; it ends orderly."""
    with Bot(folder, settings) as bot:
        for line in words:
            bot.say(line)
            if line.startswith("/linear"):
                bot.out.wait_for("] ✅ Create")
                bot.say("1")
        bot.out.wait_for(" closed ", 40)
        if not words:
            bot.say("/panic")
            bot.out.wait_for("Panic?")
            bot.say("1")
            bot.out.wait_for("Halted")
        assert (bot.stop()[0], [line for line in bot.errors.lines if "taken over" not in line]) == (0, [])
    return bot


@pytest.mark.slow
def test_a_pretend_account_moves_into_the_database_and_survives_a_wiped_disk(
    fragile: PostgresServer, tmp_path: Path
) -> None:
    settings, url = {**QUICK, "PAPER_MAKER_FEE": "0.01%"}, fragile.emptied()
    with_database = {**settings, "DATABASE_URL": url}
    lives(tmp_path / "disk", settings, "/linear -0.7% +0.7% 40 0.001 0.04 loop")
    bot = lives(tmp_path / "disk", with_database, "/status")
    assert "The database has taken over the state of the files: 1 grid with 40 levels." in bot.out.text
    there = {path.name for path in bot.results.iterdir()}
    assert "exchange-moved-to-database.db" in there
    assert not there & {"state.json", "exchange.db"}
    lives(tmp_path / "wiped", with_database)
    rows.into_files(url, tmp_path / "books", "simulated")
    assert len(oracle.ledger(tmp_path / "books")) >= 3
    oracle.nothing_is_lost(tmp_path / "books")
    ((filled,), (traded,)) = (fragile.ask(f"select count(*) from rexlapis_{what}", url) for what in ("fills", "trades"))
    assert int(str(filled[0])) >= 2 * int(str(traded[0]))


def crashes(world: Deployment, bot: Bot, seconds: float) -> None:
    """The database dies in the middle of trading and comes back; nothing is begun meanwhile, and then it goes on."""
    before = len(world.sent(bot))
    until(lambda: len(world.sent(bot)) > before, what="an order")
    world.server.stop()
    at_ms = time.time() * 1000
    rested = {order.client_id for order in exchanges.resting(world.venue)}
    time.sleep(LEAVING + seconds)
    late: list[Call] = [call for call in world.sent(bot) if call.at_ms > at_ms + LEAVING * 1000]
    assert late == []
    traded = {fill.order.client_id for fill in world.venue.ledger.fills}
    assert rested <= {order.client_id for order in exchanges.resting(world.venue)} | traded
    sent = len(world.sent(bot))
    world.server.start()
    world.first_order(bot, since=sent)
    assert world.doubled() == []


def a_life_of_outages(server: PostgresServer, folder: Path, count: int) -> None:
    with deployed(BYBIT, server, folder) as world:
        bot = world.trades()
        for number in range(count):
            crashes(world, bot, 0.5 * (number % 3))
        world.calm()
        until(lambda: not world.differences(), 60, "books that agree with the exchange")
        assert bot.stop()[0] == 0
        assert world.differences() == []
        assert world.closed()


def test_a_database_that_crashes_under_a_trading_worker_costs_nothing(fragile: PostgresServer, tmp_path: Path) -> None:
    a_life_of_outages(fragile, tmp_path, 1)


@pytest.mark.slow
def test_twenty_crashes_of_the_database_cost_nothing(fragile: PostgresServer, tmp_path: Path) -> None:
    a_life_of_outages(fragile, tmp_path, 20)
