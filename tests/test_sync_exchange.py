"""The trader as a library on an exchange: a loopback one, with real sockets, and scripts that end without a word."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.errors import MarketError, SettingsError, StateForeign
from bot.sync import Client, TradeManager
from tests.chaos.places import BINANCE, BYBIT, KEY, SECRET, Place, options
from tests.flows import exchanges
from tests.test_sync import script
from tests.venue.model import Side
from tests.venue.server import Venue

GRID: dict[str, Any] = {"min_p": 59_000, "max_p": 59_900, "count": 4, "qty": 0.001, "profit": 0.5}


@pytest.fixture(scope="module", params=[BYBIT, pytest.param(BINANCE, marks=pytest.mark.slow)], ids=str)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture
def venue(place: Place) -> Iterator[Venue]:
    with exchanges.opened(place) as venue:
        yield venue


def client(place: Place, venue: Venue, mode: str = "live", key: str = KEY, **more: Any) -> Client:
    return Client(
        place.exchange,
        place.symbol,
        mode=mode,
        api_key=key,
        api_secret=SECRET,
        options=options(venue, timeout_ms=5_000),
        **more,
    )


@contextmanager
def session(place: Place, venue: Venue, mode: str = "live", **more: Any) -> Iterator[TradeManager]:
    manager = TradeManager(client(place, venue, mode, **more))
    try:
        yield manager
    finally:
        manager.close()


def ticked(manager: TradeManager, come: Callable[[], object]) -> None:
    """Tick until it has come true."""
    deadline = time.monotonic() + 20
    while not come():
        assert time.monotonic() < deadline, "it did not come true"
        manager.process_tick()
        time.sleep(0.02)


def test_a_script_trades_live_and_its_session_goes_on_elsewhere(place: Place, venue: Venue, tmp_path: Path) -> None:
    path, market = tmp_path / "session.json", place.market(venue)
    with session(place, venue) as first:
        first.create_linear_traders(**GRID, loop=True)
        first.process_tick()
        assert len(exchanges.resting(venue)) == 4  # a tick waits for the answers
        market.move(59_650)
        ticked(first, lambda: any(order.side is Side.SELL for order in exchanges.resting(venue)))
        market.move(60_300)
        ticked(first, lambda: first.closed_trades)
        first.save_to_disk(path)
        assert "exchange" not in json.loads(path.read_text("utf-8"))
    before = {order.client_id for order in exchanges.resting(venue)}
    assert len(before) >= 3  # they stay where they are
    venue.ledger.add_account("another", SECRET, {"USDT": "1000"})
    with session(place, venue, key="another") as stranger, pytest.raises(StateForeign, match="script"):
        stranger.load_from_disk(path)
    with session(place, venue) as second:
        second.load_from_disk(path)
        ticked(second, lambda: len(exchanges.resting(venue)) == 4)
        assert before <= {order.client_id for order in exchanges.resting(venue)}
        assert [view.grid.id for view in second.grids] == ["g1"]
        second.stop("g1", "keep")
        ticked(second, lambda: not exchanges.resting(venue))


def test_paper_pretends_on_real_prices_and_asks_nothing_private(place: Place, venue: Venue, tmp_path: Path) -> None:
    path, market = tmp_path / "session.json", place.market(venue)
    with session(place, venue, "paper", funds={"USDT": 500}, maker_fee="0.02") as first:
        first.create_linear_traders(**GRID)
        market.move(59_500)
        ticked(first, lambda: first.balances.get("BTC"))
        first.save_to_disk(path)
        kept = first.balances
    with session(place, venue, "paper") as second:
        second.load_from_disk(path)
        assert second.balances == kept
        market.move(61_000)
        ticked(second, lambda: second.closed_trades)
    assert not venue.ledger.orders
    assert not exchanges.private(venue)


def test_a_key_that_may_withdraw_and_an_exchange_that_is_gone_are_said(place: Place, venue: Venue) -> None:
    exchanges.account(venue).can_withdraw = True
    with pytest.raises(SettingsError, match="can't withdraw"), session(place, venue):
        pass
    with session(place, venue, allow_withdrawal_key=True) as manager:
        assert manager.balances["USDT"].free == Decimal(1_000_000)
    gone = client(place, venue)
    venue.faults.set("error_before", 1)
    with pytest.raises(MarketError):
        TradeManager(gone)


ENDS = """\
import json
from bot.sync import Client, TradeManager

client = Client({exchange!r}, {symbol!r}, mode={mode!r}, api_key="key", api_secret="secret", options=json.loads({options!r}))
manager = TradeManager(client)
manager.create_linear_traders(min_p=59_000, max_p=59_900, count=4, qty=0.001, profit=0.5, loop=True)
for _ in range(3):
    manager.process_tick()
print(sum(level.order_side is not None for grid in manager.grids for level in grid.levels))
"""  # noqa: E501


@pytest.mark.parametrize("mode", ["live", "paper"])
def test_a_script_may_end_without_a_word(place: Place, venue: Venue, tmp_path: Path, mode: str) -> None:
    said = json.dumps(options(venue, timeout_ms=5_000))
    text = ENDS.format(exchange=place.exchange, symbol=place.symbol, mode=mode, options=said)
    assert script(tmp_path, text) == "4\n"  # and nothing on stderr
    assert len(exchanges.resting(venue)) == (4 if mode == "live" else 0)
