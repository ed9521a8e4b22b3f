"""Words of a trader: the number rules of the contract, where a word may stand, and no input that escapes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal, localcontext
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.grids import GridSpec, Shape
from bot.core.money import use_exact
from bot.core.words import (
    MAX_LEVELS,
    GridWords,
    as_command,
    checked,
    parse_edit,
    parse_grid,
    parse_number,
    parse_quantity,
    resolve_symbol,
    split_words,
)
from bot.errors import CommandError

SYMBOLS = ["BTC/USDT", "ETH/USDT", "ETH/BTC", "1INCH/USDT", "1000PEPE/USDT", "LOOP/USDT", "DOGE/USDT"]
GRID = GridSpec(
    shape=Shape.LINEAR,
    symbol="BTC/USDT",
    minimum=Decimal(54000),
    maximum=Decimal(66000),
    count=20,
    amount=Decimal("0.001"),
    budget=None,
    profit_pct=Decimal("0.5"),
)
BUDGET = replace(GRID, amount=None, budget=Decimal(2000))


@pytest.fixture(autouse=True)
def exact_context() -> Iterator[None]:
    with localcontext():
        use_exact()
        yield


def words(text: str | list[str], shape: Shape = Shape.LINEAR) -> GridWords:
    return parse_grid(shape, text, resolve=lambda word: resolve_symbol(word, SYMBOLS), default_symbol="BTC/USDT")


def grid(text: str | list[str], shape: Shape = Shape.LINEAR) -> GridSpec:
    return words(text, shape).at(Decimal(60000))


def number(text: str) -> Decimal:
    return parse_number(text, what="MIN", example="54000")


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(CommandError) as caught:
        call()
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert len(message) < 400
    return message


# Numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("60000", "60000"),
        ("60000.10", "60000.1"),
        (".5", "0.5"),
        (",5", "0.5"),
        ("0,001", "0.001"),
        ("60,000", "60000"),
        ("1,000", "1000"),
        ("12,34", "12.34"),
        ("1000,500", "1000.5"),
        ("0,500", "0.5"),
        ("1,234,567", "1234567"),
        ("1,234,567.8", "1234567.8"),
        ("1,234.567", "1234.567"),
        ("1.234,5", "1234.5"),
        ("1.234,567", "1234.567"),
        ("1.234.567,8", "1234567.8"),
        ("65k", "65000"),
        ("1.5K", "1500"),
        ("1,5k", "1500"),
        ("-1", "-1"),
        ("\u22121", "-1"),
        ("\u20131.5", "-1.5"),
        ("\u20151.5", "-1.5"),
        ("007", "7"),
        ("-0", "0"),
        (" 5 ", "5"),
        ("1000000000000000", "1000000000000000"),
    ],
)
def test_a_number_has_the_reading_of_the_contract(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k",
        "-",
        ".",
        ",",
        "+1",
        "--1",
        "1e5",
        "1e400",
        "1_000",
        "0x10",
        "NaN",
        "Infinity",
        "-inf",
        "１２３",
        "١٢٣",
        "²",
        "1 000",
        "5.",
        "5,",
        "1.2.3",
        "1.234.567",
        "1,2,3",
        "0,123,456",
        "1,23,456.7",
        "0.123,4",
        "1.234,567.8",
        "65kk",
        "65m",
        "65\u212a",
        "5%",
        "<b>5</b>",
        "10000000000000001k",
        "1000000000000001",
        "0." + "0" * 31 + "1",
        "1.234567890123456789012345678901",
        "9" * 10_000,
        "0" * 10_000,
        "1," * 5_000,
    ],
)
def test_what_is_no_number_is_refused_in_a_sentence(text: str) -> None:
    message = refusal(lambda: number(text))
    assert message.startswith("MIN must be")
    assert "such as" in message


def test_a_number_is_echoed_short_and_without_control_characters() -> None:
    assert len(refusal(lambda: number("x" * 10_000))) < 120
    assert "\u202e" not in refusal(lambda: number("\u202e5\x07"))


@pytest.mark.parametrize("text", ["1,000", "12,345", "123,456", "-1,000", "1,500k"])
def test_a_quantity_with_two_readings_is_refused(text: str) -> None:
    refusal(lambda: parse_quantity(text, what="QTY", example="0.001"))


def test_the_refusal_names_both_readings() -> None:
    message = refusal(lambda: parse_quantity("1,000", what="QTY", example="0.001"))
    assert message == "QTY “1,000” can mean 1000 or 1; write 1000 or 1.0."
    message = refusal(lambda: parse_quantity("12,345", what="QTY", example="0.001"))
    assert message == "QTY “12,345” can mean 12345 or 12.345; write 12345 or 12.345."


@pytest.mark.parametrize("text", ["0,001", "1000", "1.000", "1,00", "1,0000", "1000,000", "1,000,000", "1,000.5"])
def test_a_quantity_with_one_reading_is_taken(text: str) -> None:
    assert parse_quantity(text, what="QTY", example="0.001") == number(text)


# Where words may stand


@pytest.mark.parametrize(
    "text",
    [
        "54000 66000 20 0.001 0.5",
        "BTC/USDT 54000 66000 20 0.001 0.5%",
        "btcusdt 54,000 66,000 20 0,001 0,5%",
        "btc-usdt 54k 66k 20 0.001 0.5 %",
        "BTC/USDT 0.5% 54000 66000 20 0.001",
        "54000 0.5% 66000 20 0.001",
        "54000 66000 20 0.001 +0.5%",
        "54000 66000 20 0.001BTC 0.5",
        "0.001btc 54000 66000 20 0.5",
        "-10% +10% 20 0.001 0.5%",
        "\u221210% +10% 20 0.001 0.5",
        "0.5% \u201310% +10% 20 0.001",
        "54000 +10% 20 0.001 0.5",
        "min=54000 66000 20 0.001 0.5",
        "min=54000 +10% 20 0.001 0.5%",
        "max=+10% -10% 20 0.001 0.5%",
        "MIN=54000 Max=66000 count=20 qty=0.001 profit=0.5%",
        "count = 20 54000 66000 amount= 0.001 profit =0.5",
        "54000 66000 20 0.001 0.5% btc/usdt",
        "symbol=btcusdt 54000 66000 20.0 0.001 0.5 loop=no above=NOW stop_sell=no force=no sigma=6",
    ],
)
def test_a_grid_may_be_said_in_many_ways(text: str) -> None:
    assert grid(text) == GRID


@pytest.mark.parametrize(
    "text",
    [
        "54000 66000 20 0.5% budget=2000",
        "54000 66000 20 0.5 budget=2,000",
        "54000 66000 20 0.5 budget=2000usdt",
        "2000USDT 54000 66000 20 0.5",
        "54000 66000 2kusdt 20 0.5%",
        "54000 66000 20 0.5% 2,000USDT",
    ],
)
def test_a_budget_stands_in_place_of_the_quantity(text: str) -> None:
    assert grid(text) == BUDGET


def test_words_may_come_from_a_command_line() -> None:
    assert grid(["BTC/USDT", "54000", "66000 20", "0.001", "0.5"]) == GRID


def test_every_option_is_read() -> None:
    text = "54000 66000 20 0.001 0.5 LOOP force mean=61k sigma=4 above=Wait stop=-20% stop-sell=YES take=70,000"
    assert grid(text, Shape.NORMAL) == replace(
        GRID,
        shape=Shape.NORMAL,
        loop=True,
        force=True,
        mean=Decimal(61000),
        sigma=Decimal(4),
        above_wait=True,
        stop=Decimal(48000),
        stop_sell=True,
        take=Decimal(70000),
    )


def test_relative_prices_are_exact_and_need_a_market() -> None:
    typed = words("-1% +1.25% 20 0.001 0.5%")
    assert typed.is_relative
    spec = typed.at(Decimal("62500.01"))
    assert (spec.minimum, spec.maximum) == (Decimal("61875.0099"), Decimal("63281.260125"))
    assert "price" in refusal(lambda: typed.at(None))
    refusal(lambda: typed.at(Decimal(0)))
    refusal(lambda: typed.at(Decimal("NaN")))


def test_absolute_prices_need_no_market() -> None:
    typed = words("54000 66000 20 0.001 0.5")
    assert not typed.is_relative
    assert typed.at(None) == GRID


def test_a_relative_price_may_not_fall_to_zero() -> None:
    assert "MIN must be above 0" in refusal(lambda: grid("-100% +1% 20 0.001 0.5"))


@pytest.mark.parametrize("word", ["mean=5%", "stop=5%", "take=5%", "min=5%", "stop=--5%", "stop=+-5%", "stop=-%"])
def test_a_per_cent_for_a_price_needs_one_sign(word: str) -> None:
    assert "-1%" in refusal(lambda: grid(f"54000 66000 20 0.001 0.5 {word}".replace("54000 ", "", "min" in word)))


def test_two_unsigned_per_cents_are_refused_with_the_way_to_say_it() -> None:
    assert "-1% +1%" in refusal(lambda: grid("-1% 1% 20 0.001 0.5%"))


def test_a_coin_whose_name_begins_with_digits_is_a_market() -> None:
    for name in ("1INCH", "1inch/usdt", "1INCHUSDT", "1INCH-USDT"):
        assert grid(f"{name} 0.2 0.4 20 100 0.5").symbol == "1INCH/USDT"
    assert grid("1000pepe 0.2 0.4 20 100 0.5").symbol == "1000PEPE/USDT"
    assert grid("loop 0.2 0.4 20 100 0.5").symbol == "BTC/USDT"
    assert grid("LOOP/USDT 0.2 0.4 20 100 0.5 loop").symbol == "LOOP/USDT"


def test_the_budget_is_in_the_coin_of_the_market_that_is_named() -> None:
    assert grid("eth/btc 0.02 0.04 20 0.5% 0.5BTC").budget == Decimal("0.5")
    assert grid("btc/usdt 54000 66000 20 0.5% 0.5BTC").amount == Decimal("0.5")
    message = refusal(lambda: grid("54000 66000 20 0.5% 2000EUR"))
    assert "2000USDT" in message
    assert "EUR" in message


# What is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "MIN, MAX, COUNT, QTY and PROFIT are missing"),
        ("54000 66000 20 0.001", "PROFIT is missing"),
        ("54000 66000 20 0.5%", "QTY is missing"),
        ("54000 66000 20 budget=2000", "PROFIT is missing: expected MIN MAX COUNT PROFIT."),
        ("54000 66000 20 0.001 0.5 7", "“7” is too much"),
        ("54000 66000 20 0.001 0.5% budget=2000", "a budget stands in place of QTY"),
        ("54000 66000 20 qty=0.001 0.5% budget=2000", "not both"),
        ("54000 66000 20 0.001BTC 0.5% 2000USDT", "not both"),
        ("54000 66000 20 0.001 0.5% profit=0.6", "profit is given twice"),
        ("54000 66000 20 0.001 0.5 stop=1 stop=2", "stop is given twice"),
        ("54000 66000 20 0.001 0.5 loop loop", "loop is given twice"),
        ("54000 66000 20 qty=1 amount=1 0.5", "qty is given twice"),
        ("btc eth 54000 66000 20 0.001 0.5", "“eth” isn't understood"),
        ("54000 66000 20 0.5% 2000 USDT", "“USDT” stands alone: attach it to its number, such as 2000USDT"),
        ("54000 66000 20 0.001 btc 0.5%", "“btc” stands alone"),
        ("54000 66000 20 0.001 0.5 lopp", "did you mean loop?"),
        ("54000 66000 20 0.001 0.5 --loop", "did you mean loop?"),
        ("54000 66000 20 0.001 0.5 stopp=50000", "did you mean stop=50000?"),
        ("54000 66000 20 0.001 0.5 xyzzy=1", "the options are loop, budget=, mean="),
        ("=1 66000 20 0.001 0.5", "“=1” isn't understood"),
        ("54000 66000 20 0.001 0.5 stop", "stop needs a value, such as stop=50000"),
        ("54000 66000 20 0.001 0.5 stop=", "stop needs a value, such as stop=50000"),
        ("54000 66000 20 0.001 0.5 above=never", "above must be wait or now"),
        ("54000 66000 20 0.001 0.5 loop=maybe", "loop must be yes or no"),
        ("54000 66000 20 0.001 0.5 stop_sell=yes", "stop_sell=yes says what a stop does"),
        ("54000 66000 20 1,000 0.5", "can mean 1000 or 1"),
        ("54000 66000 20 0.001 1,000%", "can mean 1000 or 1"),
        ("54000 66000 20 0.001 profit=1,500", "can mean 1500 or 1.5"),
        ("54000 66000 20.5 0.001 0.5", "COUNT must be a whole number, such as 20, not 20.5"),
        ("54000 66000 0 0.001 0.5", "COUNT must be a whole number from 1 to 46655"),
        ("54000 66000 -5 0.001 0.5", "COUNT must be a whole number from 1"),
        ("54000 66000 46656 0.001 0.5", "COUNT must be a whole number from 1 to 46655"),
        ("0 66000 20 0.001 0.5", "MIN must be above 0"),
        ("-5 66000 20 0.001 0.5", "MIN must be above 0"),
        ("54000 0 20 0.001 0.5", "MAX must be above 0"),
        ("54000 66000 20 0 0.5", "QTY must be above 0"),
        ("54000 66000 20 -0.001 0.5", "QTY must be above 0"),
        ("54000 66000 20 0.001 0", "PROFIT must be above 0"),
        ("54000 66000 20 0.001 -0.5%", "PROFIT must be above 0"),
        ("54000 66000 20 0.001 1000", "PROFIT is a per cent below 1000"),
        ("54000 66000 20 0.5 budget=0", "budget must be above 0"),
        ("66000 54000 20 0.001 0.5", "Did you mean /linear BTC/USDT 54000 66000 20 0.001 0.5%"),
        ("+10% -10% 20 0.001 0.5", "Did you mean /linear BTC/USDT 54000 66000 20 0.001 0.5%"),
        ("60000 60000 20 0.001 0.5", "For a single level write COUNT 1"),
        ("54000 66000 20 0.001 0.5 mean=60000", "belong to a normal grid"),
        ("54000 66000 20 0.001 0.5 sigma=4", "belong to a normal grid"),
        ("54000 66000 20 0.001 0.5 stop=0", "stop must be above 0"),
        ("54000 66000 20 0.001 0.5 stop=70000 take=70000", "stop must be below take"),
        ("NaN 66000 20 0.001 0.5", "“NaN” isn't a market here"),
        ("54000 Infinity 20 0.001 0.5", "“Infinity” isn't a market here"),
        ("54000 1e400 20 0.001 0.5", "MAX must be a number such as 66000, not “1e400”"),
        ("１２３ 66000 20 0.001 0.5", "MIN must be a number such as 54000, not “１２３”"),
        ("54000 ٦٦٠٠٠ 20 0.001 0.5", "MAX must be a number such as 66000"),
        ("<b>x</b> 54000 66000 20 0.001 0.5", "“<b>x</b>” isn't a market here"),
        ("btx 54000 66000 20 0.001 0.5", "“btx” isn't a market here"),
        ("x" * 10_000, "isn't a market here"),
        ("5" * 10_000 + " 66000 20 0.001 0.5", "MIN must be a number such as 54000"),
        ("5 " * 5_000, "at most 40 words"),
        ("54000 66000 20 0.001 0.5 " + "y" * 9_000 + "=1", "isn't understood"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused_in_a_sentence(text: str, said: str) -> None:
    assert said in refusal(lambda: grid(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean=53999", "mean must lie from MIN to MAX"),
        ("mean=66001", "mean must lie from MIN to MAX"),
        ("mean=-0.1", "mean must be above 0"),
        ("sigma=0", "sigma must be above 0"),
        ("sigma=101", "sigma must be at most 100"),
    ],
)
def test_a_normal_grid_has_its_mean_and_width_checked(text: str, said: str) -> None:
    assert said in refusal(lambda: grid(f"54000 66000 20 0.001 0.5 {text}", Shape.NORMAL))


def test_what_is_missing_is_shown_as_a_whole_command_for_the_market_at_hand() -> None:
    message = refusal(lambda: grid("54000", Shape.NORMAL))
    assert "Example: /normal BTC/USDT 54000 66000 20 0.001 0.5% loop sigma=6" in message
    message = refusal(lambda: grid("doge 1 2", Shape.GEOMETRIC))
    assert "Example: /geometric DOGE/USDT -5% +5% 20 0.5% loop budget=2000" in message


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("symbol", ["BTC/USDT", "DOGE/USDT"])
def test_the_examples_in_errors_work(shape: Shape, symbol: str) -> None:
    message = refusal(lambda: grid(symbol, shape))
    command = message.partition(f"Example: /{shape} ")[2]
    assert grid(command, shape).symbol == symbol


def test_one_level_needs_no_range() -> None:
    assert grid("60000 60000 1 0.001 0.5").count == 1
    assert "Did you mean" in refusal(lambda: grid("66000 54000 1 0.001 0.5"))


def test_the_resolver_may_say_no_by_silence() -> None:
    def call() -> GridWords:
        return parse_grid(Shape.LINEAR, "abc 1 2 3 4 5", resolve=lambda _: None, default_symbol="BTC/USDT")

    assert "“abc” isn't a market here" in refusal(call)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GRID, minimum=Decimal("NaN")),
        replace(GRID, minimum=Decimal("sNaN")),
        replace(GRID, maximum=Decimal("Infinity")),
        replace(GRID, maximum=Decimal("1e999999")),
        replace(GRID, minimum=Decimal("1e-999999")),
        replace(GRID, minimum=Decimal("0e-999999")),
        replace(GRID, minimum=Decimal("1." + "1" * 5_000)),
        replace(GRID, amount=None),
        replace(GRID, budget=Decimal(1)),
        replace(GRID, count=10**5_000),
        replace(GRID, count=MAX_LEVELS + 1),
        replace(GRID, profit_pct=Decimal("-NaN")),
    ],
)
def test_a_script_is_refused_as_the_chat_is(wrong: GridSpec) -> None:
    refusal(lambda: checked(wrong))


# Symbols


@pytest.mark.parametrize("word", ["btc", "BTCUSDT", "btc/usdt", "BTC-USDT", "btc_usdt", "btc\u2013usdt"])
def test_a_market_has_many_names(word: str) -> None:
    assert resolve_symbol(word, ["ETH/USDT", "BTC/USDT"]) == "BTC/USDT"


def test_a_perpetual_alone_has_short_names_too() -> None:
    assert resolve_symbol("btc", ["BTC/USDT:USDT"]) == "BTC/USDT:USDT"
    assert resolve_symbol("BTCUSDT", ["BTC/USDT:USDT"]) == "BTC/USDT:USDT"
    assert "did you mean BTC/USDT:USDT?" in refusal(lambda: resolve_symbol("btc/usdt", ["BTC/USDT:USDT"]))


@pytest.mark.parametrize("word", ["btc", "btcusdt"])
@pytest.mark.parametrize("default", ["ETH/USDT", "ETH/USDT:USDT", "BTC/USDT:USDT"])
def test_of_two_markets_the_one_of_the_default_kind_is_meant(word: str, default: str) -> None:
    symbols = ["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT"]
    assert resolve_symbol(word, symbols, default) == ("BTC/USDT:USDT" if ":" in default else "BTC/USDT")
    assert resolve_symbol("btc/usdt", symbols, default) == "BTC/USDT"  # exact is exact
    assert resolve_symbol("eth", symbols, default) == "ETH/USDT"  # the only one


def test_a_name_of_two_markets_is_refused_with_both() -> None:
    symbols = ["BTC/USDT", "BTC/USDT:USDT"]
    assert resolve_symbol("btc/usdt", symbols) == "BTC/USDT"
    assert resolve_symbol("btc/usdt:usdt", symbols) == "BTC/USDT:USDT"
    for word in ("btc", "btcusdt"):
        assert "can mean BTC/USDT, BTC/USDT:USDT;" in refusal(partial(resolve_symbol, word, symbols))
    many = [f"BTC/C{number}" for number in range(9)]
    assert "BTC/C4 and 4 more;" in refusal(lambda: resolve_symbol("btc", many))


def test_an_unknown_market_is_refused_with_the_nearest() -> None:
    assert "did you mean DOGE/USDT?" in refusal(lambda: resolve_symbol("DOG/USDT", ["BTC/EUR", "DOGE/USDT"]))
    assert "written like BTC/USDT" in refusal(lambda: resolve_symbol("<b>", []))
    refusal(lambda: resolve_symbol("z" * 10_000, SYMBOLS))
    refusal(lambda: resolve_symbol("", SYMBOLS))


# Changes


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            "profit=0.6%",
            replace(GRID, profit_pct=Decimal("0.6"), loop=True, stop=Decimal(50000), stop_sell=True),
        ),
        ("loop=no stop=none", GRID),
        ("loop=no stop=none budget=2000", BUDGET),
        ("loop=no stop=40k stop_sell=no", replace(GRID, stop=Decimal(40000))),
        ("loop=no stop=-10% stop_sell=no", replace(GRID, stop=Decimal(54000))),
    ],
)
def test_a_change_leaves_the_rest_as_it_was(text: str, after: GridSpec) -> None:
    before = replace(GRID, loop=True, stop=Decimal(50000), stop_sell=True)
    assert parse_edit(before, text).at(Decimal(60000)) == after


def test_a_quantity_replaces_a_budget() -> None:
    assert parse_edit(BUDGET, "qty=0.001").at(None) == GRID


@pytest.mark.parametrize("text", ["", "0.6%", "symbol=eth", "eth", "profit", "profits=1", "qty=1 budget=5", "qty=x"])
def test_a_change_that_is_none_is_refused(text: str) -> None:
    refusal(lambda: parse_edit(GRID, text))


# Properties


def decimals(low: str, high: str, places: int = 8) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False, allow_infinity=False)


@st.composite
def specs(draw: st.DrawFn) -> GridSpec:
    shape = draw(st.sampled_from(Shape))
    low, high = sorted(draw(st.tuples(decimals("0.00000001", "1e9"), decimals("0.00000001", "1e9"))))
    sized, normal = draw(st.booleans()), shape is Shape.NORMAL
    stop = draw(st.none() | decimals("0.01", "100", 2))
    return GridSpec(
        shape=shape,
        symbol=draw(st.sampled_from(SYMBOLS)),
        minimum=low,
        maximum=high,
        count=1 if low == high else draw(st.integers(1, MAX_LEVELS)),
        amount=draw(decimals("0.00000001", "1e6")) if sized else None,
        budget=None if sized else draw(decimals("0.01", "1e9", 2)),
        profit_pct=draw(decimals("0.0001", "999", 4)),
        loop=draw(st.booleans()),
        mean=draw(st.none() | st.sampled_from([low, high])) if normal else None,
        sigma=draw(decimals("0.1", "100", 1)) if normal else Decimal(6),
        above_wait=draw(st.booleans()),
        stop=stop,
        stop_sell=stop is not None and draw(st.booleans()),
        take=draw(st.none() | decimals("101", "1e9", 2)),
        force=draw(st.booleans()),
    )


@given(specs())
def test_a_grid_written_as_a_command_is_read_back_as_it_was(spec: GridSpec) -> None:
    use_exact()
    name, _, rest = as_command(checked(spec)).removeprefix("/").partition(" ")
    assert words(rest, Shape(name)).at(None) == spec


def test_the_command_is_written_as_the_manual_writes_it() -> None:
    spec = replace(GRID, loop=True, above_wait=True)
    assert as_command(spec) == "/linear BTC/USDT 54000 66000 20 0.001 0.5% loop above=wait"
    assert as_command(replace(BUDGET, loop=True)) == "/linear BTC/USDT 54000 66000 20 0.5% loop budget=2000"


PIECES = (
    "54000 66000 20 0.001 0.5% -1% +1% loop force 2000USDT 0.1BTC 1INCH btc BTC/USDT mean= stop= = % sigma=4 "
    "take=1e5 budget= qty=1 1,000 65k １ ٣ - -- +% -% k USDT NaN 1e400 \u2212 above=wait stop_sell=yes \ud800"
)


@given(
    st.text() | st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=5), max_size=12).map(" ".join),
    st.sampled_from(Shape),
)
def test_no_words_escape_as_anything_but_a_refusal(text: str, shape: Shape) -> None:
    use_exact()
    try:
        spec = grid(text, shape)
        assert checked(spec) == spec
        parse_edit(spec, text)
    except CommandError as error:
        assert 0 < len(str(error)) < 400


@given(st.text(alphabet="0123456789.,-+kK%e \u2212", max_size=80))
def test_a_number_is_read_or_refused_and_never_changes_when_read_again(text: str) -> None:
    use_exact()
    try:
        value = number(text)
    except CommandError:
        return
    assert number(format(value, "f")) == value
    assert value * value >= 0


def test_words_are_drawn_together() -> None:
    assert split_words("a  =  1\u00a0b= 2 0.5 % \u20131%") == ["a=1", "b=2", "0.5%", "-1%"]
