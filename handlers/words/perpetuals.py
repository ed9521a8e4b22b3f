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
from handlers.words.figures import about, agree, distance, gain, money, name, number

MOST_NAMED = 10
MOST_POSITIONS = 20


def smaller(told: PositionSmaller) -> str:
    """The exchange shows less than the books."""
    base, halted = name(coins_of(told.symbol)[0]), _named(told.grids)
    there = f"{number(told.found)} {base}" if told.found else "no position"
    return (
        f"🛑 {name(told.symbol)}: the books hold {number(told.held)} {base}, the exchange shows {there}. "
        "A liquidation, or a sale by hand?\n"
        f"{halted} {agree(len(told.grids), 'is', 'are')} halted: all orders leave the book. <b>Books follow</b> writes "
        f"off what is missing, as sold at the bid, and goes on; otherwise nothing is placed. "
        f"/resume {told.grids[0]} looks again"
    )


def not_ours(told: PositionNotOurs) -> str:
    """A position, its mode or its margin is somebody else's doing."""
    base, paused = name(coins_of(told.symbol)[0]), _named(told.grids)
    what = listed([str(each) for each in told.oddities])
    held = f"{number(told.held)} {base}" if told.held else "nothing"
    shown = f"{number(told.found)} {base}" if told.found else "no position"
    choice = "<b>Trade beside it</b> leaves it as it is; or change it on the exchange"
    if not set(told.oddities) <= CAN_STAND_BESIDE:
        choice = "Orders would bounce like this, so change it on the exchange"
    return (
        f"🛑 {name(told.symbol)}: the position is {what}. The books hold {held}, the exchange shows {shown}.\n"
        f"{paused} {agree(len(told.grids), 'buys', 'buy')} nothing until you decide; exits stay. {choice}, "
        f"then /resume {told.grids[0]}"
    )


def followed(done: WrittenOff) -> str:
    """After Books follow."""
    base, quote = (name(coin) for coin in coins_of(done.symbol))
    went = f"Written off: {number(done.amount)} {base} at {number(done.price)}, <b>{gain(done.profit)} {quote}</b>."
    if not done.amount:
        went = f"The position of {name(done.symbol)} fits the books by now; nothing was written off."
    goes_on = f" {_named(done.grids)} {agree(len(done.grids), 'goes', 'go')} on." if done.grids else ""
    return f"📘 {went}{goes_on} /status"


def beside(symbol: str, ids: Sequence[str]) -> str:
    """After Trade beside it."""
    does = f"{_named(ids)} {agree(len(ids), 'runs', 'run')}" if ids else "nothing was waiting for it"
    return (
        f"▶️ {name(symbol)} is traded beside what is there: {does}. Funding of the whole position is counted, and a "
        "liquidation takes all of it. /status"
    )


def positions(views: Sequence[PositionView]) -> list[str]:
    """A paragraph for each position, for /balance."""
    return [_position(view) for view in views[:MOST_POSITIONS]]


def _position(view: PositionView) -> str:
    position, (base, quote) = view.position, coins_of(view.symbol)
    way = "Short" if position.amount < ZERO else "Position"
    times = f"{number(position.leverage)}x " if position.leverage else ""
    margin = "isolated" if position.isolated else "cross"
    head = f"{way} {name(view.symbol)} <b>{number(abs(position.amount))} {name(base)}</b> from {about(position.entry)}"
    falls = f", liquidation at {about(position.liquidation)} {name(quote)}" if position.liquidation else ""
    return f"{head}, {times}{margin}{falls}\n  of it grids hold {number(view.held)}"


def gearing(made: Preview) -> list[str]:
    """What leverage makes of a grid, for its preview."""
    if made.gearing is None:
        return []
    gear, coin = made.gearing, name(made.market.quote)
    where = "No liquidation: it is paid in full."
    if gear.liquidation > ZERO:
        far = distance(gear.liquidation, made.quote.bid)
        where = f"Estimated liquidation, isolated: <b>{number(gear.liquidation)}</b> ({far} from now)."
    pretend = "" if made.capital == gear.margin else " A pretend account pays in full all the same."
    return [
        f"Margin at worst, leverage {number(gear.leverage)}: <b>{money(gear.margin, up=True)} {coin}</b>.{pretend}",
        where,
    ]


def _named(ids: Sequence[str]) -> str:
    more = [f"{len(ids) - MOST_NAMED:,} more"] if len(ids) > MOST_NAMED else []
    return listed([*ids[:MOST_NAMED], *more])
