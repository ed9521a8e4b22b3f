"""Digests and the page of /alerts: golden texts, exact sums however they grow, and the longest and nastiest input."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.core import snapshot
from bot.core.accounting import RoundTrip
from bot.core.alerts import BackInRange
from bot.core.events import Refusal
from bot.core.model import Side
from bot.core.money import use_exact
from bot.core.snapshot import LevelFilled, Notice, TradeClosed
from bot.errors import CommandError
from handlers.chat.context import ChatConfig, length
from handlers.chat.kinds import NOTE, Kind, Way, Ways, kind_of, ways_of
from handlers.words import alerts, notices
from handlers.words.digests import Record
from tests.handlers.samples import NOTICES
from tests.telegram.html_rules import parse_html

AT = datetime(2026, 11, 22, 10, 0, 7, tzinfo=UTC)
CONFIG = ChatConfig("BTC/USDT", "(simulated)", "simulated", ZoneInfo("Europe/Berlin"), Path())
D = Decimal
NASTY = '<b>&"' + "x" * 10_000


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def fill(**changes: object) -> LevelFilled:
    made = LevelFilled(AT, "g1.7", "BTC/USDT", Side.BUY, D("61850.2"), D("0.001"), True, D("62159.5"), True)
    return replace(made, **changes)  # type: ignore[arg-type]


def closed(pnl: str = "0.1795", executor: str = "g1.7", currency: str = "USDT") -> TradeClosed:
    cost, fees = D("61.8502"), D("0.1")
    proceeds = cost + fees + D(pnl)
    trade = RoundTrip("g1", executor, 3, f"BTC/{currency}", D("0.001"), cost, proceeds, fees, currency, AT)
    return TradeClosed(AT, trade)


def digest(*told: Notice) -> str:
    return notices.gathered(told, CONFIG)[0]


def test_a_few_have_a_line_each_and_need_no_sums() -> None:
    sold = fill(executor="g1.8", side=Side.SELL, price=D("62159.5"), at=AT + timedelta(seconds=50))
    assert digest(fill(), sold, closed()) == (
        "📦 <b>11:00:07–11:00:57</b>\n"
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2\n"
        "11:00:57 🔴 g1.8 sold 0.001 at 62,159.5\n"
        "11:00:07 💰 g1.7 +0.1795 USDT"
    )


def test_over_midnight_the_days_are_named() -> None:
    assert digest(fill(), fill(at=AT + timedelta(days=1))).startswith("📦 <b>22 Nov 11:00–23 Nov 11:00</b>\n")


def test_parts_of_one_order_share_a_line() -> None:
    parts = [fill(whole=False, amount=D("0.0004")), fill(executor="g1.8"), fill(amount=D("0.0006")), fill()]
    assert digest(*parts).splitlines()[2:] == [
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2",
        "11:00:07 🟢 g1.8 bought 0.001 at 61,850.2",
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2",
    ]


def test_a_sale_and_the_trade_it_closed_share_a_line() -> None:
    sales = [fill(executor=f"g1.{number}", side=Side.SELL) for number in (7, 8)]
    assert digest(fill(), *sales, closed(executor="g1.8"), closed("-2"), closed(executor="g1.9")).splitlines()[2:] == [
        "11:00:07 🟢 g1.7 bought 0.001 at 61,850.2",
        "11:00:07 🔻 g1.7 sold 0.001 at 61,850.2, −2 USDT",
        "11:00:07 💰 g1.8 sold 0.001 at 61,850.2, +0.1795 USDT",
        "11:00:07 💰 g1.9 +0.1795 USDT",
    ]


def test_many_are_counted_and_summed_and_the_newest_have_lines() -> None:
    many: list[Notice] = [fill(executor=f"g1.{number}", maker=number > 2) for number in range(1, 1001)]
    many += [closed("0.5", f"g1.{number}") for number in range(1, 501)]
    many += [closed("-0.25", f"g2.{number}", "USDC") for number in range(1, 5)]
    head, sums, more, *lines = digest(*many).splitlines()
    assert head == "📦 <b>11:00:07</b>"
    assert sums == (
        "In all: 500 closed trades <b>+250 USDT</b>; 4 closed trades <b>−1 USDC</b>; "
        "bought 1 BTC for 61,850.20 USDT in 1,000 fills; ⚠️ 2 as taker."
    )
    assert more == "… and 1,489 earlier:"
    assert len(lines) == 15 and lines[-1] == "11:00:07 🔻 g2.4 −0.25 USDC"


def test_a_digest_that_grows_says_what_it_would_say_at_once() -> None:
    many: list[Notice] = []
    for number in range(300):
        side = Side.BUY if number % 3 else Side.SELL
        amount, price = D(number) / D(2**20), D(60_000) - D(number) / D(2**7)
        many.append(fill(executor=f"g1.{number}", side=side, amount=amount, price=price, maker=number % 50 > 0))
        many.append(closed(f"{number - 100}.0000000001", f"g1.{number}", "USDT" if number % 2 else "EUR"))
        if not number % 40:
            many.append(BackInRange(AT, "g1", "BTC/USDT", D(1), AT))
    at_once = notices.gathered(many, CONFIG)
    record: Record | None = None
    text = ""
    for begin in range(0, len(many), 7):
        text, record = notices.gathered(many[begin : begin + 7], CONFIG, record)
        record = json.loads(json.dumps(record))  # as it is kept
    assert record is not None
    assert {**record, "lines": [], "count": 0} == {**at_once[1], "lines": [], "count": 0}
    assert text.splitlines()[1] == at_once[0].splitlines()[1]
    assert "8 × back in range" in text


def test_a_digest_always_fits_into_one_message() -> None:
    blocked = [snapshot.LevelBlocked(AT, f"g1.{number}", "BTC/USDT", Refusal.OTHER, NASTY, AT) for number in range(100)]
    fills = [fill(symbol=f"{NASTY}{number}/{NASTY}", price=D(10) ** 15 + D("1E-15")) for number in range(100)]
    record: Record | None = None
    for batch in ([told for _, told in NOTICES], blocked, fills, [told for _, told in NOTICES]):
        text, record = notices.gathered(batch, CONFIG, record)
        parse_html(text)
        assert length(text) < 4000
    assert "100 × level refused (/why)" in notices.gathered([*blocked, *fills], CONFIG)[0]


# -- kinds -------------------------------------------------------------------------------------------------------------


def test_every_notice_belongs_to_a_kind_and_money_at_risk_is_an_alarm() -> None:
    kinds = {type(told): kind_of(told) for _, told in NOTICES}
    for alarm in (
        snapshot.StopReached,
        snapshot.DailyLossReached,
        snapshot.LevelFrozen,
        snapshot.PositionSmaller,
        snapshot.PositionNotOurs,
        snapshot.MarketShut,
        snapshot.OrphansFound,
        snapshot.LiveAsked,
    ):
        assert kinds[alarm] is Kind.ALARMS
    assert kind_of(snapshot.Trouble(AT, "heartbeat", "late")) is Kind.ALARMS
    assert kind_of(snapshot.Trouble(AT, "exchange", "away")) is Kind.TROUBLE
    assert set(kinds.values()) | {Kind.TROUBLE} == set(Kind)


def test_a_kind_turns_through_its_ways_for_one_person_alone() -> None:
    ways, turned = Ways(), list[Way]()
    for _ in range(5):
        ways.recall({NOTE[1]: ways.turned(7, Kind.FILLS, ways.next(7, Kind.FILLS))})
        turned.append(ways.of(7, Kind.FILLS))
    assert turned == [Way.SILENT, Way.DIGEST, Way.OFF, Way.ON, Way.SILENT]
    assert ways.of(8, Kind.FILLS) is Way.ON and ways.of(7, Kind.TRADES) is Way.ON
    assert ways_of(Kind.ALARMS) == (Way.ON, Way.SILENT)


def test_a_kind_and_a_way_may_be_typed() -> None:
    assert alerts.understood("") is None
    assert alerts.understood(" Fills  SILENT") == (Kind.FILLS, Way.SILENT)
    for words, why in (
        ("fills", "such as /alerts fills silent"),
        ("fills loud", "a way (on, silent, digest, off)"),
        ("fees off", "a kind (alarms, fills, trades, "),
        ("alarms off", "never off"),
        ("alarms digest", "never off"),
    ):
        with pytest.raises(CommandError, match=re.escape(why)):
            alerts.understood(words)


def test_the_page_of_alerts_says_what_each_kind_is() -> None:
    ways = dict.fromkeys(Kind, Way.ON) | {Kind.FILLS: Way.DIGEST, Kind.PEOPLE: Way.OFF, Kind.ALARMS: Way.SILENT}
    assert alerts.page(ways) == (
        "<b>What I push to this chat</b>\n"
        "🔕 <b>Alarms</b>: money is at risk, or I need your answer; never off\n"
        "📦 <b>Fills</b>: an order of a level was bought or sold\n"
        "🔔 <b>Closed trades</b>: a level sold what it had bought, with the profit\n"
        "🔔 <b>Levels</b>: the exchange refuses a level again and again\n"
        "🔔 <b>Range</b>: the price has left a grid's range, or nothing fills\n"
        "🔔 <b>Grids</b>: a grid has ended, was sold, or took its profit\n"
        "🔔 <b>Trouble</b>: the exchange does not answer, or does again\n"
        "🔔 <b>Daily report</b>: what the day before brought, with a chart\n"
        "🔔 <b>Restarts</b>: I was away, and what happened meanwhile\n"
        "✖️ <b>People</b>: a stranger wrote to me, or somebody blocked me\n\n"
        "🔔 on · 🔕 silent · 📦 one message an hour, edited in place · ✖️ off. Press a kind to turn it."
    )
