"""Core things as records, and back: the one place that knows how a stored thing is spelt.

Rule: exact both ways. Decimals are strings, times ISO in UTC, enums their value (numbered ones their name); a field
that stands at its default is left out, so a field that is added later, with a default, reads from older records.
A field, class or enum value this version does not know is StateNewer: guessing would lose what it says.
Converters are built once per class from its type hints; after that nothing is looked up by type.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

from bot.core.accounting import RoundTrip
from bot.core.alerts import ALERTS
from bot.core.curve import Point
from bot.core.executor import PositionExecutor
from bot.core.flows import BookedFill, Flow
from bot.core.margin import Standing
from bot.core.model import Market
from bot.core.portfolio import Grid, Totals
from bot.core.snapshot import Notice
from bot.errors import StateCorrupt, StateNewer

Record = dict[str, Any]

TYPES: Mapping[str, type] = {
    "markets": Market,
    "grids": Grid,
    "executors": PositionExecutor,
    "totals": Totals,
    "standings": Standing,
    "unwritten": RoundTrip,
    "closed": RoundTrip,  # in backups alone
    "fills": BookedFill,
    "flows": Flow,
    "points": Point,
    "outbox": Notice,
}
"""What the tables hold; every table not named here holds plain JSON values."""

ID, VALUE, NOTICE, SYMBOL = "id", "value", "notice", "symbol"

_UNREADABLE = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Converter:
    """Both ways of one type. `encode` is None where the value is its own record."""

    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any]


# -- the two ways, for a store -----------------------------------------------------------------------------------


def to_record(table: str, key: str, thing: object) -> Record:
    """The record of a thing under its id, ready for JSON. TypeError when the table holds another type."""
    kind = TYPES.get(table)
    if kind is None:
        return {ID: key, VALUE: thing}
    if not isinstance(thing, kind):
        raise TypeError(f"table {table} holds {kind.__name__}, not {type(thing).__name__}")
    record: Record = {ID: key}
    if kind is Notice:
        record[NOTICE] = type(thing).__name__
    elif isinstance(thing, PositionExecutor):
        record[SYMBOL] = thing.market.symbol
    elif isinstance(thing, Grid) and thing.id != key:
        raise ValueError(f"grid {thing.id} can't be kept as {key}")
    own: Any = type(thing)
    record |= _shape(own).encode(thing)
    return record


def compact(record: Mapping[str, Any]) -> bytes:
    """A record as JSON to be kept in memory: orjson's own bytes hold on to 4 kB of working space each."""
    return b"%b" % orjson.dumps(record)


def from_record(table: str, record: Mapping[str, Any], markets: Mapping[str, Market]) -> object:
    """The thing a record tells of; executors find their market in `markets`.

    StateCorrupt when the record can't be right, StateNewer when it holds what this version does not know.
    """
    name = f"{table} {record.get(ID)}"
    try:
        return _thing(table, record, markets)
    except StateNewer as error:
        raise StateNewer(f"{name}: {error}") from None
    except _UNREADABLE as error:
        why = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise StateCorrupt(f"{name} can't be read: {why}") from error


def _thing(table: str, record: Mapping[str, Any], markets: Mapping[str, Market]) -> object:
    kind = TYPES.get(table)
    if kind is None:
        return record[VALUE]
    rest = dict(record)
    key = rest.pop(ID)
    if kind is Notice:
        return _shape(_notice_class(rest.pop(NOTICE))).decode(rest)
    if kind is PositionExecutor:
        symbol = rest.pop(SYMBOL)
        if symbol not in markets:
            raise ValueError(f"there is no market {symbol}")
        return _shape(kind).decode(rest, market=markets[symbol])
    return _shape(kind).decode(rest, id=key) if kind is Grid else _shape(kind).decode(rest)


def _notice_class(name: str) -> type:
    found = _notices().get(name)
    if found is None:
        _notices.cache_clear()  # a module with further notices may have been imported since
        found = _notices().get(name)
    if found is None:
        raise StateNewer(f"a notice {name} is not known to this version")
    return found


@cache
def _notices() -> dict[str, type]:
    named: dict[str, type] = {kind.__name__: kind for kind in ALERTS}
    todo: list[type] = [Notice]
    while todo:
        # A dataclass with slots replaces the class it was made from: of two with one name the later one is real.
        kinds: list[type] = todo.pop().__subclasses__()
        named |= {kind.__name__: kind for kind in kinds}
        todo += kinds
    return named


# -- dataclasses -------------------------------------------------------------------------------------------------

_KEPT_APART: Mapping[type, frozenset[str]] = {PositionExecutor: frozenset({"market"}), Grid: frozenset({ID})}
"""Fields that stand elsewhere in a record: the market by its symbol, the grid's id as the record's."""


class _Shape:
    """Both ways of one dataclass, field by field."""

    __slots__ = ("_kind", "_reads", "_writes")

    def __init__(self, kind: type) -> None:
        hints = get_type_hints(kind)
        apart = _KEPT_APART.get(kind, frozenset())
        self._kind: Callable[..., Any] = kind
        self._writes: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any] | None, Any, Any]] = []
        self._reads: list[tuple[str, Callable[[Any], Any], bool]] = []
        for field in fields(kind):
            if field.name in apart or not field.init:  # one that is made from others is made anew
                continue
            if issubclass(kind, Notice) and field.name in (ID, NOTICE):
                raise TypeError(f"{kind.__name__}.{field.name}: the name is taken by the record of a notice")
            both = _converter(hints[field.name])
            default = field.default
            if field.default_factory is not MISSING:
                default = field.default_factory()
            required = default is MISSING
            spelt: Any = _NOTHING
            if not required:
                spelt = default if both.encode is None or default is None else both.encode(default)
            start = _NOTHING if required else default
            self._writes.append((field.name, attrgetter(field.name), both.encode, start, spelt))
            self._reads.append((field.name, both.decode, required))

    def encode(self, thing: object) -> Record:
        record: Record = {}
        for name, get, encode, default, spelt in self._writes:
            item = get(thing)
            if item is default:
                continue
            if encode is not None and item is not None:
                item = encode(item)
            if item != spelt:
                record[name] = item
        return record

    def decode(self, record: Mapping[str, Any], **given: Any) -> Any:
        known = 0
        for name, decode, required in self._reads:
            if name in record:
                given[name] = decode(record[name])
                known += 1
            elif required:
                raise KeyError(name)
        if known != len(record):
            unknown = sorted(set(record) - {name for name, _, _ in self._reads})
            raise StateNewer(f"the field {unknown[0]} is not known to this version")
        return self._kind(**given)


@cache
def _shape(kind: Any) -> _Shape:
    return _Shape(kind)


# -- everything else ---------------------------------------------------------------------------------------------


def _same(kind: type) -> Converter:
    def decode(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is not {kind.__name__}")
        return value

    return Converter(None, decode)


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no amount")  # kept, it could never be read again
    return str(value)


def _decimal(value: Any) -> Decimal:
    if type(value) is not str:
        raise TypeError(f"{value!r} is not a decimal in quotes")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value} is no amount")
    return number


def _time_text(value: datetime) -> str:
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
    return value.isoformat()[:-6] + "Z"


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment.astimezone(UTC)


_SIMPLE: Mapping[Any, Converter] = {
    str: _same(str),
    int: _same(int),
    bool: _same(bool),
    float: _same(float),
    Decimal: Converter(_decimal_text, _decimal),
    datetime: Converter(_time_text, _time),
    date: Converter(date.isoformat, date.fromisoformat),
    timedelta: Converter(timedelta.total_seconds, lambda value: timedelta(seconds=value)),
}


@cache
def _converter(hint: Any) -> Converter:
    simple = _SIMPLE.get(hint)
    if simple is not None:
        return simple
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        shape = _shape(hint)
        return Converter(shape.encode, shape.decode)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        return _optional(_converter(next(arg for arg in args if arg is not type(None))))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return _row(_converter(args[0]))
    if origin is tuple and args:
        return _pack([_converter(arg) for arg in args])
    if isinstance(origin, type) and issubclass(origin, Mapping) and args[0] is str:
        return _names(_converter(args[1]))
    raise TypeError(f"no spelling for {hint}")


def _enum(kind: type[Enum]) -> Converter:
    spelling = "_name_" if issubclass(kind, int) else "_value_"
    members = {getattr(member, spelling): member for member in kind}

    def decode(value: Any) -> Enum:
        if value not in members:
            raise StateNewer(f"the {kind.__name__} {value!r} is not known to this version")
        return members[value]

    return Converter(attrgetter(spelling), decode)


def _written(both: Converter) -> Callable[[Any], Any]:
    return both.encode if both.encode is not None else lambda value: value


def _optional(both: Converter) -> Converter:
    encode, decode = both.encode, both.decode
    return Converter(
        None if encode is None else lambda value: None if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def _row(both: Converter) -> Converter:
    encode, decode = _written(both), both.decode
    return Converter(
        lambda values: [encode(value) for value in values],
        lambda values: tuple([decode(value) for value in values]),
    )


def _pack(each: list[Converter]) -> Converter:
    encodes, decodes = [_written(both) for both in each], [both.decode for both in each]
    return Converter(
        lambda values: [encode(value) for encode, value in zip(encodes, values, strict=True)],
        lambda values: tuple([decode(value) for decode, value in zip(decodes, values, strict=True)]),
    )


def _names(both: Converter) -> Converter:
    encode, decode = _written(both), both.decode
    return Converter(
        lambda values: {name: encode(value) for name, value in values.items()},
        lambda values: {name: decode(value) for name, value in values.items()},
    )
