from __future__ import annotations

import pytest

from gateway.cli.telling import problems_of, tell, tell_problems
from gateway.model.errors import SettingsError, UserError
from gateway.model.problem import Problem


def test_an_error_of_its_own_is_one_problem() -> None:
    assert problems_of(UserError("a", "b")) == (Problem("a", hint="b"),)
    assert problems_of(SettingsError([Problem("a"), Problem("b")])) == (Problem("a"), Problem("b"))


def test_several_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    tell_problems(SettingsError([Problem("a", "f", 1), Problem("b")]))
    assert capsys.readouterr().err == "error: f:1: a\nerror: b\n2 problems\n"


def test_nobody_forges_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell("a\nerror: b\x1b[2J")
    assert capsys.readouterr().err == "a\n  error: b\\x1b[2J\n"
