"""What is said when the trader holds back or asks first: the first live start, orders a person took off, an order that
can't be right, a taker fill, a market that is shut. Pure: data in, HTML out.

Rule: what happened, what it means for the money, what to press or type. Nothing here is a reproach: a person may do
with their orders what they like.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.core import snapshot
from bot.core.model import Side
from bot.core.snapshot import Notice
from bot.core.symbols import coins_of, listed
from handlers.words.figures import agree, foreign, funds, money, name, number, numbers_of, plural

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_NAMED = 10
MOST_COINS = 12

NOT_LIVE = "⏸ This account has not traded live yet: nothing is placed before you press <b>Trade live</b>."
LIVE = "✅ Trading live. What was waiting is placed now; /status shows it, /panic takes all of it off."


def live_question(told: snapshot.LiveAsked) -> str:
    """Before the first order of an account: whose it is, what is on it, what limits the bot."""
    held = "it couldn't be read now, /balance tries again"
    if told.balances is not None:
        shown = [f"{funds(amount)} {name(coin)}" for coin, amount in told.balances[:MOST_COINS]]
        more = len(told.balances) - len(shown)
        held = listed([*shown, f"{more:,} coins more"] if more > 0 else shown) if shown else "nothing"
    caps = (
        ("MAX_EXPOSURE", _cap(told.max_exposure)),
        ("MAX_DAILY_LOSS", _cap(told.max_daily_loss)),
        ("MAX_OPEN_ORDERS", "the exchange's own" if told.max_open_orders is None else f"{told.max_open_orders:,}"),
    )
    return (
        "🔑 <b>Trade live?</b> The first live start on this account: real orders, real money.\n"
        f"Account: <code>{foreign(told.account)}</code>\n"
        f"On it: {held}\n"
        f"Caps: {', '.join(f'{setting} {value}' for setting, value in caps)}\n"
        "Until you press <b>Trade live</b> nothing is sent. Grids can be made meanwhile; /resume shows this again."
    )


def _cap(value: Decimal | None) -> str:
    return "none" if value is None else money(value)


def taken_off(told: snapshot.LevelsHalted) -> str:
    """The one question about all orders that somebody took off the book."""
    count, first = len(told.levels), told.levels[0]
    what = agree(count, "an order was", "orders were")
    return (
        f"✋ {_named(told.levels)}: {what} taken off the book, and not by me. "
        f"{agree(count, 'It places', 'They place')} nothing until you decide.\n"
        f"<b>Resume</b> places {agree(count, 'it', 'them')} again; <b>Leave out</b> keeps "
        f"{agree(count, 'it', 'them')} off until /resume {first} or /resume {first.partition('.')[0]}."
    )


def resumed(levels: Sequence[str]) -> str:
    """After Resume."""
    if not levels:
        return "Their grid has ended meanwhile; nothing was changed. /grids lists what runs."
    return f"▶️ {_named(levels)}: back on the book as the price allows."


def left_out(levels: Sequence[str]) -> str:
    """After Leave out."""
    first = levels[0]
    return (
        f"⏸ {_named(levels)}: left out. What {agree(len(levels), 'it holds', 'they hold')} is kept and not offered; "
        f"/resume {first} or /resume {first.partition('.')[0]} goes on."
    )


def _named(levels: Sequence[str]) -> str:
    """Levels by their grids, runs of them drawn together."""
    grids: dict[str, list[int]] = {}
    for level in levels:
        grid, _, number_ = level.partition(".")
        grids.setdefault(grid, []).append(int(number_))
    if len(levels) == 1:
        return levels[0]
    texts = [f"{grid} {agree(len(group), 'level', 'levels')} {numbers_of(group)}" for grid, group in grids.items()]
    more = len(texts) - MOST_NAMED
    return listed([*texts[:MOST_NAMED], plural(more, "more grid")] if more > 0 else texts)


def _live_asked(told: snapshot.LiveAsked, config: "ChatConfig") -> str:
    return live_question(told)


def _taken_off(told: snapshot.LevelsHalted, config: "ChatConfig") -> str:
    return taken_off(told)


def _cut_short(told: snapshot.OrderCutShort, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    order = "buy" if told.side is Side.BUY else "sale"
    return (
        f"✂️ {told.executor}: somebody took the rest of its {order} off the book, after {number(told.filled)} of "
        f"{number(told.amount)} {base} had traded. That counts, and the level goes on from there; "
        f"take its next order off as well and it is left out. /why {told.executor}"
    )


def _taker(told: snapshot.TakerFilled, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    did = "bought" if told.side is Side.BUY else "sold"
    return (
        f"🚨 {told.executor} {did} {number(told.amount)} {base} at {number(told.price)} as a <b>taker</b>, where only "
        "maker fills should be: the fee is higher than planned. /logs has the order. "
        f"Further ones of {name(told.symbol)} within half an hour are not told."
    )


def _withheld(told: snapshot.OrderWithheld, config: "ChatConfig") -> str:
    grid = told.executor.partition(".")[0]
    return (
        f"🛑 {told.executor} is frozen: I was about to send {foreign(told.why, 300)}, which can't be right. "
        f"Nothing was sent, and the other levels go on. Look at /grid {grid}, then /resume {told.executor}"
    )


def _shut(told: snapshot.MarketShut, config: "ChatConfig") -> str:
    symbol = name(told.symbol)
    if told.over:
        return f"✅ {symbol} can be traded again."
    return (
        f"⛔ {symbol} can't be traded now: <i>{foreign(told.why)}</i>\n"
        "Nothing is placed there until it can; I look every minute. What is on the book stays."
    )


TEXTS: Mapping[type[Notice], Callable[..., str]] = {
    snapshot.LiveAsked: _live_asked,
    snapshot.LevelsHalted: _taken_off,
    snapshot.OrderCutShort: _cut_short,
    snapshot.TakerFilled: _taker,
    snapshot.OrderWithheld: _withheld,
    snapshot.MarketShut: _shut,
}
"""Words for those of these that are told unasked."""

KINDS: Mapping[type[Notice], str] = {
    snapshot.LiveAsked: "first live start",
    snapshot.LevelsHalted: "orders taken off by a person",
    snapshot.OrderCutShort: "order cut short by a person",
    snapshot.TakerFilled: "taker fill",
    snapshot.OrderWithheld: "order withheld",
    snapshot.MarketShut: "market shut or open again",
}
