"""What the tests of this room share: a stage, a clock to move by hand, a picture.

The rule: nothing is asserted here.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Bot

from tests.telegram.bot_api import BotApi
from tests.telegram.people import Person

Story = Callable[[BotApi, Bot, Person], Awaitable[None]]


def play(story: Story, **options: Any) -> None:
    """Runs a story with a server, python-telegram-bot's Bot and somebody it may write to."""

    async def run() -> None:
        async with BotApi(**options) as api, connected(api) as bot:
            await story(api, bot, api.person(7, "Olga", "olga", started=True))

    asyncio.run(run())


def connected(api: BotApi) -> Bot:
    """The real client, told where the server is."""
    return Bot(api.token, base_url=f"{api.url}/bot", base_file_url=f"{api.url}/file/bot")


def picture(width: int = 3, height: int = 2) -> bytes:
    """A whole PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" * (width + 1) for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Calendar:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now
