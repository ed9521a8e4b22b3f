"""The journal of fills says each fill once, whatever crashes, and /export's CSV is exact and read by a spreadsheet."""

import asyncio
import csv
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.accounting import RoundTrip
from bot.core.flows import BookedFill
from bot.core.model import Side
from bot.errors import StateUnwritable
from bot.ledger.lines import Sync, Write
from bot.ledger.logs import FileLedger, MemoryLedger
from bot.ledger.spreadsheets import FILLS_HEAD, fill_row

AT = datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
FILL = BookedFill(
    at=AT,
    symbol="BTC/USDT",
    side=Side.BUY,
    price=Decimal("60000.10"),
    amount=Decimal("0.001"),
    fee=Decimal("0.00000123"),
    fee_currency="BNB",
    fee_value=Decimal("0.0007134"),
    currency="USDT",
    order="abc0010100700030e01",
    trade_id="4711",
    maker=True,
    grid="g1",
    executor="g1.7",
    cycle=3,
)
ROW = (
    "2026-11-22T10:00:00.123Z,BTC/USDT,buy,60000.1,0.001,60.0001,0.00000123,BNB,0.0007134,USDT,abc0010100700030e01,"
    "4711,yes,g1,g1.7,3,live"
)
FILLS = [replace(FILL, trade_id=f"t{number}", at=AT + timedelta(seconds=number)) for number in range(6)]


def journalled(folder: Path, *batches: list[BookedFill], write: Write = os.write, sync: Sync = os.fsync) -> None:
    """A worker's life: each batch is appended by one ledger."""

    async def story() -> None:
        ledger = FileLedger(folder / "pnl.log", "live", write, sync)
        try:
            for batch in batches:
                await ledger.append_fills(batch)
        finally:
            await ledger.close()

    asyncio.run(story())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def exported(ledger: FileLedger | MemoryLedger, folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    async def story() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        trades, fills = await ledger.export(folder)
        return rows(trades), rows(fills)

    return asyncio.run(story())


def test_a_fill_is_a_row_with_every_figure_exact() -> None:
    assert fill_row(FILL, "live") == ROW
    assert len(ROW.split(",")) == len(FILLS_HEAD.split(","))


def test_a_fill_is_written_once_however_often_it_is_told(tmp_path: Path) -> None:
    journalled(tmp_path, FILLS[:3], FILLS[1:5], [FILLS[0], FILLS[0]])
    journalled(tmp_path, FILLS[2:], [])
    assert [row["trade_id"] for row in rows(tmp_path / "fills/2026-11.csv")] == [fill.trade_id for fill in FILLS]


def test_the_same_trade_id_of_another_order_is_another_fill(tmp_path: Path) -> None:
    journalled(tmp_path, [FILL], [replace(FILL, order="abc0010100700030x01", side=Side.SELL)])
    assert [row["side"] for row in rows(tmp_path / "fills/2026-11.csv")] == ["buy", "sell"]


def test_each_month_is_a_file_of_its_own_and_a_late_fill_finds_its_month(tmp_path: Path) -> None:
    months = [replace(FILL, at=AT + timedelta(days=31 * number)) for number in range(5)]
    journalled(tmp_path, months, [months[0]], months)
    names = ["2026-11.csv", "2026-12.csv", "2027-01.csv", "2027-02.csv", "2027-03.csv"]
    assert sorted(os.listdir(tmp_path / "fills")) == names
    assert all(len(rows(tmp_path / "fills" / name)) == 1 for name in names)


def test_a_kill_at_any_byte_of_a_write_leaves_each_fill_once(tmp_path: Path) -> None:
    path = tmp_path / "fills/2026-11.csv"
    journalled(tmp_path, FILLS[:2])
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        journalled(tmp_path, FILLS[:2], sync=lambda _: None)  # the state held these as unwritten
        assert path.read_bytes() == whole, size


def test_a_disk_that_fails_leaves_no_half_of_a_row(tmp_path: Path) -> None:
    def broken(fd: int) -> None:
        raise OSError(5, "Input/output error")

    journalled(tmp_path, FILLS[:1])
    before = (tmp_path / "fills/2026-11.csv").read_bytes()
    with pytest.raises(StateUnwritable, match="Input/output error"):
        journalled(tmp_path, FILLS, sync=broken)
    assert (tmp_path / "fills/2026-11.csv").read_bytes() == before


def test_a_name_that_would_need_quotes_breaks_no_row(tmp_path: Path) -> None:
    journalled(tmp_path, [replace(FILL, trade_id='a,"b"\nc')])
    assert [row["trade_id"] for row in rows(tmp_path / "fills/2026-11.csv")] == ["a__b__c"]


TRADE = RoundTrip(
    "g1", "g1.7", 3, "BTC/USDT", Decimal(3), Decimal(100), Decimal(200), Decimal("0.1"), "USDT", AT
)  # fmt: skip


def test_the_export_holds_all_closed_trades_and_fills_with_one_header_each(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    ledger = FileLedger(tmp_path / "pnl.log", "live")

    async def story() -> None:
        await ledger.append([replace(TRADE, cycle=number) for number in range(3)])
        await ledger.append_fills([*FILLS, replace(FILL, at=AT + timedelta(days=31))])
        await ledger.close()

    asyncio.run(story())
    with (tmp_path / "pnl.log").open("a") as file:
        file.write("# a person's remark\n2026-11-22T10:00:00.123Z CLOSED grid=g1 exec")
    trades, fills = exported(ledger, out)
    assert [trade["cycle"] for trade in trades] == ["0", "1", "2"]
    assert trades[0] == {
        "time_utc": "2026-11-22T10:00:00.123Z", "grid": "g1", "executor": "g1.7", "cycle": "0", "symbol": "BTC/USDT",
        "qty": "3", "entry": "33.33333333333333", "exit": "66.66666666666667", "cost": "100", "proceeds": "200",
        "gross": "100", "fees": "0.1", "pnl": "99.9", "currency": "USDT", "mode": "live",
    }  # fmt: skip
    assert [fill["trade_id"] for fill in fills] == [*(fill.trade_id for fill in FILLS), "4711"]
    assert datetime.fromisoformat(fills[0]["time_utc"]) == AT
    for row in fills:
        assert Decimal(row["cost"]) == Decimal(row["price"]) * Decimal(row["amount"])


def test_a_ledger_in_memory_exports_the_same_sheets(tmp_path: Path) -> None:
    ledger = MemoryLedger("live")
    asyncio.run(ledger.append([TRADE]))
    asyncio.run(ledger.append_fills([FILL]))
    trades, fills = exported(ledger, tmp_path)
    assert (trades[0]["pnl"], fills[0]["fee_coin"]) == ("99.9", "BNB")
    assert (tmp_path / "fills.csv").read_text().splitlines() == [FILLS_HEAD, ROW]


def test_an_export_of_nothing_is_a_header(tmp_path: Path) -> None:
    assert exported(FileLedger(tmp_path / "none" / "pnl.log", "live"), tmp_path) == ([], [])


def test_the_last_fills_of_a_grid_come_newest_first_across_months(tmp_path: Path) -> None:
    others = [replace(fill, grid="g2", executor="g2.1") for fill in FILLS]
    january = [replace(fill, at=fill.at + timedelta(days=60), trade_id=f"later {fill.trade_id}") for fill in FILLS]
    journalled(tmp_path, FILLS, others, january)
    (tmp_path / "fills" / "2026-12.csv").write_text("a person,was here\n", encoding="utf-8")
    memory = MemoryLedger("live")

    async def story() -> None:
        await memory.append_fills([*FILLS, *others, *january])
        for ledger in (FileLedger(tmp_path / "pnl.log", "live"), memory):
            assert await ledger.fills_since("g1", AT, 8) == [*january[::-1], *FILLS[:3:-1]]
            assert await ledger.fills_since("g1", FILLS[4].at, 99) == [*january[::-1], FILLS[5], FILLS[4]]
            assert await ledger.fills_since("g3", AT, 8) == []

    asyncio.run(story())
