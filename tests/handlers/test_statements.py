"""What is said of profit and of the books, word for word; and the longest and nastiest of it."""

from datetime import UTC, datetime
from decimal import Decimal

from bot.core.curve import Point
from bot.core.model import Balance
from bot.core.portfolio import Totals
from bot.reports.profits import ProfitView
from bot.reports.tally import CoinTally, Entry, OrderTally, PositionTally, Tally
from handlers.words.figures import WIDTH
from handlers.words.statements import profit
from handlers.words.tallies import reconciled
from tests.telegram.html_rules import parse_html

D = Decimal
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TOTALS = Totals(31, D("12.5"), D("1.25"), D("3720.5"))
VIEW = ProfitView(
    currency="USDT",
    period="week",
    totals=TOTALS,
    open_profit=D("-3.2"),
    held_cost=D("310.25"),
    started=Point("all:USDT", AT, D(40), D("-1.2")),
    fees=(("USDT", D("0.65")), ("BNB", D("0.00123"))),
    capital=D("1250"),
    hold=D("-21.5"),
)
SAID = """\
Profit, the last 7 days
                 USDT
    realised   +12.50
open, change       −2
       total   +10.50
   fees paid     1.25
      trades       31
      volume 3,720.50
     capital    1,250
 total of it  +0.84 %
     holding   −21.50
Open now −3.20 USDT.
Held coins cost 310.25 USDT.
Fees of all fills: 0.65 USDT and 0.00123 BNB.
Capital is what is bound at worst; holding is the same capital put into coins at the start.
Realised is after fees. /trades lists the last trades, /export has all, /pnl week g1 asks for less."""


def said(html: str) -> str:
    return parse_html(html)[0]


def test_a_weeks_profit_word_for_word() -> None:
    assert said(profit([VIEW], "week", None)) == SAID


def found(**changes: object) -> Tally:
    btc = CoinTally(
        "BTC", (Entry("BTC/USDT", D("0.0169835"), D("0.0169835"), D(0), D("0.0169835")),), Balance(D("0.1"), D("0.01"))
    )
    bnb = CoinTally("BNB", (Entry("BTC/USDT", D("-0.00123")),), Balance(D(2), D(0)))
    money = CoinTally("USDT", (Entry("BTC/USDT", D("-937.774")),), Balance(D("8875.25"), D("187")), D("187"))
    orders = (OrderTally("BTC/USDT", 20, (), (), (), 2),)
    parts: dict[str, object] = {"coins": (bnb, btc, money), "positions": (), "orders": orders, **changes}
    return Tally(**parts)  # type: ignore[arg-type]


def test_books_that_agree_are_told_line_by_line() -> None:
    text = said(reconciled(found()))
    lines = text.splitlines()
    assert lines[0] == "✅ The books agree with the exchange"
    assert [line.split()[-1] for line in lines if line.strip().startswith("not the bot's")] == [
        "2",
        "0.0930165",
        "9,062.25",
    ]
    assert lines[-2:] == [
        "BTC/USDT: 20 orders alike on both sides",
        "2 orders there are not this bot's and left alone",
    ]
    assert all(len(line) <= WIDTH for line in lines[1:-2])


def test_the_nastiest_names_and_figures_stay_within_a_phone_and_valid_html() -> None:
    nasty, vast = "<b>&1000000MOG/USDT:USDT-261225", D("123456789012.12345678")
    coin = CoinTally("<i>&", (Entry(nasty, vast, vast, vast, D(1)),), Balance(D(0), D(0)), vast)
    place = PositionTally(nasty, vast, vast, D(-1))
    order = OrderTally(nasty, 0, ("a",), ("b",) * 999, ("c",), 1)
    many = found(coins=(coin,) * 99, positions=(place,), orders=(order,) * 99, is_moving=True)
    text = said(reconciled(many))
    assert text.startswith("🛑 The exchange has less than the books hold")
    assert "999 orders with this bot's mark that no level knows" in text
    assert "and 158 more lines" in text
    assert nasty in said(profit([ProfitView(nasty, "all", TOTALS, D(1), vast)], "all", "g1"))
