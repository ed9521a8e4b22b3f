"""What only perpetuals have: a position, its margin and leverage, funding.

Rule: margin and leverage are set once, before the first order on a market, and only while its position is flat: an open
one is its owner's, and stays as it is.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from bot.core.model import FundingPaid, Position
from bot.core.money import ZERO, plain
from bot.errors import MarketError
from bot.exchange import outcomes, translate
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.faults import errors
from bot.exchange.request_queue import Priority, Ticket
from bot.exchange.venues import Call, Venue

FUNDING_EVERY = timedelta(minutes=10)
FUNDING_PAST = timedelta(days=2)
FLAT = Position(ZERO, ZERO, None, isolated=True, one_way=True)
ISOLATED = "isolated"


class Perpetuals:
    """See the module's rule. `leverage` None leaves the account's own."""

    def __init__(self, connection: Connection, venue: Venue, data: CcxtMarket, leverage: Decimal | None) -> None:
        self._connection = connection
        self._venue = venue
        self._data = data
        self._leverage = leverage
        self._prepared: set[str] = set()
        self._preparing = asyncio.Lock()
        self._funding_at: dict[str, datetime] = {}

    async def position(self, symbol: str) -> Position | None:
        """What is held; None on a spot market. MarketError."""
        raw_market = await self._data.raw(symbol)
        if not raw_market.get("swap"):
            return None
        rows = await self._connection.read(Call("fetch_positions", ([symbol],)), Priority.RECONCILE) or []
        size, mode = translate.contract_size_of(raw_market), await self._margin_mode(symbol)
        found = [translate.position_of(row, size, mode) for row in rows if row["symbol"] == symbol]
        if None in found:
            raise MarketError(f"the position on {symbol} is not told completely")
        held = [position for position in found if position is not None]
        position = next((each for each in held if each.amount), held[0] if held else FLAT)
        return position if position.leverage else replace(position, leverage=None)

    async def _margin_mode(self, symbol: str) -> str | None:
        """The account's, where positions do not tell theirs."""
        if self._venue.margin_mode is None:
            return None
        told = await self._connection.read(Call(self._venue.margin_mode, (symbol,)), Priority.RECONCILE)
        return str(told["marginMode"]) if told and told.get("marginMode") else None

    async def prepare(self, symbol: str) -> None:
        """Before the first order on a perpetual: isolated margin and LEVERAGE, while nothing is held. MarketError."""
        if symbol in self._prepared:
            return
        async with self._preparing:
            if symbol in self._prepared:
                return
            position = await self.position(symbol)
            if position is not None and not position.amount:
                if not position.isolated:
                    await self._set(Call("set_margin_mode", (ISOLATED, symbol)), "isolated margin")
                if self._leverage is not None and position.leverage != self._leverage:
                    await self._set(Call("set_leverage", (plain(self._leverage), symbol)), "LEVERAGE")
            self._prepared.add(symbol)

    async def _set(self, call: Call, what: str) -> None:
        try:
            await self._connection.send(call, Ticket(Priority.EXIT))
        except errors().NoChange:
            return
        except errors().BaseError as error:
            raise MarketError(f"{what} can't be set: {outcomes.without_secrets(error)}") from None

    async def funding(self, symbol: str, now: datetime) -> tuple[FundingPaid, ...]:
        """What was paid or received lately, asked for now and then; who books it knows what is new. MarketError."""
        asked = self._funding_at.get(symbol)
        if ":" not in symbol or (asked is not None and now - asked < FUNDING_EVERY):
            return ()
        if not self._connection.exchange.has.get("fetchFundingHistory"):
            return ()
        since = int((now - FUNDING_PAST).timestamp() * 1000)
        rows = await self._connection.read(Call("fetch_funding_history", (symbol, since))) or []
        self._funding_at[symbol] = now
        paid = (translate.funding_of(row, self._venue) for row in rows if row["symbol"] == symbol)
        return tuple(each for each in paid if each is not None)
