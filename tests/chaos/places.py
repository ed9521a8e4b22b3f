"""The exchanges chaos is made on: a face with one market and one account, as a bot is pointed at it.

Rule: data and construction only; fees in a third coin, partial fills and open-order limits are real venues' own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venue.binance import BinanceVenue
from tests.venue.bybit import BybitVenue
from tests.venue.market import Market
from tests.venue.model import Kind
from tests.venue.server import Clock, Venue

KEY, SECRET = "key", "secret"
MARKET, COIN, MONEY = "BTCUSDT", "BTC", "USDT"
FUNDS = {MONEY: "1000000"}
START = Decimal(60_000)
FEE_UNIT = Decimal("1e-8")
"""Of Binance: what it charges is what it says."""
WORTH = Decimal(600)
"""What a BNB costs, all the time."""


@dataclass(frozen=True, slots=True)
class Place:
    """An exchange and the market that is traded there."""

    name: str
    exchange: str
    symbol: str
    kind: Kind = Kind.SPOT
    fee_coin: str = ""

    def __str__(self) -> str:
        return self.name

    def open(self, seed: int, clock: Clock | None = None, **rules: Any) -> Venue:
        """A venue of this kind that does not listen yet, with its market and its account."""
        venue: BinanceVenue | BybitVenue
        funds = dict(FUNDS)
        if self.exchange == "binance":
            venue = BinanceVenue(seed=seed, clock=clock)
            venue.weight_limit = venue.desk.order_limit = None  # a minute of theirs is a blink here
            venue.add_spot(
                MARKET, bid=START, ask=START + 1, **{"step": Decimal("0.00001"), "fee_unit": FEE_UNIT, **rules}
            )
            venue.add_spot("BNBUSDT", bid=WORTH, ask=WORTH + 1)
        else:
            venue = BybitVenue(seed=seed, clock=clock)
            add = venue.add_linear if self.kind is Kind.LINEAR else venue.add_spot
            add(MARKET, bid=START, ask=START + 1, **rules)
        account = venue.ledger.add_account(KEY, SECRET, funds)
        if self.fee_coin:
            account.fee_coin, account.wallet[self.fee_coin] = self.fee_coin, Decimal(100)
            venue.ledger.rates[self.fee_coin, MONEY] = WORTH
        return venue

    def market(self, venue: Venue) -> Market:
        return venue.ledger.market(MARKET, self.kind)


BINANCE = Place("binance", "binance", "BTC/USDT")
BINANCE_BNB = Place("binance, fees in BNB", "binance", "BTC/USDT", fee_coin="BNB")
BYBIT = Place("bybit", "bybit", "BTC/USDT")
BYBIT_LINEAR = Place("bybit perpetual", "bybit", "BTC/USDT:USDT", Kind.LINEAR)


def options(venue: Venue, *, streams: bool = True, timeout_ms: int = 80) -> dict[str, Any]:
    """What EXCHANGE_OPTIONS say: where the venue is, and that nobody waits long for it."""
    said = venue.exchange_options()
    extra = {"streams": streams, "ws": {"compress": 0}}
    return {**said, "rateLimit": 0.01, "timeout": timeout_ms, "options": {**said.get("options", {}), **extra}}


def settings(
    place: Place, venue: Venue, *, streams: bool = True, timeout_ms: int = 80, **more: str
) -> Mapping[str, str]:
    """The environment of a bot that trades there."""
    return {
        "EXCHANGE": place.exchange,
        "EXCHANGE_MODE": "live",
        "EXCHANGE_API_KEY": KEY,
        "EXCHANGE_API_SECRET": SECRET,
        "EXCHANGE_OPTIONS": json.dumps(options(venue, streams=streams, timeout_ms=timeout_ms)),
        "SYMBOL": place.symbol,
        "BOT_ID": "abc",
        **more,
    }
