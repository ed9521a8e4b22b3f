"""The table of commands: name, who may, handler, usage and help line, in the order in which /help shows them."""

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
    Command("start", VIEWER, status.start, "", "begin here"),
    Command("help", VIEWER, help_, "", "what I can do"),
    Command("new", OWNER, guide.new, "", "a grid step by step, with buttons"),
    Command("cancel", OWNER, guide.cancel, "", "leave a dialogue"),
    Command("linear", OWNER, guide.linear, GRID_WORDS, "a grid of equally spaced entries"),
    Command("normal", OWNER, guide.normal, "… [mean=P] [sigma=F]", "as /linear, but dense around its mean"),
    Command("geometric", OWNER, guide.geometric, "…", "as /linear, but at equal ratios"),
    Command("grids", VIEWER, status.grids, "", "all grids"),
    Command("grid", VIEWER, card.grid, "[ID]", "one grid: its ladder, profit and buttons"),
    Command("pause", OWNER, control.pause, "[ID|all]", "take entries off the book; exits stay"),
    Command("resume", OWNER, control.resume, "[ID|all]", "go on, also after a panic or a stop"),
    Command("edit", OWNER, edit.edit, "ID key=value …", "change a running grid"),
    Command("stop", OWNER, control.stop, "ID|all", "end a grid: finish, keep the coins, or sell"),
    Command("panic", OWNER, control.panic, "", "cancel every order and halt"),
    Command("status", VIEWER, status.status, "", "how things stand"),
    Command("price", VIEWER, status.price, "[SYMBOL]", "the market now"),
    Command("balance", VIEWER, status.balance, "", "funds on the account"),
    Command("orders", VIEWER, status.orders, "", "resting orders"),
    Command("why", VIEWER, status.why, "ID", "what a grid or level waits for"),
    Command("pnl", VIEWER, reports.pnl, "[day|week|month|all] [ID]", "profit realised, open and in all"),
    Command("trades", VIEWER, reports.trades, "[N]", "the last closed trades"),
    Command("export", VIEWER, exports.export, "", "all trades and fills as CSV"),
    Command("backtest", OWNER, backtests.backtest, "linear|normal|geometric … [days=N]", "a grid over recent prices"),
    Command("reconcile", OWNER, reports.reconcile, "", "the books against the exchange"),
    Command("backup", OWNER, backups.backup, "", "the state as a document, to keep"),
    Command("restore", OWNER, backups.restore, "", "in reply to a backup: go on from it"),
    Command("alerts", OWNER, alerts.alerts, "[KIND WAY]", "what I push to you, and how"),
    Command("logs", OWNER, reports.logs, "[N]", "the end of ops.log"),
    Command("health", OWNER, reports.health, "", "heartbeat, errors, store, memory"),
    Command("version", OWNER, reports.version, "", "which version this is"),
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
