"""Our own orders on one exchange: which ids belong together, what single ones and lists of them say.

Rule: an order is found by its client id, in whatever way the venue offers, and only all of those ways together say that
there is none. Who took an order off the book is told by the venue, else by whether we asked for it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.core.events import CloseReason, Event, OrderAccepted, OrderClosed
from bot.core.model import Order
from bot.exchange import translate
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.own_trades import OwnTrades, remember
from bot.exchange.request_queue import Priority
from bot.exchange.translate import SeenOrder
from bot.exchange.venues import Call, Venue

PAST = timedelta(days=7)
"""How far back an order may have been sent that is still looked for."""


class OwnOrders:
    """See the module's rule."""

    def __init__(self, connection: Connection, venue: Venue, data: CcxtMarket, trades: OwnTrades) -> None:
        self._connection = connection
        self._venue = venue
        self._data = data
        self._trades = trades
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._asked: OrderedDict[str, None] = OrderedDict()

    def id_of(self, client_id: str) -> str | None:
        """The venue's own id of an order, as far as it was seen."""
        return self._ids.get(client_id)

    def know(self, client_id: str, order_id: str | None) -> None:
        """These two ids are one order."""
        if order_id is not None and client_id not in self._ids:
            remember(self._ids, client_id, order_id)
            remember(self._trades.owners, order_id, client_id)

    def asked(self, client_id: str) -> None:
        """We asked for its cancellation."""
        remember(self._asked, client_id)

    def seen(self, raw: Mapping[str, Any], size: Any) -> SeenOrder | None:
        """An order of ours in ccxt's words, its ids noted; None for everybody else's."""
        seen = translate.order_of(raw, self._venue, size)
        if seen is not None:
            self.know(seen.client_id, seen.order_id)
        return seen

    def closed(self, seen: SeenOrder) -> OrderClosed:
        """That it left the book, and why."""
        reason = seen.reason
        if reason is None:
            was_asked = CloseReason.ASKED if seen.client_id in self._asked else CloseReason.PERSON
            reason = CloseReason.FILLED if seen.filled >= seen.amount else was_asked
        return OrderClosed(seen.client_id, self._connection.clock.now(), seen.filled, reason)

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        """All that is known of one order, as events; None where it is not known. MarketError."""
        seen = await self._find(symbol, client_id)
        if seen is None:
            return None
        at = seen.at or self._connection.clock.now()
        events: list[Event] = [OrderAccepted(client_id, at)]
        if seen.filled > 0 and seen.order_id is not None:
            events += await self._trades.of_order(seen.order_id, symbol, milliseconds(at))
        if seen.is_open is False:
            events.append(self.closed(seen))
        return events

    async def _find(self, symbol: str, client_id: str) -> SeenOrder | None:
        size = translate.contract_size_of(await self._data.raw(symbol))
        since = milliseconds(self._connection.clock.now() - PAST)
        for call in self._venue.look_ups(client_id, self._ids.get(client_id), symbol, since):
            if call.method == "fetch_order":
                found = [await self._connection.read(call, Priority.RECONCILE)]
            else:
                found = await self._connection.read_all(call, self._venue.order_pages, Priority.RECONCILE)
            for raw in found:
                seen = self.seen(raw, size) if raw else None
                if seen is not None and seen.client_id == client_id:
                    return seen
        return None

    async def resting(self, symbol: str) -> list[Order]:
        """What rests on a symbol of all bots of this kind. MarketError."""
        return [order for order in await self._listed(self._venue.open_orders(symbol)) if order.is_open]

    async def all(self, symbol: str) -> list[Order]:
        """What rests anywhere, and what the recent past of `symbol` shows. MarketError."""
        found = {order.client_id: order for order in await self._listed(self._venue.all_open_orders(symbol))}
        for call in self._venue.past_orders(symbol, milliseconds(self._connection.clock.now() - PAST)):
            found |= {order.client_id: order for order in await self._listed(call)}
        return list(found.values())

    async def _listed(self, call: Call) -> list[Order]:
        found = []
        for raw in await self._connection.read_all(call, self._venue.order_pages, Priority.RECONCILE):
            seen = self.seen(raw, translate.contract_size_of(await self._data.raw(raw["symbol"])))
            if seen is not None:
                at, is_open = seen.at or self._connection.clock.now(), seen.is_open is not False
                values = (seen.symbol, seen.side, seen.price, seen.amount, seen.filled, is_open, at)
                found.append(Order(seen.client_id, *values))
        return found


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
