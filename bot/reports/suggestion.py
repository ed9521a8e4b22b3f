"""A grid that would work now: for those who ask for a grid without saying which.

Rule: round figures that are easy to read and to change, over the minimums, within the funds, and clearly over the fees.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.model import Market, Quote
from bot.core.money import HUNDRED, ZERO, ceil_to
from bot.core.preview import Preview
from bot.manager import TradeManager

COUNTS = (20, 10, 5, 2, 1)
USUAL_PROFIT_PCT = Decimal("0.5")
HALF_RANGE_RATIO = Decimal("0.01")
SHARE_OF_FUNDS = Decimal("0.25")
ROUND_PRICE = Context(prec=4, rounding=ROUND_HALF_EVEN)
ROUND_AMOUNT = Context(prec=1, rounding=ROUND_DOWN)


async def suggested(manager: TradeManager, shape: Shape, symbol: str) -> Preview:
    """A grid of ±1 % around the price, of so many levels as a quarter of the free funds can pay for. MarketError."""
    market, quote = (await manager.desk(symbol)).market, await manager.quote(symbol)
    funds = (await manager.balances()).get(market.quote)
    free = funds.free if funds is not None else ZERO
    for count in COUNTS[:-1]:
        made = await manager.preview(_round_grid(shape, count, market, quote, free))
        if not made.problems and not made.refused:
            return made
    return await manager.preview(_round_grid(shape, COUNTS[-1], market, quote, free))


def _round_grid(shape: Shape, count: int, market: Market, quote: Quote, free: Decimal) -> GridSpec:
    """A grid around the price in figures that are easy to read and to change."""
    span = quote.bid * HALF_RANGE_RATIO
    ends = (ROUND_PRICE.plus(quote.bid + distance) for distance in (-span, span))
    low, high = (max(market.price_down(end), market.price_tick) for end in ends)
    a_level = ROUND_AMOUNT.divide(free * SHARE_OF_FUNDS, quote.ask * count)
    smallest = market.smallest_amount(low) * 2
    fee_pct = market.maker_fee_ratio * HUNDRED
    return GridSpec(
        shape=shape,
        symbol=market.symbol,
        minimum=low,
        maximum=high,
        count=count,
        amount=max(market.amount_down(a_level), smallest if count == 1 or not free else ZERO) or smallest,
        budget=None,
        profit_pct=max(USUAL_PROFIT_PCT, ceil_to(fee_pct * 4, Decimal("0.1"))),
        loop=True,
    )
