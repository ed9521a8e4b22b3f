"""ccxt's exceptions, and what its parsers raise.

Rule: ccxt takes long to import, so its names are fetched when they are first needed.
"""

from typing import Any

from bot.exchange.importing import imported

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What ccxt's parsers raise where a reply is not what they expect."""


def errors() -> Any:
    """The module of ccxt's exceptions."""
    return imported("ccxt.base.errors")


def broken() -> tuple[type[BaseException], ...]:
    """What ends a stream: the network, or a message that can't be read."""
    return (errors().BaseError, OSError, TimeoutError, *MALFORMED)
