"""Real prices for the pretend account: another exchange's market data, each quote of which moves the paper
book.

Rule: nothing is invented. An order fills only when a quote that was really seen went through it; what the
market did between two looks is not guessed, so fills come late rather than too kindly. The fee is the
pretend account's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bot.core.lengths import Length
from bot.core.model import Candle, Market, Quote
from bot.exchange.paper import PaperGateway
from bot.exchange.paper_file import Kept, opened
from bot.ports import Clock, MarketData

TAKER_FEE_RATIO = Decimal("0.001")
"""What taking costs on a pretend account, unless its maker fee is higher."""


class PaperMarket:
    """MarketData that passes on `source` and feeds a gateway. `markets` is the mapping the gateway looks
    into."""

    def __init__(
        self, source: MarketData, gateway: PaperGateway, markets: dict[str, Market], maker_fee_ratio: Decimal
    ) -> None:
        self._source = source
        self._gateway = gateway
        self._markets = markets
        self._maker_fee_ratio = maker_fee_ratio

    async def symbols(self) -> Sequence[str]:
        return await self._source.symbols()

    async def market(self, symbol: str) -> Market:
        """The rules of a symbol with the pretend fee; from now on the gateway takes orders for it."""
        market = replace(
            await self._source.market(symbol),
            maker_fee_ratio=self._maker_fee_ratio,
            taker_fee_ratio=max(self._maker_fee_ratio, TAKER_FEE_RATIO),
        )
        self._markets[symbol] = market
        return market

    async def quote(self, symbol: str) -> Quote:
        """The real quote, once the pretend orders it goes through have filled."""
        if symbol not in self._markets:
            await self.market(symbol)
        quote = await self._source.quote(symbol)
        self._gateway.on_quote(symbol, quote.bid, quote.ask, quote.at)
        return quote

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> Sequence[Candle]:
        return await self._source.candles(symbol, count, length)


def open_paper(
    place: Path | Kept | None,
    source: MarketData,
    clock: Clock,
    funds: Mapping[str, Decimal],
    maker_fee_ratio: Decimal,
    account: str,
) -> tuple[PaperMarket, PaperGateway]:
    """A pretend account on real prices, kept in a file or a database (None: in memory only).

    `funds` only fill a new account; `account` names the venue it pretends to be on. StateCorrupt, StateNewer,
    StateUnwritable as `ExchangeFile.open`, StateForeign when the file belongs to another account.
    """
    markets: dict[str, Market] = {}
    gateway = PaperGateway(markets, clock, funds)
    keeper, saved = opened(place)
    if keeper is not None:
        gateway.keep_in(keeper, saved, account)
    return PaperMarket(source, gateway, markets, maker_fee_ratio), gateway
