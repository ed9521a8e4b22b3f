"""The chat's own words: ids, periods, counts."""

import pytest

from bot.core.money import use_exact
from bot.errors import CommandError
from handlers.words.parse import parse_count, parse_id, parse_one_id, parse_report, parse_target, parse_words


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


@pytest.mark.parametrize(
    ("words", "name"),
    [("g1", "g1"), (" G12 ", "g12"), ("1", "g1"), ("#3", "g3"), ("g1.7", "g1.7"), ("1.7", "g1.7"), ("g01.007", "g1.7")],
)
def test_an_id_is_understood_however_it_is_typed(words: str, name: str) -> None:
    assert parse_id(words, example="/grid g1") == name


@pytest.mark.parametrize("words", ["", "g", "g1.", "h1", "g-1", "g1.2.3", "g١", "g1;", "<b>", "g" + "9" * 5000])
def test_what_is_no_id_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(CommandError, match="Example: /grid g1") as caught:
        parse_id(words, example="/grid g1")
    assert len(str(caught.value)) < 200


def test_nothing_means_the_default_where_there_is_one() -> None:
    assert parse_target("", example="/pause g1", default="all") == "all"
    assert parse_target("ALL", example="/pause g1") == "all"
    with pytest.raises(CommandError, match=r"An id or all is missing\. Example: /stop g1"):
        parse_target("  ", example="/stop g1")


def test_two_ids_are_one_too_many() -> None:
    with pytest.raises(CommandError, match="“g1 g2” is more than one id"):
        parse_target("g1 g2", example="/stop g1")
    with pytest.raises(CommandError, match="is more than one id"):
        parse_one_id("g1 g2", example="/why g1")
    with pytest.raises(CommandError, match="is missing"):
        parse_one_id("", example="/why g1")


@pytest.mark.parametrize(
    ("words", "report"),
    [
        ("", ("all", None)),
        ("day", ("day", None)),
        ("TODAY", ("day", None)),
        ("week g2", ("week", "g2")),
        ("g2 month", ("month", "g2")),
        ("2", ("all", "g2")),
        ("g2.5 all", ("all", "g2.5")),
    ],
)
def test_a_report_is_a_period_and_a_grid_in_any_order(words: str, report: tuple[str, str | None]) -> None:
    assert parse_report(words) == report


@pytest.mark.parametrize("words", ["year", "day week", "g1 g2", "day <i>", "x" * 10_000])
def test_a_report_of_anything_else_is_refused(words: str) -> None:
    with pytest.raises(CommandError, match="Example: /pnl week g1") as caught:
        parse_report(words)
    assert len(str(caught.value)) < 250


def test_a_count_is_a_whole_number_within_bounds() -> None:
    assert parse_count("", default=10, most=100, example="/trades 20") == 10
    assert parse_count("100", default=10, most=100, example="/trades 20") == 100
    for words in ("0", "101", "2.5", "-3", "ten", "1 2", "1e2", "9" * 500):
        with pytest.raises(CommandError, match=r"Example: /trades 20|must be a number such as 20"):
            parse_count(words, default=10, most=100, example="/trades 20")


def test_more_words_than_expected_are_refused() -> None:
    assert parse_words("btc", most=1, example="/price BTC/USDT") == ["btc"]
    with pytest.raises(CommandError, match="“btc eth” is more than was expected"):
        parse_words("btc eth", most=1, example="/price BTC/USDT")
