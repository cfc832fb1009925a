"""How values show, compare and add up: tables of what Java does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.expressions.velocity.execution import Frame, RunFailed
from gateway.expressions.velocity.values import (
    UNDEFINED,
    ArrayList,
    Entry,
    Value,
    add,
    calculate,
    compare,
    equal,
    is_true,
    json_of,
    text_of,
    whole,
)

LONG = 10**30


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "a\nb"),
        (UNDEFINED, ""),
        (None, ""),
        (True, "true"),
        (12, "12"),
        (LONG, str(LONG)),
        (2.0, "2.0"),
        (1.5e9, "1.5E9"),
        (Decimal(7), "7"),
        ([1, {"a": "b"}, None], '[1,{"a":"b"},null]'),
        (ArrayList([1, "x", ArrayList([None])]), "[1, x, [null]]"),
        ({"a": 1, "b": [1, {"c": "d"}], "e": {"f": None}}, '{a=1, b=[1,{"c":"d"}], e={f=null}}'),
        (Entry("k", {"a": 1}), "k={a=1}"),
    ],
)
def test_what_a_reference_shows(value: Value, text: str) -> None:
    assert text_of(value, Frame({})) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('é"\n', '"é\\"\\n"'),
        (None, "null"),
        ([1, 1.0, 1e9, True, None, "x"], '[1,1.0,1.0E9,true,null,"x"]'),
        ({"a": {"b": []}, "c": {}}, '{"a":{"b":[]},"c":{}}'),
        (ArrayList(["a", UNDEFINED]), '["a",""]'),
        ([Entry("k", 1)], '[{"k":1}]'),
        ([Decimal(7)], "[7]"),
    ],
)
def test_json(value: Value, text: str) -> None:
    assert json_of(value, Frame({})) == text


@pytest.mark.parametrize(("value", "truth"), [(False, False), (None, False), (True, True), ("", True), (0, True)])
def test_only_false_and_null_are_not_true(value: Value, truth: bool) -> None:
    assert is_true(value) is truth


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, "1", True),
        (True, "true", True),
        (True, 1, False),
        ("a", "a", True),
        (UNDEFINED, "", True),
        (UNDEFINED, None, True),
        ("", None, False),
        (None, None, True),
        ([1], [1], True),
        (ArrayList([1]), [1], True),
        ([1], ["1"], False),
        ({"a": 1}, {"a": 2}, False),
        ([1], "[1]", True),
    ],
)
def test_equality(left: Value, right: Value, same: bool) -> None:
    assert equal(left, right, Frame({})) is same
    assert equal(right, left, Frame({})) is same


@pytest.mark.parametrize(("operator", "outcome"), [("<", True), ("<=", True), (">", False), (">=", False)])
def test_numbers_are_ordered_and_nothing_else(operator: str, outcome: bool) -> None:
    assert compare(operator, 1, 1.5) is outcome
    assert compare(operator, "1", 2) is False
    assert compare(operator, None, 2) is False
    assert compare(operator, True, 2) is False


def test_equal_numbers_are_neither_less_nor_more() -> None:
    assert [compare(operator, 2, 2.0) for operator in ("<", "<=", ">", ">=")] == [False, True, False, True]


@pytest.mark.parametrize(
    ("operator", "left", "right", "result"),
    [
        ("+", 1, 2, 3),
        ("+", 1, 2.5, 3.5),
        ("-", 1, 2, -1),
        ("*", LONG, 2, 2 * LONG),
        ("/", 7, 2, 3),
        ("/", -7, 2, -3),
        ("/", 7, -2, -3),
        ("/", 7.0, 2, 3.5),
        ("%", -7, 2, -1),
        ("%", 7, -2, 1),
        ("%", 7.5, 2, 1.5),
        ("/", 1, 0, UNDEFINED),
        ("%", 1, 0, UNDEFINED),
        ("%", 1.5, 0, UNDEFINED),
        ("*", 1e308, 10**400, UNDEFINED),
        ("-", "2", 1, UNDEFINED),
        ("-", True, 1, UNDEFINED),
        ("-", None, 1, UNDEFINED),
    ],
)
def test_arithmetic(operator: str, left: Value, right: Value, result: Value) -> None:
    found = calculate(operator, left, right)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [("a", 1, "a1"), (1.0, "a", "1.0a"), (1, 2, 3), (UNDEFINED, 1, "1"), ("a", True, "atrue")],
)
def test_plus_puts_texts_one_after_the_other(left: Value, right: Value, result: Value) -> None:
    assert add(left, right, Frame({})) == result


def test_numbers_do_not_grow_without_end() -> None:
    with pytest.raises(RunFailed, match="1024 bits"):
        calculate("*", 2**1000, 2**1000)


@pytest.mark.parametrize("value", ["1", 1.5, None, True, float("inf"), float("nan")])
def test_an_index_is_a_whole_number(value: Value) -> None:
    with pytest.raises(RunFailed, match="whole number"):
        whole(value)
    assert whole(2.0) == 2


@pytest.mark.parametrize("show", [text_of, json_of])
def test_a_value_that_holds_others_many_times_over_is_given_up(show: Any) -> None:
    value: Value = ArrayList(["x"])
    for _ in range(64):
        value = ArrayList([value, value])
    with pytest.raises(RunFailed, match="steps"):
        show(value, Frame({}))


@pytest.mark.parametrize("show", [text_of, json_of])
def test_a_value_that_holds_itself_is_given_up(show: Any) -> None:
    value = ArrayList()
    value.append(value)
    with pytest.raises((RunFailed, RecursionError)):
        show(value, Frame({}))
