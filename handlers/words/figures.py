"""How figures look in the chat: numbers, money, per cents, times, tables, bars. Pure: data in, text out.

Rule: commas group thousands, a point is decimal, nothing has an exponent. What is exact (a price on its tick, an amount
on its step) is shown in full; what is rounded is rounded here, for the eye alone, and never to a zero it is not.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from html import escape

from bot.core.money import HUNDRED, ZERO, average
from bot.texts.catalogue import say

WIDTH = 32
"""Columns of a monospace line that a phone shows without wrapping."""
SEEN = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
"""For the eye alone: `EXACT` would refuse to round."""
LONGEST_FOREIGN = 300
LONGEST_NAME = 40


def number(value: Decimal | int) -> str:
    """The number in full: `60,000.1`, `0.00001234`, `−5`."""
    text = format(Decimal(value), ",f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("-", "−")


def fixed(value: Decimal, places: int) -> str:
    """The number in full with at least `places` decimals, so that columns of them line up."""
    text = number(value)
    decimals = len(text.partition(".")[2])
    return text if decimals >= places else text + ("." if decimals == 0 else "") + "0" * (places - decimals)


def places_of(values: Iterable[Decimal]) -> int:
    """The most decimals any of these has."""
    return max((len(number(value).partition(".")[2]) for value in values), default=0)


def money(value: Decimal, *, up: bool = False) -> str:
    """Quote currency for the eye: cents from 100 on, four decimals from 1, four digits below; `up` never shows less."""
    size = value.adjusted() if value else 0
    places = 2 if size >= 2 else 4 if size >= 0 else 3 - size
    return _tidy(_rounded(value, places, ROUND_CEILING if up else ROUND_HALF_EVEN))


def gain(value: Decimal) -> str:
    """Money with its sign: `+0.1795`, `−3.20`, `0`."""
    return ("+" if value > ZERO else "") + money(value)


def funds(value: Decimal) -> str:
    """An amount of a coin on the account: to eight decimals, never more than there is; smaller ones in full."""
    down = _rounded(value, 8, ROUND_DOWN)
    return number(down or value)


def about(value: Decimal) -> str:
    """An average price, which need not end: eight digits, or more where the whole part has more."""
    return number(_rounded(value, max(2, 7 - value.adjusted()), ROUND_HALF_EVEN))


def pct(value: Decimal, *, sign: bool = False) -> str:
    """A per cent with two decimals, or two digits where it is smaller: `0.29 %`, `+12 %`, `0.0034 %`."""
    size = value.adjusted() if value else 0
    text = _tidy(_rounded(value, 2 if size >= -2 else 1 - size, ROUND_HALF_EVEN))
    return f"{'+' if sign and value > ZERO else ''}{text} %"


def top(bid: Decimal, ask: Decimal) -> tuple[str, str]:
    """Bid and ask with the same number of decimals."""
    places = places_of((bid, ask))
    return fixed(bid, places), fixed(ask, places)


def distance(price: Decimal, market: Decimal) -> str:
    """How far a price is from the market, in per cent of the market."""
    return pct(average((price - market) * HUNDRED, market), sign=True)


def _rounded(value: Decimal, places: int, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places, SEEN), rounding=rounding, context=SEEN)


def _tidy(value: Decimal) -> str:
    """Without trailing zeros, but no lonely tenth: `2.50`, `1,250`, `0.1795`."""
    text = number(value)
    return text + "0" if len(text.partition(".")[2]) == 1 else text


def foreign(text: object, longest: int = LONGEST_FOREIGN) -> str:
    """Somebody else's text (an exchange's, a person's, an exception's): one line, cut, escaped."""
    line = " ".join(str(text).split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return escape(line if len(line) <= longest else line[: longest - 1] + "…", quote=False)


def name(text: str) -> str:
    """The name of a market or a coin, escaped."""
    return foreign(text, LONGEST_NAME)


def numbers_of(numbers: Iterable[int]) -> str:
    """Level numbers, runs drawn together: `1–5, 7`."""
    runs: list[list[int]] = []
    for each in sorted(numbers):
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    texts = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:MOST_RUNS]]
    left = sum(last - first + 1 for first, last in runs[MOST_RUNS:])
    return say("figures.and_more", texts=", ".join(texts), count=left) if left else ", ".join(texts)


MOST_RUNS = 30


# -- times -------------------------------------------------------------------------------------------------------------


def clock(at: datetime, zone: tzinfo) -> str:
    """The time of day: `14:03:07`."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def stamp(at: datetime, zone: tzinfo) -> str:
    """Day and time: `22 Nov 14:03`. Not strftime's months: those change with the locale of the host."""
    local = at.astimezone(zone)
    month = say("figures.months").split()[local.month - 1]
    return say("figures.stamp", day=local.day, month=month, time=f"{local:%H:%M}")


def duration(seconds: float) -> str:
    """`0.4 s`, `45 s`, `5 min`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 10:
        return say("figures.tenths", seconds=f"{max(seconds, 0):.1f}".removesuffix(".0"))
    whole = int(seconds)
    if whole < 60:
        return say("figures.seconds", seconds=whole)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 60:
        return say("figures.minutes", minutes=minutes)
    if hours < 24:
        left = minutes % 60
        return say("figures.hours_minutes", hours=hours, minutes=left) if left else say("figures.hours", hours=hours)
    left = hours % 24
    return say("figures.days_hours", days=days, hours=left) if left else say("figures.days", days=days)


# -- pictures made of letters ------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in monospace, cells to the right, at most 32 columns: where they are wider the commas go first, then each
    row takes as many lines as it needs. Cells are escaped."""
    lines = [list(head), *(list(row) for row in rows)]
    if _width(lines) > WIDTH:
        lines = [[cell.replace(",", "") for cell in line] for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    folds = _folds(widths)
    texts: list[str] = []
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        texts += [("  " if part else "") + " ".join(cells[a:b]).rstrip() for part, (a, b) in enumerate(folds)]
    return "<pre>" + "\n".join(escape(text, quote=False) for text in texts) + "</pre>"


def _width(lines: Sequence[Sequence[str]]) -> int:
    columns = range(len(lines[0]))
    return sum(max(len(line[column]) for line in lines) for column in columns) + len(columns) - 1


def _folds(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Where a row is broken: (first, last + 1) of the cells of each line."""
    folds: list[tuple[int, int]] = []
    begin, used = 0, -1
    for column, width in enumerate(widths):
        if used + 1 + width > WIDTH and column > begin:
            folds.append((begin, column))
            begin, used = column, 1
        used += 1 + width
    return [*folds, (begin, len(widths))]


def bar(low: Decimal, high: Decimal, price: Decimal, width: int = 22) -> str:
    """Where a price stands in a range: `▕······●·············▏`, `◂` and `▸` where it is outside."""
    if price < low:
        return "◂▕" + "·" * (width - 3) + "▏"
    if price > high:
        return "▕" + "·" * (width - 3) + "▏▸"
    inside = width - 2
    place = int((price - low) * (inside - 1) // (high - low)) if high > low else inside // 2
    return "▕" + "·" * place + "●" + "·" * (inside - 1 - place) + "▏"
