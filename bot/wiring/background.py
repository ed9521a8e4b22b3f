"""A private event loop in a private thread, for scripts that know nothing of loops.

Rule: one call at a time, each in the exact decimal context whatever the script's own is; what was begun goes on between
two calls.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import Context, copy_context
from typing import Any, TypeVar

from bot.core.money import use_exact

T = TypeVar("T")


class Background:
    """See the module's rule. The thread begins with the first call and never holds up the end of a script."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._context = Context()
        self._thread = threading.Thread(target=self._serve, name="rexlapis", daemon=True)
        self._turn = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """The outcome of some work, done over there. TimeoutError."""
        with self._turn:
            if not self._thread.is_alive():
                self._thread.start()
            outcome: Future[T] = Future()
            self._loop.call_soon_threadsafe(self._begin, work, outcome, context=self._context)
            return outcome.result(timeout)

    def close(self) -> None:
        """Cut off what goes on there, and end the thread."""
        if self._thread.is_alive():
            self.run(_cut_off(), 5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
        self._loop.close()

    def is_here(self) -> bool:
        """Whether the caller is this thread itself."""
        return threading.current_thread() is self._thread

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._context.run(use_exact)
        self._loop.run_forever()

    def _begin(self, work: Coroutine[Any, Any, T], outcome: "Future[T]") -> None:
        def done(task: "asyncio.Task[T]") -> None:
            if task.cancelled():
                outcome.cancel()
            elif (error := task.exception()) is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(task.result())

        self._loop.create_task(work, context=copy_context()).add_done_callback(done)


async def _cut_off() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
