"""The closing sale of a grid: what it holds, sold by one immediate-or-cancel order, shared out to its executors.

Rule: it begins only when no order of the grid is left on the book. Its fills are split over the levels that hold coins,
from the lowest up; the parts add up to the fill to the last digit.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bot.core import client_ids
from bot.core.actions import PlaceOrder
from bot.core.client_ids import OrderKey
from bot.core.events import Event, HoldingSold, OrderClosed, OrderFilled, OrderMissing, OrderRefused
from bot.core.executor import PositionExecutor
from bot.core.lifecycle import Mode
from bot.core.model import Fill, Leg, Market, Quote
from bot.core.money import AVERAGES, ZERO
from bot.core.portfolio import Grid, Sale
from bot.core.snapshot import GridSold
from bot.trading.desk import Desk
from bot.trading.state import TradingState

SLACK_RATIO = Decimal("0.01")
"""How far below the best bid the sale may reach."""
MAX_TRIES = 3


def sale_order(grid: Grid, sale: Sale, held: Decimal, market: Market, quote: Quote, prefix: str) -> PlaceOrder | None:
    """The next order of a sale: all that is held, down to 1 % below the bid; None when there is nothing to sell."""
    amount = market.amount_down(held) if held > ZERO else ZERO
    price = market.price_up(quote.bid - quote.bid * SLACK_RATIO)
    if sale.tries >= MAX_TRIES or not market.accepts(price, amount):
        return None
    key = OrderKey(prefix, grid.number, 0, 0, Leg.CLOSE, sale.tries)
    return PlaceOrder(client_ids.encode(key), grid.id, market.symbol, Leg.CLOSE, price, amount, taker=True)


def opened(grid: Grid) -> Sale:
    """The sale of a grid as it begins, or goes on; trades of an earlier one stay known."""
    return grid.sale or Sale(trade_ids=grid.sold.trade_ids if grid.sold is not None else ())


def begun(sale: Sale, order: PlaceOrder) -> Sale:
    """The sale with the intent to send `order` recorded."""
    tries, client_id = sale.tries + 1, order.client_id
    return replace(
        sale, tries=tries, client_id=client_id, price=order.price, amount=order.amount, filled=ZERO, closed=None
    )


def sale_after(sale: Sale, event: Event) -> Sale:
    """The sale after news of one of its orders; the same sale when that tells nothing new. An order that was given up
    may still trade: that is sold as well, and changes nothing of the present order."""
    is_present = event.client_id == sale.client_id
    if isinstance(event, OrderFilled):
        fill = event.fill
        if fill.trade_id in sale.trade_ids:
            return sale
        sale = replace(
            sale,
            filled=sale.filled + fill.amount if is_present else sale.filled,
            sold=sale.sold + fill.amount,
            proceeds=sale.proceeds + fill.cost,
            trade_ids=(*sale.trade_ids, fill.trade_id),
        )
        return replace(sale, closed=sale.filled) if is_present and sale.filled >= sale.amount else sale
    if not is_present or not isinstance(event, OrderClosed | OrderRefused | OrderMissing):
        return sale
    closed = event.filled if isinstance(event, OrderClosed) else ZERO
    return sale if closed == sale.closed else replace(sale, closed=closed)


def folded(state: TradingState, grid: Grid, event: Event) -> list[tuple[str, HoldingSold]]:
    """Note news of a closing order on its grid; returns what its levels have sold by it."""
    before = grid.sale or grid.sold or Sale()  # a store may be older than the sale
    if (after := sale_after(before, event)) is before:
        return []
    state.put_grid(replace(grid, sale=after) if grid.sale is not None else replace(grid, sold=after))
    if not isinstance(event, OrderFilled):
        return []
    members = [state.executors[key] for key in state.members[grid.id]]
    return list(shares(event.fill, event.client_id, members))


def decided(state: TradingState, grid: Grid, desk: Desk, now: datetime) -> PlaceOrder | GridSold | None:
    """What is next for a grid with a closing sale: its order once nothing else of the grid is left on the book, the
    news that it is over, or nothing yet."""
    sale, members = grid.sale, [state.executors[key] for key in state.members[grid.id]]
    if sale is None or grid.halted or sale.is_awaited or not all(member.is_idle for member in members):
        return None
    if desk.quote is None:
        return None
    held = sum((member.books.held for member in members), ZERO)
    order = sale_order(grid, sale, held, desk.market, desk.quote, state.prefix)
    if order is not None:
        return order
    state.put_grid(replace(grid, sale=None, sold=sale, mode=Mode.ENDED))
    return GridSold(now, grid.id, grid.symbol, sale.sold, sale.proceeds, held)


def shares(fill: Fill, client_id: str, executors: list[PositionExecutor]) -> Iterator[tuple[str, HoldingSold]]:
    """The parts of a closing fill, by executor id. Fees go with the amounts; the last part takes what rounding left,
    and what nobody seems to hold any more."""
    holders = [executor for executor in executors if executor.books.held > ZERO] or executors[-1:]
    left, fee_left = fill.amount, fill.fee
    for executor in holders:
        last = executor is holders[-1]
        part = left if last else min(left, executor.books.held)
        if part == ZERO:
            return
        fee = fee_left if part == left else AVERAGES.divide(AVERAGES.multiply(fill.fee, part), fill.amount)
        left, fee_left = left - part, fee_left - fee
        yield executor.id, HoldingSold(client_id, replace(fill, amount=part, fee=fee))
