"""What is said when grids are paused, resumed, halted and stopped. Pure: data in, HTML out.

Rule: before a decision what each way does to the money, after it what happens next. Of many grids the first are named
and the rest counted.
"""

from collections.abc import Sequence
from decimal import Decimal

from bot.core.money import ZERO
from bot.core.symbols import coins_of, listed
from bot.reports.views import StopEffect
from handlers.words.figures import agree, gain, money, name, number, plural

MOST_NAMED = 10
NO_GRID = "No grid runs, so no order of this bot is on the book."
TOO_LITTLE = "what is held is under the exchange's minimum and stays on the account"


def paused(ids: Sequence[str], entries: int, exits: int) -> str:
    """After /pause; `ids` is what is paused now."""
    if not ids:
        return "Nothing to pause: no grid runs, or it is paused already, ending or halted. /grids shows each."
    return (
        f"⏸ {_named(ids)} {agree(len(ids), 'is', 'are')} paused: {_leave(entries)}, {_stay(exits)}. "
        f"What is held still sells at its exits.\n/resume {ids[0] if len(ids) == 1 else 'all'} goes on."
    )


def resumed(ids: Sequence[str], finishing_ids: Sequence[str] = (), held_up: Sequence[str] = ()) -> str:
    """After /resume; of `ids` those that go on finishing, and levels that are held up by their grid's mode."""
    if not ids:
        return "Nothing to resume: no grid is there, or a sale is under way. /grids shows each."
    parts = []
    running = [each for each in ids if each not in {*finishing_ids, *held_up}]
    if running:
        verb = agree(len(running), "runs", "run")
        parts.append(f"▶️ {_named(running)} {verb}: entries and exits are placed as the price allows.")
    if finishing_ids:
        verb = agree(len(finishing_ids), "goes", "go")
        parts.append(
            f"▶️ {_named(finishing_ids)} {verb} on finishing: what is held sells at its exits. "
            "/resume once more lets it run."
        )
    if held_up:
        grid = held_up[0].partition(".")[0]
        parts.append(f"▶️ {_named(held_up)} may run, but {grid} doesn't: /resume {grid}")
    return "\n".join([*parts, "/status shows what rests."])


# -- panic -------------------------------------------------------------------------------------------------------------


def panic_question(effects: Sequence[StopEffect]) -> str:
    """Before a panic."""
    _, entries, exits = _summed(effects)
    return (
        f"⛔ <b>Panic?</b> It cancels every order of this bot ({plural(entries + exits, 'order')} of "
        f"{plural(len(effects), 'grid')}) and halts everything: nothing is placed, exits neither, until /resume.\n"
        f"{_held(effects)} Coins stay on the account."
    )


def halted(ids: Sequence[str], orders: int) -> str:
    """After a panic."""
    if not ids:
        return NO_GRID
    return (
        f"⛔ Halted: {_named(ids)}. {_gone(orders).capitalize()} now; "
        "coins stay on the account, and nothing sells them.\n"
        "/orders shows what still rests, /resume goes on, /stop all ends the grids."
    )


# -- stop --------------------------------------------------------------------------------------------------------------


def stop_question(effects: Sequence[StopEffect]) -> str:
    """The three ways to end grids, and what each does to the money."""
    ids, entries, exits = _summed(effects)
    ends = agree(len(ids), "it ends", "they end")
    gone = _gone(entries + exits)
    if any(effect.held for effect in effects):
        finish = (
            f"{_leave(entries)}, {_stay(exits)} and what is held sells at its own exits{_at_exits(effects)}; then "
            f"{ends}. It may take long, and the coins may lose worth meanwhile."
        )
        if all(effect.too_little for effect in effects if effect.held):
            finish = f"{_leave(entries)}; {TOO_LITTLE}, so {ends} at once."
        keep = f"{gone} and {ends} now; {_coins(effects)} on your account{_worth(effects)}, and nothing sells them."
    else:
        finish = f"{_leave(entries)}; nothing is held, so {ends} at once."
        keep = f"{gone} and {ends} now; there are no coins."
    return (
        f"<b>Stop {_named(ids)}?</b> {_held(effects)}\n"
        f"<b>Finish</b>: {finish}\n"
        f"<b>Keep coins</b>: {keep}\n"
        f"<b>Sell now</b>: {gone}, then {_sale(effects)}"
    )


def sell_question(effects: Sequence[StopEffect]) -> str:
    """The second question before a sale."""
    ids, entries, exits = _summed(effects)
    return (
        f"<b>Sell what {_named(ids)} {agree(len(ids), 'holds', 'hold')}?</b> {_held(effects)}\n"
        f"{_gone(entries + exits).capitalize()}, then {_sale(effects)}\n"
        "This can't be taken back."
    )


def finishing(effects: Sequence[StopEffect]) -> str:
    """After Finish."""
    ids, entries, exits = _summed(effects)
    verb = agree(len(ids), "finishes", "finish")
    return f"🏁 {_named(ids)} {verb}: {_leave(entries)}, {_stay(exits)}. You are told when it is over."


def keeping(effects: Sequence[StopEffect]) -> str:
    """After Keep coins."""
    ids, entries, exits = _summed(effects)
    kept = " They stay on your account: /balance" if any(effect.held for effect in effects) else ""
    return f"🏁 {_named(ids)} {agree(len(ids), 'ends', 'end')}: {_gone(entries + exits)}. {_held(effects)}{kept}"


def selling(effects: Sequence[StopEffect]) -> str:
    """After the second press."""
    ids, _, _ = _summed(effects)
    return (
        f"🔴 {_named(ids)} {agree(len(ids), 'is', 'are')} being sold: first the orders leave the book, then the coins "
        "are sold. You are told what it brought."
    )


# -- parts -------------------------------------------------------------------------------------------------------------

NONE_HELD = "No coins are held."


def _summed(effects: Sequence[StopEffect]) -> tuple[list[str], int, int]:
    return [each.grid for each in effects], sum(each.entries for each in effects), sum(each.exits for each in effects)


def _named(ids: Sequence[str]) -> str:
    if len(ids) <= MOST_NAMED:
        return listed(ids)
    return listed([*ids[:MOST_NAMED], f"{len(ids) - MOST_NAMED:,} more"])


def _listed(texts: Sequence[str]) -> str:
    more = [f"{len(texts) - MOST_NAMED:,} more coins"] if len(texts) > MOST_NAMED else []
    return listed([*texts[:MOST_NAMED], *more])


def _gone(orders: int) -> str:
    if not orders:
        return "no order is on the book"
    return f"{plural(orders, 'order')} {agree(orders, 'leaves', 'leave')} the book"


def _leave(entries: int) -> str:
    if not entries:
        return "no entry is on the book"
    return f"{plural(entries, 'entry', 'entries')} {agree(entries, 'leaves', 'leave')} the book"


def _stay(exits: int) -> str:
    return f"{plural(exits, 'exit')} {agree(exits, 'stays', 'stay')}" if exits else "no exit rests"


def _held(effects: Sequence[StopEffect]) -> str:
    """The coins these grids hold, by market, and their cost."""
    texts = []
    for symbol in dict.fromkeys(effect.symbol for effect in effects):
        group = [effect for effect in effects if effect.symbol == symbol]
        held, cost = sum((each.held for each in group), ZERO), sum((each.cost for each in group), ZERO)
        base, quote = (name(coin) for coin in coins_of(symbol))
        if held:
            texts.append(f"{number(held)} {base}, bought for {money(cost)} {quote}")
    if not texts:
        return NONE_HELD
    more = len(texts) - MOST_NAMED
    return "Held: " + "; ".join(texts[:MOST_NAMED]) + (f"; and coins of {more:,} more markets." if more > 0 else ".")


def _at_exits(effects: Sequence[StopEffect]) -> str:
    """`, which brings about +3.12 USDT against cost`."""
    sums = _by_coin([(each, (each.at_exits,)) for each in effects if each.at_exits is not None])
    texts = [f"<b>{gain(profit)} {coin}</b>" for coin, (profit,) in sums]
    return f", which makes about {listed(texts)} against cost after the fee" if texts else ""


def _coins(effects: Sequence[StopEffect]) -> str:
    """`0.005 BTC stay`."""
    held: dict[str, Decimal] = {}
    for each in effects:
        if each.held:
            coin = name(coins_of(each.symbol)[0])
            held[coin] = held.get(coin, ZERO) + each.held
    return f"{_listed([f'{number(amount)} {coin}' for coin, amount in held.items()])} stay"


def _worth(effects: Sequence[StopEffect]) -> str:
    """`, worth 312.40 USDT now (−1.50 against cost)`."""
    sums = _by_coin([(each, each.worth) for each in effects if each.worth is not None])
    texts = [f"{money(worth)} {coin} now (<b>{gain(profit)}</b> against cost)" for coin, (worth, profit) in sums]
    return f", worth {listed(texts)}" if texts else ""


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
        return f"{TOO_LITTLE}." if too_little else "there is nothing to sell."
    parts = ["the coins are sold at once, as a taker, at the best bid or up to 1 % below it."]
    for coin, (now, worst, profit, worst_profit) in sums:
        parts.append(
            f"That brings about {money(now)} {coin} (<b>{gain(profit)}</b> against cost), "
            f"at worst {money(worst)} ({gain(worst_profit)}), after the fee."
        )
    if unpriced:
        parts.append(f"There is no price now for {_named(unpriced)}, so what it brings can't be said.")
    if too_little:
        parts.append(f"Of {_named(too_little)} {TOO_LITTLE}.")
    return " ".join(parts)
