"""The stretch of prices a picture shows.

Rule: the levels come first. The market is shown with them unless they would become a streak; candles only as far as the
levels still fill a fair share of the height.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_RATIO = 0.02
"""Of a price: a grid narrower than this is treated as if it were as wide."""
MARKET_TIMES, CANDLE_TIMES = 8.0, 3.0
"""How many times the levels' own height the picture may be, to have the market and the candles in it."""
PAD_RATIO = 0.05


@dataclass(frozen=True, slots=True)
class Scale:
    """Prices from `low`, at the foot of a panel, to `high`, at its top."""

    low: float
    high: float

    def place(self, price: float, top: float, bottom: float) -> float:
        """Where a price stands in a panel between these places, in px downward; at the edge what lies beyond it."""
        ratio = (price - self.low) / (self.high - self.low)
        return bottom - min(max(ratio, 0.0), 1.0) * (bottom - top)

    def holds(self, price: float) -> bool:
        return self.low <= price <= self.high

    def rounds(self, most: int) -> tuple[list[float], float]:
        """At most about so many round prices in it, and the step from one to the next."""
        raw = (self.high - self.low) / most
        ten = 10.0 ** math.floor(math.log10(raw))
        step = next(ten * count for count in (1, 2, 2.5, 5, 10) if ten * count >= raw * 0.999)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [step * number for number in range(first, last + 1)], step


def fitting(levels: Sequence[float], market: float | None, candles: tuple[float, float] | None) -> Scale:
    """The scale for these prices, of which there is at least one; `candles`: their lowest and highest."""
    known = [*levels] or [price for price in (market, *(candles or ())) if price is not None]
    low, high = min(known), max(known)
    own = max(high - low, LEAST_RATIO * abs(high)) or 1.0
    is_near = market is None or max(high, market) - min(low, market) <= MARKET_TIMES * own
    if market is not None and is_near:
        low, high = min(low, market), max(high, market)
    if candles is not None and is_near:
        below, above = max(low - candles[0], 0.0), max(candles[1] - high, 0.0)
        spare = max(CANDLE_TIMES * own - (high - low), 0.0)
        share = min(1.0, spare / (below + above)) if below + above else 0.0
        low, high = low - share * below, high + share * above
    pad = PAD_RATIO * (high - low) or PAD_RATIO * LEAST_RATIO * abs(high) or 1.0
    return Scale(low - pad, high + pad)
