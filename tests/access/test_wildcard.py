"""IAM's wildcards by table and against the obvious recursion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.wildcard import matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b:c", True),
        ("?", "", False),
        ("?", "a", True),
        ("a*c", "abbbc", True),
        ("a*c", "abbbd", False),
        ("*a*b", "xaxaxb", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[a]", "a", False),
        ("[a]", "[a]", True),
        ("a.c", "abc", False),
        ("A", "a", False),
        ("prod/*/*", "prod/$connect", False),
        ("prod/*", "prod/$connect", True),
        ("a**", "a", True),
    ],
)
def test_matches(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


def naive(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab*", max_size=8))
def test_agrees_with_the_obvious_recursion(pattern: str, text: str) -> None:
    assert matches(pattern, text) is naive(pattern, text)


def test_a_hostile_pattern_ends() -> None:
    assert not matches("*a" * 1000 + "b", "a" * 4000)
