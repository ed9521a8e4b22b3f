"""`python -m bot check` on an exchange: whatever is wrong there is a clear row, and nothing is left behind.

A session that is left open warns when it is collected, and a warning fails a test here.
"""

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bot import check
from bot.settings import parse_settings
from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, SECRET, Place
from tests.flows import exchanges
from tests.venue.server import Venue


@pytest.fixture(scope="module", params=[BYBIT, pytest.param(BINANCE, marks=pytest.mark.slow)], ids=str)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture
def venue(place: Place) -> Iterator[Venue]:
    with exchanges.opened(place) as venue:
        yield venue


Rows = dict[str, str]


@pytest.fixture
def rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Rows]]:
    """What `check` says with these settings."""

    def run(settings: Mapping[str, str], **more: str) -> tuple[int, Rows]:
        code = asyncio.run(check.main(parse_settings({**settings, "RESULTS_DIR": str(tmp_path), **more})))
        gc.collect()  # what was not closed says so now
        out, err = capsys.readouterr()
        assert err == ""
        assert SECRET not in out.replace("API_SECRET", "")
        found = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
        assert list(found) == ["settings", "exchange", "key", "store", "telegram"]
        assert code == int(any(row.startswith("NO") for row in found.values()))
        return code, found

    return run


Look = Callable[..., tuple[int, Rows]]


def test_all_is_well_in_every_mode_and_paper_asks_nothing_private(place: Place, venue: Venue, rows: Look) -> None:
    settings = exchanges.settings(place, venue)
    for mode in ("paper", "demo", "live"):
        code, found = rows(settings, EXCHANGE_MODE=mode)
        assert (code, found["exchange"].startswith("ok " + place.exchange)) == (0, True), found
        assert "bid 60000 ask 60001" in found["exchange"]
        assert "ms" in found["exchange"]  # between the clocks
        if mode == "paper":
            assert found["key"] == "ok none is needed"
            assert not exchanges.private(venue)
        else:
            assert found["key"].startswith("ok may trade, may not withdraw")
            assert "1000000 USDT free; maker fee 0.1 %" in found["key"]


def test_what_a_key_must_not_be_is_said(place: Place, venue: Venue, rows: Look) -> None:
    settings = exchanges.settings(place, venue)
    for name in ("KEY", "SECRET"):
        _, found = rows(settings, **{f"EXCHANGE_API_{name}": "another-one-that-is-wrong"})
        assert found["exchange"].startswith("ok")
        assert "the API key is not accepted" in found["key"]
        assert "another-one" not in found["key"]
    account = exchanges.account(venue)
    account.can_withdraw = True
    assert "ALLOW_WITHDRAWAL_KEY=yes" in rows(settings)[1]["key"]
    code, found = rows(settings, ALLOW_WITHDRAWAL_KEY="yes")
    assert (code, "may withdraw" in found["key"]) == (0, True)
    account.can_withdraw, account.read_only = False, True
    assert "may only read" in rows(settings)[1]["key"]


def test_a_market_that_is_not_there_is_named_with_those_that_are(place: Place, venue: Venue, rows: Look) -> None:
    _, found = rows(exchanges.settings(place, venue), SYMBOL="DOGE/USDT")
    assert "SYMBOL" in found["exchange"]
    assert "BTC/USDT" in found["exchange"]
    assert found["key"].startswith("ok may trade")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("html", "can't be read"),
        ("garbage", "can't be read"),
        ("error_before", "can't be reached"),
        ("maintenance", "maintenance|restarting"),
    ],
)
def test_an_answer_that_is_none_is_a_row(place: Place, venue: Venue, rows: Look, fault: str, said: str) -> None:
    venue.faults.set(fault, 1)
    _, found = rows(exchanges.settings(place, venue))
    assert any(word in found["exchange"] for word in said.split("|"))
    assert found["key"].startswith("NO")
    assert "<" not in found["exchange"]


def test_nobody_there_and_nobody_answering_are_rows(place: Place, rows: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with exchanges.opened(place) as venue:
        settings = exchanges.settings(place, venue)
    assert "can't be reached" in rows(settings)[1]["exchange"]
    monkeypatch.setattr(check, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", venue.port)):
        _, found = rows(settings)
    assert "no answer within" in found["exchange"]
    assert "row above" in found["key"]


def test_an_exchange_whose_orders_are_not_known_is_one_for_paper(rows: Look) -> None:
    keys = {"EXCHANGE_API_KEY": "key", "EXCHANGE_API_SECRET": SECRET}
    _, found = rows({"EXCHANGE": "bitstamp", "EXCHANGE_MODE": "live", **keys})
    assert "bybit" in found["exchange"]
    assert "paper" in found["exchange"]


def test_on_a_perpetual_the_position_and_what_will_be_set_are_shown(rows: Look) -> None:
    with exchanges.opened(BYBIT_LINEAR) as venue:
        settings = exchanges.settings(BYBIT_LINEAR, venue, LEVERAGE="3")
        code, found = rows(settings)
        assert code == 0
        assert "one-way, cross margin, leverage 10, nothing held" in found["key"]
        assert "the first order sets isolated margin and leverage 3" in found["key"]
        assert not [call for call in venue.witness.calls if call.method == "POST"]
        exchanges.account(venue).hedged = True
        assert "hedge mode" in rows(settings)[1]["key"]
