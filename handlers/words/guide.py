"""What is said while a grid is put together step by step. Pure: a draft and the facts in, HTML and buttons' texts out.

Rule: each page says what it asks, what was answered so far and what the market is like, and how the answer is typed. A
new step is a row of `PAGES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.core.drafts import Draft
from bot.core.money import HUNDRED
from bot.core.symbols import coins_of
from bot.reports.offers import SMALLEST, WEEK, Offer, example_amount, example_range
from bot.reports.suggestion import Facts
from handlers.words.figures import foreign, funds, gain, money, name, number, pct, table, top

SUGGESTED, LAST = "⭐", "↺"
LEGEND = f"{SUGGESTED} what I suggest"
LEGEND_LAST = f"{SUGGESTED} what I suggest, {LAST} what you took the last time"
LONGEST_ANSWER = 40

ENDED = "This dialogue has ended. /new begins another."
OVER = "This page is over; the dialogue goes on further below. /new begins another."
NO_SUCH_BUTTON = "This button is not on the page."
REPLACED = "This dialogue has ended: a new one took its place."
LEFT = "Cancelled; nothing was sent. /new begins again."
NOTHING_TO_LEAVE = "There is no dialogue to leave. /new begins one."
FIRST_STEP = "This is the first step: there is nothing before it. Cancel leaves."
DONE = "This grid was put together. /new begins another."
GONE_ON = "The dialogue goes on below."


@dataclass(frozen=True, slots=True)
class Words:
    """What one step says. `label` is a button's text without its mark; `hint` tells how the answer is typed."""

    title: str
    question: str
    hint: Callable[[Draft, Facts], str]
    label: Callable[[Offer, Draft], str]


def page(
    words: Words,
    place: tuple[int, int],
    draft: Draft,
    facts: Facts,
    offers: Sequence[Offer],
    *,
    spans: Sequence[tuple[Offer, Decimal, Decimal]] = (),
    intro: str = "",
    problem: str = "",
) -> str:
    """The text of a step: `place` is (which, of how many), `spans` the prices that ranges mean now, `intro` what
    stands in place of the market's facts, `problem` why an answer could not be taken."""
    parts = [f"<b>New grid, {place[0]} of {place[1]}: {words.title}</b>"]
    if answered := answers(draft):
        parts.append(answered)
    parts.append(intro or market_facts(facts))
    if problem:
        parts.append(f"⚠️ {foreign(problem)}")
    parts.append(f"<b>{words.question}</b>")
    if spans:
        rows = [(_plain(_span(offer.given)), number(low), number(high)) for offer, low, high in spans]
        parts.append(table(("", "from", "to"), rows))
    parts.append(words.hint(draft, facts))
    if any(offer.is_last for offer in offers):
        parts.append(LEGEND_LAST)
    elif any(offer.is_suggested for offer in offers):
        parts.append(LEGEND)
    return "\n".join(parts)


def last_page(draft: Draft, place: tuple[int, int], problem: str = "") -> str:
    """Above the preview of a grid that has all its answers."""
    trouble = f"⚠️ {foreign(problem)}\n" if problem else ""
    return (
        f"<b>New grid, {place[0]} of {place[1]}: preview</b>\n{answers(draft)}\n{trouble}"
        "The preview is below: <b>Create</b> there makes the grid. To change something go back, or type it, such as "
        "<code>count=30 profit=0.6%</code>."
    )


def market_facts(facts: Facts) -> str:
    """What the market is like, in three lines."""
    market, quote = facts.market, facts.quote
    smallest = f"{number(market.smallest_amount(quote.bid))} {name(market.base)}"
    if market.min_cost:
        smallest += f" (or {money(market.min_cost)} {name(market.quote)})"
    bid, ask = top(quote.bid, quote.ask)
    return (
        f"{name(market.symbol)} now: bid {bid}, ask {ask}\n"
        f"Smallest order {smallest}, prices in steps of {number(market.price_tick)}\n"
        f"Fee {pct(market.maker_fee_ratio * HUNDRED)} a trade, {funds(facts.free)} {name(market.quote)} free"
    )


def answers(draft: Draft) -> str:
    """What was answered so far, in one line; empty at first."""
    given = draft.given
    said = [
        name(draft.symbol),
        draft.shape or "",
        _span(given) if "min" in given else "",
        f"{_text(given['count'])} levels" if "count" in given else "",
        _size(given, draft),
        f"{_pct(given['profit'])} profit" if "profit" in given else "",
        {"yes": "loop", "no": "once"}.get(given.get("loop", ""), _text(given.get("loop", ""))),
        *(f"{key}={_text(text)}" for key, text in given.items() if key not in SAID),
    ]
    line = " · ".join(each for each in said if each)
    return f"✔ {line}" if line else ""


SAID = frozenset({"symbol", "shape", "min", "max", "count", "qty", "budget", "profit", "loop"})


def button(words: Words, offer: Offer, draft: Draft) -> str:
    """A button's text with its mark."""
    mark = (SUGGESTED if offer.is_suggested else "") + (LAST if offer.is_last else "")
    return f"{mark} {words.label(offer, draft)}".strip()


# -- labels ------------------------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return foreign(text, LONGEST_ANSWER)


def _number(text: str) -> str:
    """A typed number with its thousands separated, where it is written the plain way."""
    return number(Decimal(text)) if text.replace(".", "", 1).isdigit() and text.isascii() else text


def _pct(text: str) -> str:
    body = text.removesuffix("%")
    return f"{_text(_number(body))} %"


def _span(given: Mapping[str, str]) -> str:
    low, high = given["min"], given.get("max", "")
    if low.endswith("%") and low[:1] == "-" and high == f"+{low[1:]}":
        return f"±{_pct(low[1:])}"
    return f"{_text(_number(low))} – {_text(_number(high))}"


def _size(given: Mapping[str, str], draft: Draft) -> str:
    base, quote = coins_of(draft.symbol)
    if "qty" in given:
        return f"{_text(_number(given['qty']))} {name(base)} each"
    return f"{_text(_number(given['budget']))} {name(quote)} in all" if "budget" in given else ""


def _market_label(offer: Offer, draft: Draft) -> str:
    return offer.given["symbol"][:LONGEST_ANSWER]


def _shape_label(offer: Offer, draft: Draft) -> str:
    return offer.given["shape"].capitalize()


def _range_label(offer: Offer, draft: Draft) -> str:
    return "Last week's range" if offer.name == WEEK else _plain(_span(offer.given))


def _count_label(offer: Offer, draft: Draft) -> str:
    apart = f" · {pct(offer.figure)} apart" if offer.figure is not None else ""
    return f"{_number(offer.given['count'])}{apart}"


def _size_label(offer: Offer, draft: Draft) -> str:
    base, quote = coins_of(draft.symbol)
    if "budget" in offer.given:
        share = f"{number(offer.figure)} % · " if offer.figure is not None else ""
        return f"{share}{_number(offer.given['budget'])} {quote}"
    first = "Smallest: " if offer.name == SMALLEST else ""
    bound = f" · {money(offer.figure, up=True)} {quote}" if offer.figure is not None else ""
    return f"{first}{_number(offer.given['qty'])} {base}{bound}"


def _profit_label(offer: Offer, draft: Draft) -> str:
    net = f" · {gain(offer.figure)} net" if offer.figure is not None else ""
    return f"{_plain(_pct(offer.given['profit']))}{net}"


def _loop_label(offer: Offer, draft: Draft) -> str:
    return "Yes, again and again" if offer.given.get("loop") == "yes" else "No, once"


def _plain(html: str) -> str:
    """A button takes no HTML; what is in it was typed by its reader, or made of figures."""
    return html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# -- questions ---------------------------------------------------------------------------------------------------------


def _market_hint(draft: Draft, facts: Facts) -> str:
    return "Press one, or type its name, such as <code>eth</code> or <code>ETH/USDT</code>."


def _shape_hint(draft: Draft, facts: Facts) -> str:
    return (
        "<b>Linear</b>: the same distance between all.\n"
        "<b>Normal</b>: dense in the middle, thin at the ends.\n"
        "<b>Geometric</b>: the same per cent between all, for wide ranges."
    )


def _range_hint(draft: Draft, facts: Facts) -> str:
    return f"Or type two prices, such as <code>{example_range(facts)}</code>, or <code>-1% +1%</code>."


def _count_hint(draft: Draft, facts: Facts) -> str:
    return "More levels trade more often, each with less. Or type a number, such as <code>30</code>."


def _size_hint(draft: Draft, facts: Facts) -> str:
    base, quote = facts.market.base, facts.market.quote
    return (
        "A share of what is free for the whole grid, or an amount for each level. Or type an amount, such as "
        f"<code>{example_amount(facts)}</code> {name(base)}, or a budget, such as <code>2000{name(quote)}</code>."
    )


def _profit_hint(draft: Draft, facts: Facts) -> str:
    return (
        f"Each level sells so much higher than it bought; net is what that earns in {name(facts.market.quote)} after "
        "both fees. Or type a per cent, such as <code>0.6%</code>."
    )


def _loop_hint(draft: Draft, facts: Facts) -> str:
    return "With a loop a level buys again as soon as it has sold. Or type <code>yes</code> or <code>no</code>."


MARKET = Words("market", "Which market shall it trade?", _market_hint, _market_label)
SHAPE = Words("shape", "How shall its levels be spread?", _shape_hint, _shape_label)
RANGE = Words("range", "Between which prices shall it buy?", _range_hint, _range_label)
COUNT = Words("levels", "How many levels?", _count_hint, _count_label)
SIZE = Words("size", "How much money?", _size_hint, _size_label)
PROFIT = Words("profit", "How much profit for each trade?", _profit_hint, _profit_label)
LOOP = Words("loop", "Shall it go on when a level has sold?", _loop_hint, _loop_label)
