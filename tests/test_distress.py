"""A wrong setting is told in the chat as well, at most once an hour, and never in the way of the line on stderr."""

from pathlib import Path

import pytest

from bot.settings import Settings, contact
from bot.upkeep import distress
from tests.flows.process import Bot
from tests.telegram.bot_api import ThreadedBotApi

OWNER = 7


def there(api: ThreadedBotApi, folder: Path, **more: str) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_URL": api.url,
        "TELEGRAM_OWNER_IDS": str(OWNER),
        "RESULTS_DIR": str(folder),
        **more,
    }


def known(values: dict[str, str]) -> Settings:
    found = contact(values, None)
    assert found is not None
    return found


def test_the_line_of_a_start_that_fails_comes_to_the_owner_once(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        owner = api.person(OWNER, "Olga", started=True)
        for _ in range(2):
            with Bot(tmp_path, there(api, tmp_path / "results", TICK_SECONDS="never")) as bot:
                assert bot.wait() == 2
                assert bot.errors.lines == ["TICK_SECONDS: expected seconds from 0.1 to 60, such as 2, got 'never'"]
        (told,) = owner.messages
        assert "could not start: TICK_SECONDS: expected seconds from 0.1 to 60" in told.text


def test_after_an_hour_it_is_told_again(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        owner = api.person(OWNER, "Olga", started=True)
        whom = known(there(api, tmp_path))
        assert [distress.told("X: wrong", whom, now) for now in (10_000, 13_599, 13_600)] == [True, False, True]
        assert len(owner.messages) == 2


def test_where_nobody_can_be_told_nothing_is_remembered(tmp_path: Path) -> None:
    with ThreadedBotApi() as api:
        whom = known(there(api, tmp_path))
        assert not distress.told("X: wrong", whom, 10_000)  # they never spoke to the bot
        api.person(OWNER, "Olga", started=True)
        with api.faults.server_error(500):
            assert not distress.told("X: wrong", whom, 10_000)
        assert distress.told("X: wrong", whom, 10_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"TELEGRAM_OWNER_IDS": ""},
        {"TELEGRAM_OWNER_IDS": "@olga"},
        {"TELEGRAM_BOT_TOKEN": "x"},
        {"TELEGRAM_API_URL": "x"},
    ],
)
def test_without_a_working_token_and_an_owner_there_is_nobody_to_tell(tmp_path: Path, wrong: dict[str, str]) -> None:
    with ThreadedBotApi() as api:
        assert contact({**there(api, tmp_path), **wrong}, None) is None
