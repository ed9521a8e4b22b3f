"""Answers: tagged, and cut so that Telegram takes them.

The rule: no network; what is cut must parse as the loopback Telegram parses it.
"""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.chat.context import TEXT_LIMIT, length, split, tagged
from tests.telegram.html_rules import parse_html


def test_a_tag_says_that_money_is_not_real() -> None:
    assert tagged("hello", "(paper)") == "hello\n<i>(paper)</i>" and tagged("hello", "") == "hello"


def test_a_short_text_stays_whole() -> None:
    assert split("a\nb") == ["a\nb"]
    assert split("") == [""]


def test_a_monospace_block_is_closed_and_opened_again() -> None:
    rows = [f"row {number:05}" for number in range(900)]
    parts = split("<b>Head</b>\n<pre>" + "\n".join(rows) + "</pre>\nend")
    assert len(parts) == 3 and parts[-1].endswith("</pre>\nend")
    assert all(part.count("<pre>") == part.count("</pre>") == 1 for part in parts)
    assert [row for part in parts for row in parse_html(part)[0].split("\n")] == ["Head", *rows, "end"]


def test_an_emoji_counts_twice_as_in_telegram() -> None:
    assert length("a💰") == 3
    assert all(length(part) <= TEXT_LIMIT for part in split("💰" * 5000))


@pytest.mark.parametrize("word", ["&amp;", "<b>x</b>"])
def test_an_endless_line_is_cut_between_tags_and_entities(word: str) -> None:
    parts = split(word * 3000)
    assert "".join(parts) == word * 3000
    assert all(part.count("<") == part.count(">") and part.count("&") == part.count(";") for part in parts)


@given(
    st.lists(st.tuples(st.booleans(), st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=80)))
)
def test_no_line_is_lost_and_every_part_fits(lines: list[tuple[bool, str]]) -> None:
    html = "\n".join(f"<pre>{escape(text)}</pre>" if mono else escape(text) for mono, text in lines)
    parts = split(html, 200)
    assert all(length(part) <= 200 for part in parts)
    whole = "".join(parts).replace("<pre>", "").replace("</pre>", "").replace("\n", "")
    assert whole == html.replace("<pre>", "").replace("</pre>", "").replace("\n", "") or not html.strip()
