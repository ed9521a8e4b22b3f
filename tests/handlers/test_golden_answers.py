"""Answers to what was decided, found or pressed, as a person sees them: golden texts as in `test_golden.py`."""

from dataclasses import replace

import pytest

from bot.core.model import Position
from bot.core.money import use_exact
from bot.reports.positions import PositionView, WrittenOff
from bot.reports.views import StopEffect
from bot.texts.catalogue import say
from bot.upkeep.restoration import Difference, GridChange, Packed
from handlers.chat.questions import LIFETIME, LOOK_LIFETIME
from handlers.words import (
    cautions,
    door,
    heritage,
    keyboards,
    perpetuals,
    turns,
    vault,
)
from tests.handlers.golden_texts import check, seen
from tests.handlers.samples import (
    AT,
    LATER,
    ZONE,
    D,
)

NONCE = "0123456789ab"


@pytest.fixture(autouse=True)
def exact() -> None:
    use_exact()


COINS = StopEffect(
    grid="g1",
    symbol="BTC/USDT",
    entries=9,
    exits=3,
    held=D("0.003"),
    cost=D("187.7"),
    proceeds=(D("187.35"), D("185.48")),
    profit=(D("-0.35"), D("-2.22")),
    at_exits=D("0.74"),
    worth=(D("187.54"), D("-0.16")),
)
NO_COINS = StopEffect("g2", "ETH/USDT", 5, 0, D(0), D(0))
UNPRICED = StopEffect("g3", "BTC/USDT", 0, 2, D("0.002"), D("125.1"))
DUST = replace(COINS, held=D("0.00000004"), cost=D("0.0025"), proceeds=(D(0), D(0)), too_little=True)


def test_before_and_after_a_turn() -> None:
    many = [f"g{number}" for number in range(1, 31)]
    texts = {
        "paused": turns.paused(["g1"], 9, 3),
        "nothing to pause": turns.paused([], 0, 0),
        "all paused": turns.paused(many, 300, 0),
        "resumed": turns.resumed(["g1"]),
        "nothing to resume": turns.resumed([]),
        "finishing goes on": turns.resumed(["g1", "g2"], ["g2"]),
        "a level of a paused grid": turns.resumed(["g1.2"], held_up=["g1.2"]),
        "panic?": turns.panic_question([COINS, NO_COINS]),
        "panic": turns.halted(["g1", "g2"], 17),
        "no panic": turns.halted([], 0),
        "finishing": turns.finishing([COINS]),
        "keeping": turns.keeping([COINS, NO_COINS]),
        "selling": turns.selling([COINS]),
    }
    for title, effects in (
        ("with coins", [COINS]),
        ("without coins", [NO_COINS]),
        ("without a price", [UNPRICED]),
        ("too little to sell", [DUST]),
        ("several", [COINS, NO_COINS]),
    ):
        texts[f"stop {title}?"] = turns.stop_question(effects)
        texts[f"sell {title}?"] = turns.sell_question(effects)
    texts["back on the book"] = cautions.resumed(["g1.3", "g1.4"])
    texts["left out"] = cautions.left_out(["g1.3"])
    texts["live"] = say("cautions.live")
    texts["not live"] = say("cautions.not_live")
    check("turns", {title: seen(html) for title, html in texts.items()})


def test_answers_about_what_was_found() -> None:
    place = Position(D("0.02"), D(62000), D(3), True, True, D(41000))
    changes = (
        GridChange("g1", "BTC/USDT", 20, 20, 12, 14),
        GridChange("g2", "BTC/USDT", 5, None, 5, 0),
        GridChange("g3", "ETH/USDT", None, 5, 0, 5),
    )
    made = Difference(AT, "bybit demo 1a2b", changes, 17, 19, 31, 33, 15)
    packed = Packed("rexlapis.json.gz", b"", AT, "bybit demo 1a2b", 2, 30)
    texts = {
        "written off": perpetuals.followed(WrittenOff("BTC/USDT:USDT", D("0.005"), D(59000), D("-12.5"), ("g1",))),
        "traded beside": perpetuals.beside("BTC/USDT:USDT", ["g1", "g2"]),
        "positions": "\n".join(perpetuals.positions([PositionView("BTC/USDT:USDT", place, D("0.015"))])),
        "orders cancelled": heritage.cancelling(3),
        "orders left": heritage.left(3),
        "rebuilding": heritage.rebuilding(["g1", "g2"]),
        "a backup": vault.caption(packed, ZONE),
        "a restore": vault.difference(made, LATER, ZONE),
        "a restore, exchange silent": vault.difference(replace(made, still_resting=None), LATER, ZONE),
    }
    check("found", {title: seen(html) for title, html in texts.items()})


def test_the_chat_itself() -> None:
    check(
        "door",
        {
            "to a group": seen(say("door.group")),
            "to an owner": seen(say("door.owned", person=4711)),
            "who can't be kept": seen(say("door.unkept")),
            "late": seen(door.late("/resume all", LATER - AT), keyboards.keyboard(NONCE, (("Do it now", "now"),))),
            "very late": seen(door.late("/linear <1> " + "2 " * 400, 500 * (LATER - AT))),
            "done now": seen(door.doing_now("/resume all")),
            "refused": seen(door.refused("the <amount> is odd")),
            "failed": seen(say("door.failed", reference="a1b2c3")),
            "pressed twice": say("door.used"),
            "pressed by another": say("door.not_yours"),
            "pressed by a viewer": say("door.for_owners"),
            "pressed, unknown": say("door.unknown_button"),
            "pressed too late": door.too_old(LIFETIME),
            "looked at too late": door.too_old(LOOK_LIFETIME),
            "pressed, then restarted": say("door.after_restart"),
        },
    )
