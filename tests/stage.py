"""A stage for the trader: one manager between a scripted market and a venue that keeps the true ledger.

Rule: `beat` moves the clock, lets the market trade with what rests, and has the heart beat once. Nothing is asserted
here but that manager and venue agree, when a story asks for it.
"""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

from bot.core.client_ids import decode
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode
from bot.core.model import Market, Side
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.pricing import NO_OFFSETS
from bot.manager import TradeManager
from bot.ports import MarketData, OrderGateway, Policy, Store, World
from bot.storage.memory_store import MemoryStore
from bot.trading.state import Identity
from tests.fakes import BTC, HandClock, Listener, OnceLedger, ScriptedMarket, dec, market
from tests.hostile import CALM, HostileExchange, HostileGateway, Temper, cash

IDENTITY = Identity("abc", "tests")
SPEC = GridSpec(Shape.LINEAR, BTC, dec(59_000), dec(60_000), 5, dec("0.001"), None, dec("0.5"), loop=True)
LEVELS = ["59000", "59250", "59500", "59750", "60000"]
"""Where the entries of a grid of five rest, while the market is above them."""
HALF_SPREAD = dec("0.5")


class Stage:
    """See the module's rule."""

    def __init__(
        self,
        *markets: Market,
        policy: Policy | None = None,
        temper: Temper = CALM,
        seed: int = 0,
        store: Store | None = None,
    ) -> None:
        self.clock = HandClock()
        self.data = ScriptedMarket(self.clock, *(markets or (market(min_cost="0"),)))
        self.exchange = HostileExchange(Random(seed), self.clock, self.data, temper)
        self.store = store or MemoryStore()
        self.ledger = OnceLedger()
        self.listener = Listener()
        self.policy = policy or Policy(offsets=NO_OFFSETS)
        self.prices: dict[str, Decimal] = {}
        for symbol in self.data.markets:
            self.price("60500", symbol)
        self.gateway = HostileGateway(self.exchange)
        self.manager = self.new_manager()

    def new_manager(self, gateway: OrderGateway | None = None, data: MarketData | None = None) -> TradeManager:
        """A manager that knows only what the store holds."""
        world = World(data or self.data, gateway or self.gateway, self.store, self.ledger, self.clock, self.listener)
        self.manager = TradeManager(world, self.policy, IDENTITY)
        return self.manager

    def price(self, price: str | Decimal, symbol: str = BTC) -> None:
        """The middle between bid and ask from now on."""
        self.prices[symbol] = Decimal(price)
        self.data.says(self.prices[symbol] - HALF_SPREAD, self.prices[symbol] + HALF_SPREAD, symbol)

    async def grid(
        self,
        low: str = "59000",
        high: str = "60000",
        count: int = 5,
        amount: str = "0.001",
        profit: str = "0.5",
        symbol: str = BTC,
        **more: object,
    ) -> Grid:
        """Create a grid and let one beat place it."""
        more = {"loop": True} | more
        spec = GridSpec(Shape.LINEAR, symbol, dec(low), dec(high), count, dec(amount), None, dec(profit), **more)  # type: ignore[arg-type]
        shown = await self.manager.preview(spec)
        assert shown.problems == ()
        made = await self.manager.create(shown)
        assert not isinstance(made, Preview)
        await self.beat()
        return made

    async def beat(self, price: str | Decimal | None = None, symbol: str = BTC, seconds: float = 2) -> None:
        """Time passes, the price may change, what it went through trades, and the heart beats."""
        self.clock.ahead(seconds)
        if price is not None:
            self.prices[symbol] = Decimal(price)
        for each, stands in self.prices.items():
            if each in self.data.quotes:
                self.price(stands, each)
        self.exchange.moved()
        await self.manager.beat()

    async def beats(self, count: int, price: str | None = None, seconds: float = 2) -> None:
        for _ in range(count):
            await self.beat(price, seconds=seconds)

    def resting(self, side: Side | None = None, symbol: str = BTC) -> list[str]:
        """Prices of what rests on the exchange, from the lowest up."""
        live = [truth.place for truth in self.exchange.live(symbol) if side in (None, truth.place.side)]
        return [format(place.price.normalize(), "f") for place in sorted(live, key=lambda place: place.price)]

    def mode(self, grid_id: str) -> Mode:
        """What a grid may do now."""
        return self.manager.state.grids[grid_id].mode

    def owners(self) -> list[str]:
        """Whose orders rest on the exchange."""
        return sorted(truth.place.owner_id for truth in self.exchange.live())

    def differences(self) -> Iterator[str]:
        """Everything about which manager and exchange disagree."""
        state = self.manager.state
        ours = {e.order.client_id: e.order for e in state.executors.values() if e.order is not None}
        live = {truth.place.client_id: truth for truth in self.exchange.live()}
        if ours.keys() != live.keys():
            yield f"orders: {sorted(ours.keys() ^ live.keys())}"
        for client_id in ours.keys() & live.keys():
            if ours[client_id].filled != live[client_id].filled:
                yield f"{client_id} has traded {live[client_id].filled}, not {ours[client_id].filled}"
        for key, executor in state.executors.items():
            if executor.awaiting is not None:
                yield f"{key} awaits {executor.awaiting}"
            mine = [t for t in self.exchange.trades if (k := decode(t[0])) is not None and k.owner_id == key]
            has_sold_together = state.grids[executor.level.grid].sold is not None
            if not has_sold_together and executor.books.held != cash(mine, executor.market)[0]:
                yield f"{key} holds {executor.books.held}, not {cash(mine, executor.market)[0]}"
        for symbol, rules in self.data.markets.items():
            on_market = [t for t in self.exchange.trades if self.exchange.orders[t[0]].place.symbol == symbol]
            base, quote = cash(on_market, rules)
            members = [executor for executor in state.executors.values() if executor.market.symbol == symbol]
            realised = sum((t.pnl for t in self.ledger.lines.values() if t.symbol == symbol), Decimal(0))
            open_ = sum((e.books.unsettled - e.books.held_cost for e in members), Decimal(0))
            if sum((e.books.held for e in members), Decimal(0)) != base:
                yield f"{symbol}: {base} are held, the books say otherwise"
            if realised + open_ != quote:
                yield f"{symbol}: cash moved by {quote}, the books say {realised + open_}"
        if state.unwritten:
            yield f"not in the ledger: {sorted(state.unwritten)}"

    def agree(self) -> None:
        assert list(self.differences()) == []


async def staged(stage: Stage | None = None, **more: object) -> Stage:
    """A stage with one grid of five entries below the market."""
    stage = stage or Stage()
    await stage.manager.start()
    await stage.grid(**more)  # type: ignore[arg-type]
    return stage
