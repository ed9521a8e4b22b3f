"""The terminal chat: every kind of standard input and output, numbers for buttons, order, pictures, the end of input.

The rule: the real application behind pipes, files and a pseudo-terminal; what was written is read back from them.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import select
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import pytest
from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.core.money import use_exact
from bot.exchange.simulated import open_simulated
from bot.ledger.logs import MemoryLedger
from bot.manager import TradeManager
from bot.ports import Policy, World
from bot.trading.state import Identity
from handlers.chat.application import ChatService
from handlers.chat.context import Chat, ChatConfig, Context
from handlers.chat.notify import Outbox
from handlers.chat.pace import unhurried
from handlers.chat.people import People, Role
from handlers.chat.questions import Questions
from handlers.chat.table import Choice, Table
from handlers.terminal.input import Pressed, Said, understood
from handlers.terminal.requests import PERSON, TOKEN, Terminal, keep_file
from handlers.terminal.screen import plain
from tests.handlers.chat_stage import MadeUp, PlainWords, Shelf, Time, fill_of
from tests.telegram.stories import picture

WORDS = ("look", "ask", "grid")


@dataclass
class Deeds:
    """Commands made for the test, and what came of them."""

    done: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, update: Update, context: Context) -> None:
        await asyncio.sleep(0)
        self.done.append(f"look {context.words}")
        await context.say(update, f"<b>Seen</b>: {context.words} &amp; <code>more</code>")

    async def ask(self, update: Update, context: Context) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        about = context.words
        assert update.effective_user is not None
        nonce = context.chat.questions.ask(update.effective_user.id, [about], context.chat.now())
        buttons = [
            [InlineKeyboardButton(text, callback_data=f"{text}:{nonce}") for text in ("Create", "No")],
            [InlineKeyboardButton("Read", url="https://example.org/")],
        ]
        await context.say(update, f"{about}?", InlineKeyboardMarkup(buttons))

    async def yes(self, update: Update, context: Context, about: object) -> None:
        self.done.append(f"yes {about}")
        await context.change(update, "Created.")

    async def number(self, update: Update, context: Context) -> None:
        await context.bot.send_message(PERSON, "How many?", reply_markup=ForceReply())

    async def card(self, update: Update, context: Context) -> None:
        nonce = context.chat.questions.ask(PERSON, ["card"], context.chat.now())
        await context.show(PERSON, picture(), "card.png", "A card", self.under_card(nonce))

    async def turn(self, update: Update, context: Context, about: object) -> None:
        assert update.callback_query is not None
        nonce = str(update.callback_query.data).partition(":")[2]
        self.done.append(f"turned {about}")
        await context.redraw(update, picture(), "card.png", "A card", self.under_card(nonce))

    def under_card(self, nonce: str) -> InlineKeyboardMarkup:
        texts = ("Create", f"Turn {len(self.done)}")
        return InlineKeyboardMarkup(
            [[InlineKeyboardButton(text, callback_data=f"{text.split()[0]}:{nonce}") for text in texts]]
        )

    async def picture(self, update: Update, context: Context) -> None:
        await context.bot.send_photo(PERSON, picture(), caption="<i>A</i> chart", parse_mode="HTML", filename="g1.png")
        await context.bot.send_document(PERSON, b"a,b\n", filename="../../trades.csv")

    @property
    def table(self) -> Table:
        owner = Role.OWNER
        commands = [
            MadeUp("look", owner, self.look),
            MadeUp("ask", owner, self.ask),
            MadeUp("number", owner, self.number),
            MadeUp("picture", owner, self.picture),
            MadeUp("card", owner, self.card),
        ]
        return Table(commands, {"Create": Choice(owner, self.yes), "Turn": Choice(owner, self.turn, stays=True)})


@dataclass
class Seat:
    """Somebody at the terminal."""

    deeds: Deeds
    manager: TradeManager
    ended: asyncio.Future[bool]
    quits: list[bool]
    terminal: Terminal


@contextlib.asynccontextmanager
async def seated(
    stdin: TextIO | None, stdout: TextIO | None, folder: Path, store: Shelf | None = None
) -> AsyncIterator[Seat]:
    """The application with this terminal, from its start to its stop."""
    time, deeds = Time(flows=False), Deeds()
    market, gateway = open_simulated(None, time, 7, {"USDT": Decimal(10_000)}, Decimal(0))
    config = ChatConfig("BTC/USDT", "(simulated)", "simulated", UTC, folder)
    outbox = Outbox(config, PlainWords())
    world = World(market, gateway, store or Shelf(), MemoryLedger(), time, outbox)
    manager = TradeManager(world, Policy(), Identity("tst", "simulated"))
    await manager.start()
    table = deeds.table
    ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    quits: list[bool] = []
    terminal = Terminal(
        stdin=stdin,
        stdout=stdout,
        results_dir=folder / "results",
        now=time.now,
        words=table.commands,
        on_end=ended.set_result,
        on_quit=lambda: quits.append(True),
    )
    chat = Chat(manager, config, People([PERSON]), Questions(), pace=unhurried())
    service = ChatService(
        chat,
        outbox,
        table,
        token=TOKEN,
        requests=terminal.requests,
        finished=terminal.finished,
        sleep=time.sleep,
        drain=0.05,
    )
    await service.start()
    try:
        yield Seat(deeds, manager, ended, quits, terminal)
    finally:
        await service.stop()
        await manager.close()


def piped(lines: str) -> TextIO:
    """The reading end of a pipe into which these lines were written."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        stream.write(lines)
    return os.fdopen(reading)


def run(story: Callable[[], Awaitable[None]]) -> None:
    use_exact()

    async def limited() -> None:
        async with asyncio.timeout(10):
            await story()

    asyncio.run(limited())


def script(lines: str, folder: Path) -> tuple[str, Deeds]:
    """What a script from a pipe brings, up to the end of its input."""
    output, seats = io.StringIO(), []

    async def story() -> None:
        with piped(lines) as stdin:
            async with seated(stdin, output, folder) as seat:
                assert await seat.ended == bool(lines.strip())
                seats.append(seat.deeds)

    run(story)
    return output.getvalue(), seats[0]


def test_a_script_is_obeyed_line_by_line_and_its_numbers_press_what_stands_there(tmp_path: Path) -> None:
    text, deeds = script("/ask first\n1\nask second\n#4\n\n3\n/look a  b", tmp_path)
    assert deeds.done == ["yes ['first']", "yes ['second']", "look a b"]
    assert "[1] Create   [2] No" in text and "[3] Create   [4] No" in text
    assert text.index("first?") < text.index("Created.") < text.index("second?") < text.index("Seen: a b & more")
    assert "Read: https://example.org/" in text and "(simulated)" in text
    assert "\x1b" not in text and "> " not in text
    assert text.count("Input has ended") == 1


def test_a_number_is_never_used_again(tmp_path: Path) -> None:
    text, deeds = script("ask one\n1\n1\nask two\n1\n7\n", tmp_path)
    assert deeds.done == ["yes ['one']"] and text.count("used already") == 2 and "[3] Create" in text
    assert "There is no button 7." in text


def test_where_the_bot_waits_for_a_number_a_number_answers(tmp_path: Path) -> None:
    text, deeds = script("ask x\nnumber\n#1\n1\n2\n", tmp_path)
    assert deeds.done == ["yes ['x']"]
    assert "How many?" in text and text.count("/help lists them") == 1  # the bare 1 was said, the 2 pressed
    assert text.count("I don't know this button") == 1


def test_a_picture_is_drawn_anew_by_numbered_buttons_and_its_caption_changes(tmp_path: Path) -> None:
    text, deeds = script("card\n2\n4\n5\n", tmp_path)
    assert deeds.done == ["turned ['card']", "turned ['card']", "yes ['card']"]
    results = tmp_path / "results"
    saved = [results / f"card{number}.png" for number in ("", "-2", "-3")]
    assert all(path.read_bytes() == picture() for path in saved)
    numbered = ["[1] Create   [2] Turn 0", "[3] Create   [4] Turn 1", "[5] Create   [6] Turn 2"]
    places = [text.index(words) for path, row in zip(saved, numbered, strict=True) for words in (f"{path}\n", row)]
    assert places == sorted(places) and text.index("Created.") > places[-1]


def test_pictures_and_documents_are_saved_and_named(tmp_path: Path) -> None:
    text, _ = script("picture\npicture\n", tmp_path)
    names = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert names == ["g1-2.png", "g1.png", "trades-2.csv", "trades.csv"]
    assert (tmp_path / "results" / "g1.png").read_bytes() == picture()
    assert "A chart" in text and str(tmp_path / "results" / "g1-2.png") in text.replace("\n", "")


def test_input_that_is_empty_from_the_start_is_told_apart(tmp_path: Path) -> None:
    text, deeds = script("\n \n", tmp_path)
    assert text == "" and deeds.done == []


@pytest.mark.parametrize("kind", ["nothing", "closed", "/dev/null", "file", "memory"])
def test_every_kind_of_input_is_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"look \xff1\r\nlook 2")
    opened: dict[str, Callable[[], TextIO | None]] = {
        "nothing": lambda: None,
        "closed": lambda: _closed(tmp_path / "lines"),
        "/dev/null": Path("/dev/null").open,
        "file": (tmp_path / "lines").open,
        "memory": lambda: io.StringIO("look \ufffd1\nlook 2"),
    }
    output = io.StringIO()

    async def story() -> None:
        stdin = opened[kind]()
        with contextlib.ExitStack() as stack:
            if stdin is not None:
                stack.enter_context(contextlib.closing(stdin))
            async with seated(stdin, output, tmp_path) as seat:
                had_lines = await seat.ended
                assert had_lines is (kind in ("file", "memory"))
                assert seat.deeds.done == (["look \ufffd1", "look 2"] if had_lines else [])

    run(story)


def _closed(path: Path) -> TextIO:
    stream = path.open()
    stream.close()
    return stream


def test_a_command_that_comes_before_its_predecessor_is_done_waits(tmp_path: Path) -> None:
    lines = "".join(f"ask {number}\n{2 * number - 1}\n" for number in range(1, 41))
    _, deeds = script(lines, tmp_path)
    assert deeds.done == [f"yes ['{number}']" for number in range(1, 41)]


def test_pushes_are_shown_and_leave_the_outbox(tmp_path: Path) -> None:
    output, store = io.StringIO(), Shelf()

    async def story() -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as typing:
            async with seated(stdin, output, tmp_path, store) as seat:
                emptied = asyncio.Event()

                def look() -> None:
                    if not seat.manager.state.outbox:
                        emptied.set()

                store.on_change = look
                await seat.manager.tell(fill_of("g1.1", seat.manager.world.clock.now()))
                await emptied.wait()
                typing.close()
                await seat.ended
        assert "LevelFilled g1.1\n(simulated)\n" in output.getvalue()

    run(story)


class Gone(io.StringIO):
    """A window that was closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("kind", ["nothing", "gone", "closed"])
def test_output_that_nobody_reads_stops_nothing(kind: str, tmp_path: Path) -> None:
    async def story() -> None:
        stdout = {"nothing": None, "gone": Gone(), "closed": _closed(Path("/dev/null"))}[kind]
        with piped("look 1\nask 2\n1\n") as stdin:
            async with seated(stdin, stdout, tmp_path) as seat:
                await seat.ended
                assert seat.deeds.done == ["look 1", "yes ['2']"]

    run(story)


def test_a_reader_that_has_stopped_reading_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    async def story() -> None:
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as stdout, piped(f"look {'x' * 2000}\n" * 30) as stdin:
            async with seated(stdin, stdout, tmp_path) as seat:
                while select.select([], [writing], [], 0)[1]:
                    await asyncio.sleep(0)
                await seat.manager.beat()
                assert not seat.ended.done()
            os.close(reading)  # the writing thread ends with it

    run(story)


def test_a_process_ends_cleanly_while_its_input_is_open(tmp_path: Path) -> None:
    program = """if True:
        import asyncio, sys
        from datetime import UTC, datetime
        from pathlib import Path
        from handlers.terminal.requests import Terminal

        async def main():
            terminal = Terminal(stdin=sys.stdin, stdout=sys.stdout, results_dir=Path("."),
                                now=lambda: datetime.now(UTC), words=["look"], on_end=print)
            terminal.start()
            (update,) = await terminal.updates()
            await terminal.show(f"heard {update['message']['text']}")

        asyncio.run(main())
    """
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write("look here\n")
        process.stdin.flush()
        assert process.wait(20) == 0
        assert process.stdout.read() == "heard /look here\n\n" and process.stderr.read() == ""


async def until(master: int, seen: bytearray, wanted: bytes) -> None:
    """Read a pseudo-terminal until it shows something."""
    loop = asyncio.get_running_loop()
    while wanted not in seen:
        ready = asyncio.Event()
        loop.add_reader(master, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(master)
        seen += os.read(master, 65_536)


def test_a_person_at_a_terminal_has_a_prompt_and_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    async def story() -> None:
        master, slave = pty.openpty()
        seen = bytearray()
        with os.fdopen(slave, "r+b", buffering=0) as device:
            stdin, stdout = io.TextIOWrapper(device), os.fdopen(os.dup(slave), "w")
            async with seated(stdin, stdout, tmp_path) as seat:
                await until(master, seen, b"> ")
                os.write(master, b"ask one\n")
                await until(master, seen, b"Create")
                os.write(master, b"1\n")
                await until(master, seen, b"Created.")
                await until(master, seen, b"\x1b[K")
                await seat.manager.tell(fill_of("g1.1", seat.manager.world.clock.now()))
                await until(master, seen, b"g1.1")
                os.write(master, b"look\n")
                await until(master, seen, b"\x1b[1mSeen\x1b[0m")
                os.write(master, b"quit\n")
                await until(master, seen, b"Resting orders stay")
                while not seat.quits:  # said first, then done
                    await asyncio.sleep(0)
                os.write(master, b"\x04")
                assert await seat.ended
                await until(master, seen, b"Input has ended")
            stdout.close()
        os.close(master)

    run(story)


def test_a_slow_command_at_a_terminal_delays_no_other(tmp_path: Path) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    async def story() -> None:
        async with seated(Typed("look 1\nlook 2\n"), io.StringIO(), tmp_path) as seat:
            assert await seat.ended
            assert sorted(seat.deeds.done) == ["look 1", "look 2"]

    run(story)


@pytest.mark.parametrize(
    ("line", "wants_number", "meant"),
    [
        ("3", False, Pressed(3)),
        ("#3", False, Pressed(3)),
        ("3", True, Said("3")),
        ("#3", True, Pressed(3)),
        ("0.5", False, Said("0.5")),
        ("٣", False, Said("٣")),
        ("1" * 20, False, Said("1" * 20)),
        ("LOOK at", False, Said("/LOOK at")),
        ("/look", False, Said("/look")),
        ("looking", False, Said("looking")),
        ("  \x1b\x00 ", False, None),
        ("x" * 5000, False, Said("x" * 4096)),
    ],
)
def test_what_a_line_means(line: str, wants_number: bool, meant: object) -> None:
    assert understood(line, wants_number=wants_number, words=WORDS) == meant


def test_html_becomes_text_and_nothing_steers_the_terminal() -> None:
    html = '<b>a</b> &lt;b&gt; <a href="https://x.org">link</a>\n<pre>1\n2</pre>\x1b[2J💰'
    assert plain(html) == "a <b> link (https://x.org)\n1\n2[2J💰"


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    made: list[Any] = [keep_file(tmp_path, "a.png", bytes([number])).name for number in range(3)]
    assert made == ["a.png", "a-2.png", "a-3.png"]
