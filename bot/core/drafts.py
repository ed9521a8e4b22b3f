"""A grid that is being put together, answer by answer. Pure.

Rule: an answer is kept as the text it was given in, under the key a grid command would have for it, and has the one
meaning `words.py` gives it. What no longer fits another answer (a price of another market) is let go, not bent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bot.core.grids import GridSpec, Shape
from bot.core.specs import PLACES
from bot.core.symbols import coins_of
from bot.core.words import Relative, Resolve, parse_part, read_pairs
from bot.errors import CommandError
from bot.texts.catalogue import say

OF_A_MARKET = ("min", "max", "qty", "mean", "stop", "stop_sell", "take")
"""Keys whose values mean nothing on another market; the budget goes with its coin."""
OF_A_NORMAL = ("mean", "sigma")
INSTEAD = {"qty": "budget", "budget": "qty"}
STAND_INS = {"min": "-1%", "max": "+1%", "count": "20", "qty": "1", "profit": "0.5%"}
"""In the place of answers that are missing, so that those there are can be checked."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was answered so far, key -> text: the keys of a grid command, `symbol` and `shape`."""

    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def symbol(self) -> str:
        """The market, empty before it is named."""
        return self.given.get("symbol", "")

    @property
    def shape(self) -> Shape | None:
        return Shape(self.given["shape"]) if "shape" in self.given else None

    @property
    def pairs(self) -> dict[str, str]:
        """The answers without market and shape."""
        return {key: text for key, text in self.given.items() if key not in ("symbol", "shape")}

    def has(self, keys: Sequence[str]) -> bool:
        """Whether one of these was answered."""
        return any(key in self.given for key in keys)

    def plus(self, changes: Mapping[str, str]) -> "Draft":
        """With these answers, and without what they make meaningless."""
        gone = {INSTEAD[key] for key in changes if key in INSTEAD}
        symbol = changes.get("symbol", self.symbol)
        if symbol != self.symbol and self.symbol:
            gone |= set(OF_A_MARKET)
            if coins_of(symbol)[1] != coins_of(self.symbol)[1]:
                gone.add("budget")
        if changes.get("shape", Shape.NORMAL) != Shape.NORMAL:
            gone |= set(OF_A_NORMAL)
        return Draft({**{key: text for key, text in self.given.items() if key not in gone}, **changes})

    def checked(self, price: Decimal) -> "Draft":
        """The same draft, where what it says so far makes sense with the market at `price`; else CommandError."""
        if ("min" in self.given) is not ("max" in self.given):
            raise CommandError(say("typed.half_range"))
        self._spec(price)
        return self

    def _spec(self, price: Decimal) -> GridSpec:
        shape, pairs = self.shape, self.pairs
        stand_ins = dict(STAND_INS)
        if "budget" in pairs:
            del stand_ins["qty"]
        if "min" not in pairs:  # a mean can't be checked against a range that is not there yet
            pairs = {key: text for key, text in pairs.items() if key != "mean"}
        guess = Shape.NORMAL if self.has(OF_A_NORMAL) else Shape.LINEAR
        return read_pairs(shape or guess, self.symbol, {**stand_ins, **pairs}).at(price)


def read_answer(draft: Draft, typed: str, *, resolve: Resolve, default_symbol: str, places: Sequence[str]) -> Draft:
    """The draft after what somebody typed: words of a grid command, as many as they like, and perhaps a shape. Numbers
    without a name stand for `places`. CommandError."""
    shape, words = _without_shape(typed.split())
    given = dict(shape)
    if words or not shape:
        symbol = draft.symbol or default_symbol
        given |= parse_part(words, resolve=resolve, symbol=symbol, places=[key for key in PLACES if key in places])
        if not draft.symbol and "symbol" not in given and given.keys() & {*OF_A_MARKET, "budget"}:
            given["symbol"] = default_symbol  # as in a command
    return draft.plus(_in_order(draft.plus(given), given))


def _without_shape(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    shapes = [word.lower() for word in words if word.lower() in list(Shape)]
    others = [word for word in words if word.lower() not in list(Shape)]
    return ({"shape": shapes[-1]} if shapes else {}), others


def _in_order(draft: Draft, given: Mapping[str, str]) -> dict[str, str]:
    """What was given, its two prices from the lower to the higher: here nobody means anything else."""
    if not {"min", "max"} <= given.keys():
        return dict(given)
    pairs = {**STAND_INS, **draft.pairs}
    words = read_pairs(draft.shape or Shape.LINEAR, draft.symbol, _one_size(pairs))
    low, high = words.minimum, words.maximum
    if isinstance(low, Relative) and isinstance(high, Relative):
        low, high = low.pct, high.pct
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        return {**given, "min": given["max"], "max": given["min"]}
    return dict(given)


def _one_size(pairs: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in pairs.items() if key != "qty" or "budget" not in pairs}
