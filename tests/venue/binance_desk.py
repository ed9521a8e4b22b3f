"""What Binance's rooms share: the ledger behind them, the books in front, and what reads get to see of it.

The rule: trading always meets the true ledger; reading meets it as the faults let it be seen: late, hidden or stale.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.venue.binance_book import Book
from tests.venue.binance_shapes import status_of
from tests.venue.binance_wire import Params, Refusal
from tests.venue.faults import Faults
from tests.venue.ledger import Ledger
from tests.venue.market import Market
from tests.venue.model import Account, Fill, Kind, Order, Refused

_ALPHABET = string.ascii_letters + string.digits


@dataclass(slots=True)
class Desk:
    """The state of the face, beside that of the ledger."""

    ledger: Ledger
    faults: Faults
    closed_as: str = "HALT"  # how a market that is not open calls itself: HALT, BREAK or END_OF_DAY
    order_limit: int | None = 100  # new orders in ten seconds
    in_maintenance: Callable[[], bool] = lambda: False
    books: dict[str, Book] = field(default_factory=dict)
    cancel_ids: dict[str, str] = field(default_factory=dict)  # by order: the id of its cancel
    in_match: set[str] = field(default_factory=set)  # orders that self-trade prevention ended
    updated_ms: dict[str, int] = field(default_factory=dict)  # by account: its last change
    order_times: list[int] = field(default_factory=list)

    @property
    def now(self) -> int:
        """In ms."""
        return self.ledger.now_ms()

    def new_id(self) -> str:
        """Like the ids Binance makes up where a client sends none."""
        return "".join(self.ledger.rng.choice(_ALPHABET) for _ in range(22))

    def status(self, order: Order) -> str:
        """In Binance's words."""
        return status_of(order, self.in_match)

    # --- markets ----------------------------------------------------------------------------------

    def markets(self) -> list[Market]:
        """All that are traded here."""
        return [market for (kind, _), market in self.ledger.markets.items() if kind is Kind.SPOT]

    def market(self, params: Params) -> Market:
        """The one a request must name."""
        params.need("symbol")
        return self.market_named(params.symbol() or "")

    def market_named(self, name: str) -> Market:
        """By its id."""
        try:
            return self.ledger.market(name)
        except Refused:
            raise Refusal(-1121, "Invalid symbol.") from None

    def book(self, market: Market) -> Book:
        """As it was last looked at."""
        if market.rules.id not in self.books:
            book = self.books[market.rules.id] = Book(market)
            book.refresh()
        return self.books[market.rules.id]

    def coins(self) -> list[str]:
        """Every coin that is traded or held."""
        traded = {coin for market in self.markets() for coin in (market.rules.base, market.rules.quote)}
        return sorted(traded.union(*(account.wallet for account in self.ledger.accounts.values())))

    # --- what reads show --------------------------------------------------------------------------

    def orders(self, account: Account, market: Market | None = None) -> list[Order]:
        """Orders that reads show, oldest first."""
        return [
            order
            for order in self.ledger.orders_of(account)
            if order.visible_ms <= self.now and (market is None or order.rules is market.rules)
        ]

    def open_orders(self, account: Account, market: Market | None = None) -> list[Order]:
        """Open ones, perhaps as they were a while ago."""
        orders = self.orders(account, market)
        if self.faults.strike("stale_snapshot"):
            then = self.now - self.faults.timing.stale_ms
            orders = [state for order in orders if (state := order.as_of(then)) is not None]
        return [order for order in orders if order.is_open]

    def fills(self, account: Account, market: Market) -> list[Fill]:
        """Trades that reads show, oldest first."""
        fills = self.ledger.fills_of(account, market.rules.id, Kind.SPOT)
        return sorted((fill for fill in fills if fill.visible_ms <= self.now), key=lambda fill: int(fill.id))


def named(
    orders: list[Order], params: Params, missing_both: Refusal, client_name: str = "origClientOrderId"
) -> Order | None:
    """The order that `orderId` or the client's id names: the id goes first, and of a client id the newest counts."""
    number, client_id = params.integer("orderId"), params.client_id(client_name)
    if number is None and client_id is None:
        raise missing_both
    if number is not None:
        return next((order for order in orders if order.id == str(number)), None)
    return next((order for order in reversed(orders) if order.client_id == client_id), None)
