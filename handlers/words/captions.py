"""What stands under a picture: as much as fits, what matters most first. Pure: parts in, HTML out.

Rule: a caption fits Telegram's 1,024 characters by construction; what finds no room in it goes before the picture as a
text, so nothing is lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

LIMIT = 1000
"""Characters of a caption as a person sees it, with some way to go for the tag of pretended money."""
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a text. The lower its rank the sooner it finds a place; `0` is a heading, which is short."""

    rank: int
    html: str


def seen(html: str) -> int:
    """How long a text is as Telegram counts: without markup, in UTF-16 units."""
    text = unescape(TAG.sub("", html))
    return len(text) + sum(char > "\uffff" for char in text)


def fitted(parts: Sequence[Part], limit: int = LIMIT) -> tuple[list[Part], list[Part]]:
    """The parts that stand in the caption, and those that do not; both in their order."""
    room, kept = limit, set[int]()
    for index in sorted(range(len(parts)), key=lambda index: parts[index].rank):
        need = seen(parts[index].html) + 1
        if need <= room:
            kept.add(index)
            room -= need
    within = [part for index, part in enumerate(parts) if index in kept]
    return within, [part for index, part in enumerate(parts) if index not in kept]


def text_of(parts: Sequence[Part]) -> str:
    """Parts as a text."""
    return "\n".join(part.html for part in parts)
