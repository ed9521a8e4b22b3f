"""What the tests of the pretend exchange share: a market, a clock, orders in one line, and the ledger as an oracle."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from bot.core.actions import Action, CancelOrder, PlaceOrder
from bot.core.events import Event, OrderFilled
from bot.core.model import FeeSide, Leg, Market, Side
from bot.core.money import ZERO
from bot.exchange.candles import ReplayClock
from bot.exchange.paper import PaperGateway

T = TypeVar("T")

SYMBOL = "BTC/USDT"
START = datetime(2024, 5, 1, tzinfo=UTC)
LATER = START + timedelta(minutes=1)
MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    price_tick=Decimal("0.01"),
    amount_step=Decimal("0.0001"),
    min_amount=Decimal("0.0002"),
    min_cost=Decimal(5),
    maker_fee_ratio=Decimal("0.001"),
    taker_fee_ratio=Decimal("0.002"),
)
FUNDS = {"USDT": Decimal(10_000), "BTC": Decimal(1)}


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def always(action: Action) -> bool:
    return True


def dec(text: str | int) -> Decimal:
    return Decimal(text)


def account(
    market: Market = MARKET, funds: Mapping[str, Decimal] = FUNDS, *, touch: bool = False, keep_closed: int = 20_000
) -> PaperGateway:
    """An account in memory on a market that stands at 99.99 / 100.01."""
    clock = ReplayClock(START)
    gateway = PaperGateway({market.symbol: market}, clock, funds, touch=touch, keep_closed=keep_closed)
    gateway.set_top(market.symbol, dec("99.99"), dec("100.01"))
    return gateway


def buy(client_id: str, price: str | int, amount: str | int, *, taker: bool = False) -> PlaceOrder:
    return PlaceOrder(client_id, "g1.1", SYMBOL, Leg.ENTRY, dec(price), dec(amount), taker)


def sell(client_id: str, price: str | int, amount: str | int, *, taker: bool = False) -> PlaceOrder:
    return PlaceOrder(client_id, "g1.1", SYMBOL, Leg.EXIT, dec(price), dec(amount), taker)


def cancel(client_id: str) -> CancelOrder:
    return CancelOrder(client_id, "g1.1", SYMBOL, Leg.ENTRY, ZERO)


def submit(gateway: PaperGateway, *actions: Action) -> Sequence[Event]:
    return run(gateway.submit(actions, always))


def fills(events: Iterable[Event]) -> list[tuple[str, Decimal]]:
    """Client id and amount of each trade."""
    return [(event.client_id, event.fill.amount) for event in events if isinstance(event, OrderFilled)]


def free(gateway: PaperGateway, currency: str) -> Decimal:
    return run(gateway.balances())[currency].free


def used(gateway: PaperGateway, currency: str) -> Decimal:
    return run(gateway.balances())[currency].used


def totals(
    funds: Mapping[str, Decimal], trades: Iterable[tuple[Side, Event]], market: Market = MARKET
) -> dict[str, Decimal]:
    """What an account must hold after these trades, from the trades alone."""
    held: dict[str, Decimal] = defaultdict(Decimal, funds)
    for side, event in trades:
        assert isinstance(event, OrderFilled)
        fill = event.fill
        sign = 1 if side is Side.BUY else -1
        held[market.base] += sign * fill.amount
        held[market.quote] -= sign * fill.price * fill.amount
        held[fill.fee_currency] -= fill.fee
        expected = market.base if side is Side.BUY and market.fee_side is FeeSide.RECEIVED else market.quote
        assert fill.fee_currency == expected
    return dict(held)
