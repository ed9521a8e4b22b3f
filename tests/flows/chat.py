"""A worker behind a loopback Telegram: its settings, and what its owner was told.

The rule: nothing is asserted here.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.flows.process import QUICK, Bot
from tests.telegram.bot_api import BotApi
from tests.telegram.people import Person

OWNER, VIEWER, STRANGER = 7, 8, 666
BRISK = {**QUICK, "PAPER_MAKER_FEE": "0.01%"}
GRID = "/linear -0.7% +0.7% 40 0.001 0.04 loop"
"""With `BRISK` trades close every second."""

ONE_CLOSED = re.compile(r"(?:💰|🔻) (g\d+\.\d+) closed")
CLOSED_IN_DIGEST = re.compile(r"^\d\d:\d\d:\d\d (?:💰|🔻) (g\d+\.\d+) ", re.MULTILINE)
COUNTED = re.compile(r"(\d+) closed trades? ")
CUT_SHORT = "… and"


def settings(api: BotApi, **more: str) -> dict[str, str]:
    return {
        **BRISK,
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_URL": api.url,
        "TELEGRAM_OWNER_IDS": str(OWNER),
        "TELEGRAM_VIEWER_IDS": str(VIEWER),
        **more,
    }


def start(folder: Path, api: BotApi, **more: str) -> Bot:
    return Bot(folder, settings(api, **more))


def owner_of(api: BotApi) -> Person:
    return api.person(OWNER, "Olga", started=True)


def create(owner: Person, command: str = GRID, timeout: float = 20) -> None:
    """Ask for a grid and press its button."""
    owner.say(command)
    owner.wait_for_sync("Nothing is sent before", timeout)
    owner.press("Create")
    owner.wait_for_sync("created", timeout)


def closed_told(texts: Iterable[str]) -> tuple[Counter[str], int]:
    """How many closed trades of each executor were told, and how many only counted."""
    told: Counter[str] = Counter()
    counted = 0
    for text in texts:
        named = ONE_CLOSED.findall(text) + CLOSED_IN_DIGEST.findall(text)
        told.update(named)
        if CUT_SHORT in text:
            counted += max(0, sum(map(int, COUNTED.findall(text))) - len(named))
    return told, counted
