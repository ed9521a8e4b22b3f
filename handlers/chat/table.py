"""What the table of commands is made of.

Rule: /help and Telegram's menu are made from the table, and so is who may do what; no handler asks for a role itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from telegram import BotCommand, Update

from bot.texts.catalogue import say
from handlers.chat.context import Context
from handlers.chat.people import Role

Handler = Callable[[Update, Context], Awaitable[None]]
Answer = Callable[[Update, Context, object], Awaitable[None]]
"""What a pressed button calls; the object is what the question was about."""

Taken = Callable[[Update, Context, str], tuple[object, str]]
"""What a press is about, by its nonce; or (None, the sentence that says why it is not obeyed)."""
Listener = Callable[[Update, Context], Awaitable[bool]]
"""Hears words that are no command; returns whether they were an answer to something."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `usage`: what is typed behind its name; `role`: the least that may."""

    name: str
    role: Role
    handler: Handler
    usage: str = ""

    @property
    def help(self) -> str:
        """What it does, in a few words."""
        return say(f"commands.{self.name}")


@dataclass(frozen=True, slots=True)
class Choice:
    """What one kind of button does, and the least that may press it. `stays`: it may be pressed again; `taken` says
    what a press is about where that is no open question: for buttons that work after a restart as before."""

    role: Role
    answer: Answer
    stays: bool = False
    taken: Taken | None = None


class Table:
    """All commands, and all that buttons do, by name."""

    def __init__(
        self, commands: Iterable[Command], choices: Mapping[str, Choice], listener: Listener | None = None
    ) -> None:
        self.listener = listener
        self.commands = {command.name: command for command in commands}
        self.choices = dict(choices)

    def for_role(self, role: Role) -> list[Command]:
        """What somebody may use, in the order of the table."""
        return [command for command in self.commands.values() if command.role <= role]

    def menu(self, role: Role) -> list[BotCommand]:
        """Telegram's command menu."""
        return [BotCommand(command.name, command.help[:256]) for command in self.for_role(role)]
