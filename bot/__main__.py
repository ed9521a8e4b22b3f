"""The front door: what was asked for, and with which settings.

`python -m bot` is the worker; `python -m bot check` looks whether it could run; `python -m bot backtest …` trades
recorded candles. What ends a start is one line on stderr and exit code 2, never a traceback. Each loads only what it
needs, and nothing before a signal can end it quietly.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings import Settings

EXIT_USAGE = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_quietly(arguments: Sequence[str]) -> None:
    """Have signals end this process at once, until the worker listens itself: nothing has begun that could be cut in
    two."""
    is_worker = arguments[:1] not in (["backtest"], ["check"])
    for number in SIGNALS:
        signal.signal(number, lambda number, _: os._exit(0 if is_worker else 128 + number))


def main(arguments: Sequence[str]) -> int:
    """The exit code of the process."""
    command, *rest = arguments or ["run"]
    if command == "backtest":
        from bot import backtest_command

        return backtest_command.main(rest)
    import asyncio

    from bot.core.money import use_exact
    from bot.errors import BotError, SettingsError
    from bot.settings import load_settings

    use_exact()
    try:
        settings = load_settings()
        if command == "check":
            from bot import check

            return asyncio.run(check.main(settings))
        if command != "run" or rest:
            raise SettingsError(f"python -m bot: expected nothing, check or backtest, got {command[:40]!r}")
        return run(settings)
    except BotError as error:
        print(error, file=sys.stderr)
        if isinstance(error, SettingsError) and command == "run" and not rest:
            tell_owners(str(error))
        return EXIT_USAGE


def tell_owners(line: str) -> None:
    """Say in the chat as well why there is no start, where the settings name a chat."""
    from bot.settings import contact

    if (there := contact()) is not None:
        from bot.upkeep import distress

        distress.told(line, there)


def run(settings: "Settings") -> int:
    """The worker, from the lock on its folder to the last line of its log."""
    import asyncio

    from bot.ledger.logs import open_ops_log
    from bot.storage.lock import ResultsLock
    from bot.worker import Worker

    with ResultsLock(settings.results_dir):
        ops = open_ops_log(
            settings.results_dir,
            settings.log_level,
            stdout=settings.telegram_bot_token is not None,
            secrets=settings.secrets(),
        )
        try:
            return asyncio.run(Worker(settings, ops.tail).run())
        finally:
            for number in SIGNALS:  # asked again: it is ending already
                signal.signal(number, signal.SIG_IGN)
            ops.close()


if __name__ == "__main__":
    end_quietly(sys.argv[1:])
    sys.exit(main(sys.argv[1:]))
