"""The books are the exchange's own balances, in every coin and to the last digit, after every beat of every history:
partial fills, fees in any coin, dust, funding, restarts, closing sales."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random

import orjson
import pytest

from bot.core.model import FeeSide, FundingPaid, Market, Side
from bot.reports.tally import moved
from bot.storage.memory_store import MemoryStore
from bot.storage.records import from_record, to_record
from bot.trading.state import TradingState
from tests.fakes import BTC, dec, market, run
from tests.hostile import CALM
from tests.stage import Stage

QUICK, ALL, BLOCKS = 120, 10_000, 20
BEATS = 14


class SpeltStore(MemoryStore):
    """A store whose things are read from their records, as after any restart."""

    async def load(self) -> Mapping[str, Mapping[str, object]]:
        tables = await super().load()
        markets: dict[str, Market] = {}
        read: dict[str, dict[str, object]] = {}
        for table in sorted(tables, key=lambda name: name != "markets"):
            for key, thing in tables[table].items():
                record = orjson.loads(orjson.dumps(to_record(table, key, thing)))
                found = read.setdefault(table, {})[key] = from_record(table, record, markets)
                if isinstance(found, Market):
                    markets[key] = found
        return read


def truth(stage: Stage, funding: Decimal) -> dict[str, Decimal]:
    """What the exchange's own ledger says has changed of each coin."""
    change = defaultdict[str, Decimal](Decimal)
    for _, side, fill in stage.exchange.trades:
        sign = 1 if side is Side.BUY else -1
        change["BTC"] += sign * fill.amount
        change["USDT"] -= sign * fill.amount * fill.price
        change[fill.fee_currency] -= fill.fee
    change["USDT"] += funding
    return change


async def agree(stage: Stage, funding: Decimal) -> None:
    await stage.manager.beat()  # what traded at once when it was sent is news of the next beat
    state = stage.manager.state
    books, account = moved(state, BTC), truth(stage, funding)
    for coin in books.keys() | account.keys():
        assert books.get(coin, dec(0)) == account[coin], coin
    holding = state.holding(BTC)
    assert holding.amount == account["BTC"]
    total, third = state.total("all:USDT"), value_of_third_coins(stage)
    assert total.realised + holding.unsettled - holding.cost == account["USDT"] - third


def value_of_third_coins(stage: Stage) -> Decimal:
    return sum((f.fee * f.fee_rate for _, _, f in stage.exchange.trades if f.fee_rate is not None), dec(0))


def journal(stage: Stage, state: TradingState) -> None:
    """Every trade of the exchange stands in the journal of fills, once; every closed trade in the ledger, once."""
    fills = {**stage.ledger.fills, **state.fills}
    assert len(fills) == len(stage.exchange.trades)
    assert sorted(fill.trade_id for fill in fills.values()) == sorted(
        fill.trade_id for *_, fill in stage.exchange.trades
    )
    assert sum((fill.fee_value for fill in fills.values()), dec(0)) == sum(
        fill.fee * (fill.fee_rate or (fill.price if fill.fee_currency == "BTC" else 1))
        for _, _, fill in stage.exchange.trades
    )
    lines = {**stage.ledger.lines, **state.unwritten}.values()
    total = state.total("all:USDT")
    assert (len(lines), sum((line.pnl for line in lines), dec(0))) == (total.trades, total.realised - total.funding)


async def history(seed: int) -> None:
    luck = Random(seed)
    rules = market(min_cost="0", fee_side=luck.choice(list(FeeSide)), step=luck.choice(["0.0001", "0.0003"]))
    rules = replace(rules, maker_fee_ratio=dec(luck.choice(["0.001", "0.00075", "0", "-0.00025"])))
    temper = replace(CALM, third_coin=luck.choice([0.0, 0.3, 1.0]), longest_delay=1e-9, repeat=0.2)
    stage = Stage(rules, temper=temper, seed=seed, store=SpeltStore())
    await stage.manager.start()
    await stage.grid("59000", "60200", 3, amount=luck.choice(["0.001", "0.0013"]), loop=luck.random() < 0.8)
    funding, paid = dec(0), 0
    for beat in range(BEATS):
        if luck.random() < 0.1:
            paid += 1
            amount = Decimal(luck.randint(-999, 999)).scaleb(-5)
            told = FundingPaid(f"f{paid}", BTC, amount, stage.clock.now())
            stage.manager.heartbeat.margin.heard(BTC, [told, told])
            funding += amount
        await stage.beat(dec(60_000) + luck.randint(-1200, 900))
        await agree(stage, funding)
        if luck.random() < 0.1:  # kill -9, and a new start
            stage.new_manager()
            await stage.manager.start()
            await agree(stage, funding)
        if luck.random() < 0.2:
            await stage.manager.fold()
        if beat == BEATS - 3 and luck.random() < 0.3:
            await stage.manager.sell("all")
            await agree(stage, funding)
    await stage.manager.fold()
    journal(stage, stage.manager.state)


def test_after_every_beat_of_a_history_the_books_are_the_balances() -> None:
    for seed in range(QUICK):
        run(history(seed))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_after_every_beat_of_ten_thousand_histories_the_books_are_the_balances(block: int) -> None:
    for seed in range(block * ALL // BLOCKS, (block + 1) * ALL // BLOCKS):
        run(history(seed))
