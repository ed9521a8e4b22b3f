"""ccxt's exceptions, and what its parsers raise.

Rule: ccxt takes a second and a hundred megabytes to import, so its names are fetched when they are first needed.
"""

import importlib
from typing import Any

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What ccxt's parsers raise where a reply is not what they expect."""


def errors() -> Any:
    """The module of ccxt's exceptions."""
    return importlib.import_module("ccxt.base.errors")


def broken() -> tuple[type[BaseException], ...]:
    """What ends a stream: the network, or a message that can't be read."""
    return (errors().BaseError, OSError, TimeoutError, *MALFORMED)
