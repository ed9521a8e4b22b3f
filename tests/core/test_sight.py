"""Which prices are believed, and when a leap is."""

from datetime import timedelta

import pytest

from bot.core.model import Fill, Quote, Side
from bot.core.money import ZERO
from bot.core.sight import MEMORY, STALE, Sight
from tests.fakes import BTC, START, dec

WARY = dec("0.1")


class Looks:
    """Quotes seen one after another; `sees` says whether one is believed."""

    def __init__(self, sight: Sight | None = None) -> None:
        self.sight = sight or Sight(WARY)

    def believed(self, price: str, second: float, now: float | None = None) -> Quote | None:
        return self.sight.believed(quote(price, second), START + timedelta(seconds=second if now is None else now))

    def sees(self, price: str, second: float, now: float | None = None) -> bool:
        seen = self.believed(price, second, now)
        assert seen in (None, quote(price, second))
        return seen is not None


def quote(price: str, second: float) -> Quote:
    return Quote(BTC, dec(price) - 1, dec(price) + 1, START + timedelta(seconds=second))


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("2", "1"), ("-1", "1"), ("0", "0")])
def test_a_price_that_cannot_be_is_none(bid: str, ask: str) -> None:
    assert Sight(WARY).believed(Quote(BTC, dec(bid), dec(ask), START), START) is None


def test_a_price_is_good_for_half_a_minute() -> None:
    looks = Looks()
    assert looks.sees("60000", 0, STALE.total_seconds())
    assert not looks.sees("60000", 1, STALE.total_seconds() + 2)


def test_the_first_price_is_believed_and_so_are_small_steps() -> None:
    looks = Looks()
    assert all(looks.sees(str(price), second) for second, price in enumerate((60_000, 65_900, 71_000, 65_000, 60_000)))


def test_a_leap_counts_once_a_later_look_confirms_it() -> None:
    looks = Looks()
    assert looks.sees("60000", 0)
    assert not looks.sees("67000", 2)
    assert not looks.sees("67000", 3.9)
    assert looks.sees("67100", 4)
    assert looks.sees("67200", 4.5)


def test_the_same_quote_looked_at_again_confirms_nothing() -> None:
    looks = Looks()
    assert looks.sees("60000", 0)
    assert not any(looks.sees("50000", 2, now) for now in range(2, 30, 2))


def test_a_single_wild_price_leaves_no_trace() -> None:
    looks = Looks()
    assert looks.sees("60000", 0)
    assert not looks.sees("600000", 2)
    assert looks.sees("60010", 4)
    assert looks.sight.leapt is None
    assert not looks.sees("600000", 6)


def test_leaps_to_and_fro_are_each_looked_at_twice() -> None:
    looks = Looks()
    assert looks.sees("60000", 0)
    assert not looks.sees("80000", 2)
    assert not looks.sees("40000", 4)
    assert not looks.sees("80000", 6)
    assert looks.sees("80000", 8)


def test_after_a_minute_without_prices_the_next_one_is_no_leap() -> None:
    looks = Looks()
    assert looks.sees("60000", 0)
    assert looks.sees("90000", MEMORY.total_seconds())


def test_what_was_recorded_is_not_doubted() -> None:
    looks = Looks(Sight(None))
    assert looks.sees("60000", 0)
    assert looks.sees("600", 1)
    assert not looks.sees("1", 2)
    assert looks.sight.believed(Quote(BTC, ZERO, ZERO, START), START) is None


def trade(price: str, second: float, maker: bool = True) -> Fill:
    return Fill("1", dec(price), dec("0.001"), ZERO, "USDT", START + timedelta(seconds=second), maker)


def at_trade(price: str, second: float) -> Quote:
    return Quote(BTC, dec(price), dec(price), START + timedelta(seconds=second))


def test_a_trade_that_the_price_does_not_explain_is_the_price_until_a_newer_one_comes() -> None:
    looks = Looks()
    assert looks.sees("60000", 1)
    assert looks.sight.is_outdated_by(Side.BUY, trade("59000", 2))
    assert looks.sight.traded == at_trade("59000", 2)
    assert looks.believed("60000", 1, now=3) == at_trade("59000", 2)
    assert looks.sight.is_outdated_by(Side.BUY, trade("58900", 2))  # one order of somebody's sold to both levels
    assert not looks.sight.is_outdated_by(Side.BUY, trade("58950", 2))
    assert looks.believed("60000", 1, now=3) == at_trade("58900", 2)
    assert looks.sight.is_outdated_by(Side.SELL, trade("59300", 3))
    assert looks.believed("60000", 1, now=4) == at_trade("59300", 3)
    assert not looks.sight.is_outdated_by(Side.BUY, trade("59400", 4))  # not below what is known already
    assert looks.sees("59000", 5)
    assert looks.sight.traded is None


def test_a_trade_that_is_a_leap_is_no_price_either() -> None:
    looks = Looks()
    assert looks.sees("60000", 1)
    assert looks.sight.is_outdated_by(Side.BUY, trade("30000", 2))
    assert looks.sight.traded is None
    assert not looks.sees("60000", 1, now=3)
    assert not looks.sees("30000", 3)
    assert looks.sees("30000", 6)


@pytest.mark.parametrize(
    ("side", "price", "second", "maker"),
    [
        (Side.BUY, "59999", 2, True),  # the best bid itself was sold to
        (Side.SELL, "60001", 2, True),
        (Side.BUY, "59000", 1, True),  # not newer than the price
        (Side.BUY, "59000", 2, False),
    ],
)
def test_a_trade_that_the_price_explains_outdates_nothing(side: Side, price: str, second: float, maker: bool) -> None:
    looks = Looks()
    assert looks.sees("60000", 1)
    assert not looks.sight.is_outdated_by(side, trade(price, second, maker))
    assert looks.sees("60000", 1, now=3)
