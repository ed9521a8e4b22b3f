"""Exact decimals: the two contexts all money is computed in, rounding to steps, and how numbers are written.

Rule: sums and products are exact or raise (`EXACT` traps `Inexact`); only averages are rounded, by `average`.
A decimal context belongs to a thread and is copied into its tasks, so each front door calls `use_exact()` once.
"""

from decimal import (
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)

ZERO = Decimal(0)
HUNDRED = Decimal(100)

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow, Clamped])
"""60 digits: 20-digit amounts times 20-digit prices times fee ratios still fit; one that does not raises."""

AVERAGES = Context(prec=16, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""16 significant digits, for quotients that need not end: average prices, per cents."""


def use_exact() -> None:
    """Make `EXACT` the context of this thread and of the tasks it starts."""
    setcontext(EXACT.copy())


def is_exact() -> bool:
    """Whether this thread computes exactly."""
    context = getcontext()
    return context.prec >= EXACT.prec and bool(context.traps[Inexact])


def average(total: Decimal, count: Decimal) -> Decimal:
    """total / count to 16 significant digits, without trailing zeros."""
    return AVERAGES.divide(total, count).normalize(AVERAGES)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of step that is not above value (value ≥ 0)."""
    return (value // step) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of step that is not below value (value ≥ 0)."""
    below = (value // step) * step
    return below if below == value else below + step


def plain(value: Decimal) -> str:
    """The number in full, no exponent, no trailing zeros: `60000.1`, `0.00001234`, `0`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
