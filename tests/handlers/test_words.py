"""The words: figures, previews, turns, and the longest and nastiest input. Whole messages are golden texts."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.core.grids import GridSpec, Shape
from bot.core.model import Market, Quote
from bot.core.money import use_exact
from bot.core.portfolio import Grid
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import NO_OFFSETS
from bot.core.snapshot import Notice
from bot.reports.views import PlacingView, StopEffect
from handlers.chat.context import ChatConfig, length
from handlers.words import creation, figures, keyboards, statements, turns
from handlers.words.notices import notice
from tests.handlers.samples import NOTICES
from tests.telegram.html_rules import parse_html

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
CONFIG = ChatConfig("BTC/USDT", "(simulated)", "simulated", ZoneInfo("Europe/Berlin"), Path())
D = Decimal


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


NASTY = '<b>&"' + "x" * 10_000


def test_a_notice_of_an_unknown_kind_is_told_all_the_same() -> None:
    assert "Notice(at=" in notice(Notice(AT), CONFIG)


@pytest.mark.parametrize("told", [told for _, told in NOTICES], ids=lambda told: type(told).__name__)
def test_foreign_text_of_any_length_is_escaped_and_fits(told: Notice) -> None:
    names = {
        name: NASTY for name in ("executor", "grid", "message", "why", "what", "day", "currency") if hasattr(told, name)
    }
    if hasattr(told, "symbol"):
        names["symbol"] = f"{NASTY}/{NASTY}"
    names.pop("executor", None)  # ids are ours
    names.pop("grid", None)
    text = notice(replace(told, **names), CONFIG)  # type: ignore[arg-type]
    parse_html(text)
    assert length(text) < 4000
    assert '<b>&"' not in text


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("60000.10", "60,000.1"),
        ("1E+15", "1,000,000,000,000,000"),
        ("0.00001234", "0.00001234"),
        ("-1234.5", "−1,234.5"),
    ],
)
def test_a_number_is_written_in_full(value: str, shown: str) -> None:
    assert figures.number(D(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("0.17954", "+0.1795"),
        ("0.000012344", "+0.00001234"),
        ("-0.0000000000004", "−0.0000000000004"),
        ("1.5", "+1.50"),
        ("12.34567", "+12.3457"),
        ("1234.567", "+1,234.57"),
        ("-100", "−100"),
        ("999999999999999.999", "+1,000,000,000,000,000"),
    ],
)
def test_a_gain_is_rounded_for_the_eye_and_never_to_nothing(value: str, shown: str) -> None:
    assert figures.gain(D(value)) == shown


def test_what_is_bound_is_never_shown_smaller_than_it_is() -> None:
    assert figures.money(D("1250.0001"), up=True) == "1,250.01"
    assert figures.funds(D("0.123456789")) == "0.12345678"
    assert figures.funds(D("0.000000001")) == "0.000000001"


def test_averages_per_cents_and_distances_are_short() -> None:
    assert figures.about(D("61850.20333333333")) == "61,850.203"
    assert figures.about(D("0.00001234567890123")) == "0.000012345679"
    assert figures.pct(D("0.5")) == "0.50 %"
    assert figures.pct(D("0.000048")) == "0.000048 %"
    assert figures.distance(D("99"), D("100")) == "−1 %"


def test_durations_and_times_are_those_of_a_person() -> None:
    seconds = {0.44: "0.4 s", 45: "45 s", 300: "5 min", 7500: "2 h 5 min", 3600: "1 h", 277_200: "3 d 5 h", -5: "0 s"}
    assert {each: figures.duration(each) for each in seconds} == seconds
    assert figures.clock(AT, CONFIG.timezone) == "11:00:07"
    assert figures.stamp(AT, CONFIG.timezone) == "22 Nov 11:00"


def test_a_table_is_never_wider_than_a_phone() -> None:
    rows = [("1", "61,875.00", "62,184.38", "0.001"), ("20", "63,125.00", "63,440.63", "0.001")]
    assert figures.table(("#", "entry", "exit", "amount"), rows) == (
        "<pre> #     entry      exit amount\n 1 61,875.00 62,184.38  0.001\n20 63,125.00 63,440.63  0.001</pre>"
    )
    for cells in (
        ("200", "161,875.00", "162,184.38", "1,000.001"),
        ("200", "0.000012345678", "0.000012345699", "1000000000.123"),
        ("46655", "999999999999999", "999999999999999", "123456789012345"),
    ):
        text = figures.table(("#", "entry", "exit", "amount"), [cells])
        lines = text.removeprefix("<pre>").removesuffix("</pre>").splitlines()
        assert max(map(len, lines)) <= figures.WIDTH
        assert [cell.replace(",", "") for cell in cells] == "".join(lines[len(lines) // 2 :]).split()


def test_a_bar_shows_where_the_price_stands() -> None:
    assert figures.bar(D(0), D(100), D(0), 7) == "▕●····▏"
    assert figures.bar(D(0), D(100), D(100), 7) == "▕····●▏"
    assert figures.bar(D(0), D(100), D(-1), 7) == "◂▕····▏"
    assert figures.bar(D(0), D(100), D(101), 7) == "▕····▏▸"
    assert figures.bar(D(5), D(5), D(5), 7) == "▕··●··▏"


def test_runs_of_levels_are_drawn_together() -> None:
    assert figures.numbers_of([7, 1, 2, 3, 5]) == "1–3, 5, 7"
    assert figures.numbers_of(range(0, 200, 2)).endswith(" and 70 more")


def test_callback_data_fits_telegram() -> None:
    nonce = "0" * 12
    for markup in (
        keyboards.preview(nonce),
        keyboards.stop(nonce),
        keyboards.sell(nonce),
        keyboards.panic(nonce),
        keyboards.live(nonce),
        keyboards.taken_off(nonce),
        keyboards.stop_alarm(nonce),
        keyboards.follow(nonce),
        keyboards.beside(nonce),
    ):
        labels = [button.text for row in markup.inline_keyboard for button in row]
        assert len(set(labels)) == len(labels)
        assert all(len(str(button.callback_data)) <= 64 for row in markup.inline_keyboard for button in row)
    with pytest.raises(ValueError, match="longer than 64"):
        keyboards.data_of("x" * 60, nonce)


# -- previews ----------------------------------------------------------------------------------------------------------

BTC = Market("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.000001"), D("0.00001"), D(5), D("0.001"), D("0.001"))
COIN = replace(BTC, symbol="P&P/USDT", base="P&P", price_tick=D("0.00000001"), amount_step=D(1), min_amount=D(1))


def made(low: str, high: str, count: int, amount: str, market: Market = BTC, price: str = "62500") -> Preview:
    spec = GridSpec(Shape.LINEAR, market.symbol, D(low), D(high), count, D(amount), None, D("0.5"), loop=True)
    quote = Quote(market.symbol, D(price), D(price) + market.price_tick, AT)
    return preview(spec, market, quote, NO_OFFSETS, Limits(free=D(10_000)))


def test_a_preview_says_all_that_matters() -> None:
    assert creation.preview_text(made("61875", "63125", 3, "0.001")) == (
        "<b>Preview: linear BTC/USDT, 3 levels, loop</b>\n"
        "Market now: bid 62,500.00, ask 62,500.01\n"
        "<pre>#      entry      exit amount\n"
        "1  61,875.00 62,184.38  0.001\n"
        "2  62,500.00 62,812.50  0.001\n"
        "3» 63,125.00 63,440.63  0.001</pre>\n"
        "» 1 level above the market buys at once, near 62,500: about <b>62.50 USDT</b>.\n"
        "Bound at worst, when every level has bought: <b>187.50 USDT</b>.\n"
        "A cycle of a level earns <b>+0.1851 to +0.1888 USDT</b> after the fees of both legs; of all levels together "
        "+0.30 % of what is bound.\n"
        "Loop: its next cycle starts as soon as one is closed.\n"
        "As understood, to copy:\n"
        "<code>/linear BTC/USDT 61875 63125 3 0.001 0.5% loop</code>\n"
        "Nothing is sent before you press Create."
    )


def test_a_preview_says_what_is_refused_and_what_would_work() -> None:
    text = creation.preview_text(made("100", "62000", 2, "0.0001"))
    assert "1×" in text
    assert "× Level 1 can't trade: 0.0001 BTC is under the market's minimum; the smallest that works is 0.05" in text


def test_of_many_refusals_the_first_and_the_last_are_told() -> None:
    text = creation.preview_text(made("60000", "65000", 20, "0.00001"))
    refused = "0.00001 BTC is under the market's minimum; the smallest that works is 0.000084 BTC"
    assert f"× Levels 1–3 can't trade: {refused}" in text
    assert "× Levels 4–18: likewise, with amounts between these." in text
    assert "🛑 No level can trade" in text
    assert "Nothing is sent before" not in text


def test_tiny_and_huge_prices_keep_their_digits() -> None:
    tiny = creation.preview_text(made("0.00001234", "0.00001300", 3, "1000000", COIN, "0.00001280"))
    assert "0.00001234" in tiny and "P&amp;P/USDT" in tiny and "E-" not in tiny
    parse_html(tiny)
    huge = creation.preview_text(made("100000000000000", "999999999999999", 3, "1000000"))
    assert "999,999,999,999,999.00" in huge.replace("\n", " ") or "999999999999999.00" in huge
    parse_html(huge)


def test_a_large_grid_shows_its_ends_and_comes_as_a_file() -> None:
    large = made("50000", "70000", 1000, "0.001")
    text = creation.preview_text(large)
    assert "… 970 levels between, all of them in the file above …" in text
    assert length(text) < 4000
    lines = creation.levels_csv(large).splitlines()
    assert len(lines) == 1001
    assert lines[0] == "number,entry,exit,amount,net,buys_at,refused"
    assert lines[1].startswith("1,50000,50250,0.001,")


def test_after_create_the_next_steps_are_named() -> None:
    grid = Grid("g1", 1, made("61875", "63125", 3, "0.001").spec, AT)
    text = creation.created(grid, made("61875", "63125", 3, "0.001"))
    assert text.startswith("✅ <b>g1 created</b>: linear BTC/USDT, 3 levels.\n")
    assert "1 level above the market buys at once, near 62,500 and 2 entries rest at their levels" in text
    assert text.endswith("/grid g1 looks at it, /pause g1 pauses, /stop g1 ends it.")


def test_while_a_large_grid_is_laid_it_is_told_how_far_it_is() -> None:
    shown = made("61875", "63125", 3, "0.001")
    grid = Grid("g1", 1, shown.spec, AT)
    under_way = creation.created(grid, shown, laid=PlacingView(placed=1, under_way=1200, levels=1500))
    assert "1 of its orders is on the book, 1,200 on their way: 1 level above" in under_way
    done = creation.created(grid, shown, laid=PlacingView(placed=1201, under_way=0, levels=1500))
    assert "1,201 of its orders are on the book, as many as are wanted now: 1 level above" in done


# -- stop and the rest -------------------------------------------------------------------------------------------------

SALE = (D("124.9"), D("123.6")), (D("-0.1"), D("-1.4"))
EFFECT = StopEffect(
    "g1", "BTC/USDT", 11, 2, D("0.002"), D("125"), *SALE, at_exits=D("0.5"), worth=(D("125.03"), D("0.03"))
)


def test_stopping_names_what_each_way_does_to_the_money() -> None:
    assert turns.stop_question([EFFECT]) == (
        "<b>Stop g1?</b> Held: 0.002 BTC, bought for 125 USDT.\n"
        "<b>Finish</b>: 11 entries leave the book, 2 exits stay and what is held sells at its own exits, which makes "
        "about <b>+0.50 USDT</b> against cost after the fee; then it ends. It may take long, and the coins may lose "
        "worth meanwhile.\n"
        "<b>Keep coins</b>: 13 orders leave the book and it ends now; 0.002 BTC stay on your account, worth 125.03 "
        "USDT now (<b>+0.03</b> against cost), and nothing sells them.\n"
        "<b>Sell now</b>: 13 orders leave the book, then the coins are sold at once, as a taker, at the best bid or "
        "up to 1 % below it. That brings about 124.90 USDT (<b>−0.10</b> against cost), at worst 123.60 (−1.40), after "
        "the fee."
    )


def test_stopping_many_grids_of_many_markets_still_fits() -> None:
    effects = [
        replace(
            EFFECT, grid=f"g{number}", symbol=f"VERYLONGCOIN{number}/QUOTE{number % 40}", too_little=number % 7 == 0
        )
        for number in range(500)
    ]
    for text in (turns.stop_question(effects), turns.sell_question(effects), turns.keeping(effects)):
        parse_html(text)
        assert length(text) < 4000
    assert "and 490 more" in turns.stop_question(effects)


def test_without_a_price_or_with_dust_a_sale_promises_nothing() -> None:
    unpriced = replace(EFFECT, proceeds=None, profit=None, worth=None)
    assert "0.002 BTC stay on your account, and nothing sells them." in turns.stop_question([unpriced])
    assert "There is no price now for g1, so what it brings can't be said." in turns.stop_question([unpriced])
    dust = turns.stop_question([replace(EFFECT, too_little=True)])
    assert "what is held is under the exchange's minimum and stays on the account." in dust
    empty = replace(EFFECT, held=D(0), cost=D(0), proceeds=None, profit=None)
    assert "there is nothing to sell." in turns.stop_question([empty])


def test_pause_and_resume_say_what_comes_next() -> None:
    assert turns.paused(["g1"], 11, 9) == (
        "⏸ g1 is paused: 11 entries leave the book, 9 exits stay. What is held still sells at its exits.\n"
        "/resume g1 goes on."
    )
    assert turns.paused(["g1", "g2"], 1, 0).endswith("/resume all goes on.")
    assert turns.paused([], 0, 0).startswith("Nothing to pause")
    assert turns.resumed(["g1", "g2"], ["g2"]) == (
        "▶️ g1 runs: entries and exits are placed as the price allows.\n"
        "▶️ g2 goes on finishing: what is held sells at its exits. /resume once more lets it run.\n"
        "/status shows what rests."
    )
    assert "g1.7 may run, but g1 doesn't: /resume g1" in turns.resumed(["g1.7"], [], ["g1.7"])


def test_logs_are_escaped_line_by_line() -> None:
    text = statements.logs(["<b>one</b>\ttwo", NASTY]).html
    assert text.startswith("<pre>&lt;b&gt;one&lt;/b&gt; two\n")
    parse_html(text)
    assert max(map(len, text.splitlines())) < 500


def test_the_greeting_escapes_a_name() -> None:
    text = statements.start("<script>" + "x" * 500, "", owner=False)
    assert "&lt;script&gt;" in text and "Orders here are real." in text and len(text) < 500
