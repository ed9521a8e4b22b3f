"""Everything that people, clients and servers may send to a bot: words that are right, nearly right and absurd, buttons
old, new, somebody else's and forged, and updates of every kind and shape.

The rule: seeded, so that the same mischief can be made again; what is sent is told (`Act`), with what may rightly come
of it, by somebody who knows nothing of the product.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handlers.commands import TABLE
from tests.handlers.fuzz_stage import FuzzStage, tiny_png
from tests.handlers.mischief_words import (
    ABSURD,
    EDITS,
    FAR,
    FORGED,
    STEPS,
    TELEGRAM,
    WORDS,
    attachments,
    poll,
)
from tests.telegram.people import Person
from tests.telegram.world import Content, Message


@dataclass(frozen=True, slots=True)
class Act:
    """What was done: by whom (0: nobody), what kind of update, in full; `meant` is the command or choice that may be
    obeyed if this is an owner, `data` the button's."""

    person_id: int
    kind: str
    said: str
    meant: str = ""
    data: str = ""


class Mischief:
    """Acts of all kinds."""

    def __init__(self, stage: FuzzStage, luck: random.Random) -> None:
        self.stage, self.luck = stage, luck
        self._kinds: list[tuple[int, Callable[[Person], Act]]] = [
            (26, self.command),
            (14, self.words),
            (34, self.press),
            (3, self.press_somebody_elses),
            (3, self.press_old),
            (3, self.forge),
            (2, self.late),
            (2, self.attachment),
            (1, self.reply),
            (1, self.edited),
            (1, self.forwarded),
            (2, self.in_a_group),
            (1, self.membership),
            (1, self.channel_post),
            (2, self.other_kind),
            (2, self.odd_message),
            (1, self.garbled),
            (1, self.again),
        ]

    def person(self) -> Person:
        """Mostly an owner, who alone gets somewhere."""
        stage = self.stage
        return self.luck.choices([*stage.owners, stage.viewer, *stage.strangers], [36, 24, 16, 8, 8, 8])[0]

    def act(self) -> Act:
        """Something."""
        weights, kinds = zip(*((weight, kind) for weight, kind in self._kinds), strict=True)
        make: Callable[[Person], Act] = self.luck.choices(kinds, weights)[0]
        return make(self.person())

    # -- words -------------------------------------------------------------------------------------------------------

    def _id(self) -> str:
        executors = list(self.stage.manager.state.executors)
        grids = list(self.stage.manager.state.grids)[-6:]
        return self.luck.choice([*grids, *grids, *grids, *executors[-3:], "g1", "all", "g99", "g1.99"])

    def line(self) -> tuple[str, str]:
        """A command's name, and the whole line."""
        luck = self.luck
        common = ["linear", "linear", "new", "stop", "panic", "pause", "resume", "edit", "grid", "grid"]
        name = luck.choice([*TABLE.commands, *common])
        if name == "edit":
            words = f"{self._id()} {luck.choice(EDITS)}"
        elif name in WORDS:
            words = luck.choice(WORDS[name])
        else:
            words = luck.choice(["ID", "ID", ""])
        line = f"/{name} {words}".replace("ID", self._id()).strip()
        return name, self._nearly(line) if luck.random() < 0.25 else line

    def _nearly(self, line: str) -> str:
        """The line, not quite."""
        luck, words = self.luck, line.split(" ")
        place = luck.randrange(len(words))
        match luck.randrange(9):
            case 0:
                words[place] = luck.choice(ABSURD)
            case 1:
                words.insert(place, luck.choice(ABSURD))
            case 2:
                del words[place]
            case 3:
                words.append(words[place])
            case 4:
                words = [word.upper() for word in words]
            case 5:
                words = [word.translate(str.maketrans("aeocpx", "аеосрх")) for word in words]  # look-alikes
            case 6:
                words[0] += luck.choice(["@loopback_bot", "@LOOPBACK_BOT", "@another_bot", "@", "\u200b", "s", "/"])
            case 7:
                words += [luck.choice(ABSURD) for _ in range(luck.randrange(60))]
            case _:
                luck.shuffle(words)
        return "  ".join(words)[:4096].strip() or "."

    def _say(self, person: Person, text: str, kind: str, **how: Any) -> Act:
        person.say(text, **how)
        return Act(person.id, kind, text, named(text))

    def command(self, person: Person) -> Act:
        return self._say(person, self.line()[1], "command")

    def words(self, person: Person) -> Act:
        luck = self.luck
        longest = [luck.choice(ABSURD) * 4096, "word " * 819, "<" * 4096, "🤷" * 2048, "\n" * 4000 + "x", "-1% " * 1000]
        text = luck.choice([luck.choice(STEPS), luck.choice(STEPS), luck.choice(STEPS), luck.choice(ABSURD)])
        if luck.random() < 0.04:
            text = luck.choice(longest)[:4096]
        return self._say(person, text, "words")

    def late(self, person: Person) -> Act:
        now = self.stage.clock.seconds()
        date = self.luck.choice([now - 61, now - 3600, now - 3 * 86_400, now + 3600, *map(float, FAR)])
        return self._say(person, self.line()[1], "late or early", date=date)

    def reply(self, person: Person) -> Act:
        """Mostly /restore in reply to a document, now and then to something else."""
        room = self.stage.api.world.messages.get(person.id, {}).values()
        documents = [message for message in room if message.kind == "document" and not message.deleted]
        target = self.luck.choice(documents[-3:] or list(room)[-3:] or [None])
        text = self.luck.choice(["/restore", "/restore", "/stop g1", "yes"])
        return self._say(person, text, "reply", reply_to=target)

    # -- buttons -----------------------------------------------------------------------------------------------------

    def _pressed(self, person: Person, kind: str, data: str, message: Message | None) -> Act:
        person.press_data(data, message)
        at_home = message is not None and message.chat.id == person.id
        choice = data.partition(":")[0] if at_home else ""
        return Act(person.id, kind, f"{data!r} on {message.id if message else None}", choice, data)

    def _shown(self, person: Person, most: int) -> list[Message]:
        room = self.stage.api.world.messages.get(person.id, {})
        return [message for message in list(room.values())[-most:] if message.from_bot and message.buttons]

    def press(self, person: Person) -> Act:
        """A button that stands in the chat, rather a new one."""
        messages = [message for message in self._shown(person, 60) if not message.deleted]
        if not messages:
            return self.command(person)
        message = messages[-1 - min(int(self.luck.expovariate(0.7)), len(messages) - 1)]
        button = self.luck.choice(message.buttons)
        return self._pressed(person, "press", str(button.data), message)

    def press_old(self, person: Person) -> Act:
        """A button of an earlier state of a message, or of one that was deleted meanwhile."""
        messages = self._shown(person, 200)
        if not messages:
            return self.command(person)
        message = self.luck.choice(messages)
        version = self.luck.choice([each for each in message.history if each.buttons])
        button = self.luck.choice(version.buttons)
        if self.luck.random() < 0.3:
            message.deleted = True
        return self._pressed(person, "old press", str(button.data), message)

    def press_somebody_elses(self, person: Person) -> Act:
        """A button that was shown to another person, on a message of one's own, of theirs, or on none."""
        others = [message for other in self.stage.people if other.id != person.id for message in self._shown(other, 30)]
        if not others:
            return self.forge(person)
        theirs, own = self.luck.choice(others), self._shown(person, 10)
        data = str(self.luck.choice(theirs.buttons).data)
        return self._pressed(person, "somebody else's", data, self.luck.choice([theirs, None, *own[-2:]]))

    def forge(self, person: Person) -> Act:
        own = self._shown(person, 10)
        message = self.luck.choice([None, *own[-3:]])
        data = self.luck.choice(FORGED)
        if own and self.luck.random() < 0.4:  # a right nonce under a wrong choice
            nonce = str(own[-1].buttons[0].data).partition(":")[2]
            data = f"{self.luck.choice(list(TABLE.choices))}:{nonce}"
        return self._pressed(person, "forged press", data, message)

    # -- other messages ----------------------------------------------------------------------------------------------

    def attachment(self, person: Person) -> Act:
        luck, caption = self.luck, self.luck.choice(["", "", "/restore", "/panic", "caption <b>", "-1% +1%"])
        if luck.random() < 0.3:
            name, data = (
                luck.choice(["rexlapis-tst-1.json.gz", "a.txt", "", "x" * 200]),
                luck.choice([b"", b"{}", b"\x1f\x8b"]),
            )
            person.send_document(name, data, caption=caption)
        elif luck.random() < 0.2:
            person.send_photo(tiny_png(90, 90), caption=caption)
        else:
            what = luck.choice(list(attachments()))
            person._deliver(Content(what, caption, caption), None, None, None, {what: attachments()[what]})
        return Act(person.id, "attachment", caption)

    def edited(self, person: Person) -> Act:
        """What was said before becomes a command."""
        own = [each for each in self.stage.api.world.messages.get(person.id, {}).values() if not each.from_bot]
        if not own:
            return self.command(person)
        text = self.luck.choice([self.line()[1], "/panic", "/pause all"])
        person.edit(own[-1], text)
        return Act(person.id, "edited message", text)

    def forwarded(self, person: Person) -> Act:
        text = self.luck.choice([self.line()[1], "/pause all", "/resume all"])
        person.forward(text, author=self.luck.choice(self.stage.people))
        return Act(person.id, "forwarded", text)

    def in_a_group(self, person: Person) -> Act:
        group = self.luck.choice(self.stage.groups)
        if not group.chat.member or self.luck.random() < 0.2:
            person.add_bot_to(group)
            return Act(person.id, "put into a group", str(group.id))
        text = self.luck.choice([self.line()[1], "/pause all", "hello @loopback_bot"])
        if self.luck.random() < 0.3:  # somebody writes as the group
            anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
            message = self.stage.api.world.post(group.chat, anonymous, Content("text", text, text))
            shown = {**self.stage.api.world.message_json(message), "sender_chat": group.chat.json()}
            self.stage.api.push_update("message", shown)
            return Act(0, "group, anonymous", text)
        person.say_in_group(text, group)
        return Act(person.id, "group", text)

    def membership(self, person: Person) -> Act:
        group = self.luck.choice(self.stage.groups)
        match self.luck.randrange(4):
            case 0:
                person.block()
                return Act(person.id, "blocked", "")
            case 1:
                person.unblock()
                return Act(person.id, "unblocked", "")
            case 2 if group.chat.member:
                person.remove_bot_from(group)
                return Act(person.id, "thrown out", str(group.id))
            case _:
                return self._raw(person, "chat_member", self._member_change(person))

    def channel_post(self, person: Person) -> Act:
        channel, text = self.stage.channel, self.line()[1]
        channel.chat.member = True
        post = channel.post(text)
        if self.luck.random() < 0.3:
            self.stage.api.push_update("edited_channel_post", self.stage.api.world.message_json(post))
        return Act(0, "channel post", text)

    # -- other kinds -------------------------------------------------------------------------------------------------

    def _raw(self, person: Person, kind: str, payload: Any, person_id: int | None = None) -> Act:
        self.stage.api.push_update(kind, payload)
        who = person.id if person_id is None else person_id
        return Act(who, kind, json.dumps(payload, default=str)[:200])

    def _member_change(self, person: Person) -> dict[str, Any]:
        def member(status: str) -> dict[str, Any]:
            return {"user": person.user, "status": status, **({"until_date": 0} if status == "kicked" else {})}

        chat = self.luck.choice([person.chat, self.stage.groups[0].chat, self.stage.channel.chat])
        now = int(self.stage.clock.seconds())
        old, new = self.luck.choice([("member", "left"), ("left", "member"), ("member", "kicked")])
        return {
            "chat": chat.json(), "from": person.user, "date": now,
            "old_chat_member": member(old), "new_chat_member": member(new),
        }  # fmt: skip

    def other_kind(self, person: Person) -> Act:
        """No message, press or membership."""
        user, chat, now = person.user, person.chat.json(), int(self.stage.clock.seconds())
        text = self.luck.choice(["/pause all", "/panic", "-1% +1%"])
        message = {"message_id": 5, "date": now, "chat": chat, "from": user, "text": text}
        kinds: dict[str, Any] = {
            "inline_query": {"id": "9", "from": user, "query": text, "offset": ""},
            "chosen_inline_result": {"result_id": "1", "from": user, "query": text},
            "shipping_query": {
                "id": "1", "from": user, "invoice_payload": "create",
                "shipping_address": {
                    "country_code": "DE", "state": "", "city": "", "street_line1": "", "street_line2": "",
                    "post_code": "",
                },
            },
            "pre_checkout_query": {
                "id": "1", "from": user, "currency": "XTR", "total_amount": 1, "invoice_payload": "create:1"
            },
            "poll": poll(),
            "poll_answer": {"poll_id": "1", "user": user, "option_ids": [0], "option_persistent_ids": []},
            "chat_join_request": {"chat": chat, "from": user, "user_chat_id": person.id, "date": now},
            "message_reaction": {
                "chat": chat, "message_id": 5, "user": user, "date": now, "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": "👍"}],
            },
            "message_reaction_count": {"chat": chat, "message_id": 5, "date": now, "reactions": []},
            "business_message": {**message, "business_connection_id": "b"},
            "edited_business_message": {**message, "business_connection_id": "b", "edit_date": now},
            "deleted_business_messages": {"business_connection_id": "b", "chat": chat, "message_ids": [5]},
            "business_connection": {
                "id": "b", "user": user, "user_chat_id": person.id, "date": now, "is_enabled": True
            },
            "edited_message": {**message, "edit_date": now},
            "channel_post": {**message, "chat": self.stage.channel.chat.json()},
            "purchased_paid_media": {"from": user, "paid_media_payload": "create:1"},
            "update_of_tomorrow": {"from": user, "chat": chat, "text": text},
        }  # fmt: skip
        kind = self.luck.choice(list(kinds))
        return self._raw(person, kind, kinds[kind])

    def odd_message(self, person: Person) -> Act:
        """A message whose sender or chat is not what it usually is."""
        now, text = int(self.stage.clock.seconds()), self.luck.choice([self.line()[1], "/pause all", "/resume all"])
        other, olga = self.luck.choice(self.stage.people), self.stage.owners[0]
        message: dict[str, Any] = {
            "message_id": 1,
            "date": now,
            "chat": person.chat.json(),
            "from": person.user,
            "text": text,
        }
        odd: list[dict[str, Any]] = [
            {key: value for key, value in message.items() if key != "from"},
            {**message, "chat": {**other.chat.json(), "id": -person.id}},
            {**message, "chat": {"id": self.luck.choice([5, -1, 2**40]), "type": "private"}},
            {**message, "chat": {"id": person.id, "type": "secret"}},
            {
                **message,
                "from": {**person.user, "is_bot": True},
                "via_bot": {"id": 1, "is_bot": True, "first_name": "b"},
            },
            {**message, "from": TELEGRAM, "sender_chat": self.stage.channel.chat.json(), "is_automatic_forward": True},
            {**message, "chat": self.stage.groups[1].chat.json(), "from": olga.user},
            {**message, "from": olga.user, "chat": self.stage.strangers[0].chat.json()},
            {**message, "from": self.stage.viewer.user, "chat": olga.chat.json()},
        ]
        made = self.luck.choice(odd)
        self.stage.api.push_update("message", made)
        return Act(0, "odd message", json.dumps(made)[:300])

    def garbled(self, person: Person) -> Act:
        """An update of a shape that nobody knows."""
        user = person.user
        said = {"message_id": 1, "date": 1, "chat": person.chat.json(), "from": user, "text": "/panic"}
        pressed = {"id": "1", "from": user, "chat_instance": "1"}
        shapes: list[tuple[str, Any]] = [
            ("message", {}), ("message", {"message_id": 1}), ("message", "/panic"), ("message", [1, 2]),
            ("message", None), ("message", {**said, "date": "soon"}), ("message", {**said, "date": 2**63}),
            ("message", {**said, "chat": {"type": "private"}}), ("message", {**said, "from": {"id": "7"}}),
            ("callback_query", {"id": "1", "from": user}), ("callback_query", {"id": "1", "data": "create:1"}),
            ("callback_query", {**pressed, "game_short_name": "create"}),
            ("callback_query", {**pressed, "data": "new:x", "message": {"message_id": 1}}),
            ("my_chat_member", {"chat": {}, "from": user}), ("poll", {"id": "1"}), ("tomorrow", 1),
        ]  # fmt: skip
        kind, payload = self.luck.choice(shapes)
        self.stage.api.push_update(kind, payload)
        return Act(0, "garbled", f"{kind}: {payload}"[:200])

    def again(self, person: Person) -> Act:
        """A command that is delivered twice, under one id."""
        made = self.command(person)
        waiting = self.stage.api.updates.waiting
        waiting.append(dict(waiting[-1]))
        return Act(made.person_id, "delivered twice", made.said, made.meant)


def named(text: str) -> str:
    """The command that a text begins with, as a person would read it."""
    word = (text.split() or [""])[0].lower()
    return word[1:].partition("@")[0] if word.startswith("/") else ""
