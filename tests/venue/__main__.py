"""A venue to trade against by hand: `python -m tests.venue --venue bybit --port 8787 [--seed N] [--faults nasty]`.

The rule: it prints the one line of JSON that points ccxt at it, and then each trade and each order that ends, until it
is interrupted. The price walks.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import random
import sys
from decimal import getcontext

from tests.venue.events import Event, OrderChanged, Traded
from tests.venue.faults import CALM, NASTY
from tests.venue.server import Venue

_VENUES = {"bybit": "tests.venue.bybit", "binance": "tests.venue.binance"}
"""Modules with a function `demo(seed, plan, port)`: a venue with markets, and an account `key` with `secret`."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _tell(event: Event) -> None:
    if isinstance(event, Traded):
        fill = event.fill
        role = "maker" if fill.maker else "taker"
        _say(f"{fill.order.rules.id} {fill.order.side} {fill.amount} at {fill.price} ({role}) {fill.order.client_id}")
    elif isinstance(event, OrderChanged) and event.order.ending:
        _say(f"{event.order.rules.id} {event.order.side} cancelled ({event.order.ending}) {event.order.client_id}")


async def _trade(venue: Venue, seed: int, every_s: float) -> None:
    async with venue:
        keys = {"apiKey": "key", "secret": "secret"}
        _say("EXCHANGE_OPTIONS=" + json.dumps({**keys, **venue.exchange_options()}, separators=(",", ":")))
        venue.ledger.subscribe(_tell)
        rng = random.Random(seed)
        while True:
            await asyncio.sleep(every_s)
            for market in venue.ledger.markets.values():
                market.walk(rng)


def main() -> None:
    """Reads the command line and runs until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.venue", description="A loopback exchange.")
    parser.add_argument("--venue", choices=sorted(_VENUES), default="bybit")
    parser.add_argument("--port", type=int, default=8787, help="0: any free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", choices=("calm", "nasty"), default="calm")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two steps of the price")
    args = parser.parse_args()
    plan = NASTY if args.faults == "nasty" else CALM
    venue: Venue = importlib.import_module(_VENUES[args.venue]).demo(seed=args.seed, plan=plan, port=args.port)
    getcontext().prec = 60  # money is exact
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_trade(venue, args.seed, args.every))


if __name__ == "__main__":
    main()
