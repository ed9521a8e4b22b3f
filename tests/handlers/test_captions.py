"""Captions: whatever stands in them fits Telegram, and nothing is lost that finds no room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.grids import GridSpec, Shape
from bot.core.model import FeeSide, Market, Quote
from bot.core.money import use_exact
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import NO_OFFSETS
from bot.core.specs import as_command
from bot.texts.catalogue import say
from handlers.chat.context import tagged
from handlers.words import backtests, creation
from handlers.words.captions import LIMIT, Part, fitted, seen, text_of
from tests.telegram.html_rules import parse_html, utf16_length

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
D = Decimal
MOST_CAPTION = 1024


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def telegram_length(html: str) -> int:
    return utf16_length(parse_html(html)[0])


HTML = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=700).map(
    lambda text: f"<b>{escape(text)}</b>"
)
PARTS = st.lists(st.builds(Part, st.integers(0, 7), HTML), max_size=12)


@given(PARTS)
def test_what_is_kept_fits_and_nothing_is_lost(parts: list[Part]) -> None:
    within, left = fitted(parts)
    assert telegram_length(tagged(text_of(within), "(simulated)")) <= MOST_CAPTION
    assert sorted(map(id, [*within, *left])) == sorted(map(id, parts))
    order = {id(part): place for place, part in enumerate(parts)}
    for some in (within, left):
        places = [order[id(part)] for part in some]
        assert places == sorted(places)
    room = LIMIT - sum(seen(part.html) + 1 for part in within)
    assert all(seen(part.html) + 1 > room for part in left)


@given(HTML)
def test_a_length_is_counted_as_telegram_counts(html: str) -> None:
    assert seen(html) == utf16_length(parse_html(html.replace("<b>", "<b>.").replace("</b>", ".</b>"))[0]) - 2


def test_what_matters_most_is_kept() -> None:
    long = "x" * 600
    within, left = fitted([Part(2, long), Part(1, long), Part(0, "head")])
    assert [part.rank for part in within] == [1, 0] and [part.rank for part in left] == [2]


def numbers(most: int) -> st.SearchStrategy[Decimal]:
    """From the tiniest to the largest a person may type, with as many digits."""
    return st.builds(
        lambda digits, shift: D(digits).scaleb(-shift), st.integers(1, 10**most), st.integers(0, most)
    ).filter(lambda value: value > D("1e-12"))


NAMES = st.text(st.sampled_from("A<&Ω💰"), min_size=1, max_size=60)


@st.composite
def previews(draw: st.DrawFn) -> Preview:
    base, quote = draw(NAMES), draw(NAMES)
    symbol = f"{base}/{quote}" + draw(st.sampled_from(["", ":" + quote]))
    tick, step = D(1).scaleb(-draw(st.integers(0, 12))), D(1).scaleb(-draw(st.integers(0, 12)))
    rules = Market(
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=tick,
        amount_step=step,
        min_amount=draw(st.sampled_from([step, D(5)])),
        min_cost=draw(st.sampled_from([D(0), D(5), D(10**9)])),
        maker_fee_ratio=D("0.001"),
        taker_fee_ratio=D("0.001"),
        fee_side=draw(st.sampled_from(FeeSide)),
    )
    low, span = draw(numbers(15)), draw(numbers(15))
    has_budget = draw(st.booleans())
    spec = GridSpec(
        shape=draw(st.sampled_from([Shape.LINEAR, Shape.GEOMETRIC])),
        symbol=symbol,
        minimum=low,
        maximum=low + span,
        count=draw(st.sampled_from([1, 2, 5, 15, 60])),
        amount=None if has_budget else draw(numbers(12)),
        budget=draw(numbers(15)) if has_budget else None,
        profit_pct=draw(st.sampled_from([D("0.5"), D("999.123456789012345"), D("0.001")])),
        loop=draw(st.booleans()),
        above_wait=draw(st.booleans()),
        stop=draw(st.sampled_from([None, low])),
        take=draw(st.sampled_from([None, low + span + low])),
        force=True,
    )
    price = max(rules.price_down(low + span / draw(st.sampled_from([1, 2, 1000]))), tick)
    return preview(spec, rules, Quote(symbol, price, price + tick, AT), NO_OFFSETS, Limits())


def done_of(shown: Preview, figure: Decimal, span: timedelta) -> Any:
    """A finished backtest with the longest figures."""
    report = SimpleNamespace(
        round_trips=10**9,
        open_positions=46_655,
        bars=86_400,
        profit=-figure,
        profit_pct=-figure if figure else None,
        realized=figure,
        fees=figure,
        unrealized=-figure,
        max_drawdown=figure,
        hold=figure,
        capital=figure,
    )
    return SimpleNamespace(preview=shown, report=report, span=span)


@settings(max_examples=150, deadline=None)
@given(previews(), numbers(28))
def test_a_preview_fits_under_its_picture_with_the_longest_names_and_numbers(shown: Preview, figure: Decimal) -> None:
    use_exact()
    done = done_of(shown, figure, timedelta(days=60, hours=23))
    card = creation.preview_card(shown, [backtests.line(done), say("cautions.not_live")])
    assert telegram_length(tagged(card.caption, "(simulated)")) <= MOST_CAPTION
    parse_html(card.before)
    whole = parse_html(f"{card.before}\n{card.caption}")[0]
    assert whole.count("Preview: ") == 1 and "Nothing is sent before you press Create." in card.caption
    assert "Preview" not in card.before and "press Create" not in card.before
    command = as_command(shown.spec)
    assert command in whole or len(command) > 1000
    places = str(len(shown.levels))
    assert "entry" in whole and any(line.strip().startswith(places) for line in whole.splitlines())
    answer = backtests.answer(done, 60)
    assert telegram_length(tagged(answer, "(simulated)")) <= MOST_CAPTION
    assert "Closed trades" in answer


def small(count: int = 3) -> Preview:
    rules = Market("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.000001"), D("0.00001"), D(5), D("0.001"), D("0.001"))
    spec = GridSpec(Shape.LINEAR, "BTC/USDT", D(61875), D(63125), count, D("0.001"), None, D("0.5"), loop=True)
    return preview(spec, rules, Quote("BTC/USDT", D(62500), D("62500.01"), AT), NO_OFFSETS, Limits())


def test_a_small_preview_is_all_caption() -> None:
    card = creation.preview_card(small(), ["A note."])
    assert card.before == ""
    assert card.caption == (
        "<b>Preview: linear BTC/USDT, 3 levels, loop</b>\n"
        "Market now: bid 62,500.00, ask 62,500.01\n"
        "» 1 level above the market buys at once, near 62,500: about <b>62.50 USDT</b>.\n"
        "Bound at worst, when every level has bought: <b>187.50 USDT</b>.\n"
        "A cycle of a level earns <b>+0.1851 to +0.1888 USDT</b> after the fees of both legs; of all levels together "
        "+0.30 % of what is bound.\n"
        "A note.\n"
        "Loop: its next cycle starts as soon as one is closed.\n"
        "<blockquote expandable>Levels: entry → exit · amount\n"
        "1  61,875.00 → 62,184.38 · 0.001\n"
        "2  62,500.00 → 62,812.50 · 0.001\n"
        "3»  63,125.00 → 63,440.63 · 0.001</blockquote>\n"
        "As understood, to copy:\n"
        "<code>/linear BTC/USDT 61875 63125 3 0.001 0.5% loop</code>\n"
        "Nothing is sent before you press Create."
    )


def test_of_a_larger_one_the_levels_come_before() -> None:
    card = creation.preview_card(small(46_655))
    assert card.before.startswith("<b>All levels of linear BTC/USDT</b>\n<pre>")
    assert "… 46,625 levels between, all of them in the file above …" in card.before
    assert "/linear BTC/USDT 61875 63125 46655" in card.caption


def test_a_backtest_is_told_with_what_holding_would_have_brought() -> None:
    done = done_of(small(), D("12.5"), timedelta(days=7))
    assert backtests.line(done) == (
        "Over the last 7 d it would have closed <b>1,000,000,000 trades</b>: <b>−12.50 USDT</b> (−12.50 %), deepest "
        "fall 12.50; holding +12.50. Past prices, no promise."
    )
    assert backtests.answer(done, 30) == (
        "<b>Backtest: linear BTC/USDT, 3 levels, loop</b>\n"
        "The last 7 d, 86,400 minutes of prices.\n"
        "Of the 30 days asked for: more is not known, or would take too long.\n"
        "Closed trades: <b>1,000,000,000</b>\n"
        "Realised: +12.50 USDT after 12.50 of fees\n"
        "Open: −12.50 USDT in 46,655 levels\n"
        "Together: <b>−12.50 USDT</b> (−12.50 %)\n"
        "Deepest fall: 12.50 USDT\n"
        "Holding instead: +12.50 USDT\n"
        "Bound at worst: 12.50 USDT\n"
        "<code>/linear BTC/USDT 61875 63125 3 0.001 0.5% loop</code>\n"
        "Past prices: an order fills when the market trades through it. No promise."
    )
    assert "asked for" not in backtests.answer(done, 7)


def test_one_of_no_capital_has_no_per_cent() -> None:
    done = done_of(small(), D(0), timedelta(hours=1))
    assert "%" not in backtests.line(done)
    shown = replace(small(), capital=D(0))
    assert "0 %" not in backtests.answer(done_of(shown, D(0), timedelta(hours=1)), 1).partition("<code>")[0]
