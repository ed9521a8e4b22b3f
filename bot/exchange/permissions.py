"""What a venue says its API key may do.

Rule: None where the reply does not say it. A permission that is missing from a complete list is a no.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key may do; None where the venue does not tell. `note` adds what a person should know."""

    trade: bool | None
    withdraw: bool | None
    note: str = ""


UNTOLD = Permissions(None, None)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _listed(words: Any, trade: set[str], withdraw: set[str]) -> Permissions:
    """From the words a key's permissions are listed as."""
    if not isinstance(words, list) or not words:
        return UNTOLD
    held = {str(word).strip().lower() for word in words}
    return Permissions(bool(held & trade), bool(held & withdraw))


def of_bybit(reply: Any) -> Permissions:
    result = reply.get("result") or {}
    lists = result.get("permissions")
    if not isinstance(lists, dict):
        return UNTOLD
    held = {str(word) for words in lists.values() for word in words or ()}
    may_write = str(result.get("readOnly")) == "0"
    note = (
        ""
        if result.get("ips") not in (["*"], [], None)
        else "not bound to an address: bybit ends it after three months"
    )
    return Permissions(may_write and bool(held & {"SpotTrade", "Order"}), may_write and "Withdraw" in held, note)


def of_binance(reply: Any) -> Permissions:
    return Permissions(_flag(reply.get("enableSpotAndMarginTrading")), _flag(reply.get("enableWithdrawals")))


def of_okx(reply: Any) -> Permissions:
    rows = reply.get("data") or [{}]
    return _listed((rows[0].get("perm") or "").split(",") if rows[0].get("perm") else None, {"trade"}, {"withdraw"})


def of_kraken(reply: Any) -> Permissions:
    return _listed((reply.get("result") or {}).get("permissions"), {"modify-trades"}, {"withdraw-funds"})


def of_kucoin(reply: Any) -> Permissions:
    words = (reply.get("data") or {}).get("permission")
    return _listed(words.split(",") if words else None, {"spot", "trade"}, {"transfer", "withdrawal"})


def of_bitget(reply: Any) -> Permissions:
    """Spot trading only: the classic account names its permissions by short codes, and none of them is documented as
    withdrawing beyond doubt."""
    told = _listed((reply.get("data") or {}).get("authorities"), {"stow", "spow", "trade"}, {"wwow", "withdraw"})
    return Permissions(told.trade or None, told.withdraw or None)


def of_mexc(reply: Any) -> Permissions:
    """MEXC tells what the account may do, not the key: its word on withdrawals says nothing about the key."""
    return Permissions(_flag(reply.get("canTrade")), None)


def of_coinbase(reply: Any) -> Permissions:
    return Permissions(_flag(reply.get("can_trade")), _flag(reply.get("can_transfer")))
