"""What may be typed behind `python -m bot backtest`: a grid in the words of the chat, where its candles come from, and
how the pretend exchange trades.

Rule: read by hand, as `-1%` is a price here and not an option. What is wrong is one line with an example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.core.grids import Shape
from bot.core.model import FeeSide, Market
from bot.core.money import ZERO, plain
from bot.core.words import GridWords, parse_grid, parse_number
from bot.errors import CommandError

USAGE = (
    "python -m bot backtest linear BTC/USDT 54000 66000 20 0.001 0.5 loop [--candles FILE.csv | --days 30] "
    "[--maker-fee 0.0002] [--fill through|touch] [--price-tick 0.01] [--amount-step 0.000001] [--json] "
    "[--chart FILE.png]"
)
DAYS = 30
"""Of the exchange's history, unless told otherwise."""
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Rules:
    """How the pretend exchange of a backtest trades. Ratios as 0.0002 = 0.02 %; fees are taken in quote currency."""

    maker_fee_ratio: Decimal = ZERO
    price_tick: Decimal = Decimal("0.01")
    amount_step: Decimal = Decimal("0.000001")
    min_amount: Decimal = ZERO
    min_cost: Decimal = ZERO
    touch: bool = False

    @classmethod
    def of(cls, market: Market) -> "Rules":
        """Those of a real market."""
        return cls(
            maker_fee_ratio=market.maker_fee_ratio,
            price_tick=market.price_tick,
            amount_step=market.amount_step,
            min_amount=market.min_amount,
            min_cost=market.min_cost,
        )

    def market(self, symbol: str) -> Market:
        base, _, quote = symbol.partition("/")
        return Market(
            symbol=symbol,
            base=base,
            quote=quote.partition(":")[0],
            price_tick=self.price_tick,
            amount_step=self.amount_step,
            min_amount=max(self.min_amount, self.amount_step),
            min_cost=self.min_cost,
            maker_fee_ratio=self.maker_fee_ratio,
            taker_fee_ratio=self.maker_fee_ratio,
            fee_side=FeeSide.QUOTE,
        )


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed behind `backtest`. `candles` None: the last `days` of the exchange's history; `typed` are the
    fields of Rules that were."""

    words: tuple[str, ...]
    candles: Path | None
    days: int
    typed: Mapping[str, Any]
    as_json: bool
    chart: Path | None


def parse(arguments: Sequence[str]) -> Command:
    """Read the command line. By hand, as `-1%` is a price here and not an option. CommandError."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        name, given, value = word.partition("=")
        if not word.startswith("--"):
            words.append(word)
        elif name == "--json":
            options[name] = "yes"
        elif name in ("--candles", "--days", "--maker-fee", "--fill", "--price-tick", "--amount-step", "--chart"):
            found = value if given else next(rest, "")
            if not found:
                raise CommandError(f"{name} needs a value; example: {USAGE}")
            options[name] = found
        else:
            raise CommandError(f"{name} is no option of backtest; expected: {USAGE}")
    if not words:
        raise CommandError(f"a grid is needed: {USAGE}")
    if "--candles" in options and "--days" in options:
        raise CommandError("--days is of the exchange's history, --candles of a file: leave one of them out")
    fill = options.get("--fill", "through")
    if fill not in ("through", "touch"):
        raise CommandError(f"--fill is through or touch, got {fill!r}")
    typed: dict[str, Any] = {"touch": fill == "touch"}
    if "--maker-fee" in options:
        typed["maker_fee_ratio"] = _ratio(options["--maker-fee"])
    for name in ("--price-tick", "--amount-step"):
        if name in options:
            typed[name.removeprefix("--").replace("-", "_")] = _positive(name, options[name])
    chart = options.get("--chart")
    return Command(
        words=tuple(words),
        candles=Path(options["--candles"]) if "--candles" in options else None,
        days=_days(options.get("--days", str(DAYS))),
        typed=typed,
        as_json="--json" in options,
        chart=Path(chart) if chart else None,
    )


def _ratio(text: str) -> Decimal:
    per_cent = text.endswith("%")
    value = parse_number(text.rstrip("%"), what="--maker-fee", example="0.0002 or 0.02%")
    value = value / 100 if per_cent else value
    if not ZERO <= value < Decimal("0.1"):
        raise CommandError(f"--maker-fee is a ratio from 0 to 0.1, such as 0.0002 (0.02 %), got {plain(value)}")
    return value


def _positive(name: str, text: str) -> Decimal:
    value = parse_number(text, what=name, example="0.01")
    if value <= ZERO:
        raise CommandError(f"{name} is above zero, such as 0.01, got {text}")
    return value


def _days(text: str) -> int:
    value = parse_number(text, what="--days", example="30")
    if value != int(value) or not 1 <= value <= MOST_DAYS:
        raise CommandError(f"--days is a whole number from 1 to {MOST_DAYS}, such as 30, got {text}")
    return int(value)


def words_of(command: Command, default_symbol: str = "BTC/USDT") -> GridWords:
    """The grid that was asked for."""
    shape = command.words[0].lower().lstrip("/")
    if shape not in set(Shape):
        raise CommandError(f"a grid is linear, normal or geometric, got {shape[:20]!r}; example: {USAGE}")
    return parse_grid(Shape(shape), command.words[1:], resolve=_symbol, default_symbol=default_symbol)


def _symbol(word: str) -> str | None:
    base, slash, quote = word.partition("/")
    return word.upper() if slash and base and quote else None
