"""Speaking too fast, and everything that goes wrong on the way to Telegram.

The rule: a limit is met with a clock moved by hand, a trouble is ordered; nothing here waits for time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from telegram.error import NetworkError, RetryAfter

from tests.telegram.bot_api import BotApi
from tests.telegram.floods import FloodLimits
from tests.telegram.people import Person
from tests.telegram.stories import Calendar, play


@pytest.fixture(autouse=True)
def _retry_after_is_a_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def test_who_speaks_too_fast_is_told_how_long_to_be_silent() -> None:
    clock = Calendar()

    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        message = await bot.send_message(7, "burst")
        for _ in range(2):
            await bot.send_message(7, "burst")
        with pytest.raises(RetryAfter) as caught:
            await message.edit_text("too fast")
        assert caught.value.retry_after == timedelta(seconds=1)
        with pytest.raises(RetryAfter):
            await bot.send_message(7, "still too fast")
        assert ann.texts == ["burst"] * 3 and len(api.floods) == 2
        assert api.floods[0].description == "Too Many Requests: retry after 1"
        for _ in range(30):
            clock.now += 1
            await bot.send_message(7, "steady")
        people = [api.person(number, started=True) for number in range(100, 130)]
        clock.now += 60
        sent = await asyncio.gather(*(bot.send_message(each.id, "x") for each in people))
        assert len(sent) == 30
        with pytest.raises(RetryAfter):
            await bot.send_message(7, "one too many for everybody")
        assert len(api.floods) == 3

    play(story, clock=clock, flood=FloodLimits())


def test_a_group_hears_twenty_messages_a_minute() -> None:
    clock = Calendar()

    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        api.group(-500, member=True)
        for _ in range(20):
            await bot.send_message(-500, "x")
            clock.now += 1.0
        while not api.floods:
            clock.now += 1.0
            try:
                await bot.send_message(-500, "x")
            except RetryAfter as refused:
                assert refused.retry_after in [timedelta(seconds=n) for n in (1, 2, 3)]
        assert 20 <= len(api.journal.calls("sendMessage")) <= 32

    play(story, clock=clock, flood=FloodLimits())


@pytest.mark.parametrize(
    ("trouble", "error", "delivered"),
    [
        (lambda api: api.faults.down("sendMessage", times=1), NetworkError, False),
        (lambda api: api.faults.server_error(503, "sendMessage", times=1), NetworkError, False),
        (lambda api: api.faults.garbage("sendMessage", times=1, after_effect=True), NetworkError, True),
        (lambda api: api.faults.garbage("sendMessage", times=1), NetworkError, False),
        (lambda api: api.faults.too_many(7, "sendMessage", times=1), RetryAfter, False),
        (lambda api: api.faults.reply_lost("sendMessage", times=1), NetworkError, True),
        (lambda api: api.faults.truncated("sendMessage", times=1), NetworkError, True),
    ],
)  # fmt: skip
def test_each_trouble_strikes_once_and_is_counted(
    trouble: Callable[[BotApi], Any], error: type[Exception], delivered: bool
) -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        fault = trouble(api)
        await bot.get_me()
        with pytest.raises(error):
            await bot.send_message(7, "one")
        assert ann.texts == ["one"] * delivered and api.journal.last("sendMessage").took_effect is delivered
        await bot.send_message(7, "two")
        assert fault.hits == 1 and api.faults.hits == {fault.kind.value: 1} and not fault.active
        assert ann.last.text == "two" and api.floods == [] and api.journal.refused() == []

    play(story)


def test_a_slow_call_takes_effect_although_the_bot_has_hung_up() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        with api.faults.slow(60, "sendMessage", where=lambda values: values["text"] == "late") as fault:
            with pytest.raises(NetworkError, match="Timed out"):
                await bot.send_message(7, "late", read_timeout=0.05)
            await bot.send_message(7, "quick")
            assert ann.texts == ["quick"] and fault.hits == 1
        await ann.wait_for("late", since=0)
        with api.faults.slow(0.01, "getMe"):
            await bot.get_me()

    play(story)


def test_an_open_poll_is_cut_when_the_line_goes_down_and_nothing_is_lost() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        polling = asyncio.create_task(bot.get_updates(timeout=50))
        await api.wait_for(lambda: api.journal.calls("getUpdates"))
        with api.faults.down():
            with pytest.raises(NetworkError):
                await polling
            ann.say("/panic")
        with api.faults.reply_lost("getUpdates", times=1), pytest.raises(NetworkError):
            await bot.get_updates()
        (update,) = await bot.get_updates()
        assert update.message.text == "/panic" and api.updates.handed_out == [update.update_id] * 2

    play(story)


def test_a_server_that_was_away_listens_again_on_the_same_port() -> None:
    async def story(api: BotApi, bot: Any, ann: Person) -> None:
        polling = asyncio.create_task(bot.get_updates(timeout=50))
        await api.wait_for(lambda: api.journal.calls("getUpdates"))
        url = api.url
        await api.stop()
        with pytest.raises(NetworkError):
            await polling
        with pytest.raises(NetworkError):
            await bot.get_me()
        await api.start()
        assert api.url == url and (await bot.get_me()).username == "loopback_bot"

    play(story)
