"""A start that a wrong setting has ended, told in the chat as well: whoever set it may never look at the host's log.

Rule: at most once an hour, for hosts start again and again; where it can't be told, nothing is lost but the word. The
line is the one for stderr, which shows no secret.
"""

import hashlib
import json
import tempfile
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from bot.settings import Settings
from bot.texts.catalogue import say

TELEGRAM = "https://api.telegram.org"
PAUSE = 3600.0
PATIENCE = 4.0


def told(line: str, contact: Settings, now: float | None = None) -> bool:
    """Send the line to every owner, unless one was sent within the last hour; whether anybody got it."""
    at = time.time() if now is None else now
    marks = _marks(contact)
    if any(0 <= at - _time_of(mark) < PAUSE for mark in marks):
        return False
    text = say("distress.no_start", line=line)
    got = [_sent(contact, owner, text) for owner in sorted(contact.telegram_owner_ids)]
    if any(got):
        _note(marks, at)
    return any(got)


def _sent(contact: Settings, owner: int, text: str) -> bool:
    url = f"{contact.telegram_api_url or TELEGRAM}/bot{_token(contact)}/sendMessage"
    body = json.dumps({"chat_id": owner, "text": text[:4000]}).encode()
    try:
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=PATIENCE) as answer:
            return bool(json.load(answer).get("ok"))
    except (OSError, ValueError, HTTPException):
        return False


def _token(contact: Settings) -> str:
    assert contact.telegram_bot_token is not None
    return contact.telegram_bot_token.get_secret_value()


def _marks(contact: Settings) -> tuple[Path, ...]:
    """Where it is noted when somebody was told last: in RESULTS_DIR, or else beside other temporary files."""
    name = hashlib.sha256(_token(contact).encode()).hexdigest()[:12]
    return contact.results_dir / ".told", Path(tempfile.gettempdir()) / f"rexlapis-told-{name}"


def _time_of(mark: Path) -> float:
    try:
        return float(mark.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def _note(marks: tuple[Path, ...], at: float) -> None:
    for mark in marks:
        with suppress(OSError):
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(repr(at), encoding="ascii")
            return
