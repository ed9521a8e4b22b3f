"""One account's line to an exchange: ccxt's instance behind our queue.

Rule: every request passes here once and is never repeated by itself, but reads after the clock was set. A reply that
is no JSON object or list counts as none. What an error says about all further requests (silence, closed, key refused,
clock off) is learned here; what it says about one order is the caller's to judge.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from decimal import DefaultContext, localcontext
from typing import Any

from bot.errors import ExchangeWaits, MarketError, SettingsError
from bot.exchange import outcomes
from bot.exchange.faults import MALFORMED, errors
from bot.exchange.importing import imported
from bot.exchange.request_queue import TICKET, Priority, RequestQueue, Ticket, Withdrawn
from bot.exchange.streams import Streams
from bot.exchange.venues import VENUES, Call, Pages, Venue
from bot.ports import Clock

log = logging.getLogger(__name__)

CLOCK_LASTS = timedelta(minutes=15)
MARKETS_LAST = timedelta(minutes=30)
PUSHED = {"ordersLimit": 300, "tradesLimit": 300}
"""Rows of each kind that ccxt keeps of what was pushed: a thousand by itself, at three kilobytes each."""
FAREWELL_SECONDS = 0.5


class Connection:
    """See the module's rule. `venue` is None where only public data is asked (paper on any exchange); `streams` where
    EXCHANGE_OPTIONS say `{"options": {"streams": false}}`."""

    def __init__(self, exchange: Any, venue: Venue | None, clock: Clock) -> None:
        self.exchange = exchange
        self.venue = venue
        self.clock = clock
        self.queue = RequestQueue(clock, exchange.rateLimit / 1000)
        self.streams = Streams(exchange, clock) if exchange.options.get("streams", True) else None
        self._clock_set_at = clock.now() - CLOCK_LASTS
        self._markets_read_at = clock.now() - MARKETS_LAST
        self._setting = asyncio.Lock()
        exchange.enableRateLimit = True  # or ccxt would not pass our queue
        exchange.throttle = self.queue.pass_through
        exchange.milliseconds = lambda: int(clock.now().timestamp() * 1000)
        self._fetch = exchange.fetch
        exchange.fetch = self._checked_fetch
        exchange.enableLastHttpResponse = exchange.enableLastJsonResponse = False

    @property
    def name(self) -> str:
        return str(self.exchange.id)

    @property
    def clock_ahead_ms(self) -> int | None:
        """How far this host's clock is ahead of the exchange's; None where that was not measured."""
        found = self.exchange.options.get("timeDifference")
        return int(found) if found is not None and self.exchange.has["fetchTime"] else None

    async def _checked_fetch(self, *args: Any, **kwargs: Any) -> Any:
        reply = await self._fetch(*args, **kwargs)
        if not isinstance(reply, dict | list) or reply == {}:
            raise errors().BadResponse(f"{self.name} sent a reply that can't be read")
        return reply

    async def send(self, call: Call, ticket: Ticket) -> Any:
        """One request, once. Raises what ccxt raises (BadResponse for a reply that can't be read), ExchangeWaits or
        Withdrawn when it has not left (`ticket.left` is False)."""
        token = TICKET.set(ticket)
        try:
            with localcontext(
                DefaultContext
            ):  # ccxt rounds where our money would raise; a task has a context of its own
                reply = await call.on(self.exchange)
        except errors().BaseError as error:
            self._learn(error)
            raise
        except MALFORMED as error:
            log.warning("a reply to %s can't be read: %s", call.method, type(error).__name__)
            raise errors().BadResponse(f"{self.name} sent a reply that can't be read") from None
        finally:
            TICKET.reset(token)
        self.queue.answered()
        return reply

    async def _ask(self, call: Call, priority: Priority) -> Any:
        """`send` for what is no order: whoever stops the queue has everybody wait."""
        try:
            return await self.send(call, Ticket(priority))
        except Withdrawn:
            raise ExchangeWaits(f"{self.name} is asked nothing more: the bot stops", self.clock.now()) from None

    async def read(self, call: Call, priority: Priority = Priority.DATA) -> Any:
        """Ask something that changes nothing; None where the exchange says there is no such order. MarketError."""
        for again in (True, False):
            await self._set_clock(priority)
            try:
                return await self._ask(call, priority)
            except errors().BaseError as error:
                if self.venue is not None and outcomes.is_not_found(error, self.venue):
                    return None
                if not (again and outcomes.is_clock(error)):
                    raise MarketError(f"{self.name}: {outcomes.without_secrets(error)}") from None
        raise MarketError(f"{self.name}: no answer")

    async def read_all(self, call: Call, pages: Pages, priority: Priority = Priority.DATA) -> list[Any]:
        """Every page of a list. MarketError."""
        found: list[Any] = []
        turned: Call | None = call
        while turned is not None:
            page = await self.read(turned, priority) or []
            found += page
            turned = pages.after(turned, page)
        return found

    def _learn(self, error: BaseException) -> None:
        now, headers = self.clock.now(), self.exchange.last_response_headers
        until = outcomes.retry_after(error, headers if isinstance(headers, Mapping) else None, now)
        if until is not None:
            self.queue.silence(f"{self.name} asks for silence until {until:%H:%M:%S} UTC", until)
        elif outcomes.is_maintenance(error):
            self.queue.silence(f"{self.name} is closed for maintenance")
        elif self.venue is not None and outcomes.is_auth(error, self.venue):
            log.error("%s does not accept the API key: %s", self.name, outcomes.without_secrets(error))
            self.queue.silence(f"{self.name} does not accept the API key: {outcomes.without_secrets(error)}")
        if outcomes.is_clock(error):
            self._clock_set_at = now - CLOCK_LASTS

    # -- what has to be fresh --------------------------------------------------------------------------------------

    async def _set_clock(self, priority: Priority = Priority.DATA) -> None:
        """Measure how far the exchange's clock is from ours, now and then."""
        if not self.exchange.has["fetchTime"] or self.clock.now() - self._clock_set_at < CLOCK_LASTS:
            return
        async with self._setting:
            if self.clock.now() - self._clock_set_at < CLOCK_LASTS:
                return
            try:
                await self._ask(Call("load_time_difference"), priority)
            except errors().BaseError as error:
                raise MarketError(f"{self.name}: {outcomes.without_secrets(error)}") from None
            self._clock_set_at = self.clock.now()

    async def markets(self) -> Mapping[str, Any]:
        """ccxt's markets by symbol, not older than half an hour. MarketError."""
        async with self._setting:
            if self.clock.now() - self._markets_read_at >= MARKETS_LAST:
                try:
                    await self._ask(Call("load_markets", (True,)), Priority.DATA)
                except errors().BaseError as error:
                    raise MarketError(f"{self.name}: {outcomes.without_secrets(error)}") from None
                self._markets_read_at = self.clock.now()
        found: Mapping[str, Any] = self.exchange.markets
        return found

    async def close(self) -> None:
        """Close sockets and sessions. Nothing that is under way is awaited."""
        if self.streams is not None:
            await self.streams.close()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.exchange.close_ws_clients()
        except TimeoutError:  # the other side does not say goodbye: closing the session cuts it off
            self.exchange.clients.clear()
        await self.exchange.close()


def connect(
    name: str, mode: str, keys: Mapping[str, str | None], options: Mapping[str, Any], clock: Clock
) -> Connection:
    """A line to an exchange of ccxt that has not been used yet. `keys`: key, secret, password; `options` are merged
    into ccxt's constructor. SettingsError for an exchange or mode this bot can't trade."""
    kind = getattr(imported("ccxt.pro"), name, None) or getattr(imported("ccxt.async_support"), name, None)
    if kind is None or name not in imported("ccxt").exchanges:
        raise SettingsError(f"EXCHANGE: expected simulated or a ccxt id such as bybit or binance, got {name!r}")
    venue = VENUES.get(name)
    if mode != "paper" and venue is None:
        known = ", ".join(sorted(VENUES))
        raise SettingsError(
            f"EXCHANGE: expected one whose orders this bot knows ({known}) for EXCHANGE_MODE={mode}, got {name!r}; "
            "paper trades on the real prices of any exchange"
        )
    key, secret = keys.get("key"), keys.get("secret")
    words: dict[str, Any] = {**venue.extras, "options": dict(venue.options)} if venue is not None else {}
    if mode != "paper" and venue is not None and key and secret:
        words = venue.settings(key, secret, keys.get("password"))
    exchange = kind(kind.deep_extend({"enableRateLimit": True, "options": PUSHED}, words, dict(options)))
    exchange.number = str
    if venue is not None:
        venue.dismiss_errands(exchange)
    if mode == "demo" and venue is not None:
        venue.use_demo(exchange)
        exchange.urls = kind.deep_extend(exchange.urls, dict(options.get("urls", {})))  # the demo's took their place
    return Connection(exchange, venue, clock)
