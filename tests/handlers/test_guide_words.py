"""What is said while a grid is put together: each page as a person sees it, and the longest of everything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.drafts import Draft
from bot.core.model import Market, Quote
from bot.core.money import use_exact
from bot.core.preview import Limits
from bot.core.pricing import NO_OFFSETS
from bot.reports import offers
from bot.reports.offers import Offer
from bot.reports.suggestion import Facts
from handlers.chat.context import length
from handlers.guide.steps import STEPS, Step
from handlers.words import guide as words
from handlers.words import keyboards
from tests.telegram.html_rules import parse_html

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BTC = Market(
    "BTC/USDT", "BTC", "USDT", Decimal("0.01"), Decimal("0.000001"), Decimal("0.00001"), Decimal(5), Decimal("0.001"),
    Decimal("0.001"),
)  # fmt: skip
QUOTE = Quote("BTC/USDT", Decimal(62500), Decimal("62500.02"), NOW)
FACTS = Facts(BTC, QUOTE, Limits(free=Decimal(10_000)), NO_OFFSETS, ("BTC/USDT", "ETH/USDT"))
MARKET_LINES = [
    "BTC/USDT now: bid 62,500.00, ask 62,500.02",
    "Smallest order 0.00008 BTC (or 5 USDT), prices in steps of 0.01",
    "Fee 0.10 % a trade, 10,000 USDT free",
]
LEGEND = "⭐ what I suggest"
SIZE_HINT = (
    "A share of what is free for the whole grid, or an amount for each level. Or type an amount, such as 0.00016 BTC, "
    "or a budget, such as 2000USDT."
)
PROFIT_HINT = (
    "Each level sells so much higher than it bought; net is what that earns in USDT after both fees. Or type a per "
    "cent, such as 0.6%."
)
PREVIEW_HINT = (
    "The preview is below: Create there makes the grid. To change something go back, or type it, such as count=30 "
    "profit=0.6%."
)
ANSWERS = {
    "symbol": "BTC/USDT", "shape": "linear", "min": "-1%", "max": "+1%", "count": "20", "budget": "2500",
    "profit": "0.5%", "loop": "yes",
}  # fmt: skip


@pytest.fixture(autouse=True)
def exact_context() -> Iterator[None]:
    with localcontext():
        use_exact()
        yield


def before(step: Step) -> Draft:
    """The draft when this step is asked."""
    keys = [key for each in STEPS[: STEPS.index(step)] for key in each.keys]
    return Draft({key: ANSWERS[key] for key in keys if key in ANSWERS})


def shown(step: Step, facts: Facts = FACTS, **more: str) -> tuple[list[str], list[str]]:
    """The lines of a page and its buttons."""
    draft = before(step)
    found = step.offers(draft, facts)
    spans = offers.spans(draft, facts, found) if step.name == "range" else ()
    html = words.page(step.name, (STEPS.index(step) + 1, 8), draft, facts, found, spans=spans, **more)
    return parse_html(html)[0].splitlines(), [words.button(step.name, offer, draft) for offer in found]


GOLDEN: dict[str, tuple[list[str], list[str]]] = {
    "market": (
        [
            "New grid, 1 of 8: market",
            *MARKET_LINES,
            "Which market shall it trade?",
            "Press one, or type its name, such as eth or ETH/USDT.",
            LEGEND,
        ],
        ["⭐ BTC/USDT", "ETH/USDT"],
    ),
    "shape": (
        [
            "New grid, 2 of 8: shape",
            "✔ BTC/USDT",
            *MARKET_LINES,
            "How shall its levels be spread?",
            "Linear: the same distance between all.",
            "Normal: dense in the middle, thin at the ends.",
            "Geometric: the same per cent between all, for wide ranges.",
            LEGEND,
        ],
        ["⭐ Linear", "Normal", "Geometric"],
    ),
    "range": (
        [
            "New grid, 3 of 8: range",
            "✔ BTC/USDT · linear",
            *MARKET_LINES,
            "Between which prices shall it buy?",
            "        from     to",
            " ±1 % 61,880 63,120",
            " ±2 % 61,250 63,750",
            " ±5 % 59,380 65,620",
            "±10 % 56,250 68,750",
            "Or type two prices, such as 60620 64380, or -1% +1%.",
            LEGEND,
        ],
        ["⭐ ±1 %", "±2 %", "±5 %", "±10 %", "Last week's range"],
    ),
    "count": (
        [
            "New grid, 4 of 8: levels",
            "✔ BTC/USDT · linear · ±1 %",
            *MARKET_LINES,
            "How many levels?",
            "More levels trade more often, each with less. Or type a number, such as 30.",
            LEGEND,
        ],
        ["10 · 0.22 % apart", "⭐ 20 · 0.11 % apart", "50 · 0.04 % apart", "100 · 0.02 % apart"],
    ),
    "size": (
        [
            "New grid, 5 of 8: size",
            "✔ BTC/USDT · linear · ±1 % · 20 levels",
            *MARKET_LINES,
            "How much money?",
            SIZE_HINT,
            LEGEND,
        ],
        [
            "⭐ 0.001 BTC · 1,262.40 USDT",
            "10 % · 1,000 USDT",
            "25 % · 2,500 USDT",
            "50 % · 5,000 USDT",
            "100 % · 10,000 USDT",
            "Smallest: 0.000082 BTC · 103.52 USDT",
        ],
    ),
    "profit": (
        [
            "New grid, 6 of 8: profit",
            "✔ BTC/USDT · linear · ±1 % · 20 levels · 2,500 USDT in all",
            *MARKET_LINES,
            "How much profit for each trade?",
            PROFIT_HINT,
            LEGEND,
        ],
        ["0.3 % · +0.1244 net", "⭐ 0.5 % · +0.3739 net", "0.8 % · +0.7481 net", "1 % · +0.9976 net"],
    ),
    "loop": (
        [
            "New grid, 7 of 8: loop",
            "✔ BTC/USDT · linear · ±1 % · 20 levels · 2,500 USDT in all · 0.5 % profit",
            *MARKET_LINES,
            "Shall it go on when a level has sold?",
            "With a loop a level buys again as soon as it has sold. Or type yes or no.",
            LEGEND,
        ],
        ["⭐ Yes, again and again", "No, once"],
    ),
}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_page_as_a_person_sees_it(step: Step) -> None:
    assert shown(step) == GOLDEN[step.name]


def test_the_page_above_the_preview() -> None:
    draft = Draft({**ANSWERS, "min": "60000", "max": "65000.5", "stop": "50000", "loop": "no"})
    assert parse_html(words.last_page(draft, (8, 8)))[0].splitlines() == [
        "New grid, 8 of 8: preview",
        "✔ BTC/USDT · linear · 60,000 – 65,000.5 · 20 levels · 2,500 USDT in all · 0.5 % profit · once · stop=50000",
        PREVIEW_HINT,
    ]


def test_a_problem_stands_above_the_question_and_is_escaped() -> None:
    lines, _ = shown(STEPS[3], problem="“<b>x</b>” isn't a number")
    place = lines.index("⚠️ “<b>x</b>” isn't a number")
    assert lines[place + 1] == "How many levels?"
    assert "⚠️ no" in words.last_page(Draft(ANSWERS), (8, 8), "no")


def test_the_last_choice_is_marked_and_explained() -> None:
    step, draft = STEPS[3], before(STEPS[3])
    found = offers.with_last(step.offers(draft, FACTS), {"count": "33"}, step.keys, draft)
    assert words.button(step.name, found[0], draft) == "↺ 33"
    html = words.page(step.name, (4, 8), draft, FACTS, found)
    assert parse_html(html)[0].splitlines()[-1] == "⭐ what I suggest, ↺ what you took the last time"


def test_buttons_stand_in_rows_above_the_ways_out() -> None:
    keyboard = keyboards.guide("0123456789ab", ["a", "b", "c"], 2, has_back=True).inline_keyboard
    assert [[button.text for button in row] for row in keyboard] == [
        ["a", "b"], ["c"], ["« Back", "⭐ Suggest", "Cancel"],
    ]  # fmt: skip
    first = keyboards.guide("0123456789ab", [], 2, has_back=False).inline_keyboard
    assert [[button.text for button in row] for row in first] == [["Cancel"]]
    many = keyboards.guide("0123456789ab", ["x" * 500] * 50, 3, has_back=True).inline_keyboard
    assert all(len(str(button.callback_data).encode()) <= keyboards.MOST_BYTES for row in many for button in row)
    assert sum(len(row) for row in many) == keyboards.MOST_OFFERS + 3


@given(
    st.dictionaries(
        st.sampled_from([*ANSWERS, "qty", "mean", "sigma", "stop", "take", "above", "force", "stop_sell"]),
        st.text(min_size=1, max_size=60),
    ),
    st.text(max_size=4000),
    st.sampled_from(STEPS),
)
def test_pages_fit_a_message_whatever_they_say(answered: dict[str, str], problem: str, step: Step) -> None:
    draft = Draft({**{key: text for key, text in answered.items() if key not in ("shape", "symbol")}, "max": "9" * 60})
    coin = "9" * 40
    market = replace(BTC, symbol=f"{coin}/{coin}:{coin}", base=coin, quote=coin, price_tick=Decimal("1E-30"))
    quote = Quote(market.symbol, Decimal("1E-29"), Decimal("2E-29"), NOW)
    facts = replace(FACTS, market=replace(market, price_tick=Decimal("1E-29")), quote=quote)
    found = [Offer(dict.fromkeys(step.keys, "9" * 60), figure=Decimal(10) ** 15, is_last=True)] * 12
    for html in (
        words.page(step.name, (7, 8), draft, facts, found, problem=problem),
        words.last_page(draft, (8, 8), problem),
    ):
        text = parse_html(html)[0]
        assert length(text) < 3900 and "\n\n\n" not in text
    assert all(len(words.button(step.name, offer, draft)) < 400 for offer in found)
