"""The preview of a grid: every level as it will be, what it costs at worst, what a cycle earns, and what is refused.

Rule: what the preview says is what Create does; both are made here, from the same spec, market and price.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import ceil

from bot.core import band, grids
from bot.core.grids import GridSpec
from bot.core.level import Level
from bot.core.margin import Gearing, liquidation_price, margin
from bot.core.model import FeeSide, Market, Position, Quote, Side
from bot.core.money import HUNDRED, ZERO, average, ceil_to, plain
from bot.core.pricing import Offsets, maker_price
from bot.texts.catalogue import say

ONE = Decimal(1)
ABOUT = Context(prec=3, rounding=ROUND_CEILING)
"""Three digits, rounded up: enough for advice."""
FAR_RATIO = Decimal("0.5")
"""A range wholly more than this share of the price away from the market is taken for a slip of the thumb."""


@dataclass(frozen=True, slots=True)
class PlannedLevel:
    """One level after rounding; `refused` says why it can't trade, empty when it can. `net` is a cycle's profit."""

    number: int
    entry: Decimal
    exit: Decimal
    amount: Decimal
    net: Decimal
    buys_at: Decimal | None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a grid may use: quote currency free on the account, and left of `MAX_EXPOSURE` for a grid alone. On a
    perpetual also the leverage it has or will have (None: not known), and the position that is there already (None: a
    pretend account, which pays for coins in full)."""

    free: Decimal | None = None
    exposure: Decimal | None = None
    leverage: Decimal | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """All that Create would do. `capital` is quote currency bound when every level has bought at its own entry, fees
    included: on a perpetual the margin.

    `problems` forbid Create; a refused level alone does not.
    """

    spec: GridSpec
    market: Market
    quote: Quote
    levels: tuple[PlannedLevel, ...]
    capital: Decimal
    problems: tuple[str, ...]
    gearing: Gearing | None = None

    @property
    def accepted(self) -> tuple[PlannedLevel, ...]:
        return tuple(level for level in self.levels if not level.refused)

    @property
    def refused(self) -> tuple[PlannedLevel, ...]:
        return tuple(level for level in self.levels if level.refused)

    @property
    def cost(self) -> Decimal:
        """What all levels cost at their own entries, fees that come on top included: what MAX_EXPOSURE bounds."""
        notional = sum((level.amount * level.entry for level in self.accepted), ZERO)
        return notional + _fees(notional, self.market)

    @property
    def immediate(self) -> tuple[PlannedLevel, ...]:
        """Levels above the market: they buy at once, near it."""
        return tuple(level for level in self.accepted if level.buys_at is not None)

    @property
    def immediate_cost(self) -> Decimal:
        return sum((level.amount * level.buys_at for level in self.immediate if level.buys_at is not None), ZERO)

    @property
    def too_far(self) -> tuple[PlannedLevel, ...]:
        """Levels outside the venue's price band: they wait until the market is nearer."""
        return tuple(
            level for level in self.accepted if band.is_outside(Side.BUY, level.entry, self.quote, self.market)
        )

    @property
    def net_low(self) -> Decimal:
        """The smallest profit of one level's cycle after the fees of both legs, in quote currency."""
        return min((level.net for level in self.accepted), default=ZERO)

    @property
    def net_high(self) -> Decimal:
        return max((level.net for level in self.accepted), default=ZERO)

    @property
    def net_pct(self) -> Decimal:
        """Net profit of one cycle of every level, in per cent of the capital bound."""
        total = sum((level.net for level in self.accepted), ZERO)
        return average(total * HUNDRED, self.capital) if self.capital else ZERO

    def changed_since(self, other: "Preview") -> bool:
        """Whether a person has to be asked again: the capital bound or what is refused differs, or what buys at once
        does by more than half of the levels (some change sides with every swing of a lively market).
        """
        slack = max(1, len(self.levels) // 2)
        return (
            self.capital != other.capital
            or self.problems != other.problems
            or [level.number for level in self.refused] != [level.number for level in other.refused]
            or abs(len(self.immediate) - len(other.immediate)) > slack
        )

    def to_levels(self, grid_id: str) -> list[Level]:
        """The levels that Create makes."""
        return [self.level_of(planned, grid_id, planned.number) for planned in self.accepted]

    def level_of(self, planned: PlannedLevel, grid_id: str, number: int) -> Level:
        """One of them, as a level of a grid."""
        spec = self.spec
        return Level(grid_id, number, planned.entry, planned.exit, planned.amount, spec.loop, spec.above_wait)


def preview(spec: GridSpec, market: Market, quote: Quote, offsets: Offsets, limits: Limits) -> Preview:
    """What this grid would be on this market at this price."""
    entries = grids.prices(spec, market.price_tick)
    levels = tuple(_planned(spec, number, entry, market, quote, offsets) for number, entry in enumerate(entries, 1))
    made = Preview(spec, market, quote, levels, ZERO, ())
    made = replace(made, capital=made.cost)
    if market.perpetual and limits.leverage is not None and made.accepted:
        made = _geared(made, limits.leverage, limits.position)
    return replace(made, problems=tuple(problem for check in CHECKS if (problem := check(made, limits))))


def _fees(notional: Decimal, market: Market) -> Decimal:
    """Fees of buying that come on top of the cost."""
    return notional * market.maker_fee_ratio if market.fee_side is FeeSide.QUOTE else ZERO


def _geared(made: Preview, leverage: Decimal, position: Position | None) -> Preview:
    """With margin and liquidation price, once every level has bought at its own entry and joined what is held."""
    amount = sum((level.amount for level in made.accepted), ZERO)
    notional = sum((level.amount * level.entry for level in made.accepted), ZERO)
    bound = margin(notional, leverage) + _fees(notional, made.market)
    there = position.amount if position is not None and position.amount > ZERO else ZERO
    entry = average(notional + (there * position.entry if position is not None else ZERO), amount + there)
    price = liquidation_price(entry, leverage, made.market.maintenance_ratio)
    return replace(
        made,
        capital=bound if position is not None else made.capital,
        gearing=Gearing(leverage, bound, made.market.price_up(price)),
    )


def sold_of(amount: Decimal, market: Market) -> Decimal:
    """What of a bought amount an exit can sell: after the fee, on the step."""
    return market.amount_down(market.received_on_buy(amount))


def cycle_net(amount: Decimal, entry: Decimal, exit_: Decimal, market: Market) -> Decimal:
    """What buying this amount and selling what it leaves earns after the fees of both legs, in quote currency."""
    sold = sold_of(amount, market)
    fees = market.maker_fee_ratio * (amount * entry + sold * exit_)
    return sold * (exit_ - entry) - fees


def _planned(
    spec: GridSpec, number: int, entry: Decimal, market: Market, quote: Quote, offsets: Offsets
) -> PlannedLevel:
    exit_ = grids.exit_price(entry, spec.profit_pct, market.price_tick)
    if entry <= ZERO:
        return PlannedLevel(number, entry, exit_, ZERO, ZERO, None, say("refused.under_tick", tick=market.price_tick))
    amount = grids.amount_per_level(spec, entry, market)
    sold = sold_of(amount, market)
    net = cycle_net(amount, entry, exit_, market)
    near = maker_price(Side.BUY, entry, quote, market, offsets)
    buys_at = near if near < entry and not spec.above_wait else None
    refused = "" if _is_tradable(amount, sold, entry, exit_, market) else _too_small(spec, amount, entry, exit_, market)
    return PlannedLevel(number, entry, exit_, amount, net, buys_at, refused)


def _is_tradable(amount: Decimal, sold: Decimal, entry: Decimal, exit_: Decimal, market: Market) -> bool:
    return market.accepts(entry, amount) and market.accepts(exit_, sold)


def smallest_tradable(entry: Decimal, exit_: Decimal, market: Market) -> Decimal:
    """The smallest amount that may be bought at its entry and sold at its exit."""
    to_sell = market.smallest_amount(exit_)
    if market.fee_side is FeeSide.RECEIVED:  # so much must be left of what is bought
        before_fee = Fraction(to_sell) / Fraction(ONE - market.maker_fee_ratio) / Fraction(market.amount_step)
        to_sell = ceil(before_fee) * market.amount_step
    smallest = max(market.smallest_amount(entry), to_sell)
    while not _is_tradable(smallest, sold_of(smallest, market), entry, exit_, market):
        smallest += market.amount_step
    return smallest


def _too_small(spec: GridSpec, amount: Decimal, entry: Decimal, exit_: Decimal, market: Market) -> str:
    smallest = smallest_tradable(entry, exit_, market)
    if spec.budget is None:
        return say("refused.too_small", amount=plain(amount), coin=market.base, smallest=plain(smallest))
    budget = plain(ABOUT.plus(smallest * entry * spec.count))
    return say("refused.budget_too_small", amount=plain(amount), coin=market.base, budget=budget, currency=market.quote)


def _twins(made: Preview, limits: Limits) -> str:
    pairs = grids.twins([level.entry for level in made.levels])
    if not pairs:
        return ""
    first, second = pairs[0]
    fit = (made.spec.maximum - made.spec.minimum) // made.market.price_tick + 1
    price, tick = plain(made.levels[first - 1].entry), plain(made.market.price_tick)
    return say("problem.twins", first=first, second=second, price=price, tick=tick, fit=fit)


def _no_levels(made: Preview, limits: Limits) -> str:
    return "" if made.accepted else say("problem.no_levels", why=made.refused[0].refused)


def _under_fees(made: Preview, limits: Limits) -> str:
    if made.spec.force or not made.accepted or made.net_low > ZERO:
        return ""
    fee_pct = made.market.maker_fee_ratio * HUNDRED
    enough = ceil_to(fee_pct * 2 + fee_pct * fee_pct / HUNDRED + Decimal("0.01"), Decimal("0.01"))
    return say("problem.under_fees", profit=plain(made.spec.profit_pct), fee=plain(fee_pct), enough=plain(enough))


def _far_away(made: Preview, limits: Limits) -> str:
    spec, price = made.spec, made.quote.ask
    if spec.force or (spec.maximum >= price * (ONE - FAR_RATIO) and spec.minimum <= price * (ONE + FAR_RATIO)):
        return ""
    return say("problem.far_away", low=plain(spec.minimum), high=plain(spec.maximum), price=plain(price))


def _over_exposure(made: Preview, limits: Limits) -> str:
    if limits.exposure is None or made.cost <= limits.exposure:
        return ""
    return say("problem.over_exposure", cost=plain(made.cost), currency=made.market.quote, left=plain(limits.exposure))


def _of_unknown_leverage(made: Preview, limits: Limits) -> str:
    if not made.market.perpetual or limits.leverage is not None:
        return ""
    return say("problem.unknown_leverage", symbol=made.market.symbol)


def _liquidated(made: Preview, limits: Limits) -> str:
    gearing, lowest = made.gearing, made.spec.minimum
    if made.spec.force or gearing is None or gearing.liquidation <= lowest:
        return ""
    return say(
        "problem.liquidated", leverage=plain(gearing.leverage), price=plain(gearing.liquidation), low=plain(lowest)
    )


def _over_funds(made: Preview, limits: Limits) -> str:
    if made.spec.force or limits.free is None or made.capital <= limits.free:
        return ""
    return say("problem.over_funds", capital=plain(made.capital), currency=made.market.quote, free=plain(limits.free))


CHECKS: tuple[Callable[[Preview, Limits], str], ...] = (
    _twins,
    _no_levels,
    _under_fees,
    _far_away,
    _of_unknown_leverage,
    _liquidated,
    _over_exposure,
    _over_funds,
)
