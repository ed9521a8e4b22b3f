"""/export: every closed trade and every fill as CSV documents.

Rule: read from the disk a line at a time and away from the loop. What is too large to be sent goes compressed, and what
is too large even so stays under RESULTS_DIR, where its place is told.
"""

import asyncio
import gzip
import shutil
import tempfile
from pathlib import Path

from telegram import Update

from bot.texts.catalogue import say
from handlers.chat.context import Context, tagged
from handlers.words import statements

LARGE = 10 * 1024**2
"""Bytes from which on a document goes compressed."""
TOO_LARGE = 45 * 1024**2
"""What Telegram takes from a bot, with some way to go."""


async def export(update: Update, context: Context) -> None:
    """/export: trades.csv and fills.csv."""
    chat, manager = update.effective_chat, context.manager
    if chat is None:
        return
    await manager.write_fills()
    with tempfile.TemporaryDirectory(prefix="rexlapis-") as folder:
        sheets = await manager.world.ledger.export(Path(folder))
        counts = [(path.name, await asyncio.to_thread(_rows, path)) for path in sheets]
        if not any(count for _, count in counts):
            await context.say(update, say("statements.nothing_to_export"))
            return
        for path, (name, count) in zip(sheets, counts, strict=True):
            await _send(context, chat.id, path, statements.exported(name, count))


async def _send(context: Context, chat_id: int, path: Path, caption: str) -> None:
    path = await asyncio.to_thread(_small_enough, path)
    if path.stat().st_size > TOO_LARGE:
        kept = await asyncio.to_thread(_kept, path, context.chat.config.results_dir)
        await context.say_to(chat_id, statements.too_large(kept))
        return
    data, html = await asyncio.to_thread(path.read_bytes), tagged(caption, context.chat.config.tag)
    context.chat.pace.spend(chat_id)
    await context.chat.pace.patiently(
        chat_id,
        lambda: context.bot.send_document(chat_id, data, filename=path.name, caption=html, parse_mode="HTML"),
    )


def _rows(path: Path) -> int:
    """Rows without the header."""
    with path.open("rb") as file:
        return max(sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1, 0)


def _small_enough(path: Path) -> Path:
    """The document, compressed where it is large."""
    if path.stat().st_size <= LARGE:
        return path
    packed = path.with_name(f"{path.name}.gz")
    with path.open("rb") as source, gzip.open(packed, "wb", 6) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return packed


def _kept(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(path, folder / path.name))
