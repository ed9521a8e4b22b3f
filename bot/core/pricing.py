"""Maker pricing: where an order may rest so that it never takes, and when it is worth moving.

Rule (CONTRACT: a target that would cross the book rests beside it): a buy rests at
min(target, ask − max(offset, tick)), a sell at max(target, bid + max(offset, tick)); buys round down, sells up.
"""

from dataclasses import dataclass
from decimal import Decimal

from bot.core.model import Market, Quote, Side
from bot.core.money import ZERO

GIVE_WAY_RATIO = Decimal("0.0005")
"""The book must have given way by more than this (or the offset) before a resting order follows it."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A distance from the market: quote currency (`absolute`), or a share of the price (`ratio`)."""

    absolute: Decimal = ZERO
    ratio: Decimal = ZERO

    def at(self, price: Decimal) -> Decimal:
        """The distance at this price, in quote currency."""
        return self.absolute + self.ratio * price


@dataclass(frozen=True, slots=True)
class Offsets:
    """`MAKER_OFFSET_BUY` and `MAKER_OFFSET_SELL`."""

    buy: Offset = Offset()
    sell: Offset = Offset()


NO_OFFSETS = Offsets()


def maker_price(side: Side, target: Decimal, quote: Quote, market: Market, offsets: Offsets) -> Decimal:
    """The price nearest to the target at which the order rests without trading."""
    if side is Side.BUY:
        room = quote.ask - max(offsets.buy.at(quote.ask), market.price_tick)
        return target if target <= room else market.price_down(room)
    room = quote.bid + max(offsets.sell.at(quote.bid), market.price_tick)
    return target if target >= room else market.price_up(room)


def give_way(side: Side, price: Decimal, offsets: Offsets) -> Decimal:
    """How far the book must have moved from a resting price before the order follows, in quote currency."""
    offset = offsets.buy if side is Side.BUY else offsets.sell
    return max(offset.at(price), GIVE_WAY_RATIO * price)


def follow_bound(side: Side, price: Decimal, market: Market, offsets: Offsets) -> Decimal:
    """The ask (for a buy) or bid (for a sell) from which the order may be worth moving; conservative."""
    way = give_way(side, price, offsets)
    if side is Side.BUY:
        moved = price + way
        return moved + max(offsets.buy.at(moved), market.price_tick)
    moved = price - way
    offset = max(offsets.sell.at(moved), market.price_tick)
    return moved - offset + offsets.sell.ratio * offset
