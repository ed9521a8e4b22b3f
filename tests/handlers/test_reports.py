"""Results and the worker's own state in the chat; with the real application, trader and built-in market."""

import csv
import gzip
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from handlers import exports
from handlers.words.figures import funds, gain, money
from tests.handlers.trading_stage import TAG, Stage, play


def test_profit_is_realised_open_and_total(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.pass_time(60)
        totals = stage.manager.state.total("all:USDT")
        told = await stage.ask("/pnl", "Profit, all time")
        rows = {line.rsplit(" ", 1)[0].strip(): line.rsplit(" ", 1)[1] for line in told.splitlines()[2:8]}
        assert rows["realised"] == gain(totals.realised)
        assert rows["fees paid"] == money(totals.fees)
        assert rows["trades"] == str(totals.trades)
        assert rows["volume"] == money(totals.volume)
        holding, quote = stage.manager.state.holding("g1"), stage.manager.heartbeat.desks["BTC/USDT"].quote
        assert quote is not None
        assert rows["open now"] == gain(holding.open_profit(quote.bid))
        assert rows["total"] == gain(totals.realised + holding.open_profit(quote.bid))
        heads = {"day": "Profit, today", "g1 week": "Profit of g1, the last 7 days", "month": "the last 30 days"}
        for words, head in heads.items():
            assert head in await stage.ask(f"/pnl {words}", head)

    play(story, tmp_path)


def test_without_trades_the_reports_say_so(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await stage.ask("/pnl") == (
            "Profit, all time\nNothing was traded yet. /status shows how near the first trade is."
        )
        assert (await stage.ask("/trades")).startswith("No trade has closed yet.")
        assert "There is no grid or level" in await stage.ask("/pnl g3")
        assert "Example: /pnl week g1" in await stage.ask("/pnl year")

    play(story, tmp_path)


def test_after_the_text_comes_a_picture_of_the_course(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.manager.fold()
        await stage.pass_time(60)
        await stage.hear("/pnl", "Profit, all time")
        shown = await stage.owner.wait_for(lambda message: message.now.content.kind == "photo", 30)
        photo = shown.now.content.file
        assert photo is not None
        assert (photo.width, photo.height, shown.text.strip()) == (1080, 1350, TAG)

    play(story, tmp_path)


def test_where_drawing_fails_the_text_goes_out_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(picture: object) -> bytes:
        raise RuntimeError("no pencil")

    monkeypatch.setattr("bot.charts.profit_chart", broken)

    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.manager.fold()
        await stage.pass_time(60)
        assert "realised" in await stage.ask("/pnl", "Profit, all time")
        assert (await stage.ask("/price", "bid")).startswith("BTC/USDT at ")

    play(story, tmp_path)


def test_one_level_has_a_profit_of_its_own_since_it_began(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.pass_time(120)
        told = await stage.ask("/pnl g1.10", "Profit of g1.10, all time")
        total = stage.manager.state.total("g1.10")
        assert f"{total.trades}" in told and gain(total.realised) in told
        assert "/pnl g1.10; or its grid: /pnl week g1" in await stage.ask("/pnl week g1.10", "counted since")
        assert "There is no grid or level" in await stage.ask("/pnl g1.99", "no grid")

    play(story, tmp_path)


def test_the_export_is_two_documents_with_every_trade_and_fill(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "nothing to export" in await stage.ask("/export")
        await stage.grid()
        await stage.pass_time(60)
        flow, totals = stage.manager.state.flow("g1"), stage.manager.state.total("all:USDT")
        await stage.hear("/export", f"{flow.fills} fills")
        documents = [each.now.content.file for each in stage.owner.messages if each.now.content.kind == "document"]
        trades, fills = (list(csv.DictReader(StringIO(each.data.decode()))) for each in documents if each is not None)
        assert (len(trades), len(fills)) == (totals.trades, flow.fills)
        assert sum((Decimal(row["pnl"]) for row in trades), Decimal(0)) == totals.realised
        spent = sum((Decimal(row["cost"]) for row in fills if row["side"] == "buy"), Decimal(0))
        assert spent == flow.spent
        for coin, paid in flow.fees:
            assert sum((Decimal(row["fee"]) for row in fills if row["fee_coin"] == coin), Decimal(0)) == paid

    play(story, tmp_path)


def test_a_large_export_goes_compressed_and_a_larger_one_is_told_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.pass_time(60)
        monkeypatch.setattr(exports, "LARGE", 1_000)
        last = await stage.hear("/export", "fills, each")
        sent = last.now.content.file
        assert sent is not None and sent.name == "fills.csv.gz"
        assert gzip.decompress(sent.data).startswith(b"time_utc,symbol,side")
        monkeypatch.setattr(exports, "TOO_LARGE", 10)
        told = await stage.ask("/export", "fills.csv.gz is too large")
        assert str(tmp_path / "fills.csv.gz") in told
        assert (tmp_path / "fills.csv.gz").exists()

    play(story, tmp_path)


def test_reconcile_holds_the_books_against_the_exchange(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert (await stage.ask("/reconcile")).startswith("The books are empty")
        await stage.grid()
        await stage.pass_time(60)
        told = await stage.ask("/reconcile", "account free")
        assert told.startswith("✅ The books agree with the exchange")
        assert funds(stage.manager.state.holding("BTC/USDT").amount) in told
        assert "20 orders alike on both sides" in told
        assert all(len(line) <= 32 for line in told.splitlines()[1:-1])
        assert "Only an owner" in await stage.ask("/reconcile", person=stage.viewer)

    play(story, tmp_path, fee="0.0005")


def test_the_last_trades_stand_newest_first(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid()
        await stage.pass_time(60)
        told = await stage.ask("/trades 3", "The last 3 closed trades")
        newest = await stage.manager.world.ledger.last(3)
        lines = told.splitlines()[1:4]
        for line, trade in zip(lines, newest, strict=True):
            assert line.startswith(f"22 Nov 11:0{trade.closed_at.minute} {trade.executor} {gain(trade.pnl)} USDT: ")
        total = gain(sum((trade.pnl for trade in newest), Decimal(0)))
        assert told.splitlines()[4] == f"All {len(newest)} together {total} USDT"
        assert len((await stage.ask("/trades 100", "closed trades")).splitlines()) > 4
        assert "from 1 to 100" in await stage.ask("/trades 101", "from 1")

    play(story, tmp_path)


def test_logs_are_the_end_of_ops_log(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await stage.ask("/logs") == "ops.log is empty."
        lines = [f"2026-11-22T10:00:00Z INFO line {number} <b>&amp;" for number in range(1000)]
        (stage.folder / "ops.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
        told = await stage.ask("/logs")
        assert told.splitlines() == lines[-20:]
        await stage.ask("/logs 200", "line 999")
        assert "from 1 to 200" in await stage.ask("/logs 0")
        assert "Only an owner" in await stage.ask("/logs", person=stage.viewer)

    play(story, tmp_path)


def test_health_shows_heartbeat_latency_store_and_memory(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 3 0.001 0.5%")
        await stage.pass_time(60)
        lines = (await stage.ask("/health", "heartbeat")).splitlines()
        assert lines[0] == "✅ All well"
        assert "Last heartbeat: 0 s ago" in lines
        assert "Up: 1 min" in lines
        assert any(line.startswith("Exchange: answers in ") for line in lines)
        assert "Store: kept" in lines
        assert "Carries: 1 grid, 3 levels, 3 orders" in lines
        assert any(line.startswith("Memory: ") and "MiB" in line for line in lines)
        stage.manager.heartbeat.troubles["store"] = "the <disk> is full"
        lines = (await stage.ask("/health", "trouble")).splitlines()
        assert lines[:2] == ["⚠️ There is trouble", "⚠️ store: the <disk> is full"]
        assert "Store: ⚠️ can't be written" in lines
        del stage.manager.heartbeat.troubles["store"]

    play(story, tmp_path)


def test_the_version_is_told(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask("/version")
        assert told.startswith("RexLapis Bot 0.") and "python-telegram-bot 22" in told

    play(story, tmp_path)


@pytest.mark.parametrize("words", ["/trades -1", "/trades 1e3", "/trades <b>", "/logs 5 5", "/trades " + "9" * 4000])
def test_odd_counts_are_refused_with_an_example(tmp_path: Path, words: str) -> None:
    async def story(stage: Stage) -> None:
        told = await stage.ask(words)
        assert "Example: /" in told or "such as" in told
        assert len(told) < 300

    play(story, tmp_path)
