"""Prices and rules of a real exchange, through ccxt.

Rule: a price that was pushed lately is as good as one that was asked for, and costs no request; an older one is asked
for again. Money passes through no float but ccxt's own order books, whose shortest text is taken.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from bot.core.lengths import Length, lengthened, nearest
from bot.core.model import Candle, Market, Quote
from bot.core.money import average
from bot.errors import MarketError, MarketUnknown
from bot.exchange import translate
from bot.exchange.connection import Connection
from bot.exchange.venues import Call

log = logging.getLogger(__name__)

PUSH_LASTS = timedelta(seconds=8)
"""A quiet book pushes nothing: after this long it is asked."""
WORTH_LASTS = timedelta(minutes=1)
CANDLES_A_PAGE = 1000
MOST_PARTS = 10_000
"""Shorter candles that are read to make longer ones of."""


class CcxtMarket:
    """MarketData of one exchange. `has_key`: fees are asked for, since they are the account's own."""

    def __init__(self, connection: Connection, has_key: bool) -> None:
        self._connection = connection
        self._has_key = has_key
        self._tops: dict[str, Quote] = {}
        self._fees: dict[str, tuple[Decimal, Decimal]] = {}
        self._changed: Callable[[], None] | None = None

    def listen(self, changed: Callable[[], None]) -> None:
        """Have every price that is asked for pushed from then on, and `changed` called when one has moved."""
        self._changed = changed

    async def symbols(self) -> Sequence[str]:
        return [symbol for symbol, raw in (await self._connection.markets()).items() if _is_tradable(raw)]

    async def raw(self, symbol: str) -> Mapping[str, Any]:
        """ccxt's own market. MarketError when there is none."""
        raw = (await self._connection.markets()).get(symbol)
        if raw is None:
            raise MarketUnknown(f"{self._connection.name} has no {symbol}; expected a symbol such as BTC/USDT")
        found: Mapping[str, Any] = raw
        return found

    async def market(self, symbol: str) -> Market:
        raw = await self.raw(symbol)
        exchange = self._connection.exchange
        mode, price = exchange.precisionMode, None
        if mode == translate.SIGNIFICANT_DIGITS:  # its tick depends on the price
            price = translate.quote_of(await self._top(symbol), symbol, self._connection.clock.now()).bid
        market = translate.market_of(raw, self._connection.venue, mode, price)
        if self._has_key and symbol not in self._fees:
            await self._read_fees(symbol)
        if symbol in self._fees:
            maker, taker = self._fees[symbol]
            market = replace(market, maker_fee_ratio=maker, taker_fee_ratio=taker)
        return market

    async def _read_fees(self, symbol: str) -> None:
        """The account's own fees, where the exchange tells them; else its usual ones do for previews."""
        if not self._connection.exchange.has.get("fetchTradingFee"):
            return
        try:
            fee = await self._connection.read(Call("fetch_trading_fee", (symbol,)))
        except MarketError as error:
            log.info("the account's fees on %s are not told: %s", symbol, error)
            return
        if fee and fee.get("maker") is not None and fee.get("taker") is not None:
            self._fees[symbol] = (Decimal(str(fee["maker"])), Decimal(str(fee["taker"])))

    async def quote(self, symbol: str) -> Quote:
        self._watch(symbol)
        top, now = self._tops.get(symbol), self._connection.clock.now()
        if top is not None and now - top.at < PUSH_LASTS:
            return top
        quote = translate.quote_of(await self._top(symbol), symbol, now)
        self._tops[symbol] = quote
        return quote

    def _watch(self, symbol: str) -> None:
        exchange, streams = self._connection.exchange, self._connection.streams
        if streams is None or self._changed is None or symbol in streams:
            return
        if exchange.has.get("watchBidsAsks"):
            wait = partial(exchange.watch_bids_asks, [symbol])
        elif exchange.has.get("watchOrderBook"):
            wait = partial(exchange.watch_order_book, symbol)
        else:
            return
        streams.start(symbol, wait, partial(self._pushed, symbol), partial(self._forget, symbol))

    def _forget(self, symbol: str) -> None:
        """What was pushed last may be old by now: ask."""
        self._tops.pop(symbol, None)

    def _pushed(self, symbol: str, raw: Mapping[str, Any]) -> None:
        """Take in a price that came by itself: a book, or tickers by symbol."""
        before, raw = self._tops.get(symbol), raw.get(symbol, raw)
        try:
            quote = translate.quote_of(raw, symbol, self._connection.clock.now())
        except MarketError:  # one side of the book is empty: the next beat asks
            self._forget(symbol)
            return
        self._tops[symbol] = quote
        if self._changed is not None and (before is None or (quote.bid, quote.ask) != (before.bid, before.ask)):
            self._changed()

    async def _top(self, symbol: str) -> Mapping[str, Any]:
        """Whatever is the cheapest reply of this exchange that names bid and ask."""
        has = self._connection.exchange.has
        if has.get("fetchBidsAsks"):
            tickers = await self._connection.read(Call("fetch_bids_asks", ([symbol],)))
            ticker = (tickers or {}).get(symbol)
        else:
            ticker = await self._connection.read(Call("fetch_ticker", (symbol,))) if has.get("fetchTicker") else None
        if ticker and ticker.get("bid") and ticker.get("ask"):
            found: Mapping[str, Any] = ticker
            return found
        book: Mapping[str, Any] | None = await self._connection.read(Call("fetch_order_book", (symbol,)))
        if not book:
            raise MarketError(f"{symbol} gives no price")
        return book

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        """The recent past page by page. Where the exchange has no candles so long they are made of shorter ones, and
        are fewer where that would take too many."""
        exchange = self._connection.exchange
        source = nearest(length, exchange.timeframes or (length,))
        if source is None:
            raise MarketError(f"{self._connection.name} has no candles of {length}, nor any to make them of")
        name, span = source
        if (parts := length.span // span) > 1:
            count = min(count, max(MOST_PARTS // parts, 1))
        first = length.opening(self._connection.clock.now()) - (count - 1) * length.span
        found = await self._pages(symbol, name, span, first)
        return (lengthened(found, length) if parts > 1 else found)[-count:]

    async def _pages(self, symbol: str, name: str, span: timedelta, first: datetime) -> Sequence[Candle]:
        """All candles of one of the exchange's own lengths from `first` on."""
        now, found = self._connection.clock.now(), dict[datetime, Candle]()
        wanted = min(CANDLES_A_PAGE, (now - first) // span + 1)
        while first < now:
            call = Call("fetch_ohlcv", (symbol, name, int(first.timestamp() * 1000), wanted))
            page = translate.candles_of(await self._connection.read(call) or [])
            fresh = [candle for candle in page if candle.at not in found]
            found |= {candle.at: candle for candle in fresh}
            if not fresh:
                break
            first = page[-1].at + span
        return [found[at] for at in sorted(found)]

    async def price_in(self, coin: str, currency: str) -> Decimal | None:
        """What one coin is worth in another now (a fee coin, in quote currency); None where no market tells."""
        markets, now = await self._connection.markets(), self._connection.clock.now()
        for symbol, is_turned in ((f"{coin}/{currency}", False), (f"{currency}/{coin}", True)):
            if symbol not in markets:
                continue
            quote = self._tops.get(symbol)
            if quote is None or now - quote.at > WORTH_LASTS:
                quote = self._tops[symbol] = translate.quote_of(await self._top(symbol), symbol, now)
            if quote.is_sane:
                return average(Decimal(1), quote.bid) if is_turned else quote.bid
        return None


def _is_tradable(raw: Mapping[str, Any]) -> bool:
    linear = bool(raw.get("swap")) and bool(raw.get("linear"))
    return raw.get("active") is not False and (bool(raw.get("spot")) or linear)
