"""What is said of positions on perpetuals: alarms, the owner's decisions, how one stands. Pure: data in, HTML out.

Rule: both sides of a difference are shown, the books' and the exchange's; then what each choice does.
"""

from collections.abc import Sequence

from bot.core.margin import CAN_STAND_BESIDE
from bot.core.money import ZERO
from bot.core.preview import Preview
from bot.core.snapshot import PositionNotOurs, PositionSmaller
from bot.core.symbols import coins_of, listed
from bot.reports.positions import PositionView, WrittenOff
from bot.texts.catalogue import say
from handlers.words.figures import about, distance, gain, money, name, number

MOST_NAMED = 10
MOST_POSITIONS = 20


def smaller(told: PositionSmaller) -> str:
    """The exchange shows less than the books."""
    base = name(coins_of(told.symbol)[0])
    found = f"{number(told.found)} {base}" if told.found else say("perpetuals.no_position")
    what = say("perpetuals.smaller", market=name(told.symbol), held=f"{number(told.held)} {base}", found=found)
    halted = say("perpetuals.halted", grids=_named(told.grids), count=len(told.grids))
    return f"{what}\n{halted} {say('perpetuals.books_follow', grid=told.grids[0])}"


def not_ours(told: PositionNotOurs) -> str:
    """A position, its mode or its margin is somebody else's doing."""
    base = name(coins_of(told.symbol)[0])
    what = listed([say(f"perpetuals.oddity.{each.name.lower()}") for each in told.oddities])
    held = f"{number(told.held)} {base}" if told.held else say("perpetuals.holds_nothing")
    found = f"{number(told.found)} {base}" if told.found else say("perpetuals.no_position")
    paused = say("perpetuals.paused", grids=_named(told.grids), count=len(told.grids))
    choice = "perpetuals.can_stand" if set(told.oddities) <= CAN_STAND_BESIDE else "perpetuals.must_change"
    return (
        f"{say('perpetuals.not_ours', market=name(told.symbol), what=what, held=held, found=found)}\n"
        f"{paused} {say(choice, grid=told.grids[0])}"
    )


def followed(done: WrittenOff) -> str:
    """After Books follow."""
    base, quote = (name(coin) for coin in coins_of(done.symbol))
    texts = [say("perpetuals.fits_by_now", market=name(done.symbol))]
    if done.amount:
        amount, profit = f"{number(done.amount)} {base}", f"{gain(done.profit)} {quote}"
        texts = [say("perpetuals.written_off", amount=amount, price=number(done.price), profit=profit)]
    if done.grids:
        texts.append(say("perpetuals.goes_on", grids=_named(done.grids), count=len(done.grids)))
    return " ".join(["📘", *texts, "/status"])


def beside(symbol: str, ids: Sequence[str]) -> str:
    """After Trade beside it."""
    runs = say("perpetuals.none_waited")
    if ids:
        runs = say("perpetuals.runs", grids=_named(ids), count=len(ids))
    return say("perpetuals.beside", market=name(symbol), runs=runs)


def positions(views: Sequence[PositionView]) -> list[str]:
    """A paragraph for each position, for /balance."""
    return [_position(view) for view in views[:MOST_POSITIONS]]


def _position(view: PositionView) -> str:
    position, (base, quote) = view.position, coins_of(view.symbol)
    way = "perpetuals.short" if position.amount < ZERO else "perpetuals.long"
    amount = f"{number(abs(position.amount))} {name(base)}"
    times = f"{number(position.leverage)}x " if position.leverage else ""
    margin = say("perpetuals.isolated") if position.isolated else say("perpetuals.cross")
    parts = [say(way, market=name(view.symbol), amount=amount, entry=about(position.entry)), f"{times}{margin}"]
    if position.liquidation:
        parts.append(say("perpetuals.liquidation", price=f"{about(position.liquidation)} {name(quote)}"))
    return f"{', '.join(parts)}\n  {say('perpetuals.grids_hold', amount=number(view.held))}"


def gearing(made: Preview) -> list[str]:
    """What leverage makes of a grid, for its preview."""
    if made.gearing is None:
        return []
    gear = made.gearing
    needed = f"{money(gear.margin, up=True)} {name(made.market.quote)}"
    margin = say("perpetuals.margin", leverage=number(gear.leverage), margin=needed)
    if made.capital != gear.margin:
        margin = f"{margin} {say('perpetuals.pretend')}"
    if gear.liquidation <= ZERO:
        return [margin, say("perpetuals.paid_in_full")]
    away = distance(gear.liquidation, made.quote.bid)
    return [margin, say("perpetuals.estimated", price=number(gear.liquidation), distance=away)]


def _named(ids: Sequence[str]) -> str:
    more = [say("perpetuals.more", count=len(ids) - MOST_NAMED)] if len(ids) > MOST_NAMED else []
    return listed([*ids[:MOST_NAMED], *more])
