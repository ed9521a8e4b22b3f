"""What an exception of ccxt means. Rule: a whitelist of definite refusals; everything else is unknown, and an order
whose fate is unknown may be live.

ccxt's classes are known by name, since importing them takes a second. What the venues say is in `rulings`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.core.events import Refusal
from bot.exchange.rulings import CLASSES, CLOCK, DUPLICATES, GONE, REDUCING, REFUSALS, UNSURE
from bot.exchange.venues import ItemRefused, Venue

WAIT = timedelta(seconds=10)
"""After a refused rate when nobody says how long; growing it is the caller's."""
LONGEST_WAIT = timedelta(days=4)
LONGEST_WINDOW = timedelta(minutes=2)
LONGEST = 200

LOCAL = r"symbol|trading pair|this pair|currency|region|contract|KYC|verification"
"""Words of a missing permission that concerns one market or one feature, not the key."""


TEXTS: Mapping[str, str] = {
    "RequestTimeout": "the exchange did not answer in time",
    "OnMaintenance": "the exchange is closed for maintenance",
    "ExchangeNotAvailable": "the exchange can't be reached",
    "InvalidNonce": "the clocks of the exchange and of this host differ",
    "RateLimitExceeded": "too many requests",
    "DDoSProtection": "too many requests",
    "PermissionDenied": "the API key lacks a permission, or its address is not allowed",
    "AuthenticationError": "the API key is not accepted",
    "InsufficientFunds": "not enough funds",
    "OrderNotFound": "the exchange knows no such order",
    "OrderImmediatelyFillable": "it would have traded at once",
    "BadSymbol": "the exchange has no such market",
    "InvalidOrder": "the order was refused",
    "ItemRefused": "the order was refused",
    "BadRequest": "the request was refused",
    "BadResponse": "the reply could not be read",
    "NetworkError": "the connection failed",
    "BaseError": "the exchange could not do it",
}
"""Words for a person, the narrowest class first."""


def refusal_of(error: BaseException, venue: Venue) -> tuple[Refusal, str] | None:
    """Why a create was definitely refused, and a sentence without secrets; None where the order may be live."""
    kinds, text = _kinds(error), str(error)
    if not kinds or is_duplicate(error, venue) or re.search(UNSURE[venue.id], text):
        return None
    if _is_unanswered(kinds):
        return None
    for pattern, refusal in REFUSALS[venue.id]:
        if re.search(pattern, text):
            return refusal, _sentence(refusal, error)
    verdict = next((refusal for name, refusal in CLASSES if name in kinds), None)
    if verdict is Refusal.AUTH and not is_auth(error, venue):
        verdict = Refusal.OTHER
    return (verdict, _sentence(verdict, error)) if verdict is not None else None


def is_duplicate(error: BaseException, venue: Venue) -> bool:
    """Whether the venue knows this client id already: the order sent first with it is live, or was; look it up."""
    kinds = _kinds(error)
    return "DuplicateOrderId" in kinds or bool(kinds and re.search(DUPLICATES[venue.id], str(error)))


def is_not_found(error: BaseException, venue: Venue) -> bool:
    """Whether a cancel or look-up was answered with: no such order on the book (it may have filled)."""
    kinds = _kinds(error)
    if not kinds or _is_unanswered(kinds):
        return False
    return "OrderNotFound" in kinds or bool(re.search(GONE[venue.id], str(error)))


def is_maintenance(error: BaseException) -> bool:
    """Whether the venue is closed for a while."""
    return "OnMaintenance" in _kinds(error)


def is_auth(error: BaseException, venue: Venue) -> bool:
    """Whether the key, its address or its permissions are not accepted: no signed request will be. A market that is
    closed to this account is not that."""
    kinds, text = _kinds(error), str(error)
    if not kinds or is_clock(error):
        return False
    if any(refusal is Refusal.AUTH and re.search(pattern, text) for pattern, refusal in REFUSALS[venue.id]):
        return True
    return "AuthenticationError" in kinds and not re.search(LOCAL, text)


def is_clock(error: BaseException) -> bool:
    """Whether our clock is off: measure its difference again."""
    kinds = _kinds(error)
    return (
        bool(kinds) and "ChecksumError" not in kinds and ("InvalidNonce" in kinds or bool(re.search(CLOCK, str(error))))
    )


def retry_after(error: BaseException, headers: Mapping[str, str] | None, now: datetime) -> datetime | None:
    """Until when the venue wants no request; None where it did not ask for silence. `headers` are those of the reply;
    without one that says how long, ten seconds."""
    kinds, text = _kinds(error), str(error)
    if not kinds & {"RateLimitExceeded", "DDoSProtection"} or '"code":-2015' in text.replace(" ", ""):
        return None
    banned = re.search(r"banned until (\d{13})", text)
    if banned:
        return _within(datetime.fromtimestamp(int(banned[1]) / 1000, UTC), now, LONGEST_WAIT) or now + WAIT
    said = {name.lower(): value for name, value in (headers or {}).items()}
    until = _within(_moment(said.get("retry-after", ""), now), now, LONGEST_WAIT)
    if until is None and (reset := said.get("x-bapi-limit-reset-timestamp", "")).isdecimal():
        until = _within(datetime.fromtimestamp(int(reset) / 1000, UTC), now, LONGEST_WINDOW)
    return until or now + WAIT


def without_secrets(error: BaseException) -> str:
    """A short sentence for a person: no URL, signature, key or query in it; at most 200 characters."""
    kinds = _kinds(error)
    words = next((text for name, text in TEXTS.items() if name in kinds), None) or type(error).__name__
    said = _redacted(_said(str(error)) if kinds else str(error))
    return (f"{words}: {said}" if said else words)[:LONGEST]


# -- how ccxt's exceptions are read ------------------------------------------------------------------------------------


def _kinds(error: BaseException) -> set[str]:
    """The names of an exception's classes up to ccxt's root; empty when it is not ccxt's (nor a refused item)."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return names if "BaseError" in names or isinstance(error, ItemRefused) else set()


def _is_unanswered(kinds: set[str]) -> bool:
    """No reply, or one from before the venue's door: whatever words it holds are not about the order."""
    return bool(kinds & {"RequestTimeout", "ExchangeNotAvailable"}) and "OnMaintenance" not in kinds


def _moment(text: str, now: datetime) -> datetime | None:
    """A Retry-After header: seconds, or a date."""
    if re.fullmatch(r"\d{1,7}(\.\d+)?", text):
        return now + timedelta(milliseconds=int(text.partition(".")[0]) * 1000)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _within(moment: datetime | None, now: datetime, longest: timedelta) -> datetime | None:
    """The moment, when it is ahead and not absurdly far; the headers may be those of an earlier reply."""
    return moment if moment is not None and now < moment <= now + longest else None


def _sentence(refusal: Refusal, error: BaseException) -> str:
    text = str(error)
    if re.search(REDUCING, text):
        return "the position is smaller than this order would reduce it by"
    said = _redacted(_said(text))
    return (f"{refusal.value}: {said}" if said else refusal.value)[:LONGEST]


SAID = ("retMsg", "ret_msg", "sMsg", "msg", "message", "errorMsg", "error_details", "preview_failure_reason", "error")


def _said(text: str) -> str:
    """The venue's own words in an exception's text, without what ccxt put around them."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start >= 0:
        try:
            body, _ = json.JSONDecoder().raw_decode(text[start:])
        except ValueError:
            text = text[:start]
        else:
            return ". ".join(dict.fromkeys(_words(body)))
    return re.sub(r"^\w+\s*(?:(?:GET|POST|PUT|DELETE)\b)?", "", text)


def _words(body: Any) -> Iterator[str]:
    """The sentences in a reply, the outermost first."""
    if isinstance(body, list):
        for item in body:
            yield from [item] if isinstance(item, str) else _words(item)
    elif isinstance(body, dict):
        yield from (body[name] for name in SAID if isinstance(body.get(name), str) and body[name])
        for value in body.values():
            if isinstance(value, dict | list):
                yield from _words(value)


def _redacted(text: str) -> str:
    """Without URLs, query pairs, tags and anything long enough to be a key."""
    text = re.sub(r"https?://\S+|<[^>]*>", " ", text)
    text = re.sub(r"[\w.\[\]-]+\s*=\s*\S+", " ", text)
    text = re.sub(r"[\w+/=-]{24,}", "…", text)
    return re.sub(r"\s+", " ", text).strip(" .:,")
