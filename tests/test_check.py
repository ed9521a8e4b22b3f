"""`python -m bot check`: what each row looks at, and that nothing Telegram's place may answer ends in a traceback."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import check
from bot.settings import parse_settings

TOKEN = "123456789:AAF-a_token_that_must_not_be_shown_0000"


@contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """A server that gives everybody this answer; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def checked(settings: Mapping[str, str]) -> int:
    return asyncio.run(check.main(parse_settings(settings)))


def http(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        http("<html>a captive portal</html>"),
        http("[]"),
        http('{"ok":true,"result":[]}'),
        http('{"ok":true}'),
        http("null"),
        http("{}", "500 Internal Server Error"),
        http("{}", "401 Unauthorized"),
        b"\xff\xfe" * 40,
    ],
)
def test_whatever_answers_in_telegrams_place_is_a_row_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reply: bytes
) -> None:
    with answering(reply) as address:
        settings = {"RESULTS_DIR": str(tmp_path), "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": address}
        assert checked(settings) == 1
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines()] == ["ok"] * 4 + ["NO"]
    assert TOKEN not in out


def test_an_owner_is_counted_and_a_missing_one_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    me = http('{"ok":true,"result":{"id":1,"username":"grid_bot"}}')
    for owners, said in (("", "no owner yet"), ("7,8", "2 owner")):
        with answering(me) as address:
            settings = {"RESULTS_DIR": str(tmp_path), "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": address}
            assert checked({**settings, "TELEGRAM_OWNER_IDS": owners}) == 0
        assert f"@grid_bot, {said}" in capsys.readouterr().out


def _nothing(folder: Path) -> None:
    folder.mkdir()


def _garbage(folder: Path) -> None:
    folder.mkdir()
    (folder / "state.json").write_text("not this", "utf-8")


def _a_file(folder: Path) -> None:
    folder.write_text("", "utf-8")


@pytest.mark.parametrize(("make", "code"), [(_nothing, 0), (_garbage, 1), (_a_file, 1)])
def test_the_store_is_looked_at_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None], code: int
) -> None:
    folder = tmp_path / "results"
    make(folder)
    before = sorted(folder.iterdir()) if folder.is_dir() else []
    assert checked({"RESULTS_DIR": str(folder)}) == code
    assert capsys.readouterr().out.splitlines()[3].split()[:2] == ["store", "NO" if code else "ok"]
    assert (sorted(folder.iterdir()) if folder.is_dir() else []) == before


def test_a_symbol_that_does_not_exist_is_the_exchanges_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked({"RESULTS_DIR": str(tmp_path), "SYMBOL": "DOGE/USDT"}) == 1
    assert "exchange   NO" in capsys.readouterr().out
