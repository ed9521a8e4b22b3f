"""Copies of one live worker as a host deploys them: a loopback exchange, Telegram, one Postgres, a disk for each.

The rule: nothing is asserted here. The exchange's clock is the one of this machine, and each copy's requests bear its
name, so that who asked for what, and when, is the exchange's own word.
"""

import json
import math
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from tests.chaos import oracle
from tests.chaos.places import FUNDS, START, Place
from tests.flows import chat, exchanges, rows
from tests.flows.process import Bot, until
from tests.storage.postgres_server import PostgresServer
from tests.telegram.bot_api import ThreadedBotApi
from tests.venue.server import Venue
from tests.venue.witness import Call

GRID = "/linear 59200 59900 8 0.003 0.3% loop"
STANDS_BY = "stands by"
OURS = re.compile(r"^(\S+) INFO bot\.storage\.lease: the lease is ours")


class Deployment:
    """See the module's rule."""

    def __init__(self, place: Place, venue: Venue, api: ThreadedBotApi, server: PostgresServer, folder: Path) -> None:
        self.place = place
        self.venue = venue
        self.api = api
        self.server = server
        self.url = server.emptied()
        self.folder = folder
        self.owner = chat.owner_of(api)
        funds = {coin: exchanges.account(venue).wallet[coin] for coin in FUNDS}
        self.books = oracle.Case(place, venue, funds, folder / "books" / "results")
        self._count = 0
        self._copies = ExitStack()
        self._is_over = threading.Event()
        self._market = threading.Thread(target=self._wave, daemon=True)

    def copy(self, **more: str) -> Bot:
        """A new copy on a disk of its own; its requests bear its number, which is the name of its folder."""
        self._count += 1
        said = exchanges.settings(self.place, self.venue)
        options = {**json.loads(said["EXCHANGE_OPTIONS"]), "headers": {"X-Copy": str(self._count)}}
        telegram = {"TELEGRAM_BOT_TOKEN": self.api.token, "TELEGRAM_API_URL": self.api.url}
        whose = {"TELEGRAM_OWNER_IDS": str(chat.OWNER), "DATABASE_URL": self.url}
        settings = {**said, **telegram, **whose, "EXCHANGE_OPTIONS": json.dumps(options), **more}
        del settings["BOT_ID"]
        return self._copies.enter_context(Bot(self.folder / str(self._count), settings))

    def trades(self) -> Bot:
        """The first copy, once its owner has confirmed the account and made a grid that trades."""
        bot = self.copy()
        self.owner.wait_for_sync("Trade live", 30)
        self.owner.press("Trade live")
        chat.create(self.owner, GRID, 30)
        self._market.start()
        until(lambda: self.venue.ledger.fills, what="a fill")
        return bot

    def calm(self) -> None:
        """The price stays where it is from now on."""
        self._is_over.set()
        if self._market.is_alive():
            self._market.join()

    def close(self) -> None:
        self.calm()
        self._copies.close()

    def _wave(self) -> None:
        """The price goes up and down with time."""
        market, step = self.place.market(self.venue), 0
        while not self._is_over.wait(0.05):
            step += 1
            price = START - 450 + int(450 * math.sin(step * 0.15))
            market.move(price, price + 1)

    # -- who asked, and when -----------------------------------------------------------------------------------------

    def calls(self, bot: Bot) -> list[Call]:
        """What a copy asked of the exchange."""
        with self.venue.ledger.lock:
            return [call for call in self.venue.witness.calls if call.copy == bot.folder.name]

    def sent(self, bot: Bot) -> list[Call]:
        """Orders and cancels that a copy sent."""
        return [call for call in self.calls(bot) if call.method != "GET" and call.client_ids]

    def first_order(self, bot: Bot, since: int = 0, timeout: float = 40) -> Call:
        """The first order a copy sends, or the first after so many."""
        return until(lambda: self.sent(bot)[since:], timeout, "an order of the new copy")[0]

    def holder(self) -> tuple[str, float, float]:
        """Who has the lease, and for how many seconds; how many seconds a new holder has still to be silent."""
        asked = (
            "select holder, extract(epoch from expires_at - clock_timestamp())::float8, "
            "extract(epoch from quiet_until - clock_timestamp())::float8 from rexlapis_states"
        )
        ((holder, left, quiet),) = self.server.ask(asked, self.url)
        return str(holder), float(str(left)), float(str(quiet))

    # -- what was kept -----------------------------------------------------------------------------------------------

    def belief(self) -> oracle.Belief:
        """State and ledger of the database, written into files as the oracle reads them."""
        rows.into_files(self.url, self.books.folder, "live")
        return oracle.kept(self.books.folder)

    def closed(self) -> list[str]:
        """The executor of each closed trade."""
        rows = self.server.ask("select executor from rexlapis_trades", self.url)
        return [str(executor) for (executor,) in rows]

    def doubled(self) -> list[str]:
        return list(oracle.doubled(self.books, self.belief()))

    def differences(self) -> list[str]:
        return list(oracle.differences(self.books, self.belief()))


def became_holder(bot: Bot) -> float:
    """When a copy got the lease, by its own log; seconds since 1970."""
    line = next(found for line in bot.out.lines if (found := OURS.match(line)))
    return datetime.fromisoformat(line[1]).timestamp()


def stands_by(bot: Bot, timeout: float = 40) -> None:
    """Return once a copy says that it waits for the lease."""
    bot.errors.wait_for(STANDS_BY, timeout)


def freeze(bot: Bot) -> None:
    bot.signal(signal.SIGSTOP)


def thaw(bot: Bot) -> None:
    bot.signal(signal.SIGCONT)


@contextmanager
def deployed(place: Place, server: PostgresServer, folder: Path) -> Iterator[Deployment]:
    with exchanges.opened(place) as venue, ThreadedBotApi() as api:
        deployment = Deployment(place, venue, api, server, folder)
        try:
            yield deployment
        finally:
            deployment.close()
