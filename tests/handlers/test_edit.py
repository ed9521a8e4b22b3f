"""Editing a running grid in the chat: the difference, Apply, and a story of a grid that is edited while it fills."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from bot.core.alerts import OutOfRange
from bot.core.editing import edited
from bot.core.executor import PositionExecutor
from bot.core.grids import Shape
from bot.core.lifecycle import Mode, State
from bot.core.model import FeeSide, Quote, Side
from bot.core.money import use_exact
from bot.core.preview import Limits, preview
from bot.core.pricing import NO_OFFSETS
from bot.texts.catalogue import say
from handlers.words import edits, keyboards
from tests.core.levels import PREFIX
from tests.core.test_editing import at
from tests.fakes import dec, market
from tests.handlers.golden_texts import MESSAGE_LIMIT, check, seen
from tests.handlers.samples import AT, GRID, QUOTE, SPEC, D
from tests.handlers.trading_stage import OWNER, Stage, play
from tests.telegram.html_rules import parse_html, utf16_length

NONCE = "0123456789ab"
RULES = market(fee_side=FeeSide.QUOTE)


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


def difference(limits: Limits | None = None, states: tuple[State, ...] = (), **changes: object) -> str:
    """What an edit of g1 says, its levels in these states, the rest with their buys on the book; with its buttons."""
    rules = limits or Limits()
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]
    before = preview(SPEC, RULES, QUOTE, NO_OFFSETS, rules)
    members = [PositionExecutor(level, RULES, PREFIX) for level in before.to_levels("g1")]
    lived = [*states, *([State.PLACED_ENTRY] * (len(members) - len(states)))]
    members = [at(each, state) for each, state in zip(members[::-1], lived, strict=True)]
    grid = replace(GRID, capital=before.capital)
    made = edited(grid, members, preview(spec, RULES, QUOTE, NO_OFFSETS, rules), AT)
    assert utf16_length(parse_html(edits.applied(made))[0]) < MESSAGE_LIMIT
    return seen(edits.difference(made), None if made.problems else keyboards.edit(NONCE))


HELD = (State.PLACED_EXIT, State.PLACED_EXIT, State.FILLED_WAIT)


def test_every_difference_and_the_menu() -> None:
    made = preview(replace(SPEC, count=39), RULES, QUOTE, NO_OFFSETS, Limits())
    members = [
        PositionExecutor(level, RULES, PREFIX)
        for level in preview(SPEC, RULES, QUOTE, NO_OFFSETS, Limits()).to_levels("g1")
    ]
    texts = {
        "menu": seen(edits.menu(GRID), keyboards.edit_menu(NONCE)),
        "more profit": difference(profit_pct=D("0.6"), states=HELD),
        "more levels": difference(count=39, states=HELD),
        "fewer levels, some hold": difference(count=10, states=HELD),
        "moved": difference(minimum=D(62000), maximum=D(63250), states=HELD),
        "another amount, stop and take": difference(amount=D("0.002"), stop=D(60000), stop_sell=True, take=D(66000)),
        "once, and waiting above": difference(loop=False, above_wait=True),
        "refused levels": difference(amount=D("0.00008")),
        "forbidden": difference(limits=Limits(exposure=D(100)), count=39, stop=D(70000)),
        "while paused": seen(
            edits.difference(edited(replace(GRID, mode=Mode.PAUSED), members, made, AT)), keyboards.edit(NONCE)
        ),
        "moved meanwhile": seen(say("edits.moved")),
        "applied": seen(edits.applied(edited(GRID, members, made, AT))),
    }
    check("edits", texts)


@pytest.mark.parametrize("seed", range(30))
def test_a_difference_fits_a_message_whatever_the_figures(seed: int) -> None:
    luck = Random(seed)
    size = D(10) ** luck.randint(-6, 7)
    symbol = "VERYLONGCOINNAME1234/LONGQUOTENAME12345"
    rules = replace(
        RULES, symbol=symbol, base="VERYLONGCOINNAME1234", quote="LONGQUOTENAME12345", price_tick=D("0.0000000001"),
        min_cost=D(luck.choice([0, 10**9])),
    )  # fmt: skip
    spec = replace(
        SPEC,
        shape=luck.choice(list(Shape)),
        symbol=symbol,
        minimum=D("1.2345678912") * size,
        maximum=D("1.9345678912") * size,
        count=luck.choice([1, 30, 300]),
        amount=D("0.12345678"),
    )
    quote = Quote(symbol, D("1.5") * size, D("1.5") * size + rules.price_tick, AT)
    changed = replace(
        spec,
        count=luck.choice([2, 31, 290]),
        amount=D("0.98765432"),
        profit_pct=D("0.123456789"),
        stop=D("0.1234567891") * size,
        take=D("9.1234567891") * size,
        loop=False,
    )
    members = [
        PositionExecutor(level, rules, PREFIX)
        for level in preview(replace(spec, shape=changed.shape), rules, quote, NO_OFFSETS, Limits()).to_levels("g1")
    ]
    made = edited(
        replace(GRID, spec=spec), members, preview(changed, rules, quote, NO_OFFSETS, Limits(exposure=D(1))), AT
    )
    for text in (edits.difference(made), edits.applied(made), edits.menu(replace(GRID, spec=spec))):
        assert utf16_length(parse_html(text)[0]) < 2000


# -- in the chat -------------------------------------------------------------------------------------------------------


def resting(stage: Stage) -> dict[str, Decimal]:
    orders = [executor.order for executor in stage.manager.state.executors.values()]
    return {order.client_id: order.price for order in orders if order is not None}


def test_an_edit_shows_what_it_does_and_does_it_when_apply_is_pressed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        before = resting(stage)
        told = await stage.ask("/edit g1 count=9 profit=0.6%", "Edit g1")
        assert "count 5 → 9\nprofit 0.5 % → 0.6 %\nStays: 5 orders rest on, untouched\nPlaced: 4 levels" in told
        assert [button.text for button in stage.owner.last.buttons] == ["✅ Apply", "Cancel"]
        await stage.pass_time(2)
        assert resting(stage) == before
        told = await stage.press("Apply", "is edited")
        assert told.startswith("✏️ g1 is edited: 5 orders stay, 4 levels are placed.")
        await stage.pass_time(2)
        assert resting(stage).items() > before.items()
        assert len(resting(stage)) == 9

    play(story, tmp_path)


def test_cancel_changes_nothing(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        before = stage.manager.state.grids["g1"]
        await stage.ask("/edit count=3", "Cancelled: 2 entries")
        await stage.press("Cancel", "Nothing was changed.")
        assert stage.manager.state.grids["g1"] == before

    play(story, tmp_path)


def test_what_has_moved_since_is_shown_again_and_not_done(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        first = await stage.hear("/edit g1 count=9", "Apply")
        await stage.ask("/edit g1 count=3", "Apply")
        await stage.press("Apply", "is edited")
        stage.owner.press("Apply", first)
        again = await stage.owner.wait_for("count 3 → 9")
        assert "nothing was done" in first.text
        assert stage.manager.state.grids["g1"].spec.count == 3
        stage.owner.press("Apply", again)
        await stage.owner.wait_for("is edited")
        assert stage.manager.state.grids["g1"].spec.count == 9

    play(story, tmp_path)


def test_buttons_offer_common_edits_again_and_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        menu = await stage.hear("/edit", "Or write what is to change")
        for button, said in (
            ("+0.1 %", "profit 0.5 % → 0.6 %"),
            ("−0.1 %", "profit 0.5 % → 0.4 %"),
            ("More levels", "count 5 → 9"),
            ("Fewer levels", "count 5 → 3"),
            ("Wider", "min 60,000 → 59,750"),
            ("Narrower", "min 60,000 → 60,200"),
            ("Re-centre", "min 60,000 → 61,5"),
        ):
            stage.owner.press(button, menu)
            told = await stage.owner.wait_for(said)
            assert told.buttons
        await stage.press("Apply", "is edited")
        await stage.pass_time(2)
        spec = stage.manager.state.grids["g1"].spec
        assert spec.maximum - spec.minimum == 2000
        assert spec.minimum > 61_000

    play(story, tmp_path)


def test_an_alert_about_a_grid_can_re_centre_it(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        about = OutOfRange(
            AT, "g1", "BTC/USDT", dec(62500), dec(62000), False, AT - timedelta(minutes=9), dec(0), dec(0)
        )
        nonce = stage.chat.questions.ask(OWNER, about, stage.chat.now())
        stage.owner.press_data(f"recentre:{nonce}", stage.owner.last)
        await stage.owner.wait_for("min 60,000 → 61,5")
        await stage.press("Apply", "is edited")

    play(story, tmp_path)


REPLIES = {
    "/edit g1": "Or write what is to change",
    "/edit g9 count=5": "There is no grid or level",
    "/edit g1.3 count=5": "That is one level; edit its grid, such as /edit g1 profit=0.6%",
    "/edit g1 count=5": "g1 is just that already",
    "/edit g1 COUNT = 5": "g1 is just that already",
    "/edit g1 colour=red": "“colour=red” isn't understood",
    "/edit g1 count=many": "COUNT",
    "/edit g1 qty=1,000": "1,000",
    "/edit g1 min=-1% max=+1%": "min 60,000 → 61,",
    "/edit g1 stop=70000": "it would stop at once",
    "/edit g1 max=59000": "MIN must be below MAX",
    "/edit <b>": "“<b>” isn't the id of a grid or a level. Example: /edit g1 count=30 profit=0.6%",
    "/edit " + "g1 " * 60: "at most 40 words",
}


def test_whatever_is_typed_is_answered_and_nothing_is_done_unasked(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert "No grid runs" in await stage.ask("/edit")
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        state = stage.manager.state
        before = dict(state.grids)
        for words, answer in REPLIES.items():
            assert answer.lower() in (await stage.ask(words)).lower()
        assert dict(state.grids) == before
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        assert "Which grid?" in await stage.ask("/edit")

    play(story, tmp_path)


def test_a_viewer_can_t_edit(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.grid("60000 62000 5 0.001 0.5% loop")
        assert "Only an owner" in await stage.ask("/edit g1 count=9", person=stage.viewer)

    play(story, tmp_path)


def test_a_grid_that_is_edited_again_and_again_while_it_fills_keeps_its_books(tmp_path: Path) -> None:
    changes = ("count=25", "min=-0.4% max=+0.4%", "profit=0.45%", "qty=0.002 count=9", "min=-1% max=+1%", "count=21")

    async def story(stage: Stage) -> None:
        await stage.grid("-0.6% +0.6% 13 0.001 0.3% loop")
        state = stage.manager.state
        for change in changes:
            await stage.pass_time(25, beat=0.5)
            assert any(each.books.held for each in state.executors.values())
            message = await stage.hear(f"/edit g1 {change}", "Apply")
            stage.owner.press("Apply", message)
            while "is edited" not in message.text:  # the market moves on: what has changed since is shown again
                message = await stage.owner.wait_for(lambda each: "is edited" in each.text or "Nothing is" in each.text)
                if "is edited" not in message.text:
                    stage.owner.press("Apply", message)
        await stage.pass_time(60, beat=0.5)
        grid, flow = state.grids["g1"], state.flow("g1")
        funds = await stage.manager.balances()
        holding, total = state.holding("g1"), state.total("g1")
        assert total.trades > 30
        assert not any(each.frozen for each in state.executors.values())
        assert funds["BTC"].total == holding.amount == flow.net(state.markets["BTC/USDT"])["BTC"]
        # Every coin of profit is on the account: what was realised, less what is tied up.
        assert funds["USDT"].total == 10_000 + total.realised + holding.unsettled - holding.cost
        assert grid.spec.count == 21
        exits = sum(
            (o.amount - o.filled for e in state.executors.values() if (o := e.order) and o.side is Side.SELL), D(0)
        )
        assert exits == sum(
            (e.sellable for e in state.executors.values() if e.order and e.order.side is Side.SELL), D(0)
        )

    play(story, tmp_path, seed=5)
