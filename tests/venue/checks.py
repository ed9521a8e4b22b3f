"""What an order has to satisfy before it is accepted.

The rule: checked in the order a real exchange does: form, filters, client id, count, reduce-only, funds; the first that
fails is the answer.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.venue import funds
from tests.venue.model import (
    ZERO,
    Account,
    Actor,
    Kind,
    NewOrder,
    Order,
    Reason,
    Refused,
    Side,
    Tif,
    fits,
    floor_to,
    ratio,
)

if TYPE_CHECKING:
    from tests.venue.ledger import Ledger, Market


def crosses(market: Market, side: Side, price: Decimal, order: Order | None = None) -> bool:
    """Whether a limit order at `price` would trade at once, with strangers or with anybody's resting order."""
    rivals = [rival.price for rival in market.ledger.book_of(market)
              if rival is not order and rival.side is not side and not rival.doomed]  # fmt: skip
    if side is Side.BUY:
        return price >= min([market.ask, *rivals])
    return price <= max([market.bid, *rivals])


def admit(ledger: Ledger, account: Account, market: Market, wish: NewOrder) -> tuple[Decimal, Decimal]:
    """Price (0 for a market order) and amount an order is taken with; raises Refused."""
    if not market.open:
        raise Refused(Reason.MARKET_CLOSED)
    price = wish.price if wish.price is not None else ZERO
    if wish.price is not None:
        _price(market, wish.side, wish.price)
    reference = wish.price or (market.ask if wish.side is Side.BUY else market.bid)
    amount = wish.amount
    if wish.quote_amount is not None:
        amount = floor_to(ratio(wish.quote_amount, reference), market.rules.step)
    if wish.reduce_only:
        amount = _reducing(ledger, account, market, wish)
    if wish.by is Actor.API:
        _amount(market, amount, amount * reference, closing=wish.reduce_only)
        _client_id(ledger, account, wish)
    if len(ledger.open_orders(account, wish.market, wish.kind)) >= market.rules.max_open_orders:
        raise Refused(Reason.TOO_MANY_ORDERS, Decimal(market.rules.max_open_orders))
    if wish.tif is Tif.POST_ONLY and ledger.refuse_takers and crosses(market, wish.side, price):
        raise Refused(Reason.POST_ONLY)
    return price, amount


def _price(market: Market, side: Side, price: Decimal) -> None:
    if price <= 0 or not fits(price, market.rules.tick):
        raise Refused(Reason.PRICE_TICK, market.rules.tick)
    band = market.rules.band
    low, high = (band.buy_low, band.buy_high) if side is Side.BUY else (band.sell_low, band.sell_high)
    if low is not None and price < (limit := market.mark * low):
        raise Refused(Reason.PRICE_TOO_LOW, limit)
    if high is not None and price > (limit := market.mark * high):
        raise Refused(Reason.PRICE_TOO_HIGH, limit)


def _amount(market: Market, amount: Decimal, cost: Decimal, *, closing: bool) -> None:
    rules = market.rules
    if amount < rules.min_amount:
        raise Refused(Reason.AMOUNT_TOO_SMALL, rules.min_amount)
    if not fits(amount, rules.step):
        raise Refused(Reason.AMOUNT_STEP, rules.step)
    if amount > rules.max_amount:
        raise Refused(Reason.AMOUNT_TOO_LARGE, rules.max_amount)
    if cost < rules.min_cost and not closing:
        raise Refused(Reason.COST_TOO_SMALL, rules.min_cost)


def _client_id(ledger: Ledger, account: Account, wish: NewOrder) -> None:
    if not wish.client_id:
        return
    known = [order for order in ledger.orders_of(account, wish.client_id) if order.rules.kind is wish.kind]
    if any(ledger.unique_for_ever or order.is_open for order in known):
        raise Refused(Reason.DUPLICATE_CLIENT_ID)


def _reducing(ledger: Ledger, account: Account, market: Market, wish: NewOrder) -> Decimal:
    """What a reduce-only order may take: what is held less what other reduce-only orders will close."""
    held = -ledger.position(account, wish.market).amount * wish.side.sign
    spoken_for = sum(
        (
            order.remaining
            for order in ledger.open_orders(account, wish.market, Kind.LINEAR)
            if order.wish.reduce_only and order.side is wish.side
        ),
        ZERO,
    )
    room = max(ZERO, held - spoken_for)
    if wish.kind is not Kind.LINEAR or room <= 0 or (wish.amount > room and not ledger.cut_reduce_only):
        raise Refused(Reason.REDUCE_ONLY, room)
    return min(wish.amount, room)


def afford(ledger: Ledger, account: Account, market: Market, order: Order) -> None:
    """Raises Refused where the account could not pay for `order` on top of all that it has open."""
    if order.wish.reduce_only:
        return
    selling = order.side is Side.SELL and order.rules.kind is Kind.SPOT
    coin = order.rules.base if selling else order.rules.quote
    probe = order
    if order.wish.price is None:  # a market order pays what strangers ask
        probe = order.snapshot()
        probe.price = market.ask if order.side is Side.BUY else market.bid
    left = funds.free(account, coin, [*ledger.open_orders(account), probe], ledger.marks())
    if left < 0:
        raise Refused(Reason.INSUFFICIENT_FUNDS)
