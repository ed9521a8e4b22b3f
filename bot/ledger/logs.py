"""What is written down for people and auditors: pnl.log, the closed trades, their fills, and ops.log, what went on.

Rule of pnl.log: a closed trade stands there once, whatever crashes, and an earlier line is never touched. A line begins
with its time, grid, executor and cycle, which together say which trade it is. Only an end that was cut off while being
written is taken away, and the trade, which the state still holds as unwritten, is written again.
Rule of ops.log: one line an entry, no secret in it; its troubles stop nobody, so a thread of its own does the writing.
"""

import asyncio
import json
import logging
import os
import queue
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from itertools import islice
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from urllib.parse import quote

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.money import EXACT, plain
from bot.errors import StateUnwritable
from bot.ledger import months, spreadsheets
from bot.ledger.lines import LineFile, Sync, Write, backwards, forwards
from bot.ports import IS_REPLAY

log = logging.getLogger(__name__)

PNL_LOG, OPS_LOG, FILLS = "pnl.log", "ops.log", "fills"
MOST_MONTHS = 3
"""Months of fills whose names are held in memory."""

_NAMED_BY = b" symbol="
"""What stands before it in a line says which trade it is."""
_MODE = re.compile(r" mode=(\S+)")


def trade_line(trade: RoundTrip, mode: str) -> str:
    """A closed trade as it stands in the ledger, without the end of the line."""
    with localcontext(EXACT):
        gross, pnl = plain(trade.gross), plain(trade.pnl)
    return (
        f"{spreadsheets.stamp(trade.closed_at)} CLOSED grid={trade.grid} executor={trade.executor} cycle={trade.cycle} "
        f"symbol={trade.symbol} qty={plain(trade.qty)} entry={plain(trade.entry)} exit={plain(trade.exit)} "
        f"gross={gross} fees={plain(trade.fees)} pnl={pnl} currency={trade.currency} mode={mode} "
        f"cost={plain(trade.cost)} proceeds={plain(trade.proceeds)}"
    )


def read_trade(text: str) -> RoundTrip:
    """The trade of a line. ValueError where it is not a whole line: its sums must fit each other.

    Times come back to the millisecond. A line without cost and proceeds gets them from its average entry.
    """
    try:
        stamp, closed, *rest = text.split()
        said = dict(word.split("=", 1) for word in rest)
        with localcontext(EXACT):
            qty, gross, fees = (Decimal(said[name]) for name in ("qty", "gross", "fees"))
            cost = Decimal(said["cost"]) if "cost" in said else qty * Decimal(said["entry"])
            proceeds = Decimal(said["proceeds"]) if "proceeds" in said else cost + gross
            fits = proceeds - cost == gross and gross - fees == Decimal(said["pnl"])
        if closed != "CLOSED" or not fits or ("cost" in said) != ("proceeds" in said):
            raise ValueError("it is not whole, or its sums don't fit each other")
        cycle, closed_at = int(said["cycle"]), datetime.fromisoformat(stamp)
        names = said["grid"], said["executor"], cycle, said["symbol"]
        return RoundTrip(*names, qty, cost, proceeds, fees, said["currency"], closed_at)
    except (ValueError, KeyError, InvalidOperation) as error:
        raise ValueError(f"not a closed trade: {text[:200]!r}: {error}") from None


class FileLedger:
    """The Ledger port over pnl.log, and over a file of fills for each month beside it: `fills/2026-11.csv`. `mode` is
    simulated, paper, demo or live."""

    def __init__(self, path: Path, mode: str, write: Write = os.write, sync: Sync = os.fsync) -> None:
        self._path = path
        self._fills = path.parent / FILLS
        self._mode = mode
        self._disk = (write, sync)
        self._trades = LineFile(path, _name_of_trade, _is_whole_trade, b"", write, sync)
        self._months: dict[str, LineFile] = {}
        self._lock = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        """Write a line for each trade that has none yet, and have them on the disk when it returns.
        StateUnwritable when that can't be; no half of a line stays then.
        """
        if trades:
            await self._write([(self._trades, [trade_line(trade, self._mode).encode() for trade in trades])])

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        """Write a row for each fill that has none yet, and have them on the disk when it returns. StateUnwritable."""
        batches: dict[str, list[bytes]] = {}
        for fill in fills:
            month = fill.at.astimezone(UTC).strftime("%Y-%m")
            batches.setdefault(month, []).append(spreadsheets.fill_row(fill, self._mode).encode())
        if batches:
            await self._write([(self._month(month), rows) for month, rows in sorted(batches.items())])

    def _month(self, month: str) -> LineFile:
        """The fills of one month: each knows the names of its own rows, so only the last few are kept open."""
        file = self._months.pop(month, None)
        if file is None:
            path, head = self._fills / f"{month}.csv", f"{spreadsheets.FILLS_HEAD}\n".encode()
            file = LineFile(path, spreadsheets.name_of_fill, spreadsheets.is_whole_fill, head, *self._disk)
        self._months[month] = file
        if len(self._months) > MOST_MONTHS:
            del self._months[next(iter(self._months))]
        return file

    async def last(self, count: int) -> Sequence[RoundTrip]:
        """The last closed trades, newest first."""
        return await asyncio.to_thread(self._last, count)

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        """The last fills of a grid, newest first, at most so many, none older than `since`."""
        return await asyncio.to_thread(lambda: list(islice(months.fills_back(self._fills, grid, since), most)))

    async def fills(self) -> Sequence[BookedFill]:
        """All fills, oldest first, for another ledger to go on from."""
        return await asyncio.to_thread(lambda: list(months.fills(self._fills)))

    async def export(self, folder: Path) -> Sequence[Path]:
        """Write trades.csv and fills.csv into a folder, read from the disk a line at a time. StateUnwritable."""
        try:
            return await asyncio.to_thread(spreadsheets.write_all, folder, self._trade_rows(), months.rows(self._fills))
        except OSError as error:
            raise StateUnwritable(f"the export can't be written: {error.strerror or error}") from error

    async def close(self) -> None:
        """Let go of the thread; the files are open only while they are written to."""
        async with self._lock:
            if self._thread is not None:
                self._thread.shutdown()
                self._thread = None

    async def _write(self, files: Sequence[tuple[LineFile, list[bytes]]]) -> None:
        def write() -> None:
            for file, lines in files:
                file.append(lines)

        async with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
            future = asyncio.get_running_loop().run_in_executor(self._thread, write)
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])  # what is being written can't be called back
                future.exception()  # seen; the caller asks again
                raise

    def _last(self, count: int) -> list[RoundTrip]:
        trades: list[RoundTrip] = []
        for line in islice(backwards(self._path), 1, None):
            if len(trades) >= count:
                break
            try:
                trades.append(read_trade(line.decode()))
            except ValueError:
                continue  # a line of a person or another tool
        return trades

    def _trade_rows(self) -> Iterator[str]:
        for line in forwards(self._path):
            text = line.decode(errors="replace")
            if (row := spreadsheets.row_of_line(text)) is not None:
                yield row
                continue
            try:
                trade, mode = read_trade(text), _MODE.search(text)
            except ValueError:
                continue
            yield spreadsheets.trade_row(trade, mode[1] if mode is not None else self._mode)


def _name_of_trade(line: bytes) -> bytes | None:
    end = line.find(_NAMED_BY)
    return line[:end] if end > 0 else None


def _is_whole_trade(torn: bytes) -> bool:
    try:
        if torn[:1].isdigit():  # any other is not a line of ours that was cut off
            read_trade(torn.decode() if b" proceeds=" in torn else "")  # without its last field it is not whole
    except ValueError:
        return False
    return True


class MemoryLedger:
    """The Ledger port over lists, for backtests; each trade and fill comes once there."""

    def __init__(self, mode: str = "simulated") -> None:
        self.trades: list[RoundTrip] = []
        self.fills: list[BookedFill] = []
        self._mode = mode

    async def append(self, trades: Sequence[RoundTrip]) -> None:
        """Take these trades."""
        self.trades.extend(trades)

    async def append_fills(self, fills: Sequence[BookedFill]) -> None:
        """Take these fills."""
        self.fills.extend(fills)

    async def last(self, count: int) -> Sequence[RoundTrip]:
        """The last closed trades, newest first."""
        return self.trades[: -count - 1 : -1] if count > 0 else []

    async def fills_since(self, grid: str, since: datetime, most: int) -> Sequence[BookedFill]:
        """The last fills of a grid, newest first, at most so many, none older than `since`."""
        own = (fill for fill in reversed(self.fills) if fill.grid == grid and fill.at >= since)
        return list(islice(own, most))

    async def export(self, folder: Path) -> Sequence[Path]:
        """Write trades.csv and fills.csv into a folder."""
        trades = (spreadsheets.trade_row(trade, self._mode) for trade in self.trades)
        fills = (spreadsheets.fill_row(fill, self._mode) for fill in self.fills)
        return await asyncio.to_thread(spreadsheets.write_all, folder, trades, fills)


# -- ops.log -----------------------------------------------------------------------------------------------------

QUIET = ("httpx", "httpcore", "telegram", "apscheduler", "matplotlib", "PIL", "asyncio", "aiohttp", "ccxt")
"""Libraries heard from WARNING on; httpx writes the bot token's URL at INFO, ccxt signed requests at DEBUG."""

_KNOWN_SECRETS = (
    (re.compile(r"\d{6,}:[A-Za-z0-9_-]{30,}"), "***"),
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+@"), r"\1***@"),
    (
        re.compile(r"(?i)\b((?:api_?key|sign|signature|secret|passphrase|password|token|listen_?key)=)[^&\s\"'\\]+"),
        r"\1***",
    ),
)
SHORT = 6
"""A secret shorter than this is struck out only where it stands as a word of its own."""


class Redactor:
    """Strikes secrets out of text: those given, in every spelling a log may use, and whatever looks like one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        spellings: set[str] = set()
        for secret in filter(None, secrets):
            lines = [line.strip() for line in secret.splitlines()]
            for form in (secret, *(line for line in lines if len(line) >= SHORT and not line.startswith("-----"))):
                escaped = json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], repr(form)[1:-1]
                spellings |= {form, quote(form, safe=""), quote(form), *escaped}
        words = [
            re.escape(each) if len(each) >= SHORT else rf"(?<!\w){re.escape(each)}(?!\w)"
            for each in sorted(spellings, key=len, reverse=True)
        ]
        self._given = re.compile("|".join(words)) if words else None

    def __call__(self, text: str) -> str:
        """The text with `***` where a secret stood."""
        if self._given is not None:
            text = self._given.sub("***", text)
        for pattern, instead in _KNOWN_SECRETS:
            text = pattern.sub(instead, text)
        return text


class LineFormatter(logging.Formatter):
    """One line an entry: time, level, logger, message, and its context as JSON (`extra={"context": {...}}`), where it
    was logged and a traceback included."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line, with no secret in it."""
        context: dict[str, object] = {"source": f"{record.module}:{record.lineno}"}
        given = getattr(record, "context", None)
        if isinstance(given, Mapping):
            context |= {str(name): value for name, value in given.items()}
        if record.exc_info and record.exc_info[1] is not None:
            context["error"] = repr(record.exc_info[1])
            context["traceback"] = self.formatException(record.exc_info)
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args!r}"
        message = message.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        stamp = spreadsheets.stamp(datetime.fromtimestamp(record.created, UTC))
        said = json.dumps(context, default=str, ensure_ascii=False)
        return self._redact(f"{stamp} {record.levelname} {record.name}: {message} {said}")


class _Mute:
    """A handler's troubles are counted and nothing else: a full disk stops no trading."""

    lost = 0

    def handleError(self, record: logging.LogRecord) -> None:
        type(self).lost += 1


class _Queue(_Mute, QueueHandler):
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Formatted here, where objects still are what they were; the thread only writes."""
        return logging.LogRecord(record.name, record.levelno, "", 0, self.format(record), None, None)


class _File(_Mute, RotatingFileHandler):
    pass


class _Stream(_Mute, logging.StreamHandler):  # type: ignore[type-arg]
    pass


class OpsLog:
    """The log while it is open. `redact` strikes secrets out of any text, for words that go elsewhere."""

    def __init__(self, path: Path, handler: QueueHandler, listener: QueueListener, redact: Redactor) -> None:
        self.redact = redact
        self._path = path
        self._handler = handler
        self._listener: QueueListener | None = listener

    def tail(self, count: int) -> list[str]:
        """The last lines, oldest first."""
        self.flush(0.2)
        lines: list[str] = []
        with suppress(OSError):
            for number in range(6):
                name = self._path if not number else self._path.with_name(f"{self._path.name}.{number}")
                for line in islice(backwards(name), 1, None):
                    if len(lines) >= count:
                        return lines[::-1]
                    lines.append(line.decode(errors="replace"))
        return lines[::-1]

    def flush(self, seconds: float) -> bool:
        """Wait, at most so long, until what was logged has been written; whether it has."""
        waiting = self._handler.queue
        until = time.monotonic() + seconds
        while isinstance(waiting, queue.Queue) and waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.001)
        return not (isinstance(waiting, queue.Queue) and waiting.unfinished_tasks)

    def close(self) -> None:
        """Write what is left and take the log off the root logger."""
        logging.getLogger().removeHandler(self._handler)
        listener, self._listener = self._listener, None
        if listener is not None and self.flush(1.0):  # where the disk hangs, the thread is left to end with the process
            listener.stop()
            for handler in listener.handlers:
                handler.close()


def open_ops_log(
    folder: Path, level: str | int = "INFO", *, stdout: bool = False, secrets: Sequence[str] = ()
) -> OpsLog:
    """Send all logging to `folder`/ops.log (5 MB, 5 older ones). With `stdout` each line goes there as well, else only
    warnings do, to stderr. Never raises for the disk: lines that can't be written are lost.
    """
    redact = Redactor(secrets)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / OPS_LOG
    file = _File(path, maxBytes=5_000_000, backupCount=5, encoding="utf-8", errors="backslashreplace", delay=True)
    stream = _Stream(sys.stdout if stdout else sys.stderr)
    stream.setLevel(logging.NOTSET if stdout else logging.WARNING)
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(10_000)
    handler = _Queue(waiting)
    handler.setFormatter(LineFormatter(redact))
    handler.addFilter(lambda record: not IS_REPLAY.get())
    listener = QueueListener(waiting, file, stream, respect_handler_level=True)
    listener.start()
    root = logging.getLogger()
    root.setLevel(level)
    root.addHandler(handler)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    return OpsLog(path, handler, listener, redact)
