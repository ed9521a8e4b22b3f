"""pnl.log says each closed trade once, to the last digit; ops.log says what went on, and no secret."""

import asyncio
import errno
import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounting import RoundTrip
from bot.errors import StateUnwritable
from bot.ledger.logs import FileLedger, MemoryLedger, OpsLog, Redactor, open_ops_log, read_trade, trade_line

AT = datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
TRADE = RoundTrip(
    grid="g1",
    executor="g1.7",
    cycle=3,
    symbol="BTC/USDT",
    qty=Decimal("0.001"),
    cost=Decimal("60.0001"),
    proceeds=Decimal("60.3002"),
    fees=Decimal("0.02406"),
    currency="USDT",
    closed_at=AT,
)
LINE = (
    "2026-11-22T10:00:00.123Z CLOSED grid=g1 executor=g1.7 cycle=3 symbol=BTC/USDT qty=0.001 entry=60000.1 "
    "exit=60300.2 gross=0.3001 fees=0.02406 pnl=0.27604 currency=USDT mode=live"
)
T = TypeVar("T")


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def trade(number: int) -> RoundTrip:
    return replace(TRADE, executor=f"g1.{number % 5}", cycle=number, closed_at=AT + timedelta(seconds=number))


TRADES = [trade(number) for number in range(1, 9)]


def appended(path: Path, *batches: list[RoundTrip], **broken: Callable[..., int]) -> None:
    """A worker's life: each batch is appended by one ledger."""

    async def story() -> None:
        ledger = FileLedger(path, "live", **broken)  # type: ignore[arg-type]
        try:
            for batch in batches:
                await ledger.append(batch)
        finally:
            await ledger.close()

    run(story())


def last(path: Path, count: int = 1000) -> list[RoundTrip]:
    return list(run(FileLedger(path, "live").last(count)))


# -- a line ------------------------------------------------------------------------------------------------------


def test_a_line_has_the_promised_shape() -> None:
    assert trade_line(TRADE, "live") == f"{LINE} cost=60.0001 proceeds=60.3002"


decimals = st.decimals(min_value=Decimal("0.00000001"), max_value=10**9, places=8)


@given(decimals, decimals, decimals, st.decimals(min_value=-100, max_value=100, places=16))
def test_a_line_read_back_is_the_same_trade(qty: Decimal, cost: Decimal, proceeds: Decimal, fees: Decimal) -> None:
    closed = replace(TRADE, qty=qty, cost=cost, proceeds=proceeds, fees=fees)
    assert read_trade(trade_line(closed, "demo")) == closed


def test_a_line_without_sums_is_read_by_its_averages() -> None:
    assert read_trade(LINE) == TRADE


@pytest.mark.parametrize("size", range(len(LINE) + 2, len(trade_line(TRADE, "live"))))
def test_a_line_that_was_cut_off_in_its_sums_is_no_trade(size: int) -> None:
    with pytest.raises(ValueError, match="not a closed trade"):
        read_trade(trade_line(TRADE, "live")[:size])


# -- the file ----------------------------------------------------------------------------------------------------


def test_a_trade_is_written_once_however_often_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "pnl.log"
    appended(path, TRADES[:3], TRADES[1:5], [TRADES[0], TRADES[0]])
    appended(path, TRADES[2:6], [])
    assert last(path) == TRADES[5::-1]
    assert path.read_text().endswith("\n")


def test_the_same_level_and_cycle_of_a_new_state_is_another_trade(tmp_path: Path) -> None:
    path = tmp_path / "pnl.log"
    anew = replace(TRADE, closed_at=AT + timedelta(days=1))
    appended(path, [TRADE], [anew])
    assert last(path) == [anew, TRADE]


def test_a_kill_at_any_byte_of_a_write_leaves_each_trade_once(tmp_path: Path) -> None:
    path = tmp_path / "pnl.log"
    appended(path, TRADES[:3])
    whole = path.read_bytes()
    start = len(trade_line(TRADES[0], "live")) + 1
    for size in range(start, len(whole) + 1):
        path.write_bytes(whole[:size])
        appended(path, TRADES[1:3])  # the state held these as unwritten
        assert path.read_bytes() == whole, size


def test_a_last_line_without_its_end_is_completed_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "pnl.log"
    path.write_text(f"{LINE}\n# a person's remark")
    appended(path, [trade(4)])
    assert path.read_text().splitlines()[:2] == [LINE, "# a person's remark"]
    assert last(path) == [trade(4), TRADE]


def test_a_full_disk_leaves_no_half_of_a_line_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "pnl.log"
    appended(path, TRADES[:2])
    before = path.read_bytes()

    async def story() -> None:
        room = 0

        def write(fd: int, data: bytes) -> int:
            nonlocal room
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = os.write(fd, data[:room])
            room -= taken
            return taken

        ledger = FileLedger(path, "live", write=write)
        for size in range(0, 500, 37):
            room = size
            with pytest.raises(StateUnwritable, match=r"pnl\.log.*the disk is full.*Remedy"):
                await ledger.append(TRADES[1:5])
            assert path.read_bytes() == before
        room = 10_000
        await ledger.append(TRADES[1:5])
        await ledger.close()

    run(story())
    assert last(path) == TRADES[4::-1]


def test_a_line_that_cannot_be_synced_is_taken_back(tmp_path: Path) -> None:
    def broken(fd: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(StateUnwritable, match="Input/output error"):
        appended(tmp_path / "pnl.log", [TRADE], sync=broken)
    assert (tmp_path / "pnl.log").read_bytes() == b""
    appended(tmp_path / "pnl.log", [TRADE])
    assert last(tmp_path / "pnl.log") == [TRADE]


def test_a_log_that_was_moved_away_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "pnl.log"

    async def story() -> None:
        ledger = FileLedger(path, "live")
        await ledger.append(TRADES[:2])
        path.rename(tmp_path / "old.log")
        await ledger.append(TRADES[2:4])
        await ledger.close()

    run(story())
    assert last(path) == TRADES[3:1:-1]


@pytest.mark.parametrize("count", [0, 1, 3, 700, 5000])
def test_the_last_trades_come_newest_first_across_blocks(tmp_path: Path, count: int) -> None:
    trades = [trade(number) for number in range(1000)]
    appended(tmp_path / "pnl.log", trades)
    assert (tmp_path / "pnl.log").stat().st_size > 3 * (1 << 16)
    assert last(tmp_path / "pnl.log", count) == trades[::-1][:count]


def test_there_are_no_last_trades_without_a_log(tmp_path: Path) -> None:
    assert last(tmp_path / "pnl.log") == []


def test_a_ledger_in_memory_counts_back_too() -> None:
    ledger = MemoryLedger()
    run(ledger.append(TRADES))
    assert run(ledger.last(2)) == TRADES[:-3:-1]
    assert run(ledger.last(0)) == []
    assert run(ledger.last(99)) == TRADES[::-1]


# -- ops.log -----------------------------------------------------------------------------------------------------

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIOdEaDbEeF\nAbCdEfGhIjKlMn==\n-----END EC PRIVATE KEY-----\n"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., OpsLog]]:
    """Opens ops.log, and leaves logging as it was."""
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore", "telegram", "apscheduler")}
    logs: list[OpsLog] = []

    def opener(**named: Any) -> OpsLog:
        logs.append(open_ops_log(tmp_path, **named))
        return logs[-1]

    yield opener
    for each in logs:
        each.close()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_an_entry_is_one_line_with_a_context_a_machine_can_read(opened: Callable[..., OpsLog], tmp_path: Path) -> None:
    ops = opened()
    log = logging.getLogger("bot.manager")
    log.info("grid %s\nmade", "g1", extra={"context": {"grid": "g1", "price": Decimal("1.5")}})
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("it failed")
    log.debug("not to be seen")
    one, two = ops.tail(10)
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) bot\.manager: (.*?) (\{.*\})"
    first, second = re.fullmatch(pattern, one), re.fullmatch(pattern, two)
    assert first is not None
    assert second is not None
    assert first.groups()[:2] == ("INFO", "grid g1\\nmade")
    assert json.loads(first[3]) | {"source": ""} == {"source": "", "grid": "g1", "price": "1.5"}
    assert second[1] == "ERROR"
    assert "Traceback" in json.loads(second[3])["traceback"]
    assert (tmp_path / "ops.log").read_text().count("\n") == 2


def test_no_secret_reaches_a_message_an_argument_a_context_or_a_traceback(opened: Callable[..., OpsLog]) -> None:
    ops = opened(secrets=["s3cr&t/key", PEM, "pw", ""])
    log = logging.getLogger("x")
    log.warning("key s3cr&t/key in %s and %r", "https://h/?a=s3cr%26t%2Fkey&signature=deadbeef01", PEM)
    log.warning("pem %s", PEM, extra={"context": {"pem": PEM, "password": "pw"}})
    try:
        raise OSError(f"https://api.telegram.org/bot{TOKEN}/getMe {PEM}")
    except OSError:
        log.exception("telegram postgres://user:hunter22@host/db apiKey=AAA111 power")
    text = "\n".join(ops.tail(10))
    for secret in ("s3cr", "MHcCAQ", "AbCdEfGh", TOKEN[12:], "hunter22", "AAA111", "deadbeef", '"pw"'):
        assert secret not in text
    assert text.count("***") >= 8
    assert "power" in text
    assert ops.redact(f"bot{TOKEN}") == "bot***"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x17F), min_size=8, max_size=20))
def test_a_secret_of_any_spelling_is_struck_out_of_text_and_json(secret: str) -> None:
    redact = Redactor([secret])
    for text in (secret, json.dumps({"a": secret}), json.dumps({"a": secret}, ensure_ascii=False), repr([secret])):
        assert redact(text) in ("***", '{"a": "***"}', "['***']", '["***"]')


def test_libraries_that_write_tokens_are_heard_from_warning_on(opened: Callable[..., OpsLog]) -> None:
    ops = opened(level="DEBUG")
    for name in ("httpx", "httpcore.http11", "telegram.ext", "apscheduler.scheduler"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("heard")
    assert [line.split(": ")[1].split()[0] for line in ops.tail(10)] == ["heard"] * 4


@pytest.mark.parametrize("stdout", [True, False])
def test_with_a_token_all_goes_to_stdout_in_the_terminal_only_warnings_to_stderr(
    opened: Callable[..., OpsLog], monkeypatch: pytest.MonkeyPatch, stdout: bool
) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    ops = opened(stdout=stdout)
    logging.getLogger("x").info("calm")
    logging.getLogger("x").warning("alarm")
    ops.close()
    assert ("calm" in out.getvalue(), "alarm" in out.getvalue()) == (stdout, stdout)
    assert ("calm" in err.getvalue(), "alarm" in err.getvalue()) == (False, not stdout)


def test_a_log_that_cannot_be_written_stops_nobody(
    opened: Callable[..., OpsLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ops.log").mkdir()
    ops = opened(stdout=True)
    logging.getLogger("x").error("to nowhere")
    assert ops.tail(3) == []
    ops.close()
    captured = capsys.readouterr()
    assert "to nowhere" in captured.out
    assert captured.err == ""


def test_a_long_log_is_rotated_and_its_tail_goes_on_in_the_older_file(
    opened: Callable[..., OpsLog], tmp_path: Path
) -> None:
    ops = opened()
    for number in range(5200):
        logging.getLogger("x").info("%04d %s", number, "x" * 980)
        if number % 500 == 0:
            assert ops.flush(5)
    assert ops.flush(5)
    assert (tmp_path / "ops.log.1").exists()
    tail = ops.tail(1000)
    assert [int(line.split(": ")[1][:4]) for line in tail] == list(range(4200, 5200))


def test_a_log_that_was_closed_is_off(opened: Callable[..., OpsLog]) -> None:
    before = list(logging.getLogger().handlers)
    ops = opened()
    ops.close()
    ops.close()
    assert logging.getLogger().handlers == before
