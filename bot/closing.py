"""The closing sale of a grid: what it holds, sold by one immediate-or-cancel order, shared out to its executors.

Rule: it begins only when no order of the grid is left on the book. Its fills are split over the levels that hold coins,
from the lowest up; the parts add up to the fill to the last digit.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from bot.core import client_ids
from bot.core.actions import PlaceOrder
from bot.core.client_ids import OrderKey
from bot.core.events import HoldingSold, OrderClosed, OrderFilled, OrderMissing, OrderRefused
from bot.core.executor import PositionExecutor
from bot.core.model import Fill, Leg, Market, Quote
from bot.core.money import AVERAGES, ZERO
from bot.core.portfolio import Grid, Sale

SLACK_RATIO = Decimal("0.01")
"""How far below the best bid the sale may reach."""
MAX_TRIES = 3
SALE_NEWS = (OrderFilled, OrderClosed, OrderRefused, OrderMissing)


def sale_order(grid: Grid, sale: Sale, held: Decimal, market: Market, quote: Quote, prefix: str) -> PlaceOrder | None:
    """The next order of a sale: all that is held, down to 1 % below the bid; None when there is nothing to sell."""
    amount = market.amount_down(held) if held > ZERO else ZERO
    price = market.price_up(quote.bid - quote.bid * SLACK_RATIO)
    if sale.tries >= MAX_TRIES or not market.accepts(price, amount):
        return None
    key = OrderKey(prefix, grid.number, 0, 0, Leg.CLOSE, sale.tries)
    return PlaceOrder(client_ids.encode(key), grid.id, market.symbol, Leg.CLOSE, price, amount, taker=True)


def begun(sale: Sale, order: PlaceOrder) -> Sale:
    """The sale with the intent to send `order` recorded."""
    return Sale(sale.tries + 1, order.client_id, order.price, order.amount, sold=sale.sold, proceeds=sale.proceeds)


def sale_after(sale: Sale, event: OrderFilled | OrderClosed | OrderRefused | OrderMissing) -> Sale:
    """The sale after news of its order; the same sale when it has seen it before."""
    if event.client_id != sale.client_id:
        return sale
    if isinstance(event, OrderFilled):
        fill = event.fill
        if fill.trade_id in sale.trade_ids:
            return sale
        sale = replace(
            sale,
            filled=sale.filled + fill.amount,
            sold=sale.sold + fill.amount,
            proceeds=sale.proceeds + fill.cost,
            trade_ids=(*sale.trade_ids, fill.trade_id),
        )
        return replace(sale, closed=sale.filled) if sale.filled >= sale.amount else sale
    return replace(sale, closed=event.filled if isinstance(event, OrderClosed) else ZERO)


def shares(fill: Fill, client_id: str, executors: list[PositionExecutor]) -> Iterator[tuple[str, HoldingSold]]:
    """The parts of a closing fill, by executor id. Fees go with the amounts; the last part takes what rounding left."""
    holders = [executor for executor in executors if executor.books.held > ZERO]
    left, fee_left = fill.amount, fill.fee
    for executor in holders:
        last = executor is holders[-1]
        part = left if last else min(left, executor.books.held)
        if part == ZERO:
            return
        fee = fee_left if part == left else AVERAGES.divide(AVERAGES.multiply(fill.fee, part), fill.amount)
        left, fee_left = left - part, fee_left - fee
        yield executor.id, HoldingSold(client_id, replace(fill, amount=part, fee=fee))
