"""What is pushed to a chat, and what can be done about it: /alerts, the buttons under alerts, the daily report's chart.

Rule: a press does something to what its alert named, and to nothing else; what a chat has chosen is durable before it
is shown.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.core import snapshot
from bot.core.alerts import CoinsMissing, OutOfRange, Stalled
from bot.core.lifecycle import Mode
from bot.core.snapshot import DailyReport, Notice
from bot.reports.profits import profit_views
from bot.reports.views import level_view
from bot.texts.catalogue import say
from handlers import pictures, reports
from handlers.chat.asking import ask, expected, nonce_of
from handlers.chat.context import Chat, Context
from handlers.chat.kinds import NOTE, Kind, Way
from handlers.chat.questions import LOOK_LIFETIME
from handlers.words import alerts as words
from handlers.words import keyboards, notices, pages, turns

LevelAlert = snapshot.LevelBlocked | snapshot.LevelFrozen | snapshot.OrderWithheld
GridAlert = OutOfRange | Stalled


@dataclass(frozen=True, slots=True)
class AlertsAsked:
    """Somebody looks at what is pushed to them."""


async def alerts(update: Update, context: Context) -> None:
    """/alerts [KIND WAY]: each kind of push, and how it is told in this chat."""
    person, chosen = update.effective_user, words.understood(context.words)
    if person is not None:
        if chosen is not None:
            await _choose(context, person.id, *chosen)
        nonce = ask(update, context, AlertsAsked(), LOOK_LIFETIME)
        await context.say(update, *_page(context, person.id, nonce))


async def _turn(kind: Kind, update: Update, context: Context, about: object) -> None:
    """A kind was pressed: it is told in the next way from now on."""
    expected(about, AlertsAsked)
    person = update.effective_user
    if person is not None:
        await _choose(context, person.id, kind, context.chat.ways.next(person.id, kind))
        await context.change(update, *_page(context, person.id, nonce_of(update)))


async def _choose(context: Context, person_id: int, kind: Kind, way: Way) -> None:
    note = context.chat.ways.turned(person_id, kind, way)
    context.chat.ways.recall({NOTE[1]: note})  # at once: another choice may be made before this one is kept
    await context.manager.remember({NOTE: note})


def _page(context: Context, person_id: int, nonce: str) -> tuple[str, InlineKeyboardMarkup]:
    ways = {kind: context.chat.ways.of(person_id, kind) for kind in Kind}
    buttons = [(words.button(kind, way), f"alert_{kind}") for kind, way in ways.items()]
    return words.page(ways), keyboards.alerts(nonce, buttons)


# -- under alerts ----------------------------------------------------------------------------------------------------


def offer(chat: Chat, person_id: int, notice: Notice) -> InlineKeyboardMarkup | None:
    """Buttons that act, under an alert; they hold for a day."""
    match notice:
        case snapshot.LevelBlocked():
            make = keyboards.level_blocked
        case snapshot.LevelFrozen() | snapshot.OrderWithheld():
            make = keyboards.level_frozen
        case OutOfRange() | Stalled():
            make = keyboards.out_of_range
        case CoinsMissing():
            make = keyboards.coins_missing
        case snapshot.DailyLossReached() if notice.grids:
            make = keyboards.daily_loss
        case _:
            return None
    return make(chat.questions.ask(person_id, notice, chat.now(), LOOK_LIFETIME))


async def _why(update: Update, context: Context, about: object) -> None:
    """What a level waits for; the buttons stay."""
    if not isinstance(about, LevelAlert):
        return
    executor = context.manager.state.executors.get(about.executor)
    if executor is None:
        context.manager.targets(about.executor)  # says what there is instead
        return
    view = level_view(context.manager, executor)
    await context.say(update, pages.why_level(view, context.chat.config.timezone))


async def _compare(update: Update, context: Context, about: object) -> None:
    """The books against the exchange; the button stays."""
    expected(about, CoinsMissing)
    await reports.reconcile(update, context)


async def _pause_level(update: Update, context: Context, about: object) -> None:
    told = expected(about, snapshot.LevelBlocked)
    await context.manager.pause(told.executor)
    await context.change(update, say("alerts.level_paused", level=told.executor))


async def _resume_level(update: Update, context: Context, about: object) -> None:
    if isinstance(about, LevelAlert):
        await context.change(update, turns.resumed(await context.manager.resume(about.executor), [], []))


async def _go_on(update: Update, context: Context, about: object) -> None:
    """The grids that the daily loss has paused run again."""
    state, resumed = context.manager.state, list[str]()
    for grid_id in expected(about, snapshot.DailyLossReached).grids:
        grid = state.grids.get(grid_id)
        if grid is not None and grid.mode is Mode.PAUSED:
            resumed += await context.manager.resume(grid_id)
    await context.change(update, turns.resumed(resumed, [], []))


async def _leave(update: Update, context: Context, about: object) -> None:
    if isinstance(about, GridAlert):
        text = notices.notice(about, context.chat.config)
        await context.change(update, f"{text}\n{say('alerts.left', grid=about.grid)}")


Answer = Callable[[Update, Context, object], Awaitable[None]]
CHOICES: dict[str, Answer] = {
    "pause_level": _pause_level,
    "resume_level": _resume_level,
    "go_on": _go_on,
    "leave": _leave,
}
"""What the buttons do, once."""
LOOKS: dict[str, Answer] = {
    "why": _why,
    "compare": _compare,
    **{f"alert_{kind}": partial(_turn, kind) for kind in Kind},
}
"""What may be pressed again."""


# -- the daily report ------------------------------------------------------------------------------------------------


async def picture(chat: Chat, notice: Notice) -> bytes | None:
    """The week that a daily report ends, as a chart; None for all else, and where there is nothing to draw."""
    if not isinstance(notice, DailyReport):
        return None
    views = [view for view in profit_views(chat.manager, "week") if view.currency == notice.currency]
    title = f"{say('titles.profit')}, {say('statements.period.week')}"
    return await pictures.profit(views[0], title, chat.config.timezone) if views else None
