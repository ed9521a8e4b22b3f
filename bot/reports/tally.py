"""The books held against the exchange, line by line: coins, positions, resting orders.

Rule: nothing is changed by looking. Balances are compared only when no fill came between two looks at the books; what
the account has beyond them is not this bot's, and what it lacks of them is an alarm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.core import client_ids
from bot.core.level import OrderRecord
from bot.core.model import Balance, Market, Order
from bot.core.money import ZERO
from bot.core.portfolio import Grid
from bot.manager import TradeManager
from bot.trading.guards import holding_of
from bot.trading.state import TradingState

TRIES = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """What one market has done to a coin: `moved` by its trades, fees and funding; `held` by grids that live, `kept` by
    those that are over. `counted` is what the levels add up to: the same, unless the books contradict themselves."""

    symbol: str
    moved: Decimal
    held: Decimal = ZERO
    kept: Decimal = ZERO
    counted: Decimal | None = None

    @property
    def is_sound(self) -> bool:
        return self.counted is None or self.counted == self.moved


@dataclass(frozen=True, slots=True)
class CoinTally:
    """One coin: what the books say, by market, and what the account has (None: it told of no such coin). `bound` is
    what our resting entries need of it."""

    coin: str
    entries: tuple[Entry, ...]
    balance: Balance | None
    bound: Decimal = ZERO

    @property
    def moved(self) -> Decimal:
        return sum((entry.moved for entry in self.entries), ZERO)

    @property
    def held(self) -> Decimal:
        return sum((entry.held for entry in self.entries), ZERO)

    @property
    def kept(self) -> Decimal:
        return sum((entry.kept for entry in self.entries), ZERO)

    @property
    def there(self) -> Decimal:
        return self.balance.total if self.balance is not None else ZERO

    @property
    def beside(self) -> Decimal:
        """What the account has beyond the coins of the books; below 0 where some are missing."""
        return self.there - self.held - self.kept

    @property
    def shortfall(self) -> Decimal:
        """What grids that live hold by the books and the account has not. Kept coins are their owner's to move."""
        return max(self.held - self.there, ZERO)


@dataclass(frozen=True, slots=True)
class PositionTally:
    """One perpetual: what the grids hold and have kept, and the position there (base coin)."""

    symbol: str
    held: Decimal
    kept: Decimal
    found: Decimal

    @property
    def shortfall(self) -> Decimal:
        return max(self.held - max(self.found, ZERO), ZERO)


@dataclass(frozen=True, slots=True)
class OrderTally:
    """The resting orders of a market: alike on both sides, those that differ in what has traded, those only on the
    book, those only in the state, and how many are not this bot's."""

    symbol: str
    alike: int
    differing: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    strangers: int

    @property
    def is_clean(self) -> bool:
        return not (self.differing or self.unknown or self.missing)


@dataclass(frozen=True, slots=True)
class Tally:
    """All of it. `is_moving`: fills came between the looks each time, so the figures may be a moment apart."""

    coins: tuple[CoinTally, ...]
    positions: tuple[PositionTally, ...]
    orders: tuple[OrderTally, ...]
    is_moving: bool = False

    @property
    def is_short(self) -> bool:
        return any(coin.shortfall for coin in self.coins) or any(place.shortfall for place in self.positions)

    @property
    def is_clean(self) -> bool:
        sound = all(entry.is_sound for coin in self.coins for entry in coin.entries)
        return sound and not self.is_short and all(each.is_clean for each in self.orders)


async def tally(manager: TradeManager) -> Tally:
    """Compare the books with the exchange as it is now. BotError when it gives no answer."""
    gateway, state = manager.world.gateway, manager.state
    for last in (False,) * (TRIES - 1) + (True,):
        await manager.beat()
        before = _fills(state)
        symbols = list(dict.fromkeys(grid.symbol for grid in state.grids.values()))
        balances = await manager.balances()
        resting = {symbol: await gateway.open_orders(symbol) for symbol in symbols}
        places = {symbol: await gateway.position(symbol) for symbol in symbols if state.markets[symbol].perpetual}
        await manager.beat()
        if _fills(state) == before or last:
            found = {symbol: place.amount for symbol, place in places.items() if place is not None}
            return Tally(
                coins=tuple(_coins(state, symbols, balances, found)),
                positions=tuple(PositionTally(symbol, *_holding(state, symbol), found[symbol]) for symbol in found),
                orders=tuple(_orders(state, symbol, resting[symbol]) for symbol in symbols),
                is_moving=_fills(state) != before,
            )
    raise AssertionError("the last try always answers")


def _fills(state: TradingState) -> int:
    return sum(state.flow(grid_id).fills for grid_id in state.grids)


def _grids(state: TradingState, symbol: str) -> list[Grid]:
    return [grid for grid in state.grids.values() if grid.symbol == symbol]


def _holding(state: TradingState, symbol: str) -> tuple[Decimal, Decimal]:
    """What the grids of a market hold: those that live, those that are over."""
    held = kept = ZERO
    for grid in _grids(state, symbol):
        amount = holding_of(grid, state).amount
        held, kept = (held, kept + amount) if grid.ended_at is not None else (held + amount, kept)
    return held, kept


def moved(state: TradingState, symbol: str) -> dict[str, Decimal]:
    """What trading on a market has changed of each coin since the beginning: the account's balances less what it began
    with, where nobody else moves them."""
    market = state.markets[symbol]
    change: dict[str, Decimal] = {}
    for key in (symbol, *(grid.id for grid in _grids(state, symbol))):
        for coin, amount in state.flow(key).net(market).items():
            change[coin] = change.get(coin, ZERO) + amount
    return change


def _coins(
    state: TradingState, symbols: list[str], balances: Mapping[str, Balance], found: Mapping[str, Decimal]
) -> list[CoinTally]:
    entries: dict[str, list[Entry]] = {}
    bound: dict[str, Decimal] = {}
    for symbol in symbols:
        market, changes = state.markets[symbol], moved(state, symbol)
        if symbol in found:  # on a real perpetual no coins change hands: what stays is profit, fees and funding
            cost = sum((holding_of(grid, state).cost for grid in _grids(state, symbol)), ZERO)
            changes[market.quote] = changes.get(market.quote, ZERO) + cost
            del changes[market.base]
        for coin, amount in changes.items():
            entries.setdefault(coin, []).append(_entry(state, market, coin, amount))
        members = (state.executors[key] for grid in _grids(state, symbol) for key in state.members[grid.id])
        need = sum((each.resting_cost for each in members), ZERO)
        bound[market.quote] = bound.get(market.quote, ZERO) + need
    return [
        CoinTally(coin, tuple(each), balances.get(coin), bound.get(coin, ZERO))
        for coin, each in sorted(entries.items())
    ]


def _entry(state: TradingState, market: Market, coin: str, amount: Decimal) -> Entry:
    if coin != market.base:
        return Entry(market.symbol, amount)
    held, kept = _holding(state, market.symbol)
    return Entry(market.symbol, amount, held, kept, held + kept)


def _orders(state: TradingState, symbol: str, there: Sequence[Order]) -> OrderTally:
    executors = [state.executors[key] for grid in _grids(state, symbol) for key in state.members[grid.id]]
    known = {record.client_id: record for each in executors for record in each.orders}
    sales = {sale.client_id for grid in _grids(state, symbol) for sale in (grid.sale, grid.sold) if sale is not None}
    ours = [order for order in there if _is_ours(state, order.client_id)]
    shown = {order.client_id for order in ours}
    awaited = {each.awaiting.client_id for each in executors if each.awaiting is not None}
    differing = [order.client_id for order in ours if _differs(known.get(order.client_id), order)]
    unknown = [order.client_id for order in ours if order.client_id not in known and order.client_id not in sales]
    rests = (each.order for each in executors if each.order is not None and each.order.rests)
    missing = [order.client_id for order in rests if order.client_id not in shown and order.client_id not in awaited]
    return OrderTally(
        symbol=symbol,
        alike=len(ours) - len(differing) - len(unknown),
        differing=tuple(differing),
        unknown=tuple(unknown),
        missing=tuple(missing),
        strangers=len(there) - len(ours),
    )


def _differs(known: OrderRecord | None, there: Order) -> bool:
    return known is not None and known.filled != there.filled


def _is_ours(state: TradingState, client_id: str) -> bool:
    key = client_ids.decode(client_id)
    return key is not None and key.prefix[:3] == state.meta.bot
