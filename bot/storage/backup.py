"""A backup: state.json of one moment, gzipped, so that it can be carried anywhere; the last ledger lines go with it.

Rule: it is read whole or not at all, by the seal that state.json bears as well. What is in it is what the trader knows;
a key, a token or what people wrote never is. Unpacked, it is a state.json that can be put in the place of a lost one.
"""

import gzip
import hashlib
import io
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bot.errors import StateCorrupt, StateNewer
from bot.storage.atomic_json import SCHEMA, about_now, pieces, seal, whole
from bot.storage.records import to_record
from bot.storage.tinydb_store import Tables, things

MOST_BYTES = 20 * 1024 * 1024
"""What Telegram hands back to a bot."""
MOST_UNPACKED = 256 * 1024 * 1024
NO_BACKUP = "This is no whole backup of this bot: {}. Nothing was changed; expected a document that /backup has sent"


def packed(tables: Mapping[str, Mapping[str, object]], made_at: datetime) -> bytes:
    """A backup of these tables, as they were at a moment."""
    rows = [
        (name, [orjson.dumps(to_record(name, key, thing)) for key, thing in each.items()])
        for name, each in tables.items()
        if each
    ]
    about = replace(about_now(secrets.token_hex(8), 1, 0), written_at=made_at.isoformat())
    body = b"".join(pieces(about, rows))
    return gzip.compress(body + seal(hashlib.sha256(body).hexdigest()), 6, mtime=0)


def unpacked(data: bytes) -> tuple[datetime, Tables]:
    """When a backup was made, and its tables. StateCorrupt, StateNewer."""
    name = Path("the backup")
    try:
        with gzip.open(io.BytesIO(data)) as file:
            plain = file.read(MOST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error):
        raise StateCorrupt(NO_BACKUP.format("it is cut off, garbled or another kind of file")) from None
    if len(plain) > MOST_UNPACKED:
        raise StateCorrupt(NO_BACKUP.format(f"unpacked it is over {MOST_UNPACKED // 1024**2} MB"))
    try:
        about, documents = whole(name, plain)
        made_at = datetime.fromisoformat(about.written_at).astimezone(UTC)
        tables = things({table: {row["id"]: row for row in rows.values()} for table, rows in documents.items()})
    except StateNewer:
        raise StateNewer(
            "This backup was written by a newer version of the bot, and holds what this one can't read (it reads up "
            f"to schema {SCHEMA}). Nothing was changed; update the bot, then restore"
        ) from None
    except (StateCorrupt, KeyError, TypeError, ValueError, AttributeError):
        raise StateCorrupt(NO_BACKUP.format("its checksum or its content does not fit")) from None
    if "meta" not in tables.get("meta", {}):
        raise StateCorrupt(NO_BACKUP.format("it does not say whose state it is"))
    return made_at, tables
