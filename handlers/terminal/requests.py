"""The same chat in a terminal: a request backend of python-telegram-bot that plays Telegram's server for one person.

Rule: the application does not know the difference. Buttons carry numbers that run on and are never reused. Unless a
person is typing, the next line is handed over once the one before is dealt with and its answer stands there: a script's
`1` presses the button of the line above it.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, TextIO

from telegram.request import BaseRequest, RequestData

from bot.texts.catalogue import say
from handlers.terminal.input import LineReader, Pressed, Said, stay_in_background, understood
from handlers.terminal.screen import Screen, plain

log = logging.getLogger(__name__)

PERSON = 1
"""The user id of whoever sits at the terminal."""
BOT = 2
TOKEN = f"{BOT}:terminal"
MOST_MESSAGES = 1_000
MOST_BUTTONS = 10_000
LOOK_AGAIN = "leaf:"
"""What refreshes a message has no number here: the command typed again shows the same."""
QUIT = frozenset({"quit", "exit"})

Json = dict[str, Any]
Reply = tuple[int, bytes]

_BOT: Json = {"id": BOT, "is_bot": True, "first_name": "RexLapis Bot", "username": "terminal_bot"}
_PHOTO: Json = {"file_id": "picture", "file_unique_id": "picture", "width": 1080, "height": 1350}
_CHAT: Json = {"id": PERSON, "type": "private"}


class Refused(Exception):
    """A call that Telegram would refuse as well; answered with 400."""


class Terminal:
    """The chat's server. `requests` go to the application, `finished` hears of every update that is dealt with.

    `on_end(had_lines)` hears that input has ended and all of it is dealt with, `on_quit` when somebody types `quit`.
    """

    def __init__(
        self,
        *,
        stdin: TextIO | None,
        stdout: TextIO | None,
        results_dir: Path,
        now: Callable[[], datetime],
        words: Iterable[str],
        on_end: Callable[[bool], None],
        on_quit: Callable[[], None] | None = None,
    ) -> None:
        self._reader = LineReader(stdin)
        self._screen = Screen(stdout, has_prompt=self._reader.is_terminal)
        self._results_dir = results_dir
        self._now = now
        self._words = frozenset(words)
        self._on_end = on_end
        self._on_quit = on_quit
        self._busy: set[int] = set()
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._update_id = int(now().timestamp() * 1000)  # ids of two runs differ: the inbox remembers them
        self._message_id = 0
        self._messages: dict[int, Json] = {}
        self._buttons: dict[int, tuple[int, str]] = {}
        self._next_button = 1
        self._wants_number = False
        self._had_lines = False
        self._is_started = False
        self.awaits_number: Callable[[], bool] = lambda: False
        """Whether the chat waits for a number beside its buttons."""
        self.requests: tuple[BaseRequest, BaseRequest] = (TerminalRequest(self), TerminalRequest(self))

    # -- towards the person ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read and write."""
        if not self._is_started:
            self._is_started = True
            stay_in_background()
            self._screen.start()
            self._reader.start()

    async def show(self, html: str) -> None:
        """Print something that is no message of the bot."""
        await self._screen.show(html)

    def finished(self, update_id: int) -> None:
        """An update was dealt with, and all it had to say stands there."""
        self._busy.discard(update_id)
        if not self._busy:
            self._is_quiet.set()

    async def updates(self) -> list[Json]:
        """The next update, as soon as there is one."""
        while True:
            if not self._reader.is_terminal:
                await self._is_quiet.wait()
            line = await self._reader.next()
            if line is None:
                await self._ended()
                await asyncio.Event().wait()  # no more updates; whoever polls is cancelled at the stop
                continue
            update = await self._update_of(line)
            if update is not None:
                self._busy.add(update["update_id"])
                self._is_quiet.clear()
                return [update]

    async def _ended(self) -> None:
        await self._is_quiet.wait()
        if self._had_lines or self._reader.is_terminal:
            await self._screen.show(say("terminal.input_ended"))
        self._on_end(self._had_lines)

    async def _update_of(self, line: str) -> Json | None:
        meant = understood(line, wants_number=self._wants_number or self.awaits_number(), words=self._words)
        if meant is None:
            self._screen.prompt_again()
            return None
        self._had_lines = True
        self._update_id += 1
        if isinstance(meant, Pressed):
            return await self._press(meant.number)
        if meant.text.lower().removeprefix("/") in QUIT:
            await self._screen.show(say("terminal.quit") if self._on_quit else say("terminal.no_quit"))
            if self._on_quit is not None:
                self._on_quit()
            return None
        return self._said(meant)

    def _said(self, said: Said) -> Json:
        self._wants_number = False
        self._message_id += 1
        message: Json = {
            "message_id": self._message_id,
            "date": int(self._now().timestamp()),
            "chat": _CHAT,
            "from": _person(),
            "text": said.text,
        }
        if said.text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(said.text.split()[0])}]
        self._screen.prompt_again()
        return {"update_id": self._update_id, "message": message}

    async def _press(self, number: int) -> Json | None:
        if number not in self._buttons:
            await self._screen.show(say("terminal.no_button", number=number))
            return None
        message_id, data = self._buttons[number]
        query: Json = {
            "id": str(self._update_id),
            "from": _person(),
            "chat_instance": "terminal",
            "data": data,
            "message": self._messages.get(message_id) or {"message_id": message_id, "date": 0, "chat": _CHAT},
        }
        self._screen.prompt_again()
        return {"update_id": self._update_id, "callback_query": query}

    # -- towards the bot ---------------------------------------------------------------------------------------------

    async def call(self, method: str, params: Json, files: Json) -> object:
        """One method of the Bot API; raises Refused."""
        if method == "getUpdates":
            return await self.updates()
        if method == "getMe":
            return {**_BOT, "can_join_groups": False, "can_read_all_group_messages": False}
        if method == "sendMessage":
            return await self._say(params)
        if method in ("sendPhoto", "sendDocument"):
            return await self._send_file(params, files)
        if method in ("editMessageText", "editMessageCaption", "editMessageReplyMarkup", "editMessageMedia"):
            return await self._edit(method, params, files)
        if method == "answerCallbackQuery":
            if params.get("text"):
                await self._screen.show(f"<b>{escape(str(params['text']), quote=False)}</b>")
            return True
        if method in QUIET:
            return True
        raise Refused(f"the terminal does not know {method}")

    async def _say(self, params: Json, note: str = "", photo: Json | None = None) -> Json:
        html = html_of(params)
        if not plain(html).strip() and not note:
            raise Refused("message text is empty")
        self._message_id += 1
        message: Json = {
            "message_id": self._message_id,
            "date": int(self._now().timestamp()),
            "chat": _CHAT,
            "from": _BOT,
            **({"text": plain(html)} if photo is None else {"caption": plain(html), "photo": [photo]}),
        }
        await self._put(message, "\n".join(part for part in (html, note) if part), params.get("reply_markup"))
        return message

    async def _put(self, message: Json, html: str, markup: object) -> None:
        """Print a message with its buttons, and remember it."""
        buttons = markup if isinstance(markup, dict) and "inline_keyboard" in markup else None
        message.pop("reply_markup", None)
        if buttons is not None:
            message["reply_markup"] = buttons
        self._messages[message["message_id"]] = message
        while len(self._messages) > MOST_MESSAGES:
            del self._messages[next(iter(self._messages))]
        if isinstance(markup, dict) and markup.get("force_reply"):
            self._wants_number = True
        rows = self._numbered(message["message_id"], buttons["inline_keyboard"]) if buttons is not None else []
        if html or rows:
            await self._screen.show("\n".join([html, *rows] if html else rows))

    def _numbered(self, message_id: int, keyboard: list[list[Json]]) -> list[str]:
        """The rows of a keyboard, each button with the next number."""
        rows: list[str] = []
        mark = "#" if self.awaits_number() else ""  # a bare number would be the answer
        for row in keyboard:
            shown: list[str] = []
            for button in row:
                text = escape(str(button.get("text", "")), quote=False)
                if str(button.get("callback_data", "")).startswith(LOOK_AGAIN):
                    shown += [text] if len(keyboard) > 1 else []
                elif button.get("callback_data"):
                    self._buttons[self._next_button] = (message_id, str(button["callback_data"]))
                    shown.append(f"<b>[{mark}{self._next_button}]</b> {text}")
                    self._next_button += 1
                else:
                    link = button.get("url") or (button.get("copy_text") or {}).get("text", "")
                    shown.append(f"{text}: {escape(str(link), quote=False)}")
            rows += ["  " + "   ".join(shown)] if shown else []
        while len(self._buttons) > MOST_BUTTONS:
            del self._buttons[next(iter(self._buttons))]
        return rows

    async def _edit(self, method: str, params: Json, files: Json) -> Json:
        message = self._messages.get(int(params.get("message_id") or 0))
        if message is None or message["from"] is not _BOT:
            raise Refused("message to edit not found")
        markup = params.get("reply_markup")
        html = html_of({**params, **(params.get("media") or {})})
        words = "caption" if "photo" in message else "text"
        if method == "editMessageReplyMarkup" or (plain(html) == message[words] and not files):
            html = ""
            if (markup or None) == message.get("reply_markup"):
                raise Refused("message is not modified: its content and reply markup are the same")
        else:
            message[words] = plain(html)
        note = await self._saved(files, "picture.png") if files else ""
        await self._put(message, "\n".join(part for part in (html, note) if part), markup)
        return message

    async def _send_file(self, params: Json, files: Json) -> Json:
        is_photo = "photo" in files or "photo" in params
        note = await self._saved(files, "picture.png" if is_photo else "file")
        return await self._say(params, note, _PHOTO if is_photo else None)

    async def _saved(self, files: Json, fallback: str) -> str:
        """Save what was sent under RESULTS_DIR, and the line that names it."""
        lines: list[str] = []
        for field in files.values():
            name, content = Path(str(field[0] or fallback)).name or fallback, field[1]
            data = content if isinstance(content, bytes) else content.read()
            try:
                path = await asyncio.to_thread(keep_file, self._results_dir, name, data)
            except OSError as error:
                raise Refused(f"{name} can't be saved: {error.strerror}") from error
            lines.append(say("terminal.saved", path=escape(str(path), quote=False)))
        return "\n".join(lines)


QUIET = frozenset({
    "setMyCommands", "deleteMyCommands", "deleteWebhook", "sendChatAction", "deleteMessage", "pinChatMessage",
    "unpinChatMessage", "unpinAllChatMessages", "leaveChat", "setMessageReaction",
})  # fmt: skip
"""Methods that show nothing in a terminal."""


def _person() -> Json:
    """Whoever sits at the terminal."""
    return {"id": PERSON, "is_bot": False, "first_name": say("terminal.person")}


def html_of(params: Json) -> str:
    """Text or caption as HTML, whatever it came as."""
    text = str(params.get("text") or params.get("caption") or "")
    return text if str(params.get("parse_mode", "")).upper() == "HTML" else escape(text, quote=False)


def keep_file(folder: Path, name: str, data: bytes) -> Path:
    """Write a new file, never over another: `chart.png`, `chart-2.png`, …"""
    folder.mkdir(parents=True, exist_ok=True)
    first = Path(name)
    for number in range(1, 100_000):
        path = folder / (name if number == 1 else f"{first.stem}-{number}{first.suffix}")
        with contextlib.suppress(FileExistsError), path.open("xb") as file:
            file.write(data)
            return path
    raise OSError(f"too many files are named {name}")


class TerminalRequest(BaseRequest):
    """What the application calls in place of HTTP."""

    __slots__ = ("_terminal",)

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    @property
    def read_timeout(self) -> float | None:
        return None

    async def initialize(self) -> None:
        """The first call of all."""
        self._terminal.start()

    async def shutdown(self) -> None:
        """The threads die with the process."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = None,
        write_timeout: object = None,
        connect_timeout: object = None,
        pool_timeout: object = None,
    ) -> Reply:
        """Answer as the server would."""
        params: Json = dict(request_data.parameters) if request_data is not None else {}
        files: Json = dict(request_data.multipart_data) if request_data is not None else {}
        try:
            result = await self._terminal.call(url.rpartition("/")[2], params, files)
        except Refused as refused:
            return 400, json.dumps({"ok": False, "description": f"Bad Request: {refused}"}).encode()
        return 200, json.dumps({"ok": True, "result": result}).encode()
