"""Which prices are believed: above zero, not crossed, fresh, and no leap that a second look has not confirmed.

Rule: after a leap there is no price until another quote, taken a while later, says the same. After a trade of ours that
the last quote does not explain, the market is where we traded until a newer quote comes. One market each; a price that
is not believed is None, like one that never came.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.model import Fill, Quote, Side

STALE = timedelta(seconds=30)
MEMORY = timedelta(seconds=60)
"""A price this old says nothing about whether the next one is a leap."""
SECOND_LOOK = timedelta(seconds=2)


class Sight:
    """See the module's rule. `leap_ratio` is the share of the price it may move by between two quotes; None: any."""

    def __init__(self, leap_ratio: Decimal | None) -> None:
        self._leap_ratio = leap_ratio
        self._last: Quote | None = None
        self.leapt: Quote | None = None
        """The quote after a leap that waits for a second look."""
        self._outdated: Quote | None = None
        self.traded: Quote | None = None
        """Where a trade of ours has shown the market to be since; None where that would be a leap."""

    def is_outdated_by(self, side: Side, fill: Fill) -> bool:
        """Whether a maker trade of ours shows that the last price is no longer true: nobody buys from us at a price
        while others offer less. A quote that is not newer counts no more; no bid can stand above what we bought at, nor
        an ask beneath what we sold at, so until then `traded` is the price."""
        last = self._last
        if last is None or not fill.maker:
            return False
        is_quote = last is not self.traded
        if fill.at < last.at or (is_quote and fill.at == last.at):
            return False
        if not (last.bid > fill.price if side is Side.BUY else last.ask < fill.price):
            return False
        if is_quote:
            self._outdated = last
        shown = Quote(last.symbol, fill.price, fill.price, fill.at)
        self.traded = None
        if not self._is_wild(last, shown):
            self._last = self.traded = shown
        return True

    def believed(self, quote: Quote, now: datetime) -> Quote | None:
        """The price to go by, where an order may be priced from it and a stop may go by it."""
        if not quote.is_sane or now - quote.at > STALE:
            return None
        old = self._outdated
        if old is not None and (quote.at < old.at or quote == old):
            return self.traded
        if self._last is not None and self._is_wild(self._last, quote) and not self._is_confirmed(quote):
            return None
        self.leapt = self.traded = None
        self._last = quote
        return quote

    def _is_wild(self, before: Quote, after: Quote) -> bool:
        return after.at - before.at < MEMORY and self._is_leap(before, after)

    def _is_leap(self, before: Quote, after: Quote) -> bool:
        if self._leap_ratio is None:
            return False
        then, now = before.bid + before.ask, after.bid + after.ask  # twice the middle
        return abs(now - then) > then * self._leap_ratio

    def _is_confirmed(self, quote: Quote) -> bool:
        """Whether an earlier look, long enough ago, saw what this one sees; a different leap begins anew."""
        if self.leapt is None or self._is_leap(self.leapt, quote):
            self.leapt = quote
            return False
        return quote.at - self.leapt.at >= SECOND_LOOK
