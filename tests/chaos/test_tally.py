"""What several processes have counted adds up."""

from pathlib import Path

from tests.chaos.tally import Story, Tally, read


def test_what_was_written_is_read_as_one_sum(tmp_path: Path) -> None:
    for number in (1, 2):
        part = Tally()
        wrong = ["lost"] if number == 2 else []
        part.add(Story(f"seed {number}", wrong, 1, 2, 1, 4, 50, {"reply_lost": number}))
        part.write(tmp_path / "table")
    whole = read(tmp_path / "table")
    assert whole.counts["runs"] == 2
    assert whole.faults == {"reply_lost": 3}
    assert whole.violations == ["seed 2: lost"]
    assert "reply_lost                 3" in whole.table()
