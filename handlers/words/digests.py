"""Many pushes as one message that grows: counts and sums of all of them, and the newest as lines. Pure.

Rule: a digest drops lines, never facts: what has no line any more is counted and summed, exactly. What a digest has
said is a plain record, so that it can be kept and gone on from.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot.core.model import Side
from bot.core.money import ZERO
from bot.core.snapshot import LevelFilled, Notice, StrayFilled, TradeClosed
from bot.core.symbols import coins_of
from handlers.words.figures import clock, gain, money, name, number, plural, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

Record = dict[str, Any]
Pair = tuple[LevelFilled, TradeClosed]
"""A sale, and the trade that it closed."""

MOST_LINES = 15
FEW = 3
"""Pushes that need no sums."""
MOST_SUMS = 6
ROOM = 3600
"""Length of sums and lines."""
LONGEST_LINE = 900


@dataclass(slots=True)
class Digest:
    """What a digest knows: `fills` by market and side as [count, amount, cost], `trades` by currency as
    [count, profit], `others` by kind; `lines` are the newest of `count`."""

    since: datetime
    until: datetime
    fills: dict[tuple[str, Side], tuple[int, Decimal, Decimal]] = field(default_factory=dict)
    takers: int = 0
    trades: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, each: Notice, kind: Callable[[Notice], str]) -> None:
        """Count and sum one more."""
        self.since, self.until = min(self.since, each.at), max(self.until, each.at)
        if isinstance(each, TradeClosed):
            count, pnl = self.trades.get(each.trade.currency, (0, ZERO))
            self.trades[each.trade.currency] = (count + 1, pnl + each.trade.pnl)
        elif isinstance(each, LevelFilled | StrayFilled):
            count, amount, cost = self.fills.get((each.symbol, each.side), (0, ZERO, ZERO))
            more = each.amount, each.amount * each.price
            self.fills[each.symbol, each.side] = (count + 1, amount + more[0], cost + more[1])
            self.takers += not each.maker
        else:
            self.others[kind(each)] += 1

    def write(self, lines: Sequence[str]) -> None:
        """Put lines below, and drop the oldest where they are too many."""
        self.count += len(lines)
        self.lines = [*self.lines, *lines][-MOST_LINES:]

    @property
    def total(self) -> int:
        trades, fills = self.trades.values(), self.fills.values()
        return sum(count for count, _ in trades) + sum(count for count, _, _ in fills) + self.others.total()

    def to_record(self) -> Record:
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "fills": [[symbol, side, n, str(amount), str(cost)] for (symbol, side), (n, amount, cost) in self._fills()],
            "takers": self.takers,
            "trades": [[currency, count, str(pnl)] for currency, (count, pnl) in self.trades.items()],
            "others": dict(self.others),
            "lines": self.lines,
            "count": self.count,
        }

    def _fills(self) -> Sequence[tuple[tuple[str, Side], tuple[int, Decimal, Decimal]]]:
        return list(self.fills.items())

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Digest":
        fills = {
            (symbol, Side(side)): (count, Decimal(amount), Decimal(cost))
            for symbol, side, count, amount, cost in record["fills"]
        }
        return cls(
            since=datetime.fromisoformat(record["since"]),
            until=datetime.fromisoformat(record["until"]),
            fills=fills,
            takers=record["takers"],
            trades={currency: (count, Decimal(pnl)) for currency, count, pnl in record["trades"]},
            others=Counter(record["others"]),
            lines=list(record["lines"]),
            count=record["count"],
        )


def gathered(
    told: Sequence[Notice],
    before: Record | None,
    config: "ChatConfig",
    notice: Callable[[Notice, "ChatConfig"], str],
    kind: Callable[[Notice], str],
) -> tuple[str, Record]:
    """The message that says these besides what it has said before, and what it has said then."""
    digest = Digest.from_record(before) if before else Digest(told[0].at, told[0].at)
    for each in told:
        digest.add(each, kind)
    digest.write([_line(each, config, notice, kind) for each in _paired(_merged(told))])
    return html(digest, config), digest.to_record()


def html(digest: Digest, config: "ChatConfig") -> str:
    """When it was, what it comes to, and the newest lines."""
    zone = config.timezone
    is_one_day = digest.since.astimezone(zone).date() == digest.until.astimezone(zone).date()
    begin, end = (clock(at, zone) if is_one_day else stamp(at, zone) for at in (digest.since, digest.until))
    all_ = sums(digest)
    lines = _newest(digest.lines, ROOM - len(all_))
    hidden = digest.count - len(lines)
    parts = [f"📦 <b>{begin}–{end}</b>" if begin != end else f"📦 <b>{begin}</b>"]
    parts += [all_] if hidden or digest.total > FEW else []
    parts += [f"… and {hidden:,} earlier:"] if hidden else []
    return "\n".join([*parts, *lines])


def _newest(lines: Sequence[str], room: int) -> Sequence[str]:
    """The last of these that fit into so many characters, an emoji being two."""
    for count, line in enumerate(reversed(lines)):
        room -= len(line.encode("utf-16-le")) // 2 + 1
        if room < 0:
            return lines[len(lines) - count :]
    return lines


def sums(digest: Digest) -> str:
    """Counts and sums of all, by market and currency."""
    texts = [f"{count:,} × {kind}" for kind, count in digest.others.items()]
    for currency, (count, pnl) in digest.trades.items():
        texts.append(f"{plural(count, 'closed trade')} <b>{gain(pnl)} {name(currency)}</b>")
    for (symbol, side), (count, amount, cost) in digest.fills.items():
        base, quote = coins_of(symbol)
        did = "bought" if side is Side.BUY else "sold"
        texts.append(f"{did} {number(amount)} {name(base)} for {money(cost)} {name(quote)} in {plural(count, 'fill')}")
    shown = len(digest.others) + MOST_SUMS
    more = len(texts) - shown
    taker = f"; ⚠️ {digest.takers:,} as taker" if digest.takers else ""
    rest = f"; and {plural(more, 'sum')} more, see /pnl" if more > 0 else ""
    return "In all: " + "; ".join(texts[:shown]) + f"{taker}{rest}."


def _merged(told: Sequence[Notice]) -> list[Notice]:
    """Parts of one order drawn together where they traded at one price."""
    found: list[Notice] = []
    begun: dict[object, int] = {}
    for each in told:
        if not isinstance(each, LevelFilled):
            found.append(each)
            continue
        key = (each.executor, each.side, each.price, each.maker)
        place = begun.pop(key, len(found))
        before = found[place] if place < len(found) else None
        if isinstance(before, LevelFilled):
            found[place] = replace(each, at=before.at, amount=before.amount + each.amount)
        else:
            found.append(each)
        if not each.whole:
            begun[key] = place
    return found


def _paired(told: Sequence[Notice]) -> list[Notice | Pair]:
    """Each closed trade in the place of the sale that closed it."""
    found: list[Notice | Pair] = []
    sales: dict[str, int] = {}
    for each in told:
        place = sales.pop(each.trade.executor, None) if isinstance(each, TradeClosed) else None
        sale = found[place] if place is not None else None
        if place is not None and isinstance(each, TradeClosed) and isinstance(sale, LevelFilled):
            found[place] = (sale, each)
            continue
        if isinstance(each, LevelFilled) and each.side is Side.SELL:
            sales[each.executor] = len(found)
        found.append(each)
    return found


def _line(
    each: Notice | Pair,
    config: "ChatConfig",
    notice: Callable[[Notice, "ChatConfig"], str],
    kind: Callable[[Notice], str],
) -> str:
    sale: LevelFilled | None = None
    if isinstance(each, tuple):
        sale, each = each
    at = clock(each.at, config.timezone)
    if isinstance(each, TradeClosed):
        trade = each.trade
        sign = "💰" if trade.pnl >= ZERO else "🔻"
        wary = " ⚠️ taker" if sale is not None and not sale.maker else ""
        sold = f"sold {number(sale.amount)} at {number(sale.price)}{wary}, " if sale is not None else ""
        return f"{at} {sign} {trade.executor} {sold}{gain(trade.pnl)} {name(trade.currency)}"
    if isinstance(each, LevelFilled | StrayFilled):
        dot, did = ("🟢", "bought") if each.side is Side.BUY else ("🔴", "sold")
        wary = " ⚠️ taker" if not each.maker else ""
        return f"{at} {dot} {each.executor} {did} {number(each.amount)} at {number(each.price)}{wary}"
    text = notice(each, config)
    return f"{at} {text}" if len(text) <= LONGEST_LINE else f"{at} {kind(each)}"
