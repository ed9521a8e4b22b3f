"""A loopback exchange in a thread, a worker that trades there, and its owner at the terminal.

The rule: nothing is asserted here.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.chaos import places
from tests.chaos.places import Place
from tests.flows.process import Bot, Wanted
from tests.venue.model import Account, Order
from tests.venue.server import Venue, threaded

BRISK = {"DAILY_REPORT_AT": "", "TICK_SECONDS": "0.2"}
BUTTON = re.compile(r"\[(\d+)\] ([^\[]+)")


@contextmanager
def opened(place: Place) -> Iterator[Venue]:
    """The exchange, listening."""
    with threaded(place.open(0)) as venue:
        yield venue


def settings(place: Place, venue: Venue, **more: str) -> Mapping[str, str]:
    """The environment of a live worker there, unless `more` says otherwise."""
    return {**places.settings(place, venue, timeout_ms=5_000), **BRISK, **more}


def account(venue: Venue) -> Account:
    return venue.ledger.accounts[places.KEY]


def resting(venue: Venue) -> list[Order]:
    return venue.ledger.open_orders(account(venue))


def private(venue: Venue) -> list[str]:
    """The paths that were asked for with a key."""
    with venue.ledger.lock:
        return [call.path for call in venue.witness.calls if call.account]


class Owner:
    """Who types into a worker's terminal."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._seen = 0

    def says(self, *lines: str) -> None:
        """Type lines; only what is written after them counts as an answer."""
        self._seen = len(self._bot.out.lines)
        self._bot.say(*lines)

    def reads(self, wanted: Wanted, timeout: float = 30) -> str:
        """The first line with this in it since the last word of the owner."""
        return self._bot.out.wait_for(wanted, timeout, self._seen)

    def presses(self, label: str) -> None:
        """Press the button with this in its text that was shown last, once it is there."""
        self.reads(lambda line: any(label in text for _, text in BUTTON.findall(line)))
        shown = [number for line in self._bot.out.lines for number, text in BUTTON.findall(line) if label in text]
        self.says(f"#{shown[-1]}")

    def creates(self, command: str) -> None:
        """Lay a grid."""
        self.says(command)
        self.presses("Create")
        self.reads("created")


def started(folder: Path, place: Place, venue: Venue, **more: str) -> Bot:
    return Bot(folder, settings(place, venue, **more))
