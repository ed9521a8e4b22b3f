"""Every text stands in one file, is said as it stands there, and can be said in another language."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bot.core.money import use_exact
from bot.errors import SettingsError
from bot.texts import catalogue
from bot.texts.catalogue import ENGLISH, Catalogue, languages, read, say, speak
from tests.handlers import test_card, test_edit, test_golden, test_golden_answers

ROOT = Path(__file__).parent.parent
SOURCES = [path for room in ("bot", "handlers") for path in (ROOT / room).rglob("*.py") if path.name != "catalogue.py"]


TEXTS = read(ENGLISH)


class Said(NamedTuple):
    """A call that says a text: by which function, where, its key as it is written, and the names of what it is told."""

    by: str
    place: str
    key: ast.expr
    told: frozenset[str | None]


@cache
def read_sources() -> tuple[frozenset[object], list[Said]]:
    """Every literal of the sources, and everything that is said."""
    literals, said = set[object](), list[Said]()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant):
                literals.add(node.value)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "_button"):
                told = frozenset(keyword.arg for keyword in node.keywords)
                said.append(Said(node.func.id, f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0], told))
    return frozenset(literals), said


def keys(by: str) -> Iterator[tuple[str, Said]]:
    """Of the texts that are said by name, and how."""
    for said in read_sources()[1]:
        if said.by == by and isinstance(said.key, ast.Constant):
            yield str(said.key.value), said


# -- the file ----------------------------------------------------------------------------------------------------------


def test_every_text_that_is_said_stands_in_the_file_and_is_told_what_fills_its_gaps() -> None:
    wrong = []
    for key, said in keys("say"):
        if key not in TEXTS.keys:
            wrong.append(f"{said.place}: {key} is no text")
            continue
        wanted = TEXTS.gaps(key) | ({"count"} if TEXTS.is_counting(key) else set())
        if None not in said.told and said.told != wanted:
            wrong.append(f"{said.place}: {key} wants {sorted(wanted)}")
    assert not wrong


def test_every_text_is_said_somewhere() -> None:
    literals, said = read_sources()
    firsts = [each.key.values[0] for each in said if isinstance(each.key, ast.JoinedStr)]
    families = tuple(str(first.value) for first in firsts if isinstance(first, ast.Constant))
    assert not [key for key in sorted(TEXTS.keys) if key not in literals and not key.startswith(families)]


def test_every_button_has_its_text_and_every_text_a_button() -> None:
    said = {"buttons.page", *(f"buttons.{key}" for key, _ in keys("_button"))}
    assert said == {key for key in TEXTS.keys if key.startswith("buttons.")}


# -- another language --------------------------------------------------------------------------------------------------

ACCENTED = str.maketrans("aeiounscz", "áéíóúñśćž")
UNTOUCHED = re.compile(r"\{[^}]*\}|<[^>]*>|&\w+;|/[a-z]+|\w+=\S*|[A-Z_]{3,}")
"""Gaps, Telegram's HTML, commands, options and settings."""
GOLDEN: tuple[tuple[Any, Callable[[], None]], ...] = (
    (test_golden, test_golden.test_every_notice),
    (test_golden, test_golden.test_the_glance),
    (test_golden, test_golden.test_the_pages),
    (test_golden, test_golden.test_why_with_every_reason),
    (test_golden, test_golden.test_the_statements),
    (test_golden, test_golden.test_the_books_against_the_exchange),
    (test_golden, test_golden.test_hints_and_refusals),
    (test_golden, test_golden.test_digests),
    (test_golden_answers, test_golden_answers.test_before_and_after_a_turn),
    (test_golden_answers, test_golden_answers.test_answers_about_what_was_found),
    (test_golden_answers, test_golden_answers.test_the_chat_itself),
    (test_card, test_card.test_every_card_and_page_of_levels),
    (test_edit, test_edit.test_every_difference_and_the_menu),
)
OF_OTHERS = {
    *("disk is full", "no answer in", "what was said", "above its entry", "the exchange's", "the venue's minimum"),
    *("many open orders", "outside the venue's band", "file is of another", "program polls with the same"),
    *("no level shows both its legs", "whether it loops is not to be seen", "before it left"),
    *("a buy of", "it does not", "trade at once"),
    "the newest pinned message in our chat is not my backup",
}
"""What exchanges, disks, files and the trader say in these golden texts, or part of it: it is told as it came."""


def accented(written: Any) -> Any:
    """Texts as a translator would write them whose language has accents everywhere."""
    if isinstance(written, dict):
        return {key: text if key == "forms" else accented(text) for key, text in written.items()}
    if isinstance(written, list):
        return [accented(text) for text in written]
    kept = [*UNTOUCHED.findall(written), ""]
    parts = UNTOUCHED.split(written)
    return "".join(part.translate(ACCENTED) + same for part, same in zip(parts, kept, strict=True))


@pytest.fixture(scope="module")
def elsewhere() -> Catalogue:
    return Catalogue(accented(tomllib.loads((ROOT / "bot/texts/en.toml").read_text(encoding="utf-8"))), TEXTS)


@pytest.mark.parametrize(("room", "tell"), GOLDEN, ids=[tell.__name__ for _, tell in GOLDEN])
def test_in_another_language_no_sentence_stays_english(
    room: Any, tell: Callable[[], None], elsewhere: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_exact()
    texts: dict[str, str] = {}
    monkeypatch.setattr(catalogue, "read", lambda language: elsewhere)
    monkeypatch.setattr(room, "check", lambda family, made: texts.update(made))
    tell()
    assert texts
    sentence = re.compile(r"(?<![\w/'])[a-z']+(?: [a-z']+){2,}(?![\w'])")
    assert not [
        (title, found) for title, text in texts.items() for found in sentence.findall(text) if found not in OF_OTHERS
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of texts to write into, with a little English."""
    monkeypatch.setattr(catalogue, "_files", lambda: tmp_path)
    read.cache_clear()
    (tmp_path / "en.toml").write_text(
        'greeting = "Hello {name}"\n[count]\norder = ["{count:,} order", "{count:,} orders"]\n', encoding="utf-8"
    )
    yield tmp_path
    monkeypatch.undo()
    read.cache_clear()
    speak(ENGLISH)


def test_a_language_has_as_many_forms_as_it_needs(files: Path) -> None:
    forms = "n % 10 == 1 && n % 100 != 11 ? 0 : n % 10 >= 2 && n % 10 <= 4 && (n % 100 < 10 || n % 100 >= 20) ? 1 : 2"
    (files / "ru.toml").write_text(
        f'forms = "{forms}"\n[count]\norder = ["{{count}} ордер", "{{count}} ордера", "{{count}} ордеров"]\n',
        encoding="utf-8",
    )
    assert languages() == ["en", "ru"]
    speak("ru")
    assert [say("count.order", count=count) for count in (1, 3, 5, 11, 21, 112)] == [
        *("1 ордер", "3 ордера", "5 ордеров", "11 ордеров", "21 ордер", "112 ордеров"),
    ]
    assert say("greeting", name="Ann") == "Hello Ann"  # what is not translated yet
    speak("en")
    assert say("count.order", count=1_000) == "1,000 orders"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('greetings = "Hallo {name}"', "English has no text greetings"),
        ('greeting = "Hallo {person}"', "greeting has a gap {person}; English has name"),
        ("greeting = 5", "greeting is neither a text nor a list of them"),
        ('greeting = "Hallo', "Unterminated string"),
        ('greeting = "Hallo {name"', "expected '}'"),
        ('forms = "n is one"', "invalid token in plural form"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(files: Path, written: str, why: str) -> None:
    (files / "de.toml").write_text(written, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        speak("de")
    assert re.fullmatch(r"BOT_LANGUAGE: de\.toml can't be used: .+", str(refused.value))
    assert why in str(refused.value)
    assert say("greeting", name="Ann") == "Hello Ann"


def test_what_has_no_text_is_an_error_and_not_silence() -> None:
    with pytest.raises(KeyError, match="no text"):
        say("nothing.of.the.kind")
    with pytest.raises(KeyError, match="count"):
        TEXTS.say("count.order", {})
