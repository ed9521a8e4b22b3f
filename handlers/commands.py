"""The table of commands: name, who may, handler and usage, in the order in which /help shows them."""

from telegram import Update

from handlers import (
    alerts,
    backtests,
    backups,
    card,
    control,
    create,
    decisions,
    edit,
    exports,
    inheritances,
    permissions,
    reports,
    status,
)
from handlers.chat import late, leafing
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.chat.table import Choice, Command, Table
from handlers.guide import commands as guide
from handlers.words import statements

OWNER, VIEWER = Role.OWNER, Role.VIEWER

GRID_WORDS = "[SYMBOL] MIN MAX COUNT QTY PROFIT [loop] [key=value …]"


async def help_(update: Update, context: Context) -> None:
    """/help: what this person may use."""
    lines = [(f"{command.name} {command.usage}".strip(), command.help) for command in TABLE.for_role(context.role)]
    await context.say(update, statements.help_(lines, owner=context.role >= OWNER))


COMMANDS: tuple[Command, ...] = (
    Command("start", VIEWER, status.start),
    Command("help", VIEWER, help_),
    Command("new", OWNER, guide.new),
    Command("cancel", OWNER, guide.cancel),
    Command("linear", OWNER, guide.linear, GRID_WORDS),
    Command("normal", OWNER, guide.normal, "… [mean=P] [sigma=F]"),
    Command("geometric", OWNER, guide.geometric, "…"),
    Command("grids", VIEWER, status.grids),
    Command("grid", VIEWER, card.grid, "[ID]"),
    Command("pause", OWNER, control.pause, "[ID|all]"),
    Command("resume", OWNER, control.resume, "[ID|all]"),
    Command("edit", OWNER, edit.edit, "ID key=value …"),
    Command("stop", OWNER, control.stop, "ID|all"),
    Command("panic", OWNER, control.panic),
    Command("status", VIEWER, status.status),
    Command("price", VIEWER, status.price, "[SYMBOL]"),
    Command("balance", VIEWER, status.balance),
    Command("orders", VIEWER, status.orders),
    Command("why", VIEWER, status.why, "ID"),
    Command("pnl", VIEWER, reports.pnl, "[day|week|month|all] [ID]"),
    Command("trades", VIEWER, reports.trades, "[N]"),
    Command("export", VIEWER, exports.export),
    Command("backtest", OWNER, backtests.backtest, "linear|normal|geometric … [days=N]"),
    Command("reconcile", OWNER, reports.reconcile),
    Command("backup", OWNER, backups.backup),
    Command("restore", OWNER, backups.restore),
    Command("alerts", OWNER, alerts.alerts, "[KIND WAY]"),
    Command("logs", OWNER, reports.logs, "[N]"),
    Command("health", OWNER, reports.health),
    Command("version", OWNER, reports.version),
)

ROOMS = (create, control, decisions, permissions, inheritances, backups, alerts, edit)
LOOKING = (create, backtests, alerts, edit)
CHOICES: dict[str, Choice] = {
    **{name: Choice(OWNER, answer) for room in ROOMS for name, answer in room.CHOICES.items()},
    **{name: Choice(VIEWER, answer, stays=True) for name, answer in leafing.CHOICES.items()},
    **{name: Choice(OWNER, answer, stays=True) for room in LOOKING for name, answer in room.LOOKS.items()},
    **guide.CHOICES,
    **{name: Choice(VIEWER, answer, stays=True) for name, answer in card.LOOKS.items()},
    **{name: Choice(OWNER, answer, stays=True) for name, answer in card.STEERING.items()},
    late.NOW: Choice(VIEWER, late.do_now),  # looks at the command's own role
}

TABLE = Table(COMMANDS, CHOICES, guide.listen)
