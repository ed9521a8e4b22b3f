"""What can be chosen at each step of a new grid, with the figures that help to choose. Pure but for the facts it is
given.

Rule: an offer is something that would work: above the minimums, within the funds, over the fees. Where the funds allow
nothing, the usual is offered all the same and the preview says what is missing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal

from bot.core import grids
from bot.core.drafts import Draft
from bot.core.grids import GridSpec, Shape
from bot.core.model import FeeSide
from bot.core.money import HUNDRED, ZERO, average, plain
from bot.core.portfolio import Grid
from bot.core.preview import cycle_net, smallest_tradable
from bot.core.specs import KEYS, as_pairs
from bot.core.symbols import coins_of
from bot.errors import CommandError
from bot.reports.suggestion import Facts, spec_of, suggested_spec

MOST_MARKETS = 6
EXAMPLE_PCTS = (Decimal(3), Decimal(50), Decimal(90))
RANGES = (1, 2, 5, 10)
COUNTS = (2, 5, 10, 20, 50, 100)
MOST_COUNTS = 4
SHARES = (10, 25, 50, 100)
PROFITS = tuple(
    Decimal(thousandths) / 1000
    for thousandths in (50, 100, 200, 300, 500, 800, 1000, 1500, 2000, 3000, 5000, 8000, 10000)
)
MOST_PROFITS = 4
CLEARLY = 3
"""Times the fee of one leg: two pay the fees, the third is for the person."""
WEEK = "week"
SMALLEST = "smallest"
ROUND_BUDGET = Context(prec=3, rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice: `given` is what it answers, empty for what is looked up once it is chosen; `name` may be typed.
    `figure` is a per cent or an amount of money that says what it means, where there is one."""

    given: Mapping[str, str]
    name: str = ""
    figure: Decimal | None = None
    is_suggested: bool = False
    is_last: bool = False


def suggestion_for(draft: Draft, facts: Facts) -> GridSpec:
    """The grid that would be suggested to go with the answers so far. CommandError where they make no grid."""
    return suggested_spec(draft.shape or Shape.LINEAR, facts, draft.pairs)


def worth_offering(
    default: str, symbols: Sequence[str], recent: Sequence[str], made: Iterable[Grid]
) -> tuple[str, ...]:
    """The default market, those that were chosen last, those most grids were made on."""
    counts = Counter(grid.symbol for grid in made)
    favourites = sorted(counts, key=lambda symbol: -counts[symbol])
    few = symbols if len(symbols) <= MOST_MARKETS else ()
    names = [each for each in dict.fromkeys((default, *recent, *favourites, *few)) if each in symbols]
    return tuple(names[:MOST_MARKETS])


def markets(draft: Draft, facts: Facts) -> list[Offer]:
    """Those worth offering; the first is the default."""
    return [Offer({"symbol": each}, each, is_suggested=each == facts.markets[0]) for each in facts.markets]


def shapes(draft: Draft, facts: Facts) -> list[Offer]:
    """Linear, normal, geometric."""
    return [Offer({"shape": shape}, shape, is_suggested=shape is Shape.LINEAR) for shape in Shape]


def ranges(draft: Draft, facts: Facts) -> list[Offer]:
    """Around the price of now, and what the last week spanned."""
    around = [Offer({"min": f"-{pct}%", "max": f"+{pct}%"}, f"{pct}%", is_suggested=pct == 1) for pct in RANGES]
    return [*around, Offer({}, WEEK)]


def spans(draft: Draft, facts: Facts, found: Sequence[Offer]) -> list[tuple[Offer, Decimal, Decimal]]:
    """The prices that ranges relative to the market mean now."""
    seen = []
    for offer in found:
        if offer.given and offer.given["min"].endswith("%"):
            with suppress(CommandError):  # it does not go with another answer
                spec = suggestion_for(draft.plus(offer.given), facts)
                seen.append((offer, spec.minimum, spec.maximum))
    return seen


def example_range(facts: Facts) -> str:
    """Two prices as somebody might type them."""
    for pct in EXAMPLE_PCTS:
        with suppress(CommandError):  # the price is so few ticks that both ends are one
            return " ".join(_around(facts, pct))
    return f"{KEYS['min']} {KEYS['max']}"


def example_amount(facts: Facts) -> str:
    """An amount as somebody might type it."""
    return plain(facts.market.smallest_amount(facts.quote.bid) * 2)


def _around(facts: Facts, pct: Decimal) -> tuple[str, str]:
    """MIN and MAX so many per cent around the market, as they are written."""
    around = {"min": f"-{plain(pct)}%", "max": f"+{plain(pct)}%", "count": "2", "qty": "1", "profit": "1%"}
    spec = spec_of(Shape.LINEAR, facts, around)
    return plain(spec.minimum), plain(spec.maximum)


def counts(draft: Draft, facts: Facts) -> list[Offer]:
    """As many levels as the funds and the tick allow; the figure is the step from one to the next in per cent."""
    usual = suggestion_for(_without(draft, "count"), facts)
    span, at_least = usual.maximum - usual.minimum, _smallest(usual, facts) * usual.maximum
    fit = [each for each in COUNTS if span >= facts.market.price_tick * each and at_least * each <= facts.free]
    shown = {*(fit or COUNTS)[-MOST_COUNTS:], usual.count}
    return [
        Offer({"count": str(each)}, str(each), _step_pct(usual, each), each == usual.count) for each in sorted(shown)
    ]


def sizes(draft: Draft, facts: Facts) -> list[Offer]:
    """Shares of the free funds as a budget, the suggested amount, the smallest; the figure is the share in per cent, or
    what an amount binds in all, in quote currency."""
    usual = suggestion_for(_without(draft, "qty", "budget"), facts)
    smallest = _smallest(usual, facts)
    at_least = smallest * usual.maximum * usual.count
    most = facts.limits.exposure
    found = []
    if usual.amount is not None:
        bound = usual.amount * usual.maximum * usual.count
        found.append(Offer({"qty": plain(usual.amount)}, "", bound, is_suggested=True))
    for share in SHARES:
        budget = share_of(facts, Decimal(share))
        if at_least <= budget and budget > ZERO and (most is None or budget <= most):
            found.append(Offer({"budget": plain(budget)}, f"{share}%", Decimal(share)))
    return [*found, Offer({"qty": plain(smallest)}, SMALLEST, at_least)]


def share_of(facts: Facts, pct: Decimal) -> Decimal:
    """So much of the free funds as a budget, fees kept back, rounded down to what is easy to read."""
    on_top = facts.market.maker_fee_ratio if facts.market.fee_side is FeeSide.QUOTE else ZERO
    return ROUND_BUDGET.divide(facts.free * pct, HUNDRED + on_top * HUNDRED)


def profits(draft: Draft, facts: Facts) -> list[Offer]:
    """Per cents clearly over the fees of both legs; the figure is what a cycle of a level in the middle earns net."""
    usual = suggestion_for(_without(draft, "profit"), facts)
    fee_pct = facts.market.maker_fee_ratio * HUNDRED
    over = [pct for pct in PROFITS if pct >= fee_pct * CLEARLY][:MOST_PROFITS]
    return [
        Offer({"profit": f"{plain(pct)}%"}, f"{plain(pct)}%", net_of(usual, pct, facts), pct == usual.profit_pct)
        for pct in sorted({*over, usual.profit_pct})
    ]


def net_of(spec: GridSpec, profit_pct: Decimal, facts: Facts) -> Decimal | None:
    """What a cycle of the level in the middle earns after the fees of both legs; None where it buys nothing."""
    market = facts.market
    entry = market.price_down(grids.centre(spec))
    if entry <= ZERO:
        return None
    amount = grids.amount_per_level(spec, entry, market)
    exit_ = grids.exit_price(entry, profit_pct, market.price_tick)
    return cycle_net(amount, entry, exit_, market) if amount > ZERO else None


def loops(draft: Draft, facts: Facts) -> list[Offer]:
    """Again and again, or once."""
    return [Offer({"loop": "yes"}, "yes", is_suggested=True), Offer({"loop": "no"}, "no")]


def with_last(offers: Sequence[Offer], last: Mapping[str, str], keys: Sequence[str], draft: Draft) -> list[Offer]:
    """The same offers, what this person chose the last time first, where it means something on this market."""
    given = {key: last[key] for key in keys if key in last}
    if not given:
        return list(offers)
    same = [offer for offer in offers if dict(offer.given) == given]
    others = [offer for offer in offers if dict(offer.given) != given]
    if same:
        first = same[0]
        return [Offer(first.given, first.name, first.figure, first.is_suggested, is_last=True), *others]
    return [Offer(given, is_last=True), *others] if _is_usable(given, last, draft) else others


def _is_usable(given: Mapping[str, str], last: Mapping[str, str], draft: Draft) -> bool:
    was, is_ = last.get("symbol", ""), draft.symbol
    if "qty" in given:
        return was == is_
    if "budget" in given:
        return coins_of(was)[1] == coins_of(is_)[1]
    if "min" in given:
        return was == is_ or all(text.endswith("%") for text in given.values())
    return True


def draft_of(spec: GridSpec) -> Draft:
    """A whole grid as answers."""
    return Draft({"symbol": spec.symbol, "shape": spec.shape, **as_pairs(spec), "loop": "yes" if spec.loop else "no"})


def whole(draft: Draft, facts: Facts) -> GridSpec:
    """The grid of a draft that has all answers. CommandError."""
    return spec_of(draft.shape or Shape.LINEAR, facts, draft.pairs)


def _without(draft: Draft, *keys: str) -> Draft:
    return Draft({key: text for key, text in draft.given.items() if key not in keys})


def _smallest(spec: GridSpec, facts: Facts) -> Decimal:
    """An amount that every level of this range may trade: the lowest price needs the most coins."""
    lowest = max(facts.market.price_down(spec.minimum), facts.market.price_tick)
    return smallest_tradable(lowest, lowest, facts.market)


def _step_pct(spec: GridSpec, count: int) -> Decimal | None:
    if count < 2:
        return None
    return average((spec.maximum - spec.minimum) * HUNDRED, spec.minimum * (count - 1))
