"""How a dialogue goes from page to page: begun, answered, gone back from, shown.

Rule: one step at a time for each person. An answer that can't be taken is explained on the page and costs nothing;
whatever the answer, the first step that has none is shown next. A page is kept before it is shown: a button of a page
that was left behind by a kill or by Telegram brings the page up to date.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from secrets import token_hex

from telegram import Update

from bot.core.drafts import Draft
from bot.core.preview import Preview
from bot.errors import CommandError
from bot.reports import offers
from bot.reports.offers import Offer
from bot.reports.suggestion import Facts, facts_of
from bot.texts.catalogue import say
from handlers import create
from handlers.chat import sheet
from handlers.chat.context import Context
from handlers.chat.dialogues import Dialogue, Page
from handlers.chat.sheet import LAST as PREVIEW
from handlers.guide.steps import BY_NAME, NAMES, STEPS, Step
from handlers.words import guide as words
from handlers.words import keyboards

Change = Callable[[Dialogue, Facts], Awaitable[Draft]]
"""What an answer makes of the draft. CommandError where it can't be taken."""


async def begin(
    update: Update,
    context: Context,
    given: Mapping[str, str],
    *,
    skipped: tuple[str, ...] = (),
    intro: str = "",
) -> None:
    """Begin a dialogue with these answers; one that was open ends. MarketError."""
    person, dialogues = update.effective_user, context.chat.dialogues
    if person is None:
        return
    async with dialogues.lock(person.id):
        former = dialogues.of(person.id)
        fresh = Dialogue(person.id, "", context.chat.now(), NAMES[0], given, skipped=skipped)
        fresh = replace(fresh, step=_next(Draft(given)))
        await _show(update, context, fresh, intro=intro)
        if former is not None:
            await sheet.close(context, former, say("guide.replaced"))


async def advance(update: Update, context: Context, change: Change | None, page: Page) -> None:
    """Take an answer, or without `change` go back; then show where the dialogue is. An older state of the page is not
    obeyed but brought up to date."""
    person, dialogues = update.effective_user, context.chat.dialogues
    if person is None:
        return
    made: Preview | None = None
    facts: Facts | None = None
    async with dialogues.lock(person.id):
        dialogue = dialogues.of(person.id)
        if dialogue is None:
            return
        after, problem = dialogue, ""
        try:
            if page.nonce in ("", dialogue.nonce):
                if change is None:
                    after = replace(dialogue, step=_before(dialogue))
                else:
                    facts = await _facts(context, dialogue.given, dialogue.person_id)
                    after, made = await _answered(context, dialogue, facts, await change(dialogue, facts))
        except CommandError as error:
            problem = str(error)
        await _show(update, context, after, facts, problem=problem)
        if made is not None:
            await dialogues.learn(person.id, after.given)
    if made is not None:
        await create.show(made, update, context)


async def _answered(
    context: Context, dialogue: Dialogue, facts: Facts, draft: Draft
) -> tuple[Dialogue, Preview | None]:
    """The dialogue after an answer, with the preview where it was the last. `facts` are of the market there was before.
    CommandError."""
    if draft.symbol not in ("", facts.market.symbol):
        facts = await _facts(context, draft.given, dialogue.person_id)
    draft.checked(facts.quote.bid)
    after = replace(dialogue, given=draft.given, step=_next(draft))
    if after.step != PREVIEW:
        return after, None
    return after, await context.manager.preview(offers.whole(draft, facts))


def _next(draft: Draft) -> str:
    """The first step without an answer."""
    return next((step.name for step in STEPS if not draft.has(step.keys)), PREVIEW)


def _before(dialogue: Dialogue) -> str:
    names = _names(dialogue)
    place = names.index(dialogue.step)
    if not place:
        raise CommandError(say("guide.first_step"))
    return names[place - 1]


def _names(dialogue: Dialogue) -> list[str]:
    return [name for name in NAMES if name not in dialogue.skipped]


async def _facts(context: Context, given: Mapping[str, str], person_id: int) -> Facts:
    """The market of the answers, or the default one, and those worth offering."""
    manager, default = context.manager, context.chat.config.default_symbol
    facts = await facts_of(manager, given.get("symbol", default))
    recent = context.chat.dialogues.habits(person_id).markets
    names = offers.worth_offering(default, await manager.world.data.symbols(), recent, manager.state.grids.values())
    return replace(facts, markets=names)


async def _show(
    update: Update,
    context: Context,
    dialogue: Dialogue,
    facts: Facts | None = None,
    *,
    problem: str = "",
    intro: str = "",
) -> None:
    """Put the page of the dialogue's step into its message, and keep where it is. `facts` need not be asked for again
    where they are of its market."""
    dialogues, draft, row = context.chat.dialogues, Draft(dialogue.given), BY_NAME.get(dialogue.step)
    names, nonce, found = _names(dialogue), token_hex(6), list[Offer]()
    place = names.index(dialogue.step) + 1, len(names)
    if row is None:
        html = words.last_page(draft, place, problem)
    else:
        if facts is None or draft.symbol not in ("", facts.market.symbol):
            facts = await _facts(context, dialogue.given, dialogue.person_id)
        try:
            found = _offered(row, draft, facts, dialogues.habits(dialogue.person_id).last)
        except CommandError as error:  # answers that don't go together any more: it can be typed, or gone back from
            problem = problem or str(error)
        spans = offers.spans(draft, facts, found) if row.keys == ("min", "max") else ()
        html = words.page(row.name, place, draft, facts, found, spans=spans, intro=intro, problem=problem)
    texts = [words.button(row.name, offer, draft) for offer in found] if row is not None else []
    buttons = keyboards.guide(nonce, texts, row.columns if row is not None else 1, has_back=place[0] > 1)
    heard = max(dialogue.heard, update.message.message_id if update.message is not None else 0)
    kept = replace(
        dialogue,
        nonce=nonce,
        at=context.chat.now(),
        heard=heard,
        offers=tuple(offer.given for offer in found),
        wants_number=row is not None and row.wants_number,
    )
    if kept.message_id:
        await dialogues.keep(kept)
    message_id = await sheet.put(update, context, dialogue, html, buttons)
    if message_id != kept.message_id:
        await dialogues.keep(replace(kept, message_id=message_id))


def _offered(row: Step, draft: Draft, facts: Facts, last: Mapping[str, str]) -> list[Offer]:
    found = row.offers(draft, facts)
    if row.keys != ("symbol",):
        found = offers.with_last(found, last, row.keys, draft)
    return found[: keyboards.MOST_OFFERS]
