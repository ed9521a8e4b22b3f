"""A grid step by step: every step by buttons and by typing, back, cancel, a restart anywhere, several people and
forgeries, with the real application, trader and built-in market behind a loopback Telegram.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from bot.core.grids import Shape
from bot.core.specs import as_command
from bot.texts.catalogue import say
from handlers.words.guide import SUGGESTED
from tests.handlers.guide_stage import GuideStage, play

PRESSES = ["BTC/USDT", "Linear", "±2 %", "50", "25 %", "0.8 %", "No, once"]
TYPED = ["btc", "linear", "61000 64000", "12", "0.002", "0.7%", "yes"]
TITLES = ["market", "shape", "range", "levels", "size", "profit", "loop", "preview"]


def title(page: str) -> str:
    """The name of the step a page is of."""
    return page.splitlines()[0].rpartition(": ")[2]


async def reach(stage: GuideStage, place: int) -> str:
    """A fresh dialogue at the step of this place, by buttons."""
    page = await stage.say("/new")
    for button in PRESSES[:place]:
        page = await stage.press(button)
    assert title(page) == TITLES[place]
    return page


def test_a_newcomer_makes_a_sensible_grid_by_buttons_alone(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/start")
        presses = ["New grid"]
        page = await stage.press("New grid")
        while title(page) != "preview":
            presses.append(next(text for text in stage.buttons() if text.startswith(SUGGESTED)))
            page = await stage.press(presses[-1])
        await stage.press("Create")
        assert len(presses) + 1 <= 10
        grid = stage.manager.state.grids["g1"]
        assert grid.spec.count == 20 and grid.spec.loop and grid.spec.symbol == "BTC/USDT"
        assert grid.capital <= Decimal(10_000) / 4
        assert grid.spec.minimum < Decimal(62_500) < grid.spec.maximum

    play(story, tmp_path)


def test_a_suggestion_is_three_presses_away(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/start")
        await stage.press("New grid")
        assert title(await stage.press("⭐ Suggest")) == "preview"
        await stage.press("Create")
        spec = stage.manager.state.grids["g1"].spec
        assert (spec.shape, spec.count, spec.amount, spec.profit_pct) == (
            Shape.LINEAR, 20, Decimal("0.001"), Decimal("0.5"),
        )  # fmt: skip

    play(story, tmp_path)


def test_a_suggestion_keeps_what_was_answered(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 3)
        await stage.say("count=7 stop=50000")
        await stage.press("⭐ Suggest")
        await stage.press("Create")
        spec = stage.manager.state.grids["g1"].spec
        assert as_command(spec) == "/linear BTC/USDT 61250 63750 7 0.005 0.5% loop stop=50000"

    play(story, tmp_path)


def test_every_step_can_be_pressed(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        page = await reach(stage, 7)
        assert "✔ BTC/USDT · linear · ±2 % · 50 levels · 2,500 USDT in all · 0.8 % profit · once" in page
        assert not stage.grids
        await stage.press("Create")
        spec = stage.manager.state.grids["g1"].spec
        assert as_command(spec) == "/linear BTC/USDT 61250 63750 50 0.8% budget=2500"

    play(story, tmp_path)


def test_every_step_can_be_typed(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        page = await stage.say("/new")
        for place, answer in enumerate(TYPED, 1):
            page = await stage.say(answer)
            assert title(page) == TITLES[place], page
        await stage.press("Create")
        spec = stage.manager.state.grids["g1"].spec
        assert as_command(spec) == "/linear BTC/USDT 61000 64000 12 0.002 0.7% loop"

    play(story, tmp_path)


@pytest.mark.parametrize("place", range(7))
def test_several_answers_at_once_are_taken_at_every_step(tmp_path: Path, place: int) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, place)
        line = "btc linear min=60000 max=65000 count=9 budget=900 profit=0.9% loop=yes above=wait"
        assert title(await stage.say(line)) == "preview"
        await stage.press("Create")
        spec = stage.manager.state.grids["g1"].spec
        assert as_command(spec) == "/linear BTC/USDT 60000 65000 9 0.9% loop budget=900 above=wait"

    play(story, tmp_path)


def test_numbers_without_names_fill_the_steps_that_follow(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        page = await stage.say("65000 60000 30 0.6%")
        assert "✔ BTC/USDT · linear · 60,000 – 65,000 · 30 levels · 0.6 % profit" in page
        assert title(page) == "size"
        assert title(await stage.say("2000usdt")) == "loop"

    play(story, tmp_path)


def test_the_words_of_a_step_alone_are_understood_there(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        assert "±3 %" in await stage.say("±3%")
        await stage.say("20")
        assert "3,000 USDT in all" in await stage.say("30%")
        await stage.say("1")
        assert "· once" in await stage.say("once")

    play(story, tmp_path)


def test_last_week_s_range_is_looked_up_when_it_is_pressed(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        page = await stage.press("Last week's range")
        dialogue = stage.dialogue()
        assert dialogue is not None
        low, high = Decimal(dialogue.given["min"]), Decimal(dialogue.given["max"])
        assert title(page) == "levels"
        candles = await stage.market.candles("BTC/USDT", 300)
        assert low <= min(candle.low for candle in candles) < max(candle.high for candle in candles) <= high

    play(story, tmp_path, past=300)


def test_a_range_nobody_knows_is_said_so(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        assert "type two prices instead" in await stage.press("Last week's range")
        assert title(await stage.say("-1% +2%")) == "levels"

    play(story, tmp_path)


NONSENSE = [
    "hello there", "🤷", "-", "1 2 3 4 5 6 7", "count=0", "count=x", "profit=9999%", "60000", "<b>&",
    "qty=1 budget=2", "9" * 400, "count", "sigma=0", "stop=2 take=1", "doge", "a" * 4000, "nan inf 1e9",
]  # fmt: skip


@pytest.mark.parametrize("place", range(8))
def test_nonsense_is_explained_and_costs_nothing(tmp_path: Path, place: int) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, place)
        before = stage.dialogue()
        for typed in NONSENSE:
            page = await stage.say(typed)
            after = stage.dialogue()
            assert before is not None and after is not None
            if dict(after.given) == dict(before.given):
                assert "⚠️" in page, typed
                assert title(page) == TITLES[place]
                assert len(page) < 1500
            else:  # a number may be an answer here
                assert (typed, place) == ("60000", 4)
                await stage.press("« Back")
                before = stage.dialogue()
        assert not stage.grids

    play(story, tmp_path)


@pytest.mark.parametrize("place", range(1, 8))
def test_back_works_at_every_step_and_keeps_the_answers(tmp_path: Path, place: int) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, place)
        before = stage.dialogue()
        page = await stage.press("« Back")
        after = stage.dialogue()
        assert title(page) == TITLES[place - 1]
        assert before is not None and after is not None and after.given == before.given
        assert title(await stage.press(PRESSES[place - 1])) == TITLES[place]
        assert title(await stage.say("back")) == TITLES[place - 1]

    play(story, tmp_path)


def test_there_is_nothing_before_the_first_step(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new")
        assert "« Back" not in stage.buttons()
        assert "nothing before it" in await stage.say("back")
        await stage.say("/normal")
        await stage.press("ETH/USDT")
        assert title(await stage.press("« Back")) == "market"  # the shape was settled by the command

    play(story, tmp_path)


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("way", ["button", "/cancel", "cancel"])
def test_cancel_works_at_every_step(tmp_path: Path, place: int, way: str) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, place)
        page = stage.page()
        if way == "button":
            await stage.press("Cancel", message=page)
        else:
            await stage.say(way)
        assert stage.dialogue() is None
        assert page.text == say("guide.left") and not page.buttons
        assert not stage.grids

    play(story, tmp_path)


def test_where_there_is_no_dialogue_cancel_says_so(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        assert await stage.say("/cancel") == say("guide.nothing_to_leave")

    play(story, tmp_path)


@pytest.mark.parametrize("place", range(8))
def test_a_dialogue_goes_on_after_a_restart(tmp_path: Path, place: int) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, place)
        before, page = stage.dialogue(), stage.page()
        await stage.restart()
        assert stage.dialogue() == before
        if place < 7:
            assert title(await stage.press(PRESSES[place], message=page)) == TITLES[place + 1]
        else:
            assert title(await stage.say("count=11")) == "preview"
            await stage.press("Create")
            assert stage.manager.state.grids["g1"].spec.count == 11

    play(story, tmp_path)


def test_a_dialogue_may_be_restarted_between_any_two_answers(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new")
        for place, (button, typed) in enumerate(zip(PRESSES, TYPED, strict=True)):
            await stage.restart()
            await (stage.press(button) if place % 2 else stage.say(typed))
        await stage.press("Create")
        assert stage.grids == ["g1"]

    play(story, tmp_path)


def test_a_day_without_an_answer_ends_a_dialogue(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 3)
        page = stage.page()
        stage.clock.at = stage.clock.at.replace(day=stage.clock.at.day + 2)
        await stage.press("20", message=page)
        assert say("guide.ended") in stage.olga.answers[-1].text
        assert "⚠️" not in await stage.say("20")

    play(story, tmp_path)


def test_two_people_do_not_disturb_each_other(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new")
        await stage.say("/geometric", stage.otto)
        for place, button in enumerate(PRESSES):
            await stage.press(button)
            if place == 0:
                assert title(await stage.say("eth", stage.otto)) == "range"
        assert title(await stage.say("5%", stage.otto)) == "levels"
        await stage.press("⭐ Suggest", stage.otto)
        await stage.press("Create", stage.otto)
        await stage.press("Create")
        made = [(grid.spec.shape, grid.spec.symbol) for grid in stage.manager.state.grids.values()]
        assert made == [(Shape.GEOMETRIC, "ETH/USDT"), (Shape.LINEAR, "BTC/USDT")]

    play(story, tmp_path)


def test_another_person_s_button_is_refused(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        stage.acts += 1
        stage.otto.press("±5", stage.page())
        await stage.settled()
        assert not stage.otto.answers  # in somebody else's chat nobody is known
        dialogue = stage.dialogue()
        assert dialogue is not None and dialogue.step == "range"

    play(story, tmp_path)


def test_a_viewer_begins_nothing(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/start", stage.vic)
        assert not [button for message in stage.vic.screen for button in message.buttons if button.data]
        assert "Only an owner" in await stage.say("/new", stage.vic)
        stage.acts += 1
        stage.vic.press_data("new:start", stage.vic.last)
        await stage.settled()
        assert stage.dialogue(stage.vic) is None

    play(story, tmp_path)


def test_forged_and_stale_buttons_change_no_answer(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new")
        first = stage.page()
        await stage.press("BTC/USDT")
        await stage.press("Linear")
        before = stage.dialogue()
        assert before is not None
        stage.acts += 1
        stage.olga.press("ETH/USDT", first, stale=True)  # a press of the page before, that came late
        await stage.settled()
        for data in ("guide_0:0123456789ab", "guide_99:" + before.nonce, "guide_11:x", "guide_:", "guide_rest:", "x"):
            stage.acts += 1
            stage.olga.press_data(data, first)
            await stage.settled()
        after = stage.dialogue()
        assert after is not None and (after.given, after.step) == (before.given, "range")
        stage.acts += 1
        stage.olga.press_data(f"guide_11:{after.nonce}", first)
        await stage.settled()
        assert say("guide.no_such_button") in stage.page().text
        stage.acts += 1
        stage.olga.press_data(f"guide_0:{after.nonce}", None)  # as if from an inline message
        await stage.settled()
        assert not stage.grids

    play(story, tmp_path)


def test_a_button_pressed_twice_at_once_answers_once(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        page = stage.page()
        stage.acts += 2
        stage.olga.press("±1 ", page)
        stage.olga.press("±5 ", page)
        await stage.settled()
        dialogue = stage.dialogue()
        assert dialogue is not None and dialogue.step == "count"
        assert dialogue.given["min"] == "-1%"

    play(story, tmp_path)


def test_a_new_dialogue_takes_the_place_of_the_old(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 4)
        old = stage.page()
        page = await stage.say("/linear")
        assert title(page) == "market" and stage.page().id != old.id
        assert old.text == say("guide.replaced") and not old.buttons
        stage.acts += 1
        stage.olga.press("25 %", old, stale=True)
        await stage.settled()
        assert "further below" in stage.olga.answers[-1].text

    play(story, tmp_path)


def test_another_command_works_and_the_dialogue_goes_on(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 3)
        old = stage.page()
        await stage.say("/price")
        assert "bid" in stage.olga.last.text
        page = await stage.say("15")
        assert title(page) == "size"
        assert stage.page().id > old.id  # it follows to where its reader is
        assert old.text == say("guide.gone_on") and not old.buttons
        assert "15 levels" in page

    play(story, tmp_path)


def test_a_dialogue_stays_one_message(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new")
        page = stage.page()
        for place, (button, typed) in enumerate(zip(PRESSES[:-1], TYPED[:-1], strict=True)):
            await (stage.press(button) if place % 2 else stage.say(typed))
            assert stage.page().id == page.id
        mine = [message for message in stage.olga.screen if message.text.startswith("New grid")]
        assert len(mine) == 1

    play(story, tmp_path)


def test_what_was_chosen_last_is_offered_first(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new eth normal -4% +4% 15 3.21% 700usdt loop")
        await stage.say("back")
        await stage.restart()
        await stage.say("/new")
        assert stage.buttons()[:2] == ["⭐ BTC/USDT", "ETH/USDT"]  # the default stays the first
        await stage.press("ETH/USDT")
        firsts = []
        for _ in range(6):
            firsts.append(stage.buttons()[0])
            await stage.press(stage.buttons()[0])
        assert [text[:6] for text in firsts] == ["↺ Norm", "↺ ±4 %", "↺ 15", "↺ 700 ", "↺ 3.21", "⭐↺ Yes"]
        assert title(stage.page().text) == "preview"

    play(story, tmp_path)


def test_prices_of_one_market_are_not_offered_on_another(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/linear btc")
        await stage.say("61000 64000 10 0.001 1% loop")
        await stage.say("/new")
        await stage.press("ETH/USDT")
        await stage.press("Linear")
        assert not [text for text in stage.buttons() if "↺" in text]
        assert title(await stage.press("« Back")) == "shape"
        await stage.press("« Back")
        await stage.press("BTC/USDT")
        assert stage.buttons()[0] == "↺ 61,000 – 64,000"

    play(story, tmp_path)


def test_another_market_lets_go_of_prices_and_amounts(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/linear btc")
        assert title(await stage.say("61000 64000 10 0.001 1% stop=50000")) == "loop"
        page = await stage.say("eth")
        assert "✔ ETH/USDT · linear · 10 levels · 1 % profit" in page and title(page) == "range"

    play(story, tmp_path)


def test_create_ends_the_dialogue(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 7)
        page = stage.page()
        await stage.press("Create")
        assert stage.dialogue() is None
        assert page.text == say("guide.done") and not page.buttons
        assert "⚠️" not in await stage.say("20")

    play(story, tmp_path)


def test_a_preview_that_can_t_be_created_can_be_changed(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await stage.say("/new btc linear 61000 64000 10 5 1% loop")
        assert "It would bind" in stage.olga.last.text
        assert stage.buttons() == ["« Back", "Cancel"]
        await stage.say("qty=0.001")
        await stage.press("Create")
        assert stage.manager.state.grids["g1"].spec.amount == Decimal("0.001")

    play(story, tmp_path)


@pytest.mark.parametrize("funds", ["0", "3", "60", "1000000000"])
def test_any_funds_have_a_way_through(tmp_path: Path, funds: str) -> None:
    async def story(stage: GuideStage) -> None:
        page = await stage.say("/new")
        for _ in range(7):
            page = await stage.press(next(text for text in stage.buttons() if text.startswith("⭐")))
        assert title(page) == "preview"
        has_create = any("Create" in button.text for button in stage.olga.last.buttons)
        assert has_create is (Decimal(funds) > 10)

    play(story, tmp_path, funds=funds)


def test_a_shape_without_words_offers_its_line_and_skips_the_shape(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        page = await stage.say("/geometric")
        assert "1 of 7: market" in page
        assert "A geometric grid around it, tap to copy:\n/geometric BTC/USDT" in page
        assert title(await stage.press("BTC/USDT")) == "range"
        assert title(await stage.say("/new")) == "market"
        await stage.press("BTC/USDT")
        assert title(await stage.say("/normal")) == "range"  # at the step that asks for it, it is an answer

    play(story, tmp_path)


def test_a_message_that_can_t_be_edited_is_sent_anew(tmp_path: Path) -> None:
    async def story(stage: GuideStage) -> None:
        await reach(stage, 2)
        old = stage.page()
        old.deleted = True
        assert title(await stage.say("5%")) == "levels"
        assert stage.page().id > old.id

    play(story, tmp_path)
