"""What every handler is given: the trader, the chat's own settings, and one way to answer.

Rule: handlers reach everything by typed attributes of their context; there are no string keys.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from telegram import InlineKeyboardMarkup, Message, Update
from telegram.constants import ParseMode
from telegram.ext import Application, CallbackContext, ExtBot

from bot.manager import TradeManager
from handlers.access import People, Role
from handlers.questions import Questions


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """The chat's settings. `tag` stands in every message while money is not real: `(simulated)`, `(paper)`, `(demo)`."""

    default_symbol: str
    tag: str
    mode: str
    timezone: tzinfo
    results_dir: Path


@dataclass(slots=True)
class Chat:
    """All that handlers share."""

    manager: TradeManager
    config: ChatConfig
    people: People
    questions: Questions

    def now(self) -> datetime:
        return self.manager.world.clock.now()


class Context(CallbackContext[ExtBot[None], Any, Any, Any]):
    """The context of one update."""

    chat: Chat
    role: Role

    @classmethod
    def from_update(cls, update: object, application: Any) -> "Context":
        context = super().from_update(update, application)
        chat: Chat = application.chat
        context.chat = chat
        context.role = chat.people.role_of(update)
        return context

    @property
    def manager(self) -> TradeManager:
        return self.chat.manager

    @property
    def words(self) -> str:
        """What was typed behind the command, as one line."""
        return " ".join(self.args or ())

    async def say(self, update: Update, html: str, buttons: InlineKeyboardMarkup | None = None) -> Message | None:
        """Answer in the chat the update came from, tagged while money is not real. Long texts go out in parts that break
        at line ends. Bypasses the outbox: answers are never queued behind pushes."""
        message: Message | None = None
        chat = update.effective_chat
        parts = split(tagged(html, self.chat.config.tag))
        if chat is None:
            return None
        for part in parts:
            message = await self.bot.send_message(
                chat.id, part, parse_mode=ParseMode.HTML, reply_markup=buttons if part is parts[-1] else None
            )
        return message

    async def change(self, update: Update, html: str, buttons: InlineKeyboardMarkup | None = None) -> None:
        """Replace the message whose button was pressed."""
        query = update.callback_query
        if query is not None:
            text = tagged(html, self.chat.config.tag)
            await query.edit_message_text(text, parse_mode=ParseMode.HTML, reply_markup=buttons)


ChatApplication = Application[Any, Context, Any, Any, Any, Any]

TEXT_LIMIT = 4000
"""Characters of one message, with some way to go to Telegram's 4,096 after entities are parsed."""


def tagged(html: str, tag: str) -> str:
    """The text, saying so where money is not real."""
    return f"{html}\n<i>{tag}</i>" if tag else html


def split(html: str, limit: int = TEXT_LIMIT) -> list[str]:
    """The text in parts of at most `limit` characters, broken at line ends; a monospace block is closed and reopened."""
    parts: list[str] = []
    part = ""
    inside = False
    for line in html.split("\n"):
        room = limit - len("</pre>") - len("<pre>")
        while len(line) > room:
            parts.append(part + line[:room]) if not part else parts.append(part)
            line, part = (line[room:], "") if not part else (line, "")
        if part and len(part) + 1 + len(line) > room:
            parts.append(part + ("</pre>" if inside else ""))
            part = "<pre>" if inside else ""
        part = f"{part}\n{line}" if part and part != "<pre>" else part + line
        inside = line.rfind("<pre>") > line.rfind("</pre>") if "pre>" in line else inside
    return [*parts, part]
