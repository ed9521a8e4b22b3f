"""`evolve`: a frozen value with some fields changed, as `dataclasses.replace` does, at a quarter of its price.

Rule: for slotted dataclasses whose fields need no check of their own; nothing but the slots is copied. Folding one fill
makes half a dozen such copies, and a backtest folds millions.
"""

from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def _slots(cls: Any) -> tuple[tuple[tuple[Any, Any], ...], dict[str, Any]]:
    members = {name: getattr(cls, name) for name in cls.__dict__["__dataclass_fields__"]}
    both = tuple((member.__get__, member.__set__) for member in members.values())
    return both, {name: member.__set__ for name, member in members.items()}


def evolve(value: T, **changes: Any) -> T:
    """A copy of `value` with these fields changed. KeyError for a field it does not have."""
    cls: Any = type(value)
    both, setters = _slots(cls)
    new: T = object.__new__(cls)
    for get, put in both:
        put(new, get(value))
    for name, changed in changes.items():
        setters[name](new, changed)
    return new
