"""The state machine is the table of HOUSE.md, cell for cell, and nothing else."""

import itertools

import pytest

from bot.core.lifecycle import OUTRAN, TRANSITIONS, State, Trigger, diagram, step
from bot.errors import IllegalTransition, ProtocolError

TABLE = """
| from | placed | partly filled | filled | lost | re-armed |
| PENDING_ENTRY | PLACED_ENTRY | PLACED_ENTRY* | FILLED_WAIT* | PENDING_ENTRY | |
| PLACED_ENTRY | | PLACED_ENTRY | FILLED_WAIT | PENDING_ENTRY | |
| FILLED_WAIT | PLACED_EXIT | PLACED_EXIT* | COMPLETED* | FILLED_WAIT | |
| PLACED_EXIT | | PLACED_EXIT | COMPLETED | FILLED_WAIT | |
| COMPLETED | | | | | PENDING_ENTRY |
"""


def cells() -> dict[tuple[State, Trigger], str]:
    """The table as HOUSE.md prints it: (state, trigger) -> target, `*` kept."""
    head, *rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in TABLE.strip().splitlines()]
    triggers = [Trigger(name) for name in head[1:]]
    found: dict[tuple[State, Trigger], str] = {}
    for name, *targets in rows:
        found |= {(State(name), trigger): target for trigger, target in zip(triggers, targets, strict=True) if target}
    return found


def test_the_table_equals_the_one_of_the_house_cell_for_cell() -> None:
    assert {cell: str(target) for cell, target in TRANSITIONS.items()} == {
        cell: target.rstrip("*") for cell, target in cells().items()
    }


def test_the_stars_mark_what_outran_its_acknowledgement() -> None:
    assert set(OUTRAN) == {cell for cell, target in cells().items() if target.endswith("*")}


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(State, Trigger)))
def test_a_cell_leads_where_it_says_and_a_missing_one_raises(state: State, trigger: Trigger) -> None:
    target = cells().get((state, trigger))
    if target is not None:
        assert step(state, trigger) is State(target.rstrip("*"))
        return
    with pytest.raises(IllegalTransition, match=f"{state} can't be {trigger}") as raised:
        step(state, trigger)
    assert isinstance(raised.value, ProtocolError)


def test_the_diagram_lists_each_cell_once_and_nothing_else() -> None:
    head, start, *arrows, end = diagram()
    assert head == "stateDiagram-v2"
    assert start.strip() == "[*] --> PENDING_ENTRY"
    assert end.strip() == "COMPLETED --> [*]"
    expected = {
        f"{state} --> {target.rstrip('*')}: {trigger}{' *' if target.endswith('*') else ''}"
        for (state, trigger), target in cells().items()
    }
    assert {arrow.strip() for arrow in arrows} == expected
    assert len(arrows) == len(expected)
