"""A PostgreSQL for all tests of a run that need one."""

from collections.abc import Iterator

import pytest

from tests.storage.postgres_server import PostgresServer, missing, postgres_server


@pytest.fixture(scope="session")
def running() -> Iterator[PostgresServer]:
    if missing():
        pytest.skip(missing())
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(running: PostgresServer) -> PostgresServer:
    """The server, for tests that do not stop it."""
    return running


@pytest.fixture
def url(server: PostgresServer) -> str:
    """An empty database."""
    return server.emptied()
