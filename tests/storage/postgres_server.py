"""A real PostgreSQL for tests and measurements: on a free loopback port, in a folder of its own, gone with it.

Rule: it needs nothing but the server's programs, which it looks for where Debian puts them and on PATH. It refuses to
run as root, so there it runs as another user. Each database is new; `is_durable` syncs to the disk as servers do.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

USERS = ("postgres", "nobody")
PATIENCE = 30.0


def programs() -> Path | None:
    """The newest server's folder of programs; None where there is no PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    places = [*found[::-1], *(Path(each) for each in [shutil.which("initdb")] if each)]
    return next((path.parent for path in places if (path.parent / "postgres").exists()), None)


def missing() -> str:
    """Why no server can be started here; empty where one can."""
    if sys.platform == "win32":
        return "the test server is for systems with signals"
    return "" if programs() else "no PostgreSQL server is installed (Debian and Ubuntu: apt install postgresql)"


class PostgresServer:
    """A server that may be stopped, frozen and started again; `url` names one of its databases."""

    def __init__(self, folder: Path, is_durable: bool = False) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._durable = "on" if is_durable else "off"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = int(door.getsockname()[1])
        self._user = next(user for user in USERS if _is_known(user)) if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "bot", "-N", "-E", "UTF8", "--locale=C")

    def url(self, database: str = "postgres") -> str:
        return f"postgres://bot:secret@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"db{next(self._names)}"
        self.ask(f"create database {name}")
        return self.url(name)

    def emptied(self) -> str:
        """The URL of the database that tests share, with nothing in it; faster than a new one."""
        if not self.ask("select 1 from pg_database where datname = 'tests'"):
            self.ask("create database tests")
        self.ask("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'tests'")
        self.ask("drop schema public cascade; create schema public", self.url("tests"))
        return self.url("tests")

    def ask(self, statement: str, url: str = "") -> list[tuple[object, ...]]:
        """Run a statement as a person with psql would."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def start(self) -> None:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": self._durable,
            "full_page_writes": self._durable,
            "shared_buffers": "32MB",
            "max_connections": 60,
            "log_min_messages": "log",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", str(self._data), *words],
                stdout=log,
                stderr=log,
                cwd="/",
                user=self._user,
                extra_groups=[] if self._user else None,
            )
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(psycopg.OperationalError):
                self.ask("select 1")
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "server.log").read_text())
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT ends it at once, as a crash would; SIGINT cuts the clients and closes orderly."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def _program(self, name: str) -> str:
        folder = programs()
        assert folder is not None
        return str(folder / name)

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(
            [self._program(name), *words],
            capture_output=True,
            check=False,
            text=True,
            cwd="/",
            user=self._user,
            extra_groups=[] if self._user else None,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)


def _is_known(user: str) -> bool:
    import pwd

    with suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


@contextmanager
def postgres_server(is_durable: bool = False) -> Iterator[PostgresServer]:
    """A running server. `missing()` says whether there can be one."""
    folder = Path(tempfile.mkdtemp(prefix="rexlapis-postgres-"))
    server: PostgresServer | None = None
    try:
        server = PostgresServer(folder, is_durable)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
