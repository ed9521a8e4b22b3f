"""The other two front doors as their user starts them: `python -m bot check` and `python -m bot backtest`."""

import json
import math
import struct
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from tests.chaos.places import BINANCE, BYBIT, BYBIT_LINEAR, Place
from tests.flows import chat, exchanges
from tests.flows.process import QUICK, Bot
from tests.telegram.bot_api import ThreadedBotApi
from tests.venue.server import threaded

KEYS = (
    "bars", "seconds", "bars_per_second", "round_trips", "open_positions", "realized", "fees", "unrealized",
    "max_drawdown", "hold",
)  # fmt: skip
GRID = ("linear", "BTC/USDT", "-5%", "+5%", "20", "0.001", "0.5", "loop")


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of minutes that swing by 4 %."""
    path = tmp_path_factory.mktemp("candles") / "day.csv"
    closes = [60_000 * (1 + 0.04 * math.sin(minute / 90)) for minute in range(1440)]
    rows = ["timestamp,open,high,low,close,volume"]
    for minute, close in enumerate(closes):
        begin = closes[max(0, minute - 1)]
        rows.append(
            f"{1_700_000_040_000 + minute * 60_000},{begin:.2f},{max(begin, close) + 5:.2f},"
            f"{min(begin, close) - 5:.2f},{close:.2f},1.5"
        )
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def run(folder: Path, *arguments: str, **settings: str) -> tuple[int, list[str], list[str]]:
    with Bot(folder, {**QUICK, **settings}, arguments) as bot:
        bot.end_input()
        return bot.wait(), bot.out.lines, bot.errors.lines


def test_a_backtest_prints_its_report_as_one_json_object_and_draws_its_picture(tmp_path: Path, candles: Path) -> None:
    code, out, errors = run(
        tmp_path, "backtest", *GRID, "--candles", str(candles), "--maker-fee", "0.0002", "--json", "--chart", "a.png"
    )
    assert (code, errors, len(out)) == (0, [], 1)
    report = json.loads(out[0])
    assert tuple(report) == KEYS
    assert all(isinstance(value, int | float) for value in report.values())
    assert report["bars"] == 1440
    assert report["round_trips"] > 20
    picture = (tmp_path / "a.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1080, 1350)
    assert len(picture) < 300_000
    assert not (tmp_path / "results").exists()


def test_a_backtest_for_a_person_says_the_command_and_the_figures(tmp_path: Path, candles: Path) -> None:
    code, out, errors = run(tmp_path, "backtest", *GRID, f"--candles={candles}", "--fill=touch")
    assert (code, errors) == (0, [])
    assert out[0] == "/linear BTC/USDT 57000 63000 20 0.001 0.5% loop"
    assert any(line.startswith("closed trades") for line in out)


@pytest.mark.slow
def test_whatever_is_wrong_with_a_backtest_is_one_line(tmp_path: Path, candles: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("timestamp,open\n1,2\n", "utf-8")
    cases: tuple[tuple[str, ...], ...] = (
        (),
        GRID,
        (*GRID, "--candles"),
        (*GRID, "--candles", "nowhere.csv"),
        (*GRID, "--candles", str(broken)),
        (*GRID, "--candles", str(candles), "--colour"),
        (*GRID, "--candles", str(candles), "--fill", "always"),
        (*GRID, "--candles", str(candles), "--maker-fee", "much"),
        (*GRID, "--candles", str(candles), "--price-tick", "0"),
        (*GRID, "--candles", str(candles), "--chart", "no/such/folder/a.png"),
        ("circular", *GRID[1:], "--candles", str(candles)),
        ("linear", "BTC/USDT", "66000", "54000", "x", "--candles", str(candles)),
        ("linear", "BTC/USDT", "1", "2", "20", "0.001", "0.5", "--candles", str(candles)),
    )
    with ThreadPoolExecutor(4) as threads:
        ends = list(threads.map(lambda case: run(tmp_path, "backtest", *case), cases))
    for case, (code, out, errors) in zip(cases, ends, strict=True):
        assert (code, out, len(errors)) == (2, [], 1), (case, errors)
        assert errors[0].startswith("backtest: ")


def test_check_prints_a_row_for_each_thing_and_1_where_one_is_wrong(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        served = chat.settings(api)
        wrong = {**served, "TELEGRAM_BOT_TOKEN": "123456789:not-the-token-of-the-server-0000"}
        gone = {**served, "TELEGRAM_API_URL": "http://127.0.0.1:1"}
        blocked = {"RESULTS_DIR": "/dev/null/results"}
        worlds: list[dict[str, str]] = [{}, served, wrong, gone, blocked]
        with ThreadPoolExecutor(4) as threads:
            ends = list(threads.map(lambda world: run(tmp_path / "folder", "check", **world), worlds))
    rows = [[line.split()[:2] for line in out] for _, out, _ in ends]
    names = ["settings", "exchange", "key", "store", "telegram"]
    assert all([row[0] for row in each] == names for each in rows)
    signs = [[row[1] for row in each] for each in rows]
    assert [code for code, _, _ in ends] == [0, 0, 1, 1, 1]
    assert signs[0] == signs[1] == ["ok"] * 5
    assert signs[2] == signs[3] == ["ok"] * 4 + ["NO"]
    assert signs[4] == ["ok"] * 3 + ["NO", "ok"]
    assert "@loopback_bot" in ends[1][1][4]
    assert all(not errors for _, _, errors in ends)
    assert all(wrong["TELEGRAM_BOT_TOKEN"] not in line for line in ends[2][1])


def test_check_of_an_exchange_is_quick_and_leaves_nothing_open(tmp_path: Path) -> None:
    with exchanges.opened(BYBIT_LINEAR) as venue:
        good = dict(exchanges.settings(BYBIT_LINEAR, venue, LEVERAGE="3"))
        worlds = [good, {**good, "EXCHANGE_API_SECRET": "a-secret-that-is-wrong-000"}, {**good, "SYMBOL": "DOGE/USDT"}]
        worlds[2].pop("LEVERAGE")
        with ThreadPoolExecutor(3) as threads:
            ends = list(threads.map(lambda world: run(tmp_path / "folder", "check", **world), worlds))
    assert [code for code, _, _ in ends] == [0, 1, 1]
    assert all(not errors for _, _, errors in ends), ends
    signs = [[line.split()[1] for line in out] for _, out, _ in ends]
    assert signs == [["ok"] * 5, ["ok", "ok", "NO", "ok", "ok"], ["ok", "NO", "ok", "ok", "ok"]]
    assert "isolated margin and leverage 3" in ends[0][1][2]
    assert not any("a-secret-that-is-wrong" in line for line in ends[1][1])


@pytest.mark.slow
@pytest.mark.parametrize("place", [BYBIT, BINANCE], ids=str)
def test_a_backtest_reads_the_exchanges_history_page_by_page(tmp_path: Path, place: Place) -> None:
    venue = place.open(0)
    now, market = venue.clock(), place.market(venue)
    market.candles[:] = [
        (now - (1500 - minute) * 60_000, Decimal(round(60_000 * (1 + 0.03 * math.sin(minute / 90)))))
        for minute in range(1500)
    ]
    words = ("linear", "-3%", "+3%", "20", "0.001", "0.5", "loop", "--json")
    with threaded(venue):
        settings = dict(exchanges.settings(place, venue, EXCHANGE_MODE="paper"))
        with ThreadPoolExecutor(2) as threads:
            fees: tuple[tuple[str, ...], ...] = ((), ("--maker-fee", "0"))
            ends = threads.map(lambda fee: run(tmp_path, "backtest", *words, "--days", "1", *fee, **settings), fees)
            (code, out, errors), free = ends
        assert (code, errors) == (0, [])
        report = json.loads(out[0])
        assert tuple(report) == KEYS
        assert 1430 <= report["bars"] <= 1440
        assert report["round_trips"] > 20
        assert report["fees"] > 0  # the exchange's own
        assert json.loads(free[1][0])["fees"] == 0
        assert not exchanges.private(venue)
    code, out, errors = run(tmp_path, "backtest", *words, **settings)
    assert (code, out, len(errors)) == (2, [], 1)
    assert "can't be reached" in errors[0]
