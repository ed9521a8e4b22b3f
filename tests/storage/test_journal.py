"""The journal on its own: what is at its end, and what that means."""

from pathlib import Path

import pytest

from bot.storage.journal import Journal, line, read_journal, replay


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of generation 3 with two records."""
    journal = Journal(tmp_path / "state.journal")
    journal.begin(3, "history", 0)
    journal.append([("chat", "a", b'{"id":"a","value":1}')])
    journal.append([("chat", "b", b'{"id":"b","value":2}'), ("chat", "a", None)])
    journal.close()
    return tmp_path / "state.journal"


def test_a_record_is_all_of_its_changes(path: Path) -> None:
    found = read_journal(path)
    assert (found.generation, found.history, len(found.records), found.is_complete) == (3, "history", 2, True)
    tables: dict[str, dict[str, dict[str, object]]] = {}
    replay(found.records[:1], tables)
    assert tables == {"chat": {"a": {"id": "a", "value": 1}}}
    for _ in range(2):  # whole puts and removals may be applied again
        replay(found.records, tables)
        assert tables == {"chat": {"b": {"id": "b", "value": 2}}}


def test_an_end_that_was_cut_off_is_torn_and_one_of_full_length_is_doubtful(path: Path) -> None:
    whole, next_line = path.read_bytes(), line(b"[3,3,[],[]]")
    for size in range(1, len(next_line)):
        path.write_bytes(whole + next_line[:size])
        found = read_journal(path)
        assert (found.torn, found.doubtful, found.size, len(found.records)) == (True, False, len(whole), 2)
    path.write_bytes(whole + next_line.replace(b"3,3", b"3,4"))
    found = read_journal(path)
    assert (found.torn, found.doubtful, found.size, len(found.records)) == (False, True, len(whole), 2)


@pytest.mark.parametrize("garbage", [b"\x00" * 512, b"\xff" * 40])
def test_an_end_that_says_nothing_is_doubtful(path: Path, garbage: bytes) -> None:
    path.write_bytes(path.read_bytes() + garbage)
    assert read_journal(path).doubtful


def test_every_flip_before_the_last_record_is_damage(path: Path) -> None:
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for position in range(last):
        flipped = bytearray(whole)
        flipped[position] ^= 4
        path.write_bytes(flipped)
        assert read_journal(path).damage, position
    for position in range(last, len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 4
        path.write_bytes(flipped)
        found = read_journal(path)
        assert found.damage or found.doubtful, position


def test_a_journal_that_is_resumed_cuts_off_what_is_not_whole(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + b"0000")
    journal = Journal(path)
    journal.resume(read_journal(path))
    journal.append([("chat", "c", b'{"id":"c","value":3}')])
    journal.close()
    found = read_journal(path)
    assert path.read_bytes().startswith(whole)
    assert (len(found.records), found.is_complete) == (3, True)


def test_no_journal_is_dropped_when_another_begins(path: Path) -> None:
    journal = Journal(path)
    journal.resume(read_journal(path))
    for generation in range(4, 8):
        journal.begin(generation, "history", journal.count)
    journal.close()
    names = ["state.journal", *(f"state.journal.{n}" for n in range(1, 5))]
    assert [read_journal(path.with_name(name)).generation for name in names] == [7, 6, 5, 4, 3]
