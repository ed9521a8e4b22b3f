"""The second front door: `python -m bot backtest`, a grid in the words of the chat over a file of candles or over the
exchange's own history.

Rule: read by hand, as `-1%` is a price here and not an option. What is wrong is one line with an example.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.backtest import Rules, Run, picture, run
from bot.charts import backtest_chart
from bot.core.grids import Shape
from bot.core.money import ZERO, plain, use_exact
from bot.core.words import GridWords, as_command, parse_grid, parse_number
from bot.errors import BotError, CommandError
from bot.exchange.candle_files import read_candles
from bot.exchange.candles import CandleSeries
from bot.settings import Settings, load_settings
from bot.wiring.history import read_history

USAGE = (
    "python -m bot backtest linear BTC/USDT 54000 66000 20 0.001 0.5 loop [--candles FILE.csv | --days 30] "
    "[--maker-fee 0.0002] [--fill through|touch] [--price-tick 0.01] [--amount-step 0.000001] [--json] "
    "[--chart FILE.png]"
)
DAYS = 30
"""Of the exchange's history, unless told otherwise."""
MOST_DAYS = 366


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


def main(arguments: Sequence[str]) -> int:
    """`python -m bot backtest …`: run, print the report, draw the chart. Exit code 0, or 2 with one line on stderr."""
    use_exact()
    try:
        command = parse(arguments)
        if command.candles is not None:
            words, (series, rules) = words_of(command), _recorded(command.candles, command.typed)
        else:
            settings = load_settings()
            words = words_of(command, settings.symbol)
            series, rules = _remembered(settings, words.symbol, command)
        done = asyncio.run(run(words.at(series.decimal(0, "close")), series, rules))
        if command.chart is not None:
            _draw(done, command.chart)
    except BotError as error:
        print(f"backtest: {error}", file=sys.stderr)
        return 2
    print(done.report.to_json() if command.as_json else describe(done))
    return 0


def _recorded(path: Path, typed: Mapping[str, Any]) -> tuple[CandleSeries, Rules]:
    """A file's candles; it knows its own tick."""
    series = read_candles(path)
    tick = min(Rules().price_tick, Decimal(1).scaleb(-series.digits))
    return series, Rules(**{"price_tick": tick, **typed})


def _remembered(settings: Settings, symbol: str, command: Command) -> tuple[CandleSeries, Rules]:
    """The exchange's candles, traded by its own rules but for those that were typed. MarketError, SettingsError."""
    if settings.exchange == "simulated":
        raise CommandError("give --candles FILE, or name an exchange whose history to read, such as EXCHANGE=bybit")
    series, market = asyncio.run(read_history(settings, symbol, command.days))
    return series, replace(Rules.of(market), **command.typed)


def _draw(done: Run, path: Path) -> None:
    try:
        path.write_bytes(backtest_chart(picture(done)))
    except OSError as error:
        raise CommandError(f"the chart can't be written to {path}: {error.strerror}") from None


def describe(done: Run) -> str:
    """The report for a person."""
    report, shown = done.report, done.preview
    money = shown.market.quote
    first, last = done.series.closes_at(0), done.series.closes_at(len(done.series) - 1)
    rows = (
        ("candles", f"{report.bars:,} in {report.seconds:.3f} s ({report.bars_per_second:,.0f} a second)"),
        ("period", f"{first:%Y-%m-%d} … {last:%Y-%m-%d} ({(last - first).days} days)"),
        ("capital at worst", f"{report.capital:,.2f} {money}"),
        ("closed trades", f"{report.round_trips:,}"),
        ("realised", f"{report.realized:+,.2f} {money} after {report.fees:,.2f} of fees"),
        ("open profit", f"{report.unrealized:+,.2f} {money} in {report.open_positions} levels"),
        (
            "total",
            f"{report.profit:+,.2f} {money} ({report.profit_pct or ZERO:+.2f}% of the capital)",
        ),
        ("deepest fall", f"{report.max_drawdown:,.2f} {money}"),
        ("holding instead", f"{report.hold:+,.2f} {money}"),
    )
    return "\n".join([as_command(shown.spec), *(f"{name:<17} {text}" for name, text in rows)])
