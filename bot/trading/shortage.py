"""Too little free quote currency: which entry may try, while the others wait together.

Rule: after a refusal for funds one entry is tried a minute, the nearest; at once where a sale or a cancel has freed
some. While it is under way nobody else is tried; when it went well the next one is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.events import Event, OrderClosed, OrderFilled, OrderRefused, Refusal
from bot.core.model import Leg
from bot.trading.state import TradingState

PROBE_PAUSE = timedelta(seconds=60)


@dataclass(slots=True)
class Short:
    """One coin of which there is too little: when the next entry may try, and which one has tried since the last
    refusal."""

    next_try: datetime
    probe: str = ""


class Shortage:
    """See the module's rule. Coins are quote currencies."""

    def __init__(self, state: TradingState) -> None:
        self._state = state
        self._short: dict[str, Short] = {}

    def heard(self, leg: Leg, coin: str, event: Event) -> None:
        """What an order's news means for the funds."""
        if isinstance(event, OrderRefused) and event.reason is Refusal.FUNDS and leg is Leg.ENTRY:
            self._short[coin] = Short(event.at + PROBE_PAUSE)
        elif coin in self._short and _frees(leg, event):
            short = self._short[coin]
            short.next_try = min(short.next_try, event.at)

    def may_try(self, coin: str, now: datetime) -> bool:
        """Whether an entry in this coin may be sent now."""
        short = self._short.get(coin)
        return short is None or (now >= short.next_try and not self._is_under_way(short))

    def _is_under_way(self, short: Short) -> bool:
        probe = self._state.executors.get(short.probe)
        return probe is not None and probe.awaiting is not None

    def stands(self, coin: str, executor_id: str) -> bool:
        """Whether an entry that was decided may still leave: funds may have run out since."""
        return coin not in self._short or self._short[coin].probe == executor_id

    def tries(self, coin: str, executor_id: str, others_wait: bool) -> None:
        """This entry is sent. Where the one before it went well and nobody waits any more, the shortage is over."""
        short = self._short.get(coin)
        if short is None:
            return
        if short.probe and not others_wait:
            del self._short[coin]
        else:
            short.probe = executor_id

    def ends(self, coin: str) -> None:
        """Entries wait for something else than funds by now."""
        self._short.pop(coin, None)

    def next_try(self, coin: str) -> datetime | None:
        """When an entry in this coin tries again, unless something is freed before; None where none waits."""
        short = self._short.get(coin)
        return short.next_try if short is not None else None

    def holds(self, coin: str) -> bool:
        """Whether entries in this coin wait for funds."""
        return coin in self._short


def _frees(leg: Leg, event: Event) -> bool:
    return isinstance(event, OrderFilled) if leg is not Leg.ENTRY else isinstance(event, OrderClosed)
