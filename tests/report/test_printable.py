from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.report.printable import indented, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("tab\tstays", "tab\tstays"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("lone \ud800", "lone \\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("日本\u3000語 no\u00a0break", "日本\u3000語 no\u00a0break"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_it_is_one_line_without_commands(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown if char != "\t")
    assert printable(shown) == shown


@given(st.text())
def test_only_the_first_line_stands_at_the_margin(text: str) -> None:
    first, *rest = indented(text).split("\n")
    assert all(line.startswith("  ") for line in rest)
    assert first == printable(text.split("\n")[0])


def test_a_hint_keeps_its_indent() -> None:
    assert indented("problem\n  hint: do\nforged") == "problem\n  hint: do\n  forged"
