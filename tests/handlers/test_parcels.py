"""What goes out next to one person, and what is known of what stands in their chat; both without a chat."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.core.accounting import RoundTrip
from bot.core.alerts import BackInRange
from bot.core.model import Side
from bot.core.snapshot import GridEnded, LevelFilled, LevelFrozen, Notice, TradeClosed, Trouble
from handlers.chat.kinds import Way, kind_of
from handlers.chat.pace import Pace
from handlers.chat.parcels import SINGLY, Digests, Item, Parcel, Slot, next_parcel
from handlers.chat.standing import MOST_ENTRIES, Standing

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ONE = Decimal(1)


def fill(executor: str = "g1.1", side: Side = Side.BUY) -> LevelFilled:
    return LevelFilled(AT, executor, "BTC/USDT", side, ONE, ONE, True, ONE, True)


def closed(executor: str = "g1.1") -> TradeClosed:
    return TradeClosed(AT, RoundTrip("g1", executor, 1, "BTC/USDT", ONE, ONE, ONE, ONE, "USDT", AT))


ENDED = GridEnded(AT, "g1", "BTC/USDT", ONE, 1, ONE)
FROZEN = LevelFrozen(AT, "g1.1", "it contradicts itself")
BACK = BackInRange(AT, "g1", "BTC/USDT", ONE, AT)


def queue(*told: Notice) -> list[Item]:
    return [(f"{number:09d}", notice) for number, notice in enumerate(told)]


def nexts(
    *told: Notice, digests: Digests | None = None, **ways: Way
) -> tuple[list[Notice], Slot | None, bool, float | None]:
    """The notices that go next, into which digest, whether silently, and else when."""
    parcel, later = next_parcel(
        queue(*told), lambda notice: ways.get(str(kind_of(notice)), Way.ON), digests or Digests()
    )
    return (parcel.notices, parcel.slot, parcel.is_silent, later) if parcel is not None else ([], None, False, later)


def test_what_is_urgent_goes_first_and_alone() -> None:
    away = Trouble(AT, "exchange", "away")
    assert nexts(*[fill()] * 50, FROZEN, away) == ([FROZEN], None, False, None)
    assert nexts(fill(), away) == ([away], None, False, None)
    assert nexts(fill(), away, trouble=Way.DIGEST)[0] == [fill()]


def test_a_few_go_one_by_one_and_a_sale_with_the_trade_it_closed() -> None:
    sale = fill(side=Side.SELL)
    assert nexts(*[fill()] * SINGLY) == ([fill()], None, False, None)
    assert nexts(sale, closed(), fill()) == ([sale, closed()], None, False, None)
    assert nexts(sale, closed("g1.2")) == ([sale], None, False, None)
    assert nexts(*[sale, closed()] * SINGLY)[1] is None  # as many messages as fit


def test_more_than_a_few_in_a_minute_are_a_digest() -> None:
    many = [fill(f"g1.{number}") for number in range(SINGLY + 1)]
    assert nexts(*many, ENDED) == (many, Slot.MINUTE, False, None)
    assert nexts(fill(), digests=Digests(lately=SINGLY)) == ([fill()], Slot.MINUTE, False, None)
    assert nexts(fill(), digests=Digests(frozenset([Slot.MINUTE]))) == ([fill()], Slot.MINUTE, False, None)


def test_a_digest_that_has_to_wait_holds_up_nothing_else() -> None:
    waits = Digests(frozenset(Slot), lambda slot: 3.0 if slot is Slot.MINUTE else 7.0)
    assert nexts(fill(), ENDED, digests=waits) == ([ENDED], None, False, None)
    assert nexts(fill(), digests=waits) == ([], None, False, 3.0)
    assert nexts(BACK, digests=waits, range=Way.DIGEST) == ([], None, False, 7.0)
    assert nexts(fill(), BACK, digests=waits, range=Way.DIGEST) == ([], None, False, 3.0)
    assert nexts() == ([], None, False, None)


def test_what_is_to_be_gathered_goes_together_whatever_its_kind() -> None:
    gathered = nexts(fill(), ENDED, BACK, fill(), fills=Way.DIGEST, range=Way.DIGEST)
    assert gathered == ([fill(), BACK, fill()], Slot.HOUR, False, None)


def test_a_digest_is_silent_where_all_of_it_is_to_be() -> None:
    many = [fill(f"g1.{number}") for number in range(SINGLY)]
    assert nexts(*many, *many, fills=Way.SILENT)[2]
    assert not nexts(*many, *many, closed(), fills=Way.SILENT)[2]
    assert nexts(ENDED, grids=Way.SILENT)[2]


def test_messages_about_entries_are_remembered_also_across_a_restart_but_not_without_end() -> None:
    standing = Standing()
    for number in range(MOST_ENTRIES + 5):
        parcel = Parcel((("1", fill(f"g1.{number}")),))
        standing.told(7, parcel, 1000 + number, AT)
    kept = {key: note for (_, key), note in standing.changes.items() if note is not None}
    assert len(kept) == MOST_ENTRIES
    again = Standing()
    again.recall(dict(sorted(kept.items())))
    for each in (standing, again):
        assert each.entry(7, [closed("g1.4")]) is None
        assert each.entry(7, [closed("g1.5")]) == 1005
        assert each.entry(8, [closed("g1.5")]) is None
    again.told(7, Parcel((("1", fill("g1.9999")),)), 5000, AT)
    assert again.entry(7, [closed("g1.5")]) is None  # the oldest, by its message
    again.told(7, Parcel((("1", closed("g1.9")),)), 5001, AT)
    assert again.entry(7, [fill("g1.9", Side.SELL)]) is None


def test_a_digest_ends_with_its_span_and_is_edited_with_pauses() -> None:
    standing = Standing()
    standing.put(7, Slot.MINUTE, 100, AT, {"x": 1}, AT)
    soon, late = AT + timedelta(seconds=3), AT + timedelta(seconds=60)
    assert standing.digests(7, soon, Pace()).wait(Slot.MINUTE) == 1.0
    assert standing.digests(7, soon, Pace()).open == {Slot.MINUTE}
    again = Standing()
    again.recall({key: note for (_, key), note in standing.changes.items()})
    window = again.window(7, Slot.MINUTE, soon)
    assert window is not None and (window.message_id, window.said) == (100, {"x": 1})
    changes = dict(standing.changes)
    standing.kept(changes)
    assert not standing.changes
    assert standing.window(7, Slot.MINUTE, late) is None
    assert list(standing.changes.values()) == [None]
