"""Closed trades and fills as CSV, as spreadsheets and tax tools read it: UTF-8, one header, commas, decimal points.

Rule: every figure stands in full and exact, times are ISO in UTC. A cell never holds what would need quotes, so that a
row is a line and is split at its commas.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.model import Side
from bot.core.money import EXACT, plain

TRADES, FILLS = "trades.csv", "fills.csv"
TRADES_HEAD = "time_utc,grid,executor,cycle,symbol,qty,entry,exit,cost,proceeds,gross,fees,pnl,currency,mode"
FILLS_HEAD = (
    "time_utc,symbol,side,price,amount,cost,fee,fee_coin,fee_value,currency,order_id,trade_id,maker,grid,executor,"
    "cycle,mode"
)
_ORDER, _TRADE, _EXECUTOR = 10, 11, 14
_CELLS = FILLS_HEAD.count(",") + 1
_FORBIDDEN = str.maketrans(dict.fromkeys(',"\r\n', "_"))


def stamp(moment: datetime) -> str:
    """ISO, UTC, to the millisecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _row(*cells: str) -> str:
    return ",".join(cell.translate(_FORBIDDEN) for cell in cells)


def fill_row(fill: BookedFill, mode: str) -> str:
    """A fill as a row of fills.csv, without the end of the line."""
    with localcontext(EXACT):
        figures = [plain(value) for value in (fill.price, fill.amount, fill.cost, fill.fee)]
    return _row(
        stamp(fill.at),
        fill.symbol,
        fill.side,
        *figures,
        fill.fee_currency,
        plain(fill.fee_value),
        fill.currency,
        fill.order,
        fill.trade_id,
        "yes" if fill.maker else "no",
        fill.grid,
        fill.executor,
        str(fill.cycle),
        mode,
    )


def read_fill(row: str) -> BookedFill:
    """The fill of a row, its time to the millisecond. ValueError where it is not a whole row."""
    at, symbol, side, price, amount, _, fee, coin, value, currency, order, trade, maker, grid, executor, cycle, _ = (
        row.split(",")
    )
    try:
        money = [Decimal(figure) for figure in (price, amount, fee, value)]
    except InvalidOperation as error:
        raise ValueError(f"not a fill: {row[:200]!r}") from error
    return BookedFill(
        at=datetime.fromisoformat(at),
        symbol=symbol,
        side=Side(side),
        price=money[0],
        amount=money[1],
        fee=money[2],
        fee_currency=coin,
        fee_value=money[3],
        currency=currency,
        order=order,
        trade_id=trade,
        maker=maker == "yes",
        grid=grid,
        executor=executor,
        cycle=int(cycle),
    )


def name_of_fill(row: bytes) -> bytes | None:
    """What names a row of fills.csv: the order, the trade, and whose it was; None where it is no such row."""
    cells = row.split(b",")
    if len(cells) != _CELLS or not cells[0][:1].isdigit():
        return None
    return b"%b %b %b" % (cells[_ORDER], cells[_TRADE], cells[_EXECUTOR])


def is_whole_fill(row: bytes) -> bool:
    """Whether a last row without its end is all there: the word it ends with begins no other."""
    cells = row.split(b",")
    return len(cells) == _CELLS and cells[-1] in (b"simulated", b"paper", b"demo", b"live")


def trade_row(trade: RoundTrip, mode: str) -> str:
    """A closed trade as a row of trades.csv, without the end of the line."""
    with localcontext(EXACT):
        figures = trade.qty, trade.entry, trade.exit, trade.cost, trade.proceeds, trade.gross, trade.fees, trade.pnl
        cells = [plain(value) for value in figures]
    names = trade.grid, trade.executor, str(trade.cycle), trade.symbol
    return _row(stamp(trade.closed_at), *names, *cells, trade.currency, mode)


_LINE = re.compile(
    r"(\d\S+) CLOSED grid=(\w+) executor=(\S+) cycle=(\d+) symbol=(\S+) qty=(\S+) entry=(\S+) exit=(\S+) gross=(\S+) "
    r"fees=(\S+) pnl=(\S+) currency=(\S+) mode=(\S+) cost=(\S+) proceeds=(\S+)"
)


def row_of_line(line: str) -> str | None:
    """The row of a line of pnl.log as this version writes it, figures as they stand; None for any other."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    *first, gross, fees, pnl, currency, mode, cost, proceeds = found.groups()
    return _row(*first, cost, proceeds, gross, fees, pnl, currency, mode)


def write(path: Path, head: str, rows: Iterable[str]) -> Path:
    """Write a sheet, a row at a time."""
    with path.open("w", encoding="utf-8", newline="", buffering=1 << 20) as file:
        file.write(head + "\r\n")
        for row in rows:
            file.write(row + "\r\n")
    return path


def write_all(folder: Path, trades: Iterator[str], fills: Iterator[str]) -> list[Path]:
    """Both sheets into a folder. Blocks."""
    return [write(folder / TRADES, TRADES_HEAD, trades), write(folder / FILLS, FILLS_HEAD, fills)]
