"""What the table of commands is made of.

Rule: /help and Telegram's menu are made from the table, and so is who may do what; no handler asks for a role itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from telegram import BotCommand, Update

from handlers.chat.context import Context
from handlers.chat.people import Role

Handler = Callable[[Update, Context], Awaitable[None]]
Answer = Callable[[Update, Context, object], Awaitable[None]]
"""What a pressed button calls; the object is what the question was about."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `usage` as it is typed, with what follows it; `help` in a few words; `role`: the least that may."""

    name: str
    role: Role
    handler: Handler
    usage: str
    help: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What one kind of button does, and the least that may press it."""

    role: Role
    answer: Answer


class Table:
    """All commands, and all that buttons do, by name."""

    def __init__(self, commands: Iterable[Command], choices: Mapping[str, Choice]) -> None:
        self.commands = {command.name: command for command in commands}
        self.choices = dict(choices)

    def for_role(self, role: Role) -> list[Command]:
        """What somebody may use, in the order of the table."""
        return [command for command in self.commands.values() if command.role <= role]

    def menu(self, role: Role) -> list[BotCommand]:
        """Telegram's command menu."""
        return [BotCommand(command.name, command.help[:256]) for command in self.for_role(role)]
