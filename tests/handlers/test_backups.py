"""Backups in the chat: sent, pinned, looked at, refused, restored; and what an empty store does with a pinned one.

With the real application, trader and built-in market; what the worker does between two lives is told in tests/flows.
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.storage.atomic_json import SCHEMA
from bot.storage.backup import packed
from bot.trading.state import Identity
from bot.upkeep.vault import Vault
from handlers.chat.pocket import Pocket, Search
from tests.handlers.trading_stage import OWNER, Stage, play
from tests.telegram.world import Message


def is_document(message: Message) -> bool:
    return message.kind == "document"


async def sent(stage: Stage) -> Message:
    """A backup that was asked for, once it is pinned."""
    stage.owner.say("/backup")
    message = await stage.owner.wait_for(is_document)
    await stage.api.wait_for(lambda: message.pinned, what="the pin")
    return message


def data_of(message: Message) -> bytes:
    assert message.file is not None
    return message.file.data


async def replied(stage: Stage, name: str, data: bytes) -> str:
    """What /restore says to a document that somebody has sent."""
    document = stage.owner.send_document(name, data)
    stage.owner.say("/restore", reply_to=document)
    return (await stage.owner.wait_for(lambda message: message.from_bot)).text


def forgotten(stage: Stage) -> None:
    """The state is gone while the exchange went on, and a backup is looked for first."""
    state = stage.manager.state
    for name in list(state.grids):
        state.drop_grid(name)
    state.put_meta(replace(state.meta, next_grid=1))
    stage.manager.heartbeat.desks["BTC/USDT"].due.clear()
    stage.manager.inheritance.hold()


# -- sending ---------------------------------------------------------------------------------------------------------


def test_a_backup_is_one_document_without_secrets_pinned_in_place_of_the_one_before(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        first = await sent(stage)
        assert "1 grid, 20 levels (simulated)" in first.text
        plain = gzip.decompress(data_of(first)).decode()
        assert stage.api.token.partition(":")[2] not in plain
        assert "/linear" not in plain  # nothing that people wrote
        second = await sent(stage)
        await stage.api.wait_for(lambda: stage.owner.pinned == [second], what="the former pin to go")
        assert [call.params["disable_notification"] for call in stage.api.journal.calls("pinChatMessage")] == [
            "true"
        ] * 2

    play(story, tmp_path)


def test_a_pin_of_somebody_else_stays(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        note = stage.owner.say("do not forget the milk")
        stage.owner.chat.pinned.append(note.id)
        await sent(stage)
        document = await sent(stage)
        await stage.api.wait_for(lambda: len(stage.owner.pinned) == 2, what="one pin of ours")
        assert [message.id for message in stage.owner.pinned] == [note.id, document.id]

    play(story, tmp_path)


def test_once_a_day_it_comes_in_silence_and_not_while_there_is_nothing_to_keep(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        pocket = Pocket(stage.chat, stage.bot)
        stage.clock.at += timedelta(hours=1)
        await pocket.daily()
        await stage.grid()
        documents = [message for message in stage.owner.messages if is_document(message)]
        assert not documents
        for hours in (1, 22, 3):
            stage.clock.at += timedelta(hours=hours)
            await pocket.daily()
        documents = [message for message in stage.owner.messages if is_document(message)]
        assert [message.silent for message in documents] == [True, True]
        assert stage.owner.pinned == documents[1:]
        assert not [message for message in stage.viewer.messages if is_document(message)]

    play(story, tmp_path)


# -- restoring -------------------------------------------------------------------------------------------------------


def test_a_reply_shows_the_difference_asks_and_goes_on_from_it_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 5 0.001 0.5%")
        document = await sent(stage)
        await stage.grid("60000 61000 3 0.001 0.5%")
        stage.owner.say("/restore", reply_to=document)
        asked = await stage.owner.wait_for("Restore the backup of 22 Nov 11:00?")
        assert "• g1 BTC/USDT: 5 levels, 5 orders in it; 5 levels, 5 orders now" in asked.text
        assert "• g2 BTC/USDT: not in the backup, it goes, and of its 3 orders I ask you" in asked.text
        assert "Orders: 5 in it, 8 now; 5 of those in it still rest on the exchange." in asked.text
        assert stage.restored == []
        assert "begin the next from the backup" in await stage.press("Restore", "begin the next")
        (backup,) = stage.restored
        assert list(backup.grids) == ["g1"] and len(backup.executors) == 5
        assert (await stage.owner.press("Restore", asked, stale=True).wait()).alert
        assert len(stage.restored) == 1

    play(story, tmp_path)


def test_only_an_owner_may(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        for command in ("/backup", "/restore"):
            assert "Only an owner" in await stage.ask(command, person=stage.viewer)
        assert "Reply with /restore to a backup" in await stage.ask("/restore")

    play(story, tmp_path)


def test_what_is_no_whole_backup_of_this_account_is_refused_in_words(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 5 0.001 0.5%")
        good = data_of(await sent(stage))
        plain = gzip.decompress(good)
        for wrong in (
            b"PK\x03\x04",
            good[:-20],
            gzip.compress(plain[:-1]),
            gzip.compress(plain.replace(b"g1.3", b"g1.4")),
        ):
            assert "no whole backup of this bot" in await replied(stage, "rexlapis.json.gz", wrong)
        manager = stage.manager
        manager.identity, mine = Identity("tst", "bybit live 0123456789ab"), manager.identity
        told = await replied(stage, "rexlapis.json.gz", good)
        assert "belongs to simulated, not to bybit live 0123456789ab" in told
        manager.identity = mine
        assert stage.restored == []

    play(story, tmp_path)


def test_one_of_a_newer_version_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(stage: Stage) -> None:
        monkeypatch.setattr("bot.storage.atomic_json.SCHEMA", SCHEMA + 1)
        data = packed({"meta": {"meta": stage.manager.state.meta.to_record()}}, stage.clock.at)
        monkeypatch.undo()
        assert "written by a newer version" in await replied(stage, "rexlapis.json.gz", data)

    play(story, tmp_path)


def test_a_document_that_telegram_does_not_hand_out_is_refused_in_words(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "no more than 20 MB" in await replied(stage, "big.json.gz", b"x" * (20 * 1024 * 1024 + 1))
        assert not stage.api.journal.calls("getFile")

    play(story, tmp_path)


def test_a_backup_in_the_results_can_be_named(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        data = data_of(await sent(stage))
        name = "rexlapis-tst-20261122T100000Z.json.gz"
        (tmp_path / name).write_bytes(data)
        assert "Restore the backup" in await stage.ask(f"/restore {name}", "Restore")
        for wrong in ("../state.json", "/etc/passwd", "rexlapis-tst-20261122T100001Z.json.gz"):
            assert "name one in RESULTS_DIR" in await stage.ask(f"/restore {wrong}", "RESULTS_DIR")

    play(story, tmp_path)


# -- an empty store --------------------------------------------------------------------------------------------------


def test_an_empty_store_goes_on_from_the_pinned_backup_by_itself_where_nothing_traded_since(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 5 0.001 0.5%")
        await sent(stage)
        forgotten(stage)
        await Search(stage.chat, stage.bot).look()
        (backup,) = stage.restored
        assert len(backup.executors) == 5

    play(story, tmp_path)


async def restoring(stage: Stage) -> None:
    """Wait until the restoring has begun."""
    async with asyncio.timeout(10):
        while not stage.restored:
            await asyncio.sleep(0.01)


def test_where_something_traded_since_the_owner_is_asked_first_and_no_grid_is_made(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await sent(stage)
        await stage.pass_time(120)
        forgotten(stage)
        search = Search(stage.chat, stage.bot)
        for _ in range(3):
            await search.look()
        asked = await stage.owner.wait_for("traded since")
        assert stage.restored == []
        await stage.ask("/linear 60000 61000 5 0.001 0.5%", "Create")
        assert "whether there is a backup of it comes first" in await stage.press("Create", "comes first")
        stage.owner.press("Restore", asked)
        await stage.owner.wait_for("begin the next from the backup")
        await restoring(stage)

    play(story, tmp_path)


def test_the_owner_may_go_on_without_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await sent(stage)
        await stage.pass_time(120)
        forgotten(stage)
        await Search(stage.chat, stage.bot).look()
        asked = await stage.owner.wait_for("traded since")
        stage.owner.press("Go on without it", asked)
        await stage.owner.wait_for("I go on without a backup")
        await stage.owner.wait_for("made again from the orders")
        assert stage.restored == []

    play(story, tmp_path)


@pytest.mark.parametrize("has_orders", [True, False])
def test_where_the_newest_pin_is_not_ours_it_asks_for_the_file_if_the_exchange_knows_us(
    tmp_path: Path, has_orders: bool
) -> None:
    async def story(stage: Stage) -> None:
        if has_orders:
            await stage.grid("60000 61000 5 0.001 0.5%")
            document = await sent(stage)
            forgotten(stage)
        else:
            document = stage.owner.send_document("rexlapis-tst-20261122T100000Z.json.gz", b"not from the bot")
            await stage.manager.desk("BTC/USDT")
            stage.manager.inheritance.hold()
        note = stage.owner.say("/price")
        stage.owner.chat.pinned.append(note.id)
        await Search(stage.chat, stage.bot).look()
        assert stage.manager.inheritance.is_held is has_orders
        if has_orders:
            await stage.owner.wait_for("is not my backup")
            stage.owner.say("/restore", reply_to=document)
            await stage.owner.wait_for("• g1 BTC/USDT: comes back with 5 levels, 5 orders")
        assert stage.restored == []

    play(story, tmp_path)


def test_without_any_pin_it_asks_the_exchange_and_without_an_answer_it_waits(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.manager.inheritance.hold()
        search = Search(stage.chat, stage.bot)
        stage.api.faults.down("getChat")
        await search.look()
        assert stage.manager.inheritance.is_held
        stage.api.faults.clear()
        await search.look()
        assert not stage.manager.inheritance.is_held

    play(story, tmp_path)


def test_a_pretend_exchange_that_went_with_the_disk_comes_back_from_the_backup_or_everything_begins_anew(
    tmp_path: Path,
) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await sent(stage)
        stage.chat.vault = Vault(stage.manager, tmp_path, stage.restored.append, is_exchange_new=True)
        forgotten(stage)
        await Search(stage.chat, stage.bot).look()
        assert stage.restored == []  # this one had no file to bring
        assert not stage.manager.inheritance.is_held

    play(story, tmp_path)


def test_the_owner_is_the_one_in_the_settings(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await sent(stage)
        pin = await Pocket(stage.chat, stage.bot).newest()
        assert pin is not None and pin.person_id == OWNER and pin.document is not None

    play(story, tmp_path)
