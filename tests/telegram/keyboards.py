"""Buttons: what the server accepts under a message, and what a person finds there to press.

The rule: a keyboard is accepted whole or refused in the official words; accepted inline keyboards are kept as
sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.telegram.html_rules import is_link
from tests.telegram.parameters import Json, bad_request

MOST_BUTTONS = 100
MOST_IN_A_ROW = 8
MOST_DATA_BYTES = 64
_ACTIONS = (
    "url", "callback_data", "web_app", "login_url", "copy_text", "pay", "callback_game",
    "switch_inline_query",
    "switch_inline_query_current_chat", "switch_inline_query_chosen_chat",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Button:
    """One inline button as a person sees it."""

    text: str
    data: str | None
    url: str | None
    row: int
    column: int


def buttons_of(markup: Json | None) -> list[Button]:
    """The inline buttons of a keyboard, row by row."""
    rows: list[list[Json]] = (markup or {}).get("inline_keyboard", [])
    return [
        Button(cell["text"], cell.get("callback_data"), cell.get("url"), row, column)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]


def accepted_markup(value: Any, *, inline_only: bool = False) -> Json | None:
    """The keyboard as the server keeps it; None when there is none. Raises Refusal."""
    if value is None or value == "":
        return None
    if not isinstance(value, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in value:
        return _inline(value["inline_keyboard"])
    if inline_only and value:
        raise bad_request("inline keyboard expected")
    if "keyboard" in value:
        _reply_keyboard(value["keyboard"])
        return value
    if value.get("remove_keyboard") is True or value.get("force_reply") is True or not value:
        return value or None
    raise bad_request("object expected as reply markup")


def _rows(value: Any, what: str) -> list[list[Any]]:
    if not isinstance(value, list):
        raise bad_request(f'field "{what}" of the ReplyMarkup must be an Array')
    if not all(isinstance(row, list) for row in value):
        raise bad_request(f'field "{what}" of the ReplyMarkup should be an Array of Arrays')
    return value


def _reply_keyboard(value: Any) -> None:
    for row in _rows(value, "keyboard"):
        for cell in row:
            text = cell if isinstance(cell, str) else cell.get("text") if isinstance(cell, dict) else None
            if not isinstance(text, str) or not text.strip():
                raise bad_request("can't parse keyboard button: Text of the button must be non-empty")


def _inline(value: Any) -> Json | None:
    rows = _rows(value, "inline_keyboard")
    for row in rows:
        if len(row) > MOST_IN_A_ROW:
            raise bad_request("REPLY_MARKUP_TOO_LONG")
        for cell in row:
            _check_button(cell)
    kept = [row for row in rows if row]
    if sum(map(len, kept)) > MOST_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return {"inline_keyboard": kept} if kept else None


def _check_button(cell: Any) -> None:
    broken = "can't parse inline keyboard button: "
    if not isinstance(cell, dict):
        raise bad_request(broken + "InlineKeyboardButton must be an Object")
    if "text" not in cell:
        raise bad_request(broken + 'Can\'t find field "text"')
    if not isinstance(cell["text"], str):
        raise bad_request(broken + 'Field "text" must be of type String')
    if not cell["text"].strip():
        raise bad_request("REPLY_MARKUP_INVALID")
    given = [
        name for name in _ACTIONS if cell.get(name) not in (None, "") or (name.startswith("switch") and name in cell)
    ]
    if not given:
        raise bad_request(broken + "Text buttons are unallowed in the inline keyboard")
    if len(given) > 1:
        raise bad_request(broken + "Exactly one action is expected")  # Telegram takes one of them: a mistake
    if "callback_data" in given:
        data = cell["callback_data"]
        if not isinstance(data, str):
            raise bad_request(broken + 'Field "callback_data" must be of type String')
        if len(data.encode()) > MOST_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in given and not is_link(str(cell["url"])):
        why = "Unsupported URL protocol" if "://" in str(cell["url"]) else "Wrong HTTP URL"
        raise bad_request(f"inline keyboard button URL '{cell['url']}' is invalid: {why}")
    if "copy_text" in given and not 1 <= len(str(cell["copy_text"].get("text", ""))) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
