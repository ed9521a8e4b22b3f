"""Our own trades on one exchange: asked for since the last one, each told once, and whose they are.

Rule: the cursor only moves past what was told completely. A trade whose fee or order is not known yet is not told;
trades that become visible late are caught by asking from a while before the cursor again.
"""

import logging
from collections import OrderedDict
from dataclasses import replace
from typing import Any

from bot.core.events import OrderFilled
from bot.core.money import ZERO
from bot.exchange import translate
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.request_queue import Priority
from bot.exchange.translate import SeenTrade
from bot.exchange.venues import Call, Venue

log = logging.getLogger(__name__)

OVERLAP_MS = 60_000
"""How late a trade may become visible, and asked again each time."""
CURSOR_MOVES_MS = 600_000
"""A cursor moves on without a trade this seldom: each move is written to the disk."""
REMEMBERED = 5_000
STRANGE_AFTER = 5
"""Looks that found no order for a trade, after which it counts as nobody's."""


class Incomplete(Exception):
    """A trade that can't be booked yet."""


def remember(memory: OrderedDict[Any, Any], key: Any, value: Any = None, most: int = REMEMBERED) -> None:
    """Note something in a memory that forgets its oldest entries."""
    memory[key] = value
    if len(memory) > most:
        memory.popitem(last=False)


class OwnTrades:
    """See the module's rule. `owners` maps order ids to client ids of ours (None: somebody else's)."""

    def __init__(self, connection: Connection, venue: Venue, data: CcxtMarket) -> None:
        self._connection = connection
        self._venue = venue
        self._data = data
        self.owners: OrderedDict[str, str | None] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._strange: dict[str, int] = {}

    async def since(self, symbol: str, cursor: str) -> tuple[list[OrderFilled], str]:
        """The trades on a symbol that were not told yet, oldest first, and the cursor after them. MarketError."""
        now_ms = int(self._connection.clock.now().timestamp() * 1000)
        at, _, last_id = cursor.partition(":")
        since_ms = int(at) if at else now_ms
        events, is_complete = list[OrderFilled](), True
        for raw in await self._rows(symbol, since_ms, last_id, now_ms):
            try:
                event = await self.event_of(raw, symbol) if (symbol, raw["id"]) not in self._told else None
            except Incomplete as why:
                log.info("trade %s of %s is not told yet: %s", raw["id"], symbol, why)
                is_complete = False
                continue
            if event is not None:
                events.append(event)
            if is_complete:
                since_ms = max(since_ms, raw["timestamp"])
                if raw["timestamp"] <= now_ms - OVERLAP_MS:  # one with a lower id may still become visible
                    last_id = raw["id"]
        if is_complete and now_ms - since_ms > CURSOR_MOVES_MS:
            since_ms = now_ms - OVERLAP_MS
        for event in events:
            remember(self._told, (symbol, event.fill.trade_id))
        return events, f"{since_ms}:{last_id}"

    async def _rows(self, symbol: str, since_ms: int, last_id: str, now_ms: int) -> list[Any]:
        """ccxt's trades since a moment (or an id, where the venue can), oldest first."""
        venue, start = self._venue, since_ms - OVERLAP_MS
        calls = [venue.own_trades(symbol, start, last_id or None)]
        if venue.trade_window_ms is not None and not (venue.trade_from_id and last_id):
            while (start := start + venue.trade_window_ms) < now_ms:
                calls.append(venue.own_trades(symbol, start, None))
        rows: dict[str, Any] = {}
        for call in calls:
            for row in await self._connection.read_all(call, venue.trade_pages, Priority.RECONCILE):
                if row["symbol"] == symbol:
                    rows[row["id"]] = row
        return sorted(rows.values(), key=lambda row: (row["timestamp"], len(row["id"]), row["id"]))

    async def of_order(self, order_id: str, symbol: str, since_ms: int) -> list[OrderFilled]:
        """The complete trades of one order, told or not. MarketError."""
        call = self._venue.order_trades(order_id, symbol, since_ms)
        found = []
        for raw in await self._connection.read_all(call, self._venue.trade_pages, Priority.RECONCILE):
            if raw["order"] == order_id:
                try:
                    event = await self.event_of(raw, symbol)
                except Incomplete:
                    continue
                if event is not None:
                    found.append(event)
        return found

    def pushed(self, event: OrderFilled, symbol: str) -> bool:
        """Note that a trade was told as it was pushed; False where it had been told before."""
        if (symbol, event.fill.trade_id) in self._told:
            return False
        remember(self._told, (symbol, event.fill.trade_id))
        return True

    async def event_of(self, raw: Any, symbol: str) -> OrderFilled | None:
        """A trade as news of an order of ours; None where it is somebody else's. Incomplete, MarketError."""
        seen = translate.trade_of(raw, self._venue, translate.contract_size_of(await self._data.raw(symbol)))
        if seen is None:
            raise Incomplete("its fee is missing")
        client_id = seen.client_id
        if client_id is None:
            client_id = None if self._venue.trade_client_field is not None else await self._owner(seen)
        if client_id is None:
            return None
        return OrderFilled(client_id, await self._valued(seen))

    async def _owner(self, seen: SeenTrade) -> Any:
        """The client id of a trade's order, where the venue tells it with orders only."""
        if seen.order_id not in self.owners:
            raw = await self._connection.read(Call("fetch_order", (seen.order_id, seen.symbol)), Priority.RECONCILE)
            if raw is None:
                self._strange[seen.order_id] = looks = self._strange.get(seen.order_id, 0) + 1
                if looks < STRANGE_AFTER:
                    raise Incomplete("its order is not visible yet")
            remember(self.owners, seen.order_id, self._venue.decode(raw["clientOrderId"]) if raw else None)
        return self.owners[seen.order_id]

    async def _valued(self, seen: SeenTrade) -> Any:
        """The fill, with what its fee coin is worth where that is neither coin of the market."""
        fill, base, quote = seen.fill, *seen.symbol.partition(":")[0].split("/")
        if fill.fee == ZERO or fill.fee_currency in (base, quote):
            return fill
        rate = await self._data.price_in(fill.fee_currency, quote)
        if rate is None:
            raise Incomplete(f"{fill.fee_currency} has no price in {quote}")
        return replace(fill, fee_rate=rate)
