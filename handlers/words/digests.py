"""Many pushes as one message that grows: counts and sums of all of them, and the newest as lines. Pure.

Rule: a digest drops lines, never facts: what has no line any more is counted and summed, exactly. What a digest has
said is a plain record, so that it can be kept and gone on from.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot.core.model import Side
from bot.core.money import ZERO
from bot.core.snapshot import LevelFilled, Notice, StrayFilled, TradeClosed, Trouble
from bot.core.symbols import coins_of
from bot.texts.catalogue import say
from handlers.words.figures import clock, gain, money, name, number, stamp

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

    def add(self, each: Notice) -> None:
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
            self.others[_kind(each)] += 1

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
) -> tuple[str, Record]:
    """The message that says these besides what it has said before, and what it has said then."""
    digest = Digest.from_record(before) if before else Digest(told[0].at, told[0].at)
    for each in told:
        digest.add(each)
    digest.write([_line(each, config, notice) for each in _paired(_merged(told))])
    return html(digest, config), digest.to_record()


def _kind(each: Notice) -> str:
    """What a notice is called where it is only counted: a key of `digests.kind`, its type in lower case."""
    if isinstance(each, Trouble) and each.over:
        return "trouble_over"
    return re.sub(r"\B([A-Z])", r"_\1", type(each).__name__).lower()


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
    parts += [say("digests.earlier", count=hidden)] if hidden else []
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
    texts = [f"{count:,} × {say(f'digests.kind.{kind}')}" for kind, count in digest.others.items()]
    for currency, (count, pnl) in digest.trades.items():
        texts.append(say("digests.trades", count=count, profit=f"{gain(pnl)} {name(currency)}"))
    for (symbol, side), (count, amount, cost) in digest.fills.items():
        base, quote = (name(coin) for coin in coins_of(symbol))
        did = "digests.bought" if side is Side.BUY else "digests.sold"
        texts.append(say(did, amount=f"{number(amount)} {base}", cost=f"{money(cost)} {quote}", count=count))
    shown = len(digest.others) + MOST_SUMS
    more = len(texts) - shown
    texts = texts[:shown]
    texts += [say("digests.takers", count=digest.takers)] if digest.takers else []
    texts += [say("digests.more_sums", count=more)] if more > 0 else []
    return say("digests.sums", sums="; ".join(texts))


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


def _line(each: Notice | Pair, config: "ChatConfig", notice: Callable[[Notice, "ChatConfig"], str]) -> str:
    sale: LevelFilled | None = None
    if isinstance(each, tuple):
        sale, each = each
    at = clock(each.at, config.timezone)
    if isinstance(each, TradeClosed):
        trade = each.trade
        sign = "💰" if trade.pnl >= ZERO else "🔻"
        begin = f"{_fill(sale)}," if sale is not None else trade.executor
        return f"{at} {sign} {begin} {gain(trade.pnl)} {name(trade.currency)}"
    if isinstance(each, LevelFilled | StrayFilled):
        return f"{at} {'🟢' if each.side is Side.BUY else '🔴'} {_fill(each)}"
    text = notice(each, config)
    return f"{at} {text}" if len(text) <= LONGEST_LINE else f"{at} {say(f'digests.kind.{_kind(each)}')}"


def _fill(each: LevelFilled | StrayFilled) -> str:
    return say(
        "digests.bought_line" if each.side is Side.BUY else "digests.sold_line",
        level=each.executor,
        amount=number(each.amount),
        price=number(each.price),
        taker="" if each.maker else say("digests.taker"),
    )
