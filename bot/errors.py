"""Every error the bot raises on purpose, in one tree.

BotError
├── SettingsError           a setting is missing or wrong                       exit 2
├── CommandError            words of a person that can't be obeyed              answered in the chat
├── MarketError             the market can't be asked, or knows no such symbol
│   ├── MarketUnknown       there is no such symbol
│   └── ExchangeWaits       it asked for silence until a moment, or is closed until then
├── ProtocolError           the exchange said what cannot be
│   └── IllegalTransition   a trigger its state has no cell for
├── CapacityError           a counter of a client order id is full
└── StateError              state that can't be used as it is                   exit 2
    ├── StateCorrupt        no generation of it can be read whole
    ├── StateNewer          written by a newer version of the bot
    ├── StateForeign        belongs to another exchange, mode or account
    ├── StateLocked         another worker holds it
    └── StateUnwritable     it can't be kept now: nothing new may be sent

Messages are written for the person who reads them: what was expected, an example, what was found.
"""

from datetime import datetime


class BotError(Exception):
    """Root of the tree."""


class SettingsError(BotError):
    """A setting is missing or wrong; the message names it and what it accepts."""


class CommandError(BotError):
    """What a person asked can't be done; the message says what was expected, with an example."""


class MarketError(BotError):
    """The market gives no answer that can be used."""


class MarketUnknown(MarketError):
    """The exchange has no such symbol, or not one this bot trades."""


class ExchangeWaits(MarketError):
    """The exchange wants no request before `until` (aware, UTC)."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class ProtocolError(BotError):
    """The exchange said something that contradicts what it said before."""


class IllegalTransition(ProtocolError):
    """The transition table has no cell for this state and trigger."""


class CapacityError(BotError):
    """A field of a client order id is full; it never wraps."""


class StateError(BotError):
    """Stored state can't be used as it is; nothing was changed."""


class StateCorrupt(StateError):
    """No generation of the state can be read whole."""


class StateNewer(StateError):
    """The state was written by a newer version."""


class StateForeign(StateError):
    """The state belongs to another exchange, mode or account."""


class StateLocked(StateError):
    """Another worker holds the state."""


class StateUnwritable(StateError):
    """The state can't be written: disk full, read-only or gone."""
