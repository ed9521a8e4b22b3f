"""The band of prices a venue takes orders in, and how far the market has to come for an order outside it.

Rule: what lies outside is not asked for and is no trouble; it waits until the market is nearer. Buys go by the bid and
sales by the ask, the prices that wake a level.
"""

from decimal import Decimal

from bot.core.model import Market, Quote, Side
from bot.core.money import AVERAGES, ZERO

COME_RATIO = Decimal("0.01")
"""So much nearer must the market be for another try, where the venue has said no without saying where its band ends."""


def is_outside(side: Side, price: Decimal, quote: Quote, market: Market) -> bool:
    """Whether the venue would refuse an order at this price for being too far from the market."""
    if side is Side.BUY:
        return market.lowest_buy_ratio > ZERO and price < market.lowest_buy_ratio * quote.bid
    return market.highest_sell_ratio > ZERO and price > market.highest_sell_ratio * quote.ask


def edge(side: Side, price: Decimal, market: Market) -> Decimal:
    """The bid (for a buy) or the ask (for a sale) at which such an order comes within the band."""
    return AVERAGES.divide(price, market.lowest_buy_ratio if side is Side.BUY else market.highest_sell_ratio)


def nearer(side: Side, quote: Quote) -> Decimal:
    """The bid or ask at which an order that was refused for its price is worth another try."""
    return quote.bid - quote.bid * COME_RATIO if side is Side.BUY else quote.ask + quote.ask * COME_RATIO


def has_come(side: Side, near: Decimal | None, quote: Quote | None) -> bool:
    """Whether the market has come to that price."""
    if near is None or quote is None:
        return False
    return quote.bid <= near if side is Side.BUY else quote.ask >= near
