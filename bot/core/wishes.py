"""What an executor wants now, why, and when to look again: from its state, the price, its mode and its place on the
book.

Rule: pure questions. The manager turns a wish into an intent (`PositionExecutor.begun`) before anything leaves; while
an answer is awaited nothing else is wanted.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from bot.core import band, client_ids
from bot.core.actions import CancelOrder, PlaceOrder
from bot.core.client_ids import OrderKey
from bot.core.executor import PositionExecutor
from bot.core.level import OrderRecord, Wish
from bot.core.lifecycle import ENTRY_STATES, EXIT_STATES, Mode, State
from bot.core.model import Leg, Quote, Side
from bot.core.money import ZERO
from bot.core.pricing import Offsets, follow_bound, give_way, maker_price
from bot.errors import CapacityError

MOVE_PAUSE = timedelta(seconds=10)
NO_ROOM = "waits for room on the book: nearer levels go first"
NO_PRICE = "no price to go by"
TAKEN_OFF = "left out, for a person took its order off the book"
EDITED_OUT = "its grid was edited, and has no such level any more"
TOO_FAR = "waits until the market is nearer: its price is outside the venue's band"
TOO_SMALL = "what it may buy is under the venue's minimum now"


class Moment(NamedTuple):
    """What a decision is made from besides the executor. `quote` is None while there is no price to go by, `mode` is
    the grid's, `seated` whether the order window has room for the order of this level."""

    quote: Quote | None
    now: datetime
    mode: Mode
    offsets: Offsets
    seated: bool = True


def needs_seat(executor: PositionExecutor, moment: Moment) -> tuple[Side, Decimal] | None:
    """Side and target price of the order that rests or should rest now, whether or not there is room for it."""
    order, mode = executor.order, executor.mode_in(moment.mode)
    if order is not None:
        return order.side, executor.level.entry if order.leg is Leg.ENTRY else executor.level.exit
    if executor.frozen or mode >= Mode.HALTED:
        return None
    if executor.state in ENTRY_STATES:
        waits = mode >= Mode.PAUSED or (executor.level.above_wait and not _is_above(executor, moment))
        return None if waits or _is_too_far(executor, moment) else (Side.BUY, executor.level.entry)
    if executor.state in EXIT_STATES and executor.sellable and not _is_too_far(executor, moment):
        return Side.SELL, executor.level.exit
    return None


def _is_above(executor: PositionExecutor, moment: Moment) -> bool:
    """Whether the market is above the level: a buy can rest at its very target."""
    if moment.quote is None:
        return False
    target = executor.level.entry
    return maker_price(Side.BUY, target, moment.quote, executor.market, moment.offsets) == target


def _is_too_far(executor: PositionExecutor, moment: Moment) -> bool:
    """Whether the venue would refuse an order at the target for being too far from the market."""
    if moment.quote is None:
        return False
    return band.is_outside(executor.leg.side, executor.target, moment.quote, executor.market)


def wants(executor: PositionExecutor, moment: Moment) -> Wish:
    """What should be done now. Without a quote nothing is placed or moved; cancels are still wanted."""
    mode = executor.mode_in(moment.mode)
    if executor.frozen and mode < Mode.HALTED:  # halting is a person's word, and takes its order off the book too
        return Wish(f"frozen: {executor.frozen}")
    if executor.awaiting is not None:
        return Wish(f"waiting for the answer to {executor.awaiting.kind} {executor.awaiting.client_id}")
    for late in executor.watched:
        if late.rests:
            return _cancel(executor, late, "an order that had been given up is on the book after all")
    if executor.order is not None:
        return _resting_wish(executor, executor.order, moment)
    if executor.state is State.COMPLETED:
        again = (executor.level.loop and mode <= Mode.PAUSED) or (executor.sellable and mode < Mode.HALTED)
        return Wish("next cycle", rearm=True) if again else Wish("done")
    return _placing_wish(executor, moment)


def _resting_wish(executor: PositionExecutor, order: OrderRecord, moment: Moment) -> Wish:
    if order.closed is not None:
        return Wish("waiting for the trades of an order that left the book")
    mode, quote = executor.mode_in(moment.mode), moment.quote
    is_entry = order.leg is Leg.ENTRY
    if mode >= Mode.HALTED or (is_entry and mode >= Mode.PAUSED):
        return _cancel(executor, order, f"{mode.name.lower()}: the order leaves the book")
    if not moment.seated:
        return _cancel(executor, order, "nearer levels take its place on the book")
    if order.filled:
        if not is_entry and order.amount - order.filled > executor.books.held:
            return _cancel(executor, order, "the exit is larger than what is held")
        if is_entry and executor.sellable:
            if quote is not None and quote.bid >= executor.level.exit:
                return _cancel(executor, order, "the price is at the exit of what was bought")
            return Wish("entry partly filled", rise=executor.level.exit)
        return Wish("partly filled")
    if is_entry:
        if executor.books.bought and executor.missing(order.price) < order.amount:
            return _cancel(executor, order, "an older order bought some of it")
    elif executor.sellable > order.amount or order.amount > executor.books.held:
        return _cancel(executor, order, "the exit no longer fits what is held")
    target = executor.level.entry if is_entry else executor.level.exit
    if order.price == target:
        return Wish("resting at its target")
    return _following_wish(executor, order, target, moment)


def _following_wish(executor: PositionExecutor, order: OrderRecord, target: Decimal, moment: Moment) -> Wish:
    """An order that rests short of its target moves towards it once the book has given way enough."""
    why = "resting as near to its target as the book allowed"
    quote, offsets = moment.quote, moment.offsets
    side, way = order.side, give_way(order.side, order.price, offsets)
    if abs(target - order.price) <= way:
        return Wish(why)
    bound = follow_bound(side, order.price, executor.market, offsets)
    rise, fall = (bound, None) if side is Side.BUY else (None, bound)
    if quote is None:
        return Wish(why, rise=rise, fall=fall)
    price = maker_price(side, target, quote, executor.market, offsets)
    gain = price - order.price if side is Side.BUY else order.price - price
    if gain <= way:
        return Wish(why, rise=rise, fall=fall)
    ready = (executor.placed_at or moment.now) + MOVE_PAUSE
    if moment.now < ready:
        return Wish("moves to its target soon", at=ready)
    return _cancel(executor, order, "moves nearer to its target")


def _placing_wish(executor: PositionExecutor, moment: Moment) -> Wish:
    leg, quote, offsets = executor.leg, moment.quote, moment.offsets
    mode = executor.mode_in(moment.mode)
    if leg is Leg.ENTRY and executor.left_at is not None:
        return Wish(EDITED_OUT)
    if mode >= Mode.HALTED or (leg is Leg.ENTRY and mode >= Mode.PAUSED):
        return Wish(TAKEN_OFF if executor.mode is Mode.HALTED and moment.mode < mode else mode.name.lower())
    back = executor.back
    if back is not None and moment.now < back.until and not band.has_come(leg.side, back.near, quote):
        return _near(leg.side, back.near, f"{back.reason}: {back.message}", at=back.until)
    if quote is None:
        return Wish(NO_PRICE)
    if _is_too_far(executor, moment):
        return _near(leg.side, band.edge(leg.side, executor.target, executor.market), TOO_FAR)
    if leg is Leg.ENTRY:
        if executor.level.above_wait and not _is_above(executor, moment):
            off = max(offsets.buy.at(executor.level.entry), executor.market.price_tick)
            return Wish("waits for the market to be above its level", rise=executor.level.entry + off)
        if not moment.seated:
            return Wish(NO_ROOM)
        price = maker_price(Side.BUY, executor.level.entry, quote, executor.market, offsets)
        return _place(executor, leg, price)
    if not executor.sellable:
        return Wish("what is held is under the venue's minimum")
    if not moment.seated:
        return Wish(NO_ROOM)
    price = maker_price(Side.SELL, executor.level.exit, quote, executor.market, offsets)
    return _place(executor, leg, price)


def _near(side: Side, price: Decimal | None, why: str, at: datetime | None = None) -> Wish:
    """To be looked at when the market has come to a price, from above for a buy, from below for a sale."""
    return Wish(why, at=at, fall=price) if side is Side.BUY else Wish(why, at=at, rise=price)


def _place(executor: PositionExecutor, leg: Leg, price: Decimal) -> Wish:
    if price <= ZERO:
        return Wish("no price left beside the market")
    amount = executor.missing(price) if leg is Leg.ENTRY else executor.sellable
    if leg is Leg.ENTRY and amount * price > executor.budget(price):
        return Wish(TOO_SMALL)  # the venue has raised its minimum since the level was made
    number = int(executor.level.grid[1:])
    try:
        key = OrderKey(executor.prefix, number, executor.level.number, executor.cycle, leg, executor.attempts)
        client_id = client_ids.encode(key)
    except CapacityError as error:
        return Wish(str(error))
    order = PlaceOrder(client_id, executor.id, executor.market.symbol, leg, price, amount)
    return Wish("to be placed", action=order)


def _cancel(executor: PositionExecutor, order: OrderRecord, why: str) -> Wish:
    return Wish(why, action=CancelOrder(order.client_id, executor.id, executor.market.symbol, order.leg, order.price))
