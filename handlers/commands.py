"""The table of commands: name, who may, handler, usage and help line, in the order in which /help shows them."""

from telegram import Update

from handlers import backups, control, create, decisions, exports, inheritances, permissions, reports, status
from handlers.chat import late
from handlers.chat.context import Context
from handlers.chat.people import Role
from handlers.chat.table import Choice, Command, Table
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
    Command("linear", OWNER, create.linear, GRID_WORDS, "a grid of equally spaced entries"),
    Command("normal", OWNER, create.normal, f"{GRID_WORDS} [mean=P] [sigma=F]", "a grid that is dense around its mean"),
    Command("geometric", OWNER, create.geometric, GRID_WORDS, "a grid of equal ratios"),
    Command("grids", VIEWER, status.grids, "", "all grids"),
    Command("grid", VIEWER, status.grid, "ID", "one grid and its levels"),
    Command("pause", OWNER, control.pause, "[ID|all]", "take entries off the book; exits stay"),
    Command("resume", OWNER, control.resume, "[ID|all]", "go on, also after a panic or a stop"),
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
    Command("reconcile", OWNER, reports.reconcile, "", "the books against the exchange"),
    Command("backup", OWNER, backups.backup, "", "the state as a document, to keep"),
    Command("restore", OWNER, backups.restore, "", "in reply to a backup: go on from it"),
    Command("logs", OWNER, reports.logs, "[N]", "the end of ops.log"),
    Command("health", OWNER, reports.health, "", "heartbeat, errors, store, memory"),
    Command("version", OWNER, reports.version, "", "which version this is"),
)

ROOMS = (create, control, decisions, permissions, inheritances, backups)
CHOICES: dict[str, Choice] = {
    **{name: Choice(OWNER, answer) for room in ROOMS for name, answer in room.CHOICES.items()},
    late.NOW: Choice(VIEWER, late.do_now),  # looks at the command's own role
}

TABLE = Table(COMMANDS, CHOICES)
