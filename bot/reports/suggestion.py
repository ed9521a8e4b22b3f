"""A grid that would work now: for those who ask for a grid without saying which, or who have said a part of it.

Rule: round figures that are easy to read and to change, over the minimums, within the funds, and clearly over the fees.
What was said already is kept as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.model import Candle, Market, Quote
from bot.core.money import HUNDRED, ZERO, ceil_to, plain
from bot.core.numerals import parse_number
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import Offsets
from bot.core.words import Price, Relative, checked, read_pairs
from bot.errors import CommandError
from bot.manager import TradeManager
from bot.texts.catalogue import say

COUNTS = (20, 10, 5, 2, 1)
USUAL_PROFIT_PCT = Decimal("0.5")
USUAL_RANGE = {"min": "-1%", "max": "+1%"}
SHARE_OF_FUNDS = Decimal("0.25")
WIDE_RATIO = Decimal("0.01")
"""A range at least so wide, in shares of the price, may have its ends rounded."""
ROUND_PRICE = Context(prec=4, rounding=ROUND_HALF_EVEN)
ROUND_LOW = Context(prec=4, rounding=ROUND_FLOOR)
ROUND_HIGH = Context(prec=4, rounding=ROUND_CEILING)
ROUND_AMOUNT = Context(prec=1, rounding=ROUND_DOWN)
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to know of a market before a grid is made on it; `markets` are those worth offering."""

    market: Market
    quote: Quote
    limits: Limits
    offsets: Offsets
    markets: tuple[str, ...] = ()

    @property
    def free(self) -> Decimal:
        """Quote currency free on the account."""
        return self.limits.free if self.limits.free is not None else ZERO


async def facts_of(manager: TradeManager, symbol: str) -> Facts:
    """The facts of now. MarketError."""
    market = (await manager.desk(symbol)).market
    return Facts(market, await manager.quote(symbol), await manager.limits(market), manager.policy.offsets)


async def suggested(manager: TradeManager, shape: Shape, symbol: str, given: Mapping[str, str] = NOTHING) -> Preview:
    """A grid of ±1 % around the price, of so many levels as a quarter of the free funds can pay for, but for what is
    `given` as key -> text. CommandError, MarketError."""
    return await manager.preview(suggested_spec(shape, await facts_of(manager, symbol), given))


def suggested_spec(shape: Shape, facts: Facts, given: Mapping[str, str] = NOTHING) -> GridSpec:
    """The same as a spec, at the facts of a moment. CommandError where what is given makes no grid."""
    counts = (given["count"],) if "count" in given else tuple(map(str, COUNTS))
    for count in counts[:-1]:
        spec = _round_grid(shape, facts, {**given, "count": count})
        made = preview(spec, facts.market, facts.quote, facts.offsets, facts.limits)
        if not made.problems and not made.refused:
            return spec
    return _round_grid(shape, facts, {**given, "count": counts[-1]})


def spec_of(shape: Shape, facts: Facts, given: Mapping[str, str]) -> GridSpec:
    """The grid of these texts, ends that are relative to the market in figures that are easy to read. CommandError."""
    words = read_pairs(shape, facts.market.symbol, given)
    spec = words.at(facts.quote.bid)
    if spec.maximum - spec.minimum < facts.quote.bid * WIDE_RATIO:
        return spec
    low, high = (
        max(facts.market.price_down(ROUND_PRICE.plus(end)), facts.market.price_tick) if _is_relative(said) else end
        for said, end in ((words.minimum, spec.minimum), (words.maximum, spec.maximum))
    )
    return checked(replace(spec, minimum=low, maximum=high)) if low < high else spec


def _is_relative(price: Price) -> bool:
    return isinstance(price, Relative)


def _round_grid(shape: Shape, facts: Facts, given: Mapping[str, str]) -> GridSpec:
    """What is given, and around it figures that are easy to read and to change."""
    market, free = facts.market, facts.free
    fee_pct = market.maker_fee_ratio * HUNDRED
    profit = max(USUAL_PROFIT_PCT, ceil_to(fee_pct * 4, Decimal("0.1")))
    pairs = {**USUAL_RANGE, "profit": f"{plain(profit)}%", "loop": "yes", **given}
    if "budget" in given or "qty" in given:
        return spec_of(shape, facts, pairs)
    count = parse_number(pairs["count"], what="COUNT", example="20")
    spec = spec_of(shape, facts, {**pairs, "qty": "1"})
    a_level = ROUND_AMOUNT.divide(free * SHARE_OF_FUNDS, max(facts.quote.ask, spec.maximum) * count)
    smallest = market.smallest_amount(spec.minimum) * 2
    amount = max(market.amount_down(a_level), smallest if count == 1 or not free else ZERO) or smallest
    return replace(spec, amount=amount)


def span_of(candles: Sequence[Candle], market: Market) -> dict[str, str]:
    """The lowest and highest price of these candles as MIN and MAX, rounded outwards. CommandError."""
    low = market.price_down(ROUND_LOW.plus(min((candle.low for candle in candles), default=ZERO)))
    high = market.price_up(ROUND_HIGH.plus(max((candle.high for candle in candles), default=ZERO)))
    if not ZERO < low < high:
        raise CommandError(say("unable.no_week", symbol=market.symbol))
    return {"min": plain(low), "max": plain(high)}
