"""What is said while a grid is put together step by step. Pure: a draft and the facts in, HTML and buttons' texts out.

Rule: each page says what it asks, what was answered so far and what the market is like, and how the answer is typed. A
new step has its texts in `[steps]` and a row of `LABELS`.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from bot.core.drafts import Draft
from bot.core.money import HUNDRED
from bot.core.symbols import coins_of
from bot.reports.offers import SMALLEST, WEEK, Offer, example_amount, example_range
from bot.reports.suggestion import Facts
from bot.texts.catalogue import say
from handlers.words.figures import foreign, funds, gain, money, name, number, pct, table, top

SUGGESTED, LAST = "⭐", "↺"
LONGEST_ANSWER = 40


def page(
    step: str,
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
    parts = [_title(step, place)]
    if answered := answers(draft):
        parts.append(answered)
    parts.append(intro or market_facts(facts))
    if problem:
        parts.append(f"⚠️ {foreign(problem)}")
    parts.append(f"<b>{say(f'steps.{step}.question')}</b>")
    if spans:
        rows = [(_plain(_span(offer.given)), number(low), number(high)) for offer, low, high in spans]
        parts.append(table(("", say("guide.from"), say("guide.to")), rows))
    parts.append(_hint(step, facts))
    if any(offer.is_last for offer in offers):
        parts.append(say("guide.legend_last"))
    elif any(offer.is_suggested for offer in offers):
        parts.append(say("guide.legend"))
    return "\n".join(parts)


def last_page(draft: Draft, place: tuple[int, int], problem: str = "") -> str:
    """Above the preview of a grid that has all its answers."""
    trouble = [f"⚠️ {foreign(problem)}"] if problem else []
    return "\n".join([_title("preview", place), answers(draft), *trouble, say("guide.below")])


def _title(step: str, place: tuple[int, int]) -> str:
    return say("guide.title", place=place[0], places=place[1], title=say(f"steps.{step}.title"))


def _hint(step: str, facts: Facts) -> str:
    """How the answer is typed, with examples that would do."""
    base, quote = name(facts.market.base), name(facts.market.quote)
    prices, amount = example_range(facts), example_amount(facts)
    return say(f"steps.{step}.hint", prices=prices, amount=amount, base=base, quote=quote)


def market_facts(facts: Facts) -> str:
    """What the market is like, in three lines."""
    market, (bid, ask) = facts.market, top(facts.quote.bid, facts.quote.ask)
    base, quote = name(market.base), name(market.quote)
    smallest = f"{number(market.smallest_amount(facts.quote.bid))} {base}"
    if market.min_cost:
        smallest = say("guide.smallest_or", amount=smallest, cost=f"{money(market.min_cost)} {quote}")
    return say(
        "guide.facts",
        symbol=name(market.symbol),
        bid=bid,
        ask=ask,
        smallest=smallest,
        tick=number(market.price_tick),
        fee=pct(market.maker_fee_ratio * HUNDRED),
        free=f"{funds(facts.free)} {quote}",
    )


def answers(draft: Draft) -> str:
    """What was answered so far, in one line; empty at first."""
    given = draft.given
    said = [
        name(draft.symbol),
        draft.shape or "",
        _span(given) if "min" in given else "",
        say("guide.levels", number=_text(given["count"])) if "count" in given else "",
        _size(given, draft),
        say("guide.profit", share=_pct(given["profit"])) if "profit" in given else "",
        _again(given.get("loop", "")),
        *(f"{key}={_text(text)}" for key, text in given.items() if key not in SAID),
    ]
    line = " · ".join(each for each in said if each)
    return f"✔ {line}" if line else ""


SAID = frozenset({"symbol", "shape", "min", "max", "count", "qty", "budget", "profit", "loop"})


def button(step: str, offer: Offer, draft: Draft) -> str:
    """A button's text with its mark."""
    mark = (SUGGESTED if offer.is_suggested else "") + (LAST if offer.is_last else "")
    return f"{mark} {LABELS[step](offer, draft)}".strip()


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
        return say("guide.each", amount=_text(_number(given["qty"])), coin=name(base))
    if "budget" in given:
        return say("guide.in_all", amount=_text(_number(given["budget"])), coin=name(quote))
    return ""


def _again(typed: str) -> str:
    if typed in ("yes", "no"):
        return say("creation.loop") if typed == "yes" else say("creation.once")
    return _text(typed)


def _market_label(offer: Offer, draft: Draft) -> str:
    return offer.given["symbol"][:LONGEST_ANSWER]


def _shape_label(offer: Offer, draft: Draft) -> str:
    return offer.given["shape"].capitalize()


def _range_label(offer: Offer, draft: Draft) -> str:
    return say("guide.last_week") if offer.name == WEEK else _plain(_span(offer.given))


def _count_label(offer: Offer, draft: Draft) -> str:
    count = _number(offer.given["count"])
    return count if offer.figure is None else f"{count} · {say('guide.apart', step=pct(offer.figure))}"


def _size_label(offer: Offer, draft: Draft) -> str:
    base, quote = coins_of(draft.symbol)
    if "budget" in offer.given:
        share = f"{number(offer.figure)} % · " if offer.figure is not None else ""
        return f"{share}{_number(offer.given['budget'])} {quote}"
    amount = f"{_number(offer.given['qty'])} {base}"
    label = say("guide.smallest_label", amount=amount) if offer.name == SMALLEST else amount
    return label if offer.figure is None else f"{label} · {money(offer.figure, up=True)} {quote}"


def _profit_label(offer: Offer, draft: Draft) -> str:
    share = _plain(_pct(offer.given["profit"]))
    return share if offer.figure is None else f"{share} · {say('guide.net', profit=gain(offer.figure))}"


def _loop_label(offer: Offer, draft: Draft) -> str:
    return say("guide.again") if offer.given.get("loop") == "yes" else say("guide.once")


def _plain(html: str) -> str:
    """A button takes no HTML; what is in it was typed by its reader, or made of figures."""
    return html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


LABELS: Mapping[str, Callable[[Offer, Draft], str]] = {
    "market": _market_label,
    "shape": _shape_label,
    "range": _range_label,
    "count": _count_label,
    "size": _size_label,
    "profit": _profit_label,
    "loop": _loop_label,
}
"""The text of a button of each step, without its mark."""
