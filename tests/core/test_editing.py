"""What an edit of a running grid does: which levels stay, which leave, what is placed, and what it binds."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from bot.core.actions import PlaceOrder
from bot.core.editing import Edit, counted, earning, edited, is_spent, is_under_way, recentred, widened
from bot.core.executor import PositionExecutor
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode, State
from bot.core.model import Leg, Position, Quote
from bot.core.portfolio import Grid
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import NO_OFFSETS
from bot.errors import CommandError
from tests.core.levels import PREFIX, QUOTED, Story
from tests.fakes import BTC, START, dec

QUOTE = Quote(BTC, dec(60_100), dec("60100.01"), START)
SPEC = GridSpec(Shape.LINEAR, BTC, dec(59_000), dec(60_000), 5, dec("0.001"), None, dec("0.5"), loop=True)
LATER = START + timedelta(minutes=1)


def made_of(spec: GridSpec, limits: Limits | None = None, quote: Quote = QUOTE) -> Preview:
    return preview(spec, QUOTED, quote, NO_OFFSETS, limits or Limits())


def grid_of(spec: GridSpec = SPEC) -> tuple[Grid, list[PositionExecutor]]:
    grid = Grid("g1", 1, spec, START, capital=made_of(spec).capital)
    return grid, [PositionExecutor(level, QUOTED, PREFIX) for level in made_of(spec).to_levels("g1")]


def at(executor: PositionExecutor, state: State) -> PositionExecutor:
    """The level, lived up to this state."""
    story = Story(executor)
    if state is State.PENDING_ENTRY:
        return executor
    entry = story.rests()
    if state is State.PLACED_ENTRY:
        return story.executor
    story.fills(entry.client_id, "0.001", str(entry.price))
    if state is State.FILLED_WAIT:
        return story.executor
    exit_ = story.rests()
    if state is State.PLACED_EXIT:
        return story.executor
    story.fills(exit_.client_id, "0.001", str(exit_.price))
    return story.executor


def after(edit: Edit) -> dict[str, PositionExecutor]:
    return {each.id: each for each in (*edit.stays, *edit.leaves)}


def numbers(executors: Iterable[PositionExecutor]) -> list[int]:
    return [each.level.number for each in executors]


# -- what stays, leaves and is placed ----------------------------------------------------------------------------------


def test_levels_that_stay_the_same_keep_their_orders_untouched() -> None:
    grid, members = grid_of()
    members = [at(each, State.PLACED_ENTRY) for each in members]
    edit = edited(grid, members, made_of(replace(SPEC, count=9)), LATER)
    assert edit.stays == tuple(members)  # the very same: nothing to keep, nothing to send
    assert (edit.keeps, edit.cancelled, edit.leaves) == (5, (), ())
    assert [level.number for level in edit.placed] == [6, 7, 8, 9]
    assert [level.entry for level in edit.placed] == [dec(p) for p in ("59125", "59375", "59625", "59875")]


def test_levels_that_vanish_have_their_entries_cancelled() -> None:
    grid, members = grid_of()
    members = [at(each, State.PLACED_ENTRY) for each in members]
    edit = edited(grid, members, made_of(replace(SPEC, count=3)), LATER)
    assert numbers(edit.stays) == [1, 3, 5]
    assert numbers(edit.cancelled) == [2, 4]
    story = Story(edit.cancelled[0])
    assert story.act().client_id == members[1].order.client_id  # type: ignore[union-attr]
    story.closes(members[1].order.client_id)  # type: ignore[union-attr]
    assert story.executor.state is State.PENDING_ENTRY
    assert "edited" in story.wish().why
    assert is_spent(story.executor)


def test_a_level_that_vanishes_while_it_holds_sells_at_its_old_exit_and_ends() -> None:
    grid, members = grid_of()
    members[1] = at(members[1], State.PLACED_EXIT)
    edit = edited(grid, members, made_of(replace(SPEC, count=3, profit_pct=dec("0.9"))), LATER)
    assert numbers(edit.leaving_holding) == [2]
    leaving = after(edit)["g1.2"]
    assert leaving.order == members[1].order
    story = Story(leaving, bid=dec(59_300))
    assert story.wish().action is None
    assert leaving.order is not None
    story.fills(leaving.order.client_id, "0.001", "59546.25")
    assert story.executor.state is State.COMPLETED
    assert story.wish().action is None
    assert not story.wish().rearm
    assert is_spent(story.executor)


def test_a_partly_filled_entry_that_vanishes_is_cancelled_and_what_it_bought_is_sold() -> None:
    grid, members = grid_of()
    story = Story(members[1])
    entry = story.rests()
    story.fills(entry.client_id, "0.0004", "59250")
    members[1] = story.executor
    edit = edited(grid, members, made_of(replace(SPEC, count=3)), LATER)
    story.executor = after(edit)["g1.2"]
    assert story.act().client_id == entry.client_id
    story.closes(entry.client_id, "0.0004")
    sale = story.places()
    assert (sale.leg, sale.amount, sale.price) == (Leg.EXIT, dec("0.0004"), dec("60100.01"))


def test_a_late_fill_of_a_cancelled_entry_is_booked_and_sold() -> None:
    grid, members = grid_of()
    members = [at(each, State.PLACED_ENTRY) for each in members]
    gone = after(edited(grid, members, made_of(replace(SPEC, count=3)), LATER))["g1.2"]
    story = Story(gone)
    cancel = story.act()
    story.closes(cancel.client_id)
    story.fills(cancel.client_id, "0.001", "59250")
    assert story.executor.books.held == dec("0.001")
    assert story.places().leg is Leg.EXIT


@pytest.mark.parametrize("state", [State.FILLED_WAIT, State.PLACED_EXIT])
def test_a_holding_level_that_stays_finishes_at_its_old_exit_and_is_new_from_then_on(state: State) -> None:
    grid, members = grid_of()
    members[4] = at(members[4], state)
    edit = edited(grid, members, made_of(replace(SPEC, profit_pct=dec(1))), LATER)
    assert numbers(edit.stays) == [1, 2, 3, 4, 5]
    assert edit.placed == ()
    assert {each.level.exit for each in edit.stays if not is_under_way(each)} < {
        level.exit for level in made_of(replace(SPEC, profit_pct=dec(1))).levels
    }
    story = Story(after(edit)["g1.5"], bid=dec(60_150))
    assert story.executor.level.exit == dec(60_300)
    if state is State.FILLED_WAIT:
        assert story.rests().price == dec(60_300)
    assert story.executor.order is not None
    story.fills(story.executor.order.client_id, "0.001", "60300")
    assert story.executor.level.exit == dec(60_600)
    assert story.executor.renewed is None


def test_a_partly_filled_entry_keeps_its_exit_for_this_cycle() -> None:
    grid, members = grid_of()
    story = Story(members[4])
    entry = story.rests()
    story.fills(entry.client_id, "0.0004", "60000")
    members[4] = story.executor
    edit = edited(grid, members, made_of(replace(SPEC, profit_pct=dec(1))), LATER)
    assert after(edit)["g1.5"].level.exit == dec(60_300)
    assert after(edit)["g1.5"].renewed is not None


def test_a_level_is_taken_back_in_by_an_edit_that_wants_it_again() -> None:
    grid, members = grid_of()
    members[1] = at(members[1], State.PLACED_EXIT)
    gone = edited(grid, members, made_of(replace(SPEC, count=3)), LATER)
    smaller = gone.grid_after()
    back = edited(smaller, after(gone).values(), made_of(SPEC), LATER)
    assert back.placed == ()
    assert all(each.left_at is None for each in back.stays)
    assert after(back)["g1.2"] == members[1]


def test_no_number_is_given_twice() -> None:
    grid, members = grid_of()
    taken = {each.level.number for each in members}
    for count in (3, 9, 2, 20, 5):
        edit = edited(grid, members, made_of(replace(SPEC, count=count)), LATER)
        fresh = {level.number for level in edit.placed}
        assert not fresh & taken
        taken |= fresh
        grid = edit.grid_after()
        members = [*(each for each in edit.stays), *(PositionExecutor(level, QUOTED, PREFIX) for level in edit.placed)]
        assert len(members) == count  # what has left is forgotten, and its numbers are not given again
    assert grid.last_number == max(taken)


def test_a_grid_out_of_numbers_can_t_be_edited() -> None:
    grid, members = grid_of()
    edit = edited(replace(grid, numbered=46_655), members, made_of(replace(SPEC, count=9)), LATER)
    assert "can name no more than 46655" in edit.problems[0]


def test_a_frozen_level_is_looked_at_before_it_is_edited_out() -> None:
    grid, members = grid_of()
    members[1] = replace(at(members[1], State.PLACED_ENTRY), frozen="it contradicts itself")
    assert "g1.2 is frozen" in edited(grid, members, made_of(replace(SPEC, count=3)), LATER).problems[0]
    assert edited(grid, members, made_of(replace(SPEC, count=9)), LATER).problems == ()


def test_a_grid_that_is_to_loop_takes_up_the_levels_that_are_done() -> None:
    grid, members = grid_of(replace(SPEC, loop=False))
    members[4] = at(members[4], State.COMPLETED)
    assert not Story(members[4]).wish().rearm
    edit = edited(grid, members, made_of(SPEC), LATER)
    assert Story(after(edit)["g1.5"]).wish().rearm


# -- money -------------------------------------------------------------------------------------------------------------


def test_what_leaving_levels_hold_is_bound_beside_the_new_grid() -> None:
    grid, members = grid_of()
    members[1] = at(members[1], State.PLACED_EXIT)
    made = made_of(replace(SPEC, count=3))
    edit = edited(grid, members, made, LATER)
    assert edit.capital_before == made_of(SPEC).capital
    assert edit.capital == made.capital + dec("59.25")
    assert edit.grid_after().capital == edit.capital


def test_what_the_grid_binds_now_may_be_used_by_the_new_one() -> None:
    grid, members = grid_of()
    members = [at(each, State.PLACED_ENTRY) for each in members]
    members[4] = at(PositionExecutor(members[4].level, QUOTED, PREFIX), State.PLACED_EXIT)
    edit = edited(grid, members, made_of(replace(SPEC, count=9)), LATER)
    all_of_it = sum((each.level.amount * each.level.entry for each in members), Decimal(0))
    assert edit.limits(Limits(free=dec(10))).free == dec(10) + all_of_it


def test_what_leaving_levels_hold_counts_against_max_exposure() -> None:
    grid, members = grid_of()
    members[1] = at(members[1], State.PLACED_EXIT)
    edit = edited(grid, members, made_of(replace(SPEC, count=3)), LATER)
    assert edit.limits(Limits(exposure=dec(200))).exposure == dec("140.75")


def test_on_a_perpetual_its_own_part_of_the_position_is_not_somebody_else_s() -> None:
    grid, members = grid_of()
    members[4] = at(members[4], State.PLACED_EXIT)
    edit = edited(grid, members, made_of(replace(SPEC, count=9)), LATER)
    there = Position(dec("0.003"), dec(60_000), dec(2), isolated=True, one_way=True)
    limits = edit.limits(Limits(free=dec(10), leverage=dec(2), position=there))
    assert limits.position is not None
    assert limits.position.amount == dec("0.002")
    assert limits.free == dec(40)  # the margin of the 60 it holds is its own


@pytest.mark.parametrize(
    ("change", "why"), [({"stop": "60100"}, "stop at once"), ({"take": "60100"}, "finish at once")]
)
def test_a_stop_or_take_that_is_reached_already_is_refused(change: dict[str, str], why: str) -> None:
    grid, members = grid_of()
    spec = replace(SPEC, **{key: dec(value) for key, value in change.items()})  # type: ignore[arg-type]
    edit = edited(grid, members, made_of(spec), LATER)
    assert why in edit.problems[0]
    reached = replace(grid, spec=spec)
    assert edited(reached, members, made_of(replace(spec, count=9)), LATER).problems == ()


def test_a_changed_stop_counts_anew_and_another_edit_leaves_it_as_it_is() -> None:
    grid, members = grid_of(replace(SPEC, stop=dec(50_000)))
    stopped = replace(grid, stop_armed=False, stop_beats=1)
    same = edited(stopped, members, made_of(replace(grid.spec, count=3)), LATER).grid_after()
    assert (same.stop_armed, same.stop_beats) == (False, 1)
    lower = edited(stopped, members, made_of(replace(grid.spec, stop=dec(49_000))), LATER).grid_after()
    assert (lower.stop_armed, lower.stop_beats) == (True, 0)


def test_an_edit_is_another_once_a_level_that_leaves_has_bought() -> None:
    grid, members = grid_of()
    members = [at(each, State.PLACED_ENTRY) for each in members]
    made = made_of(replace(SPEC, count=3))
    shown = edited(grid, members, made, LATER)
    assert not edited(grid, members, made, LATER + timedelta(seconds=9)).changed_since(shown)
    order = members[1].order
    assert order is not None
    story = Story(members[1])
    story.fills(order.client_id, "0.001", "59250")
    assert edited(grid, [members[0], story.executor, *members[2:]], made, LATER).changed_since(shown)
    story = Story(members[0])  # one that stays may fill: that changes nothing of what is to be done
    assert members[0].order is not None
    story.fills(members[0].order.client_id, "0.001", "59000")
    assert not edited(grid, [story.executor, *members[1:]], made, LATER).changed_since(shown)


def test_for_random_grids_states_and_edits_nothing_is_lost_and_nothing_doubled() -> None:
    luck = Random(11)
    for _ in range(300):
        grid, members = grid_of(_random_spec(luck))
        members = [at(each, luck.choice(list(State))) for each in members]
        for _ in range(3):
            spec = replace(_random_spec(luck), shape=grid.spec.shape)
            edit = edited(grid, members, made_of(spec), LATER)
            _check(grid, members, edit)
            grid = edit.grid_after()
            members = [*edit.stays, *edit.leaves, *(PositionExecutor(each, QUOTED, PREFIX) for each in edit.placed)]


def _random_spec(luck: Random) -> GridSpec:
    low = dec(luck.choice([58_000, 59_000, 59_500]))
    return replace(
        SPEC,
        shape=luck.choice(list(Shape)),
        minimum=low,
        maximum=low + luck.choice([500, 1000]),
        count=luck.choice([1, 3, 5, 9]),
        profit_pct=dec(luck.choice(["0.5", "0.7"])),
        loop=luck.random() < 0.5,
    )


def _check(grid: Grid, before: list[PositionExecutor], edit: Edit) -> None:
    known = after(edit)
    dropped = [each for each in before if each.id not in known]
    assert all(is_spent(each) and each.left_at is not None for each in dropped)
    for each in before:
        now = known.get(each.id, each)
        assert (now.order, now.books, now.state, now.cycle, now.attempts) == (
            each.order,
            each.books,
            each.state,
            each.cycle,
            each.attempts,
        )
        if is_under_way(each):
            assert now.level == each.level
        action = Story(now, bid=dec(57_000)).wish().action
        assert now.left_at is None or not (isinstance(action, PlaceOrder) and action.leg is Leg.ENTRY)
        assert now.left_at is None or now.mode_in(Mode.RUNNING) is Mode.FINISHING
    own = [(each.level.entry, each.level.amount) for each in edit.stays]
    own += [(level.entry, level.amount) for level in edit.placed]
    assert sorted(own) == sorted((level.entry, level.amount) for level in edit.made.accepted)
    assert not {level.number for level in edit.placed} & {each.level.number for each in before}
    assert edit.keeps + len(edit.cancelled) == sum(each.order is not None for each in known.values())


# -- common edits ------------------------------------------------------------------------------------------------------


def test_a_grid_is_recentred_as_wide_as_it_was() -> None:
    moved = recentred(replace(SPEC, stop=dec(50_000)), dec("63000.01"))
    assert (moved.minimum, moved.maximum) == (dec("62500.01"), dec("63500.01"))
    assert (moved.count, moved.stop) == (SPEC.count, dec(50_000))


def test_a_mean_moves_with_its_grid() -> None:
    spec = replace(SPEC, shape=Shape.NORMAL, mean=dec(59_200))
    assert recentred(spec, dec(60_500)).mean == dec(60_200)
    assert widened(spec, dec("0.5")).mean == dec(59_350)


def test_a_geometric_grid_is_recentred_as_wide_in_per_cent() -> None:
    spec = replace(SPEC, shape=Shape.GEOMETRIC, minimum=dec(100), maximum=dec(400))
    moved = recentred(spec, dec(1000))
    assert (moved.minimum, moved.maximum) == (dec(500), dec(2000))


@pytest.mark.parametrize("price", ["0.00001234", "2345.6789", "98765432.1"])
@pytest.mark.parametrize("shape", list(Shape))
def test_a_recentred_grid_has_its_middle_at_the_price(price: str, shape: Shape) -> None:
    spec = replace(SPEC, shape=shape, minimum=dec(price) * dec("0.8"), maximum=dec(price) * dec("0.9"))
    moved = recentred(spec, dec(price))
    assert moved.minimum < dec(price) < moved.maximum
    assert len(str(moved.minimum)) < 22


def test_a_range_is_widened_and_narrowed_around_its_middle() -> None:
    wide = widened(SPEC, dec("1.5"))
    assert (wide.minimum, wide.maximum) == (dec(58_750), dec(60_250))
    narrow = widened(SPEC, dec("0.5"))
    assert (narrow.minimum, narrow.maximum) == (dec(59_250), dec(59_750))


def test_what_would_be_no_grid_is_refused_with_a_sentence() -> None:
    with pytest.raises(CommandError, match="reach down to"):
        recentred(SPEC, dec(400))
    with pytest.raises(CommandError, match="PROFIT must be above 0"):
        earning(replace(SPEC, profit_pct=dec("0.1")), dec("-0.1"))
    with pytest.raises(CommandError, match="It has 5 levels already"):
        counted(SPEC, 5)
    assert earning(SPEC, dec("0.1")).profit_pct == dec("0.6")
    assert counted(SPEC, 10).count == 10
