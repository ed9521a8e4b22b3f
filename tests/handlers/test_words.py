"""The words: every notice, digests, figures; golden texts, and the longest and nastiest input."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.core import snapshot
from bot.core.accounting import RoundTrip
from bot.core.events import Refusal
from bot.core.grids import GridSpec, Shape
from bot.core.margin import Oddity
from bot.core.model import Market, Quote, Side
from bot.core.money import use_exact
from bot.core.portfolio import Grid
from bot.core.preview import Limits, Preview, preview
from bot.core.pricing import NO_OFFSETS
from bot.core.snapshot import LevelFilled, Notice, TradeClosed
from bot.reports.views import PlacingView, StopEffect
from handlers.chat.context import ChatConfig, length
from handlers.words import creation, figures, keyboards, statements, turns
from handlers.words.notices import digest, notice
from tests.telegram.html_rules import parse_html

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
CONFIG = ChatConfig("BTC/USDT", "(simulated)", "simulated", ZoneInfo("Europe/Berlin"), Path())
D = Decimal


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def fill(**changes: object) -> LevelFilled:
    made = LevelFilled(AT, "g1.7", "BTC/USDT", Side.BUY, D("61850.2"), D("0.001"), True, D("62159.5"), True)
    return replace(made, **changes)  # type: ignore[arg-type]


def trade(pnl: str = "0.1795", executor: str = "g1.7", currency: str = "USDT") -> RoundTrip:
    cost, fees = D("61.8502"), D("0.1")
    grid = executor.partition(".")[0]
    proceeds = cost + fees + D(pnl)
    return RoundTrip(grid, executor, 3, f"BTC/{currency}", D("0.001"), cost, proceeds, fees, currency, AT)


INHERITED = snapshot.InheritedGrid(
    name="g1",
    symbol="BTC/USDT",
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
LATER = AT + timedelta(minutes=1)
NASTY = '<b>&"' + "x" * 10_000

GOLDEN: list[tuple[Notice, str]] = [
    (fill(), "🟢 g1.7 bought 0.001 BTC at 61,850.2 → exit 62,159.5"),
    (
        fill(whole=False, amount=D("0.0003")),
        "🟢 g1.7 bought 0.0003 BTC at 61,850.2 (a part, the rest still rests) → exit 62,159.5",
    ),
    (fill(side=Side.SELL, price=D("62159.5")), "🔴 g1.7 sold 0.001 BTC at 62,159.5"),
    (
        fill(maker=False),
        (
            "🟢 g1.7 bought 0.001 BTC at 61,850.2 → exit 62,159.5\n"
            "⚠️ It was a taker fill, where only maker fills should be. /logs has the order."
        ),
    ),
    (
        snapshot.StrayFilled(AT, "g1.7", "BTC/USDT", Side.SELL, D("62159.5"), D("0.001")),
        "🔴 g1.7: an older order sold 0.001 BTC at 62,159.5 after all. It is booked, and the level allows for it.",
    ),
    (
        TradeClosed(AT, trade()),
        "💰 g1.7 closed <b>+0.1795 USDT</b> (entry 61,850.2, exit 62,129.7, cycle 3)",
    ),
    (
        TradeClosed(AT, trade("-3.2")),
        "🔻 g1.7 closed <b>−3.20 USDT</b> (entry 61,850.2, exit 58,750.2, cycle 3)",
    ),
    (
        snapshot.LevelBlocked(AT, "g1.7", "BTC/USDT", Refusal.FUNDS, "need <5> USDT", LATER),
        (
            "⚠️ g1.7 is refused by the exchange: not enough funds.\nIt said: <i>need &lt;5&gt; USDT</i>\n"
            "Entries wait together: one is tried a minute, the nearest first, and at once when funds come free. "
            "/why g1.7"
        ),
    ),
    (
        snapshot.LevelBlocked(AT, "g1.7", "BTC/USDT", Refusal.FUNDS, "need BTC", LATER, Side.SELL),
        (
            "⚠️ g1.7 is refused by the exchange: not enough funds.\nIt said: <i>need BTC</i>\n"
            "It tries again by itself at 11:01:07. /why g1.7"
        ),
    ),
    (
        snapshot.LevelsHalted(AT, ("g1.3", "g1.4", "g1.5", "g2.1")),
        (
            "✋ g1 levels 3–5 and g2 level 1: orders were taken off the book, and not by me. They place nothing until "
            "you decide.\n<b>Resume</b> places them again; <b>Leave out</b> keeps them off until /resume g1.3 or "
            "/resume g1."
        ),
    ),
    (
        snapshot.LevelsHalted(AT, ("g1.7",)),
        (
            "✋ g1.7: an order was taken off the book, and not by me. It places nothing until you decide.\n"
            "<b>Resume</b> places it again; <b>Leave out</b> keeps it off until /resume g1.7 or /resume g1."
        ),
    ),
    (
        snapshot.OrderCutShort(AT, "g1.7", "BTC/USDT", Side.BUY, D("0.0004"), D("0.001")),
        (
            "✂️ g1.7: somebody took the rest of its buy off the book, after 0.0004 of 0.001 BTC had traded. That "
            "counts, and the level goes on from there; take its next order off as well and it is left out. /why g1.7"
        ),
    ),
    (
        snapshot.TakerFilled(AT, "g1.7", "BTC/USDT", Side.BUY, D("61850.2"), D("0.001")),
        (
            "🚨 g1.7 bought 0.001 BTC at 61,850.2 as a <b>taker</b>, where only maker fills should be: the fee is "
            "higher than planned. /logs has the order. Further ones of BTC/USDT within half an hour are not told."
        ),
    ),
    (
        snapshot.OrderWithheld(AT, "g1.7", "a buy of 0.001 at 61000, above its entry 60000"),
        (
            "🛑 g1.7 is frozen: I was about to send a buy of 0.001 at 61000, above its entry 60000, which can't be "
            "right. Nothing was sent, and the other levels go on. Look at /grid g1, then /resume g1.7"
        ),
    ),
    (
        snapshot.MarketShut(AT, "BTC/USDT", "trading is <suspended>"),
        (
            "⛔ BTC/USDT can't be traded now: <i>trading is &lt;suspended&gt;</i>\nNothing is placed there until it "
            "can; I look every minute. What is on the book stays."
        ),
    ),
    (snapshot.MarketShut(AT, "BTC/USDT", "", over=True), "✅ BTC/USDT can be traded again."),
    (
        snapshot.LiveAsked(AT, "bybit live 1a2b", (("BTC", D("0.1")), ("USDT", D("1000"))), D("500"), None, 40),
        (
            "🔑 <b>Trade live?</b> The first live start on this account: real orders, real money.\n"
            "Account: <code>bybit live 1a2b</code>\nOn it: 0.1 BTC and 1,000 USDT\n"
            "Caps: MAX_EXPOSURE 500, MAX_DAILY_LOSS none, MAX_OPEN_ORDERS 40\n"
            "Until you press <b>Trade live</b> nothing is sent. Grids can be made meanwhile; /resume shows this again."
        ),
    ),
    (
        snapshot.LiveAsked(AT, "okx live 1a2b", None, None, D("20"), None),
        (
            "🔑 <b>Trade live?</b> The first live start on this account: real orders, real money.\n"
            "Account: <code>okx live 1a2b</code>\nOn it: it couldn't be read now, /balance tries again\n"
            "Caps: MAX_EXPOSURE none, MAX_DAILY_LOSS 20, MAX_OPEN_ORDERS the exchange's own\n"
            "Until you press <b>Trade live</b> nothing is sent. Grids can be made meanwhile; /resume shows this again."
        ),
    ),
    (
        snapshot.LevelFrozen(AT, "g1.7", "order 1 traded 2"),
        (
            "🛑 g1.7 is frozen: the exchange contradicted itself (order 1 traded 2).\nIts order stays where it is; "
            "the other levels go on. Look at your exchange's order list, then /resume g1.7"
        ),
    ),
    (
        snapshot.LevelHalted(AT, "g1.7", "BTC/USDT"),
        (
            "✋ g1.7: somebody took its BTC/USDT order off the book, and it wasn't me. It places nothing until you say "
            "so: /resume g1.7 · stop its grid: /stop g1"
        ),
    ),
    (
        snapshot.StopReached(AT, "g1", "BTC/USDT", D("49990"), D("50000"), sells=False),
        (
            "🛑 g1: BTC/USDT at 49,990 reached the stop 50,000.\nIts entries leave the book, its coins are kept and "
            "their exits stay.\nSell them: /stop g1 · go on: /resume g1"
        ),
    ),
    (
        snapshot.StopReached(AT, "g1", "BTC/USDT", D("49990"), D("50000"), sells=True),
        (
            "🛑 g1: BTC/USDT at 49,990 reached the stop 50,000.\nIts orders leave the book and its coins are sold "
            "at once, as a taker (stop_sell=yes)."
        ),
    ),
    (
        snapshot.TakeReached(AT, "g1", "BTC/USDT", D("70001"), D("70000")),
        (
            "🏁 g1: BTC/USDT at 70,001 reached the take price 70,000.\nIts entries leave the book; it ends when what "
            "it holds has sold at its exits."
        ),
    ),
    (
        snapshot.GridSold(AT, "g1", "BTC/USDT", D("0.01"), D("625.1"), D("0")),
        "🔴 g1 sold 0.01 BTC for 625.10 USDT, at 62,510.",
    ),
    (
        snapshot.GridSold(AT, "g1", "BTC/USDT", D("0"), D("0"), D("0.00001")),
        "⚠️ g1 could not sell its 0.00001 BTC; they stay on the account. /balance",
    ),
    (
        snapshot.GridEnded(AT, "g1", "BTC/USDT", D("12.3456"), 31, D("0.002")),
        "🏁 g1 has ended: <b>+12.3456 USDT</b> in 31 trades. 0.002 BTC stay on the account. /pnl all g1",
    ),
    (
        snapshot.EntriesHeld(AT, D("4990"), D("5000"), "USDT"),
        "✋ MAX_EXPOSURE is used up: 4,990 of 5,000 USDT are bound. The farther entries wait; exits go on. Said once.",
    ),
    (
        snapshot.DailyLossReached(AT, D("201.5"), D("200"), "USDT"),
        (
            "🛑 MAX_DAILY_LOSS reached: 201.50 USDT lost today, the limit is 200.\nAll entries are paused; exits stay. "
            "/pnl day shows it, /resume goes on and counts the day from there."
        ),
    ),
    (
        snapshot.PositionSmaller(AT, "BTC/USDT:USDT", D("0.005"), D("0"), ("g1", "g3")),
        (
            "🛑 BTC/USDT:USDT: the books hold 0.005 BTC, the exchange shows no position. A liquidation, or a sale by "
            "hand?\ng1 and g3 are halted: all orders leave the book. <b>Books follow</b> writes off what is missing, "
            "as sold at the bid, and goes on; otherwise nothing is placed. /resume g1 looks again"
        ),
    ),
    (
        snapshot.PositionNotOurs(
            AT, "BTC/USDT:USDT", D("0"), D("0.5"), (Oddity.LARGER, Oddity.CROSS, Oddity.LEVERAGE), ("g1",)
        ),
        (
            "🛑 BTC/USDT:USDT: the position is larger than the books, in cross margin and of another leverage than "
            "LEVERAGE. The books hold nothing, the exchange shows 0.5 BTC.\ng1 buys nothing until you decide; exits "
            "stay. <b>Trade beside it</b> leaves it as it is; or change it on the exchange, then /resume g1"
        ),
    ),
    (
        snapshot.PositionNotOurs(AT, "BTC/USDT:USDT", D("0.1"), D("-0.5"), (Oddity.SHORT,), ("g1", "g2")),
        (
            "🛑 BTC/USDT:USDT: the position is short. The books hold 0.1 BTC, the exchange shows −0.5 BTC.\n"
            "g1 and g2 buy nothing until you decide; exits stay. Orders would bounce like this, so change it on the "
            "exchange, then /resume g1"
        ),
    ),
    (
        snapshot.Trouble(AT, "exchange", "timeout"),
        (
            "⚠️ 22 Nov 11:00: trouble with the exchange: <i>timeout</i>\nOrders on the book stay there. "
            "The bot keeps asking and says when it is over."
        ),
    ),
    (
        snapshot.Trouble(AT, "store", "full", over=True),
        "✅ 22 Nov 11:00: the trouble with the store is over.\n<i>full</i>",
    ),
    (
        snapshot.StrangerKnocked(AT, 4711),
        (
            "Somebody with the user id <code>4711</code> wrote to me and got no answer. "
            "If they may look, add it to <code>TELEGRAM_VIEWER_IDS</code>."
        ),
    ),
    (
        snapshot.Restarted(AT, 3900, 2, 31, 4, 1),
        (
            "✅ Back at 22 Nov 11:00 after 1 h 5 min: 2 grids, 31 orders on the book. Meanwhile 4 fills, "
            "1 closed trade. /status"
        ),
    ),
    (
        snapshot.Restarted(AT, 3900, 1, 5, 0, 0, adopted=3, gone=1, unknown=2),
        (
            "✅ Back at 22 Nov 11:00 after 1 h 5 min: 1 grid, 5 orders on the book. Meanwhile nothing traded, 1 order "
            "left the book without a trade, 3 orders my store had forgotten were adopted, 2 orders of mine belong to "
            "nothing. /status"
        ),
    ),
    (
        snapshot.OrphansFound(AT, "BTC/USDT", 2, D("59000"), D("60000.5"), ("g3", "g4"), ("a", "b")),
        (
            "❓ BTC/USDT: 2 orders of mine at 59,000 … 60,000.5 belong to nothing I know (of g3 and g4, by the id).\n"
            "I leave them alone unless you say <b>Cancel those orders</b>. Coins stay on the account either way."
        ),
    ),
    (
        snapshot.InheritanceFound(AT, (INHERITED,), 5, 1, can_rebuild=True),
        (
            "❓ My store is empty, yet 5 orders of mine rest on the exchange. Nothing is sent until you have "
            "answered.\n• g1 BTC/USDT, 59,000 … 60,000: 5 levels, linear, 0.001 BTC each, profit 0.5 %, no loop; "
            "5 orders resting, 0.002 BTC held\n   guessed: whether it loops is not to be seen; taken: it does not\n"
            "1 closing order belongs to no level.\n"
            "<b>Rebuild</b> goes on with it like that. A stop, a take price and above=wait can't be seen from orders: "
            "set them anew.\n"
            "<b>Cancel those orders</b> keeps the coins; <b>Leave them</b> never touches the orders again."
        ),
    ),
    (
        snapshot.InheritanceFound(
            AT,
            (replace(INHERITED, levels=0, held=D(0), doubts=("no level shows both its legs",)),),
            5,
            0,
            can_rebuild=False,
        ),
        (
            "❓ My store is empty, yet 5 orders of mine rest on the exchange. Nothing is sent until you have "
            "answered.\n• g1 BTC/USDT, 59,000 … 60,000: 5 orders resting; no level shows both its legs\n"
            "That is too little to go on from.\n"
            "<b>Cancel those orders</b> keeps the coins; <b>Leave them</b> never touches the orders again."
        ),
    ),
    (
        snapshot.GridsRebuilt(AT, (replace(INHERITED, shape="", loop=True, most=D("0.002"), doubts=()),), asked=False),
        (
            "♻️ My store was empty; this grid is made again from the orders, every price, amount and trade was to be "
            "seen.\n• g1 BTC/USDT, 59,000 … 60,000: 5 levels, as listed, 0.001 … 0.002 BTC each, profit 0.5 %, loop; "
            "5 orders resting, 0.002 BTC held\nA stop, a take price and above=wait can't be seen from orders: set them "
            "anew."
        ),
    ),
    (
        snapshot.BackupOlder(LATER, AT, 1, 20, 3, "file"),
        (
            "❓ My store is empty. A backup of 22 Nov 11:00 is pinned here (1 grid with 20 levels), but 3 orders of "
            "mine have traded since. Nothing is sent until you have answered.\n<b>Restore</b> goes on from it and "
            "books what the exchange still tells; <b>Go on without it</b> asks the exchange alone. "
            "For another backup, reply to it with /restore."
        ),
    ),
    (
        snapshot.BackupWanted(AT, "the newest pinned message in our chat is not my backup"),
        (
            "❓ My store is empty and the exchange knows orders of mine, but the newest pinned message in our chat is "
            "not my backup. Nothing is sent until you have answered.\nReply with /restore to my latest backup, or "
            "<b>Go on without it</b>: then I ask the exchange alone."
        ),
    ),
    (
        snapshot.StateRestored(LATER, AT, 2, 30),
        (
            "♻️ I go on from the backup of 22 Nov 11:00: 2 grids, 30 levels. The exchange is asked first what has "
            "happened since. /status"
        ),
    ),
    (
        snapshot.DailyReport(AT, "2026-11-21", D("12.5"), D("1.25"), 31, D("-3.1"), "USDT"),
        "📊 2026-11-21: <b>+12.50 USDT</b> realised in 31 trades, after 1.25 of fees; open now −3.10. /pnl",
    ),
    (
        snapshot.DailyReport(AT, "2026-11-21", D("12.5"), D("1.25"), 31, D("-3.1"), "USDT", D("-0.2")),
        (
            "📊 2026-11-21: <b>+12.50 USDT</b> realised in 31 trades, after 1.25 of fees, −0.20 of it funding; "
            "open now −3.10. /pnl"
        ),
    ),
]


@pytest.mark.parametrize(("told", "text"), GOLDEN, ids=[type(told).__name__ for told, _ in GOLDEN])
def test_each_notice_has_its_words(told: Notice, text: str) -> None:
    assert notice(told, CONFIG) == text


def test_no_kind_of_notice_is_without_words() -> None:
    assert {type(told).__name__ for told, _ in GOLDEN} == {kind.__name__ for kind in Notice.__subclasses__()}


def test_a_notice_of_an_unknown_kind_is_told_all_the_same() -> None:
    assert "Notice(at=" in notice(Notice(AT), CONFIG)


@pytest.mark.parametrize("told", [told for told, _ in GOLDEN], ids=lambda told: type(told).__name__)
def test_foreign_text_of_any_length_is_escaped_and_fits(told: Notice) -> None:
    names = {
        name: NASTY for name in ("executor", "grid", "message", "why", "what", "day", "currency") if hasattr(told, name)
    }
    if hasattr(told, "symbol"):
        names["symbol"] = f"{NASTY}/{NASTY}"
    names.pop("executor", None)  # ids are ours
    names.pop("grid", None)
    text = notice(replace(told, **names), CONFIG)  # type: ignore[arg-type]
    parse_html(text)
    assert length(text) < 4000
    assert '<b>&"' not in text


# -- digests -----------------------------------------------------------------------------------------------------------


def test_a_digest_of_one_is_that_one() -> None:
    assert digest([fill()], CONFIG) == notice(fill(), CONFIG)


def test_a_few_fills_get_a_line_each() -> None:
    sold = fill(executor="g1.8", side=Side.SELL, price=D("62159.5"))
    assert digest([fill(), sold, TradeClosed(AT, trade())], CONFIG) == (
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2\n"
        "11:00:07 🔴 g1.8 sold 0.001 at 62,159.5\n"
        "11:00:07 💰 g1.7 +0.1795 USDT"
    )


def test_parts_of_one_order_share_a_line() -> None:
    parts = [fill(whole=False, amount=D("0.0004")), fill(executor="g1.8"), fill(amount=D("0.0006")), fill()]
    assert digest(parts, CONFIG).splitlines() == [
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2",
        "11:00:07 🟢 g1.8 bought 0.001 at 61,850.2",
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2",
    ]


def test_a_digest_of_many_counts_and_sums_all_of_them() -> None:
    many: list[Notice] = [fill(executor=f"g1.{number}") for number in range(1, 1001)]
    many += [TradeClosed(AT, trade("0.5", f"g1.{number}")) for number in range(1, 501)]
    many += [TradeClosed(AT, trade("-0.25", f"g2.{number}", "USDC")) for number in range(1, 5)]
    text = digest(many, CONFIG)
    *lines, more, sums = text.splitlines()
    assert len(lines) == 25
    assert more == "… and 1,479 more."
    assert sums == (
        "In all: bought 1 BTC for 61,850.20 USDT in 1,000 fills; 500 closed trades <b>+250 USDT</b>; "
        "4 closed trades <b>−1 USDC</b>."
    )


def test_in_a_digest_what_weighs_most_comes_first_and_in_full() -> None:
    trouble = snapshot.Trouble(AT, "exchange", "timeout")
    text = digest([fill(), trouble, fill(executor="g1.8")], CONFIG)
    assert text.startswith(notice(trouble, CONFIG))
    assert "g1.7" in text and "g1.8" in text


def test_a_digest_always_fits_into_one_message() -> None:
    blocked = [
        snapshot.LevelBlocked(AT, f"g1.{number}", "BTC/USDT", Refusal.OTHER, NASTY, LATER) for number in range(300)
    ]
    fills = [fill(symbol=f"{NASTY}{number}/{NASTY}", price=D(10) ** 15 + D("1E-15")) for number in range(300)]
    text = digest([*blocked, *fills, *(told for told, _ in GOLDEN)], CONFIG)
    parse_html(text)
    assert length(text) < 4000
    assert "× level refused (/why)" in text


# -- figures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("60000.10", "60,000.1"),
        ("1E+15", "1,000,000,000,000,000"),
        ("0.00001234", "0.00001234"),
        ("-1234.5", "−1,234.5"),
    ],
)
def test_a_number_is_written_in_full(value: str, shown: str) -> None:
    assert figures.number(D(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("0.17954", "+0.1795"),
        ("0.000012344", "+0.00001234"),
        ("-0.0000000000004", "−0.0000000000004"),
        ("1.5", "+1.50"),
        ("12.34567", "+12.3457"),
        ("1234.567", "+1,234.57"),
        ("-100", "−100"),
        ("999999999999999.999", "+1,000,000,000,000,000"),
    ],
)
def test_a_gain_is_rounded_for_the_eye_and_never_to_nothing(value: str, shown: str) -> None:
    assert figures.gain(D(value)) == shown


def test_what_is_bound_is_never_shown_smaller_than_it_is() -> None:
    assert figures.money(D("1250.0001"), up=True) == "1,250.01"
    assert figures.funds(D("0.123456789")) == "0.12345678"
    assert figures.funds(D("0.000000001")) == "0.000000001"


def test_averages_per_cents_and_distances_are_short() -> None:
    assert figures.about(D("61850.20333333333")) == "61,850.203"
    assert figures.about(D("0.00001234567890123")) == "0.000012345679"
    assert figures.pct(D("0.5")) == "0.50 %"
    assert figures.pct(D("0.000048")) == "0.000048 %"
    assert figures.distance(D("99"), D("100")) == "−1 %"


def test_durations_and_times_are_those_of_a_person() -> None:
    seconds = {0.44: "0.4 s", 45: "45 s", 300: "5 min", 7500: "2 h 5 min", 3600: "1 h", 277_200: "3 d 5 h", -5: "0 s"}
    assert {each: figures.duration(each) for each in seconds} == seconds
    assert figures.clock(AT, CONFIG.timezone) == "11:00:07"
    assert figures.stamp(AT, CONFIG.timezone) == "22 Nov 11:00"


def test_a_table_is_never_wider_than_a_phone() -> None:
    rows = [("1", "61,875.00", "62,184.38", "0.001"), ("20", "63,125.00", "63,440.63", "0.001")]
    assert figures.table(("#", "entry", "exit", "amount"), rows) == (
        "<pre> #     entry      exit amount\n 1 61,875.00 62,184.38  0.001\n20 63,125.00 63,440.63  0.001</pre>"
    )
    for cells in (
        ("200", "161,875.00", "162,184.38", "1,000.001"),
        ("200", "0.000012345678", "0.000012345699", "1000000000.123"),
        ("46655", "999999999999999", "999999999999999", "123456789012345"),
    ):
        text = figures.table(("#", "entry", "exit", "amount"), [cells])
        lines = text.removeprefix("<pre>").removesuffix("</pre>").splitlines()
        assert max(map(len, lines)) <= figures.WIDTH
        assert [cell.replace(",", "") for cell in cells] == "".join(lines[len(lines) // 2 :]).split()


def test_a_bar_shows_where_the_price_stands() -> None:
    assert figures.bar(D(0), D(100), D(0), 7) == "├●────┤"
    assert figures.bar(D(0), D(100), D(100), 7) == "├────●┤"
    assert figures.bar(D(0), D(100), D(-1), 7) == "◂├────┤"
    assert figures.bar(D(0), D(100), D(101), 7) == "├────┤▸"
    assert figures.bar(D(5), D(5), D(5), 7) == "├──●──┤"


def test_runs_of_levels_are_drawn_together() -> None:
    assert figures.numbers_of([7, 1, 2, 3, 5]) == "1–3, 5, 7"
    assert figures.numbers_of(range(0, 200, 2)).endswith(" and 70 more")


def test_callback_data_fits_telegram() -> None:
    nonce = "0" * 12
    for markup in (
        keyboards.preview(nonce),
        keyboards.stop(nonce),
        keyboards.sell(nonce),
        keyboards.panic(nonce),
        keyboards.live(nonce),
        keyboards.taken_off(nonce),
        keyboards.stop_alarm(nonce),
        keyboards.follow(nonce),
        keyboards.beside(nonce),
    ):
        labels = [button.text for row in markup.inline_keyboard for button in row]
        assert len(set(labels)) == len(labels)
        assert all(len(str(button.callback_data)) <= 64 for row in markup.inline_keyboard for button in row)
    with pytest.raises(ValueError, match="longer than 64"):
        keyboards.data_of("x" * 60, nonce)


# -- previews ----------------------------------------------------------------------------------------------------------

BTC = Market("BTC/USDT", "BTC", "USDT", D("0.01"), D("0.000001"), D("0.00001"), D(5), D("0.001"), D("0.001"))
COIN = replace(BTC, symbol="P&P/USDT", base="P&P", price_tick=D("0.00000001"), amount_step=D(1), min_amount=D(1))


def made(low: str, high: str, count: int, amount: str, market: Market = BTC, price: str = "62500") -> Preview:
    spec = GridSpec(Shape.LINEAR, market.symbol, D(low), D(high), count, D(amount), None, D("0.5"), loop=True)
    quote = Quote(market.symbol, D(price), D(price) + market.price_tick, AT)
    return preview(spec, market, quote, NO_OFFSETS, Limits(free=D(10_000)))


def test_a_preview_says_all_that_matters() -> None:
    assert creation.preview_text(made("61875", "63125", 3, "0.001")) == (
        "<b>Preview: linear BTC/USDT, 3 levels, loop</b>\n"
        "Market now: bid 62,500.00, ask 62,500.01\n"
        "<pre>#      entry      exit amount\n"
        "1  61,875.00 62,184.38  0.001\n"
        "2  62,500.00 62,812.50  0.001\n"
        "3» 63,125.00 63,440.63  0.001</pre>\n"
        "» 1 level above the market buys at once, near 62,500: about <b>62.50 USDT</b>.\n"
        "Bound at worst, when every level has bought: <b>187.50 USDT</b>.\n"
        "A cycle of a level earns <b>+0.1851 to +0.1888 USDT</b> after the fees of both legs; of all levels together "
        "+0.30 % of what is bound.\n"
        "Loop: its next cycle starts as soon as one is closed.\n"
        "As understood, to copy:\n"
        "<code>/linear BTC/USDT 61875 63125 3 0.001 0.5% loop</code>\n"
        "Nothing is sent before you press Create."
    )


def test_a_preview_says_what_is_refused_and_what_would_work() -> None:
    text = creation.preview_text(made("100", "62000", 2, "0.0001"))
    assert "1×" in text
    assert "× Level 1 can't trade: 0.0001 BTC is under the market's minimum; the smallest that works is 0.05" in text


def test_of_many_refusals_the_first_and_the_last_are_told() -> None:
    text = creation.preview_text(made("60000", "65000", 20, "0.00001"))
    refused = "0.00001 BTC is under the market's minimum; the smallest that works is 0.000084 BTC"
    assert f"× Levels 1–3 can't trade: {refused}" in text
    assert "× Levels 4–18: likewise, with amounts between these." in text
    assert "🛑 No level can trade" in text
    assert "Nothing is sent before" not in text


def test_tiny_and_huge_prices_keep_their_digits() -> None:
    tiny = creation.preview_text(made("0.00001234", "0.00001300", 3, "1000000", COIN, "0.00001280"))
    assert "0.00001234" in tiny and "P&amp;P/USDT" in tiny and "E-" not in tiny
    parse_html(tiny)
    huge = creation.preview_text(made("100000000000000", "999999999999999", 3, "1000000"))
    assert "999,999,999,999,999.00" in huge.replace("\n", " ") or "999999999999999.00" in huge
    parse_html(huge)


def test_a_large_grid_shows_its_ends_and_comes_as_a_file() -> None:
    large = made("50000", "70000", 1000, "0.001")
    text = creation.preview_text(large)
    assert "… 970 levels between, all of them in the file above …" in text
    assert length(text) < 4000
    lines = creation.levels_csv(large).splitlines()
    assert len(lines) == 1001
    assert lines[0] == "number,entry,exit,amount,net,buys_at,refused"
    assert lines[1].startswith("1,50000,50250,0.001,")


def test_after_create_the_next_steps_are_named() -> None:
    grid = Grid("g1", 1, made("61875", "63125", 3, "0.001").spec, AT)
    text = creation.created(grid, made("61875", "63125", 3, "0.001"))
    assert text.startswith("✅ <b>g1 created</b>: linear BTC/USDT, 3 levels.\n")
    assert "1 level above the market buys at once, near 62,500 and 2 entries rest at their levels" in text
    assert text.endswith("/grid g1 looks at it, /pause g1 pauses, /stop g1 ends it.")


def test_while_a_large_grid_is_laid_it_is_told_how_far_it_is() -> None:
    shown = made("61875", "63125", 3, "0.001")
    grid = Grid("g1", 1, shown.spec, AT)
    under_way = creation.created(grid, shown, laid=PlacingView(placed=1, under_way=1200, levels=1500))
    assert "1 of its orders is on the book, 1,200 on their way: 1 level above" in under_way
    done = creation.created(grid, shown, laid=PlacingView(placed=1201, under_way=0, levels=1500))
    assert "1,201 of its orders are on the book, as many as are wanted now: 1 level above" in done


# -- stop and the rest -------------------------------------------------------------------------------------------------

EFFECT = StopEffect("g1", "BTC/USDT", 11, 2, D("0.002"), D("125"), (D("124.9"), D("123.6")), (D("-0.1"), D("-1.4")))


def test_stopping_names_what_each_way_does_to_the_money() -> None:
    assert turns.stop_question([EFFECT]) == (
        "<b>Stop g1?</b> Held: 0.002 BTC, bought for 125 USDT.\n"
        "<b>Finish</b>: 11 entries leave the book, 2 exits stay and what is held sells at its own exits; then it ends. "
        "It may take long, and the coins may lose worth meanwhile.\n"
        "<b>Keep coins</b>: 13 orders leave the book and it ends now; the coins stay on your account, and nothing "
        "sells them.\n"
        "<b>Sell now</b>: 13 orders leave the book, then the coins are sold at once, as a taker, at the best bid or "
        "up to 1 % below it. That brings about 124.90 USDT (<b>−0.10</b> against cost), at worst 123.60 (−1.40), after "
        "the fee."
    )


def test_stopping_many_grids_of_many_markets_still_fits() -> None:
    effects = [
        replace(
            EFFECT, grid=f"g{number}", symbol=f"VERYLONGCOIN{number}/QUOTE{number % 40}", too_little=number % 7 == 0
        )
        for number in range(500)
    ]
    for text in (turns.stop_question(effects), turns.sell_question(effects), turns.keeping(effects)):
        parse_html(text)
        assert length(text) < 4000
    assert "and 490 more" in turns.stop_question(effects)


def test_without_a_price_or_with_dust_a_sale_promises_nothing() -> None:
    unpriced = replace(EFFECT, proceeds=None, profit=None)
    assert "There is no price now for g1, so what it brings can't be said." in turns.stop_question([unpriced])
    dust = turns.stop_question([replace(EFFECT, too_little=True)])
    assert "what is held is under the exchange's minimum and stays on the account." in dust
    empty = replace(EFFECT, held=D(0), cost=D(0), proceeds=None, profit=None)
    assert "there is nothing to sell." in turns.stop_question([empty])


def test_pause_and_resume_say_what_comes_next() -> None:
    assert turns.paused(["g1"], 11, 9) == (
        "⏸ g1 is paused: 11 entries leave the book, 9 exits stay. What is held still sells at its exits.\n"
        "/resume g1 goes on."
    )
    assert turns.paused(["g1", "g2"], 1, 0).endswith("/resume all goes on.")
    assert turns.paused([], 0, 0).startswith("Nothing to pause")
    assert turns.resumed(["g1", "g2"], ["g2"]) == (
        "▶️ g1 runs: entries and exits are placed as the price allows.\n"
        "▶️ g2 goes on finishing: what is held sells at its exits. /resume once more lets it run.\n"
        "/status shows what rests."
    )
    assert "g1.7 may run, but g1 doesn't: /resume g1" in turns.resumed(["g1.7"], [], ["g1.7"])


def test_logs_are_escaped_line_by_line() -> None:
    text = statements.logs(["<b>one</b>\ttwo", NASTY])
    assert text.startswith("<pre>&lt;b&gt;one&lt;/b&gt; two\n")
    parse_html(text)
    assert max(map(len, text.splitlines())) < 500


def test_the_greeting_escapes_a_name() -> None:
    text = statements.start("<script>" + "x" * 500, "", owner=False)
    assert "&lt;script&gt;" in text and "Orders here are real." in text and len(text) < 500
