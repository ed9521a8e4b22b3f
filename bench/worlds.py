"""Worlds to measure in: a manager over a pretend exchange whose price is set by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.lengths import Length
from bot.core.model import FeeSide, Market, Quote
from bot.exchange.paper import PaperGateway
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, Store, World
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity

SYMBOL = "BTC/USDT"
MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    price_tick=Decimal("0.01"),
    amount_step=Decimal("0.000001"),
    min_amount=Decimal("0.000001"),
    min_cost=Decimal(1),
    maker_fee_ratio=Decimal("0.0002"),
    taker_fee_ratio=Decimal("0.0002"),
    fee_side=FeeSide.QUOTE,
)


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class HandMarket:
    """MarketData whose price is set by `move`, trading with what rests on the way."""

    def __init__(self, gateway: PaperGateway, clock: HandClock, price: Decimal) -> None:
        self._gateway, self._clock = gateway, clock
        self._quote = Quote(SYMBOL, price, price, clock.at)
        self.move(price)

    def move(self, price: Decimal, seconds: float = 2.0) -> None:
        self._clock.at += timedelta(seconds=seconds)
        low, high = min(price, self._quote.bid), max(price, self._quote.bid)
        self._gateway.on_candle(SYMBOL, low, high, price, self._clock.at)
        self._quote = Quote(SYMBOL, price, price, self._clock.at)

    async def symbols(self) -> tuple[str, ...]:
        return (SYMBOL,)

    async def market(self, symbol: str) -> Market:
        return MARKET

    async def quote(self, symbol: str) -> Quote:
        return self._quote

    async def candles(self, symbol: str, count: int, length: Length = Length.MINUTE) -> tuple[()]:
        return ()


async def resting(count: int, store: Store | None = None) -> tuple[TradeManager, HandMarket]:
    """A manager with `count` looping levels resting from 40,000 up, one every quote unit, the price above them all."""
    clock = HandClock()
    gateway = PaperGateway({SYMBOL: MARKET}, clock, {"USDT": Decimal(10) ** 12})
    top = Decimal(40_000 + count)
    market = HandMarket(gateway, clock, top + 10)
    world = World(data=market, gateway=gateway, store=store or MemoryStore(), ledger=MemoryLedger(), clock=clock)
    manager = TradeManager(world, Policy(), Identity("ben", "bench"))
    await manager.start()
    spec = GridSpec(
        Shape.LINEAR, SYMBOL, top - count, top - 1, count, Decimal("0.001"), None, Decimal("0.5"), loop=True
    )
    await manager.create(await manager.preview(spec))
    await manager.beat()
    return manager, market
