"""What is told unasked: every notice as a message, and many of them as one. Pure: notices in, HTML out.

Rule: one notice, one message; many are gathered into one that drops lines, never facts (`digests.py`). Texts don't
say that money is not real: whoever sends them does (`context.tagged`).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bot.core import snapshot
from bot.core.events import Refusal
from bot.core.model import Side
from bot.core.money import HUNDRED, ZERO, average
from bot.core.snapshot import LevelFilled, Notice, StrayFilled, TradeClosed
from bot.core.symbols import coins_of
from bot.texts.catalogue import say
from handlers.words import alerts, cautions, digests, heritage, perpetuals, vault
from handlers.words.digests import Record
from handlers.words.figures import about, clock, distance, duration, foreign, gain, money, name, number, pct, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig


def notice(notice: Notice, config: "ChatConfig") -> str:
    """The message for one notice."""
    text = _TEXTS.get(type(notice))
    return text(notice, config) if text is not None else f"ℹ️ {foreign(notice)}"


def gathered(notices: Sequence[Notice], config: "ChatConfig", before: Record | None = None) -> tuple[str, Record]:
    """A message that says these besides what it has said before; and what it has said then, to go on from."""
    return digests.gathered(notices, before, config, notice)


# -- one by one --------------------------------------------------------------------------------------------------------


def _filled(told: LevelFilled, config: "ChatConfig") -> str:
    amount, price = f"{number(told.amount)} {name(coins_of(told.symbol)[0])}", number(told.price)
    part = "" if told.whole else say("notices.part")
    if told.side is Side.BUY:
        text = say(
            "notices.bought",
            level=told.executor,
            amount=amount,
            price=price,
            part=part,
            target=number(told.target),
            distance=distance(told.target, told.price),
        )
    else:
        text = say("notices.sold", level=told.executor, amount=amount, price=price, part=part)
    return text if told.maker else f"{text}\n{say('notices.taker')}"


def _stray(told: StrayFilled, config: "ChatConfig") -> str:
    amount = f"{number(told.amount)} {name(coins_of(told.symbol)[0])}"
    did = "notices.stray_bought" if told.side is Side.BUY else "notices.stray_sold"
    return say(did, level=told.executor, amount=amount, price=number(told.price))


def _closed(told: TradeClosed, config: "ChatConfig") -> str:
    trade = told.trade
    text = say(
        "notices.closed",
        level=trade.executor,
        profit=f"{gain(trade.pnl)} {name(trade.currency)}",
        percent=pct(average(trade.pnl * HUNDRED, trade.cost), sign=True),
        entry=about(trade.entry),
        exit=about(trade.exit),
        cycle=number(trade.cycle),
    )
    return f"{'💰' if trade.pnl >= ZERO else '🔻'} {text}"


def _blocked(told: snapshot.LevelBlocked, config: "ChatConfig") -> str:
    next_ = say("notices.tries_again", time=clock(told.next_try, config.timezone))
    if told.reason is Refusal.FUNDS and told.side is Side.BUY:
        next_ = say("notices.entries_wait")
    return say(
        "notices.blocked",
        level=told.executor,
        reason=say(f"notices.refusal.{told.reason.name.lower()}"),
        message=foreign(told.message),
        next=next_,
    )


def _frozen(told: snapshot.LevelFrozen, config: "ChatConfig") -> str:
    return say("notices.frozen", level=told.executor, why=foreign(told.why))


def _halted(told: snapshot.LevelHalted, config: "ChatConfig") -> str:
    grid = told.executor.partition(".")[0]
    return say("notices.halted", level=told.executor, market=name(told.symbol), grid=grid)


def _stop(told: snapshot.StopReached, config: "ChatConfig") -> str:
    market, price, stop = name(told.symbol), number(told.price), number(told.stop)
    what = say("notices.stop", grid=told.grid, market=market, price=price, stop=stop)
    then = say("notices.stop_sells") if told.sells else say("notices.stop_keeps", grid=told.grid)
    return f"{what}\n{then}"


def _take(told: snapshot.TakeReached, config: "ChatConfig") -> str:
    market, price, take = name(told.symbol), number(told.price), number(told.take)
    return say("notices.take", grid=told.grid, market=market, price=price, take=take)


def _sold(told: snapshot.GridSold, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    left = f"{number(told.left)} {base}"
    if not told.amount:
        return say("notices.unsold", grid=told.grid, amount=left)
    text = say(
        "notices.grid_sold",
        grid=told.grid,
        amount=f"{number(told.amount)} {base}",
        proceeds=f"{money(told.proceeds)} {quote}",
        price=about(average(told.proceeds, told.amount)),
    )
    return f"{text} {say('notices.left_unsold', amount=left)}" if told.left else text


def _ended(told: snapshot.GridEnded, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    return say(
        "notices.ended",
        grid=told.grid,
        profit=f"{gain(told.realised)} {quote}",
        trades=say("count.trade", count=told.trades),
        kept=say("notices.ended_kept", amount=f"{number(told.kept)} {base}") if told.kept else "",
    )


def _held(told: snapshot.EntriesHeld, config: "ChatConfig") -> str:
    exposure, limit = money(told.exposure), money(told.limit)
    return say("notices.entries_held", exposure=exposure, limit=limit, coin=name(told.currency))


def _daily_loss(told: snapshot.DailyLossReached, config: "ChatConfig") -> str:
    return say("notices.daily_loss", loss=money(told.loss), coin=name(told.currency), limit=money(told.limit))


def _smaller(told: snapshot.PositionSmaller, config: "ChatConfig") -> str:
    return perpetuals.smaller(told)


def _not_ours(told: snapshot.PositionNotOurs, config: "ChatConfig") -> str:
    return perpetuals.not_ours(told)


def _stranger(told: snapshot.StrangerKnocked, config: "ChatConfig") -> str:
    called = f" (“{foreign(told.name, 64)}”)" if told.name else ""
    return say("notices.stranger", id=told.person_id, name=called)


def _trouble(told: snapshot.Trouble, config: "ChatConfig") -> str:
    at, why = stamp(told.at, config.timezone), foreign(told.why)
    is_known = told.what in PLACES
    place = say(f"notices.place.{told.what}") if is_known else name(told.what)
    if told.over:
        return f"{say('notices.trouble_over', time=at, place=place)}\n<i>{why}</i>"
    effect = say(f"notices.effect.{told.what}") if is_known else say("notices.keeps_trying")
    return f"{say('notices.trouble', time=at, place=place, why=why)}\n{effect}"


PLACES = frozenset({"exchange", "store", "ledger", "heartbeat", "restore", "telegram"})
"""What there may be trouble with, by `notices.place` and `notices.effect`."""


def _restarted(told: snapshot.Restarted, config: "ChatConfig") -> str:
    return say(
        "notices.restarted",
        time=stamp(told.at, config.timezone),
        away=duration(told.away_seconds),
        grids=say("count.grid", count=told.grids),
        orders=say("count.order", count=told.orders),
        news=heritage.meanwhile(told),
    )


def _daily(told: snapshot.DailyReport, config: "ChatConfig") -> str:
    return say(
        "notices.daily",
        day=name(told.day),
        profit=f"{gain(told.realised)} {name(told.currency)}",
        trades=say("count.trade", count=told.trades),
        fees=money(told.fees),
        funding=say("notices.daily_funding", amount=gain(told.funding)) if told.funding else "",
        open=gain(told.open_profit),
    )


_TEXTS: dict[type[Notice], Callable[..., str]] = {
    **vault.TEXTS,
    **cautions.TEXTS,
    **heritage.TEXTS,
    **alerts.TEXTS,
    snapshot.LevelFilled: _filled,
    snapshot.StrayFilled: _stray,
    snapshot.TradeClosed: _closed,
    snapshot.LevelBlocked: _blocked,
    snapshot.LevelFrozen: _frozen,
    snapshot.LevelHalted: _halted,
    snapshot.StopReached: _stop,
    snapshot.TakeReached: _take,
    snapshot.GridSold: _sold,
    snapshot.GridEnded: _ended,
    snapshot.EntriesHeld: _held,
    snapshot.DailyLossReached: _daily_loss,
    snapshot.PositionSmaller: _smaller,
    snapshot.PositionNotOurs: _not_ours,
    snapshot.Trouble: _trouble,
    snapshot.StrangerKnocked: _stranger,
    snapshot.Restarted: _restarted,
    snapshot.DailyReport: _daily,
}
