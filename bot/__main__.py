"""The front door: what was asked for, and with which settings.

`python -m bot` is the worker; `python -m bot check` looks whether it could run; `python -m bot backtest …` trades
recorded candles. What ends a start is one line on stderr and exit code 2, never a traceback. Each loads only what it
needs.
"""

import asyncio
import sys
from collections.abc import Sequence

from bot.core.money import use_exact
from bot.errors import BotError, SettingsError
from bot.ledger import open_ops_log
from bot.settings import Settings, load_settings
from bot.storage.lock import ResultsLock

EXIT_USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """The exit code of the process."""
    command, *rest = arguments or ["run"]
    if command == "backtest":
        from bot import backtest

        return backtest.main(rest)
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
        return EXIT_USAGE


def run(settings: Settings) -> int:
    """The worker, from the lock on its folder to the last line of its log."""
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
            ops.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
