"""What is said of the books held against the exchange. Pure: data in, HTML out.

Rule: both sides stand below one another, and each difference is explained; what is wrong comes first.
"""

from collections.abc import Iterable
from decimal import Decimal

from bot.core.symbols import listed
from bot.reports.tally import CoinTally, Entry, OrderTally, PositionTally, Tally
from bot.texts.catalogue import say
from handlers.words.figures import funds, name, number, table

MOST_COINS = 20
MOST_MARKETS = 20


def reconciled(found: Tally) -> str:
    """The whole page."""
    if not found.orders:
        return say("tallies.empty")
    parts = [_verdict(found)]
    for coin in [coin for coin in found.coins if _is_touched(coin)][:MOST_COINS]:
        parts += _coin(coin)
    parts += [_position(place) for place in found.positions[:MOST_MARKETS]]
    parts += [_orders(each) for each in found.orders[:MOST_MARKETS]]
    left = max(len(found.coins) - MOST_COINS, 0) + max(len(found.orders) - MOST_MARKETS, 0)
    parts += [say("tallies.more", count=left)] if left else []
    parts += [say("tallies.moving")] if found.is_moving else []
    return "\n".join(parts)


def _verdict(found: Tally) -> str:
    if found.is_short:
        short = [f"{funds(coin.shortfall)} {name(coin.coin)}" for coin in found.coins if coin.shortfall]
        short += [
            say("tallies.short_position", amount=number(place.shortfall), market=name(place.symbol))
            for place in found.positions
            if place.shortfall
        ]
        return say("tallies.short", amounts=listed(short))
    return say("tallies.agree") if found.is_clean else say("tallies.differ")


def _is_touched(coin: CoinTally) -> bool:
    """Whether there is anything to say of a coin: before the first fill there is none."""
    return coin.balance is not None or coin.bound > 0 or any(entry.moved for entry in coin.entries)


def _coin(coin: CoinTally) -> Iterable[str]:
    rows = [(say("tallies.moved", market=name_of(entry)), _signed(entry)) for entry in coin.entries]
    if coin.held or any(entry.counted for entry in coin.entries):
        rows.append((say("tallies.books_hold"), funds(coin.held)))
    if coin.kept:
        rows.append((say("tallies.books_kept"), funds(coin.kept)))
    if coin.bound:
        rows.append((say("tallies.entries_bind"), funds(coin.bound)))
    if coin.balance is None:
        rows.append((say("tallies.account"), say("tallies.no_account")))
    else:
        rows.append((say("tallies.account_free"), funds(coin.balance.free)))
        rows.append((say("tallies.in_orders"), funds(coin.balance.used)))
    rows.append((_beside(coin.beside), funds(abs(coin.beside))))
    yield table((coin.coin, ""), rows)
    for entry in coin.entries:
        if not entry.is_sound and entry.counted is not None:
            moved = f"{funds(entry.moved)} {name(coin.coin)}"
            yield say("tallies.unsound", market=name(entry.symbol), moved=moved, held=funds(entry.counted))
    if coin.beside < 0 and not coin.shortfall:
        yield say("tallies.kept_left", amount=f"{funds(-coin.beside)} {name(coin.coin)}")


def _beside(amount: Decimal) -> str:
    """What is there beside the books' amount, or not there."""
    return say("tallies.not_ours") if amount >= 0 else say("tallies.missing")


def name_of(entry: Entry) -> str:
    """A market, as short as a table needs it."""
    return entry.symbol[:18]


def _signed(entry: Entry) -> str:
    text = funds(entry.moved)
    return f"+{text}" if entry.moved > 0 else text


def _position(place: PositionTally) -> str:
    rows = [(say("tallies.books_hold"), number(place.held)), (say("tallies.position"), number(place.found))]
    rows += [(say("tallies.books_kept"), number(place.kept))] if place.kept else []
    beside = place.found - place.held - place.kept
    return table((place.symbol[:20], ""), [*rows, (_beside(beside), number(abs(beside)))])


def _orders(each: OrderTally) -> str:
    """One line a market; its differences below."""
    lines = [say("tallies.alike", market=name(each.symbol), count=each.alike)]
    if each.differing:
        lines.append(say("tallies.differing", count=len(each.differing)))
    if each.unknown:
        lines.append(say("tallies.unknown", count=len(each.unknown)))
    if each.missing:
        lines.append(say("tallies.unseen", count=len(each.missing)))
    if each.strangers:
        lines.append(say("tallies.strangers", count=each.strangers))
    return "\n".join(lines)
