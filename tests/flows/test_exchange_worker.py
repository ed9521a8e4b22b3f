"""The worker on an exchange, as its user starts it: a real process with its chat in a pipe, a loopback exchange."""

import shutil
import signal
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, Place
from tests.flows import exchanges, oracle
from tests.flows.exchanges import Owner, resting
from tests.flows.process import STOP_SECONDS, Bot, until
from tests.venue.faults import CALM, CREATE, CREATE_BATCH
from tests.venue.model import Side
from tests.venue.server import Venue, threaded

GRID = "/linear 59000 59900 4 0.001 0.5% loop"


def both(first: Place, second: Place) -> list[Any]:
    """Two exchanges to tell a story on; the second where there is time."""
    return [first, pytest.param(second, marks=pytest.mark.slow)]


def stopped_well(bot: Bot, number: signal.Signals = signal.SIGTERM) -> None:
    code, seconds = bot.stop(number)
    assert (code, "Traceback" in bot.errors.text, "nclosed" in bot.errors.text) == (0, False, False), bot.errors.text
    assert seconds < STOP_SECONDS


def refused(folder: Path, settings: Mapping[str, str]) -> str:
    """The one line a start that must not be ends with."""
    with Bot(folder, settings) as bot:
        assert bot.wait() == 2, bot.out.text + bot.errors.text
    assert len(bot.errors.lines) == 1, bot.errors.text
    return bot.errors.text


@pytest.mark.slow
@pytest.mark.parametrize("place", [BINANCE, BYBIT], ids=str)
def test_paper_pretends_on_the_real_prices_and_sends_nothing_private(tmp_path: Path, place: Place) -> None:
    with exchanges.opened(place) as venue:
        settings = {**exchanges.settings(place, venue), "EXCHANGE_MODE": "paper"}
        market = place.market(venue)
        with Bot(tmp_path, settings) as bot:
            owner = Owner(bot)
            owner.creates(GRID)
            market.move(59_650)
            owner.reads("g1.4 bought")
            assert "(paper)" in bot.out.text
            stopped_well(bot)
        for name in ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET"):  # what is pretended belongs to no key
            del settings[name]
        with Bot(tmp_path, settings) as bot:
            bot.out.wait_for("Back at")
            market.move(60_500)
            bot.out.wait_for("g1.4 closed")
            stopped_well(bot, signal.SIGINT)
        assert [sold.mode for sold in oracle.ledger(bot.results)] == ["paper"]
        assert not venue.ledger.orders
        assert not exchanges.private(venue)


@pytest.mark.slow
@pytest.mark.parametrize("place", [BYBIT, BINANCE], ids=str)
def test_demo_trades_the_demo_account_without_asking(tmp_path: Path, place: Place) -> None:
    with exchanges.opened(place) as venue:
        with exchanges.started(tmp_path, place, venue, EXCHANGE_MODE="demo") as bot:
            owner = Owner(bot)
            owner.creates(GRID)
            until(lambda: len(resting(venue)) == 4, what="its orders")
            stopped_well(bot)
        assert "Trade live" not in bot.out.text
        assert len(resting(venue)) == 4


@pytest.mark.parametrize("place", both(BYBIT_LINEAR, BINANCE), ids=str)
def test_live_asks_first_trades_stops_and_goes_on(tmp_path: Path, place: Place) -> None:
    with exchanges.opened(place) as venue:
        market = place.market(venue)
        with exchanges.started(tmp_path, place, venue) as bot:
            owner = Owner(bot)
            owner.reads("Trade live")
            owner.creates(GRID)
            owner.says("/orders")
            owner.reads(lambda line: bool(line.strip()))
            assert not venue.ledger.orders
            owner.says("/resume")
            owner.presses("Trade live")
            until(lambda: len(resting(venue)) == 4, what="its orders")
            market.move(59_650)
            owner.reads("g1.4 bought")
            until(lambda: any(order.side is Side.SELL for order in resting(venue)), what="the exit")
            stopped_well(bot)
        left = {order.client_id for order in resting(venue)}
        assert len(left) == 4
        market.move(60_500)  # its exit trades while nobody looks
        with exchanges.started(tmp_path, place, venue) as bot:
            bot.out.wait_for("g1.4 closed")
            until(lambda: len(resting(venue)) == 4, what="the next cycle")
            stopped_well(bot, signal.SIGINT)
        assert "Trade live" not in bot.out.text
        assert [(sold.executor, sold.mode) for sold in oracle.ledger(bot.results)] == [("g1.4", "live")]
        assert len(left & {order.client_id for order in resting(venue)}) == 3


def lay(folder: Path, place: Place, venue: Venue) -> None:
    """Have a worker lay four orders, and stop it."""
    with exchanges.started(folder, place, venue) as bot:
        owner = Owner(bot)
        owner.presses("Trade live")
        owner.reads("Trading live")
        owner.creates(GRID)
        until(lambda: len(resting(venue)) == 4, what="its orders")
        stopped_well(bot)


@pytest.fixture
def venue() -> Iterator[Venue]:
    with exchanges.opened(BYBIT) as venue:
        yield venue


@pytest.mark.slow
def test_what_does_not_fit_ends_the_start_in_one_line(venue: Venue, tmp_path: Path) -> None:
    lay(tmp_path / "first", BYBIT, venue)
    venue.ledger.add_account("another", "secret", {"USDT": "1000"})
    settings = dict(exchanges.settings(BYBIT, venue))
    worlds = {
        "key": {"EXCHANGE_API_KEY": "another"},
        "symbol": {"SYMBOL": "DOGE/USDT"},
        "venue": {"EXCHANGE": "bitstamp"},
    }
    for name in worlds:
        shutil.copytree(tmp_path / "first/results", tmp_path / name / "results")
    with ThreadPoolExecutor(3) as threads:
        lines = threads.map(lambda name: refused(tmp_path / name, settings | worlds[name]), worlds)
        said = dict(zip(worlds, lines, strict=True))
    assert said["key"].count("bybit live") == 2, said["key"]  # both accounts
    assert "RESULTS_DIR" in said["key"]
    assert said["symbol"].startswith("SYMBOL: bybit has no DOGE/USDT")
    assert "paper" in said["venue"]
    assert len(resting(venue)) == 4


def test_with_the_exchange_gone_it_starts_says_so_and_goes_on(tmp_path: Path) -> None:
    place, venue = BINANCE, BINANCE.open(0)
    with threaded(venue):
        lay(tmp_path, place, venue)
    with exchanges.started(tmp_path, place, venue) as bot:
        owner = Owner(bot)
        bot.out.wait_for("what happened is not known yet")
        owner.says("/status")
        owner.reads("can't be reached")
        with threaded(venue):
            place.market(venue).move(59_650)
            owner.reads("g1.4 bought")
            stopped_well(bot)


@pytest.mark.slow
def test_gone_at_the_very_first_start_it_waits_for_the_exchange(tmp_path: Path) -> None:
    venue = BYBIT.open(0)
    with threaded(venue):
        settings = exchanges.settings(BYBIT, venue)
    with Bot(tmp_path, settings) as bot:
        owner = Owner(bot)
        bot.out.wait_for("couldn't be read")
        owner.says(GRID)
        owner.reads("can't be reached")
        with threaded(venue):
            owner.says("/resume")
            owner.presses("Trade live")
            owner.creates(GRID)
            until(lambda: len(resting(venue)) == 4, what="its orders")
            stopped_well(bot)


def test_a_silent_exchange_holds_up_no_stop(tmp_path: Path) -> None:
    with exchanges.opened(BYBIT) as venue:
        settings = exchanges.settings(BYBIT, venue)
    with socket.create_server(("127.0.0.1", venue.port)) as silent, Bot(tmp_path, settings) as bot:
        silent.settimeout(20)
        line, _ = silent.accept()
        with line:
            stopped_well(bot)


def test_orders_that_hang_on_the_wire_hold_up_no_stop_and_are_found_again(venue: Venue, tmp_path: Path) -> None:
    with exchanges.started(tmp_path, BYBIT, venue) as bot:
        owner = Owner(bot)
        owner.presses("Trade live")
        owner.reads("Trading live")
        owner.says(GRID)
        owner.reads("Create")
        venue.faults.timing.hang_s = 30
        for kind in (CREATE, CREATE_BATCH):
            venue.faults.set("hang_after", 1, on=kind)  # done, and never answered
        owner.presses("Create")
        until(lambda: len(resting(venue)) == 4, what="its orders")
        stopped_well(bot)
    venue.faults.use(CALM)
    with exchanges.started(tmp_path, BYBIT, venue) as bot:
        bot.out.wait_for("Back at")
        BYBIT.market(venue).move(59_650)
        bot.out.wait_for("g1.4 bought")
        stopped_well(bot)
    assert len(venue.ledger.orders) == 5  # four entries and an exit: none was placed twice
