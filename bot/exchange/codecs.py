"""Our client order ids as the venues want them written, and back.

Rule: what is read back is an id of our kind or None; a stranger's id is never taken for ours. The bits above our 94 in
a UUID or a 128-bit number are a mark, the same in every id of ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.client_ids import DIGITS, LENGTH
from bot.core.client_ids import decode as key_of


@dataclass(frozen=True, slots=True)
class Codec:
    """`write` takes our 18 characters; `read` gives them back, or anything else that `read_back` then refuses."""

    write: Callable[[str], str]
    read: Callable[[str], str | None]

    def read_back(self, text: str) -> str | None:
        """The id of ours that is written as `text`, or None."""
        client_id = self.read(text)
        return client_id if client_id is not None and key_of(client_id) is not None else None


ID_BITS = 94
HEX_MARK = 0x5265784C << ID_BITS
UUID_MARK = 0x5265784 << ID_BITS


def _number(text: str, digits: int) -> int | None:
    """`text` as a number of that many lower-case hexadecimal digits; None where it is none."""
    is_hex = len(text) == digits and set(text) <= set("0123456789abcdef")
    return int(text, 16) if is_hex else None


def _without(mark: int, number: int) -> str | None:
    """The id behind a marked number; None where the mark is another."""
    if number >> ID_BITS != mark >> ID_BITS:
        return None
    number ^= mark
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text.rjust(LENGTH, "0")


def _to_hex(client_id: str) -> str:
    return f"0x{HEX_MARK | int(client_id, 36):032x}"


def _from_hex(text: str) -> str | None:
    number = _number(text[2:].lower(), 32) if text[:2] == "0x" else None
    return None if number is None else _without(HEX_MARK, number)


def _to_uuid(client_id: str) -> str:
    """122 free bits, 28 of them the mark, around the version (4) and the variant (binary 10)."""
    payload = UUID_MARK | int(client_id, 36)
    high, middle, low = payload >> 74, payload >> 62 & 0xFFF, payload & (1 << 62) - 1
    text = f"{high << 80 | 4 << 76 | middle << 64 | 2 << 62 | low:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _from_uuid(text: str) -> str | None:
    number = _number(text.lower().replace("-", ""), 32)
    if number is None:
        return None
    client_id = _without(UUID_MARK, number >> 80 << 74 | (number >> 64 & 0xFFF) << 62 | number & (1 << 62) - 1)
    return client_id if client_id is not None and _to_uuid(client_id) == text.lower() else None


PLAIN = Codec(lambda client_id: client_id, lambda text: text)
PREFIXED = Codec(lambda client_id: "t-" + client_id, lambda text: text[2:] if text.startswith("t-") else None)
HEX = Codec(_to_hex, _from_hex)
UUID = Codec(_to_uuid, _from_uuid)
