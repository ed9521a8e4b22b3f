"""Samples of all that is shown in the chat, from fixed data at a fixed time: what the golden texts are made of.

The rule: figures that could be true, one sample of each kind and one more wherever its words differ.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core import alerts, snapshot
from bot.core.accounting import RoundTrip
from bot.core.events import Refusal
from bot.core.grids import GridSpec, Shape
from bot.core.lifecycle import Mode, State
from bot.core.margin import Oddity
from bot.core.model import Quote, Side
from bot.core.portfolio import NOTHING_HELD, Grid, Holding, Totals
from bot.core.snapshot import LevelFilled, Notice, TradeClosed
from bot.reports.views import GridView, HealthView, LevelView
from handlers.chat.context import ChatConfig

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
EARLIER = AT - timedelta(hours=7)
ZONE = ZoneInfo("Europe/Berlin")
CONFIG = ChatConfig("BTC/USDT", "(simulated)", "simulated", ZONE, Path())
D = Decimal
BTC, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"
QUOTE = Quote(BTC, D("62512.34"), D("62512.37"), AT)


def fill(**changes: object) -> LevelFilled:
    """A buy of g1.7, whole and as maker."""
    made = LevelFilled(AT, "g1.7", BTC, Side.BUY, D("61850.2"), D("0.001"), True, D("62159.5"), True)
    return replace(made, **changes)  # type: ignore[arg-type]


def trade(pnl: str = "0.1795", executor: str = "g1.7", currency: str = "USDT") -> RoundTrip:
    """A closed trade that made this much."""
    cost, fees = D("61.8502"), D("0.1")
    grid = executor.partition(".")[0]
    return RoundTrip(grid, executor, 3, f"BTC/{currency}", D("0.001"), cost, cost + fees + D(pnl), fees, currency, AT)


INHERITED = snapshot.InheritedGrid(
    name="g1",
    symbol=BTC,
    shape="linear",
    levels=5,
    low=D("59000"),
    high=D("60000"),
    least=D("0.001"),
    most=D("0.001"),
    profit_pct=D("0.5"),
    loop=False,
    resting=5,
    held=D("0.002"),
    doubts=("whether it loops is not to be seen; taken: it does not",),
)

ODDITIES = (Oddity.LARGER, Oddity.CROSS, Oddity.LEVERAGE)
NOTICES: list[tuple[str, Notice]] = [
    ("a buy", fill()),
    ("a part of a buy", fill(whole=False, amount=D("0.0003"))),
    ("a sale", fill(side=Side.SELL, price=D("62159.5"))),
    ("a taker fill", fill(maker=False)),
    ("an older order", snapshot.StrayFilled(AT, "g1.7", BTC, Side.SELL, D("62159.5"), D("0.001"))),
    ("a gain", TradeClosed(AT, trade())),
    ("a loss", TradeClosed(AT, trade("-3.2"))),
    ("no funds to buy", snapshot.LevelBlocked(AT, "g1.7", BTC, Refusal.FUNDS, "need <5> USDT", LATER)),
    ("no coins to sell", snapshot.LevelBlocked(AT, "g1.7", BTC, Refusal.FUNDS, "need BTC", LATER, Side.SELL)),
    ("another refusal", snapshot.LevelBlocked(AT, "g1.7", BTC, Refusal.AUTH, "API key expired", LATER)),
    ("several levels", snapshot.LevelsHalted(AT, ("g1.3", "g1.4", "g1.5", "g2.1"))),
    ("one level", snapshot.LevelsHalted(AT, ("g1.7",))),
    ("by a person", snapshot.LevelHalted(AT, "g1.7", BTC)),
    ("a buy cut short", snapshot.OrderCutShort(AT, "g1.7", BTC, Side.BUY, D("0.0004"), D("0.001"))),
    ("the alarm", snapshot.TakerFilled(AT, "g1.7", BTC, Side.BUY, D("61850.2"), D("0.001"))),
    ("not sent", snapshot.OrderWithheld(AT, "g1.7", "a buy of 0.001 at 61000, above its entry 60000")),
    ("shut", snapshot.MarketShut(AT, BTC, "trading is <suspended>")),
    ("open again", snapshot.MarketShut(AT, BTC, "", over=True)),
    ("with caps", snapshot.LiveAsked(AT, "bybit live 1a2b", (("BTC", D("0.1")), ("USDT", D(1000))), D(500), None, 40)),
    ("funds unknown", snapshot.LiveAsked(AT, "okx live 1a2b", None, None, D(20), None)),
    ("contradicted", snapshot.LevelFrozen(AT, "g1.7", "order 1 traded 2")),
    ("coins kept", snapshot.StopReached(AT, "g1", BTC, D(49990), D(50000), sells=False)),
    ("coins sold", snapshot.StopReached(AT, "g1", BTC, D(49990), D(50000), sells=True)),
    ("take", snapshot.TakeReached(AT, "g1", BTC, D(70001), D(70000))),
    ("sold", snapshot.GridSold(AT, "g1", BTC, D("0.01"), D("625.1"), D(0))),
    ("sold in part", snapshot.GridSold(AT, "g1", BTC, D("0.01"), D("625.1"), D("0.00001"))),
    ("not sold", snapshot.GridSold(AT, "g1", BTC, D(0), D(0), D("0.00001"))),
    ("with coins", snapshot.GridEnded(AT, "g1", BTC, D("12.3456"), 31, D("0.002"))),
    ("without coins", snapshot.GridEnded(AT, "g1", BTC, D("12.3456"), 31, D(0))),
    ("exposure", snapshot.EntriesHeld(AT, D(4990), D(5000), "USDT")),
    ("daily loss", snapshot.DailyLossReached(AT, D("201.5"), D(200), "USDT", ("g1", "g2"))),
    ("below", alerts.OutOfRange(AT, "g1", BTC, D("61500.5"), D(61875), True, EARLIER, D("0.02"), D("1250.2"))),
    ("above, with coins", alerts.OutOfRange(AT, "g1", BTC, D(66500), D(66000), False, EARLIER, D("0.001"), D(65))),
    ("above", alerts.OutOfRange(AT, "g1", BTC, D("63500.5"), D(63125), False, EARLIER, D(0), D(0))),
    ("back", alerts.BackInRange(AT, "g1", BTC, D(62000), EARLIER)),
    ("stalled", alerts.Stalled(AT, "g1", BTC, D(62000), EARLIER, D(61940), D("62250.5"))),
    ("stalled without orders", alerts.Stalled(AT, "g1", BTC, D(62000), EARLIER)),
    ("an owner", snapshot.PersonGone(AT, 7, is_owner=True)),
    ("a viewer", snapshot.PersonGone(AT, 8, is_owner=False)),
    ("gone", snapshot.PositionSmaller(AT, PERPETUAL, D("0.005"), D(0), ("g1", "g3"))),
    (
        "larger",
        snapshot.PositionNotOurs(
            AT, PERPETUAL, D(0), D("0.5"), (Oddity.LARGER, Oddity.CROSS, Oddity.LEVERAGE), ("g1",)
        ),
    ),
    ("short", snapshot.PositionNotOurs(AT, PERPETUAL, D("0.1"), D("-0.5"), (Oddity.SHORT,), ("g1", "g2"))),
    ("coins", alerts.CoinsMissing(AT, "BTC", D("0.02"), D("0.005"))),
    *[(f"{what}", snapshot.Trouble(AT, what, "timed out")) for what in ("exchange", "store", "ledger", "heartbeat")],
    ("restore", snapshot.Trouble(AT, "restore", "the file is of another account")),
    ("telegram", snapshot.Trouble(AT, "telegram", "another program polls with the same token")),
    ("over", snapshot.Trouble(AT, "exchange", "after 12 min", over=True)),
    ("a stranger without a name", snapshot.StrangerKnocked(AT, 4711)),
    ("a stranger", snapshot.StrangerKnocked(AT, 4711, "Mallory <b> @mallory")),
    ("with news", snapshot.Restarted(AT, 3900, 2, 31, 4, 1)),
    ("with surprises", snapshot.Restarted(AT, 3900, 1, 5, 0, 0, adopted=3, gone=1, unknown=2)),
    ("orphans", snapshot.OrphansFound(AT, BTC, 2, D(59000), D("60000.5"), ("g3", "g4"), ("a", "b"))),
    ("to rebuild", snapshot.InheritanceFound(AT, (INHERITED,), 5, 1, can_rebuild=True)),
    (
        "too little to rebuild",
        snapshot.InheritanceFound(
            AT,
            (replace(INHERITED, levels=0, held=D(0), doubts=("no level shows both its legs",)),),
            5,
            0,
            can_rebuild=False,
        ),
    ),
    ("rebuilt", snapshot.GridsRebuilt(AT, (replace(INHERITED, shape="", loop=True, doubts=()),), asked=False)),
    ("rebuilt as agreed", snapshot.GridsRebuilt(AT, (INHERITED,), asked=True)),
    ("older", snapshot.BackupOlder(LATER, AT, 1, 20, 3, "file")),
    ("wanted", snapshot.BackupWanted(AT, "the newest pinned message in our chat is not my backup")),
    ("restored", snapshot.StateRestored(LATER, AT, 2, 30)),
    ("a day", snapshot.DailyReport(AT, "2026-11-21", D("12.5"), D("1.25"), 31, D("-3.1"), "USDT")),
    (
        "a day with funding",
        snapshot.DailyReport(AT, "2026-11-21", D("12.5"), D("1.25"), 31, D("-3.1"), "USDT", D("-0.2")),
    ),
]
"""Every kind of notice."""


def level(number: int = 7, **changes: object) -> LevelView:
    """A level of g1 whose buy rests at its entry."""
    entry = D(61875) + D("65.79") * (number - 1)
    made = LevelView(
        id=f"g1.{number}",
        state=State.PLACED_ENTRY,
        mode=Mode.RUNNING,
        entry=entry,
        exit=entry + D(310),
        amount=D("0.001"),
        held=D(0),
        cycle=1,
        order_side=Side.BUY,
        order_price=entry,
        order_left=D("0.001"),
        why="resting at its target",
        next_try=None,
        refusal="",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def waiting(why: str, **changes: object) -> LevelView:
    """A level that waits for this."""
    made = level(state=State.PENDING_ENTRY, order_side=None, order_price=None, order_left=D(0), why=why)
    return replace(made, **changes)  # type: ignore[arg-type]


def holding(number: int, **changes: object) -> LevelView:
    """A level whose sale rests at its exit."""
    bought = level(number)
    made = replace(
        bought,
        state=State.PLACED_EXIT,
        held=D("0.001"),
        order_side=Side.SELL,
        order_price=bought.exit,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


SPEC = GridSpec(Shape.LINEAR, BTC, D(61875), D(63125), 20, D("0.001"), None, D("0.5"), loop=True)
GRID = Grid("g1", 1, SPEC, AT)
LEVELS = tuple(level(number) if number < 10 else holding(number) for number in range(1, 13))


def grid(**changes: object) -> GridView:
    """g1 with nine buys and three sales on the book."""
    made = GridView(
        grid=GRID,
        mode=Mode.RUNNING,
        currency="USDT",
        base="BTC",
        quote=QUOTE,
        levels=LEVELS,
        totals=Totals(31, D("12.5"), D("1.25"), D("3720.5")),
        today=Totals(2, D("0.359"), D("0.2"), D("250")),
        holding=Holding(D("0.003"), D("187.7"), D(0)),
        open_profit=D("-0.16"),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def named(number: int, **changes: object) -> GridView:
    """Another grid like it."""
    return grid(grid=replace(GRID, id=f"g{number}", number=number), **changes)


EMPTY = {"levels": (), "totals": Totals(), "today": Totals(), "holding": NOTHING_HELD, "open_profit": D(0)}
HEALTH = HealthView(
    beat_age=0.42,
    up_since=AT - timedelta(hours=3),
    troubles=(),
    grids=2,
    executors=40,
    resting=31,
    in_doubt=0,
    undelivered=0,
)
