"""Says a text of the language's file with its figures. Pure but for reading that file once.

Rule: the chat and its pictures say nothing that doesn't stand in `en.toml`. A text is named by its section and key; its
gaps stand in braces and are filled by name. A text that counts is a list, a form each, picked by `count`: `forms` says
which, as gettext's Plural-Forms do. A language's file may miss texts, said in English then, and may not have others.
Logs, settings and the command line are for whoever runs the bot and speak English.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from gettext import c2py
from importlib import resources
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any

from bot.errors import SettingsError

ENGLISH = "en"
FORMS = "n != 1"
"""Which form of a counting text is for n things, as a C expression, where a file doesn't say."""


class Catalogue:
    """The texts of one language by `section.key`, over those of another. ValueError for what is no text, or has a gap
    that the other's text has not."""

    def __init__(self, written: Mapping[str, Any], fallback: "Catalogue | None" = None) -> None:
        texts = dict(_flat(written))
        self._form: Callable[[int], int] = c2py(texts.pop("forms", [FORMS])[0])
        self._texts = texts
        self._fallback = fallback
        if fallback is not None:
            self._check(fallback)

    @property
    def keys(self) -> frozenset[str]:
        """Of every text."""
        return frozenset(self._texts)

    def is_counting(self, key: str) -> bool:
        """Whether a text has a form for each number."""
        return len(self._texts[key]) > 1

    def gaps(self, key: str) -> frozenset[str]:
        """The names of what a text wants to be told."""
        parts = [part for form in self._texts[key] for part in Formatter().parse(form)]
        return frozenset(gap for _, gap, _, _ in parts if gap is not None)

    def say(self, key: str, values: Mapping[str, Any]) -> str:
        """The text with its gaps filled. KeyError where there is no such text, or a gap is left."""
        forms = self._texts.get(key)
        if forms is None and self._fallback is not None:
            return self._fallback.say(key, values)
        if forms is None:
            raise KeyError(f"no text {key!r}")
        form = min(self._form(values["count"]), len(forms) - 1) if len(forms) > 1 else 0
        return forms[form].format_map(values)

    def _check(self, english: "Catalogue") -> None:
        if strange := self.keys - english.keys:
            raise ValueError(f"English has no text {min(strange)}")
        for key in sorted(self.keys):
            if unknown := self.gaps(key) - english.gaps(key):
                allowed = ", ".join(sorted(english.gaps(key))) or "none"
                raise ValueError(f"{key} has a gap {{{min(unknown)}}}; English has {allowed}")


def _flat(written: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, list[str]]]:
    for name, value in written.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{key}.")
            continue
        forms = value if isinstance(value, list) else [value]
        if not forms or not all(isinstance(form, str) for form in forms):
            raise ValueError(f"{key} is neither a text nor a list of them")
        yield key, forms


def languages() -> list[str]:
    """What there is a file of, such as `en`."""
    return sorted(file.name.removesuffix(".toml") for file in _files().iterdir() if file.name.endswith(".toml"))


@cache
def read(language: str) -> Catalogue:
    """The texts of one of the `languages`, over the English ones. SettingsError when its file can't be used."""
    try:
        written = tomllib.loads(_files().joinpath(f"{language}.toml").read_text("utf-8"))
        return Catalogue(written, None if language == ENGLISH else read(ENGLISH))
    except ValueError as error:  # TOML's own is one
        raise SettingsError(f"BOT_LANGUAGE: {language}.toml can't be used: {error}") from None


def _files() -> Traversable:
    return resources.files("bot.texts")


class _Voice:
    """The language of this process: one bot speaks one."""

    language = ENGLISH


def speak(language: str) -> None:
    """From now on say everything in this one of the `languages`. SettingsError as `read`."""
    read(language)
    _Voice.language = language


def say(key: str, /, **values: Any) -> str:
    """A text of the language chosen, its gaps filled with these. KeyError where there is no such text or gap."""
    return read(_Voice.language).say(key, values)
