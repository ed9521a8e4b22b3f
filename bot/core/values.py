"""`evolve`: a frozen value with some fields changed, as `dataclasses.replace` does, at a quarter of its price.

Rule: for slotted dataclasses whose fields need no check of their own; nothing but the slots is copied. Folding one fill
makes half a dozen such copies, and a backtest folds millions.
"""

from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _slots(cls: Any) -> tuple[tuple[str, Any, Any], ...]:
    names = cls.__dict__["__dataclass_fields__"]
    return tuple((name, getattr(cls, name).__get__, getattr(cls, name).__set__) for name in names)


def evolve(value: T, **changes: Any) -> T:
    """A copy of `value` with these fields changed. TypeError for a field it does not have."""
    cls: Any = type(value)
    new: T = object.__new__(cls)
    for name, get, put in _slots(cls):
        put(new, changes.pop(name) if name in changes else get(value))
    if changes:
        raise TypeError(f"{cls.__name__} has no field {next(iter(changes))}")
    return new
