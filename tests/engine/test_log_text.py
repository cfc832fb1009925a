from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.log_text import cut, escaped, one_line

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain, with ünïcödé 😀", "plain, with ünïcödé 😀"),
        ("a\nb\r\n\tc", r"a\nb\r\n\tc"),
        ("\x00\x1b[31m\x7f\x85", r"\u0000\u001b[31m\u007f\u0085"),
        ("\u2028\u2029\u202e", r"\u2028\u2029\u202e"),
        ("\U000e0001", r"\udb40\udc01"),
        ("\ud800", r"\ud800"),
        ('"\\', '"\\'),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


@given(ANYTHING)
def test_any_text_is_one_line_and_the_inside_of_a_json_string(text: str) -> None:
    line = escaped(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
    assert json.loads(f'"{line}"').encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "limit", "left"),
    [("abcdef", 6, "abcdef"), ("abcdef", 5, "abcde"), ("ab😀", 5, "ab"), ("ab😀", 6, "ab😀"), ("", 3, "")],
)
def test_cut(text: str, limit: int, left: str) -> None:
    assert cut(text, limit) == left


@given(st.text(), st.integers(0, 100))
def test_what_is_cut_is_a_beginning_and_fits(text: str, limit: int) -> None:
    left = cut(text, limit)
    assert text.startswith(left)
    assert len(left.encode()) <= limit
    assert left == text or len(text[: len(left) + 1].encode()) > limit
