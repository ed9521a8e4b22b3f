"""The judge of mischief: what may come of what was done, and what never.

The rule: the judge knows who is who and what was shown to whom by the server's own records, asks the product nothing
but its state, and raises AssertionError with the last acts.
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.texts.catalogue import say
from tests.handlers.fuzz_stage import FuzzStage
from tests.handlers.mischief import Act
from tests.telegram.html_rules import parse_html
from tests.telegram.journal import OK, REFUSED, Call

STEERING = frozenset({
    "pause", "resume", "finish", "keep", "card_pause", "card_resume", "pause_level", "resume_level", "go_on", "again",
    "panic", "sell_now", "now",
})  # fmt: skip
"""Commands and buttons that may change whether something trades. `panic` and `sell_now` are second presses."""
RIGHTLY_REFUSED = (
    "message is not modified", "query is too old", "message to edit not found", "message can't be edited",
    "invalid file_id", "bot was blocked by the user", "message to unpin not found",
)  # fmt: skip
SECOND = {"sell_now": "sell", "panic": "panic", "apply": "", "restore": ""}
"""Buttons that only stand there once the first was pressed, or the command was said."""


STRANGER = re.compile(r"\b66[678]\b")
MOST_PRESSES = 50
"""The last ones, looked at again and again."""


class Ear(logging.Handler):
    """Hears of every error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(logging.Formatter("%(name)s: %(message)s").format(record))


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the state only owners may change."""

    grids: Mapping[str, tuple[Any, ...]]
    levels: Mapping[str, Any]
    alerts: Any
    strangers_and_viewers: tuple[str, ...]
    restored: int


class Judge:
    """Looks at what came of each batch of acts."""

    def __init__(self, stage: FuzzStage) -> None:
        self.stage = stage
        self.ear = Ear()
        self.owners = {person.id for person in stage.owners}
        self.strangers = {person.id for person in stage.strangers}
        self.sent = 0
        self.pressed: dict[str, int] = {}
        self.owners_heard: set[str] = set()
        self._shown: dict[str, int] = {}
        self._created: set[str] = set()
        self._story: deque[str] = deque(maxlen=14)
        self._before = self.sight()

    def sight(self) -> Sight:
        state = self.stage.manager.state
        notes = state.notes.get("chat", {})
        others = tuple(
            f"{key}: {note}"
            for key, note in notes.items()
            if key.startswith(("dialogue:", "habits:")) and int(key.rpartition(":")[2]) not in self.owners
        )
        return Sight(
            {
                key: (grid.spec, grid.mode, grid.halted, grid.ended_at is None, grid.sale is None)
                for key, grid in state.grids.items()
            },
            {key: executor.mode for key, executor in state.executors.items()},
            notes.get("alerts"),
            others,
            len(self.stage.restored),
        )

    def look_again(self) -> None:
        """What has changed since was not done by anybody."""
        self.listen(())
        self._before = self.sight()

    def note(self, what: str) -> None:
        """Something for the story."""
        self._story.append(what)

    def judge(self, acts: Sequence[Act]) -> None:
        """What came of these acts."""
        for act in acts:
            self.note(f"{act.person_id} {act.kind}: {act.said[:160]}")
        self.listen(acts)
        self._steered([act for act in acts if self._may(act)])

    def _may(self, act: Act) -> bool:
        """Whether an owner meant it: a command in their own chat, or a button that was put to them."""
        is_shown = not act.data or self._shown.get(act.data) == act.person_id
        return act.person_id in self.owners and bool(act.meant) and is_shown

    # -- what was said -----------------------------------------------------------------------------------------------

    def listen(self, acts: Sequence[Act]) -> None:
        """Errors, and each call that was made."""
        self._expect(not self.ear.heard, f"errors: {self.ear.heard}")
        calls, self.stage.api.journal.entries = self.stage.api.journal.entries, []
        for call in calls:
            self.sent += call.method.startswith(("send", "edit"))
            self._taken(call)
            self._addressed(call)
            self._buttons(call, acts)
            if call.chat_id in self.owners:
                self.owners_heard |= set(STRANGER.findall(call.text))
        for press in list(self.stage.api.world.presses.values())[-MOST_PRESSES:]:
            self._expect(press.user_id not in self.strangers or not press.answers, "a stranger's press was answered")

    def _taken(self, call: Call) -> None:
        fine = call.outcome == OK or any(words in call.description for words in RIGHTLY_REFUSED)
        fine = fine or (call.method == "leaveChat" and call.outcome == REFUSED)
        fine = fine or (call.chat_id < 0 and call.code == 403)  # it was thrown out meanwhile
        self._expect(fine, f"{call.method} {call.outcome} {call.description!r}: {call.params}")
        if call.params.get("parse_mode") == "HTML" and call.text:
            parse_html(call.text)

    def _addressed(self, call: Call) -> None:
        to = call.chat_id
        is_silent = call.method == "leaveChat"  # a chat of no known type
        self._expect(to not in self.strangers or is_silent, f"a stranger was served: {call.method} {call.params}")
        if to < 0:
            is_word = call.method == "sendMessage" and call.text.startswith(say("door.group"))
            is_group = to != self.stage.channel.id
            self._expect((is_word and is_group) or call.method == "leaveChat", f"said in {to}: {call.text}")

    def _buttons(self, call: Call, acts: Sequence[Act]) -> None:
        rows = json.loads(call.params.get("reply_markup") or "{}").get("inline_keyboard", [])
        for button in (button for row in rows for button in row):
            data = str(button.get("callback_data"))
            choice = data.partition(":")[0]
            self._expect(len(data.encode()) <= 64, f"data too long: {data}")
            self._expect(
                self._shown.get(data, call.chat_id) == call.chat_id or data == "new:start", f"{data} shown twice"
            )
            first = SECOND.get(choice)
            if first and data not in self._shown:
                asked = any(
                    act.person_id == call.chat_id and act.meant in (first, "now") and self._may(act) for act in acts
                )
                self._expect(asked, f"{choice} was offered to {call.chat_id} before {first}")
            self._expect(
                call.chat_id in self.owners or choice.startswith(("leaf", "card", "now")), f"a viewer got {choice}"
            )
            self._shown[data] = call.chat_id

    # -- what was done -----------------------------------------------------------------------------------------------

    def _steered(self, acts: Sequence[Act]) -> None:
        """Compare the state; `acts` are those that somebody who may has meant."""
        before, after = self._before, self.sight()
        self._before = after
        meant = {act.meant for act in acts}
        fresh = {act.data for act in acts if act.meant == "create" and act.data} - self._created
        for act in acts:
            if act.data:
                self.pressed[act.meant] = self.pressed.get(act.meant, 0) + 1
        made = after.grids.keys() - before.grids.keys()
        self._expect(len(made) <= len(fresh), f"made without Create: {made}")
        self._created |= fresh if made else set()
        self._expect(not before.grids.keys() - after.grids.keys(), "a grid is gone")
        for key, (spec, mode, halted, runs, unsold) in before.grids.items():
            spec_, mode_, halted_, runs_, unsold_ = after.grids[key]
            self._expect(spec == spec_ or "apply" in meant, f"{key} was edited by nobody")
            by_itself = bool(meant & STEERING) and (spec.stop_sell or not unsold)  # who steers makes the trader beat
            self._expect(unsold == unsold_ or "sell_now" in meant or by_itself, f"{key} was sold by nobody")
            self._expect(halted_ <= halted or "panic" in self._second(acts), f"{key} was halted by nobody")
            steered = (mode, halted, runs) != (mode_, halted_, runs_)
            self._expect(
                not steered or bool(meant & (STEERING | {"resume"})), f"{key} was steered by nobody: {mode} {mode_}"
            )
        if before.levels != after.levels:
            self._expect(bool(meant & (STEERING | {"create", "apply"})), "levels were steered by nobody")
        self._expect(before.alerts == after.alerts or any("alert" in each or each == "now" for each in meant), "alerts")
        self._expect(not after.strangers_and_viewers, f"a dialogue of a viewer: {after.strangers_and_viewers}")
        self._expect(before.restored == after.restored or "restore" in self._second(acts), "restored by nobody")

    @staticmethod
    def _second(acts: Sequence[Act]) -> set[str]:
        """Buttons alone: the command of the same name only asks."""
        return {act.meant for act in acts if act.data}

    def _expect(self, fine: bool, what: str) -> None:
        assert fine, what + "\nbefore that:\n" + "\n".join(self._story)
