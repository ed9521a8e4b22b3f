"""A grid step by step: /new, or a shape's command without words; /cancel leaves.

Rule: a press and a typed answer do the same to the draft. Nothing is made here: after the last step comes the preview,
with its own buttons.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from telegram import Update

from bot.core.drafts import Draft, read_answer
from bot.core.grids import Shape
from bot.core.symbols import resolve_symbol
from bot.errors import CommandError
from bot.reports import offers
from bot.reports.suggestion import Facts, span_of, suggested
from bot.texts.catalogue import say
from handlers import create
from handlers.chat import sheet
from handlers.chat.asking import expected
from handlers.chat.context import Context
from handlers.chat.dialogues import Dialogue, Page
from handlers.chat.people import Role
from handlers.chat.table import Answer, Choice, Handler
from handlers.guide.progress import advance, begin
from handlers.guide.steps import BY_NAME, NAMES, STEPS
from handlers.words import creation, keyboards

HISTORY_PATIENCE = 20.0
"""Seconds that last week's prices are waited for."""
OPEN_PAGE = Page("")


# -- commands ----------------------------------------------------------------------------------------------------------


async def new(update: Update, context: Context) -> None:
    """/new, perhaps with some words of a grid: begin."""
    await begin(update, context, {})
    if context.words:
        await _heard(update, context, context.words)


async def linear(update: Update, context: Context) -> None:
    """/linear: equally spaced entries."""
    await _shaped(Shape.LINEAR, create.linear, update, context)


async def normal(update: Update, context: Context) -> None:
    """/normal: entries dense around a mean."""
    await _shaped(Shape.NORMAL, create.normal, update, context)


async def geometric(update: Update, context: Context) -> None:
    """/geometric: entries at equal ratios."""
    await _shaped(Shape.GEOMETRIC, create.geometric, update, context)


async def _shaped(shape: Shape, whole: Handler, update: Update, context: Context) -> None:
    """Whole grids are for `create`; no words, or a market alone, begin a dialogue. At the step that asks for the shape
    the bare command is its answer."""
    dialogue = _open(update, context)
    if not context.words and dialogue is not None and dialogue.step == "shape":
        await _heard(update, context, shape.value)
        return
    default = context.chat.config.default_symbol
    symbol = await _market_alone(context) if context.words else default
    if symbol is None:
        await whole(update, context)
        return
    intro = ""
    with suppress(CommandError):  # a market where the usual grid makes no sense: it is asked for step by step
        intro = creation.suggestion(shape, await suggested(context.manager, shape, symbol))
    given = {"symbol": symbol} if context.words else {}
    await begin(update, context, {"shape": shape.value, **given}, skipped=("shape",), intro=intro)


async def _market_alone(context: Context) -> str | None:
    symbols = await context.manager.world.data.symbols()
    try:
        return resolve_symbol(context.words, symbols, context.chat.config.default_symbol)
    except CommandError:
        return None


async def cancel(update: Update, context: Context) -> None:
    """/cancel: leave the dialogue."""
    is_open = _open(update, context) is not None
    await _leave(update, context, None)
    await context.say(update, say("guide.left") if is_open else say("guide.nothing_to_leave"))


async def listen(update: Update, context: Context) -> bool:
    """Words that are no command: whether they were an answer to a dialogue."""
    dialogue, message = _open(update, context), update.message
    if dialogue is None or message is None or context.role < Role.OWNER:
        return False
    if message.message_id > dialogue.heard:  # else it was taken before a restart and comes again
        await _heard(update, context, message.text or "")
    return True


# -- answers -----------------------------------------------------------------------------------------------------------


def taken(update: Update, context: Context, nonce: str) -> tuple[object, str]:
    """A button of a page: its nonce, or why it is not obeyed."""
    query = update.callback_query
    if query is None or query.message is None:
        return None, say("guide.ended")
    refusal = context.chat.dialogues.refusal(nonce, query.from_user.id, query.message.message_id)
    return (None, refusal) if refusal else (Page(nonce), "")


def always(update: Update, context: Context, nonce: str) -> tuple[object, str]:
    """The button that begins a dialogue works whenever it is pressed."""
    return Page(nonce), ""


async def _new(update: Update, context: Context, about: object) -> None:
    await begin(update, context, {})


async def _pick(place: int, update: Update, context: Context, about: object) -> None:
    async def picked(dialogue: Dialogue, facts: Facts) -> Draft:
        if place >= len(dialogue.offers):
            raise CommandError(say("guide.no_such_button"))
        return Draft(dialogue.given).plus(dialogue.offers[place] or await _last_week(context, facts))

    await advance(update, context, picked, expected(about, Page))


async def _rest(update: Update, context: Context, about: object) -> None:
    async def filled(dialogue: Dialogue, facts: Facts) -> Draft:
        return offers.draft_of(offers.suggestion_for(Draft(dialogue.given), facts))

    await advance(update, context, filled, expected(about, Page))


async def _back(update: Update, context: Context, about: object) -> None:
    await advance(update, context, None, expected(about, Page))


async def _leave(update: Update, context: Context, about: object) -> None:
    person = update.effective_user
    if person is not None:
        async with context.chat.dialogues.lock(person.id):
            await sheet.end(update, context, say("guide.left"))


async def _heard(update: Update, context: Context, typed: str) -> None:
    """A typed answer: the name of a button, or words of a grid."""
    text = " ".join(typed.split())
    named = _named(text)
    if named is not None:
        await named(update, context, OPEN_PAGE)
        return

    async def read(dialogue: Dialogue, facts: Facts) -> Draft:
        return await _read(context, dialogue, facts, text)

    await advance(update, context, read, OPEN_PAGE)


async def _read(context: Context, dialogue: Dialogue, facts: Facts, text: str) -> Draft:
    draft, row, default = Draft(dialogue.given), BY_NAME.get(dialogue.step), context.chat.config.default_symbol
    if row is not None:
        for offer in row.offers(draft, facts):
            if offer.name and offer.name.lower() == text.lower().removeprefix("last "):
                return draft.plus(offer.given or await _last_week(context, facts))
        if (answer := row.reads(text, facts)) is not None:
            return draft.plus(answer)
    symbols = await context.manager.world.data.symbols()
    places = [key for step in STEPS[NAMES.index(dialogue.step) :] for key in step.keys]
    return read_answer(
        draft,
        text,
        resolve=lambda word: resolve_symbol(word, symbols, default),
        default_symbol=default,
        places=places,
    )


async def _last_week(context: Context, facts: Facts) -> Mapping[str, str]:
    past = await context.chat.rehearsals.past.of(facts.market.symbol, HISTORY_PATIENCE)
    return span_of(past, facts.market)


def _named(typed: str) -> Answer | None:
    """What the button does whose name was typed, with or without its mark."""
    for name, answer in (("cancel", _leave), ("guide_back", _back), ("guide_rest", _rest)):
        button = say(f"buttons.{name}").lower()
        if typed.lower() in (button, button.lstrip("«⭐ ")):
            return answer
    return None


def _open(update: Update, context: Context) -> Dialogue | None:
    person = update.effective_user
    return context.chat.dialogues.of(person.id) if person is not None else None


CHOICES: dict[str, Choice] = {
    "new": Choice(Role.OWNER, _new, taken=always),
    **{
        f"guide_{place}": Choice(Role.OWNER, partial(_pick, place), taken=taken)
        for place in range(keyboards.MOST_OFFERS)
    },
    "guide_back": Choice(Role.OWNER, _back, taken=taken),
    "guide_rest": Choice(Role.OWNER, _rest, taken=taken),
    "guide_leave": Choice(Role.OWNER, _leave, taken=taken),
}
"""What the buttons do."""
