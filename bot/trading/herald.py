"""What is worth telling, when, and as how many messages; and the ledger's lines, which come first.

Rule: one cause, one message. A shortage that blocks many levels is told once a while, the alarm of a taker fill too;
the orders a person took off within a few seconds become one question. What is to be told is durable before it is told,
and what is only collected yet is durable as well.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.core.events import Refusal
from bot.core.lifecycle import Mode
from bot.core.model import Side
from bot.core.patience import NEVER_QUICK
from bot.core.snapshot import (
    LevelBlocked,
    LevelFilled,
    LevelHalted,
    LevelsHalted,
    Notice,
    StrayFilled,
    TakerFilled,
)
from bot.core.symbols import coins_of
from bot.errors import StateError
from bot.ports import Ledger, Notifier
from bot.trading.state import TradingState
from bot.trading.troubles import LEDGER, STORE, Troubles

log = logging.getLogger(__name__)

TOLD_AGAIN = timedelta(minutes=30)
"""A reason that concerns many levels of a market is told again after so long."""
MANY_FILLS = 500
"""So many fills don't wait for the minute to be over."""
TOGETHER = timedelta(seconds=10)
"""What a person takes off the book within this time is one deed."""


class Herald:
    """See the module's rule."""

    def __init__(self, state: TradingState, notifier: Notifier | None) -> None:
        self._state = state
        self._notifier = notifier
        self._told_at: dict[object, datetime] = {}
        self._fresh: list[tuple[str, Notice]] = []

    def note(self, notice: Notice) -> None:
        """Put a notice into the outbox, or where it belongs until then; it is told once it is durable."""
        match notice:
            case LevelFilled() | StrayFilled() if not notice.maker:
                self._alarm(notice)
            case LevelHalted():
                self._collect(notice)
                return
            case LevelBlocked() if not self._is_news(_about(notice), notice.at):
                return
        self._put(notice)

    def _put(self, notice: Notice) -> None:
        if self._notifier is not None:
            self._fresh.append((self._state.add_notice(notice), notice))

    def _is_news(self, about: object, at: datetime) -> bool:
        """Whether this has not been told for a while; None is always news."""
        told_at = self._told_at.get(about)
        if about is not None and told_at is not None and at - told_at < TOLD_AGAIN:
            return False
        self._told_at[about] = at
        return True

    def _alarm(self, fill: LevelFilled | StrayFilled) -> None:
        log.error("taker fill of a maker order", extra={"context": {"executor": fill.executor, "price": fill.price}})
        if self._is_news((TakerFilled, fill.symbol), fill.at):
            self._put(TakerFilled(fill.at, fill.executor, fill.symbol, fill.side, fill.price, fill.amount))

    # -- what a person took off the book -------------------------------------------------------------------------

    def _collect(self, notice: LevelHalted) -> None:
        meta = self._state.meta
        log.warning("an order was cancelled by a person", extra={"context": {"executor": notice.executor}})
        levels = meta.taken_off if notice.executor in meta.taken_off else (*meta.taken_off, notice.executor)
        self._state.put_meta(replace(meta, taken_off=levels, taken_at=meta.taken_at or notice.at))

    def ask(self, now: datetime) -> None:
        """Put the one question about all of them, when its time has come; none about what has been settled since."""
        meta = self._state.meta
        if meta.taken_at is None or now - meta.taken_at < TOGETHER:
            return
        self._state.put_meta(replace(meta, taken_off=(), taken_at=None))
        levels = sorted((key for key in meta.taken_off if self._is_open(key)), key=self._place)
        if levels:
            self._put(LevelsHalted(now, tuple(levels)))

    def _is_open(self, key: str) -> bool:
        executor = self._state.executors.get(key)
        if executor is None or executor.mode < Mode.HALTED:
            return False
        return self._state.grids[executor.level.grid].mode < Mode.ENDED

    def _place(self, key: str) -> tuple[int, int]:
        level = self._state.executors[key].level
        return self._state.grids[level.grid].number, level.number

    # -- telling -------------------------------------------------------------------------------------------------

    async def write(self, ledger: Ledger, troubles: Troubles, now: datetime) -> None:
        """Write the ledger lines of the trades that have none yet; of very many fills theirs, too."""
        if len(self._state.fills) >= MANY_FILLS:
            await self.write_fills(ledger, troubles, now)
        if not self._state.unwritten:
            return
        trades = list(self._state.unwritten.values())
        try:
            await ledger.append(trades)
        except StateError as error:
            troubles.begin(LEDGER, str(error), now)
        else:
            self._state.written(trades)
            troubles.end(LEDGER, now)

    async def write_fills(self, ledger: Ledger, troubles: Troubles, now: datetime) -> None:
        """Write the fills that don't stand in their journal yet. Until then the state has them, so this may wait."""
        fills = list(self._state.fills.values())
        if not fills or STORE in troubles:
            return
        try:
            await ledger.append_fills(fills)
        except StateError as error:
            troubles.begin(LEDGER, str(error), now)
        else:
            self._state.fills_written(fills)

    def tell(self) -> None:
        """Hand the notifier what is durable and not told yet."""
        if self._fresh and self._notifier is not None:
            fresh, self._fresh = self._fresh, []
            self._notifier.tell(fresh)


def _about(notice: LevelBlocked) -> Iterable[object] | None:
    """What a refusal that concerns more than its level is about: funds concern a coin, others the market."""
    if notice.reason not in NEVER_QUICK:
        return None
    base, quote = coins_of(notice.symbol)
    coin = quote if notice.side is Side.BUY else base
    return notice.reason, coin if notice.reason is Refusal.FUNDS else notice.symbol, notice.side
