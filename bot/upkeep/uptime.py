"""A word to an uptime monitor: a GET after healthy beats, at most once a minute.

Rule: in a thread that nobody waits for, not even the stop; whatever comes of it changes nothing; the address is a
secret.
"""

import logging
import threading
from collections.abc import Callable
from http.client import HTTPException
from time import monotonic
from urllib.request import urlopen

log = logging.getLogger(__name__)

PAUSE = 60.0
PATIENCE = 10.0


class Uptime:
    """Fetches `url` (http or https) when `beaten` is called, unless it did so within the last minute."""

    def __init__(self, url: str, clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._clock = clock
        self._last = -PAUSE
        self._fetching: threading.Thread | None = None

    def beaten(self) -> None:
        """A healthy beat has ended. Returns at once."""
        now = self._clock()
        if now - self._last >= PAUSE and (self._fetching is None or not self._fetching.is_alive()):
            self._last = now
            self._fetching = threading.Thread(target=self._fetch, name="uptime", daemon=True)
            self._fetching.start()

    def _fetch(self) -> None:
        try:
            with urlopen(self._url, timeout=PATIENCE) as answer:
                answer.read(1024)
        except (OSError, ValueError, HTTPException) as error:
            log.warning("the uptime monitor was not reached: %s", type(error).__name__)
