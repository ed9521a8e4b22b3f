"""What is said when grids are paused, resumed, halted and stopped. Pure: data in, HTML out.

Rule: before a decision what each way does to the money, after it what happens next. Of many grids the first are named
and the rest counted.
"""

from collections.abc import Sequence
from decimal import Decimal

from bot.core.money import ZERO
from bot.core.symbols import coins_of, listed
from bot.reports.views import StopEffect
from bot.texts.catalogue import say
from handlers.words.figures import gain, money, name, number

MOST_NAMED = 10


def paused(ids: Sequence[str], entries: int, exits: int) -> str:
    """After /pause; `ids` is what is paused now."""
    if not ids:
        return say("turns.nothing_to_pause")
    which = ids[0] if len(ids) == 1 else "all"
    grids, leave, stay = _named(ids), _entries(entries), _exits(exits)
    return say("turns.paused", count=len(ids), grids=grids, entries=leave, exits=stay, which=which)


def resumed(ids: Sequence[str], finishing_ids: Sequence[str] = (), held_up: Sequence[str] = ()) -> str:
    """After /resume; of `ids` those that go on finishing, and levels that are held up by their grid's mode."""
    if not ids:
        return say("turns.nothing_to_resume")
    parts = []
    running = [each for each in ids if each not in {*finishing_ids, *held_up}]
    if running:
        parts.append(say("turns.runs", count=len(running), grids=_named(running)))
    if finishing_ids:
        parts.append(say("turns.finishes_on", count=len(finishing_ids), grids=_named(finishing_ids)))
    if held_up:
        parts.append(say("turns.held_up", levels=_named(held_up), grid=held_up[0].partition(".")[0]))
    return "\n".join([*parts, say("turns.rests")])


# -- panic -------------------------------------------------------------------------------------------------------------


def panic_question(effects: Sequence[StopEffect]) -> str:
    """Before a panic."""
    _, entries, exits = _summed(effects)
    orders, grids = say("count.order", count=entries + exits), say("count.grid", count=len(effects))
    return say("turns.panic_question", orders=orders, grids=grids, held=_held(effects))


def halted(ids: Sequence[str], orders: int) -> str:
    """After a panic."""
    if not ids:
        return say("turns.no_grid")
    leave = say("turns.halted_orders", count=orders) if orders else say("turns.halted_no_order")
    return say("turns.halted", grids=_named(ids), orders=leave)


# -- stop --------------------------------------------------------------------------------------------------------------


def stop_question(effects: Sequence[StopEffect]) -> str:
    """The three ways to end grids, and what each does to the money."""
    ids, entries, exits = _summed(effects)
    count, leave, orders = len(ids), _entries(entries), _orders(entries + exits)
    if any(effect.held for effect in effects):
        if all(effect.too_little for effect in effects if effect.held):
            finish = say("turns.finish_too_little", count=count, entries=leave)
        else:
            profits = _at_exits(effects)
            finish = say("turns.finish", count=count, entries=leave, exits=_exits(exits), profits=profits)
        keep = say("turns.keep", count=count, orders=orders, coins=_coins(effects), worth=_worth(effects))
    else:
        finish = say("turns.finish_nothing", count=count, entries=leave)
        keep = say("turns.keep_nothing", count=count, orders=orders)
    sell = say("turns.sell", orders=orders, sale=_sale(effects))
    return say("turns.stop_question", grids=_named(ids), held=_held(effects), finish=finish, keep=keep, sell=sell)


def sell_question(effects: Sequence[StopEffect]) -> str:
    """The second question before a sale."""
    ids, entries, exits = _summed(effects)
    sale = _sale(effects)
    sell = say("turns.sell_no_order", sale=sale)
    if entries + exits:
        sell = say("turns.sell", orders=_orders(entries + exits), sale=sale)
    return say("turns.sell_question", count=len(ids), grids=_named(ids), held=_held(effects), sell=sell)


def finishing(effects: Sequence[StopEffect]) -> str:
    """After Finish."""
    ids, entries, exits = _summed(effects)
    return say("turns.finishes", count=len(ids), grids=_named(ids), entries=_entries(entries), exits=_exits(exits))


def keeping(effects: Sequence[StopEffect]) -> str:
    """After Keep coins."""
    ids, entries, exits = _summed(effects)
    ends = say("turns.ends", count=len(ids), grids=_named(ids), orders=_orders(entries + exits), held=_held(effects))
    return f"{ends} {say('turns.stay')}" if any(effect.held for effect in effects) else ends


def selling(effects: Sequence[StopEffect]) -> str:
    """After the second press."""
    return say("turns.sells", count=len(effects), grids=_named([effect.grid for effect in effects]))


# -- parts -------------------------------------------------------------------------------------------------------------


def _summed(effects: Sequence[StopEffect]) -> tuple[list[str], int, int]:
    return [each.grid for each in effects], sum(each.entries for each in effects), sum(each.exits for each in effects)


def _named(ids: Sequence[str]) -> str:
    more = [say("turns.more", count=len(ids) - MOST_NAMED)] if len(ids) > MOST_NAMED else []
    return listed([*ids[:MOST_NAMED], *more])


def _orders(count: int) -> str:
    return say("turns.orders_leave", count=count) if count else say("turns.no_order_leaves")


def _entries(count: int) -> str:
    return say("turns.entries_leave", count=count) if count else say("turns.no_entry_leaves")


def _exits(count: int) -> str:
    return say("turns.exits_stay", count=count) if count else say("turns.no_exit_stays")


def _held(effects: Sequence[StopEffect]) -> str:
    """The coins these grids hold, by market, and their cost."""
    texts = []
    for symbol in dict.fromkeys(effect.symbol for effect in effects):
        group = [effect for effect in effects if effect.symbol == symbol]
        held, cost = sum((each.held for each in group), ZERO), sum((each.cost for each in group), ZERO)
        base, quote = (name(coin) for coin in coins_of(symbol))
        if held:
            texts.append(say("turns.held_coins", amount=number(held), base=base, cost=money(cost), quote=quote))
    if not texts:
        return say("turns.nothing_held")
    coins, more = "; ".join(texts[:MOST_NAMED]), len(texts) - MOST_NAMED
    return say("turns.held_more", coins=coins, count=more) if more > 0 else say("turns.held", coins=coins)


def _at_exits(effects: Sequence[StopEffect]) -> str:
    """`, which makes about +3.12 USDT against cost after the fee`."""
    sums = _by_coin([(each, (each.at_exits,)) for each in effects if each.at_exits is not None])
    texts = [f"<b>{gain(profit)} {coin}</b>" for coin, (profit,) in sums]
    return say("turns.finish_profits", profits=listed(texts)) if texts else ""


def _coins(effects: Sequence[StopEffect]) -> str:
    """`0.005 BTC and 1 ETH`."""
    held: dict[str, Decimal] = {}
    for each in effects:
        if each.held:
            coin = name(coins_of(each.symbol)[0])
            held[coin] = held.get(coin, ZERO) + each.held
    texts = [f"{number(amount)} {coin}" for coin, amount in held.items()]
    more = [say("turns.more_coins", count=len(texts) - MOST_NAMED)] if len(texts) > MOST_NAMED else []
    return listed([*texts[:MOST_NAMED], *more])


def _worth(effects: Sequence[StopEffect]) -> str:
    """`, worth 312.40 USDT now (−1.50 against cost)`."""
    sums = _by_coin([(each, each.worth) for each in effects if each.worth is not None])
    texts = [
        say("turns.worth_now", worth=money(worth), coin=coin, profit=gain(profit)) for coin, (worth, profit) in sums
    ]
    return say("turns.keep_worth", sums=listed(texts)) if texts else ""


def _by_coin(
    figures: Sequence[tuple[StopEffect, tuple[Decimal, ...]]],
) -> list[tuple[str, tuple[Decimal, ...]]]:
    """Figures of grids added up by quote currency."""
    sums: dict[str, tuple[Decimal, ...]] = {}
    for effect, values in figures:
        coin = name(coins_of(effect.symbol)[1])
        before = sums.get(coin, (ZERO,) * len(values))
        sums[coin] = tuple(a + b for a, b in zip(before, values, strict=True))
    return list(sums.items())[:MOST_NAMED]


def _sale(effects: Sequence[StopEffect]) -> str:
    """What a sale brings, by currency; and what can't be sold."""
    priced = [each for each in effects if each.proceeds is not None and not each.too_little]
    sums = _by_coin([(each, (*(each.proceeds or ()), *(each.profit or ()))) for each in priced])
    unpriced = [effect.grid for effect in effects if effect.held > ZERO and effect.proceeds is None]
    too_little = [effect.grid for effect in effects if effect.too_little]
    if not sums and not unpriced:
        return say("turns.sale_too_little") if too_little else say("turns.sale_nothing")
    parts = [say("turns.sale")]
    for coin, (now, worst, profit, worst_profit) in sums:
        parts.append(
            say(
                "turns.sale_brings",
                now=money(now),
                coin=coin,
                profit=gain(profit),
                worst=money(worst),
                worst_profit=gain(worst_profit),
            )
        )
    if unpriced:
        parts.append(say("turns.sale_unpriced", grids=_named(unpriced)))
    if too_little:
        parts.append(say("turns.sale_too_little_of", grids=_named(too_little)))
    return " ".join(parts)
