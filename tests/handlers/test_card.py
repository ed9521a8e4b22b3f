"""A grid's card: its texts, its picture, and buttons that are never used up."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from bot.core.flows import BookedFill
from bot.core.lifecycle import Mode, State
from bot.core.model import Side
from bot.core.money import use_exact
from bot.core.portfolio import Totals
from bot.reports.cards import CardView, Stand, next_price, stand_of
from bot.reports.views import GridView, LevelView
from handlers import pictures
from handlers.words import card as words
from handlers.words import keyboards
from handlers.words.captions import LIMIT, seen
from handlers.words.figures import WIDTH
from tests.handlers.golden_texts import check
from tests.handlers.golden_texts import seen as shown
from tests.handlers.samples import AT, EMPTY, GRID, LEVELS, SPEC, ZONE, D, grid, holding, level, named, waiting
from tests.handlers.trading_stage import Stage, play
from tests.telegram.html_rules import parse_html
from tests.telegram.world import Message

NONCE = "0123456789ab"


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def fill(number: int, side: Side = Side.BUY) -> BookedFill:
    price, at = D("61850.2") + number, AT - timedelta(minutes=number)
    return BookedFill(
        at, "BTC/USDT", side, price, D("0.001"), D(0), "USDT", D(0), "USDT", "", f"t{number}", True, "g1", "g1.7", 1
    )


FILLS = tuple(fill(number, Side.BUY if number % 2 else Side.SELL) for number in range(5))


def card(view: GridView | None = None, fills: tuple[BookedFill, ...] = FILLS) -> CardView:
    view = view or grid()
    return CardView(replace(view, grid=replace(view.grid, capital=D("1250.5"))), fills, AT)


def card_text(made: CardView, *, owner: bool = True) -> str:
    runs, is_over = made.view.mode is Mode.RUNNING, made.grid.ended_at is not None
    buttons = keyboards.card(NONCE, owner=owner, runs=runs, is_over=is_over)
    return shown(words.caption(made, ZONE), buttons)


STOPPED = replace(SPEC, stop=D(60000), stop_sell=True, take=D(66000), loop=False)
LEFT = replace(holding(11), leaves=True)


def test_every_card_and_page_of_levels() -> None:
    paused = replace(GRID, mode=Mode.PAUSED, why="by a person")
    many = tuple(level(number) for number in range(1, 50))
    texts = {
        "running": card_text(card()),
        "for a viewer": card_text(card(), owner=False),
        "just made": card_text(card(grid(**EMPTY), ())),
        "paused, with stop and take": card_text(
            card(grid(grid=replace(paused, spec=STOPPED), mode=Mode.PAUSED, quote=None))
        ),
        "edited, a level has still to sell": card_text(card(grid(levels=(*LEVELS[:-1], LEFT)))),
        "ended": card_text(card(grid(**EMPTY, grid=replace(GRID, ended_at=AT), mode=Mode.ENDED), ())),
        "which one": shown(
            words.pick([grid(), named(2)]),
            keyboards.pick([(text, NONCE) for text, _ in words.names([grid(), named(2)])]),
        ),
        "levels": shown(words.levels(grid(levels=(*LEVELS[:-2], LEFT, waiting("paused", mode=Mode.PAUSED))), 0).html),
        "levels, the second page": shown(words.levels(grid(levels=many), 1).html),
        "no levels": shown(words.levels(grid(levels=()), 0).html),
    }
    check("cards", texts)


@pytest.mark.parametrize(
    ("seen_level", "stand"),
    [
        (level(), Stand.BUY),
        (holding(1), Stand.SELL),
        (holding(1, order_side=None, order_price=None, state=State.FILLED_WAIT), Stand.HOLDING),
        (waiting("no price"), Stand.WAITING),
        (waiting("paused", mode=Mode.PAUSED), Stand.PAUSED),
        (waiting("halted", mode=Mode.HALTED), Stand.HALTED),
        (waiting("done", state=State.COMPLETED), Stand.DONE),
        (level(why="frozen: it contradicts itself"), Stand.FROZEN),
    ],
)
def test_a_level_stands_as_its_order_does_or_as_what_it_waits_for(seen_level: LevelView, stand: Stand) -> None:
    assert stand_of(seen_level) is stand


def test_a_rung_is_where_the_next_order_is() -> None:
    bought = holding(1, order_side=None, order_price=None, state=State.FILLED_WAIT)
    assert next_price(level(order_price=D(60001))) == D(60001)
    assert next_price(bought) == bought.exit
    assert next_price(waiting("paused")) == waiting("paused").entry


def test_the_picture_shows_every_level_and_the_fills_on_the_wall_clock() -> None:
    drawn = pictures.rungs(card(), (), ZONE)
    assert [rung.kind.name for rung in drawn.rungs] == ["BUY"] * 9 + ["SELL"] * 3
    assert [mark.is_buy for mark in drawn.fills] == [fill.side is Side.BUY for fill in FILLS]
    assert drawn.fills[0].time_ms == (AT + timedelta(hours=1)).timestamp() * 1000  # Berlin, in winter
    assert drawn.title == "g1 BTC/USDT"
    assert drawn.candles is None


@pytest.mark.parametrize(("age", "shown"), [(0, 1), (1, 1), (2, 4), (5, 24), (24, 24), (240, 24)])
def test_of_a_young_grid_less_of_the_past_is_shown(age: int, shown: int) -> None:
    made = replace(card(), at=GRID.created_at + timedelta(hours=age))
    assert made.back == timedelta(hours=shown)


def test_the_first_page_of_levels_is_where_the_price_is() -> None:
    many = grid(levels=tuple(replace(level(1), id=f"g1.{n}", entry=D(60000 + n * 100)) for n in range(1, 90)))
    leaf = words.levels(many, words.page_of_price(many))
    assert many.quote is not None
    assert "62,500" in leaf.html
    assert "62,600" in leaf.html
    assert words.page_of_price(replace(many, quote=None)) == 0


@pytest.mark.parametrize("seed", range(40))
def test_a_card_fits_under_a_picture_and_a_page_on_a_phone(seed: int) -> None:
    luck = Random(seed)
    size = D(10) ** luck.randint(-8, 9)
    spec = replace(
        SPEC,
        symbol="VERYLONGCOINNAME1234/LONGQUOTENAME12345:LONGQUOTENAME12345",
        minimum=D("1.23456789") * size,
        maximum=D("9.87654321") * size,
        stop=D("1.00000001") * size,
        take=D("9.99999999") * size,
        count=46_655,
    )
    levels = tuple(
        replace(
            luck.choice([level, holding])(1),
            id=f"g1295.{number}",
            entry=D("1.23456789") * size + number * size,
            exit=D("1.24456789") * size + number * size,
        )
        for number in range(46_600, 46_655)
    )
    view = grid(
        grid=replace(GRID, id="g1295", spec=spec, why="x" * 500),
        levels=levels,
        currency="LONGQUOTENAME12345",
        base="VERYLONGCOINNAME1234",
        totals=Totals(10**9, D("123456789012.12345678"), D("12345678.1"), D(1)),
        open_profit=D("-123456789012.12345678"),
    )
    text = words.caption(card(view), ZONE)
    parse_html(text)
    assert seen(text) <= LIMIT
    leaf = words.levels(view, luck.randint(0, 3))
    assert seen(leaf.html) < 4000
    pre = leaf.html.partition("<pre>")[2].partition("</pre>")[0]
    assert max(map(len, pre.splitlines())) <= WIDTH


# -- in the chat -------------------------------------------------------------------------------------------------------


async def shown_card(stage: Stage, words: str = "/grid") -> Message:
    return await stage.hear(words, lambda message: "Realised" in message.text and bool(message.buttons))


def test_a_card_is_a_picture_that_is_refreshed_in_place_as_often_as_one_likes(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("-0.6% +0.6% 13 0.001 0.3% loop")
        made = await shown_card(stage)
        assert made.kind == "photo"
        for _ in range(3):
            await stage.pass_time(10, beat=0.5)
            drawn = made.file
            stage.owner.press("Refresh", made)
            await stage.owner.wait_for("Realised")
            assert made.file not in (drawn, None)
        assert len(made.history) == 4

    play(story, tmp_path)


def test_a_card_pauses_and_resumes_in_place(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        made = await shown_card(stage, "/grid 1")
        for button, text, mode in (("Pause", "⏸ paused", Mode.PAUSED), ("Resume", "running", Mode.RUNNING)) * 2:
            stage.owner.press(button, made)
            await stage.owner.wait_for(text)
            assert stage.manager.state.grids["g1"].mode is mode

    play(story, tmp_path)


def test_the_other_buttons_answer_below_and_leave_the_card_as_it_is(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 25 0.001 0.5% loop")
        made = await shown_card(stage)
        for button, answer in (
            ("Levels", "entry"),
            ("PnL", "Profit"),
            ("Stop…", "Stop g1?"),
            ("Edit", "Or write what is to change"),
            ("Levels", "entry"),
        ):
            stage.owner.press(button, made)
            assert (await stage.owner.wait_for(answer)).id > made.id
        assert len(made.history) == 1
        stage.owner.press("›")
        await stage.owner.wait_for("/why g1.5 says")

    play(story, tmp_path)


def test_a_viewer_may_look_at_a_card_and_not_touch(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        stage.viewer.say("/grid")
        made = await stage.viewer.wait_for("Realised")
        assert [button.text for button in made.buttons] == ["Levels", "PnL", "🔄 Refresh"]
        data = made.buttons[0].data or ""
        press = stage.viewer.press_data(f"card_pause:{data.partition(':')[2]}", made)
        await press.wait()
        assert stage.manager.state.grids["g1"].mode is Mode.RUNNING

    play(story, tmp_path)


def test_where_no_picture_can_be_drawn_the_text_goes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> object:
        raise ValueError("no ink")

    monkeypatch.setattr(pictures, "rungs", broken)

    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        made = await shown_card(stage)
        assert made.kind == "text"
        await stage.pass_time(2)
        stage.owner.press("Refresh", made)
        await stage.owner.wait_for(lambda message: message is made and len(message.history) > 1)

    play(story, tmp_path)


def test_of_several_grids_one_is_picked_by_a_button(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "No grid runs" in await stage.ask("/grid")
        await stage.grid("60000 61000 2 0.001 0.5%")
        await stage.grid("60000 61000 3 0.001 0.5%")
        asked = await stage.hear("/grid", "Which grid?")
        for name in ("g2", "g1", "g2"):
            stage.owner.press(name, asked)
            await stage.owner.wait_for(f"{name} BTC/USDT running")

    play(story, tmp_path)


def test_an_ended_grid_has_a_card_without_buttons_that_steer(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 61000 2 0.001 0.5%")
        before = await shown_card(stage)
        await stage.ask("/stop g1", "Stop g1?")
        await stage.press("Keep coins", "ends")
        await stage.manager.beat()
        made = await stage.hear("/grid g1", "Ended")
        assert [button.text for button in made.buttons] == ["PnL"]
        stage.owner.press("Edit", before)
        await stage.owner.wait_for("runs no more")

    play(story, tmp_path)


def test_a_card_shows_fills_that_are_written_and_such_as_are_not_yet(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("63000 64000 5 0.001 0.5%")
        await stage.pass_time(20, beat=0.5)
        assert stage.manager.state.fills
        assert "bought 0.001 at" in (await shown_card(stage)).text
        await stage.manager.write_fills()
        assert not stage.manager.state.fills
        assert "bought 0.001 at" in (await shown_card(stage)).text

    play(story, tmp_path)
