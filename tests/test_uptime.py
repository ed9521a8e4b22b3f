"""The word to an uptime monitor: at most once a minute, never in anybody's way."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bot.upkeep.uptime import PAUSE, Uptime


@contextmanager
def monitor(reply: bytes | None) -> Iterator[tuple[str, list[bytes], threading.Semaphore]]:
    """A server that writes down what it is asked and answers with `reply`; None: never."""
    asked: list[bytes] = []
    heard = threading.Semaphore(0)
    lines: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                lines.append(line)
                asked.append(line.recv(4096))
                heard.release()
                if reply is not None:
                    line.sendall(reply)
                    line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/ping/secret", asked, heard
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for line in lines:
        line.close()


class Minutes:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def idle(uptime: Uptime) -> None:
    """Wait until the fetch that is under way is over."""
    assert uptime._fetching is not None
    uptime._fetching.join(10)
    assert not uptime._fetching.is_alive()


def test_it_is_fetched_at_the_first_beat_and_then_once_a_minute() -> None:
    clock = Minutes()
    with monitor(b"HTTP/1.0 200 OK\r\n\r\nok") as (url, asked, heard):
        uptime = Uptime(url, clock)
        for _ in range(3):
            for _ in range(20):
                uptime.beaten()
            assert heard.acquire(timeout=10)
            idle(uptime)
            clock.now += PAUSE - 0.001
            uptime.beaten()
            clock.now += 0.001
    assert len(asked) == 3
    assert all(request.startswith(b"GET /ping/secret HTTP/1.1\r\n") for request in asked)


def test_a_monitor_that_is_silent_holds_up_nothing_and_is_not_asked_again_meanwhile() -> None:
    clock = Minutes()
    with monitor(None) as (url, asked, heard):
        uptime = Uptime(url, clock)
        began = time.monotonic()
        uptime.beaten()
        assert heard.acquire(timeout=10)
        for _ in range(5):
            clock.now += PAUSE
            uptime.beaten()
        assert time.monotonic() - began < 5
        assert len(asked) == 1


@pytest.mark.parametrize(
    "reply", [b"", b"gibberish\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
def test_whatever_it_answers_the_address_is_not_logged(reply: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "bot"), monitor(reply) as (url, _, heard):
        uptime = Uptime(url)
        uptime.beaten()
        assert heard.acquire(timeout=10)
        idle(uptime)
    assert "secret" not in caplog.text


def test_nobody_there_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    uptime = Uptime(f"http://127.0.0.1:{port}/secret")
    uptime.beaten()
    idle(uptime)
    assert "was not reached" in caplog.text
    assert "secret" not in caplog.text
