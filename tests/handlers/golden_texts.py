"""Golden texts: messages as a person sees them, a readable file for each family of them under `golden/`.

The rule: what differs is shown as a diff, and accepted by running the same tests with GOLDEN=write. Every text must be
one that Telegram takes; what a person sees of it is what stands in the file, bold as *bold*, buttons in [brackets].
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path

from telegram import InlineKeyboardMarkup

from tests.telegram.html_rules import parse_html, utf16_length

FOLDER = Path(__file__).parent / "golden"
IS_WRITING = os.environ.get("GOLDEN") == "write"
MESSAGE_LIMIT = 4096
MARKS = {"bold": "*", "italic": "_"}
"""Monospace and links look like plain text here: what stands in a column is seen by its columns."""


def seen(html: str, buttons: InlineKeyboardMarkup | None = None) -> str:
    """A message as a person sees it. Fails where Telegram would refuse it or a line of a table breaks on a phone."""
    text, entities = parse_html(html)
    assert utf16_length(text) <= MESSAGE_LIMIT, f"{utf16_length(text)} units: {text[:80]!r}"
    units = text.encode("utf-16-le")
    marks: list[tuple[int, str]] = []
    for entity in entities:
        mark = MARKS.get(entity["type"])
        if mark is not None:
            marks += [(entity["offset"], mark), (entity["offset"] + entity["length"], mark)]
    for place, mark in sorted(marks, reverse=True):
        units = units[: 2 * place] + mark.encode("utf-16-le") + units[2 * place :]
    lines = [units.decode("utf-16-le")]
    if buttons is not None:
        lines += [" ".join(f"[{button.text}]" for button in row) for row in buttons.inline_keyboard]
    return "\n".join(lines)


def check(family: str, texts: Mapping[str, str]) -> None:
    """Hold a family of texts, by their titles, against its file."""
    path = FOLDER / f"{family}.txt"
    made = "\n".join(f"──── {title}\n{text}\n" for title, text in texts.items())
    if IS_WRITING:
        path.write_text(made, encoding="utf-8")
        return
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    names = f"golden/{family}.txt", "as it is now"
    diff = "\n".join(unified_diff(kept.splitlines(), made.splitlines(), *names, lineterm="", n=2))
    assert made == kept, f"texts have changed; where that is right, rewrite them with GOLDEN=write\n{diff}"
