"""What a request must look like before Binance thinks about it: its parameters, its key, its clock, its signature.

The rule: a parameter is read once, by name and type, and what nobody read is refused at the end; the signature
is that of the very characters that came over the wire, never of what they were parsed into. Whatever is wrong is
said by raising Refusal with Binance's own code and words.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

Json = dict[str, Any]

_LARGEST_WINDOW = 60_000
_USUAL_WINDOW = 5_000
_AHEAD = 1_000
_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
_SIGNATURE = re.compile(r"[A-Fa-f0-9]{64}")
_KEY = re.compile(r"[A-Za-z0-9\-_]{3,128}")  # of 64 in truth; tests may name theirs
_PRECISION = 8


class Refusal(Exception):
    """A request Binance answers with a code and a message."""

    def __init__(self, code: int, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})

    def body(self) -> Json:
        """The answer as Binance writes it."""
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> Refusal:
    """-1102 for a parameter that has to be there."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_permitted() -> Refusal:
    """-2015: no such key, or not for this action, or not from this address."""
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _illegal(name: str, legal: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^{legal}$'.")


class Params:
    """The values of one request, and which of them were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._read: set[str] = set()

    @classmethod
    def of_pairs(cls, pairs: list[tuple[str, str]]) -> Params:
        """From what came over the wire; a name may come once."""
        values = dict(pairs)
        if len(values) != len(pairs):
            raise Refusal(-1101, "Duplicate values for a parameter detected.")
        return cls(values)

    def text(self, name: str) -> str | None:
        """The value, or None when it was not sent; sent but empty is refused."""
        value = self._values.get(name)
        self._read.add(name)
        if value == "":
            raise Refusal(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        """The value; refused when it is missing or empty."""
        self._read.add(name)
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self, name: str = "symbol") -> str | None:
        """A market's id."""
        value = self.text(name)
        if value is not None and not _SYMBOL.fullmatch(value):
            raise _illegal(name, _SYMBOL.pattern)
        return value

    def integer(self, name: str) -> int | None:
        """A LONG."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,20}", value):
            raise _illegal(name, "[0-9]{1,20}")
        return int(value)

    def decimal(self, name: str) -> Decimal | None:
        """A DECIMAL of at most eight places."""
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            raise _illegal(name, _DECIMAL.pattern)
        if len(value.partition(".")[2]) > _PRECISION:
            raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def client_id(self, name: str) -> str | None:
        """An id the client chose."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise _illegal(name, _CLIENT_ID.pattern)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], refusal: Refusal) -> str:
        """One of the values; `refusal` otherwise."""
        value = self.need(name)
        if value not in allowed:
            raise refusal
        return value

    def limit(self, usual: int, largest: int) -> int:
        """The `limit` of a list; Binance cuts down what is too much."""
        value = self.integer("limit")
        if value is None:
            return usual
        if value < 1:
            raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, largest)

    def unwanted(self, *names: str) -> None:
        """Refuses what does not belong to this kind of request."""
        for name in names:
            if self.text(name) is not None:
                raise Refusal(-1106, f"Parameter '{name}' sent when not required.")

    def finish(self) -> None:
        """Refuses what nobody read."""
        read = len(self._read & set(self._values))
        if read == len(self._values):
            return
        if not self._read:
            raise Refusal(-1101, f"Too many parameters; expected '0' and received '{len(self._values)}'.")
        words = f"read '{read}' parameter(s) but was sent '{len(self._values)}'."
        raise Refusal(-1104, f"Not all sent parameters were read; {words}")


def check_clock(params: Params, now_ms: int, *, lenient: bool = False) -> None:
    """The timestamp of a signed request is there, and (unless `lenient`) neither too old nor from the future."""
    timestamp = params.integer("timestamp")
    if timestamp is None:
        raise missing("timestamp")
    window = params.integer("recvWindow")
    window = _USUAL_WINDOW if window is None else window
    if not 0 < window <= _LARGEST_WINDOW:
        raise Refusal(-1131, "recvWindow must be less than 60000")
    if lenient:
        return
    if timestamp >= now_ms + _AHEAD:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp > window:
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_key_format(sent: str | None) -> str:
    """An API key looks like one."""
    if not sent or not _KEY.fullmatch(sent):
        raise Refusal(-2014, "API-key format invalid.", 401)
    return sent


def _check_signature(sent: str, payload: str, secret: str) -> None:
    if not _SIGNATURE.fullmatch(sent):
        raise _illegal("signature", _SIGNATURE.pattern)
    right = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, sent.lower()):
        raise Refusal(-1022, "Signature for this request is not valid.")


def pairs_of(raw: str) -> list[tuple[str, str]]:
    """The names and values of a query string or form; empty values stay."""
    return parse_qsl(raw, keep_blank_values=True)


def open_signed(query: str, body: str, secret: str) -> list[tuple[str, str]]:
    """The pairs of a signed request without the signature, once the signature was found right."""
    parts = [[part for part in raw.split("&") if part] for raw in (query, body)]
    signatures = [part[10:] for group in parts for part in group if part.startswith("signature=")]
    if len(signatures) > 1:
        raise Refusal(-1101, "Duplicate values for a parameter detected.")
    if not signatures or not signatures[0]:
        raise missing("signature")
    bare = ["&".join(part for part in group if not part.startswith("signature=")) for group in parts]
    _check_signature(unquote_plus(signatures[0]), "".join(bare), secret)
    return pairs_of(bare[0]) + pairs_of(bare[1])


def open_signed_frame(values: Mapping[str, Any], secret: str) -> Params:
    """The same for the websocket API: the payload is the sorted parameters, as they are written, joined by &."""
    texts = {name: str(value) for name, value in values.items() if name != "signature"}
    if not values.get("signature"):
        raise missing("signature")
    payload = "&".join(f"{name}={texts[name]}" for name in sorted(texts))
    _check_signature(str(values["signature"]), payload, secret)
    return Params(texts)
