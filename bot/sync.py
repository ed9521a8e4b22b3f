"""Grids from a plain script: no chat, no async, no clockwork; the script calls `process_tick` as often as it likes.

Rule: the same manager as the worker's, on a private event loop in a private thread, so neither the script's own loop
nor its decimal context is touched. Between two saves the session lives in memory; a saved session holds the pretend
exchange as well, both as of the same moment, so a loaded one goes on exactly there.

    client = Client(exchange="simulated", symbol="BTC/USDT")
    manager = TradeManager(client, maker_offset_buy=0.1, maker_offset_sell=0.1)
    manager.create_linear_traders(min_p=60000, max_p=65000, count=10, qty=0.001, profit=0.5, loop=True)
    manager.process_tick()
"""

import asyncio
import base64
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

from bot import manager as trader
from bot.clock import SystemClock
from bot.core.accounting import RoundTrip
from bot.core.grids import GridSpec, Shape
from bot.core.model import Balance, Quote
from bot.core.money import use_exact
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.pricing import Offset, Offsets
from bot.core.words import checked
from bot.errors import CommandError, SettingsError
from bot.exchange.paper import PaperGateway
from bot.exchange.simulated import SimulatedMarket, open_simulated
from bot.heartbeat import World
from bot.ledger import MemoryLedger
from bot.ports import MarketData, OrderGateway, Policy
from bot.state import Identity
from bot.storage.memory_store import MemoryStore
from bot.storage.tinydb_store import load, save
from bot.views import GridView, grid_views

T = TypeVar("T")
Number = int | float | str | Decimal

IDENTITY = Identity("lib", "simulated script")
FUNDS = {"USDT": Decimal(10_000)}
MAKER_FEE_RATIO = Decimal("0.001")


class Client:
    """An account on an exchange, for one symbol. `exchange` is `simulated`: the built-in market, no network.

    `funds` found the pretend account (`{"USDT": 10000}`), `maker_fee` is a per cent, `seed` makes prices repeatable.
    """

    def __init__(
        self,
        exchange: str = "simulated",
        symbol: str = "BTC/USDT",
        *,
        funds: Mapping[str, Number] | None = None,
        maker_fee: Number = "0.1",
        seed: int | None = None,
    ) -> None:
        if exchange != "simulated":
            raise SettingsError(
                f"exchange: this version trades the built-in market, expected 'simulated', got {exchange!r}"
            )
        self.symbol = symbol
        self._funds = {name: decimal(amount) for name, amount in funds.items()} if funds is not None else FUNDS
        self._fee_ratio = decimal(maker_fee) / 100
        self._seed = seed
        self._folder = Path(tempfile.mkdtemp(prefix="rexlapis-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # a script may end without a word
        self._file = self._folder / "exchange.db"
        self._gateway: PaperGateway | None = None

    def open(self) -> tuple[MarketData, OrderGateway]:
        """Begin, or go on after `restore`. Called by the manager, on its own thread."""
        made: tuple[SimulatedMarket, PaperGateway] = open_simulated(
            self._file, SystemClock(), self._seed, self._funds, self._fee_ratio
        )
        self._gateway = made[1]
        return made

    async def pack(self) -> dict[str, object]:
        """The pretend exchange as it stands."""
        assert self._gateway is not None
        await self._gateway.settled()
        connection = sqlite3.connect(self._file)
        try:
            return {"file": base64.b64encode(connection.serialize()).decode()}
        finally:
            connection.close()

    async def restore(self, packed: Mapping[str, object]) -> None:
        """Put a packed exchange in place of the present one."""
        content = base64.b64decode(str(packed["file"]))
        await self.close()
        for leftover in self._folder.iterdir():
            leftover.unlink()
        self._file.write_bytes(content)

    async def close(self) -> None:
        if self._gateway is not None:
            gateway, self._gateway = self._gateway, None
            await gateway.close()

    def forget(self) -> None:
        """Remove what lies on the disk, once it is closed."""
        shutil.rmtree(self._folder, ignore_errors=True)


class TradeManager:
    """Many levels traded by one object. Prices in quote currency, amounts in base coin, profit in per cent.

    Offsets are distances kept from the market in quote currency, or per cent of the price as a string (`"0.01%"`).
    Every method may raise BotError, whose message is made for people.
    """

    def __init__(
        self,
        client: Client,
        maker_offset_buy: Number = 0,
        maker_offset_sell: Number = 0,
        *,
        max_open_orders: int | None = None,
        max_exposure: Number | None = None,
    ) -> None:
        self._client = client
        self._policy = Policy(
            offsets=Offsets(_offset(maker_offset_buy), _offset(maker_offset_sell)),
            max_open_orders=max_open_orders,
            max_exposure=None if max_exposure is None else decimal(max_exposure),
        )
        self._ledger = MemoryLedger()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rexlapis", initializer=use_exact)
        self._runner = asyncio.Runner()
        self._manager = self._do(self._begin(MemoryStore()))

    # -- grids -----------------------------------------------------------------------------------------------------

    def create_linear_traders(
        self, min_p: Number, max_p: Number, count: int, qty: Number, profit: Number, loop: bool = False
    ) -> Grid:
        """Equally spaced entries, both ends included."""
        return self._create(self._spec(Shape.LINEAR, min_p, max_p, count, qty, profit, loop))

    def create_geometric_traders(
        self, min_p: Number, max_p: Number, count: int, qty: Number, profit: Number, loop: bool = False
    ) -> Grid:
        """Entries at equal ratios, both ends included."""
        return self._create(self._spec(Shape.GEOMETRIC, min_p, max_p, count, qty, profit, loop))

    def create_normal_traders(
        self,
        min_p: Number,
        max_p: Number,
        count: int,
        qty: Number,
        profit: Number,
        loop: bool = False,
        mean: Number | None = None,
        sigma: Number = 6.0,
    ) -> Grid:
        """Gaussian entries, dense around the mean (the centre unless given), both ends included."""
        spec = self._spec(Shape.NORMAL, min_p, max_p, count, qty, profit, loop)
        return self._create(replace(spec, mean=None if mean is None else decimal(mean), sigma=decimal(sigma)))

    def add_trade(
        self,
        target_entry: Number,
        target_exit: Number,
        qty: Number,
        loop_trade: bool = False,
        symbol: str | None = None,
    ) -> Grid:
        """One level with an exit of its own: buy at `target_entry`, sell at `target_exit`."""
        entry, exit_, amount = decimal(target_entry), decimal(target_exit), decimal(qty)
        return self._do(self._manager.add_trade(symbol or self._client.symbol, entry, exit_, amount, loop_trade))

    # -- trading ---------------------------------------------------------------------------------------------------

    def process_tick(self) -> None:
        """One heartbeat: look at the market, fold what happened, place and cancel what is wanted."""
        self._do(self._manager.beat())

    def pause(self, target: str = "all") -> list[str]:
        """Entries leave the book, exits stay; of a grid (`g1`), a level (`g1.7`) or `all`."""
        return self._do(self._manager.pause(target))

    def resume(self, target: str = "all") -> list[str]:
        return self._do(self._manager.resume(target))

    def stop(self, target: str = "all", how: str = "finish") -> list[str]:
        """End grids: `finish` (held levels sell at their exits), `keep` the coins, or `sell` them at once."""
        ways = {"finish": self._manager.finish, "keep": self._manager.keep_coins, "sell": self._manager.sell}
        if how not in ways:
            raise CommandError(f"how to stop: expected finish, keep or sell, got {how!r}")
        return self._do(ways[how](target))

    # -- looking ---------------------------------------------------------------------------------------------------

    @property
    def grids(self) -> list[GridView]:
        """The grids that run, each with its levels, orders and profit."""
        return self._do(self._look())

    @property
    def closed_trades(self) -> Sequence[RoundTrip]:
        """Closed trades since this session was begun or loaded, oldest first."""
        return tuple(self._ledger.trades)

    @property
    def balances(self) -> Mapping[str, Balance]:
        return self._do(self._manager.balances())

    @property
    def quote(self) -> Quote:
        return self._do(self._manager.quote(self._client.symbol))

    # -- keeping ---------------------------------------------------------------------------------------------------

    def save_to_disk(self, path: str | Path) -> None:
        """Keep the whole session in one file, all or nothing. StateUnwritable; an older file is then as it was."""
        self._do(self._save(Path(path)))

    def load_from_disk(self, path: str | Path) -> None:
        """Go on with a saved session in place of this one. FileNotFoundError, StateError."""
        self._manager = self._do(self._load(Path(path)))

    def close(self) -> None:
        """Let go of thread and files. What is not saved is gone."""
        self._do(self._client.close())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()
        self._client.forget()

    async def _begin(self, store: MemoryStore) -> trader.TradeManager:
        data, gateway = self._client.open()
        world = World(data=data, gateway=gateway, store=store, ledger=self._ledger, clock=SystemClock())
        manager = trader.TradeManager(world, self._policy, IDENTITY)
        await manager.start()
        await manager.desk(self._client.symbol)
        return manager

    async def _save(self, path: Path) -> None:
        await self._manager.fold()
        tables = dict(await self._manager.world.store.load())
        save(path, {**tables, "exchange": {"simulated": await self._client.pack()}})

    async def _load(self, path: Path) -> trader.TradeManager:
        tables = {name: dict(rows) for name, rows in load(path).items()}
        packed = tables.pop("exchange", {}).get("simulated")
        if packed is None:
            raise CommandError(f"{path} holds no session of a script; expected a file made by save_to_disk")
        await self._client.restore(cast("Mapping[str, object]", packed))
        store = MemoryStore()
        store.tables = tables
        return await self._begin(store)

    async def _look(self) -> list[GridView]:
        return grid_views(self._manager)

    def _spec(
        self, shape: Shape, min_p: Number, max_p: Number, count: int, qty: Number, profit: Number, loop: bool
    ) -> GridSpec:
        return GridSpec(
            shape=shape,
            symbol=self._client.symbol,
            minimum=decimal(min_p),
            maximum=decimal(max_p),
            count=count,
            amount=decimal(qty),
            budget=None,
            profit_pct=decimal(profit),
            loop=loop,
        )

    def _create(self, spec: GridSpec) -> Grid:
        return self._do(self._created(spec))

    async def _created(self, spec: GridSpec) -> Grid:
        made: Grid | Preview = await self._manager.preview(checked(spec))
        while isinstance(made, Preview):  # a script agrees to whatever the market has become meanwhile
            made = await self._manager.create(made)
        return made

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._runner.run, work).result()


def decimal(value: Number) -> Decimal:
    """A number as a person would write it: 0.1 is one tenth, not its binary neighbour."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _offset(value: Number) -> Offset:
    text = str(value)
    return Offset(ratio=decimal(text.rstrip("%")) / 100) if text.endswith("%") else Offset(absolute=decimal(value))
