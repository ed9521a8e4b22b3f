"""Why a level does what it does, and when it tries again: the trader's reasons as a person would say them. Pure.

Rule: every reason the trader can have stands in `MEANINGS` (a test reads them out of the trader's code): what it means,
and what happens next without anybody, or what to do. What is not known here is told as the trader says it.
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
from bot.trading import desk, exposure, gate, margin
from handlers.words.figures import clock, distance, foreign, number


class Meaning(NamedTuple):
    """What a reason means, and what comes next; `{}` stands for what the reason says beyond its first words."""

    means: str
    then: str = ""


BY_ITSELF = "It goes on by itself"
PAUSED = Meaning("its entry is off the book while it is paused; exits stay and are placed")

MEANINGS: Mapping[str, Meaning] = {
    # on the book
    "resting at its target": Meaning("its order rests at its target", "It trades when the price gets there"),
    "resting as near to its target as the book allowed": Meaning(
        "its order rests beside the market, as near to its target as it may without trading as a taker",
        "It follows when the market gives way",
    ),
    "moves to its target soon": Meaning(
        "the market has given way, and its order moves nearer to its target", "Moves of one level are 10 s apart"
    ),
    "moves nearer to its target": Meaning("its order is taken off, to be placed nearer to its target", BY_ITSELF),
    "entry partly filled": Meaning(
        "a part of its buy has traded, the rest rests", "If the price is at its exit first, that part is sold"
    ),
    "partly filled": Meaning("a part of its sale has traded, the rest rests", "It trades when the price stays there"),
    # on the way
    "to be placed": Meaning("its order is about to be sent", "It goes out with the next heartbeat"),
    "waiting for the answer to place": Meaning(
        "its order was sent, and the exchange has not said yet whether it has it",
        "It is looked up until that is known; nothing is sent twice",
    ),
    "waiting for the answer to cancel": Meaning(
        "its order is being cancelled, and the exchange has not said yet that it is gone", BY_ITSELF
    ),
    "waiting for the trades of an order that left the book": Meaning(
        "its order left the book, and the exchange has not told all of its trades yet",
        "They are asked for until they add up",
    ),
    "next cycle": Meaning("its next cycle begins", "That happens with the next heartbeat"),
    "done": Meaning("no further one is wanted"),
    # replaced
    "an order that had been given up is on the book after all": Meaning(
        "an order it had given up turned up on the book and is taken off", BY_ITSELF
    ),
    "an older order bought some of it": Meaning(
        "an older order has bought a part of it, so its buy is placed anew, smaller", BY_ITSELF
    ),
    "the exit is larger than what is held": Meaning(
        "its sale is larger than what it holds, and is placed anew", BY_ITSELF
    ),
    "the exit no longer fits what is held": Meaning("its sale no longer fits what it holds, and is placed anew"),
    "the price is at the exit of what was bought": Meaning(
        "only a part was bought and the price is at its exit: the rest of the buy is taken off, what it has is sold",
        BY_ITSELF,
    ),
    "nearer levels take its place on the book": Meaning(
        "it gives its place on the book to a level nearer to the price", "It comes back when the price comes nearer"
    ),
    # waiting for the market
    wishes.NO_PRICE: Meaning("there is no price to go by now", "It goes on with the next price"),
    wishes.TOO_FAR: Meaning(
        "its price is farther from the market than the exchange takes orders", "It is placed when the market is nearer"
    ),
    "waits for the market to be above its level": Meaning(
        "it waits for the market to be above its level (above=wait)", "It is placed then"
    ),
    wishes.NO_ROOM: Meaning(
        "no more orders fit on the book (MAX_OPEN_ORDERS, or the exchange's own limit), and nearer levels go first",
        "It is placed when the price comes nearer or a place is free",
    ),
    "no price left beside the market": Meaning(
        "the market is so low that no price is left beside it", "It is placed when the market has risen"
    ),
    # waiting for money
    wishes.TOO_SMALL: Meaning(
        "the exchange has raised its minimum order above what this level may buy",
        "It can't be placed until the minimum falls; /edit with a larger qty",
    ),
    "what is held is under the venue's minimum": Meaning(
        "what it holds is under the exchange's minimum order and can't be sold alone",
        "It is sold together with what it buys next",
    ),
    exposure.FOR_ROOM: Meaning(
        "MAX_EXPOSURE is used up, and nearer entries go first", "It is placed when a sale or a cancel has made room"
    ),
    exposure.FOR_FUNDS: Meaning(
        "there are not enough free funds, and entries wait together",
        "One is tried a minute, the nearest first, and at once when a sale frees funds",
    ),
    # held back as a whole
    gate.UNCONFIRMED: Meaning(
        "this account has not traded live yet, and nothing is sent until an owner has pressed Trade live",
        "/resume shows that question again",
    ),
    desk.NOT_LOOKED: Meaning(
        "nothing is sent before the exchange has said which of its orders rest there", "It is asked with each heartbeat"
    ),
    gate.SILENCE: Meaning("the exchange wants no request for now", BY_ITSELF),
    "the market can't be traded now": Meaning(
        "the exchange has shut this market: {}", "I look every minute; what is on the book stays"
    ),
    "the price leapt": Meaning("the price leapt, and is looked at again before it counts", "That takes a few seconds"),
    "waits to learn what the API key may do": Meaning(
        "nothing is sent before it is known what the API key may do: {}", "It is asked again by itself"
    ),
    "the lease could not be renewed": Meaning(
        "the database gives no answer, so another copy of this bot may be trading", BY_ITSELF
    ),
    # by a person, or by a guard
    wishes.TAKEN_OFF: Meaning("somebody took its order off the book, so it is left out", "/resume {level} goes on"),
    "frozen": Meaning(
        "it is frozen, for something about its orders can't be right: {}",
        "Not by itself: look at its order on the exchange, then /resume {level}",
    ),
    wishes.EDITED_OUT: Meaning("its grid was edited and has no such level any more: it buys nothing"),
    "paused": PAUSED,
    "finishing": Meaning("its grid is finishing: nothing more is bought, what is held sells at its exits"),
    "halted": Meaning("it is halted: nothing is placed and nothing rests"),
    "ended": Meaning("its grid has ended"),
    "no client order id is left": Meaning(
        "this level has used up all of its order ids", "Make a new grid: /stop this one first"
    ),
}
"""By the words a reason begins with; the longest that fits holds."""

REFUSALS: Mapping[Refusal, Meaning] = {
    Refusal.FUNDS: Meaning(
        "the exchange refused it for want of funds", "It is tried once a minute, and at once when funds come free"
    ),
    Refusal.WOULD_CROSS: Meaning(
        "the price moved while its order was on the way, and it may only rest", "It is tried again within seconds"
    ),
    Refusal.MINIMUM: Meaning("the exchange says its order is too small", "It is tried once a minute"),
    Refusal.TOO_MANY: Meaning("the exchange takes no more orders of this account", "It is tried again by itself"),
    Refusal.PRICE_BAND: Meaning(
        "the exchange says its price is too far from the market", "It is tried when the market is nearer"
    ),
    Refusal.RATE: Meaning("the exchange wants fewer requests", "It is tried again by itself"),
    Refusal.AUTH: Meaning(
        "the exchange does not accept the API key for it", "Check the key: it is tried once a minute"
    ),
    Refusal.MAINTENANCE: Meaning("the exchange is closed for now", "It is tried once a minute"),
    Refusal.WITHDRAWN: Meaning("its order was withdrawn before it left", BY_ITSELF),
    Refusal.OTHER: Meaning("the exchange refused it", "It is tried again, at last once a minute"),
}

GRID_WHYS: Mapping[str, str] = {
    "by a person": "by a person",
    "panic": "by /panic",
    "stop price reached": "its stop price was reached",
    "take price reached": "its take price was reached",
    "MAX_DAILY_LOSS reached": "MAX_DAILY_LOSS was reached today",
    "sold by a person": "its coins are being sold, as asked",
    margin.SMALLER: "the exchange shows less of its position than the books",
    margin.NOT_OURS: "something about its position is not this bot's",
}
"""Why a grid is in its mode, as the trader keeps it."""


def grid_why(why: str) -> str:
    """Why a grid is paused, finishing or halted."""
    return foreign(GRID_WHYS.get(why, why))


def meaning(level: LevelView) -> Meaning:
    """What this level's reason means and what comes next, both ready to be shown."""
    text = _without_ids(level.why)
    if level.refusal and level.why == level.refusal:
        found, rest = _refused(text)
    else:
        key = max((key for key in MEANINGS if text.startswith(key)), key=len, default="")
        found = MEANINGS.get(key, Meaning(foreign(text)))
        rest = text[len(key) :].lstrip(": ")
    return Meaning(found.means.replace("{}", foreign(rest)).removesuffix(": "), found.then.replace("{level}", level.id))


def _refused(text: str) -> tuple[Meaning, str]:
    kind = max((kind for kind in Refusal if text.startswith(kind)), key=len, default=Refusal.OTHER)
    return REFUSALS[kind], text[len(kind) :]


def _without_ids(why: str) -> str:
    """Client order ids say nothing to a person, and without them like reasons can be drawn together."""
    return sub(r" ?\b[0-9a-z]{18}\b", "", why)


def next_try(level: LevelView, zone: tzinfo, quote: Quote | None) -> str:
    """When it looks again: a time, a price, or both; empty where neither is known."""
    said = [f"at {clock(level.next_try, zone)}"] if level.next_try is not None else []
    said += [f"when the price is {_at(price, word, quote)}" for price, word in _bounds(level)]
    return f"Next try {' or '.join(said)}" if said else ""


def _bounds(level: LevelView) -> Iterable[tuple[Decimal, str]]:
    if level.rise is not None:
        yield level.rise, "at or above"
    if level.fall is not None:
        yield level.fall, "at or below"


def _at(price: Decimal, word: str, quote: Quote | None) -> str:
    away = f" ({distance(price, quote.bid)})" if quote is not None else ""
    return f"{word} {number(price)}{away}"


def resume(level: LevelView) -> str:
    """How a level that a mode holds back goes on; empty where none does, or none can."""
    grid = level.id.partition(".")[0]
    if level.grid_why == SELLING:
        return "The coins of its grid are being sold now; then it ends"
    if level.grid_mode in (Mode.PAUSED, Mode.HALTED):
        why = f" ({grid_why(level.grid_why)})" if level.grid_why else ""
        return f"Its grid is {level.grid_mode.name.lower()}{why}: /resume {grid} goes on"
    if level.mode in (Mode.PAUSED, Mode.HALTED):
        return f"The level itself is {level.mode.name.lower()}: /resume {level.id} goes on"
    return ""
