"""What is true of every life: the venue's own ledger is added up anew and compared with what the bot holds true.

Rule: `doubled` holds at every moment; `differences` once nothing is under way and nothing goes wrong any more. Sums
are exact, and nothing of the product's matching or accounting is used for the truth.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from bot.core.client_ids import decode
from bot.core.executor import PositionExecutor
from bot.core.model import Leg
from bot.core.portfolio import NO_TRADES, Totals
from bot.trading.state import TradingState
from tests.chaos.places import COIN, KEY, MARKET, MONEY, WORTH, Place
from tests.flows import oracle as files
from tests.venue.model import Fill, Kind
from tests.venue.server import Venue

ZERO = Decimal(0)


@dataclass(frozen=True)
class Case:
    """A venue with what its account began with, and the folder a bot writes into."""

    place: Place
    venue: Venue
    funds: Mapping[str, Decimal]
    folder: Path


@dataclass(frozen=True)
class Belief:
    """What a bot takes for true."""

    executors: Mapping[str, PositionExecutor]
    totals: Totals
    unwritten: Iterable[str]


def believed(state: TradingState) -> Belief:
    """By a living bot."""
    return Belief(state.executors, state.total(f"all:{MONEY}"), state.unwritten)


def kept(folder: Path) -> Belief:
    """As the next start will find it."""
    tables = files.state(folder)
    executors = cast("dict[str, PositionExecutor]", tables.get("executors", {}))
    totals = cast("dict[str, Totals]", tables.get("totals", {}))
    return Belief(executors, totals.get(f"all:{MONEY}", NO_TRADES), tables.get("unwritten", {}))


def cash(fills: Iterable[Fill]) -> tuple[Decimal, Decimal]:
    """Base coins, and quote currency with fee coins at their worth, that trades brought, fees paid."""
    base = quote = ZERO
    for fill in fills:
        rules, sign = fill.order.rules, fill.order.side.sign
        base += sign * fill.amount
        quote -= sign * fill.amount * fill.price
        if fill.fee_coin == rules.base:
            base -= fill.fee
        else:
            quote -= fill.fee * (1 if fill.fee_coin == rules.quote else WORTH)
    return base, quote


# -- at every moment -----------------------------------------------------------------------------------------------


def doubled(case: Case, belief: Belief) -> Iterator[str]:
    """What no moment may show."""
    ledger = case.venue.ledger
    with ledger.lock:
        if twice := ledger.witness.duplicates():
            yield f"accepted more than once: {twice}"
        yield from (f"taker: {fill.order.client_id} {fill.amount}" for fill in ledger.fills if not fill.maker)
        yield from _bought_twice(ledger.fills, belief.executors)
        account = ledger.accounts[KEY]
        if account.wallet.get(COIN, ZERO) < ledger.locked(account, COIN):
            yield "exits rest for more than is there"
    names = Counter((line.executor, line.cycle) for line in files.ledger(case.folder))
    if twice_written := {name: count for name, count in names.items() if count > 1}:
        yield f"in the ledger more than once: {twice_written}"
    if frozen := {key: each.frozen for key, each in belief.executors.items() if each.frozen}:
        yield f"frozen: {frozen}"


def _bought_twice(fills: Iterable[Fill], executors: Mapping[str, PositionExecutor]) -> Iterator[str]:
    """A cycle's entry never buys more than its level asks for, whatever was lost on the way."""
    bought: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for fill in fills:
        key = decode(fill.order.client_id)
        if key is not None and key.leg is Leg.ENTRY:
            bought[key.owner_id, key.cycle] += fill.amount
    for (owner, cycle), amount in bought.items():
        if owner in executors and amount > executors[owner].level.amount:
            yield f"{owner} bought {amount} in cycle {cycle}"


# -- when nothing is under way -------------------------------------------------------------------------------------


def differences(case: Case, belief: Belief) -> Iterator[str]:
    """Everything about which bot and venue disagree."""
    yield from doubled(case, belief)
    with case.venue.ledger.lock:
        yield from _resting_differences(case, belief)
        yield from _book_differences(case, belief)
    for key, executor in belief.executors.items():
        if executor.awaiting is not None:
            yield f"{key} awaits {executor.awaiting}"
        if executor.order is not None and executor.order.closed is not None:
            yield f"{key} waits for trades of {executor.order}"
    if unwritten := sorted(belief.unwritten):
        yield f"not in the ledger: {unwritten}"


def _resting_differences(case: Case, belief: Belief) -> Iterator[str]:
    ledger = case.venue.ledger
    live = {order.client_id: order for order in ledger.open_orders(ledger.accounts[KEY])}
    ours = {record.client_id: record for each in belief.executors.values() for record in each.orders if record.rests}
    if live.keys() != ours.keys():
        there, here = sorted(live.keys() - ours.keys()), sorted(ours.keys() - live.keys())
        yield f"orders: {there} rest on the venue only, {here} in the books only"
    for key in live.keys() & ours.keys():
        if live[key].filled != ours[key].filled:
            yield f"{key} has traded {live[key].filled}, not {ours[key].filled}"


def _book_differences(case: Case, belief: Belief) -> Iterator[str]:
    ledger, members = case.venue.ledger, belief.executors.values()
    owned: defaultdict[str, list[Fill]] = defaultdict(list)
    for fill in ledger.fills:
        key = decode(fill.order.client_id)
        owned[key.owner_id if key is not None else ""].append(fill)
    for name, executor in belief.executors.items():
        if executor.books.held != (held := cash(owned[name])[0]):
            yield f"{name} holds {executor.books.held}, not {held}"
    base, quote = cash(ledger.fills)
    lines = files.ledger(case.folder)
    realised = sum((line.pnl for line in lines), ZERO)
    in_progress = sum((each.books.unsettled - each.books.held_cost for each in members), ZERO)
    if quote != realised + in_progress:
        yield f"cash moved by {quote}, the books say {realised + in_progress}"
    if (belief.totals.realised, belief.totals.trades) != (realised, len(lines)):
        yield f"the ledger says {realised} of {len(lines)} trades, the totals {belief.totals}"
    yield from _wallet_differences(case, base, quote)


def _wallet_differences(case: Case, base: Decimal, quote: Decimal) -> Iterator[str]:
    """The wallet is what it began with and what the trades made of it."""
    ledger = case.venue.ledger
    account = ledger.accounts[KEY]
    if case.place.kind is Kind.LINEAR:
        if (held := ledger.position(account, MARKET).amount) != base:
            yield f"the position is {held}, not {base}"
        return
    worth = sum(
        ((amount - case.funds.get(coin, ZERO)) * WORTH for coin, amount in account.wallet.items()
         if coin not in (COIN, MONEY)), account.wallet[MONEY] - case.funds[MONEY]
    )  # fmt: skip
    if (worth, account.wallet.get(COIN, ZERO)) != (quote, base):
        yield f"the wallet has changed by {worth} {MONEY} and holds {account.wallet.get(COIN)}, not {quote} and {base}"


def outcome(case: Case, belief: Belief) -> object:
    """What a life came to, apart from times, ids and attempts: trades, ledger, what rests, what is held."""
    ledger = case.venue.ledger
    trades = Counter((*_name(fill.order.client_id), fill.price, fill.amount) for fill in ledger.fills)
    lines = sorted((line.executor, line.cycle, line.qty, line.pnl) for line in files.ledger(case.folder))
    resting = sorted((*_name(order.client_id), order.price, order.remaining)
                     for order in ledger.open_orders(ledger.accounts[KEY]))  # fmt: skip
    held = {key: each.books.held for key, each in belief.executors.items()}
    return trades, lines, resting, held, belief.totals


def _name(client_id: str) -> tuple[str, int, str]:
    key = decode(client_id)
    assert key is not None
    return key.owner_id, key.cycle, key.leg.value
