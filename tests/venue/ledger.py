"""The true ledger: markets, accounts and one matching engine.

The rule: everything happens at a moment of `now_ms` and under one lock; whoever listens is told of each change once, in
the order of events, with copies that stay as they are. What clients get to see of it is the servers' business.

    ledger = Ledger(now_ms=clock)
    market = ledger.add_market(Rules(id="BTCUSDT", base="BTC", quote="USDT"), bid="100.0", ask="100.1")
    account = ledger.add_account("key", "secret", {"USDT": "1000"})
    order = ledger.place(account, NewOrder(market="BTCUSDT", side=Side.BUY, amount=..., price=...))  # or Refused
    market.move("99.0", "99.1")                     # fills it
    ledger.fills_of(account)

Time only passes by `now_ms`; what was put off (`later`) is done by the next `run_due`, which every call makes.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from tests.venue import checks, funds, settlement
from tests.venue.events import (
    BookMoved,
    Event,
    FundingPaid,
    Listener,
    OrderChanged,
    PositionChanged,
    Traded,
    WalletChanged,
)
from tests.venue.market import Market, Number
from tests.venue.model import (
    ZERO,
    Account,
    Actor,
    Ending,
    Fill,
    Funding,
    Kind,
    NewOrder,
    Order,
    Position,
    Reason,
    Refused,
    Rules,
    Side,
    Status,
    Tif,
    rounded,
)
from tests.venue.witness import Attempt, Witness

__all__ = [
    "BookMoved", "Event", "FundingPaid", "Ledger", "Listener", "Market", "Number", "OrderChanged", "PositionChanged",
    "Traded", "WalletChanged",
]  # fmt: skip


class Ledger:
    """The exchange itself. Options: client ids are unique for ever (`unique_for_ever`) or among open orders only; a
    post-only order that would take is refused (`refuse_takers`) or accepted and cancelled; a reduce-only order that is
    too large is refused or cut (`cut_reduce_only`); `cancel_lag_ms` from acknowledging a cancel to doing it (and to
    cancelling a post-only taker); `partial_fills`, the chance that a reached order trades in part only."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        seed: int = 0,
        *,
        unique_for_ever: bool = True,
        refuse_takers: bool = False,
        cut_reduce_only: bool = False,
        cancel_lag_ms: int = 0,
        partial_fills: float = 0.0,
        order_id: Callable[[Kind, int], str] = lambda kind, number: str(number),
        trade_id: Callable[[Kind, int], str] = lambda kind, number: str(number),
    ) -> None:
        self.now_ms = now_ms
        self.rng = random.Random(seed)
        self.unique_for_ever = unique_for_ever
        self.refuse_takers = refuse_takers
        self.cut_reduce_only = cut_reduce_only
        self.cancel_lag_ms = cancel_lag_ms
        self.partial_fills = partial_fills
        self.order_lag_ms: Callable[[], int] = lambda: 0  # from accepting an order to showing it in reads
        self.trade_lag_ms: Callable[[], int] = lambda: 0  # from a trade to showing it in reads
        self.lock = threading.RLock()
        self.witness = Witness()
        self.markets: dict[tuple[Kind, str], Market] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}  # all ever, by id
        self.fills: list[Fill] = []  # all ever
        self.fundings: list[Funding] = []
        self.rates: dict[tuple[str, str], Decimal] = {}  # (coin, quote) -> price, for fees in a third coin
        self._open: dict[str, Order] = {}
        self._named: defaultdict[tuple[str, str], list[Order]] = defaultdict(list)  # by account and client id
        self._listeners: list[Listener] = []
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._ids = itertools.count(1)
        self._order_id, self._trade_id = order_id, trade_id

    # --- setting up -------------------------------------------------------------------------------

    def add_market(self, rules: Rules, bid: Number, ask: Number) -> Market:
        """A market with its first prices."""
        market = Market(self, rules, Decimal(bid), Decimal(ask))
        self.markets[rules.kind, rules.id] = market
        return market

    def add_account(self, key: str, secret: str, balances: Mapping[str, Number]) -> Account:
        """A person with an API key and money."""
        account = Account(key, secret, {coin: Decimal(amount) for coin, amount in balances.items()})
        self.accounts[key] = account
        return account

    def subscribe(self, listener: Listener) -> None:
        """Tells `listener` every event from now on, under the lock, in the thread that caused it."""
        self._listeners.append(listener)

    def tell(self, event: Event) -> None:
        """Tells the listeners."""
        for listener in self._listeners:
            listener(event)

    def book_moved(self, market: Market) -> None:
        """Tells them of new best prices."""
        self.tell(BookMoved(market))

    # --- time -------------------------------------------------------------------------------------

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Does it after `delay_ms`; at once when that is 0."""
        if delay_ms <= 0:
            action()
        else:
            heapq.heappush(self._due, (self.now_ms() + delay_ms, next(self._ids), action))

    def run_due(self) -> None:
        """Does what was put off and has come due."""
        with self.lock:
            while self._due and self._due[0][0] <= self.now_ms():
                heapq.heappop(self._due)[2]()

    # --- orders -----------------------------------------------------------------------------------

    def place(self, account: Account, wish: NewOrder) -> Order:
        """Accepts an order (and lets it trade at once if it can), or raises Refused; the witness is told of both."""
        with self.lock:
            self.run_due()
            try:
                order = self._accept(account, wish)
            except Refused as refusal:
                self.witness.attempts.append(Attempt(self.now_ms(), account.key, wish, None, refusal.reason.value))
                raise
            self.witness.attempts.append(Attempt(self.now_ms(), account.key, wish, order.id))
            self._changed(order)
            self._begin(order)
            return order

    def place_by_hand(self, account: Account, wish: NewOrder) -> Order:
        """A person places an order on the web page."""
        wish.by = Actor.HAND
        return self.place(account, wish)

    def cancel(self, order: Order, ending: Ending = Ending.USER) -> None:
        """Cancels an open order (after `cancel_lag_ms` when a user asks); raises Refused for one that is finished."""
        with self.lock:
            self.run_due()
            if not order.is_open:
                raise Refused(Reason.FINISHED_ORDER)
            lag = self.cancel_lag_ms if ending is Ending.USER else 0
            self.later(lag, lambda: self._end(order, ending))

    def cancel_by_hand(self, order: Order) -> None:
        """A person cancels it on the web page."""
        self.cancel(order, Ending.HAND)

    def cancel_by_venue(self, order: Order, ending: Ending = Ending.VENUE) -> None:
        """The exchange cancels it for reasons of its own."""
        self.cancel(order, ending)

    def market(self, market_id: str, kind: Kind = Kind.SPOT) -> Market:
        """By its id; raises Refused for one there is not."""
        try:
            return self.markets[kind, market_id]
        except KeyError:
            raise Refused(Reason.UNKNOWN_MARKET) from None

    # --- positions --------------------------------------------------------------------------------

    def reduce_by_hand(self, account: Account, market_id: str, amount: Number | None = None) -> None:
        """A person closes (part of) a position at the market."""
        self._close(account, market_id, Actor.HAND, None if amount is None else Decimal(amount))

    def liquidate(self, account: Account, market_id: str) -> None:
        """The exchange cancels the orders of a perpetual and closes its position."""
        with self.lock:
            for order in self.open_orders(account, market_id, Kind.LINEAR):
                self._end(order, Ending.LIQUIDATION)
            self._close(account, market_id, Actor.VENUE, None)

    def _close(self, account: Account, market_id: str, by: Actor, amount: Decimal | None) -> None:
        with self.lock:
            held = self.position(account, market_id).amount
            side = Side.SELL if held > 0 else Side.BUY
            size = abs(held) if amount is None else amount
            for order in self.open_orders(
                account, market_id, Kind.LINEAR
            ):  # a closing order of the exchange goes first
                if by is Actor.HAND and order.wish.reduce_only:
                    self._end(order, Ending.REDUCE_ONLY)
            wish = NewOrder(
                market=market_id, kind=Kind.LINEAR, side=side, amount=size, tif=Tif.IOC, reduce_only=True, by=by
            )
            self.place(account, wish)

    def pay_funding(self, market_id: str, rate: Number) -> list[Funding]:
        """One funding of a perpetual: longs pay `rate` of the value to shorts (negative: the other way round)."""
        with self.lock:
            market = self.market(market_id, Kind.LINEAR)
            paid = []
            for account in self.accounts.values():
                position = account.positions.get(market_id)
                if position is None or not position.amount:
                    continue
                amount = -rounded(position.amount * market.mark * Decimal(rate))
                coin = market.rules.quote
                account.wallet[coin] = account.wallet.get(coin, ZERO) + amount
                number = self.next_trade_id(Kind.LINEAR)
                what = (self.now_ms(), amount, Decimal(rate), position.amount, market.mark)
                paid.append(Funding(number, account.key, market_id, *what))
                self.tell(FundingPaid(paid[-1]))
                self.tell(WalletChanged(account, frozenset({coin})))
            self.fundings += paid
            return paid

    # --- truth ------------------------------------------------------------------------------------

    def open_orders(self, account: Account, market_id: str = "", kind: Kind | None = None) -> list[Order]:
        """Orders that may still trade, oldest first, hidden ones too."""
        return [
            order
            for order in self._open.values()
            if order.account == account.key and market_id in ("", order.rules.id) and kind in (None, order.rules.kind)
        ]

    def orders_of(self, account: Account, client_id: str | None = None) -> list[Order]:
        """All orders ever, oldest first; or all that were accepted under one client id."""
        if client_id is not None:
            return list(self._named[account.key, client_id])
        return [order for order in self.orders.values() if order.account == account.key]

    def fills_of(self, account: Account, market_id: str = "", kind: Kind | None = None) -> list[Fill]:
        """All trades ever, oldest first, late ones too."""
        return [
            fill
            for fill in self.fills
            if fill.order.account == account.key
            and market_id in ("", fill.order.rules.id)
            and kind in (None, fill.order.rules.kind)
        ]

    def total(self, account: Account, coin: str) -> Decimal:
        """The wallet balance."""
        return account.wallet.get(coin, ZERO)

    def free(self, account: Account, coin: str) -> Decimal:
        """What may be spent."""
        return funds.free(account, coin, self.open_orders(account), self.marks())

    def locked(self, account: Account, coin: str) -> Decimal:
        """What open spot orders lock."""
        return funds.locked(coin, self.open_orders(account))

    def position(self, account: Account, market_id: str) -> Position:
        """What is held of a perpetual (amount 0: nothing); it keeps the leverage too."""
        return account.positions.setdefault(market_id, Position(market_id))

    def marks(self) -> dict[str, tuple[str, Decimal]]:
        """Quote coin and mark price of every perpetual."""
        linear = (market for market in self.markets.values() if market.rules.kind is Kind.LINEAR)
        return {market.rules.id: (market.rules.quote, market.mark) for market in linear}

    def book_of(self, market: Market) -> list[Order]:
        """Everybody's open orders on a market, oldest first."""
        return [order for order in self._open.values() if order.rules is market.rules]

    # --- matching ---------------------------------------------------------------------------------

    def _accept(self, account: Account, wish: NewOrder) -> Order:
        market = self.market(wish.market, wish.kind)
        price, amount = checks.admit(self, account, market, wish)
        now = self.now_ms()
        order = Order(
            id=self._order_id(wish.kind, next(self._ids)),
            account=account.key,
            rules=market.rules,
            wish=wish,
            created_ms=now,
            updated_ms=now,
            visible_ms=now + (self.order_lag_ms() if wish.by is Actor.API else 0),
            price=price,
            amount=amount,
        )
        checks.afford(self, account, market, order)
        self.orders[order.id] = self._open[order.id] = order
        self._named[account.key, order.client_id].append(order)
        return order

    def _begin(self, order: Order) -> None:
        """The first moments of an accepted order: doomed, taking, resting."""
        market = self.market(order.rules.id, order.rules.kind)
        if order.wish.tif is Tif.POST_ONLY and checks.crosses(market, order.side, order.price, order):
            order.doomed = True
            self.later(self.cancel_lag_ms, lambda: self._end(order, Ending.POST_ONLY))
            return
        if order.wish.tif is Tif.FOK and not checks.crosses(market, order.side, order.price, order):
            self._end(order, Ending.IOC)
            return
        self._take(market, order)
        if order.is_open and (order.wish.tif in (Tif.IOC, Tif.FOK) or order.wish.price is None):
            self._end(order, Ending.IOC)
        if order.is_open:
            self.tell(WalletChanged(self.accounts[order.account], self._coins(order)))
            self.tell(BookMoved(market))

    def _take(self, market: Market, order: Order) -> None:
        """Trades with resting orders that are better than what strangers offer, then with strangers."""
        sign = order.side.sign
        stranger = market.ask if order.side is Side.BUY else market.bid
        limit = order.price if order.wish.price is not None else stranger
        rivals = [
            rival
            for rival in self.book_of(market)
            if rival.side is not order.side and not rival.doomed and (limit - rival.price) * sign >= 0
            and (stranger - rival.price) * sign >= 0
        ]  # fmt: skip
        for rival in sorted(rivals, key=lambda rival: rival.price * sign):
            if amount := min(order.remaining, rival.remaining):
                settlement.settle(self, order, rival.price, amount, maker=False)
                settlement.settle(self, rival, rival.price, amount, maker=True)
        if order.is_open and (limit - stranger) * sign >= 0:
            whole = order.wish.tif is Tif.FOK
            settlement.settle(self, order, stranger, order.remaining if whole else self._part(order), maker=False)

    def reach(self, market: Market) -> None:
        """Lets resting orders that the market has reached trade at their own prices, the best and oldest first."""
        reached = [
            order
            for order in self.book_of(market)
            if not order.doomed and (order.price >= market.ask if order.side is Side.BUY else order.price <= market.bid)
        ]
        for order in sorted(reached, key=lambda order: -order.price * order.side.sign):
            if order.is_open:
                settlement.settle(self, order, order.price, self._part(order), maker=True)

    def _part(self, order: Order) -> Decimal:
        steps = int(order.remaining / order.rules.step)
        if steps < 2 or self.rng.random() >= self.partial_fills:
            return order.remaining
        return order.rules.step * self.rng.randint(1, steps - 1)

    def _end(self, order: Order, ending: Ending) -> None:
        if not order.is_open:
            return  # it traded before the cancel arrived
        order.status, order.ending = Status.CANCELLED, ending
        self._changed(order)
        self.tell(WalletChanged(self.accounts[order.account], self._coins(order)))

    def _coins(self, order: Order) -> frozenset[str]:
        return frozenset({order.rules.quote} | ({order.rules.base} if order.rules.kind is Kind.SPOT else set()))

    def traded(self, fill: Fill) -> None:
        """A settled trade is written down and told: the fill, the order, the wallet, the position."""
        order, account = fill.order, self.accounts[fill.order.account]
        self.market(order.rules.id, order.rules.kind).last = fill.price
        self.fills.append(fill)
        self.tell(Traded(fill))
        self._changed(order)
        self.tell(WalletChanged(account, self._coins(order) | {fill.fee_coin}))
        if order.rules.kind is Kind.LINEAR:
            position = self.position(account, order.rules.id)
            self.tell(PositionChanged(account, position))
            self._trim(account, position)

    def _trim(self, account: Account, position: Position) -> None:
        """Reduce-only orders for more than is held are cancelled, the youngest first."""
        for side in Side:
            room = max(ZERO, -position.amount * side.sign)
            for order in self.open_orders(account, position.market, Kind.LINEAR):
                if order.wish.reduce_only and order.side is side:
                    room -= order.remaining
                    if room < 0:
                        self._end(order, Ending.REDUCE_ONLY)

    def _changed(self, order: Order) -> None:
        order.updated_ms = self.now_ms()
        order.past.append(order.snapshot())
        if not order.is_open:
            self._open.pop(order.id, None)
        self.tell(OrderChanged(order.past[-1]))

    def next_trade_id(self, kind: Kind) -> str:
        """A trade id nobody had before."""
        return self._trade_id(kind, next(self._ids))
