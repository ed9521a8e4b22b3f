"""The worker: adapters -> TradeManager -> clockwork and chat, from the first beat to the last line kept.

Rule: the only place that asks which exchange and mode it is. Trading does not wait for the chat, but for an owner. A
stop sends nothing new, awaits what is in flight, keeps the state, and leaves the orders on the exchange.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.core.events import Event
from bot.core.grids import Shape
from bot.core.preview import Preview
from bot.core.pricing import Offsets
from bot.core.snapshot import Trouble
from bot.core.words import as_command
from bot.errors import BotError, MarketError, MarketUnknown, SettingsError, StateError
from bot.heartbeat import World
from bot.ledger import FileLedger
from bot.manager import TradeManager
from bot.opening import Exchange, identity, open_exchange, permitted
from bot.ports import Policy
from bot.scheduler import AUDIT_SECONDS, FOLD_SECONDS, Schedule, Watchdog
from bot.settings import Settings
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

log = logging.getLogger(__name__)

EXIT_USAGE = 2
ADMIT_SECONDS = 60
REFRESH_SECONDS = 3600
STOP_SECONDS = 4.5
"""All of a stop, with some way to go to the 5 s a host may grant."""


def policy(settings: Settings) -> Policy:
    return Policy(
        offsets=Offsets(settings.maker_offset_buy, settings.maker_offset_sell),
        max_open_orders=settings.max_open_orders,
        max_exposure=settings.max_exposure,
        max_daily_loss=settings.max_daily_loss,
        leverage=settings.leverage,
        timezone=settings.timezone,
        ask_first=settings.exchange != "simulated" and settings.exchange_mode == "live",
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is put together from."""

    manager: TradeManager
    exchange: Exchange
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
        exchange = open_exchange(settings, SystemClock(), settings.results_dir)
        world = World(
            data=exchange.data,
            gateway=exchange.gateway,
            store=store,
            ledger=ledger,
            clock=SystemClock(),
            notifier=outbox,
        )
        manager = TradeManager(world, policy(settings), identity(settings))
        try:
            await self._begin(manager, exchange, store)
        except BotError:
            await exchange.close()
            raise
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
        return Parts(manager, exchange, ledger, chat, terminal)

    async def _begin(self, manager: TradeManager, exchange: Exchange, store: TinyDBStore) -> None:
        """Load the state and make sure that the account is one to trade on. SettingsError, StateError."""
        await manager.load()
        exchange.rest_until(manager.state.meta.quiet_until)
        if store.recovery.note:
            manager.recovered(store.recovery.note)
        await self._admit(manager, exchange)
        try:
            await manager.desk(self._settings.symbol)
        except MarketUnknown as error:
            raise SettingsError(f"SYMBOL: {error}") from None
        except MarketError as error:  # the exchange can't be asked: it may answer later
            log.warning("%s", error)

    async def _admit(self, manager: TradeManager, exchange: Exchange) -> None:
        """Look what the key may do; until that is known nothing is sent. SettingsError where it may too much."""
        gate = manager.heartbeat.gate
        try:
            log.info("the API key %s", await permitted(exchange, self._settings))
            gate.barred = ""
        except MarketError as error:
            gate.barred = f"waits to learn what the API key may do: {error}"

    async def _admit_later(self, manager: TradeManager, exchange: Exchange) -> None:
        if not manager.heartbeat.gate.barred:
            return
        try:
            await self._admit(manager, exchange)
        except SettingsError as error:
            print(error, file=sys.stderr)
            self._exit_code = EXIT_USAGE
            self._stop.set()

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

        def hear(events: Sequence[Event]) -> None:
            manager.hear(events)
            schedule.now(beat, "heartbeat")

        schedule.every(settings.tick_seconds, beat, "heartbeat")
        schedule.every(AUDIT_SECONDS, manager.audit, "audit")
        schedule.every(FOLD_SECONDS, manager.fold, "fold")
        schedule.every(ADMIT_SECONDS, lambda: self._admit_later(manager, parts.exchange), "key")
        schedule.every(REFRESH_SECONDS, manager.refresh_markets, "markets")
        if settings.daily_report_at is not None:
            schedule.daily(settings.daily_report_at, manager.report, "daily report")
        parts.exchange.listen(hear)
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
                await parts.exchange.close()
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
