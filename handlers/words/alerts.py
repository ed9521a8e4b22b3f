"""What the alerts about grids say, and the page on which a chat chooses what it is told. Pure.

Rule: an alert says what is the case, what it means for the money, and what can be done.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bot.core import alerts, snapshot
from bot.core.snapshot import Notice
from bot.core.symbols import coins_of
from bot.errors import CommandError
from bot.texts.catalogue import say
from handlers.chat.kinds import Kind, Way, ways_of
from handlers.words.figures import distance, duration, money, name, number, stamp

if TYPE_CHECKING:
    from handlers.chat.context import ChatConfig


def _out(told: alerts.OutOfRange, config: "ChatConfig") -> str:
    base, quote = (name(coin) for coin in coins_of(told.symbol))
    means = say("alerts.holds_nothing")
    if told.held:
        holds = "alerts.holds_below" if told.is_below else "alerts.holds_above"
        means = say(holds, amount=f"{number(told.held)} {base}", cost=f"{money(told.cost)} {quote}")
    return say(
        "alerts.below" if told.is_below else "alerts.above",
        grid=told.grid,
        market=name(told.symbol),
        price=number(told.price),
        bound=number(told.bound),
        distance=distance(told.price, told.bound),
        time=stamp(told.since, config.timezone),
        means=means,
    )


def _back(told: alerts.BackInRange, config: "ChatConfig") -> str:
    away = duration((told.at - told.since).total_seconds())
    return say("alerts.back", grid=told.grid, market=name(told.symbol), price=number(told.price), time=away)


def _stalled(told: alerts.Stalled, config: "ChatConfig") -> str:
    span = duration((told.at - told.since).total_seconds())
    orders = ", ".join(
        say(text, price=number(price), distance=distance(price, told.price))
        for text, price in (("alerts.next_buy", told.buy), ("alerts.next_sell", told.sell))
        if price is not None
    )
    return say(
        "alerts.stalled",
        grid=told.grid,
        time=span,
        market=name(told.symbol),
        price=number(told.price),
        orders=orders or say("alerts.no_order"),
    )


def _missing(told: alerts.CoinsMissing, config: "ChatConfig") -> str:
    held, found, missing = number(told.held), number(told.found), number(told.held - told.found)
    return say("alerts.coins_missing", coin=name(told.coin), held=held, found=found, missing=missing)


def _gone(told: snapshot.PersonGone, config: "ChatConfig") -> str:
    return say("alerts.owner_gone" if told.is_owner else "alerts.viewer_gone", id=told.person_id)


TEXTS: Mapping[type[Notice], Callable[..., str]] = {
    alerts.OutOfRange: _out,
    alerts.BackInRange: _back,
    alerts.Stalled: _stalled,
    alerts.CoinsMissing: _missing,
    snapshot.PersonGone: _gone,
}


# -- the page of /alerts ---------------------------------------------------------------------------------------------

SIGNS: Mapping[Way, str] = {Way.ON: "🔔", Way.SILENT: "🔕", Way.DIGEST: "📦", Way.OFF: "✖️"}


def understood(text: str) -> tuple[Kind, Way] | None:
    """A kind and a way as typed, `fills silent`; None where nothing was. CommandError."""
    words = text.lower().split()
    if not words:
        return None
    kind = next((kind for kind in Kind if kind == " ".join(words[:-1])), None)
    way = next((way for way in Way if way == words[-1]), None)
    if kind is None or way is None:
        raise CommandError(say("alerts.expected", kinds=", ".join(Kind), ways=", ".join(Way)))
    if way not in ways_of(kind):
        raise CommandError(say("alerts.alarms_stay"))
    return kind, way


def page(ways: Mapping[Kind, Way]) -> str:
    """What is pushed to a chat, and how."""
    lines = [
        f"{SIGNS[way]} <b>{say(f'alerts.title.{kind}')}</b>: {say(f'alerts.sentence.{kind}')}"
        for kind, way in ways.items()
    ]
    return "\n".join([say("alerts.page"), *lines, "", say("alerts.legend")])


def button(kind: Kind, way: Way) -> str:
    """The button that turns a kind."""
    return f"{SIGNS[way]} {say(f'alerts.title.{kind}')}"
