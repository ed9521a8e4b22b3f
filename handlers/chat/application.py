"""The chat as one running thing: python-telegram-bot on the worker's own loop.

Rule: Telegram's trouble is not the trader's. A start waits a few seconds for the first contact and goes on without it,
a stop is over in seconds; only a token that Telegram refuses at the start ends the worker.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache, partial
from ssl import SSLContext

import httpx
from telegram import BotCommandScopeChat, Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, ContextTypes, MessageHandler, TypeHandler, filters
from telegram.request import BaseRequest, HTTPXRequest

from bot.errors import SettingsError
from handlers import alerts, control
from handlers.chat.access import CLAIM_LIFETIME, Doorman
from handlers.chat.context import Chat, ChatApplication, Context
from handlers.chat.dispatch import Dispatch
from handlers.chat.failures import on_error
from handlers.chat.inbox import Attended, Inbox
from handlers.chat.notify import Outbox
from handlers.chat.pace import Sleep
from handlers.chat.polling import Line, Poller, UpdatesRequest
from handlers.chat.table import Table

log = logging.getLogger(__name__)

FIRST_CONTACT = 5.0
"""Seconds a start waits for Telegram's first answer."""
DRAIN = 1.5
"""Seconds handlers get to finish at the stop."""
CONNECT, READ, POOL, MEDIA = 5.0, 15.0, 5.0, 30.0
DOORMAN, OTHERS = -1, 0

TALKATIVE = ("httpx", "httpcore", "telegram.request.BaseRequest", "telegram.Bot")
"""Loggers that name URLs, which hold the token, or repeat whole answers."""


class ChatService:
    """The chat's life: `start`, then `stop`. `people.claimed` is awaited by whoever must not trade before."""

    def __init__(
        self,
        chat: Chat,
        outbox: Outbox,
        table: Table,
        *,
        token: str,
        api_url: str | None = None,
        requests: tuple[BaseRequest, BaseRequest] | None = None,
        announce: Callable[[str], None] = log.warning,
        finished: Callable[[int], None] | None = None,
        sleep: Sleep = asyncio.sleep,
        drain: float = DRAIN,
    ) -> None:
        """`requests`: for updates and for all else, in place of HTTP. `finished` hears of each update that is done."""
        chat.outbox = outbox
        self.chat = chat
        self.outbox = outbox
        self.doorman = Doorman(announce)
        self.doorman.on_welcome = self._welcome
        self.inbox = Inbox(chat.manager, chat.people, chat.replayed)
        self._finished = finished
        self._attended = Attended(self._done)
        self.application = build(chat, table, self.doorman, self._attended, token, api_url, requests)
        self._sleep = sleep
        self._drain = drain
        self._table = table
        self._line = Line(chat.now)
        self._contact: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._menus: set[int] = set()
        outbox.attach(
            chat.manager,
            chat.people,
            self.application.bot,
            chat.pace,
            partial(control.offer, chat),
            partial(alerts.picture, chat),
            chat.ways,
        )

    # -- start -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Get in touch with Telegram; where that takes long, go on trying in the background. SettingsError for a token
        that Telegram refuses."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL if name.startswith("telegram") else logging.WARNING)
        try:
            async with asyncio.timeout(FIRST_CONTACT):
                await self.application.initialize()
        except InvalidToken:
            # Its message holds the token: it goes no further.
            raise SettingsError(
                "TELEGRAM_BOT_TOKEN: expected the token from BotFather, such as 123456789:AAE-x0x0x0, "
                "got one that Telegram refuses"
            ) from None
        except (TelegramError, TimeoutError) as error:
            self._line.failed(error if isinstance(error, TelegramError) else TelegramError("no answer"))
            self._contact = asyncio.create_task(self._keep_trying(), name="telegram contact")
        else:
            await self._open()

    async def _keep_trying(self) -> None:
        wait = 1.0
        while True:
            await self._sleep(wait)
            try:
                await self.application.initialize()
            except TelegramError as error:
                wait = self._line.failed(error)
            else:
                await self._open()
                return

    async def _open(self) -> None:
        """All that needs the first contact."""
        application = self.application
        self._line.stands()
        await application.start()
        self.outbox.start()
        self.recall()
        poller = Poller(
            application.bot,
            self.chat.manager,
            self.inbox,
            self._line,
            application.update_queue.put_nowait,
            self._sleep,
        )
        self._spawn(poller.run())
        if not self.chat.people.is_claimed:
            self.doorman.open_claim(self.chat.now(), application.bot.username)
            self._spawn(self._watch_claim(CLAIM_LIFETIME))
        for person_id in self.chat.people.owners | self.chat.people.viewers:
            self._welcome(person_id)

    def recall(self) -> None:
        """Bring up what the last run left in the state: commands it did not finish, notices it did not deliver. Part of
        the start; to be called again where the manager's state is loaded only after it, as by an unclaimed bot."""
        if not self.application.running:
            return
        self.doorman.knocks.recall(self.chat.manager.state.notes.get("chat", {}))
        for update in self.inbox.recall(self.application.bot):
            self.application.update_queue.put_nowait(update)
        self.outbox.recall()

    async def _watch_claim(self, lifetime: timedelta) -> None:
        """Say when the link has run out."""
        running_out = asyncio.ensure_future(self._sleep(lifetime.total_seconds()))
        claimed = asyncio.ensure_future(self.chat.people.claimed.wait())
        try:
            await asyncio.wait((running_out, claimed), return_when=asyncio.FIRST_COMPLETED)
            if not self.chat.people.is_claimed:
                self.doorman.end_claim("has run out")
        finally:
            running_out.cancel()
            claimed.cancel()

    def _welcome(self, person_id: int) -> None:
        """Put the commands this person may use into their menu, once."""
        if person_id not in self._menus:
            self._menus.add(person_id)
            self._spawn(self._set_menu(person_id))

    async def _set_menu(self, person_id: int) -> None:
        commands = self._table.menu(self.chat.people.role(person_id))
        try:
            await self.application.bot.set_my_commands(commands, BotCommandScopeChat(person_id))
        except TelegramError as error:  # `chat not found` before they have spoken for the first time
            log.debug("no menu for a person yet: %s", type(error).__name__)
            self._menus.discard(person_id)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.critical("a part of the chat has ended", exc_info=task.exception())

    async def _done(self, update: Update) -> None:
        await self.inbox.finished(update.update_id)
        if self._finished is not None:
            self._finished(update.update_id)

    # -- stop --------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Hear no more, let handlers and messages that are on their way finish, within some 4 s."""
        tasks = [*self._tasks, *([self._contact] if self._contact is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(self._attended.drain(self._drain), self.outbox.stop())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                if self.application.running:
                    await self.application.stop()
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(0.5):
                await self.application.shutdown()
                await self.application.bot.shutdown()  # the application does not where its start failed


@cache
def certificates() -> SSLContext:
    """Whom we trust to be Telegram: a long list, read once for both lines."""
    return httpx.create_ssl_context()


def build(
    chat: Chat,
    table: Table,
    doorman: Doorman,
    attended: Attended,
    token: str,
    api_url: str | None = None,
    requests: tuple[BaseRequest, BaseRequest] | None = None,
) -> ChatApplication:
    """The application: the doorman first, then the table of commands."""
    if requests is None:
        requests = (
            UpdatesRequest(
                1,
                connect_timeout=CONNECT,
                read_timeout=READ,
                write_timeout=READ,
                pool_timeout=POOL,
                httpx_kwargs={"verify": certificates()},
            ),
            HTTPXRequest(
                64,
                connect_timeout=CONNECT,
                read_timeout=READ,
                write_timeout=READ,
                pool_timeout=POOL,
                media_write_timeout=MEDIA,
                httpx_kwargs={"verify": certificates()},
            ),
        )
    builder = (
        ApplicationBuilder()
        .application_class(ChatApplication, {"chat": chat})
        .context_types(ContextTypes(context=Context))
        .token(token)
        .get_updates_request(requests[0])
        .request(requests[1])
        .updater(None)
        .job_queue(None)
        .concurrent_updates(attended)
    )
    if api_url is not None:
        builder = builder.base_url(f"{api_url}/bot").base_file_url(f"{api_url}/file/bot")
    application = builder.build()
    assert isinstance(application, ChatApplication)
    dispatch = Dispatch(table)
    application.add_handler(TypeHandler(Update, doorman.admit), DOORMAN)
    application.add_handler(MessageHandler(filters.UpdateType.MESSAGE, dispatch.obey), OTHERS)
    application.add_handler(CallbackQueryHandler(dispatch.pressed), OTHERS)
    application.add_error_handler(on_error)
    return application
