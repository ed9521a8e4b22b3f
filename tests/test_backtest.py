"""The backtest: leaping is stepping, its books are the account's, its command line says what it wants."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bot.backtest import FUNDS, IDENTITY, Rules, Run, TradeList, picture, run
from bot.backtest_command import main, parse
from bot.core.grids import GridSpec, Shape
from bot.core.pricing import Offset, Offsets
from bot.errors import CommandError
from bot.exchange.candles import CandleFeed, CandleSeries, ReplayClock
from bot.exchange.paper import PaperGateway
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.storage.memory_store import MemoryStore
from tests import fakes
from tests.fakes import BTC, START, dec

FIRST = int(START.timestamp()) * 1000
SPEC = GridSpec(Shape.LINEAR, BTC, dec(95), dec(105), 9, dec(1), None, dec("0.5"), loop=True)
RULES = Rules(maker_fee_ratio=dec("0.0002"))


def walk(seed: int, bars: int = 600, start: int = 10_000, wild: int = 60, bar: int = 60_000) -> CandleSeries:
    """A random walk in cents that comes back to where it began, now and then with a jump."""
    luck = Random(seed)
    rows, price = [], start
    for _ in range(bars):
        opened = price + (luck.randint(-300, 300) if luck.random() < 0.02 else 0)
        price = opened + luck.randint(-wild, wild) + (start - opened) // 50
        high = max(opened, price) + luck.randint(0, wild // 2)
        low = min(opened, price) - luck.randint(0, wild // 2)
        rows.append((opened, high, low, price))
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    times = FIRST + np.arange(bars, dtype=np.int64) * bar
    opens, highs, lows, closes = columns
    return CandleSeries(times, opens, highs, lows, closes, np.zeros(bars), digits=2, bar=bar)


def both_ways(spec: GridSpec, series: CandleSeries, rules: Rules = RULES, policy: Policy | None = None) -> Run:
    """The run, leapt and stepped; nothing may differ."""
    leapt = fakes.run(run(spec, series, rules, policy))
    stepped = fakes.run(run(spec, series, rules, policy, leap=False))
    assert list(leapt.trades) == list(stepped.trades)
    assert replace(leapt.report, seconds=1.0, max_drawdown=dec(0)) == replace(
        stepped.report, seconds=1.0, max_drawdown=dec(0)
    )
    assert np.allclose(leapt.equity, stepped.equity)
    assert float(leapt.report.max_drawdown) == pytest.approx(float(stepped.report.max_drawdown))
    return leapt


GRIDS = {
    "loop": SPEC,
    "once": replace(SPEC, loop=False),
    "normal": replace(SPEC, shape=Shape.NORMAL),
    "geometric": replace(SPEC, shape=Shape.GEOMETRIC, count=15),
    "waits for the market to be above": replace(SPEC, above_wait=True),
    "below the market": replace(SPEC, minimum=dec(90), maximum=dec(98)),
    "above the market": replace(SPEC, minimum=dec(101), maximum=dec(110)),
    "stops": replace(SPEC, stop=dec(97)),
    "stops and sells": replace(SPEC, stop=dec(97), stop_sell=True),
    "takes": replace(SPEC, take=dec(103)),
    "stops or takes": replace(SPEC, stop=dec(96), take=dec(104), above_wait=True),
    "dense": replace(SPEC, count=60, profit_pct=dec("0.1")),
    "one level": replace(SPEC, count=1),
    "budget": replace(SPEC, amount=None, budget=dec(1000)),
}
POLICIES = {
    "plain": Policy(),
    "offsets": Policy(offsets=Offsets(Offset(absolute=dec("0.3")), Offset(ratio=dec("0.002")))),
    "window": Policy(max_open_orders=4),
    "narrow window": Policy(max_open_orders=1),
    "exposure": Policy(max_exposure=dec(1500)),
    "daily loss": Policy(max_daily_loss=dec(10)),
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize(
    "spec",
    [pytest.param(spec, marks=pytest.mark.slow if name == "dense" else (), id=name) for name, spec in GRIDS.items()],
)
def test_leaping_and_stepping_give_the_same_trades(spec: GridSpec, policy: Policy) -> None:
    policy = policy if spec.count < 60 else replace(policy, max_exposure=None)
    both_ways(spec, walk(len(POLICIES) * spec.count, 400), policy=policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize(
    "spec",
    [pytest.param(spec, marks=pytest.mark.slow if name == "dense" else (), id=name) for name, spec in GRIDS.items()],
)
def test_leaping_and_stepping_give_the_same_trades_over_many_walks(spec: GridSpec, policy: Policy) -> None:
    policy = policy if spec.count < 60 else replace(policy, max_exposure=None)
    for seed in range(100, 130):
        both_ways(spec, walk(seed, 2000, wild=Random(seed).randint(5, 120)), policy=policy)


@pytest.mark.parametrize("touch", [True, False])
@pytest.mark.parametrize("bar", [1000, 60_000, 3_600_000])
def test_the_same_with_either_fill_rule_and_any_length_of_a_bar(touch: bool, bar: int) -> None:
    done = both_ways(SPEC, walk(5, bar=bar), replace(RULES, touch=touch))
    assert done.report.round_trips > 5


@pytest.mark.parametrize("bar", [1000, 7000, 60_000])
def test_the_same_while_the_account_refuses_for_want_of_funds(bar: int) -> None:
    rich = replace(SPEC, amount=FUNDS / 400, force=True)
    done = both_ways(rich, walk(3, bar=bar), replace(RULES, maker_fee_ratio=dec(0)))
    assert done.report.round_trips > 0


def test_touching_fills_more_than_going_through() -> None:
    series = walk(11, wild=20)
    through, touch = (both_ways(SPEC, series, replace(RULES, touch=each)) for each in (False, True))
    assert touch.report.round_trips >= through.report.round_trips


def test_an_order_placed_on_a_close_fills_from_the_next_candle_on() -> None:
    flat = np.array([10_000, 10_000, 10_000], dtype=np.int64)
    low = np.array([9_000, 10_000, 9_000], dtype=np.int64)
    times = FIRST + np.arange(3, dtype=np.int64) * 60_000
    series = CandleSeries(times, flat, flat, low, flat, np.zeros(3), digits=2, bar=60_000)
    done = both_ways(replace(SPEC, count=1, minimum=dec(95), maximum=dec(95)), series)
    assert done.report.open_positions == 1
    assert list(done.equity[:2]) == [0.0, 0.0]


def test_two_single_candles_at_the_stop_are_no_two_beats_in_a_row() -> None:
    closes = [9_800, 9_690, 9_800, 9_800, 9_800, 9_800, 9_690, 9_800, 9_800, 9_690, 9_690, 9_800]
    column = np.array(closes, dtype=np.int64)
    times = FIRST + np.arange(len(closes), dtype=np.int64) * 60_000
    spec = replace(
        SPEC, count=1, minimum=dec(97), maximum=dec(97), stop=dec("96.95"), stop_sell=True, profit_pct=dec(5)
    )

    def played(bars: int) -> Run:
        parts = (column[:bars],) * 4
        return both_ways(spec, CandleSeries(times[:bars], *parts, np.zeros(bars), digits=2, bar=60_000))

    assert played(10).report.open_positions == 1
    assert played(12).report.open_positions == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_books_are_the_balances_of_the_account(seed: int) -> None:
    """The run once more by hand, with the account in sight."""
    series = walk(seed)
    done = fakes.run(run(SPEC, series, RULES))

    async def again() -> None:
        rules = RULES.market(BTC)
        clock = ReplayClock(series.closes_at(0))
        gateway = PaperGateway({BTC: rules}, clock, {"USDT": FUNDS})
        feed = CandleFeed(series, rules, gateway, clock)
        ledger = TradeList()
        world = World(data=feed, gateway=gateway, store=MemoryStore(), ledger=ledger, clock=clock)
        manager = TradeManager(world, Policy(), IDENTITY)
        await manager.start()
        await manager.create(await manager.preview(SPEC))
        await manager.beat()
        for index in range(1, len(series)):
            feed.step_to(index)
            await manager.beat()
        balances = await gateway.balances()
        held = sum((each.books.held for each in manager.state.executors.values()), dec(0))
        assert balances["BTC"].total == held == manager.state.holding(BTC).amount
        close = series.decimal(len(series) - 1, "close")
        worth = balances["USDT"].total - FUNDS + held * close
        assert worth == done.report.realized + done.report.unrealized
        assert ledger.trades == list(done.trades)
        assert done.report.realized == sum(trade.pnl for trade in ledger.trades)
        assert done.equity[-1] == pytest.approx(float(worth))

    fakes.run(again())
    assert done.report.round_trips == len(done.trades) > 5
    assert float(done.report.max_drawdown) >= 0


def test_a_grid_that_the_preview_forbids_is_not_run() -> None:
    with pytest.raises(CommandError, match="below the fees"):
        fakes.run(run(replace(SPEC, profit_pct=dec("0.01")), walk(1), RULES))


# -- the command line ----------------------------------------------------------------------------------------------


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    series = walk(2, 400)
    rows = ["timestamp,open,high,low,close,volume"]
    for index in range(len(series)):
        prices = ",".join(str(series.decimal(index, column)) for column in ("open", "high", "low", "close"))
        rows.append(f"{series.times[index]},{prices},1")
    path = tmp_path / "candles.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


WORDS = ["linear", "BTC/USDT", "95", "105", "9", "1", "0.5", "loop"]


def test_a_picture_shows_the_time_of_a_zone_and_the_profit_of_the_run() -> None:
    done = fakes.run(run(SPEC, walk(3), RULES))
    utc, berlin = picture(done), picture(done, ZoneInfo("Europe/Berlin"))
    assert utc.times[-1] == int(done.series.closes_at(599).timestamp()) * 1000
    assert set(berlin.times - utc.times) == {3_600_000}
    assert {local[0] - at[0] for local, at in zip(berlin.sales, utc.sales, strict=True)} == {timedelta(hours=1)}
    assert done.report.profit == done.report.realized + done.report.unrealized
    assert float(done.report.profit) == pytest.approx(float(utc.equity[-1]))


def test_once_it_is_enough_a_run_ends() -> None:
    asked = iter([False] * 5 + [True])
    with pytest.raises(TimeoutError):
        fakes.run(run(SPEC, walk(3), RULES, enough=lambda: next(asked)))


def test_json_prints_one_object_with_the_promised_keys(candles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--candles", str(candles), "--maker-fee", "0.02%", "--fill", "through", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert list(report) == [
        "bars",
        "seconds",
        "bars_per_second",
        "round_trips",
        "open_positions",
        "realized",
        "fees",
        "unrealized",
        "max_drawdown",
        "hold",
    ]
    assert report["bars"] == 400
    assert all(isinstance(value, int | float) for value in report.values())
    done = fakes.run(run(SPEC, walk(2, 400), RULES))
    assert report["round_trips"] == done.report.round_trips > 0
    assert report["realized"] == float(done.report.realized)
    assert report["fees"] == float(done.report.fees)


def test_without_json_a_person_reads_it_and_the_command_stands_on_top(
    candles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "above=wait", f"--candles={candles}"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("/linear BTC/USDT 95 105 9 1 0.5% loop above=wait")
    assert "closed trades" in out


def test_minimum_and_maximum_may_be_relative_to_the_first_close(candles: Path) -> None:
    assert main(["geometric", "BTC/USDT", "-5%", "+5%", "9", "0.5%", "budget=900", "--candles", str(candles)]) == 0


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], "a grid is needed"),
        (WORDS, "give --candles FILE, or name an exchange"),
        (["--candles", "x.csv"], "a grid is needed"),
        ([*WORDS, "--candles", "{file}", "--days", "3"], "leave one of them out"),
        ([*WORDS, "--days", "0"], "--days is a whole number from 1 to 366"),
        ([*WORDS, "--candles"], "--candles needs a value"),
        ([*WORDS, "--candles="], "--candles needs a value"),
        ([*WORDS, "--candles", "{file}", "--color"], "--color is no option"),
        ([*WORDS, "--candles", "{file}", "--fill", "never"], "--fill is through or touch"),
        ([*WORDS, "--candles", "{file}", "--maker-fee", "cheap"], "--maker-fee must be a number"),
        ([*WORDS, "--candles", "{file}", "--maker-fee", "-0.1"], "--maker-fee is a ratio from 0 to 0.1"),
        ([*WORDS, "--candles", "{file}", "--maker-fee", "50%"], "--maker-fee is a ratio from 0 to 0.1"),
        ([*WORDS, "--candles", "{file}", "--price-tick", "0"], "--price-tick is above zero"),
        ([*WORDS, "--candles", "{file}", "--price-tick", "fine"], "--price-tick must be a number"),
        ([*WORDS, "--candles", "{file}", "--amount-step", "-1"], "--amount-step is above zero"),
        ([*WORDS, "--candles", "{folder}/none.csv"], "none.csv"),
        ([*WORDS, "--candles", "{folder}"], ""),
        (["square", *WORDS[1:], "--candles", "{file}"], "linear, normal or geometric, got 'square'"),
        (["linear", "BTC/USDT", "95", "--candles", "{file}"], ""),
        (["linear", "BTC/USDT", "105", "95", "9", "1", "0.5", "--candles", "{file}"], "MIN must be below MAX"),
        (["linear", "BTC/USDT", "95", "105", "9", "1", "0.5", "what", "--candles", "{file}"], "what"),
        (["linear", "BTC/USDT", "95", "105", "5000", "1", "0.5", "--candles", "{file}"], "fall on the same price"),
        ([*WORDS, "--candles", "{file}", "--chart", "{folder}/no/such/folder.png"], "the chart can't be written"),
    ],
)
def test_a_bad_argument_gives_one_line_and_exit_2(
    arguments: list[str], names: str, candles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = [each.replace("{file}", str(candles)).replace("{folder}", str(candles.parent)) for each in arguments]
    assert main(named) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("backtest: ")
    assert err.count("\n") == 1
    assert names in err


def test_a_signed_per_cent_is_a_price_and_not_an_option() -> None:
    command = parse(["linear", "-5%", "+5%", "9", "1", "0.5", "--candles", "x", "--json"])
    assert command.words == ("linear", "-5%", "+5%", "9", "1", "0.5")
    assert command.as_json
    assert dict(command.typed) == {"touch": False}
