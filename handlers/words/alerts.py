"""Words of the alerts about grids, and of the page on which a chat chooses what it is told. Pure.

Rule: an alert says what is the case, what it means for the money, and what can be done.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.core import alerts, snapshot
from bot.core.snapshot import Notice
from bot.core.symbols import coins_of
from bot.errors import CommandError
from handlers.chat.kinds import Kind, Way, ways_of
from handlers.words.figures import distance, duration, money, name, number, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig


def _out(told: alerts.OutOfRange, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    dot, side, end = ("📉", "below", "MIN") if told.is_below else ("📈", "above", "MAX")
    holds = f"It holds {number(told.held)} {base}, bought for {money(told.cost)} {quote}"
    if not told.held:
        means = "It holds nothing, and buys again when the price comes back."
    elif told.is_below:
        means = f"{holds}; they sell at their exits when the price comes back."
    else:
        means = f"{holds}, and buys again when the price comes back."
    return (
        f"{dot} {told.grid} is out of range: {name(told.symbol)} at {number(told.price)} is {side} its {end} "
        f"{number(told.bound)} ({distance(told.price, told.bound)}), since {stamp(told.since, config.timezone)}.\n"
        f"{means}"
    )


def _back(told: alerts.BackInRange, config: "ChatConfig") -> str:
    away = duration((told.at - told.since).total_seconds())
    return f"↩️ {told.grid} is back in range: {name(told.symbol)} at {number(told.price)}, after {away} outside."


def _stalled(told: alerts.Stalled, config: "ChatConfig") -> str:
    span = duration((told.at - told.since).total_seconds())
    sides = (("buy", told.buy), ("sell", told.sell))
    next_ = [f"next {word} {_beside(price, told.price)}" for word, price in sides if price is not None]
    orders = ", ".join(next_) if next_ else "no order of it rests"
    return (
        f"⏳ {told.grid}: nothing filled for {span}, though the price is in its range.\n"
        f"{name(told.symbol)} at {number(told.price)}; {orders}. /why {told.grid}"
    )


def _beside(price: Decimal, market: Decimal) -> str:
    return f"{number(price)} ({distance(price, market)})"


def _missing(told: alerts.CoinsMissing, config: "ChatConfig") -> str:
    coin = name(told.coin)
    return (
        f"🛑 {coin} is missing: the grids hold {number(told.held)} by the books, and the account has "
        f"{number(told.found)}. Did somebody sell or move {number(told.held - told.found)} {coin}?\n"
        "Exits without coins are refused. Bring them back, or end a grid and keep what is left: /stop. "
        "/reconcile shows it line by line."
    )


def _gone(told: snapshot.PersonGone, config: "ChatConfig") -> str:
    who = "An owner" if told.is_owner else "A viewer"
    return (
        f"👤 {who}, user id <code>{told.person_id}</code>, has blocked me. "
        "They hear nothing more until they write to me again."
    )


TEXTS: Mapping[type[Notice], Callable[..., str]] = {
    alerts.OutOfRange: _out,
    alerts.BackInRange: _back,
    alerts.Stalled: _stalled,
    alerts.CoinsMissing: _missing,
    snapshot.PersonGone: _gone,
}

KINDS: Mapping[type[Notice], str] = {
    alerts.OutOfRange: "out of range",
    alerts.BackInRange: "back in range",
    alerts.Stalled: "nothing filled",
    alerts.CoinsMissing: "coins missing",
    snapshot.PersonGone: "person gone",
}


# -- the page of /alerts ---------------------------------------------------------------------------------------------

TITLES: Mapping[Kind, str] = {
    Kind.ALARMS: "Alarms",
    Kind.FILLS: "Fills",
    Kind.TRADES: "Closed trades",
    Kind.LEVELS: "Levels",
    Kind.RANGE: "Range",
    Kind.GRIDS: "Grids",
    Kind.TROUBLE: "Trouble",
    Kind.REPORTS: "Daily report",
    Kind.RESTARTS: "Restarts",
    Kind.PEOPLE: "People",
}

SENTENCES: Mapping[Kind, str] = {
    Kind.ALARMS: "money is at risk, or I need your answer; never off",
    Kind.FILLS: "an order of a level was bought or sold",
    Kind.TRADES: "a level sold what it had bought, with the profit",
    Kind.LEVELS: "the exchange refuses a level again and again",
    Kind.RANGE: "the price has left a grid's range, or nothing fills",
    Kind.GRIDS: "a grid has ended, was sold, or took its profit",
    Kind.TROUBLE: "the exchange does not answer, or does again",
    Kind.REPORTS: "what the day before brought, with a chart",
    Kind.RESTARTS: "I was away, and what happened meanwhile",
    Kind.PEOPLE: "a stranger wrote to me, or somebody blocked me",
}

SIGNS: Mapping[Way, str] = {Way.ON: "🔔", Way.SILENT: "🔕", Way.DIGEST: "📦", Way.OFF: "✖️"}


def understood(text: str) -> tuple[Kind, Way] | None:
    """A kind and a way as typed, `fills silent`; None where nothing was. CommandError."""
    words = text.lower().split()
    if not words:
        return None
    kind = next((kind for kind in Kind if kind == " ".join(words[:-1])), None)
    way = next((way for way in Way if way == words[-1]), None)
    if kind is None or way is None:
        kinds, ways = ", ".join(Kind), ", ".join(Way)
        raise CommandError(f"Expected a kind ({kinds}) and a way ({ways}), such as /alerts fills silent")
    if way not in ways_of(kind):
        raise CommandError("Alarms are never off and never gathered; they can be silent: /alerts alarms silent")
    return kind, way


def page(ways: Mapping[Kind, Way]) -> str:
    """What is pushed to a chat, and how."""
    lines = [f"{SIGNS[way]} <b>{TITLES[kind]}</b>: {SENTENCES[kind]}" for kind, way in ways.items()]
    return (
        "<b>What I push to this chat</b>\n"
        + "\n".join(lines)
        + "\n\n🔔 on · 🔕 silent · 📦 one message an hour, edited in place · ✖️ off. Press a kind to turn it."
    )


def button(kind: Kind, way: Way) -> str:
    """The button that turns a kind."""
    return f"{SIGNS[way]} {TITLES[kind]}"


def left(grid: str) -> str:
    """Behind an alert that somebody has seen and lets stand."""
    return f"Left as it is. /grid {grid}"


def level_paused(executor: str) -> str:
    return f"✋ {executor} is paused: it buys nothing more, its exit stays. /resume {executor} goes on."
