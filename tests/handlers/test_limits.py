"""Whatever names and numbers there are, texts stay within Telegram's limits and tables within the width of a phone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.lifecycle import Mode, State
from bot.core.model import Balance, Quote, Side
from bot.core.money import use_exact
from bot.core.portfolio import Holding, Totals
from bot.reports.profits import ProfitView
from bot.reports.tally import CoinTally, Entry, OrderTally, PositionTally, Tally
from bot.reports.views import GridView, LevelView
from handlers.chat.context import length, split, tagged
from handlers.commands import CHOICES
from handlers.words import glance, hints, keyboards, pages, statements, tallies
from handlers.words.keyboards import MOST_BYTES, data_of
from handlers.words.leaves import LAST
from tests.handlers.samples import AT, CONFIG, GRID, HEALTH, SPEC, ZONE, D, trade
from tests.telegram.html_rules import parse_html, utf16_length

NONCE = "f" * 12
PHONE = 32
"""Columns of monospace that a phone shows without breaking the line."""
FEW = settings(max_examples=15, deadline=None)

numbers = st.decimals(min_value=D("1E-12"), max_value=D("1E15"), places=12, allow_nan=False).filter(bool)
sums = st.decimals(min_value=D("-1E14"), max_value=D("1E14"), places=12, allow_nan=False)
texts = st.text(min_size=1, max_size=400)


@pytest.fixture(autouse=True, scope="module")
def exact() -> None:
    use_exact()


@st.composite
def levels(draw: st.DrawFn, number: int) -> LevelView:
    """A level in any state, with any words of the exchange."""
    rests = draw(st.booleans())
    return LevelView(
        id=f"g46655.{number}",
        state=draw(st.sampled_from(State)),
        mode=draw(st.sampled_from(Mode)),
        entry=draw(numbers),
        exit=draw(numbers),
        amount=draw(numbers),
        held=draw(numbers),
        cycle=draw(st.integers(1, 10**9)),
        order_side=draw(st.sampled_from(Side)) if rests else None,
        order_price=draw(numbers) if rests else None,
        order_left=draw(numbers),
        why=draw(texts),
        next_try=AT + timedelta(days=1),
        refusal=draw(texts),
        rise=draw(numbers),
        fall=draw(numbers),
        grid_mode=draw(st.sampled_from(Mode)),
        grid_why=draw(texts),
    )


@st.composite
def views(draw: st.DrawFn) -> GridView:
    """A grid of a few kinds of levels, each many times, with any figures."""
    made = [draw(levels(number)) for number in range(1, 4)]
    low, high, bid = sorted(draw(st.tuples(numbers, numbers, numbers)))
    spec = replace(SPEC, symbol=draw(texts), minimum=low, maximum=max(high, low), profit_pct=draw(numbers))
    return GridView(
        grid=replace(GRID, id="g46655", spec=spec, why=draw(texts)),
        mode=draw(st.sampled_from(Mode)),
        currency=draw(texts),
        base=draw(texts),
        quote=draw(st.none() | st.just(Quote("X/Y", bid, bid + D("1E-12"), AT))),
        levels=tuple(replace(made[number % 3], id=f"g46655.{number}") for number in range(1, 61)),
        totals=Totals(10**9, draw(sums), draw(sums), draw(sums)),
        today=Totals(10**9, draw(sums), draw(sums), draw(sums)),
        holding=Holding(draw(numbers), draw(numbers)),
        open_profit=draw(sums),
        liquidation=draw(st.none() | numbers),
    )


def fits(html: str, *, one: bool = True) -> None:
    """Each part is one that Telegram takes, no line of a table breaks, and a page is a single message."""
    parts = split(tagged(html, CONFIG.tag))
    assert len(parts) == 1 or not one
    for part in parts:
        assert utf16_length(parse_html(part)[0]) <= 4096 and length(part) <= 4096
        inside = [block.partition("</pre>")[0] for block in part.split("<pre>")[1:]]
        rows = [unescape(row) for block in inside for row in block.splitlines()]
        assert all(len(row) <= PHONE for row in rows), max(rows, key=len)


@FEW
@given(st.lists(views(), min_size=1, max_size=3), st.lists(texts, max_size=8))
def test_every_look_fits_a_message_and_its_tables_a_phone(found: list[GridView], troubles: list[str]) -> None:
    many = [found[number % len(found)] for number in range(30)]
    today = {view.currency: view.today for view in found}
    fits(glance.status(many, HEALTH, troubles, today, AT, ZONE), one=False)
    fits(pages.grids(many, LAST).html)
    fits(pages.grids(many).html)
    for view in found:
        fits(pages.orders([view]).html)
        fits(pages.orders(many, LAST).html)
        fits(pages.why_grid(view, ZONE), one=False)
        fits(pages.why_level(view.levels[0], ZONE, view.quote))
        if view.quote is not None:
            fits(glance.price(view.quote, ZONE, many), one=False)


@FEW
@given(texts, numbers, sums, st.integers(0, 10**9))
def test_every_statement_fits_a_message_and_its_tables_a_phone(
    name: str, amount: Decimal, money: Decimal, count: int
) -> None:
    totals = Totals(count, money, amount, amount, money)
    view = ProfitView(name, "week", totals, money, amount, None, ((name, amount),) * 9, amount, money)
    fits(statements.profit([view, replace(view, period="all")], "all", "g46655.46655", unpriced=True))
    trips = [replace(trade(), qty=amount, cost=amount, proceeds=amount, currency=name) for _ in range(100)]
    fits(statements.trades(trips, ZONE, 3).html)
    assert utf16_length(parse_html(statements.logs([name * 10] * 200).html)[0]) <= 4000  # lines of a log may break
    fits(pages.balance({f"{name}{place}": Balance(amount, amount) for place in range(99)}, []), one=False)
    coin = CoinTally(name, (Entry(name, money, amount, amount, money),), Balance(amount, amount), amount)
    order = OrderTally(name, count, ("a",), ("b",), ("c",), 1)
    place = PositionTally(name, amount, amount, money)
    fits(tallies.reconciled(Tally((coin,) * 30, (place,) * 30, (order,) * 30)), one=False)


@FEW
@given(st.text(min_size=1, max_size=4096).filter(str.strip))
def test_a_hint_fits_whatever_is_typed(typed: str) -> None:
    names = ["status", "linear", "grid"]
    fits(hints.no_command(typed, names))
    fits(hints.unknown(typed.split(maxsplit=1)[0], names, names))


@FEW
@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_every_button_fits(place: int, count: int) -> None:
    markup = keyboards.leaves(NONCE, place, count)
    assert all(len(str(button.callback_data)) <= MOST_BYTES for row in markup.inline_keyboard for button in row)
    assert all(len(data_of(name, NONCE).encode()) <= MOST_BYTES for name in CHOICES)


def test_the_keyboard_below_the_chat_holds_only_what_changes_nothing() -> None:
    labels = [button.text for row in keyboards.safe_commands().keyboard for button in row]
    assert labels == ["/status", "/grids", "/pnl", "/orders"]
