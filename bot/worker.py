"""The worker: adapters -> TradeManager -> clockwork and chat, from the first beat to the last line kept.

Rule: the only place that asks which exchange and mode it is. Trading does not wait for the chat, but for an owner. A
stop sends nothing new, awaits what is in flight, keeps the state, and leaves the orders on the exchange.
"""

import asyncio
import hashlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.core.client_ids import DIGITS
from bot.core.grids import Shape
from bot.core.preview import Preview
from bot.core.pricing import Offsets
from bot.core.snapshot import Trouble
from bot.core.words import as_command
from bot.errors import MarketError, SettingsError, StateCorrupt, StateError
from bot.exchange.paper import PaperGateway
from bot.exchange.simulated import SimulatedMarket, open_simulated
from bot.heartbeat import World
from bot.ledger import FileLedger
from bot.manager import TradeManager
from bot.ports import Policy
from bot.scheduler import AUDIT_SECONDS, FOLD_SECONDS, Schedule, Watchdog
from bot.settings import Settings
from bot.state import Identity
from bot.storage.tinydb_store import TinyDBStore
from bot.suggestion import suggested
from bot.uptime import Uptime
from handlers import statements
from handlers.application import ChatService
from handlers.commands import COMMANDS, TABLE
from handlers.context import Chat, ChatConfig
from handlers.notify import Outbox
from handlers.pace import Pace, unhurried
from handlers.people import People
from handlers.questions import Questions
from handlers.terminal import PERSON, TOKEN, Terminal

EXIT_USAGE = 2
STOP_SECONDS = 4.5
"""All of a stop, with some way to go to the 5 s a host may grant."""


def identity(settings: Settings) -> Identity:
    """BOT_ID and the account, by a fingerprint of its key."""
    token, key = settings.telegram_bot_token, settings.exchange_api_key
    source = token.get_secret_value().partition(":")[0] if token else key.get_secret_value() if key else "terminal"
    number = int.from_bytes(hashlib.sha256(source.encode()).digest()[:8])
    bot = settings.bot_id or "".join(DIGITS[number // 36**place % 36] for place in range(3))
    if settings.exchange == "simulated":
        return Identity(bot, "simulated")
    account = hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:12] if key else "no key"
    return Identity(bot, f"{settings.exchange} {settings.exchange_mode} {account}")


def policy(settings: Settings) -> Policy:
    return Policy(
        offsets=Offsets(settings.maker_offset_buy, settings.maker_offset_sell),
        max_open_orders=settings.max_open_orders,
        max_exposure=settings.max_exposure,
        max_daily_loss=settings.max_daily_loss,
        timezone=settings.timezone,
    )


def open_exchange(settings: Settings) -> tuple[SimulatedMarket, PaperGateway]:
    """Market data and orders, by exchange and mode. StateError."""
    path = settings.results_dir / "exchange.db"
    if any(settings.results_dir.glob("state.*")) and not path.exists():
        raise StateCorrupt(
            f"{path} is gone, though the state tells of orders on that pretend exchange: put it back, "
            f"or begin anew by removing {settings.results_dir}"
        )
    return open_simulated(path, SystemClock(), settings.simulated_seed, settings.paper_funds, settings.paper_maker_fee)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is put together from."""

    manager: TradeManager
    gateway: PaperGateway
    ledger: FileLedger
    chat: ChatService
    terminal: Terminal | None


class Worker:
    """One life of the worker."""

    def __init__(self, settings: Settings, log_tail: Callable[[int], Sequence[str]]) -> None:
        self._settings = settings
        self._log_tail = log_tail
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        token = settings.telegram_bot_token
        self._token = token.get_secret_value() if token is not None else None

    async def run(self) -> int:
        """Until a signal. SettingsError, StateError when it can't begin."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        parts = await self._build()
        schedule = Schedule(self._settings.timezone)
        watchdog = Watchdog(self._mind(parts.manager))
        try:
            await self._trade(parts, schedule, watchdog)
        finally:
            watchdog.stop()
            await self._shut(parts, schedule)
        return self._exit_code

    async def _build(self) -> Parts:
        settings = self._settings
        mode = "simulated" if settings.exchange == "simulated" else settings.exchange_mode
        config = ChatConfig(
            default_symbol=settings.symbol,
            tag="" if mode == "live" else f"({mode})",
            mode=mode,
            timezone=settings.timezone,
            results_dir=settings.results_dir,
        )
        store = TinyDBStore(settings.results_dir)
        outbox = Outbox(config)
        ledger = FileLedger(settings.results_dir / "pnl.log", config.mode)
        data, gateway = open_exchange(settings)
        world = World(data=data, gateway=gateway, store=store, ledger=ledger, clock=SystemClock(), notifier=outbox)
        manager = TradeManager(world, policy(settings), identity(settings))
        await manager.load()
        if store.recovery.note:
            manager.recovered(store.recovery.note)
        try:
            await manager.desk(settings.symbol)
        except MarketError as error:
            raise SettingsError(f"SYMBOL: {error}") from None
        terminal = None if self._token else self._terminal(manager, settings.results_dir)
        people = People([PERSON] if terminal else settings.telegram_owner_ids, settings.telegram_viewer_ids)
        people.recall(manager.state.notes.get("chat", {}))
        pace = unhurried() if terminal else Pace()
        chat = ChatService(
            Chat(manager, config, people, Questions(), pace, log_tail=self._log_tail),
            outbox,
            TABLE,
            token=self._token or TOKEN,
            api_url=settings.telegram_api_url if self._token else None,
            requests=terminal.requests if terminal else None,
            finished=terminal.finished if terminal else None,
            announce=lambda line: print(line, flush=True),
        )
        return Parts(manager, gateway, ledger, chat, terminal)

    async def _trade(self, parts: Parts, schedule: Schedule, watchdog: Watchdog) -> None:
        """Begin, in the order in which each needs the other, and go on until somebody stops it."""
        manager, settings = parts.manager, self._settings
        people = parts.chat.chat.people
        if not people.is_claimed:
            await parts.chat.start()
            await self._first(people.claimed.wait(), self._stop.wait())
            if self._stop.is_set():
                return
        await manager.start()
        uptime = Uptime(settings.heartbeat_url.get_secret_value()) if settings.heartbeat_url else None

        async def beat() -> None:
            await manager.beat()
            watchdog.beaten()
            if uptime is not None and not manager.heartbeat.troubles:
                uptime.beaten()

        schedule.every(settings.tick_seconds, beat, "heartbeat")
        schedule.every(AUDIT_SECONDS, manager.audit, "audit")
        schedule.every(FOLD_SECONDS, manager.fold, "fold")
        if settings.daily_report_at is not None:
            schedule.daily(settings.daily_report_at, manager.report, "daily report")
        schedule.start()
        watchdog.start()
        if parts.terminal is not None:
            parts.terminal.start()
            await parts.terminal.show(statements.start("", parts.chat.chat.config.tag, owner=True))
        if not parts.chat.application.running:
            await parts.chat.start()
        await self._stop.wait()

    async def _shut(self, parts: Parts, schedule: Schedule) -> None:
        """Begin nothing new, await what is in flight, keep the state. Orders stay on the exchange."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(schedule.stop(STOP_SECONDS / 2), parts.chat.stop())
                await parts.manager.close()
                await parts.ledger.close()
                await parts.gateway.close()
        except (TimeoutError, StateError) as error:
            print(f"stopped, but not everything could be folded ({str(error) or 'time is up'})", file=sys.stderr)

    async def _first(self, *waits: Coroutine[Any, Any, object]) -> None:
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

    # -- the terminal ----------------------------------------------------------------------------------------------

    def _terminal(self, manager: TradeManager, results_dir: Path) -> Terminal:
        return Terminal(
            stdin=sys.stdin,
            stdout=sys.stdout,
            results_dir=results_dir,
            now=manager.world.clock.now,
            words=[command.name for command in COMMANDS],
            on_end=lambda had_lines: self._input_ended(manager, had_lines),
            on_quit=self._stop.set,
        )

    def _input_ended(self, manager: TradeManager, had_lines: bool) -> None:
        if had_lines or manager.state.grids:
            return
        if self._settings.exchange != "simulated":
            print("TELEGRAM_BOT_TOKEN: with no input to read, a token is needed to command the bot", file=sys.stderr)
            self._exit_code = EXIT_USAGE
            self._stop.set()
            return
        self._spawn(self._demonstrate(manager))

    async def _demonstrate(self, manager: TradeManager) -> None:
        """Nobody types: show what a grid does."""
        symbol = self._settings.symbol
        print("Nothing was typed, so here is a small demonstration grid on the simulated market.", flush=True)
        made = await manager.create(await suggested(manager, Shape.NORMAL, symbol))
        if isinstance(made, Preview):  # the market leapt in between: it is what it is now
            made = await manager.create(made)
        if not isinstance(made, Preview):
            print(f"{made.id}: {as_command(made.spec)}\nCtrl-C stops the worker.", flush=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _mind(self, manager: TradeManager) -> Callable[[float, bool], None]:
        def heart_is_late(age: float, over: bool) -> None:
            why = f"no heartbeat for {age:.0f} s"
            self._spawn(manager.tell(Trouble(manager.world.clock.now(), "heartbeat", why, over)))

        return heart_is_late
