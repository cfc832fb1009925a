"""What a group may be called."""

from __future__ import annotations

import pytest

from gateway.engine.group_names import fault_of, names_in

FORM = "printable characters without / and , can, but . and .."


@pytest.mark.parametrize(
    "name",
    ["a", "room-1", "room 1", "a:b", "*", "%2F", "...", ".a", "größe", "\u2603", "\U0001f600", "x" * 128, "{id}", '"'],
)
def test_names(name: str) -> None:
    assert fault_of(name, 128) is None


@pytest.mark.parametrize(
    "name",
    ["a/b", "a,b", " a", "a ", ".", "..", "a\nb", "\x00", "\x7f", "\x85", "\u200e", "\u2028", "\u00a0", "\ud800"],
)
def test_no_names(name: str) -> None:
    assert fault_of(name, 128) == f"{name!a} cannot be a group's name: {FORM}"


def test_a_name_has_a_length() -> None:
    assert fault_of("", 128) == "a group's name is missing"
    assert fault_of("x" * 129, 128) == "a group's name has 129 characters, at most 128 are allowed"
    assert fault_of("xx", 1) == "a group's name has 2 characters, at most 1 are allowed"


def test_of_a_wrong_name_not_all_is_shown() -> None:
    assert fault_of("/" * 100, 128) == f"'{'/' * 64}' cannot be a group's name: {FORM}"


@pytest.mark.parametrize(
    ("values", "names", "faults"),
    [
        ([], [], []),
        (["room-1"], ["room-1"], []),
        (["room-1, room-2"], ["room-1", "room-2"], []),
        (["b,a", "\ta ,c "], ["b", "a", "c"], []),
        (["", ",,", " "], [], []),
        (["gr%C3%B6%C3%9Fe, größe, 100%, %32"], ["größe", "100%", "2"], []),
        (["a%2Cb"], [], [f"'a,b' cannot be a group's name: {FORM}"]),
        (["a, b/c, d"], ["a", "d"], [f"'b/c' cannot be a group's name: {FORM}"]),
        (["xxxxx,a"], ["a"], ["a group's name has 5 characters, at most 4 are allowed"]),
    ],
)
def test_a_header(values: list[str], names: list[str], faults: list[str]) -> None:
    assert names_in(values, 4 if "xxxxx,a" in values else 128) == (names, faults)
