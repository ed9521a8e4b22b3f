"""The manager between a scripted market and an honest venue: many grids, bad prices, limits, places on the book."""

from decimal import Decimal

import pytest

from bot.core.events import OrderFilled
from bot.core.lifecycle import State
from bot.core.model import Fill, Quote, Side
from bot.core.money import AVERAGES, ZERO
from bot.core.snapshot import GridEnded, LevelFrozen
from bot.errors import CommandError
from bot.ports import Policy
from bot.trading.guards import KEEP_ENDED
from tests.fakes import BTC, ETH, START, dec, market, run
from tests.stage import LEVELS, SPEC, Stage, staged


def test_a_grid_rests_buys_sells_and_begins_anew() -> None:
    async def story() -> None:
        stage = await staged()
        assert stage.resting() == LEVELS
        await stage.beat("59700")  # two entries fill, their exits are placed in the same beat
        assert stage.resting(Side.BUY) == LEVELS[:3]
        assert stage.resting(Side.SELL) == ["60048.75", "60300"]
        await stage.beat("60100")
        assert stage.resting() == [*LEVELS[:4], "60300"]
        (trade,) = stage.ledger.lines.values()
        assert (trade.executor, trade.cycle, trade.entry, trade.exit) == ("g1.4", 1, dec("59750"), dec("60048.75"))
        stage.agree()

    run(story())


def test_levels_above_the_market_buy_at_once_near_it_unless_they_are_to_wait() -> None:
    async def story(**more: object) -> list[str]:
        stage = Stage()
        stage.price("59600")
        await staged(stage, **more)
        return stage.resting()

    assert run(story()) == ["59000", "59250", "59500", "59600.49", "59600.49"]
    assert run(story(above_wait=True)) == ["59000", "59250", "59500"]


def test_without_loop_the_grid_ends_when_every_level_has_traded_and_its_history_stays() -> None:
    async def story() -> None:
        stage = await staged(loop=False)
        await stage.beat("58900")
        assert stage.resting(Side.SELL) == ["59295", "59546.25", "59797.5", "60048.75", "60300"]
        await stage.beat("60400")
        assert stage.resting() == []
        assert len(stage.ledger.lines) == 5
        grid = stage.manager.state.grids["g1"]
        assert grid.ended_at == stage.clock.now()
        (ended,) = stage.listener.of(GridEnded)
        assert ended.trades == 5
        assert ended.realised == sum(trade.pnl for trade in stage.ledger.lines.values())
        stage.clock.ahead(KEEP_ENDED.total_seconds() + 1)
        await stage.beat()
        await stage.manager.fold()
        assert stage.manager.state.executors == {}
        assert stage.manager.state.total("g1").trades == 5
        with pytest.raises(CommandError, match="has ended already"):
            await stage.manager.pause("g1")

    run(story())


def test_many_grids_on_many_markets_trade_side_by_side() -> None:
    async def story() -> None:
        markets = [market(symbol, min_cost="0") for symbol in (BTC, ETH, "SOL/USDT")]
        stage = Stage(*markets)
        await stage.manager.start()
        for symbol in stage.data.markets:
            await stage.grid(symbol=symbol)
            await stage.grid("58000", "59500", 4, symbol=symbol)
        for price in ("59700", "60600", "58100", "60800", "59000"):
            for symbol in stage.data.markets:
                await stage.beat(price, symbol)
        await stage.beat()
        assert len({trade.grid for trade in stage.ledger.lines.values()}) == 6
        assert {executor.id for executor in stage.manager.state.executors.values()} >= {"g1.1", "g6.4"}
        stage.agree()

    run(story())


def test_an_idle_beat_touches_no_executor_however_many_there_are() -> None:
    class Counted(dict[str, object]):
        touched = 0

        def __getitem__(self, key: str) -> object:
            self.touched += 1
            return super().__getitem__(key)

        def get(self, key: str, default: object = None) -> object:
            self.touched += 1
            return super().get(key, default)

        def values(self) -> object:  # type: ignore[override]
            self.touched += len(self)
            return super().values()

    async def idle(count: int) -> tuple[int, int, int]:
        stage = Stage()
        await staged(stage, low="50000", high="60000", count=count, stop=dec(40_000), take=dec(90_000))
        counted = Counted(stage.manager.state.executors)
        stage.manager.state.executors = counted  # type: ignore[assignment]
        stage.gateway.calls.clear()
        asked = stage.data.asked
        await stage.beats(5)
        return counted.touched, len(stage.gateway.calls), stage.data.asked - asked

    assert run(idle(10)) == run(idle(1000)) == (0, 5, 5)


def test_a_level_that_contradicts_itself_freezes_alone_and_the_rest_go_on() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        wrong = Fill("x", dec("59500"), dec("0.002"), ZERO, "USDT", stage.clock.now())
        stage.exchange.wire.append((START, BTC, OrderFilled(order.client_id, wrong)))
        await stage.beat()
        assert stage.manager.state.executors["g1.3"].frozen
        assert [told.executor for told in stage.listener.of(LevelFrozen)] == ["g1.3"]
        await stage.beat("59100")
        assert stage.resting(Side.SELL) == ["59546.25", "60048.75", "60300"]
        await stage.manager.resume("g1.3")
        assert not stage.manager.state.executors["g1.3"].frozen

    run(story())


def test_a_figure_that_cannot_be_booked_exactly_freezes_its_level_alone() -> None:
    async def story() -> None:
        stage = await staged()
        order = stage.manager.state.executors["g1.3"].order
        assert order is not None
        long = AVERAGES.copy()
        long.prec = 59
        fee = long.divide(Decimal(1), Decimal(3))
        wrong = Fill("x", dec("59500"), dec("0.0005"), fee, "BTC", stage.clock.now())
        right = stage.manager.state.executors["g1.4"].order
        assert right is not None
        good = Fill("y", dec("59750"), dec("0.001"), ZERO, "USDT", stage.clock.now())
        stage.exchange.wire += [
            (START, BTC, OrderFilled(order.client_id, wrong)),
            (START, BTC, OrderFilled(right.client_id, good)),
        ]
        await stage.beat()
        await stage.beat()
        assert stage.manager.state.executors["g1.3"].frozen
        assert stage.manager.state.executors["g1.4"].state is State.PLACED_EXIT

    run(story())


@pytest.mark.parametrize("bad", ["zero", "crossed", "stale", "silent"])
def test_no_order_is_made_on_a_price_that_is_none(bad: str) -> None:
    async def story() -> None:
        stage = Stage()
        await stage.manager.start()
        shown = await stage.manager.preview(SPEC)
        await stage.manager.create(shown)
        await stage.manager.pause()
        stage.gateway.calls.clear()
        old = stage.clock.now()
        stage.clock.ahead(31)
        quotes = {
            "zero": Quote(BTC, ZERO, dec(60_000), stage.clock.now()),
            "crossed": Quote(BTC, dec(60_001), dec(60_000), stage.clock.now()),
            "stale": Quote(BTC, dec(60_499), dec(60_500), old),
        }
        stage.data.is_silent()
        if bad in quotes:
            stage.data.quotes[BTC] = quotes[bad]
        await stage.manager.resume()
        assert "place" not in stage.gateway.calls
        stage.price("60500")
        await stage.beat()
        assert stage.resting() == LEVELS

    run(story())


def test_exposure_holds_the_farther_entries_back_and_the_nearer_go_first() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_exposure=dec(300)))
        await staged(stage)
        assert stage.resting() == LEVELS
        await stage.grid("59600", "60200", 4, loop=False)  # nearer ones: farther entries make room
        assert stage.resting() == ["59750", "59800", "60000", "60000", "60200"]
        assert stage.manager.state.exposure["USDT"] <= 300
        await stage.beat("59900")
        await stage.beat()
        assert stage.resting(Side.BUY) == ["59750", "59800"]
        assert stage.manager.state.exposure["USDT"] <= 300
        await stage.beat("60650")  # what was held is sold: the levels that waited get in, nearest first
        await stage.beats(2)
        assert stage.resting(Side.BUY)[-1] == "60000"
        assert "59800" in stage.resting(Side.BUY)
        assert 240 < stage.manager.state.exposure["USDT"] <= 300
        stage.agree()

    run(story())


def test_an_entry_that_waits_for_exposure_and_is_paused_blocks_nobody() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_exposure=dec(130)))
        await stage.manager.start()
        await stage.grid("59000", "59000", 1, "0.002")
        await stage.grid("58000", "58000", 1, "0.002")  # waits behind g1
        assert stage.owners() == ["g1.1"]
        await stage.manager.pause("g1")
        await stage.beats(2)
        assert stage.owners() == ["g2.1"]
        await stage.manager.resume("g1")
        await stage.beats(3)
        assert stage.owners() == ["g1.1"]
        assert stage.manager.state.exposure["USDT"] <= 130

    run(story())


def test_a_window_shows_the_nearest_and_the_rest_wait() -> None:
    async def story() -> None:
        stage = Stage(policy=Policy(max_open_orders=8))
        await staged(stage, low="50000", high="60000", count=101)
        assert stage.resting() == ["59300", "59400", "59500", "59600", "59700", "59800", "59900", "60000"]
        for price in ("59450", "59050", "59990", "58500", "60900", "59000"):
            await stage.beats(4, price)
            assert len(stage.resting()) <= 8
        stage.agree()

    run(story())
