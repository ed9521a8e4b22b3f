"""One account on a real exchange, through ccxt: the OrderGateway that everything in this folder's ccxt rooms serves.

Rule: replies and pushes are heard at once and wake the heart; what was missed is found by asking: own trades since the
last one, single orders, and what rests.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice, takewhile
from typing import Any

from bot.core.actions import Action
from bot.core.events import Event, OrderAccepted
from bot.core.model import Balance, Order, Position
from bot.errors import MarketError
from bot.exchange import translate
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import Connection
from bot.exchange.own_orders import OwnOrders
from bot.exchange.own_trades import Incomplete, OwnTrades, remember
from bot.exchange.perpetuals import Perpetuals
from bot.exchange.sender import Hear, Sender
from bot.exchange.venues import Call, Permissions, Venue
from bot.ports import News

log = logging.getLogger(__name__)

SWEEP_LIVE = timedelta(seconds=20)
"""How often own trades are asked for while they are pushed as well."""
SETTLES_AFTER = timedelta(seconds=1)
"""When an accepted order is looked for where a venue refuses late and nothing is pushed."""
UNHEARD_AFTER = timedelta(seconds=5)
"""A trade this old that only asking brought to light should have been pushed."""
CATCH_UP = 200
"""Pushed rows that one beat catches up on at most."""

KeyOf = Callable[[Mapping[str, Any]], tuple[Any, ...]]
"""What tells a pushed row from all others."""


class CcxtGateway:
    """See the module's rule. `leverage` is set before the first order on a perpetual."""

    def __init__(self, connection: Connection, venue: Venue, data: CcxtMarket, leverage: Decimal | None = None) -> None:
        self._connection = connection
        self._venue = venue
        self._data = data
        self._trades = OwnTrades(connection, venue, data)
        self._orders = OwnOrders(connection, venue, data, self._trades)
        self._perpetuals = Perpetuals(connection, venue, data, leverage)
        self._sender = Sender(connection, venue, data, self._orders, self._perpetuals, self._tell)
        self._hear: Hear | None = None
        self._swept_at: dict[str, datetime] = {}
        self._seen: OrderedDict[tuple[Any, ...], None] = OrderedDict()
        self._unheard: list[Event] = []
        self._together: list[Event] | None = None

    def listen(self, hear: Hear) -> None:
        """Have news heard as it comes; with nothing when only a price has moved."""
        self._hear = hear
        self._data.listen(lambda: hear(()))

    def _tell(self, events: Sequence[Event]) -> None:
        if self._together is not None:
            self._together += events
        elif self._hear is not None:
            self._hear(events)
        else:
            self._unheard += events

    # -- the port --------------------------------------------------------------------------------------------------

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        """Queue the actions; what comes of each is heard when it is known."""
        self._sender.send(actions, stands)
        return ()

    def is_pending(self, client_id: str) -> bool:
        return client_id in self._sender.pending

    async def news(self, symbol: str, cursor: str) -> News:
        """Own trades since the cursor, where they are not surely pushed, or have not been asked for in a while."""
        now, streams = self._connection.clock.now(), self._connection.streams
        is_live = streams is not None and streams.are_live(*self._watch(symbol))
        self._catch_up()
        swept = self._swept_at.get(symbol)
        if is_live and cursor and swept is not None and now - swept < SWEEP_LIVE:
            return News(self._taken(), cursor)
        if not is_live:
            await self._settle_late(symbol, now)
        funding = await self._perpetuals.funding(symbol, now)
        events, after = await self._trades.since(
            symbol, cursor
        )  # last: trades are told once, so they must be handed on
        self._swept_at[symbol] = now
        if is_live and streams is not None and any(now - event.at > UNHEARD_AFTER for event in events):
            streams.distrust("a trade was not pushed")
        return News((*self._taken(), *events), after, funding)

    def _taken(self) -> tuple[Event, ...]:
        """What was learned without being told at once."""
        unheard, self._unheard = self._unheard, []
        return tuple(unheard)

    async def _settle_late(self, symbol: str, now: datetime) -> None:
        """Where a venue accepts first and refuses later, and nothing is pushed: look once whether they still rest."""
        unsettled = self._sender.unsettled
        ripe = [key for key, (of, at) in unsettled.items() if of == symbol and now - at >= SETTLES_AFTER]
        if not ripe:
            return
        resting = {order.client_id for order in await self._orders.resting(symbol)}
        for client_id in ripe:
            if client_id not in resting:
                self._unheard += await self._orders.look_up(symbol, client_id) or ()
            unsettled.pop(client_id, None)

    async def look_up(self, symbol: str, client_id: str) -> Sequence[Event] | None:
        return await self._orders.look_up(symbol, client_id)

    async def open_orders(self, symbol: str) -> Sequence[Order]:
        return await self._orders.resting(symbol)

    async def own_orders(self, symbol: str) -> Sequence[Order]:
        return await self._orders.all(symbol)

    async def balances(self) -> Mapping[str, Balance]:
        return translate.balances_of(await self._connection.read(Call("fetch_balance")))

    async def position(self, symbol: str) -> Position | None:
        return await self._perpetuals.position(symbol)

    async def permissions(self) -> Permissions:
        """What the key may do, as far as the venue tells. MarketError."""
        if self._venue.permissions is None:
            return Permissions(None, None)
        return self._venue.read_permissions(await self._connection.read(self._venue.permissions))

    async def settled(self, seconds: float) -> bool:
        """Wait until what is under way has its answer, at most so long; False where nothing was."""
        return await self._sender.settled(seconds)

    @property
    def was_cut(self) -> bool:
        """Whether something that was sent may still arrive after `close`."""
        return self._sender.was_cut

    async def close(self) -> None:
        """Send nothing more, await what is on the wire for a moment, close the sockets. Orders stay where they are."""
        await self._sender.close()
        await self._connection.close()

    # -- what is pushed --------------------------------------------------------------------------------------------

    def _watch(self, symbol: str) -> tuple[str, ...]:
        """The names of the streams that tell of our orders on a symbol, which run from now on."""
        exchange, streams = self._connection.exchange, self._connection.streams
        kind = "swap" if ":" in symbol else "spot"
        names = (f"orders of {kind}", f"trades of {kind}")
        if streams is None or self._hear is None:
            return names
        params = {"type": kind} if self._venue.typed_streams else {}
        if exchange.has.get("watchOrders") and names[0] not in streams:
            wait = partial(exchange.watch_orders, None, None, None, params)
            streams.start(names[0], wait, self._take_orders, self._swept_at.clear)
        if exchange.has.get("watchMyTrades") and names[1] not in streams:
            wait = partial(exchange.watch_my_trades, None, None, None, params)
            streams.start(names[1], wait, self._take_trades, self._swept_at.clear)
        return names

    def _catch_up(self) -> None:
        """Take what arrived while nobody was waiting for it: ccxt keeps it behind what was taken, and wakes nobody."""
        exchange = self._connection.exchange
        self._take_orders(self._missed(exchange.orders, _order_key))
        self._take_trades(self._missed(exchange.myTrades, _trade_key))

    def _missed(self, cache: Any, key_of: KeyOf) -> list[Mapping[str, Any]]:
        newest_first = islice(reversed(cache or ()), CATCH_UP)
        return list(takewhile(lambda row: key_of(row) not in self._seen, newest_first))[::-1]

    def _take_orders(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._take(rows, _order_key, self._on_order)

    def _take_trades(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._take(rows, _trade_key, lambda row: self._sender.spawn(self._on_trade(row)))

    def _take(self, rows: Sequence[Mapping[str, Any]], key_of: KeyOf, on: Callable[[Mapping[str, Any]], None]) -> None:
        """Take what is new; what is understood at once is told together, or each trade would have a beat of its own."""
        self._together = told = list[Event]()
        try:
            for row in rows:
                if self._is_new(key_of(row)):
                    on(row)
        finally:
            self._together = None
        if told:
            self._tell(told)

    def _is_new(self, key: tuple[Any, ...]) -> bool:
        if key in self._seen:
            return False
        remember(self._seen, key, most=5 * CATCH_UP)
        return True

    def _on_order(self, raw: Mapping[str, Any]) -> None:
        market = self._connection.exchange.market(raw["symbol"])
        seen = self._orders.seen(raw, translate.contract_size_of(market))
        if seen is None:
            return
        self._sender.unsettled.pop(seen.client_id, None)
        if seen.is_open is False:
            self._tell([self._orders.closed(seen)])
        else:
            now = self._connection.clock.now()
            self._tell([OrderAccepted(seen.client_id, min(seen.at or now, now))])

    async def _on_trade(self, raw: Mapping[str, Any]) -> None:
        try:
            event = await self._trades.event_of(raw, raw["symbol"])
        except (Incomplete, MarketError):
            self._swept_at.pop(raw["symbol"], None)  # asking will tell
            return
        if event is not None and self._trades.pushed(event, raw["symbol"]):
            self._tell([event])


def _order_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a pushed order says, as far as it matters whether it was said before."""
    return "order", row["id"], row["status"], row["filled"], row["lastUpdateTimestamp"]


def _trade_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return "trade", row["symbol"], row["id"]
