"""The markets that are traded: their desks opened, their rules read again, and shut while they can't be traded.

Rule: rules are the exchange's and change under us. A level keeps its prices where they are still on the tick; else its
entry goes down to one and its exit up. A market that is halted or gone is told of once, and once when it is back;
meanwhile it has no price, so nothing is placed there, and what rests stays.
"""

import logging
from dataclasses import replace

from bot.core.executor import PositionExecutor
from bot.core.model import Market
from bot.core.snapshot import MarketShut
from bot.errors import ExchangeWaits, MarketError
from bot.trading.desk import Desk
from bot.trading.heartbeat import Heartbeat
from bot.trading.troubles import EXCHANGE

log = logging.getLogger(__name__)


class Markets:
    """See the module's rule."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heart = heartbeat
        self._told: set[str] = set()

    async def desk(self, symbol: str) -> Desk:
        """The desk of a symbol, opened when it is first asked for. MarketError when there is no such symbol."""
        desks = self._heart.desks
        if symbol not in desks:
            market = await self._heart.world.data.market(symbol)
            if self._heart.state.markets.get(symbol) != market:
                self._adopt(market)
            self._open(market)
        return desks[symbol]

    async def reopen(self, symbol: str) -> None:
        """The desk of a symbol that has been traded: where its rules can't be read now, by those it had. Unless the
        exchange only wants silence, it is shut until they can be."""
        try:
            await self.desk(symbol)
        except MarketError as error:
            if symbol not in self._heart.state.markets:
                raise
            log.warning("the rules of a market can't be read", extra={"context": {"symbol": symbol, "why": str(error)}})
            desk = self._open(self._heart.state.markets[symbol])
            desk.shut = "" if isinstance(error, ExchangeWaits) else str(error)

    def _open(self, market: Market) -> Desk:
        policy = self._heart.policy
        desk = Desk(market, policy.max_open_orders, policy.leap_ratio)
        return self._heart.desks.setdefault(market.symbol, desk)

    async def refresh(self, *, only_shut: bool = False) -> None:
        """Read the rules of the markets again, and go by them from now on."""
        for symbol, desk in list(self._heart.desks.items()):
            if only_shut and not desk.shut:
                continue
            try:
                market = await self._heart.world.data.market(symbol)
            except ExchangeWaits:
                return
            except MarketError as error:
                async with self._heart.lock:
                    self._shut(desk, str(error))
                continue
            async with self._heart.lock:
                self._is_back(desk)
                if market != desk.market:
                    self._adopt(market)

    def _shut(self, desk: Desk, why: str) -> None:
        if EXCHANGE in self._heart.troubles and not desk.shut:
            return  # nobody answers at all: that says nothing about this market
        desk.shut = why
        if EXCHANGE not in self._heart.troubles and desk.market.symbol not in self._told:
            self._told.add(desk.market.symbol)
            self._heart.note(MarketShut(self._heart.world.clock.now(), desk.market.symbol, why))

    def _is_back(self, desk: Desk) -> None:
        why, desk.shut = desk.shut, ""
        if desk.market.symbol in self._told:
            self._told.discard(desk.market.symbol)
            self._heart.note(MarketShut(self._heart.world.clock.now(), desk.market.symbol, why, over=True))

    def _adopt(self, market: Market) -> None:
        """Go by these rules of a market, its levels too."""
        state = self._heart.state
        desk = self._heart.desks.get(market.symbol)
        state.put_market(market)
        if desk is not None:
            log.warning("the rules of a market have changed", extra={"context": {"symbol": market.symbol}})
            desk.market = market
        for executor in list(state.executors.values()):
            if executor.market.symbol == market.symbol:
                state.put_executor(_under(market, executor))
                if desk is not None:
                    desk.due[executor.id] = None


def _under(market: Market, executor: PositionExecutor) -> PositionExecutor:
    """The same level under other rules."""
    level = executor.level
    entry, exit_ = market.price_down(level.entry) or level.entry, market.price_up(level.exit)
    return replace(executor, market=market, level=replace(level, entry=entry, exit=exit_))
