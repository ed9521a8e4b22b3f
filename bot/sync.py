"""Grids from a plain script: no chat, no async, no clockwork; the script calls `process_tick` as often as it likes.

Rule: the same manager as the worker's, on a private event loop in a private thread, so neither the script's own loop
nor its decimal context is touched. What the exchange says between two ticks is heard and waits for the next one, which
alone decides. Between two saves the session lives in memory; a saved session holds the pretend exchange as well, both
as of the same moment, so a loaded one goes on exactly there.

    client = Client(exchange="simulated", symbol="BTC/USDT")
    # or: Client("bybit", "BTC/USDT", mode="live", api_key=…, api_secret=…)
    manager = TradeManager(client, maker_offset_buy=0.1, maker_offset_sell=0.1)
    manager.create_linear_traders(min_p=60000, max_p=65000, count=10, qty=0.001, profit=0.5, loop=True)
    manager.process_tick()
"""

import asyncio
import time
import weakref
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from bot import manager as trader
from bot.clock import SystemClock
from bot.core.accounting import RoundTrip
from bot.core.grids import GridSpec, Shape
from bot.core.model import Balance, Quote
from bot.core.portfolio import Grid
from bot.core.preview import Preview
from bot.core.pricing import Offset, Offsets
from bot.core.words import checked
from bot.errors import CommandError, StateCorrupt
from bot.ledger.logs import MemoryLedger
from bot.ports import Policy, World
from bot.reports.views import GridView, grid_views
from bot.storage.memory_store import MemoryStore
from bot.storage.tinydb_store import load, save
from bot.trading.state import TradingState
from bot.wiring.background import Background
from bot.wiring.client import Client, Number, decimal

__all__ = ["Client", "TradeManager"]

T = TypeVar("T")

PRETEND = "simulated"
"""Under this name a session holds its pretend exchange."""
ANSWERS_SECONDS = 2.0
"""How long a tick waits for the exchange's answers to what it sent; later ones are folded by the next."""
END_SECONDS = 5.0
AUDIT_SECONDS = 45.0


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
            leverage=client.settings.leverage,
            max_exposure=None if max_exposure is None else decimal(max_exposure),
        )
        self._ledger = MemoryLedger()
        self._background = Background()
        self._audited_at = time.monotonic()
        self._end = weakref.finalize(self, _end, self._background, client)  # a script may end without a word
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
        """One heartbeat: look at the market, fold what happened, place and cancel what is wanted. On a real exchange
        its answers are awaited for up to two seconds."""
        self._do(self._tick())

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

    def release(self, cancel: bool = False) -> int:
        """Begin anew on an account where an earlier run of this script, whose session is lost, left orders: they are
        cancelled, or left alone. Needed only where the first grid is refused because of them. Returns how many."""
        return self._do(self._manager.inheritance.release(cancel=cancel))

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
        """Go on with a saved session of this account in place of this one. FileNotFoundError, StateError."""
        self._manager = self._do(self._load(Path(path)))

    def close(self) -> None:
        """Let go of thread, files and sockets; orders stay on the exchange. What is not saved is gone."""
        self._end.detach()
        try:
            self._do(self._client.close())
        finally:
            self._background.close()
            self._client.forget()

    async def _begin(self, store: MemoryStore) -> trader.TradeManager:
        exchange, ledger = await self._client.open(), self._ledger
        world = World(data=exchange.data, gateway=exchange.gateway, store=store, ledger=ledger, clock=SystemClock())
        manager = trader.TradeManager(world, self._policy, self._client.identity)
        await manager.load(exchange.rest_until)
        await manager.desk(self._client.symbol)
        exchange.listen(manager.hear)
        await manager.start()
        return manager

    async def _tick(self) -> None:
        manager, loop = self._manager, asyncio.get_running_loop()
        await manager.beat()
        end = loop.time() + ANSWERS_SECONDS
        while (left := end - loop.time()) > 0 and await self._client.answered(left):
            await manager.beat()
        if time.monotonic() - self._audited_at >= AUDIT_SECONDS:
            self._audited_at = time.monotonic()
            await manager.audit()

    async def _save(self, path: Path) -> None:
        await self._manager.fold()
        tables = dict(await self._manager.world.store.load())
        packed = await self._client.pack()
        save(path, {**tables, "exchange": {PRETEND: packed}} if packed else tables)

    async def _load(self, path: Path) -> trader.TradeManager:
        tables = {name: dict(rows) for name, rows in load(path).items()}
        packed = tables.pop("exchange", {}).get(PRETEND, {})
        if "meta" not in tables:
            raise StateCorrupt(f"{path} holds no session of a script; expected a file made by save_to_disk")
        TradingState(self._client.identity).load(tables, self._client.identity)  # another's is refused
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
        return self._background.run(work)


def _end(background: Background, client: Client) -> None:
    """A script ends, or has let go of its manager: nothing is left open."""
    if not background.is_here():
        background.run(client.hang_up(), END_SECONDS)
        background.close()


def _offset(value: Number) -> Offset:
    text = str(value)
    return Offset(ratio=decimal(text.rstrip("%")) / 100) if text.endswith("%") else Offset(absolute=decimal(value))
