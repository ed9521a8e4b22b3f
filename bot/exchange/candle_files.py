"""Candle files: CSV, gzipped CSV and Parquet, read into a series.

Rule: a file is taken whole or refused with the row that is wrong; nothing is filled in, sorted or rounded.
What it is is told by its first bytes, not by its name. Prices are exact as written: they are read as floats
only where the float says the same number, and as Decimals otherwise.
"""

import csv
import gzip
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import CommandError
from bot.exchange.candles import EPOCH, MILLISECOND, CandleSeries, Floats, Ints

PRICES = ("open", "high", "low", "close")
COLUMNS = ("timestamp", *PRICES, "volume")
OTHER_NAMES = {"time": "timestamp", "date": "timestamp", "datetime": "timestamp", "open_time": "timestamp"}
EXAMPLE = "timestamp,open,high,low,close,volume"
ROWS_AT_ONCE = 65_536
MOST_DIGITS = 12
MOST_PRICE = 1e15
MINUTE = 60_000
UNITS = ((1e11, 1000, 1), (1e14, 1, 1), (1e17, 1, 1000), (1e20, 1, 1_000_000))
"""Sizes below which a count is one of seconds, ms, µs, ns; what makes ms of it: times, over."""

Column = Sequence[Any] | NDArray[Any]
Row = Callable[[int], str]
"""How a row of the file is named to a person."""


def read_candles(path: Path) -> CandleSeries:
    """The candles of a file with columns timestamp (ISO, UTC unless it says otherwise, or s, ms, µs, ns
    since 1970), open, high, low, close and volume, in any order and case. CommandError names what is wrong
    and where.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            return _series(_parquet(path), lambda index: f"{path.name}, row {index + 1}")
        zipped = start[:2] == b"\x1f\x8b"
        return _quick(path, zipped) or _series(_csv(path, zipped), lambda index: _line(path, index))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path.name} can't be read as candles: {error}") from error


def _line(path: Path, index: int) -> str:
    return f"{path.name}, line {index + 2}"


def _quick(path: Path, zipped: bool) -> CandleSeries | None:
    """The series, read by numpy alone; None where anything is unusual, the careful way then says what."""
    with _text(path, zipped) as file:
        mark, places, _ = _header(file, path)
        first = file.readline().split(mark)
    kind = "i8" if first[min(places["timestamp"], len(first) - 1)].strip().isdecimal() else "M8[us]"
    dtype = np.dtype([("timestamp", kind), *((name, "f8") for name in COLUMNS[1:])])
    try:
        with _text(path, zipped) as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            rows = np.loadtxt(
                file, dtype, None, mark, skiprows=1, usecols=tuple(places.values()), ndmin=1, quotechar=None
            )
        columns: dict[str, Column] = {name: rows[name] for name in COLUMNS}
        if kind != "i8":
            columns["timestamp"] = rows["timestamp"].astype("M8[ms]").astype(np.int64)
        return _series(columns, lambda index: _line(path, index))
    except (ValueError, UserWarning, DeprecationWarning, CommandError):
        return None


def _series(columns: dict[str, Column], row: Row) -> CandleSeries:
    if not len(columns["timestamp"]):
        raise CommandError(f"{row(0)}: no candles: expected rows under a header such as {EXAMPLE}")
    floats = {name: _floats(columns[name], name, row) for name in (*PRICES, "volume")}
    times = _times(columns["timestamp"], row)
    for name in PRICES:
        _refuse(np.abs(floats[name]) >= MOST_PRICE, f"{name} is too large for a price", row)
    digits, prices = _whole(columns, floats, row)
    bar = _check(times, prices, floats["volume"], row)
    return CandleSeries(times, **prices, volume=floats["volume"], digits=digits, bar=bar)


def _check(times: Ints, prices: dict[str, Ints], volume: Floats, row: Row) -> int:
    """The length of a candle in ms, if every row makes sense."""
    low, high = prices["low"], prices["high"]
    inside = np.ones(len(times), bool)
    for name in ("open", "close"):
        inside &= (low <= prices[name]) & (prices[name] <= high)
    _refuse(~(low > 0), "a price is not above 0", row)
    _refuse(~inside | (low > high), "open and close must lie between low and high", row)
    _refuse(~(np.isfinite(volume) & (volume >= 0)), "the volume must be 0 or more", row)
    steps = np.diff(times)
    _refuse(np.concatenate(([False], steps <= 0)), "its time is not after the row before", row)
    return int(steps.min()) if len(steps) else MINUTE


def _refuse(wrong: NDArray[np.bool_], what: str, row: Row) -> None:
    if wrong.any():
        raise CommandError(f"{row(int(wrong.argmax()))}: {what}")


def _floats(column: Column, name: str, row: Row) -> Floats:
    try:
        values = np.array(column if isinstance(column, np.ndarray) else list(map(float, column)), np.float64)
    except (ValueError, TypeError):
        values = np.empty(0)
    if len(values) == len(column) and np.isfinite(values).all():
        return values
    for index, text in enumerate(column):
        try:
            fine = np.isfinite(float(text))
        except (ValueError, TypeError):
            fine = False
        if not fine:
            raise CommandError(f"{row(index)}: {name} must be a number such as 62500.5, not {str(text)!r}")
    return values


def _whole(columns: dict[str, Column], floats: dict[str, Floats], row: Row) -> tuple[int, dict[str, Ints]]:
    """Prices as whole numbers of 10^-digits, and the digits: as few as say every price exactly."""
    for digits in range(MOST_DIGITS + 1):
        whole = {name: np.rint(floats[name] * 10.0**digits) for name in PRICES}
        if any(abs(column).max() >= 2**50 for column in whole.values()):
            break
        # A quotient is rounded to the nearest float, so equality says: that float is what this decimal reads as.
        # Below 2^50 no other decimal of so few digits reads as the same float.
        if all((whole[name] / 10.0**digits == floats[name]).all() for name in PRICES):
            return digits, {name: column.astype(np.int64) for name, column in whole.items()}
    if isinstance(columns["open"], np.ndarray):
        raise CommandError("only the text says these prices exactly")
    exact = {name: [Decimal(str(value)) for value in columns[name]] for name in PRICES}
    digits = max(0, *(_digits(price) for column in exact.values() for price in column))
    result = {}
    for name, column in exact.items():
        _refuse(np.array([_digits(price) > 18 for price in column]), f"{name} has too many digits", row)
        units = [int(price * 10 ** min(digits, 18)) for price in column]
        _refuse(np.array([abs(unit) >= 2**63 for unit in units]), f"{name} has too many digits", row)
        result[name] = np.array(units, np.int64)
    return digits, result


def _digits(price: Decimal) -> int:
    return -int(price.as_tuple().exponent)


def _times(column: Column, row: Row) -> Ints:
    """Milliseconds since 1970."""
    try:
        size = abs(float(column[0]))
    except (ValueError, TypeError):
        return _iso(column, row)
    unit = next((unit for limit, *unit in UNITS if size < limit), None)
    if unit is None:
        raise CommandError(f"{row(0)}: {column[0]} is no time: expected ms since 1970, or ISO")
    times, over = unit
    if isinstance(column, np.ndarray):
        return np.asarray(column) * times // over
    try:
        whole = [int(value) for value in column]
    except (ValueError, TypeError):
        # Seconds with a fraction, or a count written as 1.7e12.
        whole = [round(value * times) for value in _floats(column, "timestamp", row).tolist()]
        return np.array(whole, np.int64) // over
    return np.array(whole, np.int64) * times // over


def _iso(column: Column, row: Row) -> Ints:
    texts = [str(text).strip() for text in column]
    plain = [text.removesuffix("Z").removesuffix("+00:00") for text in texts]
    if all("0" <= text[:1] <= "9" and "+" not in text and text.count("-") == 2 for text in plain):
        try:
            return np.array(plain, "datetime64[ms]").astype(np.int64)
        except ValueError:
            pass  # which row it is the slow way finds out, or it understands more
    times = []
    for index, text in enumerate(texts):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            example = "2024-01-31 23:59:00 or 1706745540000"
            raise CommandError(f"{row(index)}: a time must be such as {example}, not {text!r}") from None
        times.append(((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND)
    return np.array(times, np.int64)


def _places(header: Sequence[str], name: str) -> dict[str, int]:
    """Where each column stands."""
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        word = title.strip().strip('"').lower().replace(" ", "_")
        places.setdefault(OTHER_NAMES.get(word, word), place)
    missing = [column for column in COLUMNS if column not in places]
    if missing:
        raise CommandError(f"{name} has no column {', '.join(missing)}: expected a header such as {EXAMPLE}")
    return {column: places[column] for column in COLUMNS}


@contextmanager
def _text(path: Path, zipped: bool) -> Iterator[IO[str]]:
    opener: Any = gzip.open if zipped else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield file


def _header(file: IO[str], path: Path) -> tuple[str, dict[str, int], int]:
    """The mark between values, where each column stands, and how many there are."""
    header = file.readline()
    mark = max(",;\t", key=header.count)
    titles = header.rstrip("\r\n").split(mark)
    return mark, _places(titles, path.name), len(titles)


def _csv(path: Path, zipped: bool) -> dict[str, Column]:
    with _text(path, zipped) as file:
        mark, places, width = _header(file, path)
        columns: dict[str, list[str]] = {column: [] for column in COLUMNS}
        reader, done = csv.reader(file, delimiter=mark), 0
        while rows := list(islice(reader, ROWS_AT_ONCE)):
            while rows and not rows[-1]:
                rows.pop()  # empty lines at the end
            for index, values in enumerate(rows):
                if len(values) != width:
                    found = f"{len(values)} values under a header of {width}"
                    raise CommandError(f"{_line(path, done + index)}: {found}")
            for column, place in places.items():
                columns[column].extend(values[place] for values in rows)
            done += len(rows)
    return dict(columns)


def _parquet(path: Path) -> dict[str, Column]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise CommandError(
            f"{path.name} is a Parquet file; reading it needs pyarrow: pip install 'rexlapis-bot[parquet]', "
            f"or pip install pyarrow"
        ) from error
    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise CommandError(f"{path.name} can't be read as Parquet: {error}") from error
    places = _places(table.column_names, path.name)
    columns: dict[str, Column] = {}
    for name, place in places.items():
        column = table.column(place)
        if pyarrow.types.is_temporal(column.type):
            milliseconds = pyarrow.timestamp("ms", getattr(column.type, "tz", None))
            column = column.cast(milliseconds, safe=False).cast(pyarrow.int64())
        columns[name] = column.to_pylist()
    return columns
