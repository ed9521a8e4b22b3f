"""What we want from the exchange, in the imperative. An action is durable before it leaves."""

from dataclasses import dataclass
from decimal import Decimal

from bot.core.model import Leg, Side


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A limit order; post-only unless it is a sale a person confirmed (`taker`: immediate or cancel)."""

    client_id: str
    owner_id: str
    symbol: str
    leg: Leg
    price: Decimal
    amount: Decimal
    taker: bool = False

    @property
    def side(self) -> Side:
        return self.leg.side


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Take an order of ours off the book."""

    client_id: str
    owner_id: str
    symbol: str
    leg: Leg
    price: Decimal


Action = PlaceOrder | CancelOrder


def urgency(action: Action, price: Decimal) -> tuple[int, Decimal]:
    """Sort key: cancels before sales before entries, and nearest to the price first."""
    rank = 0 if isinstance(action, CancelOrder) else 2 if action.leg is Leg.ENTRY else 1
    return rank, abs(action.price - price)
