"""Begins work beside what is going on now.

Rule: it begins at once where Python can (3.12 and later), not when the loop comes round: what waits for its turn lets
everything else that has come in go first, and an order is worth more than the rest of the news.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any


def begun(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """The work as a task that runs already. Whoever begins it keeps it, and hears what it raises."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=asyncio.get_running_loop(), eager_start=True)
    return asyncio.ensure_future(work)
