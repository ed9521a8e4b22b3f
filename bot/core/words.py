"""A trader's words -> a grid. The chat and the `backtest` command line are both read here, and nowhere else.

    [SYMBOL] MIN MAX COUNT QTY PROFIT [loop] [force] [key=value …]

Rule: every word is understood or refused, never skipped. What is refused is a CommandError of a sentence or
two with an example, whatever was typed; it quotes the words raw and shortened, so escaping is the chat's job.
An unsigned number with `%` is the PROFIT wherever it stands, a signed one in the place of MIN or MAX is
relative to the market. One with the quote coin (`2000USDT`) is the budget, with the base coin the QTY.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from difflib import get_close_matches

from bot.core.grids import GridSpec, Shape
from bot.core.money import HUNDRED, ZERO, plain
from bot.core.numerals import DASHES, NUMERAL, SHOWN_LENGTH, bounded, parse_number, parse_quantity, shown
from bot.core.specs import FLAGS, KEYS, MAX_LEVELS, PLACES, as_command, as_pairs, checked, example_line
from bot.core.symbols import coins_of, listed, resolve_symbol
from bot.errors import CommandError
from bot.texts.catalogue import say

__all__ = [
    "MAX_LEVELS",
    "GridWords",
    "Relative",
    "as_command",
    "checked",
    "example_line",
    "parse_edit",
    "parse_grid",
    "parse_number",
    "parse_part",
    "parse_quantity",
    "read_pairs",
    "resolve_symbol",
    "split_words",
]

MAX_WORDS = 40
ALIASES = {"amount": "qty"}
YES = ("yes", "on", "true")
NO = ("no", "off", "false")
NONE = ("none", "no", "off")
EDIT_EXAMPLE = "profit=0.6% stop=50000"

NUMBER_LIKE = re.compile(r"[+-]?[.,]?\d")
DIGIT_LED_COIN = re.compile(r"[0-9]+[A-Za-z][0-9A-Za-z]*")
DIGIT_LED_PAIR = re.compile(r"[0-9]+[A-Za-z]+[/:_-][A-Za-z]")
WITH_COIN = re.compile(r"[+-]?[0-9.,]+[A-Za-z]{2,}")
RELATIVE = re.compile(r"([+-])([^+-].*)%")

WIDE = Context(prec=250, traps=[Inexact, InvalidOperation, Overflow])
"""Wide enough for any market price times any per cent; the product is bounded afterwards."""

Resolve = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Relative:
    """A price said as a distance from the market, in per cent of it."""

    pct: Decimal


Price = Decimal | Relative


@dataclass(frozen=True, slots=True)
class GridWords:
    """A grid as it was typed: a GridSpec whose prices may still be relative to the market."""

    shape: Shape
    symbol: str
    minimum: Price
    maximum: Price
    count: int
    amount: Decimal | None
    budget: Decimal | None
    profit_pct: Decimal
    loop: bool
    mean: Price | None
    sigma: Decimal
    above_wait: bool
    stop: Price | None
    stop_sell: bool
    take: Price | None
    force: bool

    @property
    def is_relative(self) -> bool:
        """Whether `at` needs the market's price."""
        prices = (self.minimum, self.maximum, self.mean, self.stop, self.take)
        return any(isinstance(price, Relative) for price in prices)

    def at(self, price: Decimal | None) -> GridSpec:
        """The checked grid with the market at `price` (quote currency); None will do unless `is_relative`."""
        return checked(
            GridSpec(
                shape=self.shape,
                symbol=self.symbol,
                minimum=_settled(self.minimum, price),
                maximum=_settled(self.maximum, price),
                count=self.count,
                amount=self.amount,
                budget=self.budget,
                profit_pct=self.profit_pct,
                loop=self.loop,
                mean=None if self.mean is None else _settled(self.mean, price),
                sigma=self.sigma,
                above_wait=self.above_wait,
                stop=None if self.stop is None else _settled(self.stop, price),
                stop_sell=self.stop_sell,
                take=None if self.take is None else _settled(self.take, price),
                force=self.force,
            )
        )


def parse_grid(shape: Shape, words: Sequence[str] | str, *, resolve: Resolve, default_symbol: str) -> GridWords:
    """The grid these words describe, `/linear` itself not among them; `GridWords.at` checks and prices it.

    `resolve` names the symbol a word means: None, or a CommandError of its own, where there is none.
    """
    example, coins = example_line(shape, default_symbol), coins_of(default_symbol)
    given, numbers = _sorted(split_words(words), resolve, example, coins)
    symbol = _resolved(given.pop("symbol", None), resolve, shape, default_symbol)
    example = example_line(shape, symbol)
    placed = _unnamed(given, numbers, symbol, PLACES)
    order = [place for place in PLACES if place != "qty" or "budget" not in given]
    places = [place for place in order if place not in given]
    if len(placed) == len(places):
        return read_pairs(shape, symbol, given | dict(zip(places, placed, strict=True)))
    expected = " ".join(order).upper()
    if len(placed) < len(places):
        missing = [place.upper() for place in places[len(placed) :]]
        raise CommandError(
            say("typed.missing", count=len(missing), names=listed(missing), expected=expected, example=example)
        )
    rest = shown(" ".join(placed[len(places) :]))
    refusal = "typed.too_much" if "qty" in order else "typed.too_much_with_budget"
    raise CommandError(say(refusal, rest=rest, expected=expected, example=example))


def parse_part(words: Sequence[str] | str, *, resolve: Resolve, symbol: str, places: Sequence[str]) -> dict[str, str]:
    """What some words of a grid say, as key -> text. `symbol` is the market at hand, `places` are the keys that numbers
    without a name stand for, in this order."""
    given, numbers = _sorted(split_words(words), resolve, example_line(Shape.LINEAR, symbol), coins_of(symbol))
    if "symbol" in given:
        symbol = given["symbol"] = _resolved(given["symbol"], resolve, Shape.LINEAR, symbol)
    placed = _unnamed(given, numbers, symbol, places)
    open_ = [place for place in places if place not in given and (place != "qty" or "budget" not in given)]
    if len(placed) > len(open_):
        raise CommandError(say("typed.no_place", rest=shown(" ".join(placed[len(open_) :]))))
    return given | dict(zip(open_, placed, strict=False))


def parse_edit(spec: GridSpec, words: Sequence[str] | str) -> GridWords:
    """`spec` after `key=value …`; `none` ends a mean, stop or take; QTY and budget replace each other."""
    changes, numbers = _sorted(split_words(words), None, EDIT_EXAMPLE)
    if numbers or "symbol" in changes:
        found = shown((*numbers, "symbol=")[0])
        raise CommandError(say("typed.no_change", options=_options(first="min"), found=found, example=EDIT_EXAMPLE))
    if not changes:
        raise CommandError(say("typed.change", options=_options(first="min"), example=EDIT_EXAMPLE))
    _refuse_both_sizes(changes)
    dropped = {key for key in ("mean", "stop", "take") if changes.get(key, "").lower() in NONE}
    dropped |= {"budget"} if "qty" in changes else {"qty"} if "budget" in changes else set()
    merged = as_pairs(spec) | ({"stop_sell": "no"} if "stop" in dropped else {}) | changes
    return read_pairs(spec.shape, spec.symbol, {key: text for key, text in merged.items() if key not in dropped})


def split_words(words: Sequence[str] | str) -> list[str]:
    """The words, dashes made plain and `key = value`, `0.5 %` drawn together; CommandError over 40 words."""
    text = " ".join((words if isinstance(words, str) else " ".join(words)).translate(DASHES).split())
    found = text.replace(" =", "=").replace("= ", "=").replace(" %", "%").split()
    if len(found) > MAX_WORDS:
        example = example_line(Shape.LINEAR)
        raise CommandError(say("typed.too_many_words", most=MAX_WORDS, example=example, found=len(found)))
    return found


def _sorted(
    words: list[str], resolve: Resolve | None, example: str, coins: Sequence[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The words as key -> text, and those that look like numbers, in order. `coins`: of the market at hand."""
    given: dict[str, str] = {}
    numbers: list[str] = []
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        key = name.lower().replace("-", "_")
        key = ALIASES.get(key, key)
        if key in KEYS and value:
            _put(given, key, value)
        elif key in FLAGS and not equals:
            _put(given, key, "yes")
        elif key in KEYS:
            raise CommandError(say("typed.no_value", key=key, example=KEYS[key]))
        elif not equals and NUMBER_LIKE.match(word) and not _is_digit_led(word, place, resolve):
            numbers.append(word)
        elif numbers and word.upper() in coins:  # `2000 USDT`: not the market USDT/EUR
            raise CommandError(say("typed.lone_coin", word=shown(word), coin=word, example=example))
        elif equals or resolve is None or "symbol" in given or (place and _nearest(name)):
            raise CommandError(_not_understood(word, name, example))
        else:
            given["symbol"] = word
    return given, numbers


def _not_understood(word: str, name: str, example: str) -> str:
    if near := _nearest(name):
        return say("typed.near_word", word=shown(word), near=near, example=example)
    return say("typed.unknown_word", word=shown(word), options=_options(first="loop"), example=example)


def _is_digit_led(word: str, place: int, resolve: Resolve | None) -> bool:
    """Whether a word that begins with a digit names a market: `1INCH/USDT`, or `1INCH` as the first word."""
    if resolve is None or len(word) > SHOWN_LENGTH or NUMERAL.fullmatch(word):
        return False
    if DIGIT_LED_PAIR.match(word):
        return True
    try:
        return place == 0 and DIGIT_LED_COIN.fullmatch(word) is not None and resolve(word) is not None
    except CommandError:
        return False


def _resolved(word: str | None, resolve: Resolve, shape: Shape, default_symbol: str) -> str:
    if word is None:
        return default_symbol
    symbol = resolve(word) if len(word) <= SHOWN_LENGTH else None
    if symbol is None:
        example = example_line(shape, default_symbol)
        raise CommandError(say("typed.unknown_market", word=shown(word), example=example))
    return symbol


def _coin_sum(word: str, symbol: str) -> tuple[str | None, str]:
    """`budget` or `qty` and the number, with the quote or base coin cut off; else None and the word."""
    base, quote = coins_of(symbol)
    for coin, key in sorted(((quote, "budget"), (base, "qty")), key=lambda pair: -len(pair[0])):
        number = _without_coin(word, coin)
        if number != word and NUMERAL.fullmatch(number):
            return key, number
    if WITH_COIN.fullmatch(word):
        raise CommandError(say("typed.other_coin", word=shown(word), symbol=symbol, coin=quote))
    return None, word


def _without_coin(text: str, coin: str) -> str:
    return text[: -len(coin)] if coin and text.upper().endswith(coin.upper()) else text


def _put(given: dict[str, str], key: str, text: str) -> None:
    if key in given:
        refusal = "typed.twice_in_per_cent" if text.endswith("%") else "typed.twice"
        raise CommandError(say(refusal, key=key, first=shown(given[key]), second=shown(text), example=KEYS[key]))
    given[key] = text


def _unnamed(given: dict[str, str], numbers: Sequence[str], symbol: str, places: Sequence[str]) -> list[str]:
    """Give the sum with a coin and the profit their names; returns the numbers whose place tells what they are."""
    prices = len({"min", "max"} & set(places) - given.keys())
    placed: list[str] = []
    for word in numbers:
        key, text = _coin_sum(word, symbol)
        if key is not None:
            _put(given, key, text)
        elif word.endswith("%") and (word[0] not in "+-" or len(placed) >= prices):
            _put(given, "profit", word)
        else:
            placed.append(word)
    _refuse_both_sizes(given)
    return placed


def _refuse_both_sizes(given: Mapping[str, str]) -> None:
    if "qty" in given and "budget" in given:
        raise CommandError(say("typed.both_sizes"))


def _nearest(name: str) -> str | None:
    """The option a misspelt word comes nearest to, as it would be written."""
    near = get_close_matches(name.lower()[:SHOWN_LENGTH], [*KEYS, *ALIASES], n=1)
    if not near:
        return None
    key = ALIASES.get(near[0], near[0])
    return key if key in FLAGS else f"{key}={KEYS[key]}"


def _options(first: str) -> str:
    keys = list(KEYS)
    return ", ".join(key if key in FLAGS else f"{key}=" for key in keys[keys.index(first) :])


def read_pairs(shape: Shape, symbol: str, given: Mapping[str, str]) -> GridWords:
    """The texts as data: each key of `PLACES` is there, but for either qty or budget. CommandError."""
    base, quote = coins_of(symbol)
    count = parse_number(given["count"], what="COUNT", example=KEYS["count"])
    if count != count.to_integral_value():
        raise CommandError(say("typed.whole_count", found=plain(count)))
    profit = given["profit"]
    profit = profit[:-1].removeprefix("+") if profit.endswith("%") else profit
    return GridWords(
        shape=shape,
        symbol=symbol,
        minimum=_price(given["min"], "MIN", "min"),
        maximum=_price(given["max"], "MAX", "max"),
        count=int(count),
        amount=_size(given, "qty", base),
        budget=_size(given, "budget", quote),
        profit_pct=parse_quantity(profit, what="PROFIT", example=KEYS["profit"]),
        loop=_switch(given, "loop"),
        mean=_optional_price(given, "mean"),
        sigma=parse_number(given.get("sigma", KEYS["sigma"]), what="sigma", example=KEYS["sigma"]),
        above_wait=_switch(given, "above", ("wait",), ("now",)),
        stop=_optional_price(given, "stop"),
        stop_sell=_switch(given, "stop_sell"),
        take=_optional_price(given, "take"),
        force=_switch(given, "force"),
    )


def _size(given: Mapping[str, str], key: str, coin: str) -> Decimal | None:
    if key not in given:
        return None
    text = _without_coin(given[key], coin)
    if key == "qty":
        return parse_quantity(text, what="QTY", example=KEYS[key])
    return parse_number(text, what=key, example=KEYS[key])


def _switch(given: Mapping[str, str], key: str, on: tuple[str, ...] = YES, off: tuple[str, ...] = NO) -> bool:
    text = given.get(key, off[0])
    if text.lower() not in on + off:
        raise CommandError(say("typed.switch", key=key, on=on[0], off=off[0], found=shown(text)))
    return text.lower() in on


def _optional_price(given: Mapping[str, str], key: str) -> Price | None:
    return _price(given[key], key, key) if key in given else None


def _price(text: str, what: str, key: str) -> Price:
    if not text.endswith("%"):
        return parse_number(text, what=what, example=KEYS[key])
    match = RELATIVE.fullmatch(text)
    if match is None:
        raise CommandError(say("typed.price", what=what, example=KEYS[key], found=shown(text)))
    pct = parse_number(match[2], what=what, example="-1%")
    return Relative(-pct if match[1] == "-" else pct)


def _settled(price: Price, market: Decimal | None) -> Decimal:
    if isinstance(price, Decimal):
        return price
    if market is None or not market.is_finite() or market <= ZERO:
        raise CommandError(say("typed.no_price"))
    exact = WIDE.multiply(market, WIDE.add(HUNDRED, price.pct)).scaleb(-2, WIDE)
    return bounded(exact, what=say("typed.relative_price"))
