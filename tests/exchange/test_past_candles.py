"""Candles of each length from an exchange whose replies are scripted: what is asked for, and what is made of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.core.lengths import Length
from bot.core.model import Candle
from bot.errors import MarketError
from bot.exchange.ccxt_market import MOST_PARTS, CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.venues import Call
from tests.fakes import BTC, HandClock, run

NOW = datetime(2026, 11, 25, 13, 37, tzinfo=UTC)
SPANS = {"1m": 60, "1h": 3_600, "2h": 7_200, "1d": 86_400, "1w": 604_800}


class Line:
    """A line to an exchange that has candles of these lengths since `begun`, `page` of them at a time."""

    name = "testnet"

    def __init__(self, *names: str, page: int = 1000, begun: int = 0) -> None:
        self.clock, self.page, self.begun = HandClock(NOW), page, begun
        self.exchange = SimpleNamespace(timeframes=dict.fromkeys(names))
        self.asked: list[tuple[str, int]] = []

    async def read(self, call: Call) -> Sequence[Sequence[Any]]:
        method, (symbol, name, since, wanted) = call.method, cast("tuple[str, str, int, int]", call.args)
        assert (method, symbol) == ("fetch_ohlcv", BTC)
        self.asked.append((name, wanted))
        span, shift = SPANS[name] * 1000, 4 * 86_400_000 if name == "1w" else 0
        first = -(-(max(since, self.begun) - shift) // span) * span + shift
        times = range(first, int(NOW.timestamp() * 1000) + 1, span)[: min(wanted, self.page)]
        return [[at, "2", "4", "1", "3", "5"] for at in times]


def read(line: Line, count: int, length: Length) -> Sequence[Candle]:
    return run(CcxtMarket(cast("Connection", line), has_key=False).candles(BTC, count, length))


@pytest.mark.parametrize("length", [Length.MINUTE, Length.HOUR, Length.DAY, Length.WEEK])
def test_an_exchange_is_asked_for_its_own_candles_where_it_has_them(length: Length) -> None:
    line = Line(*SPANS)
    found = read(line, 90, length)
    assert line.asked == [(length, 90)]
    assert [each.at for each in found] == [length.opening(NOW) - ago * length.span for ago in range(89, -1, -1)]


def test_a_page_that_is_not_the_whole_is_followed_by_the_next() -> None:
    line = Line(*SPANS, page=40)
    assert len(read(line, 90, Length.HOUR)) == 90
    assert len(line.asked) == 3


@pytest.mark.parametrize(("length", "source", "pages"), [(Length.FOUR_HOURS, "2h", 1), (Length.WEEK, "1d", 2)])
def test_candles_an_exchange_lacks_are_made_of_shorter_ones(length: Length, source: str, pages: int) -> None:
    line = Line("1m", "1h", "2h", "1d", page=300)
    found = read(line, 78, length)
    assert [name for name, _ in line.asked] == [source] * pages
    assert [each.at for each in found] == [length.opening(NOW) - ago * length.span for ago in range(77, -1, -1)]
    assert found[0].volume == 5 * (length.span // timedelta(seconds=SPANS[source]))


def test_a_market_that_is_young_has_fewer() -> None:
    begun = int((NOW - timedelta(days=20)).timestamp() * 1000)
    assert len(read(Line("1d", begun=begun), 78, Length.WEEK)) == 4


def test_so_many_short_ones_are_not_read_for_a_picture() -> None:
    line = Line("1m")
    found = read(line, 90, Length.DAY)
    assert len(found) == MOST_PARTS // 1440 and found[-1].at == Length.DAY.opening(NOW)
    assert sum(wanted for _, wanted in line.asked) <= MOST_PARTS


def test_an_exchange_without_any_that_fit_says_so() -> None:
    with pytest.raises(MarketError, match="testnet has no candles of 1h, nor any to make them of"):
        read(Line("1d"), 3, Length.HOUR)
