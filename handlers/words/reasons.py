"""Why a level does what it does, and when it tries again: the trader's reasons as a person would say them. Pure.

Rule: every reason the trader can have stands in `MEANINGS` (a test reads them out of the trader's code) and has two
texts: what it means, and what happens next without anybody, or what to do. What is not known here is told as the trader
says it.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from decimal import Decimal
from re import sub
from typing import NamedTuple

from bot.core import wishes
from bot.core.events import Refusal
from bot.core.lifecycle import Mode
from bot.core.model import Quote
from bot.reports.views import SELLING, LevelView
from bot.texts.catalogue import say
from bot.trading import desk, exposure, gate, margin
from handlers.words.figures import clock, distance, foreign, number


class Meaning(NamedTuple):
    """What a reason means, and what comes next; empty where nothing does."""

    means: str
    then: str = ""


MEANINGS: Mapping[str, str] = {
    # on the book
    "resting at its target": "at_target",
    "resting as near to its target as the book allowed": "beside_market",
    "moves to its target soon": "moves_soon",
    "moves nearer to its target": "moves",
    "entry partly filled": "entry_partly_filled",
    "partly filled": "partly_filled",
    # on the way
    "to be placed": "to_be_placed",
    "waiting for the answer to place": "placing",
    "waiting for the answer to cancel": "cancelling",
    "waiting for the trades of an order that left the book": "trades_missing",
    "next cycle": "next_cycle",
    "done": "done",
    # replaced
    "an order that had been given up is on the book after all": "turned_up",
    "an older order bought some of it": "older_bought",
    "the exit is larger than what is held": "exit_too_large",
    "the exit no longer fits what is held": "exit_unfit",
    "the price is at the exit of what was bought": "price_at_exit",
    "nearer levels take its place on the book": "gives_way",
    # waiting for the market
    wishes.NO_PRICE: "no_price",
    wishes.TOO_FAR: "too_far",
    "waits for the market to be above its level": "above_wait",
    wishes.NO_ROOM: "no_room",
    "no price left beside the market": "no_price_left",
    # waiting for money
    wishes.TOO_SMALL: "too_small",
    "what is held is under the venue's minimum": "held_too_small",
    exposure.FOR_ROOM: "max_exposure",
    exposure.FOR_FUNDS: "no_funds",
    # held back as a whole
    gate.UNCONFIRMED: "unconfirmed",
    desk.NOT_LOOKED: "not_looked",
    gate.SILENCE: "silence",
    "the market can't be traded now": "market_shut",
    "the price leapt": "leapt",
    "waits to learn what the API key may do": "key_unknown",
    "the lease could not be renewed": "lease",
    # by a person, or by a guard
    wishes.TAKEN_OFF: "taken_off",
    "frozen": "frozen",
    wishes.EDITED_OUT: "edited_out",
    "paused": "paused",
    "finishing": "finishing",
    "halted": "halted",
    "ended": "ended",
    "no client order id is left": "ids_used_up",
}
"""Which texts of `[reasons]` say it, by the words a reason begins with; the longest that fits holds."""

GRID_WHYS: Mapping[str, str] = {
    "by a person": "by_person",
    "panic": "panic",
    "stop price reached": "stop",
    "take price reached": "take",
    "MAX_DAILY_LOSS reached": "daily_loss",
    "sold by a person": "sold",
    margin.SMALLER: "smaller",
    margin.NOT_OURS: "not_ours",
}
"""Which text of `[reasons.grid_why]` says why a grid is in its mode, by the words the trader keeps."""


def grid_why(why: str) -> str:
    """Why a grid is paused, finishing or halted."""
    return say(f"reasons.grid_why.{GRID_WHYS[why]}") if why in GRID_WHYS else foreign(why)


def meaning(level: LevelView) -> Meaning:
    """What this level's reason means and what comes next, both ready to be shown."""
    text = _without_ids(level.why)
    if level.refusal and level.why == level.refusal:
        refusal = Refusal(_beginning(text, Refusal) or Refusal.OTHER)
        return _told(f"refused.{refusal.name.lower()}", level)
    reason = _beginning(text, MEANINGS)
    if not reason:
        return Meaning(foreign(text))
    return _told(MEANINGS[reason], level, foreign(text[len(reason) :].lstrip(": ")))


def _beginning(text: str, words: Iterable[str]) -> str:
    """The longest of these that the text begins with."""
    return max((each for each in words if text.startswith(each)), key=len, default="")


def _told(slug: str, level: LevelView, rest: str = "") -> Meaning:
    """`rest` is what a reason says beyond its first words."""
    means = say(f"reasons.{slug}.means", rest=rest).removesuffix(": ")
    return Meaning(means, say(f"reasons.{slug}.then", level=level.id))


def _without_ids(why: str) -> str:
    """Client order ids say nothing to a person, and without them like reasons can be drawn together."""
    return sub(r" ?\b[0-9a-z]{18}\b", "", why)


def next_try(level: LevelView, zone: tzinfo, quote: Quote | None) -> str:
    """When it looks again: a time, a price, or both; empty where neither is known."""
    said = []
    if level.next_try is not None:
        said.append(say("reasons.at", time=clock(level.next_try, zone)))
    if level.rise is not None:
        said.append(say("reasons.at_or_above", price=_away(level.rise, quote)))
    if level.fall is not None:
        said.append(say("reasons.at_or_below", price=_away(level.fall, quote)))
    return say("reasons.next_try", when=say("reasons.or").join(said)) if said else ""


def _away(price: Decimal, quote: Quote | None) -> str:
    return number(price) + (f" ({distance(price, quote.bid)})" if quote is not None else "")


def resume(level: LevelView) -> str:
    """How a level that a mode holds back goes on; empty where none does, or none can."""
    if level.grid_why == SELLING:
        return say("reasons.resume.selling")
    if level.grid_mode in (Mode.PAUSED, Mode.HALTED):
        why = f" ({grid_why(level.grid_why)})" if level.grid_why else ""
        return say(f"reasons.resume.grid_{level.grid_mode.name.lower()}", why=why, grid=level.id.partition(".")[0])
    if level.mode in (Mode.PAUSED, Mode.HALTED):
        return say(f"reasons.resume.level_{level.mode.name.lower()}", level=level.id)
    return ""
