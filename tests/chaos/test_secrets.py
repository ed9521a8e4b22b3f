"""No secret is ever seen: not on the screen, in a log, in a file or in a message, whatever goes wrong.

Rule: the real worker at LOG_LEVEL=DEBUG, on a loopback exchange that fails in every way and quotes what it was sent,
commanded over a loopback Telegram; each secret is a word that occurs nowhere else.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.chaos.places import BINANCE, BYBIT, START, Place, settings
from tests.flows import chat
from tests.flows.process import Bot, until
from tests.telegram.bot_api import ThreadedBotApi
from tests.venue.faults import AFTER, BEFORE, PUBLIC
from tests.venue.server import Venue, threaded

API_KEY, API_SECRET = "CanaryKeyQ7w8E9r0T1", "CanarySecretZ3x4C5v6B7n8M9a0S1d2F3g4H5"
PASSWORD, WATCHER, DATABASE = "CanaryPassword-J6k7", "CanaryWatcher-L8p9", "CanaryDatabase-O1i2"
TOKEN = "987654321:CanaryTokenU3y4T5r6E7w8Q9a0S1d2F3g4H"
CANARIES = (API_KEY, API_SECRET, PASSWORD, WATCHER, DATABASE, TOKEN.partition(":")[2])
GRID = "/linear 59200 59800 3 0.003 0.5 loop"
ALL_AT_ONCE = {name for name in (*BEFORE, *AFTER) if name not in ("rate_limited", "maintenance")}
PATIENCE = 60.0
"""After a refusal of its own the bot is silent for a while."""


def secrets(place: Place, venue: Venue, api: ThreadedBotApi) -> dict[str, str]:
    """The settings, with a word in every place that is secret."""
    keys = {"EXCHANGE_API_KEY": API_KEY, "EXCHANGE_API_SECRET": API_SECRET, "EXCHANGE_API_PASSWORD": PASSWORD}
    others = {"HEARTBEAT_URL": f"http://127.0.0.1:9/{WATCHER}", "LOG_LEVEL": "DEBUG", "TICK_SECONDS": "0.2"}
    return chat.settings(api, **{**settings(place, venue, timeout_ms=300), **keys, **others})


def spoiled(venue: Venue) -> None:
    """Any reply may be lost, late, half or nonsense."""
    venue.faults.timing.hang_s = 0.5
    venue.faults.use({(name, "*"): 0.04 for name in ALL_AT_ONCE})


def mis_signed(venue: Venue) -> None:
    """The venue says which text it would have signed: the key stands in it."""
    venue.faults.use({})
    venue.ledger.accounts[API_KEY].secret = "another"


def expired(venue: Venue) -> None:
    """The key is refused."""
    account = venue.ledger.accounts[API_KEY]
    account.secret, account.expires_ms = API_SECRET, 1


def too_many(venue: Venue) -> None:
    """Requests are refused for being too many."""
    account = venue.ledger.accounts[API_KEY]
    account.expires_ms = None
    venue.faults.next("rate_limited")


def closed(venue: Venue) -> None:
    """For maintenance."""
    venue.faults.next("maintenance")


def refused(venue: Venue, since: int) -> int:
    """Private requests that were answered, but not with a yes."""
    return sum(call.kind != PUBLIC and call.code not in ("0", "") for call in venue.witness.calls[since:])


def everything_seen(folder: Path, bot: Bot, api: ThreadedBotApi) -> Iterator[tuple[str, str]]:
    """All that anybody could read, with its place."""
    yield "stdout", bot.out.text
    yield "stderr", bot.errors.text
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("utf-8", "replace")
    for call in api.journal.calls():
        yield f"a call of {call.method}", str(call.params)


def nothing_is_seen(place: Place, folder: Path, *troubles: Callable[[Venue], None]) -> None:
    venue = place.open(5)
    venue.ledger.add_account(API_KEY, API_SECRET, {"USDT": "100000"})
    with threaded(venue), ThreadedBotApi(TOKEN) as api:
        owner = chat.owner_of(api)
        with Bot(folder, secrets(place, venue, api)) as bot:
            owner.wait_for_sync("Trade live?", 20)
            owner.press("Trade live")
            chat.create(owner, GRID)
            until(lambda: len(venue.ledger.orders) >= 3, what="orders")
            for trouble in troubles:
                before = len(venue.witness.calls)
                trouble(venue)
                for step in itertools.count():
                    place.market(venue).move(START - 300 * (step % 4) - 1, START - 300 * (step % 4))
                    time.sleep(0.1)
                    if (step > 20 or trouble is not spoiled) and refused(venue, before):
                        break
                    assert step < PATIENCE * 10, trouble.__name__
                owner.say("/status")
                owner.wait_for_sync("g1", 20)
            code, _ = bot.stop()
        assert code == 0
        seen = list(everything_seen(folder, bot, api))
    assert {"ops.log", "stdout"} <= {name for name, _ in seen}
    assert venue.faults.met
    found = [
        (where, canary, text[max(0, at - 120) : at + 60])
        for where, text in seen
        for canary in CANARIES
        if (at := max(text.find(canary), text.find(quote(canary, safe="")))) >= 0
    ]
    assert found == []


def test_no_secret_is_seen_anywhere_whatever_goes_wrong(tmp_path: Path) -> None:
    nothing_is_seen(BYBIT, tmp_path, spoiled, mis_signed)


@pytest.mark.slow
@pytest.mark.parametrize("place", [BYBIT, BINANCE], ids=str)
def test_no_secret_is_seen_in_any_refusal(place: Place, tmp_path: Path) -> None:
    nothing_is_seen(place, tmp_path, spoiled, mis_signed, expired, too_many, closed)


def test_a_setting_that_is_refused_is_not_repeated(tmp_path: Path) -> None:
    said = {"DATABASE_URL": f"postgresql://user:{DATABASE}@localhost/db", "EXCHANGE_API_KEY": API_KEY}
    with Bot(tmp_path, {**said, "EXCHANGE": "bybit", "EXCHANGE_MODE": "live"}) as bot:
        assert bot.wait() == 2
    assert bot.errors.lines
    assert not [canary for canary in CANARIES if canary in bot.errors.text + bot.out.text]
