"""What is worth telling, when, and as how many messages; and the ledger's lines, which come first.

Rule: one cause, one message. A shortage that blocks many levels is told once a while, so are the refusals of a grid and
the alarm of a taker fill, also across a restart; the orders a person took off within a few seconds become one question.
What is to be told is durable before it is told, and what is only collected yet is durable as well.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from bot.core.alerts import CoinsMissing
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
from bot.trading.state import VIGIL, TradingState
from bot.trading.troubles import LEDGER, STORE, Troubles

log = logging.getLogger(__name__)

REFUSED_AGAIN = timedelta(hours=4)
"""Refusals of a grid, or of a market for a reason that concerns all its levels, are told again after so long."""
TAKER_AGAIN = timedelta(minutes=30)
TOLD = (VIGIL, "told")
"""Where it is kept what was told when."""
MANY_FILLS = 500
"""So many fills don't wait for the minute to be over."""
TOGETHER = timedelta(seconds=10)
"""What a person takes off the book within this time is one deed."""


class Herald:
    """See the module's rule."""

    def __init__(self, state: TradingState, notifier: Notifier | None) -> None:
        self._state = state
        self._notifier = notifier
        self._fresh: list[tuple[str, Notice]] = []

    def note(self, notice: Notice) -> None:
        """Put a notice into the outbox, or where it belongs until then; it is told once it is durable."""
        match notice:
            case LevelFilled() | StrayFilled() if not notice.maker:
                self._alarm(notice)
            case LevelHalted():
                self._collect(notice)
                return
            case CoinsMissing() if not self._is_news(f"coins {notice.coin}", notice.at, REFUSED_AGAIN):
                return
            case LevelBlocked() if not self._is_news(_about(notice), notice.at, REFUSED_AGAIN):
                return
        self._put(notice)

    def _put(self, notice: Notice) -> None:
        if self._notifier is not None:
            self._fresh.append((self._state.add_notice(notice), notice))

    def _is_news(self, about: str, at: datetime, again: timedelta) -> bool:
        """Whether this has not been told for a while; noted as told if so. What is old is forgotten."""
        note = cast("Mapping[str, str]", self._state.notes.get(VIGIL, {}).get(TOLD[1], {}))
        told = {each: then for each, then in note.items() if at - datetime.fromisoformat(then) < REFUSED_AGAIN}
        if about in told and at - datetime.fromisoformat(told[about]) < again:
            return False
        self._state.put_note(TOLD, {**told, about: at.isoformat()})
        return True

    def _alarm(self, fill: LevelFilled | StrayFilled) -> None:
        log.error("taker fill of a maker order", extra={"context": {"executor": fill.executor, "price": fill.price}})
        if self._is_news(f"taker {fill.symbol}", fill.at, TAKER_AGAIN):
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


def _about(notice: LevelBlocked) -> str:
    """What a refusal is about: funds concern a coin, some reasons the market, others the grid."""
    base, quote = coins_of(notice.symbol)
    place = notice.executor.partition(".")[0]
    if notice.reason is Refusal.FUNDS:
        place = quote if notice.side is Side.BUY else base
    elif notice.reason in NEVER_QUICK:
        place = notice.symbol
    return f"{notice.reason.name} {place} {notice.side}"
