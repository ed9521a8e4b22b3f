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
from handlers.words import alerts, cautions, digests, heritage, perpetuals, vault
from handlers.words.digests import Record
from handlers.words.figures import (
    about,
    clock,
    distance,
    duration,
    foreign,
    gain,
    money,
    name,
    number,
    pct,
    plural,
    stamp,
)

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig


def notice(notice: Notice, config: "ChatConfig") -> str:
    """The message for one notice."""
    text = _TEXTS.get(type(notice))
    return text(notice, config) if text is not None else f"ℹ️ {foreign(notice)}"


def gathered(notices: Sequence[Notice], config: "ChatConfig", before: Record | None = None) -> tuple[str, Record]:
    """A message that says these besides what it has said before; and what it has said then, to go on from."""
    return digests.gathered(notices, before, config, notice, kind)


def kind(each: Notice) -> str:
    """What a notice is, where it is only counted."""
    if isinstance(each, snapshot.Trouble) and each.over:
        return "trouble over"
    return _KINDS.get(type(each), "other news")


# -- one by one --------------------------------------------------------------------------------------------------------


def _filled(told: LevelFilled, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    part = "" if told.whole else " (a part, the rest still rests)"
    taker = "\n⚠️ It was a taker fill, where only maker fills should be. /logs has the order." if not told.maker else ""
    what = f"{number(told.amount)} {base} at {number(told.price)}{part}"
    if told.side is Side.BUY:
        sells = f"sells at {number(told.target)} ({distance(told.target, told.price)})"
        return f"🟢 {told.executor} bought {what}, {sells}{taker}"
    return f"🔴 {told.executor} sold {what}{taker}"


def _stray(told: StrayFilled, config: "ChatConfig") -> str:
    base = name(coins_of(told.symbol)[0])
    did = "bought" if told.side is Side.BUY else "sold"
    dot = "🟢" if told.side is Side.BUY else "🔴"
    return (
        f"{dot} {told.executor}: an older order {did} {number(told.amount)} {base} at {number(told.price)} after all. "
        "It is booked, and the level allows for it."
    )


def _closed(told: TradeClosed, config: "ChatConfig") -> str:
    trade = told.trade
    sign = "💰" if trade.pnl >= ZERO else "🔻"
    return (
        f"{sign} {trade.executor} closed <b>{gain(trade.pnl)} {name(trade.currency)}</b> "
        f"({pct(average(trade.pnl * HUNDRED, trade.cost), sign=True)}): "
        f"entry {about(trade.entry)}, exit {about(trade.exit)}, cycle {trade.cycle:,}"
    )


def _blocked(told: snapshot.LevelBlocked, config: "ChatConfig") -> str:
    again = f"It tries again by itself at {clock(told.next_try, config.timezone)}."
    if told.reason is Refusal.FUNDS and told.side is Side.BUY:
        again = "Entries wait together: one is tried a minute, the nearest first, and at once when funds come free."
    return (
        f"⚠️ {told.executor} is refused by the exchange: {foreign(told.reason)}.\n"
        f"It said: <i>{foreign(told.message)}</i>\n"
        f"{again} /why {told.executor}"
    )


def _frozen(told: snapshot.LevelFrozen, config: "ChatConfig") -> str:
    return (
        f"🛑 {told.executor} is frozen: the exchange contradicted itself ({foreign(told.why)}).\n"
        f"Its order stays where it is; the other levels go on. Look at your exchange's order list, "
        f"then /resume {told.executor}"
    )


def _halted(told: snapshot.LevelHalted, config: "ChatConfig") -> str:
    return (
        f"✋ {told.executor}: somebody took its {name(told.symbol)} order off the book, and it wasn't me. "
        f"It places nothing until you say so: /resume {told.executor} · stop its grid: "
        f"/stop {told.executor.partition('.')[0]}"
    )


def _stop(told: snapshot.StopReached, config: "ChatConfig") -> str:
    what = f"🛑 {told.grid}: {name(told.symbol)} at {number(told.price)} reached the stop {number(told.stop)}."
    if told.sells:
        return f"{what}\nIts orders leave the book and its coins are sold at once, as a taker (stop_sell=yes)."
    return (
        f"{what}\nIts entries leave the book, its coins are kept and their exits stay.\n"
        f"Sell them: /stop {told.grid} · go on: /resume {told.grid}"
    )


def _take(told: snapshot.TakeReached, config: "ChatConfig") -> str:
    return (
        f"🏁 {told.grid}: {name(told.symbol)} at {number(told.price)} reached the take price {number(told.take)}.\n"
        "Its entries leave the book; it ends when what it holds has sold at its exits."
    )


def _sold(told: snapshot.GridSold, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    if not told.amount:
        return f"⚠️ {told.grid} could not sell its {number(told.left)} {base}; they stay on the account. /balance"
    left = f" {number(told.left)} {base} could not be sold and stay on the account." if told.left else ""
    price = about(average(told.proceeds, told.amount))
    return f"🔴 {told.grid} sold {number(told.amount)} {base} for {money(told.proceeds)} {quote}, at {price}.{left}"


def _ended(told: snapshot.GridEnded, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    kept = f" {number(told.kept)} {base} stay on the account." if told.kept else ""
    return (
        f"🏁 {told.grid} has ended: <b>{gain(told.realised)} {quote}</b> in {plural(told.trades, 'trade')}.{kept}"
        f" /pnl all {told.grid}"
    )


def _held(told: snapshot.EntriesHeld, config: "ChatConfig") -> str:
    coin = name(told.currency)
    return (
        f"✋ MAX_EXPOSURE is used up: {money(told.exposure)} of {money(told.limit)} {coin} are bound. "
        "The farther entries wait; exits go on. Said once."
    )


def _daily_loss(told: snapshot.DailyLossReached, config: "ChatConfig") -> str:
    coin = name(told.currency)
    return (
        f"🛑 MAX_DAILY_LOSS reached: {money(told.loss)} {coin} lost today, the limit is {money(told.limit)}.\n"
        "All entries are paused; exits stay. /pnl day shows it, /resume goes on and counts the day from there."
    )


def _smaller(told: snapshot.PositionSmaller, config: "ChatConfig") -> str:
    return perpetuals.smaller(told)


def _not_ours(told: snapshot.PositionNotOurs, config: "ChatConfig") -> str:
    return perpetuals.not_ours(told)


def _stranger(told: snapshot.StrangerKnocked, config: "ChatConfig") -> str:
    called = f" (“{foreign(told.name, 64)}”)" if told.name else ""
    return (
        f"👤 Somebody with the user id <code>{told.person_id}</code>{called} wrote to me and got no answer. "
        "If they may look, add it to <code>TELEGRAM_VIEWER_IDS</code>."
    )


def _trouble(told: snapshot.Trouble, config: "ChatConfig") -> str:
    place = TROUBLES.get(told.what, name(told.what))
    at = stamp(told.at, config.timezone)
    if told.over:
        return f"✅ {at}: the trouble with {place} is over.\n<i>{foreign(told.why)}</i>"
    effect = EFFECTS.get(told.what, "The bot keeps trying by itself.")
    return f"⚠️ {at}: trouble with {place}: <i>{foreign(told.why)}</i>\n{effect}"


TROUBLES = {
    "exchange": "the exchange",
    "store": "the store",
    "ledger": "the ledger (pnl.log)",
    "heartbeat": "the heartbeat",
    "restore": "the backup that was to be restored",
    "telegram": "Telegram",
}
EFFECTS = {
    "exchange": "Orders on the book stay there. The bot keeps asking and says when it is over.",
    "store": "Nothing new is sent while it can't be kept; orders on the book stay. Is the disk full or read-only?",
    "ledger": "Trading goes on; the lines are written as soon as it works again. Is the disk full?",
    "heartbeat": "Orders on the book stay there; nothing new is sent until it beats again.",
    "telegram": "Until then your commands and my answers may go to either of the two.",
    "restore": "The bot goes on from what it had. Reply with /restore once more when the cause is gone.",
}


def _restarted(told: snapshot.Restarted, config: "ChatConfig") -> str:
    return (
        f"✅ Back at {stamp(told.at, config.timezone)} after {duration(told.away_seconds)}: "
        f"{plural(told.grids, 'grid')}, {plural(told.orders, 'order')} on the book. "
        f"Meanwhile {heritage.meanwhile(told)}. /status"
    )


def _daily(told: snapshot.DailyReport, config: "ChatConfig") -> str:
    coin = name(told.currency)
    funding = f", {gain(told.funding)} of it funding" if told.funding else ""
    return (
        f"📊 {name(told.day)}: <b>{gain(told.realised)} {coin}</b> realised in {plural(told.trades, 'trade')}, "
        f"after {money(told.fees)} of fees{funding}; open now {gain(told.open_profit)}. /pnl"
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

_KINDS: dict[type[Notice], str] = {
    **vault.KINDS,
    **cautions.KINDS,
    **heritage.KINDS,
    **alerts.KINDS,
    snapshot.LevelBlocked: "level refused (/why)",
    snapshot.LevelFrozen: "level frozen",
    snapshot.LevelHalted: "order taken off by a person",
    snapshot.StopReached: "stop reached",
    snapshot.TakeReached: "take reached",
    snapshot.GridSold: "grid sold",
    snapshot.GridEnded: "grid ended",
    snapshot.EntriesHeld: "entries held",
    snapshot.DailyLossReached: "daily loss",
    snapshot.PositionSmaller: "position smaller than the books",
    snapshot.PositionNotOurs: "position not ours",
    snapshot.Trouble: "trouble",
    snapshot.StrangerKnocked: "stranger",
    snapshot.Restarted: "restart",
    snapshot.DailyReport: "daily report",
}
