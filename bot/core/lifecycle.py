"""The whole state machine as one table, and the modes that stand beside it.

Rule: triggers speak of the current cycle's current leg; a missing cell raises. Which trigger an event selects is
decided in `executor.py`, by quantities, never by the exchange's status word.
"""

from collections.abc import Iterator
from enum import IntEnum, StrEnum

from bot.errors import IllegalTransition


class State(StrEnum):
    """Where a level stands in its cycle."""

    PENDING_ENTRY = "PENDING_ENTRY"
    PLACED_ENTRY = "PLACED_ENTRY"
    FILLED_WAIT = "FILLED_WAIT"
    PLACED_EXIT = "PLACED_EXIT"
    COMPLETED = "COMPLETED"


class Trigger(StrEnum):
    """What became of the current leg."""

    PLACED = "placed"
    PARTLY_FILLED = "partly filled"
    FILLED = "filled"
    LOST = "lost"
    REARMED = "re-armed"


class Mode(IntEnum):
    """What a grid or an executor may do; where the two differ the stricter one, the larger number, holds."""

    RUNNING = 0
    PAUSED = 1  # entries leave the book, exits are placed and stay
    FINISHING = 2  # as paused, and no next cycle
    HALTED = 3  # nothing is placed, nothing rests
    ENDED = 4  # as halted, for good; coins that are kept stand in the books


OUTRAN = {
    (State.PENDING_ENTRY, Trigger.PARTLY_FILLED): State.PLACED_ENTRY,
    (State.PENDING_ENTRY, Trigger.FILLED): State.FILLED_WAIT,
    (State.FILLED_WAIT, Trigger.PARTLY_FILLED): State.PLACED_EXIT,
    (State.FILLED_WAIT, Trigger.FILLED): State.COMPLETED,
}
"""The fill outran the acknowledgement of its order, or came without an order of its own (a stray, a closing sale)."""

TRANSITIONS = {
    (State.PENDING_ENTRY, Trigger.PLACED): State.PLACED_ENTRY,
    (State.PENDING_ENTRY, Trigger.LOST): State.PENDING_ENTRY,
    (State.PLACED_ENTRY, Trigger.PARTLY_FILLED): State.PLACED_ENTRY,
    (State.PLACED_ENTRY, Trigger.FILLED): State.FILLED_WAIT,
    (State.PLACED_ENTRY, Trigger.LOST): State.PENDING_ENTRY,
    (State.FILLED_WAIT, Trigger.PLACED): State.PLACED_EXIT,
    (State.FILLED_WAIT, Trigger.LOST): State.FILLED_WAIT,
    (State.PLACED_EXIT, Trigger.PARTLY_FILLED): State.PLACED_EXIT,
    (State.PLACED_EXIT, Trigger.FILLED): State.COMPLETED,
    (State.PLACED_EXIT, Trigger.LOST): State.FILLED_WAIT,
    (State.COMPLETED, Trigger.REARMED): State.PENDING_ENTRY,
    **OUTRAN,
}

ENTRY_STATES = frozenset({State.PENDING_ENTRY, State.PLACED_ENTRY})
EXIT_STATES = frozenset({State.FILLED_WAIT, State.PLACED_EXIT})


def step(state: State, trigger: Trigger) -> State:
    """The state after a trigger. IllegalTransition where the table has no cell."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise IllegalTransition(f"{state} can't be {trigger}") from None


def diagram() -> Iterator[str]:
    """The table as a Mermaid state diagram, line by line; dotted notes mark what outran its acknowledgement."""
    yield "stateDiagram-v2"
    yield "    [*] --> PENDING_ENTRY"
    for (state, trigger), target in sorted(
        TRANSITIONS.items(), key=lambda cell: (list(State).index(cell[0][0]), cell[0][1])
    ):
        star = " *" if (state, trigger) in OUTRAN else ""
        yield f"    {state} --> {target}: {trigger}{star}"
    yield "    COMPLETED --> [*]"
