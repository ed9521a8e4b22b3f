"""The atomic TinyDB storage on its own."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from tinydb import TinyDB, where

from bot.errors import StateCorrupt, StateUnwritable
from bot.storage.atomic_json import AtomicJSONStorage


def database(path: Path) -> TinyDB:
    return TinyDB(path, storage=AtomicJSONStorage)


def test_what_tinydb_writes_it_reads_back_under_its_own_numbers(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with database(path) as db:
        for name in "abc":
            db.table("chat").insert({"id": name})
        db.table("chat").remove(where("id") == "b")
        db.table("about")
    with database(path) as db:
        assert {each.doc_id: each["id"] for each in db.table("chat")} == {1: "a", 3: "c"}
        assert db.table("chat").insert({"id": "d"}) == 4
    assert (tmp_path / "state.json.2").exists()
    assert not (tmp_path / "state.json.3").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"chat":{"1":{"id":"a"}}}', b"\x00" * 4096])
def test_a_file_without_its_seal_is_corrupt_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with database(path) as db, pytest.raises(StateCorrupt, match=r"state\.json .*checksum.*Remedy"):
        db.tables()
    with database(path) as db, pytest.raises(StateCorrupt):
        db.insert({"id": "a"})
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "Input/output")]
)
def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "state.json"
    AtomicJSONStorage(path).write({"chat": {"1": {"id": "a"}}})
    before = path.read_bytes()

    def broken(fd: int, data: bytes = b"") -> NoReturn:
        raise OSError(number, os.strerror(number))

    for storage in (AtomicJSONStorage(path, write=broken), AtomicJSONStorage(path, sync=broken)):
        with pytest.raises(StateUnwritable, match=rf"state\.json.*{words}.*Remedy"):
            storage.write({"chat": {}})
        assert path.read_bytes() == before
        assert [each.name for each in tmp_path.iterdir()] == ["state.json"]
