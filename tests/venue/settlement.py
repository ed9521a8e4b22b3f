"""How a trade changes hands: coins or a position, and the fee.

The rule: one trade of one order at a time, wholly settled before anybody is told.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.venue.model import ZERO, Account, FeeCoin, Fill, Kind, Order, Side, Status, ratio, rounded

if TYPE_CHECKING:
    from tests.venue.ledger import Ledger


def settle(ledger: Ledger, order: Order, price: Decimal, amount: Decimal, *, maker: bool) -> None:
    """Trades `amount` of an open order at `price`."""
    account = ledger.accounts[order.account]
    rate = order.rules.maker_fee if maker else order.rules.taker_fee
    cost = amount * price
    realised, closed = ZERO, ZERO
    if order.rules.kind is Kind.SPOT:
        _credit(account, order.rules.base, amount * order.side.sign)
        _credit(account, order.rules.quote, -cost * order.side.sign)
    else:
        realised, closed = _reposition(ledger, account, order, price, amount)
        _credit(account, order.rules.quote, realised)
    coin, fee = _fee(ledger, account, order, amount, cost, rate)
    _credit(account, coin, -fee)
    order.filled += amount
    order.cost += cost
    order.fees[coin] = order.fees.get(coin, ZERO) + fee
    order.status = Status.FILLED if order.remaining == 0 else Status.PARTLY_FILLED
    now = ledger.now_ms()
    ledger.traded(
        Fill(
            id=ledger.next_trade_id(order.rules.kind),
            order=order,
            at_ms=now,
            visible_ms=now + ledger.trade_lag_ms(),
            price=price,
            amount=amount,
            fee=fee,
            fee_coin=coin,
            fee_rate=rate,
            maker=maker,
            filled=order.filled,
            realised=realised,
            closed=closed,
        )
    )


def _credit(account: Account, coin: str, amount: Decimal) -> None:
    account.wallet[coin] = account.wallet.get(coin, ZERO) + amount


def _fee(
    ledger: Ledger, account: Account, order: Order, amount: Decimal, cost: Decimal, rate: Decimal
) -> tuple[str, Decimal]:
    rules = order.rules
    price = ledger.rates.get((account.fee_coin, rules.quote))
    if price is not None:
        fee = rounded(ratio(cost * rate, price))
        if account.wallet.get(account.fee_coin, ZERO) >= fee:
            return account.fee_coin, fee
    is_base = rules.kind is Kind.SPOT and rules.fee_coin is FeeCoin.RECEIVED and order.side is Side.BUY
    fee = amount * rate if is_base else cost * rate
    return rules.base if is_base else rules.quote, fee if rules.fee_unit is None else rounded(fee, rules.fee_unit)


def _reposition(
    ledger: Ledger, account: Account, order: Order, price: Decimal, amount: Decimal
) -> tuple[Decimal, Decimal]:
    """Adds to, reduces or turns a position; answers the realised profit and the amount that closed something."""
    position = ledger.position(account, order.rules.id)
    delta = amount * order.side.sign
    closed = min(amount, abs(position.amount)) if position.amount * delta < 0 else ZERO
    realised = rounded(closed * (price - position.entry) * (1 if position.amount > 0 else -1))
    after = position.amount + delta
    if closed == 0:
        position.entry = ratio(position.amount * position.entry + delta * price, after)
    elif after * position.amount < 0:
        position.entry = price  # turned
    elif after == 0:
        position.entry = ZERO
    position.created_ms = position.created_ms or ledger.now_ms()
    position.amount, position.updated_ms = after, ledger.now_ms()
    position.realised += realised
    return realised, closed
