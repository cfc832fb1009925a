from __future__ import annotations

from pathlib import Path

import click
import hypothesis
import pytest
from hypothesis import strategies as st

from cli_words import given
from gateway.cli.main import status_of
from gateway.cli.validate import validate


def parameters(*args: str) -> dict[str, str]:
    found = given(validate, *args)["parameters"]
    assert isinstance(found, dict)
    return found


class TestParameterOverrides:
    @pytest.mark.parametrize(
        "args",
        [
            ("--parameter-overrides", "A=1", "B=2", "t.yaml"),
            ("t.yaml", "--parameter-overrides", "A=1", "B=2"),
            ("t.yaml", "--parameter-overrides", "A=1", "B=2", "--stage", "x"),
            ("t.yaml", "--parameter-overrides", "A=1", "--parameter-overrides", "B=2"),
            ("t.yaml", "--parameter-overrides=A=1", "B=2"),
            ("t.yaml", "--parameter-overrides", "A=1 B=2"),
            ("t.yaml", "--parameter-overrides", ' A=1\n  B="2" '),
            ("t.yaml", "--parameter-overrides", "ParameterKey=A,ParameterValue=1", "ParameterKey=B,ParameterValue=2"),
            ("t.yaml", "--parameter-overrides", "ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=2"),
            ("t.yaml", "--parameter-overrides", "A=0", "B=2", "A=1"),
            ("--parameter-overrides", "A=1", "B=2", "--", "t.yaml"),
        ],
    )
    def test_every_way_of_two(self, args: tuple[str, ...]) -> None:
        assert parameters(*args) == {"A": "1", "B": "2"}
        assert given(validate, *args)["template"] == Path("t.yaml")

    @pytest.mark.parametrize(
        ("word", "value"),
        [
            ("A=", ""),
            ("A=a,b,c", "a,b,c"),
            ("A=hello world", "hello world"),
            ('A="hello world"', "hello world"),
            (r'A="say \"hi\" \\ twice"', r'say "hi" \ twice'),
            ('A={"k": "v"}', '{"k": "v"}'),
            ("A=it's", "it's"),
            ('A="', '"'),
            ("A=k=v", "k=v"),
            ("A=https://x/?q=1&r=2", "https://x/?q=1&r=2"),
            ("A=-1", "-1"),
            ("ParameterKey=A,ParameterValue=hello world", "hello world"),
            ('ParameterKey=A,ParameterValue="x y"', "x y"),
            ("ParameterKey=A,ParameterValue=", ""),
        ],
    )
    def test_values(self, word: str, value: str) -> None:
        assert parameters("--parameter-overrides", word) == {"A": value}

    @pytest.mark.parametrize("word", ["A", "=1", "", " ", "A B=1", "A-B=1", "/x=1"])
    def test_what_is_not_a_pair(self, word: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "--parameter-overrides", word]) == 2
        assert f"{word!r} is not K=V" in capsys.readouterr().err

    def test_none_at_all(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert status_of(["validate", "t.yaml", "--parameter-overrides"]) == 2
        assert "--parameter-overrides" in capsys.readouterr().err

    @hypothesis.given(st.lists(st.text(min_size=1), max_size=5))
    def test_any_words_end_in_values_or_a_clear_complaint(self, words: list[str]) -> None:
        try:
            found = parameters("--parameter-overrides", *words)
        except click.UsageError:
            return
        assert all(name and isinstance(value, str) for name, value in found.items())

    @hypothesis.given(st.dictionaries(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), st.text(), max_size=4))
    def test_quoted_values_are_read_back(self, wanted: dict[str, str]) -> None:
        escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in wanted.items()}
        word = " ".join(f'{name}="{value}"' for name, value in escaped.items())
        assert not wanted or parameters("--parameter-overrides", word) == wanted
