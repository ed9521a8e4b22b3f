"""A backup in the pocket: real workers that go on from one, in place, and after their disk was wiped.

The rule: between two lives only what the test says is gone; the pinned document is found by the bot itself.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.client_ids import decode
from tests.chaos import places
from tests.flows import chat, exchanges, oracle
from tests.flows.process import STOP_SECONDS, Bot, until
from tests.telegram.bot_api import ThreadedBotApi
from tests.telegram.people import Person
from tests.telegram.world import Message
from tests.venue.server import Venue

GRID = "/linear 59000 59500 6 0.001 0.5 loop above=wait"


def is_document(message: Message) -> bool:
    return message.kind == "document"


def pinned(api: ThreadedBotApi, owner: Person) -> Message:
    """The one backup that is pinned, once it is."""
    api.wait_for_sync(lambda: len(owner.pinned) == 1 and is_document(owner.pinned[0]), 20, "a pinned backup")
    return owner.pinned[0]


def trades(bot: Bot, more: int) -> None:
    there = len(oracle.ledger(bot.results))
    until(lambda: len(oracle.ledger(bot.results)) >= there + more, 90, "closed trades")


@pytest.mark.slow
def test_a_simulated_bot_goes_on_in_place_and_after_its_disk_was_wiped(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        owner = chat.owner_of(api)
        with chat.start(tmp_path, api) as bot:
            chat.create(owner)
            trades(bot, 2)
            owner.say("/backup")
            document = owner.wait_for_sync(is_document, 20)
            trades(bot, 2)
            owner.say("/restore", reply_to=document)
            owner.wait_for_sync("Restore the backup of", 20)
            mark = owner.mark()
            pid = bot.pid
            owner.press("Restore")
            owner.wait_for_sync("I go on from the backup", 20, since=mark)
            owner.wait_for_sync("Back at", 20, since=mark)
            trades(bot, 2)
            oracle.nothing_is_doubled(bot.results)
            assert bot.pid == pid and bot.is_running
            code, seconds = bot.stop()
            assert (code, bot.errors.lines) == (0, [])
            assert seconds < STOP_SECONDS
        newest = pinned(api, owner)
        assert newest.silent and newest.id > document.id
        before = [line.executor for line in oracle.ledger(bot.results)]
        money = oracle.balances(bot.results)
        shutil.rmtree(bot.results)

        with chat.start(tmp_path, api) as bot:
            mark = owner.mark()
            owner.wait_for_sync("I go on from the backup", 20, since=mark)
            owner.wait_for_sync("Back at", 20, since=mark)
            assert [line.executor for line in oracle.ledger(bot.results)][: len(before)] == before
            trades(bot, 2)
            oracle.nothing_is_doubled(bot.results)
            assert bot.stop()[0] == 0
        assert sum(money.values()) > 0
        assert len(oracle.grids(bot.results)) == 1


@pytest.fixture
def venue() -> Iterator[Venue]:
    with exchanges.opened(places.BYBIT) as venue:
        yield venue


def live(folder: Path, api: ThreadedBotApi, venue: Venue) -> Bot:
    return Bot(folder, {**chat.settings(api), **exchanges.settings(places.BYBIT, venue)})


def begun(api: ThreadedBotApi, venue: Venue, bot: Bot) -> Person:
    """A live grid rests, and its backup is pinned."""
    owner = chat.owner_of(api)
    owner.wait_for_sync("Trade live", 30)
    owner.press("Trade live")
    chat.create(owner, GRID)
    until(lambda: len(exchanges.resting(venue)) == 6, what="six orders")
    owner.say("/backup")
    pinned(api, owner)
    return owner


def test_a_live_bot_with_a_wiped_disk_finds_its_backup_and_sends_nothing_that_rests_already(
    tmp_path: Path, venue: Venue
) -> None:
    with ThreadedBotApi() as api:
        with live(tmp_path, api, venue) as bot:
            owner = begun(api, venue, bot)
            bot.kill()
        rested = sorted(order.client_id for order in exchanges.resting(venue))
        shutil.rmtree(bot.results)
        with live(tmp_path, api, venue) as bot:
            mark = owner.mark()
            told = owner.wait_for_sync("I go on from the backup", 30, since=mark)
            assert "1 grid, 6 levels" in told.text
            owner.wait_for_sync("6 orders on the book", 30, since=mark)
            assert sorted(order.client_id for order in exchanges.resting(venue)) == rested
            market = places.BYBIT.market(venue)
            market.move("59300", "59301")  # two entries trade, and their exits follow
            until(lambda: any(decode(o.client_id).leg.value == "x" for o in exchanges.resting(venue)), what="an exit")  # type: ignore[union-attr]
            assert bot.stop()[0] == 0
        owner_of = [decode(order.client_id) for order in exchanges.resting(venue)]
        assert len({key.owner_id for key in owner_of if key is not None}) == len(owner_of) == 6


@pytest.mark.slow
def test_a_live_bot_whose_backup_is_older_than_its_last_trade_asks_and_sends_nothing_before(
    tmp_path: Path, venue: Venue
) -> None:
    with ThreadedBotApi() as api:
        with live(tmp_path, api, venue) as bot:
            owner = begun(api, venue, bot)
            places.BYBIT.market(venue).move("59300", "59301")
            owner.wait_for_sync("bought", 30)
            until(lambda: any(decode(o.client_id).leg.value == "x" for o in exchanges.resting(venue)), what="an exit")  # type: ignore[union-attr]
            bot.kill()
        rested = sorted(order.client_id for order in exchanges.resting(venue))
        shutil.rmtree(bot.results)
        with live(tmp_path, api, venue) as bot:
            mark = owner.mark()
            asked = owner.wait_for_sync("traded since", 30, since=mark)
            assert [button.text for button in asked.buttons] == ["♻️ Restore", "Go on without it"]
            places.BYBIT.market(venue).move("59310", "59311")
            owner.say("/status")
            owner.wait_for_sync(lambda message: message.from_bot, 20)
            assert sorted(order.client_id for order in exchanges.resting(venue)) == rested
            mark = owner.mark()
            owner.press("Restore", asked)
            owner.wait_for_sync("I go on from the backup", 30, since=mark)
            back = owner.wait_for_sync("Back at", 30, since=mark)
            assert "adopted" in back.text
            assert sorted(order.client_id for order in exchanges.resting(venue)) == rested
            assert bot.stop()[0] == 0
