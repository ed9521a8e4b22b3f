"""Recorded ticks: frames in, prints fill at most their volume, quotes only decide what post-only refuses."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.events import OrderFilled, OrderRefused
from bot.core.model import Quote
from bot.core.money import ZERO, use_exact
from bot.errors import CommandError, MarketError
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway
from tests.exchange.accounts import FUNDS, MARKET, START, SYMBOL, always, buy, dec, fills, run, sell
from tests.exchange.ticks import TickFeed, TradePrint, read_ticks

CAPTURE = Path(__file__).parents[2].parent / "shared/data/binance-spot-btcusdt-ws-2024-08-09.gz"
NS = int(START.timestamp()) * 10**9


def top(at: int, bid: str, ask: str, symbol: str = "BTCUSDT") -> str:
    data = f'{{"u":1,"s":"{symbol}","b":"{bid}","B":"1.0","a":"{ask}","A":"2.0"}}'
    return f'{NS + at} {{"stream":"{symbol.lower()}@bookTicker","data":{data}}}\n'


def trade(at: int, price: str, volume: str) -> str:
    data = f'{{"e":"trade","s":"BTCUSDT","t":1,"p":"{price}","q":"{volume}","T":1,"m":true}}'
    return f'{NS + at} {{"stream":"btcusdt@trade","data":{data}}}\n'


DEPTH = f'{NS} {{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","s":"BTCUSDT","b":[],"a":[]}}}}\n'


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    use_exact()
    yield


def captured(folder: Path, *lines: str) -> Path:
    path = folder / "capture.gz"
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


def test_quotes_and_trades_of_the_symbol_are_read_with_the_time_they_came(tmp_path: Path) -> None:
    lines = [DEPTH, top(1_999, "99.99", "100.01"), top(5, "1.0", "2.0", "ETHUSDT"), trade(3_000_000, "99.9", "0.50")]
    path = captured(tmp_path, *lines)
    expected = [
        Quote(SYMBOL, dec("99.99"), dec("100.01"), START + timedelta(microseconds=1)),
        TradePrint(SYMBOL, dec("99.9"), dec("0.5"), START + timedelta(milliseconds=3)),
    ]
    assert list(read_ticks(path, SYMBOL)) == expected
    plain = tmp_path / "capture.txt"
    plain.write_text("".join(lines))
    assert list(read_ticks(plain, SYMBOL)) == expected


@pytest.mark.parametrize("line", ["", "rubbish\n", f"{NS} {{\n", f'{NS} {{"stream":"x@trade"}}\n', "x " + DEPTH[20:]])
def test_a_line_that_is_no_frame_is_named(tmp_path: Path, line: str) -> None:
    path = captured(tmp_path, top(0, "1", "2"), line or "\n", top(0, "1", "2"))
    with pytest.raises(CommandError, match=r"capture\.gz, line 2"):
        list(read_ticks(path, SYMBOL))


def test_a_capture_cut_short_says_so(tmp_path: Path) -> None:
    path = captured(tmp_path, *(top(n, f"{n}.1", f"{n}.2") for n in range(999)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CommandError, match=r"capture\.gz"):
        list(read_ticks(path, SYMBOL))
    with pytest.raises(CommandError, match="missing"):
        list(read_ticks(tmp_path / "missing", SYMBOL))


def test_prints_fill_at_most_their_volume_and_quotes_fill_nothing(tmp_path: Path) -> None:
    path = captured(
        tmp_path,
        top(0, "99.99", "100.01"),
        top(1_000_000, "98.00", "98.50"),  # below the order, and still no trade
        trade(2_000_000, "98.99", "0.30005"),
        trade(3_000_000, "99.00", "9"),  # only touches
        trade(4_000_000, "98.00", "5"),
    )

    async def story() -> None:
        clock = ReplayClock(START)
        gateway = PaperGateway({SYMBOL: MARKET}, clock, FUNDS)
        feed = TickFeed(read_ticks(path, SYMBOL), MARKET, gateway, clock)
        with pytest.raises(MarketError, match="no quote"):
            await feed.quote(SYMBOL)
        feed.play(START)
        await gateway.submit([buy("a", 99, 1)], always)
        assert feed.play(START + timedelta(milliseconds=1)) == 0
        assert (await feed.quote(SYMBOL)).ask == dec("98.5")
        (refused,) = await gateway.submit([buy("b", "98.5", 1)], always)
        assert isinstance(refused, OrderRefused)
        expected = START + timedelta(milliseconds=2)
        assert feed.next_at == expected
        assert feed.play(START + timedelta(seconds=1)) == 3
        assert clock.now() == START + timedelta(seconds=1)
        assert [feed.next_at] == [None]
        news = await gateway.news(SYMBOL, "")
        assert fills(news.events) == [("a", dec("0.3")), ("a", dec("0.7"))]
        assert [event.at for event in news.events] == [START + timedelta(milliseconds=n) for n in (2, 4)]

    run(story())


@pytest.mark.skipif(not CAPTURE.exists(), reason="the recorded data is not here")
def test_a_real_capture_fills_a_ladder_with_no_more_than_was_traded() -> None:
    async def story() -> None:
        ticks = list(read_ticks(CAPTURE, SYMBOL))
        prints = [tick for tick in ticks if isinstance(tick, TradePrint)]
        assert (len(prints), len(ticks)) == (10_147, 10_147 + 45_134)
        clock = ReplayClock(datetime(2024, 8, 9, tzinfo=UTC))
        gateway = PaperGateway({SYMBOL: MARKET}, clock, {"USDT": dec(10**9), "BTC": dec(10**4)})
        feed = TickFeed(ticks, MARKET, gateway, clock)
        feed.play(ticks[0].at + timedelta(milliseconds=50))
        quote = await feed.quote(SYMBOL)
        ladder = [buy(f"b{n}", str(quote.bid - n), "0.5") for n in range(200)]
        ladder += [sell(f"s{n}", str(quote.ask + n), "0.5") for n in range(200)]
        await gateway.submit(ladder, always)
        feed.play(ticks[-1].at)
        assert feed.next_at is None
        events = (await gateway.news(SYMBOL, "")).events
        traded = fills(events)
        assert len(traded) > len({name for name, _ in traded}) > 0, "some orders filled in parts"
        assert sum((amount for _, amount in traded), ZERO) <= sum((each.volume for each in prints), ZERO)
        lowest, highest = min(each.price for each in prints), max(each.price for each in prints)
        for event in events:
            assert isinstance(event, OrderFilled)
            assert lowest < event.fill.price < highest

    run(story())
