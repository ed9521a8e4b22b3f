"""Says a text of the language's file with its figures. Pure but for reading that file once.

Rule: the chat and its pictures say nothing that doesn't stand in `en.toml`. A text is named by its section and key; its
gaps stand in braces and are filled by name. A text that counts is a list, a form each, picked by `count`: `forms` says
which, as gettext's Plural-Forms do. A language file may miss texts, said in English then, and may not have others.
Logs, settings and the command line are for whoever runs the bot and speak English.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from gettext import c2py
from importlib import resources
from string import Formatter
from typing import Any

from bot.errors import SettingsError

ENGLISH = "en"
FORMS = "n != 1"
"""Of a file that doesn't say: which form of a counting text is for n things, as a C expression."""

Text = str | list[str]
"""One text, or a form of it for each number there is."""


class Catalogue:
    """The texts of one language by `section.key`. SettingsError when a text has a gap that English doesn't have."""

    def __init__(self, written: Mapping[str, Any], fallback: "Catalogue | None" = None) -> None:
        self._texts: dict[str, Text] = dict(_flat(written))
        self._form: Callable[[int], int] = c2py(str(self._texts.pop("forms", FORMS)))
        self._fallback = fallback
        if fallback is not None:
            self._check(fallback)

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def keys(self) -> frozenset[str]:
        """Of every text."""
        return frozenset(self._texts)

    def gaps(self, key: str) -> frozenset[str]:
        """The names of what a text wants to be told."""
        text = self._texts[key]
        return frozenset().union(*map(_gaps, text if isinstance(text, list) else [text]))

    def say(self, key: str, values: Mapping[str, Any]) -> str:
        """The text with its gaps filled. KeyError where there is no such text, or a gap is left."""
        text = self._texts.get(key)
        if text is None and self._fallback is not None:
            return self._fallback.say(key, values)
        if text is None:
            raise KeyError(f"no text {key!r}")
        if isinstance(text, list):
            text = text[min(self._form(values["count"]), len(text) - 1)]
        return text.format_map(values)

    def _check(self, english: "Catalogue") -> None:
        for key in sorted(self.keys()):
            if key not in english:
                raise SettingsError(f"the language file has a text {key} that English doesn't have")
            if unknown := self.gaps(key) - english.gaps(key):
                allowed = ", ".join(sorted(english.gaps(key))) or "none"
                raise SettingsError(f"{key} has a gap {{{min(unknown)}}}; English has {allowed}")


def _flat(written: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Text]]:
    for key, value in written.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _gaps(text: str) -> frozenset[str]:
    return frozenset(gap for _, gap, _, _ in Formatter().parse(text) if gap is not None)


def languages() -> list[str]:
    """What there is a file of."""
    return sorted(file.name.removesuffix(".toml") for file in _room().iterdir() if file.name.endswith(".toml"))


@cache
def read(language: str) -> Catalogue:
    """The texts of a language, over the English ones. SettingsError when there is no such file."""
    if language not in languages():
        raise SettingsError(f"there are no texts in {language[:20]!r}; expected one of {', '.join(languages())}")
    written = tomllib.loads(_room().joinpath(f"{language}.toml").read_text("utf-8"))
    return Catalogue(written, None if language == ENGLISH else read(ENGLISH))


def _room() -> Any:
    return resources.files("bot.texts")


class _Voice:
    """The language of this process: one bot speaks one, chosen at its start."""

    language = ENGLISH


def speak(language: str) -> None:
    """From now on say everything in this language. SettingsError as `read`."""
    read(language)
    _Voice.language = language


def say(key: str, /, **values: Any) -> str:
    """A text of the language chosen, its gaps filled with these. KeyError where there is no such text or gap."""
    return read(_Voice.language).say(key, values)
