"""Why an order left the book, as far as a venue's raw order tells.

Rule: None means not told. That somebody cancelled it is never told here, since no venue tells our own cancel from one
on its web page.
"""

from collections.abc import Callable

from bot.core.events import CloseReason
from bot.exchange.calls import Raw

Reader = Callable[[Raw], CloseReason | None]


def _by_words(field_name: str, crossing: set[str], silent: set[str]) -> Reader:
    """One raw field holds the reason: one of the `crossing` words, a `silent` one, or a cause of the venue's own."""

    def read(order: Raw) -> CloseReason | None:
        word = str(order["info"].get(field_name) or "")
        if word in crossing:
            return CloseReason.WOULD_CROSS
        return None if word in silent or not word else CloseReason.VENUE

    return read


def of_bybit(order: Raw) -> CloseReason | None:
    info = order["info"]
    why, how = info.get("rejectReason") or "", info.get("cancelType") or ""
    if why == "EC_PostOnlyWillTakeLiquidity":
        return CloseReason.WOULD_CROSS
    is_silent = why in ("", "EC_NoError", "EC_PerCancelRequest") and how in ("", "UNKNOWN", "CancelByUser")
    return None if is_silent else CloseReason.VENUE


def of_binance(order: Raw) -> CloseReason | None:
    return CloseReason.VENUE if order["info"].get("status") in ("EXPIRED", "EXPIRED_IN_MATCH", "REJECTED") else None


of_okx = _by_words("cancelSource", {"31"}, {"1"})
of_kraken = _by_words("reason", {"Post only order"}, {"User requested"})
of_gate = _by_words("finish_as", {"poc"}, {"open", "_new", "filled", "cancelled"})
of_bitget = _by_words("cancelReason", set(), {"normal_cancel"})


def of_coinbase(order: Raw) -> CloseReason | None:
    info = order["info"]
    if "post" in f"{info.get('reject_reason')} {info.get('reject_message')}".lower():
        return CloseReason.WOULD_CROSS
    return CloseReason.VENUE if info.get("status") in ("EXPIRED", "FAILED") else None


def of_hyperliquid(order: Raw) -> CloseReason | None:
    """`status` is one word such as badAloPxRejected or marginCanceled; a plain `canceled` was asked for."""
    status = order["info"].get("status")
    word = status if isinstance(status, str) else ""
    if word == "badAloPxRejected":
        return CloseReason.WOULD_CROSS
    return CloseReason.VENUE if word.endswith(("Rejected", "Canceled")) else None


def untold(_: Raw) -> CloseReason | None:
    return None
