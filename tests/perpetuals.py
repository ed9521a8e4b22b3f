"""A pretend venue for perpetuals: one position in one-way mode, which takes reduce-only sales as far as it reaches, and
a stage on it.

Rule: nothing is asserted here, and nothing of the product's own margin arithmetic is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.core.actions import Action, PlaceOrder
from bot.core.events import Event, OrderRefused, Refusal
from bot.core.model import FeeSide, FundingPaid, Market, Position, Side
from bot.errors import MarketError
from bot.ports import News, Policy, Store
from tests.fakes import dec, market
from tests.hostile import CALM, HostileExchange, HostileGateway, Temper
from tests.stage import Stage

PERP = "BTC/USDT:USDT"


def perpetual(symbol: str = PERP, maintenance: str = "0.005") -> Market:
    """The rules of a linear perpetual."""
    plain = market(min_cost="0", fee="0.0002", fee_side=FeeSide.QUOTE)
    return replace(plain, symbol=symbol, perpetual=True, maintenance_ratio=dec(maintenance))


@dataclass
class Account:
    """What is on the account besides this bot's trades, how the position is kept, and how often it is still told."""

    aside: Decimal = Decimal(0)
    leverage: Decimal | None = Decimal(3)
    isolated: bool = True
    one_way: bool = True
    answers: int | None = None
    funding: list[FundingPaid] = field(default_factory=list)


class PerpetualGateway(HostileGateway):
    """A hostile gateway with positions."""

    def __init__(self, exchange: HostileExchange) -> None:
        super().__init__(exchange)
        self.account = Account()

    def amount(self, symbol: str) -> Decimal:
        """What the position is."""
        mine = Decimal(0)
        for client_id, side, fill in self.exchange.trades:
            if self.exchange.orders[client_id].place.symbol == symbol:
                mine += fill.amount if side is Side.BUY else -fill.amount
        return mine + self.account.aside

    async def position(self, symbol: str) -> Position | None:
        if self.account.answers == 0:
            raise MarketError("no positions today")
        if self.account.answers is not None:
            self.account.answers -= 1
        account, amount = self.account, self.amount(symbol)
        return Position(amount, dec(59_000), account.leverage, account.isolated, account.one_way, dec(41_000))

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        events: list[Event] = []
        for action in actions:
            events += self._bounced(action) or await super().submit([action], stands)
        return events

    def _bounced(self, action: Action) -> list[Event]:
        """A reduce-only sale beyond the position, resting sales included, is refused."""
        if not isinstance(action, PlaceOrder) or action.side is Side.BUY:
            return []
        live = [each for each in self.exchange.live(action.symbol) if each.place.side is Side.SELL]
        resting = sum((each.place.amount - each.filled for each in live), Decimal(0))
        if resting + action.amount <= self.amount(action.symbol):
            return []
        return [
            OrderRefused(action.client_id, self.exchange.clock.now(), Refusal.OTHER, "ReduceOnly Order is rejected")
        ]

    async def news(self, symbol: str, cursor: str) -> News:
        news = await super().news(symbol, cursor)
        return replace(news, funding=tuple(self.account.funding))


class PerpetualStage(Stage):
    """A stage with one perpetual."""

    def __init__(
        self,
        *markets: Market,
        policy: Policy | None = None,
        temper: Temper = CALM,
        seed: int = 0,
        store: Store | None = None,
    ) -> None:
        policy = policy or Policy(leverage=dec(3))
        super().__init__(*(markets or (perpetual(),)), policy=policy, temper=temper, seed=seed, store=store)
        self.venue = PerpetualGateway(self.exchange)
        self.gateway = self.venue
        self.account = self.venue.account
        self.new_manager()

    async def looked(self, seconds: float = 2) -> None:
        """An audit, and the beat that looks."""
        await self.manager.audit()
        await self.beat(seconds=seconds)


async def staged(stage: PerpetualStage | None = None, **more: object) -> PerpetualStage:
    """A stage with one grid of five entries below the market."""
    stage = stage or PerpetualStage()
    await stage.manager.start()
    await stage.grid(symbol=PERP, **more)  # type: ignore[arg-type]
    return stage
