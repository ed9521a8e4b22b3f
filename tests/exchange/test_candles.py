"""Candle files read exactly or refused by row; the leap never skips what a walk would have stopped at."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.lengths import Length
from bot.core.model import Candle, Quote
from bot.core.money import use_exact
from bot.errors import CommandError, MarketError
from bot.exchange.candle_files import read_candles
from bot.exchange.candles import BLOCK, GLANCE, CandleFeed, CandleSeries, ReplayClock
from bot.exchange.paper import PaperGateway
from tests.exchange.accounts import FUNDS, MARKET, START, SYMBOL, always, buy, dec, fills, run, sell

RECORDED = Path(__file__).parents[2].parent / "shared/data/btc-perp-1m-2022-01.csv.gz"
HEADER = "timestamp,open,high,low,close,volume\n"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


def written(folder: Path, text: str, name: str = "candles.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> CandleSeries:
    return read_candles(written(folder, text))


ROWS = "1714521600000,100.5,101,99.25,100,3.5\n1714521660000,100,100,98,98.125,0\n"
CANDLES = [
    Candle(START, dec("100.5"), dec(101), dec("99.25"), dec(100), dec("3.5")),
    Candle(START + MINUTE, dec(100), dec(100), dec(98), dec("98.125"), dec(0)),
]


def all_of(series: CandleSeries) -> list[Candle]:
    return [series.candle(index) for index in range(len(series))]


def test_a_plain_file_is_read_exactly(tmp_path: Path) -> None:
    series = read(tmp_path, HEADER + ROWS)
    assert all_of(series) == CANDLES
    assert (series.digits, series.bar, len(series)) == (3, 60_000, 2)
    assert series.decimal(1, "close") == dec("98.125")
    assert series.closes_at(1) == START + 2 * MINUTE


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1714521600", "1714521660"),
        ("1714521600.0", "1714521660.0"),
        ("1.7145216e12", "1.71452166e12"),
        ("1714521600000000", "1714521660000000"),
        ("1714521600000000000", "1714521660000000000"),
        ("2024-05-01T00:00:00Z", "2024-05-01T00:01:00Z"),
        ("2024-05-01 00:00:00", "2024-05-01 00:01:00"),
        ("2024-05-01 00:00:00.000000", "2024-05-01 00:01:00.000000"),
        ("2024-05-01T00:00:00+00:00", "2024-05-01T00:01:00+00:00"),
        ("2024-05-01T02:00:00+02:00", "2024-05-01T02:01:00+02:00"),
        ("2024-04-30T20:00:00-04:00", "2024-04-30T20:01:00-04:00"),
    ],
)
def test_times_are_told_by_how_they_look(tmp_path: Path, first: str, second: str) -> None:
    text = HEADER + ROWS.replace("1714521600000", first).replace("1714521660000", second)
    assert all_of(read(tmp_path, text)) == CANDLES


@pytest.mark.parametrize(
    "text",
    [
        "Volume;Close;Low;High;Open;Open Time\n3.5;100;99.25;101;100.5;1714521600\n0;98.125;98;100;100;1714521660\n",
        "\ufeffDate\tOpen\tHigh\tLow\tClose\tVolume\n" + ROWS.replace(",", "\t"),
        "timestamp,open,high,low,close,volume,trades\n" + ROWS.replace("\n", ",7\n"),
        HEADER + ROWS.replace("\n", "\r\n"),
        HEADER + ROWS + "\n\n",
        HEADER + ROWS.rstrip("\n"),
        HEADER + ROWS.replace("100.5", '"100.5"'),
        HEADER + ROWS.replace("100.5", "1.005e2").replace("98.125", "98.12500"),
    ],
)
def test_any_order_case_and_mark_will_do(tmp_path: Path, text: str) -> None:
    assert all_of(read(tmp_path, text)) == CANDLES


def test_a_gzipped_file_is_known_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    path.write_bytes(gzip.compress((HEADER + ROWS).encode()))
    assert all_of(read_candles(path)) == CANDLES


def test_prices_longer_than_a_float_are_still_exact(tmp_path: Path) -> None:
    text = HEADER + "0,1234567.12345678901,1234567.12345678902,0.00000000001,1234567.12345678901,1\n"
    series = read(tmp_path, text)
    assert series.decimal(0, "high") == dec("1234567.12345678902")
    assert series.decimal(0, "low") == dec("0.00000000001")


@given(st.lists(st.integers(1, 10**15 - 1), min_size=1, max_size=20), st.integers(0, 12))
def test_every_price_is_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, units: list[int], places: int
) -> None:
    use_exact()
    prices = [Decimal(unit).scaleb(-places) for unit in units]
    rows = [f"{60_000 * n},{p:f},{p:f},{p:f},{p:f},1\n" for n, p in enumerate(prices)]
    series = read(tmp_path_factory.mktemp("prices"), HEADER + "".join(rows))
    assert [series.decimal(index, "open") for index in range(len(series))] == prices


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no column"),
        ("timestamp,open,high,low,close\n1,2,3,4,5\n", "no column volume"),
        (HEADER, "no candles"),
        (HEADER + "1,1,1,1,1,1\n2,1,1,one,1,1\n", "line 3: low must be a number"),
        (HEADER + "1,1,1,1,1,1\n2,1,1,,1,1\n", "line 3: low must be a number"),
        (HEADER + "1,1,1,1,1,1\n2,1,1,1,nan,1\n", "line 3: close must be a number"),
        (HEADER + "1,1,inf,1,1,1\n", "line 2: high must be a number"),
        (HEADER + "1,1,1,1,1,1\n2,1,1,1,1\n", "line 3: 5 values under a header of 6"),
        (HEADER + "1,1,1,1,1,1\n2,0,1,0,1,1\n", "line 3: a price is not above 0"),
        (HEADER + "1,1,1,1,1,1\n2,1,1,-1,1,1\n", "line 3: a price is not above 0"),
        (HEADER + "1,2,1,1,1,1\n", "line 2: open and close must lie between low and high"),
        (HEADER + "1,2,1,3,2,1\n", "line 2: open and close must lie between low and high"),
        (HEADER + "1,1,1,1,1,-1\n", "line 2: the volume"),
        (HEADER + "1,1,1,1,1,1\n1,1,1,1,1,1\n", "line 3: its time is not after"),
        (HEADER + "2,1,1,1,1,1\n1,1,1,1,1,1\n", "line 3: its time is not after"),
        (HEADER + "yesterday,1,1,1,1,1\n", "line 2: a time must be such as"),
        (HEADER + "2024-05-01,1,1,1,1,1\n2024-05-99,1,1,1,1,1\n", "line 3: a time must be such as"),
        (HEADER + "1714521600000,1,1,1,1,1\nsoon,1,1,1,1,1\n", "line 3: timestamp must be a number"),
        (HEADER + "1e30,1,1,1,1,1\n", "line 2: .* is no time"),
        (HEADER + "1,1e300,1e300,1e300,1e300,1\n", "line 2: open is too large"),
        (HEADER + "1,1,1,1,1,1\n2,1,1.1234567890123456789,1,1,1\n", "line 3: high has too many digits"),
        (HEADER + "1,9,9.123456789012345678,9,9,1\n2,10,10,10,10,1\n", "line 3: open has too many digits"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(CommandError, match=rf"candles\.csv.*({expected})"):
        read(tmp_path, text)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing\.csv"):
        read_candles(tmp_path / "missing.csv")
    (tmp_path / "bytes.csv").write_bytes(HEADER.encode() + b"\xff\xfe\x00\x81\n")
    with pytest.raises(CommandError, match=r"bytes\.csv"):
        read_candles(tmp_path / "bytes.csv")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress((HEADER + ROWS * 200).encode())[:60])
    with pytest.raises(CommandError, match=r"cut\.csv\.gz"):
        read_candles(tmp_path / "cut.csv.gz")


def test_parquet_without_its_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / "candles.parquet"
    path.write_bytes(b"PAR1....PAR1")
    with pytest.raises(CommandError, match=r"pip install 'rexlapis-bot\[parquet\]'"):
        read_candles(path)


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "candles.parquet"
    opens = [START, START + MINUTE]
    for times in (opens, [at.replace(tzinfo=None) for at in opens], [1714521600000, 1714521660000]):
        columns = {"Time": times, "Volume": [3.5, 0.0]}
        for name in ("open", "high", "low", "close"):
            columns[name] = [float(getattr(candle, name)) for candle in CANDLES]
        parquet.write_table(pyarrow.table(columns), path)
        assert all_of(read_candles(path)) == CANDLES
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(CommandError, match=r"candles\.parquet"):
        read_candles(path)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded data is not here")
def test_a_real_recording_is_read_whole() -> None:
    series = read_candles(RECORDED)
    assert len(series) == 45_031
    assert series.bar == 60_000
    assert series.candle(0).at == datetime(2021, 12, 31, 23, 1, tzinfo=UTC)
    assert series.candle(0).open == 46_319
    assert series.candle(len(series) - 1).at == datetime(2022, 2, 1, 5, 31, tzinfo=UTC)
    assert (int(series.low.min()), int(series.high.max())) == (32_837 * 10**series.digits, 48_080 * 10**series.digits)


# The leap


def series_of(lows: list[int], highs: list[int], first: datetime = START) -> CandleSeries:
    """Prices in tenths."""
    opening = int(first.timestamp()) * 1000
    low, high = np.array(lows, np.int64), np.array(highs, np.int64)
    times = np.arange(len(lows), dtype=np.int64) * 60_000 + opening
    return CandleSeries(times, low, high, low, high, np.zeros(len(lows)), digits=1, bar=60_000)


BOUND = st.one_of(st.none(), st.integers(480, 680).map(lambda n: Decimal(n).scaleb(-2)))


@given(
    st.lists(st.tuples(st.integers(50, 60), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(1, 60),
    st.integers(0, 40),
    BOUND,
    BOUND,
    st.one_of(st.none(), st.integers(-3, 120)),
    st.sampled_from([0, 1, 59_999_999]),
)
def test_the_leap_ends_where_a_walk_would(
    bars: list[tuple[int, int]],
    repeat: int,
    start: int,
    below: Decimal | None,
    above: Decimal | None,
    due_minutes: int | None,
    microseconds: int,
) -> None:
    use_exact()
    lows = [low for low, _ in bars] * repeat
    series = series_of(lows, [low + span for low, span in bars] * repeat)
    due = None if due_minutes is None else START + due_minutes * MINUTE + timedelta(microseconds=microseconds)
    expected = len(series)
    for index in range(start, len(series)):
        low, high = series.decimal(index, "low"), series.decimal(index, "high")
        touched = (below is not None and low <= below) or (above is not None and high >= above)
        if touched or (due is not None and series.closes_at(index) >= due):
            expected = index
            break
    found = series.next_touch(start, below, above, due)
    assert found == expected or (start >= len(series) and found >= len(series))


@pytest.mark.parametrize("place", [0, 1, GLANCE - 1, GLANCE, GLANCE + BLOCK - 1, GLANCE + BLOCK, 200_000, 299_999])
def test_one_touch_in_a_long_calm_is_found(place: int) -> None:
    lows = [1000] * 300_000
    lows[place] = 900
    series = series_of(lows, [1100] * 300_000)
    assert series.next_touch(0, dec("90.0"), dec("110.1")) == place
    assert series.next_touch(0, dec("89.9"), dec("110.1")) == 300_000
    assert series.next_touch(place + 1, dec("90.0"), None) == 300_000


def test_a_bound_between_two_prices_is_touched_only_by_what_lies_beyond_it() -> None:
    series = series_of([51, 50], [60, 61])
    assert series.next_touch(0, dec("5.05"), None) == 1
    assert series.next_touch(0, None, dec("6.05")) == 1
    assert series.next_touch(0, dec("4.95"), dec("6.15")) == 2


# The feed


def played(series: CandleSeries) -> tuple[CandleFeed, PaperGateway]:
    clock = ReplayClock(START)
    gateway = PaperGateway({SYMBOL: MARKET}, clock, FUNDS)
    return CandleFeed(series, MARKET, gateway, clock), gateway


def test_the_feed_stands_at_a_close_and_orders_placed_there_fill_from_the_next_candle_on() -> None:
    async def story() -> None:
        feed, gateway = played(series_of([900, 900, 950, 1010], [1000, 1000, 1000, 1200]))
        assert await feed.quote(SYMBOL) == Quote(SYMBOL, dec(100), dec(100), START + MINUTE)
        feed.step_to(1)
        events = await gateway.submit([buy("a", 95, 1), sell("b", "100.01", 1)], always)
        assert {event.at for event in events} == {START + 2 * MINUTE}
        assert (await gateway.news(SYMBOL, "")).events == ()
        feed.step_to(2)
        assert (await gateway.news(SYMBOL, "")).events == ()  # touched, not traded through
        feed.step_to(3)
        news = await gateway.news(SYMBOL, "")
        assert fills(news.events) == [("b", dec(1))]
        assert news.events[0].at == START + 4 * MINUTE
        assert (await feed.quote(SYMBOL)).bid == 120
        assert [candle.at for candle in await feed.candles(SYMBOL, 2)] == [START + 2 * MINUTE, START + 3 * MINUTE]
        (hour,) = await feed.candles(SYMBOL, 2, Length.HOUR)
        assert (hour.at, hour.open, hour.close) == (START, feed.series.candle(0).open, dec(120))
        with pytest.raises(MarketError):
            await feed.quote("ETH/USDT")

    run(story())


@given(
    st.lists(st.tuples(st.integers(900, 1100), st.integers(0, 30)), min_size=2, max_size=60),
    st.lists(st.tuples(st.integers(880, 1120), st.booleans()), max_size=12),
)
def test_leaping_over_calm_candles_trades_exactly_as_walking_does(
    bars: list[tuple[int, int]], orders: list[tuple[int, bool]]
) -> None:
    use_exact()
    series = series_of([low for low, _ in bars], [low + span for low, span in bars])
    actions = [
        (buy if is_buy else sell)(f"o{number}", str(Decimal(price).scaleb(-1)), "0.1")
        for number, (price, is_buy) in enumerate(orders)
    ]

    async def story(leap: bool) -> object:
        feed, gateway = played(series)
        await gateway.submit(actions, always)
        book, index = gateway.book(SYMBOL), 1
        while index < len(series):
            if leap:
                index = feed.next_touch(index, book.best_buy(), book.best_sell())
                if index == len(series):
                    break
            feed.step_to(index)
            index += 1
        return await gateway.news(SYMBOL, ""), await gateway.balances()

    assert run(story(leap=True)) == run(story(leap=False))
