"""What is said of the books held against the exchange. Pure: data in, HTML out.

Rule: both sides stand below one another, and each difference is explained; what is wrong comes first.
"""

from collections.abc import Iterable

from bot.core.symbols import listed
from bot.reports.tally import CoinTally, Entry, OrderTally, PositionTally, Tally
from handlers.words.figures import funds, name, number, plural, table

MOST_COINS = 20
MOST_MARKETS = 20


def reconciled(found: Tally) -> str:
    """The whole page."""
    if not found.orders:
        return "The books are empty: nothing was traded yet, so all that is on the account is yours alone."
    parts = [_verdict(found)]
    for coin in [coin for coin in found.coins if _is_touched(coin)][:MOST_COINS]:
        parts += _coin(coin)
    parts += [_position(place) for place in found.positions[:MOST_MARKETS]]
    parts += [_orders(each) for each in found.orders[:MOST_MARKETS]]
    left = max(len(found.coins) - MOST_COINS, 0) + max(len(found.orders) - MOST_MARKETS, 0)
    parts += [f"… and {plural(left, 'more line')}."] if left else []
    if found.is_moving:
        parts.append("Fills came while this was read, so the figures may be a moment apart: /reconcile again.")
    return "\n".join(parts)


def _verdict(found: Tally) -> str:
    if found.is_short:
        short = [f"{funds(coin.shortfall)} {name(coin.coin)}" for coin in found.coins if coin.shortfall]
        short += [f"{number(place.shortfall)} of {name(place.symbol)}" for place in found.positions if place.shortfall]
        return (
            f"🛑 <b>The exchange has less than the books hold: {listed(short)} short.</b>\n"
            "Was something sold or withdrawn by hand? Exits for it will be refused: put it back, or /stop the grid."
        )
    if not found.is_clean:
        return "⚠️ <b>Books and exchange differ</b>"
    return "✅ <b>The books agree with the exchange</b>"


def _is_touched(coin: CoinTally) -> bool:
    """Whether there is anything to say of a coin: before the first fill there is none."""
    return coin.balance is not None or coin.bound > 0 or any(entry.moved for entry in coin.entries)


def _coin(coin: CoinTally) -> Iterable[str]:
    rows = [(f"{'moved':<7}{name_of(entry)}", _signed(entry)) for entry in coin.entries]
    rows += [("books hold", funds(coin.held))] if coin.held or any(entry.counted for entry in coin.entries) else []
    rows += [("books kept", funds(coin.kept))] if coin.kept else []
    if coin.bound:
        rows.append(("entries bind", funds(coin.bound)))
    if coin.balance is None:
        rows.append(("account", "none"))
    else:
        rows += [("account free", funds(coin.balance.free)), ("in orders", funds(coin.balance.used))]
    if coin.beside >= 0:
        rows.append(("not the bot's", funds(coin.beside)))
    else:
        rows.append(("missing", funds(-coin.beside)))
    yield table((coin.coin, ""), rows)
    for entry in coin.entries:
        if not entry.is_sound and entry.counted is not None:
            yield (
                f"⚠️ {name(entry.symbol)}: fills moved {funds(entry.moved)} {name(coin.coin)}, "
                f"its levels hold {funds(entry.counted)}. A frozen level, or trades from before this version?"
            )
    if coin.beside < 0 and not coin.shortfall:
        yield f"Coins that ended grids had kept have left the account: {funds(-coin.beside)} {name(coin.coin)}."


def name_of(entry: Entry) -> str:
    """A market, as short as a table needs it."""
    return entry.symbol[:18]


def _signed(entry: Entry) -> str:
    text = funds(entry.moved)
    return f"+{text}" if entry.moved > 0 else text


def _position(place: PositionTally) -> str:
    rows = [("books hold", number(place.held)), ("position", number(place.found))]
    rows += [("books kept", number(place.kept))] if place.kept else []
    beside = place.found - place.held - place.kept
    rows.append(("not the bot's", number(beside)) if beside >= 0 else ("missing", number(-beside)))
    return table((place.symbol[:20], ""), rows)


def _orders(each: OrderTally) -> str:
    """One line a market; its differences below."""
    lines = [f"{name(each.symbol)}: {plural(each.alike, 'order')} alike on both sides"]
    if each.differing:
        lines.append(f"⚠️ {plural(len(each.differing), 'order')} with trades that are on their way to the books")
    if each.unknown:
        lines.append(f"⚠️ {plural(len(each.unknown), 'order')} with this bot's mark that no level knows")
    if each.missing:
        lines.append(f"⚠️ {plural(len(each.missing), 'order')} of the books not seen on the exchange: looked up now")
    if each.strangers:
        verb = "is" if each.strangers == 1 else "are"
        lines.append(f"{plural(each.strangers, 'order')} there {verb} not this bot's and left alone")
    return "\n".join(lines)
