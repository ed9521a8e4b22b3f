"""The pretend exchange's file: what was acknowledged is there after any death, and damage is never a new account."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.events import CloseReason, OrderAccepted, OrderClosed, OrderFilled
from bot.core.model import Side
from bot.core.money import ZERO, use_exact
from bot.errors import StateCorrupt, StateForeign, StateNewer, StateUnwritable
from bot.exchange import paper_file
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import Batch, ExchangeFile
from tests.exchange.accounts import (
    FUNDS,
    LATER,
    MARKET,
    START,
    SYMBOL,
    always,
    buy,
    cancel,
    dec,
    fills,
    run,
    sell,
    totals,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "exchange.db"


def opened(path: Path, keep_closed: int = 20_000, account: str = "test") -> PaperGateway:
    gateway = PaperGateway({SYMBOL: MARKET}, ReplayClock(START), FUNDS, keep_closed=keep_closed)
    gateway.keep_in(*ExchangeFile.open(path), account)
    gateway.set_top(SYMBOL, dec("99.99"), dec("100.01"))
    return gateway


async def everything(gateway: PaperGateway, names: list[str]) -> tuple[object, ...]:
    stories = [await gateway.look_up(SYMBOL, name) for name in names]
    news = await gateway.news(SYMBOL, "")
    return stories, news, await gateway.open_orders(SYMBOL), await gateway.balances()


async def some_trading(gateway: PaperGateway) -> None:
    await gateway.submit([buy("a", 90, 2), buy("b", 91, 1), sell("c", 110, "0.5"), buy("d", 80, 1)], always)
    gateway.on_trade(SYMBOL, dec(89), dec("1.5"), LATER)
    await gateway.news(SYMBOL, "")
    await gateway.submit([cancel("d"), sell("e", 101, "0.1", taker=True), buy("f", "100.01", 1)], always)


def test_what_was_acknowledged_is_there_after_a_death_without_a_goodbye(path: Path) -> None:
    async def story() -> None:
        before = opened(path)
        await some_trading(before)
        # Nothing is closed: the file is opened a second time as it lies there.
        after = opened(path)
        names = list("abcdef")
        assert await everything(after, names) == await everything(before, names)
        assert await after.look_up(SYMBOL, "e") == [
            OrderAccepted("e", START),
            OrderClosed("e", START, ZERO, CloseReason.VENUE),
        ]
        await before.close()
        await after.close()

    run(story())


def test_after_a_restart_orders_go_on_trading_and_numbers_go_on_rising(path: Path) -> None:
    async def story() -> None:
        gateway = opened(path)
        await some_trading(gateway)
        cursor = (await gateway.news(SYMBOL, "")).cursor
        await gateway.close()
        gateway = opened(path)
        assert (await gateway.news(SYMBOL, cursor)).events == ()
        gateway.on_quote(SYMBOL, dec(70), dec(80), LATER)
        news = await gateway.news(SYMBOL, cursor)
        assert fills(news.events) == [("a", dec("1.5"))]
        assert int(news.cursor) > int(cursor)
        (refused,) = await gateway.submit([buy("b", 60, 1)], always)
        assert "used before" in str(refused)
        await gateway.close()

    run(story())


def test_a_founded_account_ignores_other_funds(path: Path) -> None:
    async def story() -> None:
        gateway = opened(path)
        await gateway.balances()
        await gateway.close()
        file, saved = ExchangeFile.open(path)
        other = PaperGateway({SYMBOL: MARKET}, ReplayClock(START), {"USDT": dec(1)})
        other.keep_in(file, saved, "test")
        assert {name: funds.total for name, funds in (await other.balances()).items()} == FUNDS
        await other.close()

    run(story())


def test_forgotten_orders_leave_the_file_too(path: Path) -> None:
    async def story() -> None:
        gateway = opened(path, keep_closed=2)
        for number in range(9):
            await gateway.submit([sell(f"s{number}", 110, "0.1")], always)
            gateway.on_trade(SYMBOL, dec(111), dec(1), LATER)
        await gateway.close()
        gateway = opened(path, keep_closed=2)
        assert [await gateway.look_up(SYMBOL, f"s{number}") is not None for number in range(9)] == [False] * 7 + [
            True
        ] * 2
        assert (await gateway.news(SYMBOL, "")).cursor == "9"
        await gateway.close()

    run(story())
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM trades").fetchone() == (2,)
    connection.close()


# The disk fails


def test_what_the_disk_did_not_take_is_told_to_nobody_until_it_does(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        gateway = opened(path)
        await gateway.submit([buy("a", 90, 1)], always)
        full, save = [True], ExchangeFile.save

        def failing(self: ExchangeFile, batch: Batch) -> None:
            if full:
                raise StateUnwritable("disk full")
            save(self, batch)

        monkeypatch.setattr(ExchangeFile, "save", failing)
        gateway.on_quote(SYMBOL, dec(80), dec(81), LATER)
        for ask in (gateway.news(SYMBOL, ""), gateway.look_up(SYMBOL, "a"), gateway.balances()):
            with pytest.raises(StateUnwritable):
                await ask
        with pytest.raises(StateUnwritable):
            await gateway.submit([buy("b", 70, 1)], always)
        full.clear()
        assert fills((await gateway.news(SYMBOL, "")).events) == [("a", dec(1))]
        again = opened(path)
        assert await everything(again, ["a", "b"]) == await everything(gateway, ["a", "b"])
        assert await again.look_up(SYMBOL, "b") == [OrderAccepted("b", START)]
        await gateway.close()
        await again.close()

    run(story())


def test_a_caller_that_gives_up_does_not_lose_what_was_under_way(path: Path) -> None:
    async def story() -> None:
        gateway = opened(path)
        placing = asyncio.ensure_future(gateway.submit([buy("a", 90, 1)], always))
        await asyncio.sleep(0)
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
        assert await gateway.look_up(SYMBOL, "a") == [OrderAccepted("a", START)]
        again = opened(path)
        assert await again.look_up(SYMBOL, "a") == [OrderAccepted("a", START)]
        await gateway.close()
        await again.close()

    run(story())


def test_many_at_once_are_all_answered_and_all_durable(path: Path) -> None:
    async def story() -> None:
        gateway = opened(path)
        orders = [buy(f"o{number}", 50 + number, "0.2") for number in range(30)]
        answers = await asyncio.gather(*(gateway.submit([order], always) for order in orders))
        assert all(isinstance(events[0], OrderAccepted) for events in answers)
        again = opened(path)
        assert len(await again.open_orders(SYMBOL)) == 30
        await gateway.close()
        await again.close()

    run(story())


# Damage


def spoil(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


async def founded(path: Path) -> None:
    gateway = opened(path)
    await some_trading(gateway)
    await gateway.close()


@pytest.mark.parametrize("rest", [0, 1, 100, 4096, 5000])
def test_a_file_cut_short_is_damage_and_stays_as_it_is(path: Path, rest: int) -> None:
    run(founded(path))
    path.write_bytes(path.read_bytes()[:rest])
    with pytest.raises(StateCorrupt, match=r"exchange\.db .*RESULTS_DIR"):
        opened(path)
    assert path.stat().st_size == rest


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET price = 'ninety'",
        "UPDATE orders SET side = 'both'",
        "UPDATE trades SET client_id = 'nobody'",
        "UPDATE trades SET amount = '1.6' WHERE seq = 2",
        "DELETE FROM notes WHERE key = 'seq'",
        "DROP TABLE balances",
        "PRAGMA user_version = 0",
    ],
)
def test_a_file_that_makes_no_sense_is_damage(path: Path, statement: str) -> None:
    run(founded(path))
    spoil(path, statement)
    with pytest.raises(StateCorrupt, match=r"exchange\.db .*RESULTS_DIR"):
        opened(path)


def test_garbage_is_damage(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(random.Random(1).randbytes(20_000))
    with pytest.raises(StateCorrupt, match=r"exchange\.db"):
        opened(path)


def test_a_log_without_its_file_is_not_played_into_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("exchange.db-wal").write_bytes(b"leftover")
    with pytest.raises(StateCorrupt, match=r"exchange\.db-wal"):
        opened(path)
    assert not path.exists()


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    run(founded(path))
    spoil(path, f"PRAGMA user_version = {paper_file.VERSION + 1}")
    with pytest.raises(StateNewer, match="newer"):
        opened(path)


def test_a_file_of_another_account_is_left_alone(path: Path) -> None:
    run(founded(path))
    with pytest.raises(StateForeign, match="test"):
        opened(path, account="bybit")


def test_a_folder_that_is_a_file_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(StateUnwritable, match=r"exchange\.db"):
        opened(tmp_path / "results" / "exchange.db")


def test_an_interrupted_founding_is_begun_again(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("exchange.db.new").write_bytes(b"half a file")
    run(founded(path))
    assert not path.with_name("exchange.db.new").exists()


# kill -9

TRADER = """
import asyncio, random, sys
from decimal import Decimal
from pathlib import Path
from bot.core.events import OrderFilled
from bot.core.money import use_exact
from tests.exchange.accounts import LATER, SYMBOL, always, buy, cancel, dec, sell
from tests.exchange.test_paper_file import opened

use_exact()
source = random.Random(int(sys.argv[2]))

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

async def main():
    gateway = opened(Path(sys.argv[1]), keep_closed=100_000)
    cursor = ""
    for number in range(10**6):
        name = f"{sys.argv[2]}-{number}"
        price = source.randint(80, 120)
        make = buy if price < 100 else sell
        actions = [make(name, price, "0.2"), cancel(f"{sys.argv[2]}-{source.randint(0, number)}")]
        for event in await gateway.submit(actions, always):
            say(type(event).__name__, event.client_id, getattr(event, "filled", "-"))
        middle = source.randint(85, 115)
        gateway.on_quote(SYMBOL, Decimal(middle), Decimal(middle + 1), LATER)
        news = await gateway.news(SYMBOL, cursor)
        cursor = news.cursor
        for event in news.events:
            say("Trade", event.client_id, event.fill.trade_id, event.fill.amount)
        gateway.on_quote(SYMBOL, dec("99.99"), dec("100.01"), LATER)

asyncio.run(main())
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_said(path: Path) -> None:
    said: list[list[str]] = []
    for life in range(6):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", TRADER, str(path), str(life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as trader:
            assert trader.stdout is not None
            said += [trader.stdout.readline().split() for _ in range(20 + 37 * life)]
            trader.send_signal(signal.SIGKILL)
            rest = trader.stdout.read()
            # What was on its way in the pipe was said, too; the last line may be torn.
            said += [line.split() for line in rest.split("\n")[:-1]]
        run(check(path, said))
    assert {words[0] for words in said} >= {"Trade", "OrderAccepted", "OrderClosed"}


async def check(path: Path, said: list[list[str]]) -> None:
    """The file holds whatever was said, and its balances are its trades."""
    gateway = opened(path, keep_closed=100_000)
    known = {}
    news = await gateway.news(SYMBOL, "")
    trades = {event.fill.trade_id: event for event in news.events if isinstance(event, OrderFilled)}
    for what, name, *more in said:
        story = await gateway.look_up(SYMBOL, name)
        if what == "OrderRefused":
            continue
        assert story is not None, (what, name)
        known[name] = story
        if what == "Trade":
            assert (trades[more[0]].client_id, str(trades[more[0]].fill.amount)) == (name, more[1])
        elif what == "OrderClosed":
            assert isinstance(story[-1], OrderClosed)
            assert str(story[-1].filled) == more[0]
    sides = {}
    for event in trades.values():
        # Buys rest below 100 and sells above it.
        sides[event.client_id] = Side.BUY if event.fill.price < 100 else Side.SELL
    held = totals(FUNDS, [(sides[event.client_id], event) for event in trades.values()])
    balances = await gateway.balances()
    assert {currency: funds.total for currency, funds in balances.items()} == held
    resting = await gateway.open_orders(SYMBOL)
    bound = sum((each.price * (each.amount - each.filled) for each in resting if each.side is Side.BUY), Decimal(0))
    assert balances["USDT"].used == bound
    await gateway.close()
