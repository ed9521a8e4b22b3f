"""Every kind of message as a person sees it, held against the files under `golden/`.

Where a change of words is right, GOLDEN=write rewrites them: read the difference before it is kept.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.curve import Point
from bot.core.events import Refusal
from bot.core.lifecycle import Mode, State
from bot.core.model import Balance, Side
from bot.core.money import use_exact
from bot.core.portfolio import Totals
from bot.core.snapshot import GridEnded, Notice, TradeClosed
from bot.reports.profits import ProfitView
from bot.reports.tally import CoinTally, Entry, OrderTally, PositionTally, Tally
from bot.reports.views import SELLING
from bot.texts.catalogue import say
from bot.trading import margin
from handlers.chat.context import tagged
from handlers.chat.people import Role
from handlers.commands import TABLE
from handlers.words import (
    glance,
    hints,
    keyboards,
    pages,
    reasons,
    statements,
    tallies,
)
from handlers.words.leaves import Leaf
from handlers.words.notices import gathered, notice
from handlers.words.statements import Vitals
from tests.handlers.golden_texts import FOLDER, check, seen
from tests.handlers.samples import (
    AT,
    CONFIG,
    EMPTY,
    GRID,
    HEALTH,
    LATER,
    LEVELS,
    NOTICES,
    QUOTE,
    ZONE,
    D,
    fill,
    grid,
    holding,
    level,
    named,
    trade,
    waiting,
)

NONCE = "0123456789ab"
TODAY = {"USDT": Totals(2, D("0.359"), D("0.2"), D(250))}


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def leafed(leaf: Leaf) -> str:
    """A page with its buttons."""
    return seen(leaf.html, keyboards.leaves(NONCE, leaf.place, leaf.count))


def kinds(of: type[Notice]) -> Iterator[type[Notice]]:
    """Every kind of notice there is."""
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_notice() -> None:
    check(
        "notices",
        {f"{type(told).__name__}: {title}": seen(tagged(notice(told, CONFIG), CONFIG.tag)) for title, told in NOTICES},
    )


def test_no_kind_of_notice_is_without_a_golden_text() -> None:
    shown = {type(told).__name__ for _, told in NOTICES}
    assert {kind.__name__ for kind in kinds(Notice) if kind.__module__.startswith("bot.")} == shown


def test_the_glance() -> None:
    outside = grid(grid=replace(GRID, spec=replace(GRID.spec, minimum=D(58000), maximum=D(61000))))
    far = replace(GRID.spec, symbol="PEPE/USDT", minimum=D("0.00001230"), maximum=D("0.00001250"))
    tiny = grid(
        grid=replace(GRID, id="g2", spec=far),
        quote=replace(QUOTE, bid=D("0.00001234"), ask=D("0.00001235")),
        levels=(),
        base="PEPE",
    )
    unpriced = grid(quote=None, mode=Mode.PAUSED)
    many = [named(number, liquidation=D(41000)) for number in range(1, 31)]
    funded = {"USDT": Totals(0, D("-0.12"), D(0), D(0), D("-0.12"))}
    late = replace(HEALTH, beat_age=95.0, troubles=("exchange: timed out", "store: disk is full"))

    def said(*views: object, health: object = HEALTH, troubles: tuple[str, ...] = (), today: object = TODAY) -> str:
        return leafed(Leaf(glance.status(views, health, troubles, today, AT, ZONE)))  # type: ignore[arg-type]

    check(
        "glance",
        {
            "no grid": said(today={}),
            "one grid": said(grid()),
            "nothing traded yet": said(grid(**{**EMPTY, "levels": LEVELS[:9]}), today={}),
            "outside its range": said(outside),
            "tiny prices, two markets": said(grid(), tiny),
            "no price, paused": said(unpriced, today={}),
            "very many grids, on a perpetual": said(*many),
            "funding": said(grid(liquidation=D(41000)), today=funded),
            "troubles": said(grid(), health=late, troubles=late.troubles),
            "not live yet": said(grid(), troubles=(say("glance.unconfirmed"),)),
            "no heartbeat yet": said(health=replace(HEALTH, beat_age=None), today={}),
            "a price": leafed(Leaf(glance.price(QUOTE, ZONE))),
            "a price with grids": leafed(Leaf(glance.price(QUOTE, ZONE, [grid(), named(2)]))),
        },
    )


def test_the_pages() -> None:
    long = grid(levels=tuple(level(number) for number in range(1, 61)))
    check(
        "pages",
        {
            "no grids": leafed(pages.grids([])),
            "grids": leafed(pages.grids([grid(), named(2, mode=Mode.PAUSED), named(3, mode=Mode.FINISHING)])),
            "grids, last page": leafed(pages.grids([named(number) for number in range(1, 11)], 9)),
            "no orders": leafed(pages.orders([])),
            "orders": leafed(pages.orders([grid(), named(2, levels=LEVELS[:2])])),
            "orders without a price": leafed(pages.orders([grid(quote=None, levels=LEVELS[:2])])),
            "orders, page 2": leafed(pages.orders([long], 1)),
            "no funds": seen(pages.balance({}, [])),
            "funds": seen(
                pages.balance(
                    {"USDT": Balance(D("9818.5"), D("181.5")), "BTC": Balance(D("0.1"), D(0))},
                    [("BTC", D("0.003"), D("187.7"), "USDT")],
                )
            ),
        },
    )


STATES = (
    ("next cycle", State.COMPLETED),
    ("done", State.COMPLETED),
    ("entry partly", State.PLACED_ENTRY),
    ("resting", State.PLACED_ENTRY),
    ("moves", State.PLACED_ENTRY),
    ("partly filled", State.PLACED_EXIT),
    ("the exit", State.PLACED_EXIT),
    ("what is held", State.FILLED_WAIT),
)
"""Where a level stands that gives a reason with these words."""
MODES = {"panic": Mode.HALTED, "take price reached": Mode.FINISHING, margin.SMALLER: Mode.HALTED, SELLING: Mode.HALTED}


def test_why_with_every_reason() -> None:
    texts = {
        "resting": pages.why_level(level(), ZONE, QUOTE),
        "selling": pages.why_level(holding(7), ZONE, QUOTE),
        "short of its target": pages.why_level(
            level(why="resting as near to its target as the book allowed", rise=D("62543.6")), ZONE, QUOTE
        ),
    }
    for key in reasons.MEANINGS:
        state = next((state for words, state in STATES if words in key), State.PENDING_ENTRY)
        texts[f"reason: {key}"] = pages.why_level(waiting(f"{key}: what was said", state=state), ZONE, QUOTE)
    for refusal in Refusal:
        words = f"{refusal}: the exchange's <words>"
        texts[f"refused: {refusal}"] = pages.why_level(waiting(words, refusal=words, next_try=LATER), ZONE, QUOTE)
    for why in (*reasons.GRID_WHYS, SELLING):
        mode = MODES.get(why, Mode.PAUSED)
        held = waiting(mode.name.lower(), mode=mode, grid_mode=mode, grid_why=why)
        texts[f"grid: {why}"] = pages.why_level(held, ZONE, QUOTE)
    texts["the level itself"] = pages.why_level(waiting("paused", mode=Mode.PAUSED), ZONE, QUOTE)
    done = waiting("done", state=State.COMPLETED)
    texts["a grid"] = pages.why_grid(grid(levels=(*LEVELS, replace(done, id="g1.13"))), ZONE)
    funds = "not enough funds: free 3.20 USDT"
    refused = [waiting(funds, refusal=funds, next_try=LATER, id=f"g1.{number}") for number in range(1, 5)]
    texts["a grid without funds"] = pages.why_grid(grid(levels=(*refused, *LEVELS[4:])), ZONE)
    paused = grid(mode=Mode.PAUSED, grid=replace(GRID, mode=Mode.PAUSED, why="MAX_DAILY_LOSS reached"))
    texts["a paused grid"] = pages.why_grid(paused, ZONE)
    texts["a grid that is over"] = pages.why_grid(grid(levels=(), mode=Mode.ENDED), ZONE)
    check("why", {title: seen(html) for title, html in texts.items()})


PROFIT = ProfitView(
    currency="USDT",
    period="week",
    totals=Totals(31, D("12.5"), D("1.25"), D("3720.5")),
    open_profit=D("-3.2"),
    held_cost=D("310.25"),
    started=Point("all:USDT", AT, D(40), D("-1.2")),
    fees=(("USDT", D("0.65")), ("BNB", D("0.00123"))),
    capital=D(1250),
    hold=D("-21.5"),
)
WELL = Vitals(0.123, "", 96.2, 121.7)


def test_the_statements() -> None:
    trips = [trade(executor=f"g1.{number}") for number in range(1, 13)]
    funded = replace(PROFIT, period="day", totals=replace(PROFIT.totals, funding=D("-0.2")), capital=D(0), hold=None)
    sick = replace(HEALTH, beat_age=95.0, troubles=("store: disk is full",), in_doubt=2, undelivered=7)
    lines = [f"2026-11-22T10:00:{number:02}Z INFO bot.manager: grid created {{}}" for number in range(60)]
    libraries = [("python-telegram-bot", "22.1"), ("ccxt", "4.5.0")]
    owner = [(f"{each.name} {each.usage}".strip(), each.help) for each in TABLE.for_role(Role.OWNER)]
    viewer = [(f"{each.name} {each.usage}".strip(), each.help) for each in TABLE.for_role(Role.VIEWER)]
    check(
        "statements",
        {
            "nothing traded": seen(statements.profit([], "all", None)),
            "a week": seen(statements.profit([PROFIT], "week", None)),
            "a day of a grid": seen(statements.profit([funded], "day", "g1", unpriced=True)),
            "no trades": leafed(statements.trades([], ZONE)),
            "trades": leafed(statements.trades(trips[:3], ZONE)),
            "trades, page 2": leafed(statements.trades(trips, ZONE, 1)),
            "no log": leafed(statements.logs([])),
            "log": leafed(statements.logs(lines)),
            "well": leafed(Leaf(statements.health(HEALTH, WELL, 11_000))),
            "not well": leafed(Leaf(statements.health(sick, Vitals(None, "no answer in 5 s", None, 90.0), None))),
            "version": seen(statements.version("1.2.3", "3.11.7", libraries)),
            "exported": seen(statements.exported("trades.csv", 31)),
            "nothing to export": seen(say("statements.nothing_to_export")),
            "help of an owner": seen(statements.help_(owner, owner=True)),
            "help of a viewer": seen(statements.help_(viewer, owner=False)),
        },
    )


def test_the_books_against_the_exchange() -> None:
    btc = CoinTally("BTC", (Entry("BTC/USDT", D("0.017"), D("0.017"), D(0), D("0.017")),), Balance(D("0.1"), D("0.01")))
    usdt = CoinTally("USDT", (Entry("BTC/USDT", D("-937.774")),), Balance(D("8875.25"), D(187)), D(187))
    clean = Tally((btc, usdt), (), (OrderTally("BTC/USDT", 20, (), (), (), 2),))
    sold = Entry("BTC/USDT", D("0.017"), D("0.012"), D(0), D("0.017"))
    short = CoinTally("BTC", (sold,), Balance(D("0.001"), D(0)))
    differing = OrderTally("BTC/USDT", 17, ("a",), ("b",), ("c", "d"), 0)
    place = PositionTally("BTC/USDT:USDT", D("0.01"), D(0), D("0.005"))
    check(
        "books",
        {
            "empty": seen(tallies.reconciled(Tally((), (), ()))),
            "agree": seen(tallies.reconciled(clean)),
            "short": seen(tallies.reconciled(Tally((short, usdt), (place,), (differing,), is_moving=True))),
        },
    )


def test_hints_and_refusals() -> None:
    names = [command.name for command in TABLE.for_role(Role.OWNER)]
    check(
        "hints",
        {
            "misspelt": seen(hints.unknown("linaer", names, names)),
            "other letters": seen(hints.unknown("\u0455t\u0430tus", names, names)),
            "misspelt by a viewer": seen(hints.unknown("linaer", names, ["status"])),
            "nothing like it": seen(hints.unknown("<b>xyzzy", names, names)),
            "without its slash": seen(hints.no_command("Staus", names)),
            "a grid": seen(hints.no_command("G1", names)),
            "a level": seen(hints.no_command("g1.7", names)),
            "a number": seen(hints.no_command("60,000.5", names)),
            "a market, to an owner": seen(hints.market("BTC/USDT", owner=True)),
            "a market, to a viewer": seen(hints.market("BTC/USDT", owner=False)),
            "anything else": seen(hints.no_command("good morning", names)),
            "for owners only": seen(say("hints.viewers_only_look", command="/panic")),
        },
    )


def test_digests() -> None:
    fills = [fill(executor=f"g1.{number}") for number in range(1, 5)]
    sold = [fill(executor=f"g1.{number}", side=Side.SELL, price=D("62159.5")) for number in range(1, 5)]
    closed = [TradeClosed(AT, trade(executor=f"g1.{number}")) for number in range(1, 5)]
    other = next(told for _, told in NOTICES if isinstance(told, GridEnded))
    first, record = gathered([*fills, *sold, *closed], CONFIG)
    check(
        "digests",
        {
            "a few": seen(gathered(fills[:2], CONFIG)[0]),
            "pairs": seen(first),
            "and then more": seen(gathered([fill(at=LATER), other], CONFIG, record)[0]),
            "many": seen(gathered([*fills, *sold, *closed] * 10, CONFIG)[0]),
        },
    )


def test_no_file_of_golden_texts_is_left_over() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    families = {name for source in sources for name in re.findall(r"check\(\s*\"(\w+)\"", source)}
    assert {path.stem for path in FOLDER.glob("*.txt")} == families
