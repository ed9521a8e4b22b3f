"""Formatted text: what Telegram makes of parse_mode=HTML, and what a person then sees.

The rule: the grammar is tdlib's (`parse_html` in td/telegram/MessageEntity.cpp), errors worded as there,
offsets in bytes of UTF-8 in errors and in UTF-16 code units in entities. Nothing is forgiven that the
official server refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Entity = dict[str, Any]

_SPACES = frozenset(" \t\r\n\v\0")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "span": "spoiler", "tg-emoji": "custom_emoji", "a": "text_link", "pre": "pre", "code": "code",
    "blockquote": "blockquote",
}  # fmt: skip
_ARGUMENTS = {
    ("a", "href"): "",
    ("code", "class"): "language-",
    ("span", "class"): "tg-",
    ("tg-emoji", "emoji-id"): "",
}
_COMMAND = re.compile(r"(?<![\w/<>])/([A-Za-z0-9_]{1,64})(?:@([A-Za-z0-9_]{3,32}))?(?![\w/<>])")
_LINK = re.compile(
    r"(?:(?:https?|tg|ton|tonsite)://)?[^\s/@:?#]+(?:\.[^\s/@:?#]+)+(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE
)
_MENTION = re.compile(r"tg://user\?id=(\d+)")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|([A-Za-z]*));?")


class ParseFailure(ValueError):
    """Markup Telegram does not accept; the text is the official wording after "can't parse entities: "."""


def utf16_length(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, offset: int, length: int) -> str:
    """The part of `text` an entity speaks of."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le", "replace")


@dataclass(slots=True)
class _OpenTag:
    name: str
    argument: str
    offset: int
    start: int


class _Reader:
    """One pass over the markup; `at` beyond the end is NUL, which counts as a space, as in the original."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.pos = 0
        self.plain: list[str] = []
        self.length = 0
        self.open: list[_OpenTag] = []
        self.entities: list[Entity] = []

    def at(self) -> str:
        return self.raw[self.pos] if self.pos < len(self.raw) else "\0"

    def skip_spaces(self) -> None:
        while self.pos < len(self.raw) and self.at() in _SPACES:
            self.pos += 1

    def take_until(self, stops: str) -> str:
        start = self.pos
        while self.at() not in _SPACES and self.at() not in stops:
            self.pos += 1
        return self.raw[start : self.pos]

    def bytes_before(self, pos: int) -> int:
        return len(self.raw[:pos].encode("utf-8", "surrogatepass"))

    def put(self, text: str) -> None:
        self.plain.append(text)
        self.length += utf16_length(text)

    def reference(self) -> str:
        """The character of a reference at the position, which then moves; empty when there is none."""
        found = _REFERENCE.match(self.raw, self.pos)
        if found is None:
            return ""
        hexadecimal, decimal, name = found.groups()
        if name is not None:
            text = _NAMED.get(name, "")
        else:
            digits = hexadecimal if hexadecimal is not None else decimal
            code = int(digits, 16 if hexadecimal is not None else 10) if digits else 0
            text = chr(code) if 0 < code < 0x10FFFF and len(found.group().rstrip(";")) < 10 else ""
        if text:
            self.pos = found.end()
        return text

    def run(self) -> tuple[str, list[Entity]]:
        while self.pos < len(self.raw):
            if self.at() == "&" and (text := self.reference()):
                self.put(text)
            elif self.at() == "<":
                self.tag()
            else:
                end = self.pos + 1
                while end < len(self.raw) and self.raw[end] not in "&<":
                    end += 1
                self.put(self.raw[self.pos : end])
                self.pos = end
        if self.open:
            raise ParseFailure(f'Can\'t find end tag corresponding to start tag "{self.open[-1].name}"')
        plain = "".join(self.plain)
        try:
            plain = plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise ParseFailure(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched"
                " surrogate code units"
            ) from None
        for entity in self.entities:
            if entity["type"] == "code":
                entity.pop("language", None)
        return plain, sorted(self.entities, key=lambda entity: (entity["offset"], -entity["length"]))

    def tag(self) -> None:
        begin = self.pos
        self.pos += 1
        if self.at() == "/":
            self.pos += 1
            self.end_tag(begin)
        else:
            self.start_tag(begin)

    def start_tag(self, begin: int) -> None:
        offset = self.bytes_before(begin)
        name = self.take_until(">").lower()
        if self.pos >= len(self.raw):
            raise ParseFailure(f"Unclosed start tag at byte offset {offset}")
        if name not in _KINDS:
            raise ParseFailure(f'Unsupported start tag "{name}" at byte offset {offset}')
        argument = ""
        while self.at() != ">":
            self.skip_spaces()
            if self.at() == ">":
                break
            argument = self.attribute(name, offset, argument)
        self.pos += 1
        if name == "span" and argument != "spoiler":
            raise ParseFailure(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
        self.open.append(_OpenTag(name, argument, self.length, len(self.plain)))

    def attribute(self, tag: str, offset: int, argument: str) -> str:
        key = self.take_until("=>/\"'")
        if not key:
            raise ParseFailure(f'Empty attribute name in the tag "{tag}" at byte offset {offset}')
        self.skip_spaces()
        if self.pos >= len(self.raw):
            raise ParseFailure(f'Unclosed start tag "{tag}" at byte offset {offset}')
        if self.at() != "=":
            return "expandable" if tag == "blockquote" and key.lower() == "expandable" else argument
        self.pos += 1
        self.skip_spaces()
        if self.pos >= len(self.raw):
            raise ParseFailure(f'Unclosed start tag "{tag}" at byte offset {offset}')
        value = self.attribute_value()
        if self.pos >= len(self.raw):
            raise ParseFailure(f"Unclosed start tag at byte offset {offset}")
        if (tag, key.lower()) == ("blockquote", "expandable"):
            return "expandable"
        prefix = _ARGUMENTS.get((tag, key), "\0")
        return value[len(prefix) :] if value.startswith(prefix) else argument

    def attribute_value(self) -> str:
        quote = self.at()
        if quote not in "'\"":
            start = self.pos
            while self.at().isascii() and (self.at().isalnum() or self.at() in ".-"):
                self.pos += 1
            if self.at() not in _SPACES and self.at() != ">":
                raise ParseFailure(f"Unexpected end of name token at byte offset {self.bytes_before(start)}")
            return self.raw[start : self.pos].lower()
        self.pos += 1
        value: list[str] = []
        while self.pos < len(self.raw) and self.at() != quote:
            if self.at() == "&" and (text := self.reference()):
                value.append(text)
                continue
            value.append(self.at())
            self.pos += 1
        self.pos += self.at() == quote
        return "".join(value)

    def end_tag(self, begin: int) -> None:
        offset = self.bytes_before(begin)
        if not self.open:
            raise ParseFailure(f"Unexpected end tag at byte offset {offset}")
        name = self.take_until(">").lower()
        self.skip_spaces()
        if self.at() != ">":
            raise ParseFailure(f"Unclosed end tag at byte offset {offset}")
        self.pos += 1
        tag = self.open.pop()
        if name and name != tag.name:
            raise ParseFailure(
                f'Unmatched end tag at byte offset {offset}, expected "</{tag.name}>", found "</{name}>"'
            )
        if self.length > tag.offset:
            self.close(tag)

    def close(self, tag: _OpenTag) -> None:
        entity: Entity = {"type": _KINDS[tag.name], "offset": tag.offset, "length": self.length - tag.offset}
        inner = self.entities[-1] if self.entities else {}
        same = inner.get("offset") == entity["offset"] and inner.get("length") == entity["length"]
        if tag.name == "tg-emoji":
            if not tag.argument.isdigit() or int(tag.argument) == 0:
                raise ParseFailure("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = tag.argument
        elif tag.name == "a":
            url = tag.argument or "".join(self.plain[tag.start :])
            if mention := _MENTION.fullmatch(url):
                entity.update(type="text_mention", user={"id": int(mention.group(1))})
            elif is_link(url):
                entity["url"] = url
            else:
                return  # not a link: the text stays, the link is silently lost
        elif tag.name == "code":
            if same and inner["type"] == "pre" and tag.argument:
                inner["language"] = tag.argument
                return
            entity["language"] = tag.argument
        elif tag.name == "pre" and same and inner["type"] == "code" and inner.get("language"):
            inner["type"] = "pre"
            return
        elif tag.argument == "expandable":
            entity["type"] = "expandable_blockquote"
        self.entities.append(entity)


def parse_html(raw: str) -> tuple[str, list[Entity]]:
    """Plain text and entities of `raw`; raises ParseFailure in the official words."""
    return _Reader(raw).run()


def is_link(url: str) -> bool:
    """Whether Telegram takes `url` for a link: a known protocol and a host with a dot."""
    return url.startswith(("tg://", "ton://")) or _LINK.fullmatch(url) is not None


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Spaces at both ends go, as the server does it: those in front only up to the first entity."""
    text = text.rstrip()
    limit = min((entity["offset"] for entity in entities), default=len(text))
    lead = min(len(text) - len(text.lstrip()), limit)
    text, end = text[lead:], utf16_length(text[lead:])
    kept: list[Entity] = []
    for entity in entities:
        offset = entity["offset"] - lead
        length = min(entity["length"], end - offset)
        if length > 0:
            kept.append({**entity, "offset": offset, "length": length})
    return text, kept


def command_entities(text: str) -> list[Entity]:
    """Commands as Telegram marks them: `/word` or `/word@bot`, not inside a word or a path."""
    return [
        {
            "type": "bot_command",
            "offset": utf16_length(text[: found.start()]),
            "length": utf16_length(found.group()),
        }
        for found in _COMMAND.finditer(text)
    ]
