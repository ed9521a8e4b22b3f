"""Stories with a database share the PostgreSQL of the storage tests."""

from tests.storage.conftest import running, server, url

__all__ = ["running", "server", "url"]
