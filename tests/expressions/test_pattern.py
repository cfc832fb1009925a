"""Patterns by table: whole matches, Java's replacements and splits, and no attempt that lasts."""

from __future__ import annotations

import pytest

from gateway.expressions.pattern import TookTooLong, compile_pattern
from gateway.model.errors import ExpressionError


@pytest.mark.parametrize(
    ("pattern", "text", "outcome"),
    [
        (r"2\d\d", "204", True),
        (r"2\d\d", "2040", False),
        (".*Error.*", "an Error here", True),
        (".*Error.*", "an\nError", False),
        (r"(?s).*Error.*", "an\nError", True),
        ("a|b", "b", True),
        (r"\p{L}++", "äb", True),
    ],
)
def test_all_of_the_text_must_match(pattern: str, text: str, outcome: bool) -> None:
    assert compile_pattern(pattern).matches(text) is outcome


@pytest.mark.parametrize(
    ("pattern", "replacement", "result"),
    [("b", "x", "axcaxc"), ("(b)(c)", "$2$1", "acbacb"), ("b", r"\$1\\", r"a$1\ca$1\c"), ("b", "$7", "a$7ca$7c")],
)
def test_replacements_are_written_as_in_java(pattern: str, replacement: str, result: str) -> None:
    assert compile_pattern(pattern).replace("abcabc", replacement) == result


@pytest.mark.parametrize(
    ("pattern", "text", "pieces"),
    [
        (",", "a,b,,c,,", ["a", "b", "", "c"]),
        (",", "", [""]),
        (",", "abc", ["abc"]),
        (",", ",a", ["", "a"]),
        ("", "abc", ["a", "b", "c"]),
        ("(b)", "abc", ["a", "c"]),
    ],
)
def test_splits_are_those_of_java(pattern: str, text: str, pieces: list[str]) -> None:
    assert compile_pattern(pattern).split(text) == pieces


def test_what_would_try_for_ever_is_given_up() -> None:
    pattern = compile_pattern("(a|aa)+")
    for attempt in (pattern.matches, pattern.split):
        assert attempt("aaa")
    with pytest.raises(TookTooLong):
        pattern.matches("a" * 5000 + "!")


@pytest.mark.parametrize("text", ["(", "[a", "*", "a{2,1}", "(?P<n>a)(?P<n"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="not a regular expression"):
        compile_pattern(text)
