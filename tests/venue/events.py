"""What a ledger tells its listeners.

The rule: an event carries copies where the thing itself goes on changing; accounts, positions and markets are read at
once, under the lock that is held meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.venue.market import Market
from tests.venue.model import Account, Fill, Funding, Order, Position


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order in its new state."""

    order: Order


@dataclass(frozen=True, slots=True)
class Traded:
    """An order of ours traded."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class WalletChanged:
    """Balances (total or free) of an account changed."""

    account: Account
    coins: frozenset[str]


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """A position of an account changed."""

    account: Account
    position: Position


@dataclass(frozen=True, slots=True)
class FundingPaid:
    """An account paid or was paid funding."""

    payment: Funding


@dataclass(frozen=True, slots=True)
class BookMoved:
    """The best prices of a market changed."""

    market: Market


Event = OrderChanged | Traded | WalletChanged | PositionChanged | FundingPaid | BookMoved
Listener = Callable[[Event], None]
