"""The trader as a library: the example of CONTRACT.md as a plain script elsewhere, and sessions that are kept.

Two scripts share nothing but the file: what one saved the other finds, to the last digit.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_UP, Decimal, Inexact, getcontext, localcontext
from pathlib import Path

import pytest

from bot.errors import BotError, CommandError, SettingsError, StateCorrupt
from bot.sync import Client, TradeManager

ROOT = Path(__file__).parent.parent
TICKS = 40

EXAMPLE = """\
from bot.sync import Client, TradeManager
import time

client = Client(exchange="simulated", symbol="BTC/USDT")
manager = TradeManager(client, maker_offset_buy=0.1, maker_offset_sell=0.1)
manager.create_normal_traders(min_p=60000, max_p=65000, count=20, qty=0.001, profit=0.5, loop=True)  # mean=None, sigma=6.0
manager.create_linear_traders(min_p=60000, max_p=65000, count=10, qty=0.001, profit=0.5)             # loop=False
manager.add_trade(target_entry=60000, target_exit=60300, qty=0.001, loop_trade=False)
while True:
    manager.process_tick()
    manager.save_to_disk("results/session.json")   # load_from_disk("results/session.json") resumes it
    time.sleep(2)
"""  # noqa: E501
"""CONTRACT.md, As a library, word for word."""

LOADS = """\
import json, sys
from bot.sync import Client, TradeManager

manager = TradeManager(Client(exchange="simulated", symbol="BTC/USDT"), maker_offset_buy=0.1, maker_offset_sell=0.1)
manager.load_from_disk("results/session.json")
print(json.dumps(sorted(view.grid.id for view in manager.grids)))
for _ in range(3):
    manager.process_tick()
manager.save_to_disk("results/session.json")
"""


def script(folder: Path, text: str) -> str:
    """Run a plain script from a folder; what it printed."""
    path = folder / "script.py"
    path.write_text(text, "utf-8")
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@contextmanager
def session(seed: int = 27, fee: str = "0.01") -> Iterator[TradeManager]:
    manager = TradeManager(Client(seed=seed, maker_fee=fee), maker_offset_buy=0.1, maker_offset_sell="0.01%")
    try:
        yield manager
    finally:
        manager.close()


def traded(manager: TradeManager, closed: int = 1) -> None:
    """Tick until so many trades have closed."""
    deadline = time.monotonic() + 30
    while len(manager.closed_trades) < closed:
        assert time.monotonic() < deadline, "nothing was traded"
        manager.process_tick()
        time.sleep(0.05)


def test_the_example_of_the_contract_runs_as_a_plain_script_elsewhere(tmp_path: Path) -> None:
    bounded = EXAMPLE.replace("while True:", f"for _ in range({TICKS}):").replace("sleep(2)", "sleep(0.01)")
    assert bounded.count("for _ in") == bounded.count("sleep(0.01)") == 1
    assert script(tmp_path, bounded) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "script.py"]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["session.json"]
    assert json.loads(script(tmp_path, LOADS)) == ["g1", "g2", "g3"]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["session.json"]


def test_a_saved_session_goes_on_exactly_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "session.json"
    with session() as first:
        bid = int(first.quote.bid)
        first.create_linear_traders(bid * 0.993, bid * 1.007, 40, 0.001, 0.05, loop=True)
        traded(first)
        first.stop("g1", "keep")  # nothing rests any more, so that nothing trades while it is looked at
        first.add_trade(bid // 2, bid, 0.001)  # far below the market: it rests and stays
        for _ in range(3):
            first.process_tick()
        first.save_to_disk(path)
        kept, orders = first.balances, resting(first)
        saved = path.read_bytes()
    assert len(orders) == 1
    for _ in range(2):  # a session may be loaded any number of times
        with session(seed=3) as second:
            second.load_from_disk(path)
            assert path.read_bytes() == saved
            assert (second.balances, resting(second)) == (kept, orders)
            assert [view.grid.id for view in second.grids] == ["g2"]
            bid = int(second.quote.bid)
            grid = second.create_linear_traders(bid * 0.997, bid * 1.003, 60, 0.001, 0.05, loop=True)
            assert grid.id == "g3"  # names are never used again
            second.process_tick()
            assert len(resting(second)) == 61
            assert len({*resting(second)} - {*orders}) == 60


def resting(manager: TradeManager) -> dict[str, tuple[object, ...]]:
    """The orders on the book, by level."""
    return {
        level.id: (level.order_side, level.order_price, level.order_left)
        for grid in manager.grids
        for level in grid.levels
        if level.order_side is not None
    }


def test_the_decimals_of_the_script_are_its_own() -> None:
    with localcontext() as mine:
        mine.prec, mine.rounding = 5, ROUND_UP
        mine.traps[Inexact] = False
        with session() as manager:
            manager.add_trade(60_000, 60_300, 0.001)
            manager.process_tick()
            assert getcontext() is mine
            assert (mine.prec, mine.rounding) == (5, ROUND_UP)
            assert Decimal(1) / Decimal(3) == Decimal("0.33334")


def test_it_may_be_used_inside_a_running_loop_and_from_several_threads() -> None:
    async def story() -> None:
        with session() as manager:
            manager.add_trade(60_000, 60_300, 0.001)
            manager.process_tick()
            assert [view.grid.id for view in manager.grids] == ["g1"]
            await asyncio.gather(*(asyncio.to_thread(manager.process_tick) for _ in range(8)))

    asyncio.run(story())


def test_closing_leaves_no_thread_and_no_file_behind() -> None:
    before = set(threading.enumerate())
    client = Client(seed=1)
    folder = client._folder
    manager = TradeManager(client)
    manager.process_tick()
    manager.close()
    assert set(threading.enumerate()) <= before
    del client, manager
    assert not folder.exists()


def test_what_is_wrong_is_said_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="EXCHANGE_API_KEY"):
        Client(exchange="bybit", mode="live")
    with pytest.raises(SettingsError, match="paper, demo or live"):
        Client(mode="dream")
    path = tmp_path / "session.json"
    with session() as manager:
        manager.add_trade(60_000, 60_300, 0.001)
        with pytest.raises(BotError):
            manager.create_linear_traders(65_000, 60_000, 10, 0.001, 0.5)
        with pytest.raises(BotError, match=r"minimum|smallest"):
            manager.create_linear_traders(60_000, 65_000, 10, 0.0000001, 0.5)
        with pytest.raises(BotError):
            manager.create_linear_traders(60_000, 65_000, 0, 0.001, 0.5)
        with pytest.raises(CommandError):
            manager.add_trade(60_300, 60_000, 0.001)
        with pytest.raises(CommandError, match="finish, keep or sell"):
            manager.stop("g1", "now")
        with pytest.raises(CommandError):
            manager.pause("g9")
        with pytest.raises(FileNotFoundError):
            manager.load_from_disk(path)
        path.write_text("{}", "utf-8")
        with pytest.raises(StateCorrupt):
            manager.load_from_disk(path)
        manager.process_tick()
        assert [view.grid.id for view in manager.grids] == ["g1"]
