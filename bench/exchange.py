"""A real exchange, as far as loopback goes: how fast a fill is answered, how many requests a beat, a restart and a grid
cost. The venue is the tests' own, in a thread of its own."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any, ClassVar

from bot.core.actions import Action
from bot.core.events import Event
from bot.core.grids import GridSpec, Shape
from bot.core.money import use_exact
from bot.core.preview import Preview
from bot.exchange.ccxt_gateway import CcxtGateway
from bot.exchange.ccxt_market import CcxtMarket
from bot.exchange.connection import connect
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.scheduler import Schedule
from bot.storage.tinydb_store import TinyDBStore
from bot.trading.state import Identity
from tests.venue.binance import BinanceVenue
from tests.venue.bybit import BybitVenue
from tests.venue.events import Event as Happening
from tests.venue.events import Traded
from tests.venue.server import Asked, Clock, Venue, threaded

COINS = ("BTC", "ETH", "SOL", "XRP")
BEATS = 30
FILLS = 200


class VenueClock:
    """The venue's time, which can be moved ahead."""

    def __init__(self, venue: "Venue | Elsewhere") -> None:
        self._venue = venue

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._venue.clock() / 1000, UTC)


class TimedGateway(CcxtGateway):
    """Notes when orders were sent: from Python 3.12 on they are written to the socket by the time `submit` returns."""

    sent: ClassVar[list[float]] = []

    async def submit(self, actions: Sequence[Action], stands: Callable[[Action], bool]) -> Sequence[Event]:
        events = await super().submit(actions, stands)
        self.sent.append(perf_counter())
        return events


class TimedBinance(BinanceVenue):
    """Notes when a trade was made and when the next order arrived."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.traded_at = 0.0
        self.reactions: list[tuple[float, float]] = []
        self._arrived = asyncio.Event()
        self.ledger.subscribe(self._note)

    def _note(self, event: Happening) -> None:
        if isinstance(event, Traded) and not self.traded_at:
            self.traded_at = perf_counter()

    async def reacted(self, seen: int) -> None:
        """Wait until more than `seen` fills were answered."""
        while len(self.reactions) <= seen:
            self._arrived.clear()
            await self._arrived.wait()

    def kind_of(self, asked: Asked) -> str:
        if asked.method == "POST" and asked.path == "/api/v3/order" and self.traded_at:
            self.reactions.append((self.traded_at, perf_counter()))
            self.traded_at = 0.0
            self._arrived.set()
        return super().kind_of(asked)


@dataclass
class Life:
    """One worker's trading, from load to close."""

    manager: TradeManager
    gateway: CcxtGateway
    venue: "Venue | Elsewhere"

    async def beats(self, count: int, pause: float = 0.0) -> None:
        for _ in range(count):
            self.venue.clock.forward(2_000)
            await self.manager.beat()
            await asyncio.sleep(pause)

    async def until_placed(self) -> None:
        executors = self.manager.state.executors.values()
        while not all(each.order is not None and each.order.accepted for each in executors):
            await self.beats(1, 0.01)


@asynccontextmanager
async def living(venue: "Venue | Elsewhere", name: str, folder: Path, streams: bool) -> AsyncIterator[Life]:
    options = venue.exchange_options() | {"rateLimit": 0.001}
    options["options"] = options.get("options", {}) | {"streams": streams}
    clock = VenueClock(venue)
    connection = connect(name, "live", {"key": "key", "secret": "secret"}, options, clock)
    assert connection.venue is not None
    data = CcxtMarket(connection, has_key=False)
    gateway = TimedGateway(connection, connection.venue, data)
    world = World(data, gateway, TinyDBStore(folder), MemoryLedger(), clock)
    manager = TradeManager(world, Policy(), Identity("abc", name))
    schedule = Schedule(UTC)  # wakes as in the worker; its times are ours to choose

    def hear(events: Any) -> None:
        manager.hear(events)
        schedule.now(manager.beat, "heartbeat")

    gateway.listen(hear)
    await manager.start()
    schedule.start()
    try:
        yield Life(manager, gateway, venue)
    finally:
        await schedule.stop(5)
        await manager.close()
        await gateway.close()


@asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def opened(kind: type[Any], symbols: int = 1) -> Any:
    venue = kind()
    venue.check_time = False
    for coin in COINS[:symbols]:
        venue.add_spot(f"{coin}USDT", bid="60500.00", ask="60500.01", max_open_orders=2_000)
    venue.ledger.add_account("key", "secret", {"USDT": "100000000"})
    if isinstance(venue, BinanceVenue):
        venue.desk.order_limit = venue.weight_limit = None  # requests are counted here, not paced
    return venue


async def laid(life: Life, symbol: str, count: int) -> None:
    low, high = Decimal(40_000), Decimal(60_400)
    spec = GridSpec(Shape.LINEAR, symbol, low, high, count, Decimal("0.001"), None, Decimal("0.5"), loop=True)
    made = await life.manager.create(await life.manager.preview(spec))
    assert not isinstance(made, Preview)
    await life.until_placed()


class Elsewhere:
    """A venue in a process of its own, as exchanges are: where it listens, and a clock that can be moved ahead here."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self.clock = Clock()

    def exchange_options(self) -> dict[str, Any]:
        return self._options


def swinging(pipe: Connection) -> None:
    """The other process: once there is an order, swing the price through it again and again, and say when each trade
    was made and answered."""
    use_exact()

    async def swing() -> list[tuple[float, float]]:
        async with opened(TimedBinance) as venue:
            pipe.send(venue.exchange_options())
            market = next(iter(venue.ledger.markets.values()))
            venue.clock.forward(await asyncio.to_thread(pipe.recv))
            for turn in range(FILLS):
                bid = Decimal("59990" if turn % 2 == 0 else "60700")
                market.move(bid, bid + Decimal("0.01"))
                await asyncio.wait_for(venue.reacted(turn), 10)
                await asyncio.sleep(0.02)  # the acknowledgement, before the price turns
            return list(venue.reactions)

    pipe.send(asyncio.run(swing()))


def reaction() -> tuple[list[float], list[float]]:
    """Seconds from each fill on the exchange until the counter-order was sent, and until it arrived there, with
    streams. The clock is the same for both processes."""
    ours, theirs = Pipe()
    process = get_context("spawn").Process(target=swinging, args=(theirs,), daemon=True)
    process.start()

    async def measure() -> list[tuple[float, float]]:
        price, amount = Decimal(60_000), Decimal("0.001")
        spec = GridSpec(Shape.LINEAR, "BTC/USDT", price, price, 1, amount, None, Decimal("0.5"), loop=True)
        venue = Elsewhere(await asyncio.to_thread(ours.recv))
        async with folder() as path, living(venue, "binance", path, True) as life:
            made = await life.manager.create(await life.manager.preview(spec))
            assert not isinstance(made, Preview)
            await life.beats(20, 0.01)
            ours.send(venue.clock.ahead_ms)
            found: list[tuple[float, float]] = await asyncio.to_thread(ours.recv)
            return found

    found = asyncio.run(asyncio.wait_for(measure(), 60))
    process.join(5)
    sent = [min(at for at in TimedGateway.sent if at > traded) - traded for traded, _ in found]
    return sent, [arrived - traded for traded, arrived in found]


def spread(seconds: list[float]) -> str:
    return f"p50 {median(seconds) * 1e3:.1f} ms, p99 {quantiles(seconds, n=100)[98] * 1e3:.1f} ms"


def requests(count: int, streams: bool) -> float:
    """REST requests a beat with `count` resting orders on one symbol."""

    async def measure(venue: Any) -> float:
        async with folder() as path, living(venue, "binance", path, streams) as life:
            await laid(life, "BTC/USDT", count)
            await life.beats(15, 0.01)
            before = len(venue.witness.calls)
            await life.beats(BEATS, 0.01)
            return (len(venue.witness.calls) - before) / BEATS

    with threaded(opened(BinanceVenue)) as venue:
        return asyncio.run(measure(venue))


def restart(count: int) -> tuple[float, int]:
    """Seconds and requests from a new process's load to nothing being in doubt, with `count` orders on four symbols."""

    async def measure(venue: Any) -> tuple[float, int]:
        async with folder() as path:
            async with living(venue, "bybit", path, streams=True) as life:
                for coin in COINS:
                    await laid(life, f"{coin}/USDT", count // len(COINS))
            before, began = len(venue.witness.calls), perf_counter()
            async with living(venue, "bybit", path, streams=True) as life:
                while life.manager.heartbeat.doubts:
                    await life.beats(1)
                spent = perf_counter() - began
                assert all(each.order is not None for each in life.manager.state.executors.values())
                return spent, len(venue.witness.calls) - before

    with threaded(opened(BybitVenue, len(COINS))) as venue:
        return asyncio.run(measure(venue))


def placing(name: str, count: int) -> tuple[float, int]:
    """Seconds and order requests to lay `count` levels."""

    async def measure(venue: Any) -> tuple[float, int]:
        async with folder() as path, living(venue, name, path, streams=True) as life:
            began = perf_counter()
            await laid(life, "BTC/USDT", count)
            spent = perf_counter() - began
            kinds = Counter(call.kind for call in venue.witness.calls)
            return spent, kinds["create"] + kinds["create_batch"]

    with threaded(opened(BybitVenue if name == "bybit" else BinanceVenue)) as venue:
        return asyncio.run(measure(venue))


def rows() -> Iterator[tuple[str, str]]:
    sent, arrived = reaction()
    yield f"fill on the exchange to counter-order sent, {FILLS} fills, streams", spread(sent)
    yield "the same, to its arrival at the exchange", spread(arrived)
    for streams in (False, True):
        for count in (10, 100, 1_000):
            what = "with" if streams else "without"
            yield f"REST requests a beat, {count:,} executors, {what} streams", f"{requests(count, streams):.2f}"
    spent, asked = restart(1_000)
    yield "restart with 1,000 resting orders on 4 symbols", f"{spent:.2f} s, {asked} requests"
    for name in ("bybit", "binance"):
        spent, asked = placing(name, 200)
        yield f"200 levels laid on {name}", f"{asked} requests, {spent:.2f} s without pacing"
