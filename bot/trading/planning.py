"""Plans: what a grid would be at the price of now, and what editing a running one would do.

Rule: asks the exchange for price, funds and position, and changes nothing.
"""

import asyncio
from dataclasses import replace

from bot.core.editing import Edit, edited
from bot.core.grids import GridSpec
from bot.core.lifecycle import Mode
from bot.core.margin import leverage_of
from bot.core.model import Market, Quote
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.core.preview import Limits, Preview, preview
from bot.errors import CommandError, MarketError
from bot.ports import Policy, World
from bot.texts.catalogue import say
from bot.trading.markets import Markets
from bot.trading.state import TradingState

MANY = 300
"""Levels whose preview takes long enough to be noticed."""


class Planning:
    """See the module's rule."""

    def __init__(self, world: World, state: TradingState, policy: Policy, markets: Markets) -> None:
        self._world = world
        self._state = state
        self._policy = policy
        self._markets = markets

    async def quote(self, symbol: str) -> Quote:
        """The price now. MarketError when there is none to go by."""
        quote = await self._world.data.quote(symbol)
        if not quote.is_sane:
            raise MarketError(say("unable.no_sane_price", symbol=symbol, bid=quote.bid, ask=quote.ask))
        return quote

    async def preview(self, spec: GridSpec) -> Preview:
        """All that this grid would be, at the price of now. CommandError, MarketError."""
        market = (await self._markets.desk(spec.symbol)).market
        quote = await self.quote(spec.symbol)
        return await self._appraised(spec, market, quote, await self.limits(market))

    async def edit(self, grid_id: str, spec: GridSpec) -> Edit:
        """What making another grid of a running one would do, now. CommandError, MarketError."""
        if self.editable(grid_id).spec == spec:
            raise CommandError(say("unable.nothing_changes", grid=grid_id))
        market = (await self._markets.desk(spec.symbol)).market
        quote, limits = await self.quote(spec.symbol), await self.limits(market)
        bare = await self._appraised(spec, market, quote, replace(limits, free=None, exposure=None))
        own = self.edited(grid_id, bare).limits(limits)
        return self.edited(grid_id, await self._appraised(spec, market, quote, own))

    def edited(self, grid_id: str, made: Preview) -> Edit:
        """The same with the new grid's preview at hand: its levels as they are at this moment. CommandError."""
        grid = self.editable(grid_id)
        members = (self._state.executors[key] for key in self._state.members[grid_id])
        return edited(grid, members, made, self._world.clock.now())

    def editable(self, grid_id: str) -> Grid:
        """The grid, if it may be edited. CommandError."""
        grid = self._state.grids.get(grid_id)
        if grid is None or grid.ended_at is not None:
            raise CommandError(say("unable.runs_no_more", grid=grid_id[:20]))
        if grid.sale is not None or grid.mode >= Mode.HALTED:
            raise CommandError(say("unable.stopping", grid=grid_id))
        if grid.mode is Mode.FINISHING:
            raise CommandError(say("unable.finishing", grid=grid_id))
        return grid

    async def limits(self, market: Market) -> Limits:
        """What a grid on this market may use now. MarketError."""
        funds = (await self._world.gateway.balances()).get(market.quote)
        limits = Limits(free=funds.free if funds is not None else ZERO, exposure=self._policy.max_exposure)
        if not market.perpetual:
            return limits
        position = await self._world.gateway.position(market.symbol)
        return replace(limits, leverage=leverage_of(self._policy.leverage, position), position=position)

    async def _appraised(self, spec: GridSpec, market: Market, quote: Quote, limits: Limits) -> Preview:
        if spec.count > MANY:  # pure, so it may as well be computed beside the loop
            return await asyncio.to_thread(preview, spec, market, quote, self._policy.offsets, limits)
        return preview(spec, market, quote, self._policy.offsets, limits)
