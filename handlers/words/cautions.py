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
from bot.texts.catalogue import say
from handlers.words.figures import foreign, funds, money, name, number, numbers_of

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig

MOST_NAMED = 10
MOST_COINS = 12


def live_question(told: snapshot.LiveAsked) -> str:
    """Before the first order of an account: whose it is, what is on it, what limits the bot."""
    most = told.max_open_orders
    caps = (
        ("MAX_EXPOSURE", _cap(told.max_exposure)),
        ("MAX_DAILY_LOSS", _cap(told.max_daily_loss)),
        ("MAX_OPEN_ORDERS", say("cautions.exchange_cap") if most is None else f"{most:,}"),
    )
    return say(
        "cautions.question",
        account=foreign(told.account),
        balances=_balances(told.balances),
        caps=", ".join(f"{setting} {value}" for setting, value in caps),
    )


def _balances(balances: Sequence[tuple[str, Decimal]] | None) -> str:
    if balances is None:
        return say("cautions.unreadable")
    shown = [f"{funds(amount)} {name(coin)}" for coin, amount in balances[:MOST_COINS]]
    more = len(balances) - len(shown)
    shown += [say("cautions.more_balances", count=more)] if more > 0 else []
    return listed(shown) if shown else say("cautions.no_balance")


def _cap(value: Decimal | None) -> str:
    return say("cautions.no_cap") if value is None else money(value)


def resumed(levels: Sequence[str]) -> str:
    """After Resume."""
    if not levels:
        return say("cautions.ended_meanwhile")
    return say("cautions.resumed", levels=_named(levels))


def left_out(levels: Sequence[str]) -> str:
    """After Leave out."""
    first = levels[0]
    grid = first.partition(".")[0]
    return say("cautions.left_out", levels=_named(levels), count=len(levels), level=first, grid=grid)


def _named(levels: Sequence[str]) -> str:
    """Levels by their grids, runs of them drawn together."""
    grids: dict[str, list[int]] = {}
    for level in levels:
        grid, _, number_ = level.partition(".")
        grids.setdefault(grid, []).append(int(number_))
    if len(levels) == 1:
        return levels[0]
    texts = [
        say("cautions.levels", grid=grid, count=len(group), numbers=numbers_of(group)) for grid, group in grids.items()
    ]
    more = len(texts) - MOST_NAMED
    return listed([*texts[:MOST_NAMED], say("count.more_grid", count=more)] if more > 0 else texts)


def _live_asked(told: snapshot.LiveAsked, config: "ChatConfig") -> str:
    return live_question(told)


def _taken_off(told: snapshot.LevelsHalted, config: "ChatConfig") -> str:
    """The one question about all orders that somebody took off the book."""
    count, first = len(told.levels), told.levels[0]
    grid = first.partition(".")[0]
    return (
        f"{say('cautions.taken_off', levels=_named(told.levels), count=count)}\n"
        f"{say('cautions.taken_off_choice', count=count, level=first, grid=grid)}"
    )


def _cut_short(told: snapshot.OrderCutShort, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    cut = "cautions.cut_buy" if told.side is Side.BUY else "cautions.cut_sale"
    filled, amount = number(told.filled), f"{number(told.amount)} {base}"
    return (
        f"{say(cut, level=told.executor, filled=filled, amount=amount)} "
        f"{say('cautions.after_cut', level=told.executor)}"
    )


def _taker(told: snapshot.TakerFilled, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    did = "cautions.taker_bought" if told.side is Side.BUY else "cautions.taker_sold"
    what = say(did, level=told.executor, amount=f"{number(told.amount)} {base}", price=number(told.price))
    return f"{what} {say('cautions.after_taker', market=name(told.symbol))}"


def _withheld(told: snapshot.OrderWithheld, config: "ChatConfig") -> str:
    grid = told.executor.partition(".")[0]
    return say("cautions.withheld", level=told.executor, grid=grid, why=foreign(told.why))


def _shut(told: snapshot.MarketShut, config: "ChatConfig") -> str:
    market = name(told.symbol)
    if told.over:
        return say("cautions.open_again", market=market)
    return say("cautions.shut", market=market, why=foreign(told.why))


TEXTS: Mapping[type[Notice], Callable[..., str]] = {
    snapshot.LiveAsked: _live_asked,
    snapshot.LevelsHalted: _taken_off,
    snapshot.OrderCutShort: _cut_short,
    snapshot.TakerFilled: _taker,
    snapshot.OrderWithheld: _withheld,
    snapshot.MarketShut: _shut,
}
"""Words for those of these that are told unasked."""
