"""The outbox: what the trader has to tell, delivered to everybody it concerns.

Rule: nothing here delays or stops trading. A notice stays in the state until it was delivered, so Telegram may be away
for days; alarms go first, fills that pile up go as one message, and a chat that must be silent holds back no other.
Whoever has blocked the bot is left in peace until they speak again. A bulkhead: the couriers survive everything.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape
from typing import Protocol, cast

from telegram import Bot, InlineKeyboardMarkup
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bot.core.snapshot import (
    BackupOlder,
    BackupWanted,
    DailyLossReached,
    DailyReport,
    EntriesHeld,
    InheritanceFound,
    LevelBlocked,
    LevelFilled,
    LevelFrozen,
    LevelsHalted,
    LiveAsked,
    MarketShut,
    Notice,
    OrderWithheld,
    OrphansFound,
    PositionNotOurs,
    PositionSmaller,
    StopReached,
    StrayFilled,
    TakerFilled,
    TradeClosed,
    Trouble,
)
from bot.errors import StateError
from bot.manager import TradeManager
from handlers.chat.context import ChatConfig, split, tagged
from handlers.chat.pace import Pace, seconds_of
from handlers.chat.people import People, Role
from handlers.words import notices

log = logging.getLogger(__name__)

ALARMS = (
    Trouble,
    InheritanceFound,
    BackupOlder,
    BackupWanted,
    OrphansFound,
    LevelFrozen,
    LevelBlocked,
    StopReached,
    DailyLossReached,
    PositionSmaller,
    PositionNotOurs,
    EntriesHeld,
    TakerFilled,
    LevelsHalted,
    OrderWithheld,
    MarketShut,
    LiveAsked,
)
MERGED = (LevelFilled, StrayFilled, TradeClosed)
FOR_VIEWERS = (LevelFilled, StrayFilled, TradeClosed, DailyReport)
SINGLY = 5
"""So many fills and closed trades go out one by one; when more wait they become one message."""
STALE = timedelta(seconds=60)
UNHEARD = 1_000
"""Notices kept while nobody can be told; beyond that the oldest are let go."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
HOPELESS = 4
"""Failures of one and the same message, not of the line, after which it is let go."""
TOLD = ("chat", "told")


class Words(Protocol):
    """Makes creation of notices: `handlers.words.creation`."""

    def notice(self, notice: Notice, config: ChatConfig) -> str: ...

    def digest(self, notices: Sequence[Notice], config: ChatConfig) -> str: ...


Offer = Callable[[int, Notice], InlineKeyboardMarkup | None]
"""Makes buttons for a person and a notice."""


def no_offer(person_id: int, notice: Notice) -> None:
    """A chat without buttons under its pushes."""


class Outbox:
    """The Notifier of the chat. `tell` may be called before `attach`; delivery begins with `start`."""

    def __init__(self, config: ChatConfig, words: Words = notices) -> None:
        self._config = config
        self._words = words
        self._notices: dict[str, Notice] = {}
        self._got: dict[str, set[int]] = {}
        self._kept: dict[str, list[int]] = {}
        self._undropped: set[str] = set()
        self._muted: set[int] = set()
        self._couriers: dict[int, asyncio.Task[None]] = {}
        self._wakes: dict[int, asyncio.Event] = {}
        self._sending: set[int] = set()
        self._is_open = False

    def attach(self, manager: TradeManager, people: People, bot: Bot, pace: Pace, offer: Offer = no_offer) -> None:
        """Say whom to deliver to, and how; `offer` puts buttons under a notice that a person can act upon."""
        self._offer = offer
        self._manager = manager
        self._people = people
        self._bot = bot
        self._pace = pace

    # -- what comes in -------------------------------------------------------------------------------------------

    def tell(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Take notices over. Never waits, never fails."""
        for key, notice in notices:
            self._notices.setdefault(key, notice)
        if self._is_open:
            self._hire()
            for wake in self._wakes.values():
                wake.set()

    def heard_from(self, person_id: int) -> None:
        """Somebody speaks: they can be written to again."""
        if person_id in self._muted or person_id not in self._couriers:
            self._muted.discard(person_id)
            self.tell(())

    def mute(self, person_id: int) -> None:
        """Somebody has blocked the bot."""
        if person_id not in self._muted:
            log.info("a person can't be written to", extra={"context": {"user": person_id}})
        self._muted.add(person_id)

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to deliver."""
        self._is_open = True
        self.tell(())

    def recall(self) -> None:
        """Deliver what the last run left, to those who have not got it."""
        self._kept = dict(cast("dict[str, list[int]]", self._manager.state.notes.get(TOLD[0], {}).get(TOLD[1], {})))
        for key, got in self._kept.items():
            if key in self._manager.state.outbox:
                self._got.setdefault(key, set()).update(got)
        self.tell(sorted(self._manager.state.outbox.items()))

    async def stop(self, seconds: float = 0.5) -> None:
        """Let messages on their way arrive, shortly; what is left is delivered by the next run."""
        self._is_open = False
        for person_id, courier in self._couriers.items():
            if person_id not in self._sending:
                courier.cancel()
            self._wakes[person_id].set()
        couriers = list(self._couriers.values())
        if couriers:
            _, late = await asyncio.wait(couriers, timeout=seconds)
            for courier in late:
                courier.cancel()
            await asyncio.gather(*couriers, return_exceptions=True)
        self._couriers.clear()
        self._wakes.clear()

    def _hire(self) -> None:
        """One courier for each person: at most one message is on its way to anybody."""
        for person_id in self._everybody():
            if person_id not in self._couriers:
                self._wakes[person_id] = asyncio.Event()
                self._couriers[person_id] = asyncio.create_task(
                    self._courier(person_id), name=f"outbox courier {person_id}"
                )

    # -- delivery ------------------------------------------------------------------------------------------------

    async def _courier(self, person_id: int) -> None:
        wake, wait, failures = self._wakes[person_id], FIRST_WAIT, 0
        while self._is_open:
            wake.clear()
            batch: list[tuple[str, Notice]] = []
            try:
                if not self._next(person_id):
                    await self._settle()
                    await wake.wait()
                    continue
                await self._pace.turn(person_id)
                batch = self._next(person_id)  # chosen at the last moment: an alarm may have come while waiting
                if batch and self._is_open:
                    self._sending.add(person_id)
                    await self._deliver(person_id, batch)
                wait, failures = FIRST_WAIT, 0
            except RetryAfter as error:
                self._pace.hush(person_id, seconds_of(error))
            except Forbidden:
                self.mute(person_id)
            except (BadRequest, ChatMigrated) as error:
                if "chat not found" in str(error).lower():  # they never spoke to us
                    self.mute(person_id)
                    continue
                # What Telegram does not take it won't take later either.
                log.error("a notice can't be delivered: %s", error, extra={"context": {"notices": _kinds(batch)}})
                await self._delivered(person_id, batch)
            except TelegramError as error:
                log.debug("a notice has to wait: %s", type(error).__name__)
                await self._pace.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            except Exception:
                log.exception("a courier stumbled", extra={"context": {"notices": _kinds(batch)}})
                failures += 1
                if failures >= HOPELESS:
                    self._note_got(person_id, batch)
                    failures = 0
                await self._pace.sleep(wait)
            finally:
                self._sending.discard(person_id)

    def _next(self, person_id: int) -> list[tuple[str, Notice]]:
        """What this person hears next: the oldest alarm, or else the oldest notice, with the fills that follow it when
        there are many; nothing while they can't be written to."""
        role = self._people.role(person_id)
        if person_id in self._muted or role is Role.STRANGER:
            return []
        waiting = [
            (key, notice)
            for key, notice in self._notices.items()
            if concerns(role, notice) and person_id not in self._got.get(key, ())
        ]
        for key, notice in waiting:
            if isinstance(notice, ALARMS):
                return [(key, notice)]
        fills: list[tuple[str, Notice]] = []
        for key, notice in waiting:
            if not isinstance(notice, MERGED):
                break
            fills.append((key, notice))
        return fills if len(fills) > SINGLY else waiting[:1]

    async def _deliver(self, person_id: int, batch: list[tuple[str, Notice]]) -> None:
        notices = [notice for _, notice in batch]
        *parts, last = split(tagged(self._text(notices), self._config.tag))
        for part in parts:
            await self._send(person_id, part)
            await self._pace.turn(person_id)
        buttons = self._offer(person_id, notices[0]) if len(notices) == 1 else None
        await self._send(person_id, last, buttons)
        await self._delivered(person_id, batch)

    async def _send(self, person_id: int, html: str, buttons: InlineKeyboardMarkup | None = None) -> None:
        try:
            await self._bot.send_message(person_id, html, parse_mode=ParseMode.HTML, reply_markup=buttons)
        except BadRequest as error:
            if "parse" not in str(error):
                raise
            log.error("a notice is no proper HTML: %s", error)
            await self._bot.send_message(person_id, html, reply_markup=buttons)

    def _text(self, notices: Sequence[Notice]) -> str:
        """The words, saying when it was where that is a while ago. A text that fails costs the words, not the news."""
        try:
            if len(notices) == 1:
                html = self._words.notice(notices[0], self._config)
            else:
                html = self._words.digest(notices, self._config)
        except Exception:
            log.exception("a notice has no words")
            html = escape("\n".join(f"{type(notice).__name__}: {notice}" for notice in notices[:10]), quote=False)
        at, now = notices[0].at, self._manager.world.clock.now()
        if now - at <= STALE:
            return html
        there = at.astimezone(self._config.timezone)
        day = "" if there.date() == now.astimezone(self._config.timezone).date() else f"{there:%Y-%m-%d} "
        since = "since " if len(notices) > 1 else ""
        return f"{html}\n<i>{since}{day}{there:%H:%M:%S}</i>"

    # -- done ----------------------------------------------------------------------------------------------------

    async def _delivered(self, person_id: int, batch: list[tuple[str, Notice]]) -> None:
        self._note_got(person_id, batch)
        await self._settle()

    def _note_got(self, person_id: int, batch: list[tuple[str, Notice]]) -> None:
        for key, _ in batch:
            self._got.setdefault(key, set()).add(person_id)

    async def _settle(self) -> None:
        """Drop what has reached every listener and an owner; what no owner could be told waits, up to a limit."""
        people = self._people
        listening = {person: people.role(person) for person in self._everybody() - self._muted}
        done: set[str] = set()
        unheard: list[str] = []
        for key, notice in self._notices.items():
            got = self._got.get(key, set())
            if any(concerns(role, notice) and person not in got for person, role in listening.items()):
                continue
            if got & people.owners:
                done.add(key)
            else:
                unheard.append(key)
        if len(unheard) > UNHEARD:
            log.warning("no owner could be told; %d old notices were let go", len(unheard) - UNHEARD)
            done.update(unheard[:-UNHEARD])
        for key in done:
            del self._notices[key]
            self._got.pop(key, None)
        self._undropped |= done
        await self._keep()

    async def _keep(self) -> None:
        """Make it durable: what is dropped, and who of several people has what already."""
        dropped = set(self._undropped)
        partly = {key: sorted(got) for key, got in self._got.items()}
        with contextlib.suppress(StateError):  # it can't be kept now: later then, and nothing is sent twice till then
            if dropped:
                await self._manager.delivered(sorted(dropped))
                self._undropped -= dropped
            if partly != self._kept:
                await self._manager.remember({TOLD: partly or None})
                self._kept = partly

    def _everybody(self) -> frozenset[int]:
        return self._people.owners | self._people.viewers


def concerns(role: Role, notice: Notice) -> bool:
    """Owners hear everything, viewers of fills, closed trades and reports."""
    return role is Role.OWNER or (role is Role.VIEWER and isinstance(notice, FOR_VIEWERS))


def _kinds(batch: list[tuple[str, Notice]]) -> list[str]:
    return sorted({type(notice).__name__ for _, notice in batch})
