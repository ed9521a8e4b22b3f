"""The outbox: what the trader has to tell, delivered to everybody it concerns.

Rule: nothing here delays or stops trading. A notice stays in the state until it was delivered, so Telegram may be away
for days; alarms go first, fills that pile up go as one message that grows, and a chat that must be silent holds back no
other. Each chat is told as it wants to be. Whoever has blocked the bot is left in peace until they speak again, and the
other owners hear of it once. A bulkhead: the couriers survive everything.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, cast

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bot.core.snapshot import Notice, PersonGone
from bot.errors import StateError
from bot.manager import TradeManager
from bot.ports import Key
from handlers.chat.context import ChatConfig
from handlers.chat.kinds import FOR_VIEWERS, Way, Ways, kind_of
from handlers.chat.pace import Pace, seconds_of
from handlers.chat.parcels import Item, Parcel, next_parcel
from handlers.chat.people import People, Role
from handlers.chat.post import Draw, Offer, Post, Words, no_offer, no_picture
from handlers.chat.standing import Standing
from handlers.words import notices

log = logging.getLogger(__name__)

UNHEARD = 1_000
"""Notices kept while nobody can be told; beyond that the oldest are let go."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
HOPELESS = 4
"""Failures of one and the same message, not of the line, after which it is let go."""
TOLD = ("chat", "told")
GONE = ("chat", "gone")
"""Who of several people has what already; and who has blocked the bot, which the others know."""


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
        self._errands: set[asyncio.Task[None]] = set()
        self._standing = Standing()
        self._is_open = False

    def attach(
        self,
        manager: TradeManager,
        people: People,
        bot: Bot,
        pace: Pace,
        offer: Offer = no_offer,
        draw: Draw = no_picture,
        ways: Ways | None = None,
    ) -> None:
        """Say whom to deliver to, and how; `offer` puts buttons under a notice that a person can act upon, `draw` a
        picture above it."""
        self._post = Post(bot, pace, self._config, self._words, self._standing, offer, draw)
        self._ways = ways or Ways()
        self._manager = manager
        self._people = people
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
        if str(person_id) in self._gone:
            others = {key: True for key in self._gone if key != str(person_id)}
            self._spawn(self._manager.remember({GONE: others or None}))
        if person_id in self._muted or person_id not in self._couriers:
            self._muted.discard(person_id)
            self.tell(())

    def mute(self, person_id: int) -> None:
        """Somebody has blocked the bot; the other owners hear of it, once."""
        if person_id in self._muted:
            return
        log.info("a person can't be written to", extra={"context": {"user": person_id}})
        self._muted.add(person_id)
        is_owner = self._people.role(person_id) is Role.OWNER
        if str(person_id) not in self._gone and self._people.owners - self._muted:
            told = PersonGone(self._manager.world.clock.now(), person_id, is_owner)
            self._spawn(self._tell_gone(told))

    async def _tell_gone(self, told: PersonGone) -> None:
        await self._manager.tell(told)
        await self._manager.remember({GONE: {**self._gone, str(told.person_id): True}})

    @property
    def _gone(self) -> Mapping[str, object]:
        return self._manager.state.notes.get(GONE[0], {}).get(GONE[1]) or {}

    def _spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        async def done() -> None:
            with contextlib.suppress(StateError):  # it can't be kept now: then it may be told once more
                await errand

        task = asyncio.ensure_future(done())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to deliver."""
        self._is_open = True
        self.tell(())

    def recall(self) -> None:
        """Deliver what the last run left, to those who have not got it."""
        notes = self._manager.state.notes.get(TOLD[0], {})
        self._ways.recall(notes)
        self._standing.recall(notes)
        self._kept = dict(cast("dict[str, list[int]]", notes.get(TOLD[1], {})))
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
        couriers = [*self._couriers.values(), *self._errands]
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
            parcel: Parcel | None = None
            try:
                parcel, later = self._next(person_id)
                if parcel is None:
                    await self._settle()
                    await self._rest(wake, later)
                    continue
                await self._pace.turn(person_id)
                parcel, _ = self._next(person_id)  # chosen at the last moment: an alarm may have come while waiting
                if parcel is not None and self._is_open:
                    self._sending.add(person_id)
                    await self._post.deliver(person_id, parcel, self._manager.world.clock.now())
                    await self._delivered(person_id, parcel)
                wait, failures = FIRST_WAIT, 0
            except RetryAfter as error:
                self._pace.hush(person_id, seconds_of(error))
            except Forbidden:
                self.mute(person_id)
            except (BadRequest, ChatMigrated) as error:
                if "chat not found" in str(error).lower():  # they never spoke to us
                    self._muted.add(person_id)
                    continue
                # What Telegram does not take it won't take later either.
                log.error("a notice can't be delivered: %s", error, extra={"context": {"notices": _kinds(parcel)}})
                await self._delivered(person_id, parcel)
            except TelegramError as error:
                log.debug("a notice has to wait: %s", type(error).__name__)
                await self._pace.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            except Exception:
                log.exception("a courier stumbled", extra={"context": {"notices": _kinds(parcel)}})
                failures += 1
                if failures >= HOPELESS:
                    self._note_got(person_id, parcel)
                    failures = 0
                await self._pace.sleep(wait)
            finally:
                self._sending.discard(person_id)

    async def _rest(self, wake: asyncio.Event, seconds: float | None) -> None:
        """Until there is news, or until then."""
        if seconds is None:
            await wake.wait()
            return
        rests = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(self._pace.sleep(seconds))]
        try:
            await asyncio.wait(rests, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for rest in rests:
                rest.cancel()

    def _next(self, person_id: int) -> tuple[Parcel | None, float | None]:
        """What this person hears next, or in how many seconds there is something; nothing while they can't be written
        to."""
        if person_id in self._muted:
            return None, None
        waiting: list[Item] = [
            (key, notice)
            for key, notice in self._notices.items()
            if person_id not in self._got.get(key, ()) and self._concerns(person_id, notice)
        ]
        if not waiting:
            return None, None
        digests = self._standing.digests(person_id, self._manager.world.clock.now(), self._pace)
        return next_parcel(waiting, partial(self._way, person_id), digests)

    def _way(self, person_id: int, notice: Notice) -> Way:
        return self._ways.of(person_id, kind_of(notice))

    def _concerns(self, person_id: int, notice: Notice) -> bool:
        """Owners hear everything, viewers of fills, closed trades and reports; nobody what they don't want to hear."""
        role, kind = self._people.role(person_id), kind_of(notice)
        if role is Role.STRANGER or (role is Role.VIEWER and kind not in FOR_VIEWERS):
            return False
        is_self = isinstance(notice, PersonGone) and notice.person_id == person_id
        return not is_self and self._ways.of(person_id, kind) is not Way.OFF

    # -- done ----------------------------------------------------------------------------------------------------

    async def _delivered(self, person_id: int, parcel: Parcel | None) -> None:
        self._note_got(person_id, parcel)
        await self._settle()

    def _note_got(self, person_id: int, parcel: Parcel | None) -> None:
        for key, _ in parcel.items if parcel is not None else ():
            self._got.setdefault(key, set()).add(person_id)

    async def _settle(self) -> None:
        """Drop what has reached every listener and an owner; what no owner could be told waits, up to a limit."""
        owners, listening = self._people.owners, self._everybody() - self._muted
        done: set[str] = set()
        unheard: list[str] = []
        for key, notice in self._notices.items():
            got = self._got.get(key, set())
            if any(person not in got and self._concerns(person, notice) for person in listening):
                continue
            if got & owners or not any(self._concerns(owner, notice) for owner in owners):
                done.add(key)
            else:
                unheard.append(key)
        if len(unheard) > UNHEARD:
            log.warning("no owner could be told; %d old notices were let go", len(unheard) - UNHEARD)
            done.update(unheard[:-UNHEARD])
        for key in done:
            del self._notices[key]
            self._got.pop(key, None)
        self._post.forget(done)
        self._undropped |= done
        await self._keep()

    async def _keep(self) -> None:
        """Make it durable, all at once: what is dropped, who of several people has what already, what stands where."""
        dropped = set(self._undropped)
        partly = {key: sorted(got) for key, got in self._got.items()}
        changes: dict[Key, Mapping[str, object] | None] = {**self._standing.changes}
        if partly != self._kept:
            changes[TOLD] = partly or None
        if not dropped and not changes:
            return
        with contextlib.suppress(StateError):  # it can't be kept now: later then, and nothing is sent twice till then
            await self._manager.delivered(sorted(dropped), changes)
            self._undropped -= dropped
            self._kept = partly
            self._standing.kept(changes)

    def _everybody(self) -> frozenset[int]:
        return self._people.owners | self._people.viewers


def _kinds(parcel: Parcel | None) -> list[str]:
    return sorted({type(notice).__name__ for notice in parcel.notices}) if parcel is not None else []
