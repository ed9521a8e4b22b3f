"""The worker: adapters -> TradeManager -> clockwork and chat, from the first beat to the last line kept.

Rule: the only place that asks which exchange and mode it is. Trading does not wait for the chat, but for an owner. A
stop sends nothing new, awaits what is in flight, keeps the state, and leaves the orders on the exchange.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.clock import SystemClock
from bot.core.events import Event
from bot.core.grids import Shape
from bot.core.preview import Preview
from bot.core.snapshot import Notice, StateRestored, Trouble
from bot.core.words import as_command
from bot.errors import BotError, MarketError, MarketUnknown, SettingsError, StateError
from bot.manager import TradeManager
from bot.ports import World
from bot.reports.suggestion import suggested
from bot.scheduler import AUDIT_SECONDS, FOLD_SECONDS, Job, Schedule, Watchdog
from bot.settings import Settings, is_hosted
from bot.storage.lease import Lease
from bot.texts.catalogue import say, speak
from bot.upkeep.restoration import Backup
from bot.upkeep.uptime import Uptime
from bot.upkeep.vault import Vault, is_fleeting, put_in_place
from bot.wiring.keeping import Keeping, open_keeping
from bot.wiring.opening import Exchange, identity, open_exchange, permitted, policy
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig
from handlers.chat.notify import Outbox
from handlers.chat.pace import Pace, unhurried
from handlers.chat.people import People
from handlers.chat.pocket import Pocket, Search
from handlers.chat.questions import Questions
from handlers.commands import COMMANDS, TABLE
from handlers.terminal.requests import PERSON, TOKEN, Terminal
from handlers.words import statements

log = logging.getLogger(__name__)
T = TypeVar("T")

EXIT_USAGE = 2
EXIT_LEASE_LOST = 75
ADMIT_SECONDS = 10
SEARCH_SECONDS = 10
BACKUP_SECONDS = 300
REFRESH_SECONDS = 3600
STOP_SECONDS = 4.5
"""All of a stop, with some way to go to the 5 s a host may grant."""
FAREWELL_SECONDS = 1.5
GRACE_SECONDS = 0.3  # a start that is stopped may end by itself, then is cut off


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker is put together from."""

    manager: TradeManager
    exchange: Exchange
    kept: Keeping
    chat: ChatService
    terminal: Terminal | None
    pocket: Pocket


class Worker:
    """One life of the worker after another: a backup that somebody restores is put in place between two."""

    def __init__(self, settings: Settings, log_tail: Callable[[int], Sequence[str]]) -> None:
        speak(settings.bot_language)
        self._settings = settings
        self._log_tail = log_tail
        self._stop = asyncio.Event()
        self._is_over = False
        self._plan: Backup | None = None
        self._news: Notice | None = None
        self._manager: TradeManager | None = None
        self._console: Terminal | None = None
        self._is_fleeting = settings.database_url is None and is_fleeting(settings.results_dir, is_hosted())
        self._exit_code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        token = settings.telegram_bot_token
        self._token = token.get_secret_value() if token is not None else None

    async def run(self) -> int:
        """Until a signal. SettingsError, StateError when it can't begin."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        await self._live()
        while self._plan is not None and not self._is_over:
            self._plan = None
            self._stop.clear()
            await self._live()
        return self._exit_code

    def _end(self) -> None:
        self._is_over = True
        self._stop.set()

    def _go_on_from(self, backup: Backup) -> None:
        """Somebody, or an empty store, wants the next life to begin from a backup."""
        if not self._stop.is_set():
            self._plan = backup
            self._stop.set()

    async def _live(self) -> None:
        parts = await self._or_stopped(self._build())
        if parts is None:
            return
        schedule = Schedule(self._settings.timezone)
        watchdog = Watchdog(self._mind(parts.manager))
        try:
            await self._trade(parts, schedule, watchdog)
        finally:
            watchdog.stop()
            await self._shut(parts, schedule)

    async def _build(self) -> Parts:
        settings = self._settings
        mode = "simulated" if settings.exchange == "simulated" else settings.exchange_mode
        config = ChatConfig(
            default_symbol=settings.symbol,
            tag=say(f"standing.tag.{mode}"),
            mode=mode,
            timezone=settings.timezone,
            results_dir=settings.results_dir,
        )
        whose = identity(settings)
        kept = await open_keeping(settings, whose, mode, lambda why: print(why, file=sys.stderr, flush=True))
        if kept.lease is not None:
            self._spawn(self._hold(kept.lease))
        outbox = Outbox(config)
        is_exchange_new = not self._pretend.exists() if kept.pretence is None else kept.pretence.is_new
        try:
            exchange = open_exchange(settings, SystemClock(), settings.results_dir, kept.account)
        except BotError:
            await kept.close()
            raise
        world = World(
            data=exchange.data,
            gateway=exchange.gateway,
            store=kept.store,
            ledger=kept.ledger,
            clock=SystemClock(),
            notifier=outbox,
        )
        manager = TradeManager(world, policy(settings), whose)
        manager.heartbeat.gate.fence = kept.refusal
        try:
            await self._begin(manager, exchange, kept)
        except (BotError, asyncio.CancelledError):
            await exchange.close()
            await kept.close()
            raise
        self._manager = manager
        terminal = None if self._token else self._terminal(settings.results_dir)
        if self._token and manager.state.was_empty:
            manager.inheritance.hold()
        has_pretend = exchange.pretend is not None and settings.database_url is None
        vault = Vault(
            manager,
            settings.results_dir,
            self._go_on_from,
            pretend=self._pretend if has_pretend and kept.pretence is None else None,
            is_exchange_new=has_pretend and is_exchange_new,
        )
        people = People([PERSON] if terminal else settings.telegram_owner_ids, settings.telegram_viewer_ids)
        people.recall(manager.state.notes.get("chat", {}))
        pace = unhurried() if terminal else Pace()
        chat = ChatService(
            Chat(manager, config, people, Questions(), pace, log_tail=self._log_tail, vault=vault),
            outbox,
            TABLE,
            token=self._token or TOKEN,
            api_url=settings.telegram_api_url if self._token else None,
            requests=terminal.requests if terminal else None,
            finished=terminal.finished if terminal else None,
            announce=lambda line: print(line, flush=True),
        )
        return Parts(manager, exchange, kept, chat, terminal, Pocket(chat.chat, chat.application.bot))

    @property
    def _pretend(self) -> Path:
        return self._settings.results_dir / "exchange.db"

    async def _begin(self, manager: TradeManager, exchange: Exchange, kept: Keeping) -> None:
        """Load the state and make sure that the account is one to trade on. SettingsError, StateError."""
        await manager.load(exchange.rest_until)
        for note in (kept.store.recovery.note, kept.taken_over):
            if note:
                manager.recovered(note)
        if self._news is not None:
            manager.heartbeat.note(self._news)
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
            self._end()

    async def _trade(self, parts: Parts, schedule: Schedule, watchdog: Watchdog) -> None:
        """Begin, in the order in which each needs the other, and go on until somebody stops it."""
        manager, settings = parts.manager, self._settings
        search = Search(parts.chat.chat, parts.chat.application.bot, has_failed=isinstance(self._news, Trouble))
        begins: tuple[Job, ...] = (lambda: self._claimed(parts.chat), search.look, manager.start)
        for begin in begins:
            if not self._stop.is_set():
                await self._or_stopped(begin())
        if self._stop.is_set():
            return
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
        if self._token:
            schedule.every(BACKUP_SECONDS, parts.pocket.daily, "backup")
            schedule.every(SEARCH_SECONDS, search.look, "search for a backup")
        if settings.daily_report_at is not None:
            schedule.daily(settings.daily_report_at, manager.report, "daily report")
        parts.exchange.listen(hear)
        schedule.start()
        watchdog.start()
        if parts.terminal is not None:
            parts.terminal.awaits_number = lambda: parts.chat.chat.dialogues.wants_number(PERSON)
            parts.terminal.start()
            await parts.terminal.show(statements.start("", parts.chat.chat.config.tag, owner=True))
        if not parts.chat.application.running:
            await parts.chat.start()
        await self._stop.wait()

    @staticmethod
    async def _claimed(chat: ChatService) -> None:
        """Nothing is traded before somebody owns this bot."""
        if not chat.chat.people.is_claimed:
            await chat.start()
            await chat.chat.people.claimed.wait()

    async def _hold(self, lease: Lease) -> None:
        """Renew the lease until it is given back; once it is lost, another copy trades and this one must end."""
        await lease.hold()
        if lease.lost.is_set():
            print(f"{lease.why}: this copy ends", file=sys.stderr)
            self._exit_code = EXIT_LEASE_LOST
            self._end()

    async def _shut(self, parts: Parts, schedule: Schedule) -> None:
        """Begin nothing new, await what is in flight, keep the state. Orders stay on the exchange."""
        parts.exchange.hush()  # or a beat would wait for its turn behind a thousand orders
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._hush(parts, schedule)
                await parts.exchange.close()
                await parts.manager.close()
                await self._put_in_place(parts)
                await parts.kept.close(parts.exchange.was_cut)
        except (TimeoutError, StateError) as error:
            print(f"stopped, but not everything could be folded ({str(error) or 'time is up'})", file=sys.stderr)

    async def _hush(self, parts: Parts, schedule: Schedule) -> None:
        """Begin nothing new in the clockwork and the chat; where the disk may go with this process, the state goes
        into the owner's pocket between the two."""
        if not (self._is_fleeting and self._token and self._is_over and parts.chat.application.running):
            await asyncio.gather(schedule.stop(STOP_SECONDS / 3), parts.chat.stop())
            return
        await schedule.stop(STOP_SECONDS / 4)
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await parts.pocket.farewell()
        await parts.chat.stop()

    async def _put_in_place(self, parts: Parts) -> None:
        """Have the next life begin from the backup that somebody wants; where that fails, from what there was."""
        backup = self._plan
        if backup is None or self._is_over:
            return
        at, pretend = parts.manager.world.clock.now(), parts.chat.chat.vault.is_exchange_new
        try:
            await put_in_place(backup, parts.kept.store, parts.kept.ledger, self._pretend if pretend else None)
            await parts.kept.store.close()
        except StateError as error:
            self._news = Trouble(at, "restore", str(error))
            log.error("a backup could not be restored: %s", error)
        else:
            running = sum(grid.ended_at is None for grid in backup.grids.values())
            self._news = StateRestored(at, backup.made_at, running, len(backup.executors))
            log.warning("going on from a backup of %s", backup.made_at)

    async def _or_stopped(self, work: Awaitable[T]) -> T | None:
        """What the work gives, or None where somebody stops the worker before that: an exchange may be silent."""
        working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            await asyncio.wait((working,), timeout=GRACE_SECONDS)
        if not working.done():
            working.cancel()
            await asyncio.wait((working,), timeout=GRACE_SECONDS)
        return working.result() if working.done() and not working.cancelled() else None

    # -- the terminal ----------------------------------------------------------------------------------------------

    def _terminal(self, results_dir: Path) -> Terminal:
        """There is one for all lives: it reads on."""
        if self._console is None:
            self._console = Terminal(
                stdin=sys.stdin,
                stdout=sys.stdout,
                results_dir=results_dir,
                now=SystemClock().now,
                words=[command.name for command in COMMANDS],
                on_end=self._input_ended,
                on_quit=self._end,
            )
        return self._console

    def _input_ended(self, had_lines: bool) -> None:
        manager = self._manager
        if had_lines or manager is None or manager.state.grids:
            return
        if self._settings.exchange != "simulated":
            print("TELEGRAM_BOT_TOKEN: with no input to read, a token is needed to command the bot", file=sys.stderr)
            self._exit_code = EXIT_USAGE
            self._end()
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
