"""What a grid may be before any market is asked, and how it is said as a command.

Rule: a spec that `checked` lets through can be written by `as_command` and read back as the same spec.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.money import ZERO, plain
from bot.core.numerals import bounded, shown
from bot.errors import CommandError
from bot.texts.catalogue import say

MAX_LEVELS = 36**3 - 1
"""The level field of a client order id has three base-36 digits."""
MAX_PROFIT_PCT = 1000
MAX_SIGMA = 100
USUAL_SIGMA = Decimal(6)

KEYS: Mapping[str, str] = {
    "symbol": "BTC/USDT",
    "min": "54000",
    "max": "66000",
    "count": "20",
    "qty": "0.001",
    "profit": "0.5%",
    "loop": "yes",
    "budget": "2000",
    "mean": "60000",
    "sigma": "6",
    "above": "wait",
    "stop": "50000",
    "stop_sell": "yes",
    "take": "70000",
    "force": "yes",
}
"""Every key a grid is described with, in the order a command is written, with an example of its value."""
PLACES = ("min", "max", "count", "qty", "profit")
"""The keys that may stand without their name."""
FLAGS = ("loop", "force")
"""The keys that may stand without a value."""


def checked(spec: GridSpec) -> GridSpec:
    """The same grid, if it makes sense before a market is asked; else CommandError."""
    for what, value, key in (
        ("MIN", spec.minimum, "min"),
        ("MAX", spec.maximum, "max"),
        ("QTY", spec.amount, "qty"),
        ("budget", spec.budget, "budget"),
        ("PROFIT", spec.profit_pct, "profit"),
        ("mean", spec.mean, "mean"),
        ("sigma", spec.sigma, "sigma"),
        ("stop", spec.stop, "stop"),
        ("take", spec.take, "take"),
    ):
        if value is not None and bounded(value, what=what) <= ZERO:
            raise CommandError(say("typed.above_zero", what=what, example=KEYS[key], found=plain(value)))
    if not 1 <= spec.count <= MAX_LEVELS:
        raise CommandError(say("typed.count", most=MAX_LEVELS, found=shown(str(Decimal(spec.count)))))
    if (spec.amount is None) == (spec.budget is None):
        raise CommandError(say("typed.no_size"))
    if spec.profit_pct >= MAX_PROFIT_PCT:
        raise CommandError(say("typed.profit", most=MAX_PROFIT_PCT, found=plain(spec.profit_pct)))
    if spec.shape is not Shape.NORMAL and (spec.mean is not None or spec.sigma != USUAL_SIGMA):
        raise CommandError(say("typed.normal_only", example=example_line(Shape.NORMAL)))
    if spec.sigma > MAX_SIGMA:
        raise CommandError(say("typed.sigma", most=MAX_SIGMA, found=plain(spec.sigma)))
    _check_prices(spec)
    return spec


def _check_prices(spec: GridSpec) -> None:
    low, high = plain(spec.minimum), plain(spec.maximum)
    if spec.minimum > spec.maximum:
        swapped = as_command(replace(spec, minimum=spec.maximum, maximum=spec.minimum))
        raise CommandError(say("typed.swapped", low=low, high=high, command=swapped))
    if spec.minimum == spec.maximum and spec.count > 1:
        raise CommandError(say("typed.no_range", count=spec.count, price=low))
    if spec.mean is not None and not spec.minimum <= spec.mean <= spec.maximum:
        raise CommandError(say("typed.mean", low=low, high=high, found=plain(spec.mean)))
    if spec.stop is not None and spec.take is not None and spec.stop >= spec.take:
        raise CommandError(say("typed.stop_above_take", stop=plain(spec.stop), take=plain(spec.take)))
    if spec.stop_sell and spec.stop is None:
        raise CommandError(say("typed.no_stop"))


def as_command(spec: GridSpec) -> str:
    """The chat command that makes this checked grid again, to copy."""
    pairs = as_pairs(spec)
    placed = [pairs.pop(place) for place in PLACES if place in pairs]
    options = [key if key in FLAGS else f"{key}={value}" for key, value in pairs.items()]
    return " ".join([f"/{spec.shape}", spec.symbol, *placed, *options])


def as_pairs(spec: GridSpec) -> dict[str, str]:
    """A checked grid as key -> text, without shape, symbol and what stands at its default."""
    numbers = {
        "min": spec.minimum,
        "max": spec.maximum,
        "count": Decimal(spec.count),
        "qty": spec.amount,
        "budget": spec.budget,
        "mean": spec.mean,
        "sigma": spec.sigma if spec.sigma != USUAL_SIGMA else None,
        "stop": spec.stop,
        "take": spec.take,
    }
    switches = {"loop": spec.loop, "above": spec.above_wait, "stop_sell": spec.stop_sell, "force": spec.force}
    texts = {key: plain(value) for key, value in numbers.items() if value is not None}
    texts |= {key: KEYS[key] for key, on in switches.items() if on}
    texts["profit"] = plain(spec.profit_pct) + "%"
    return {key: texts[key] for key in KEYS if key in texts}


def example_line(shape: Shape, symbol: str = "BTC/USDT") -> str:
    """A whole command of this shape; where BTC's prices would not suit, in terms that suit any market."""
    words = "-5% +5% 20 0.5% loop budget=2000"
    if symbol.startswith("BTC/USD"):
        words = "54000 66000 20 0.001 0.5% loop"
    return f"/{shape} {symbol} {words}" + (" sigma=6" if shape is Shape.NORMAL else "")
