from __future__ import annotations

import pytest

from gateway.model.errors import DefinitionError, RegistryUnavailable, UserError
from gateway.model.ids import request_id
from gateway.model.problem import Problem
from gateway.model.surprise import MAX_CHARS, one_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("two\n  lines\r\n\tof it"), "ValueError: two lines of it"),
        (UserError("no such file", "name another"), "no such file (name another)"),
        (UserError("no such file"), "no such file"),
        (RegistryUnavailable("gone"), "gone"),
        (RegistryUnavailable(), "RegistryUnavailable"),
        (DefinitionError([Problem("a", "t.yaml", 3), Problem("b")]), "t.yaml:3: a b"),
        (ExceptionGroup("all", [KeyError("x"), ExceptionGroup("", [OSError("y")])]), "KeyError: 'x'; OSError: y"),
        (ExceptionGroup("all", [OSError("y"), OSError("y")]), "OSError: y"),
    ],
)
def test_an_error_in_one_line(error: BaseException, told: str) -> None:
    assert one_line(error) == told


def test_a_raised_one_says_where() -> None:
    with pytest.raises(ValueError, match="11 bytes") as raised:
        request_id(b"")
    said = one_line(raised.value)
    assert said.startswith("ValueError: a request ID is 11 bytes (gateway/model/ids.py:")


def test_elsewhere_the_place_is_short_too() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 // int("0")
    assert "(model/test_surprise.py:" in one_line(raised.value)


def test_a_long_one_is_cut() -> None:
    assert len(one_line(ValueError("x" * 10 * MAX_CHARS))) < MAX_CHARS + 50
