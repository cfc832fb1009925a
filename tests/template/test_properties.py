from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.properties import Properties


class Color(Enum):
    RED = "red"
    BLUE = "blue"


def properties_of(**values: Any) -> tuple[Properties, Findings]:
    findings = Findings("t.yaml", {})
    return Properties(Declared("Thing", "AWS::Some::Thing", values), lambda value: value, findings), findings


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0.0),
        (1.5, 1.5),
        ("10", 10.0),
        ("1e3", 1000.0),
        (None, None),
        (-1, None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (True, None),
        ([1], None),
    ],
)
def test_numbers(value: object, number: float | None) -> None:
    properties, findings = properties_of(Rate=value)
    assert properties.number("Rate") == number
    assert bool(findings.problems) is (number is None and value is not None)


def test_choices() -> None:
    properties, findings = properties_of(Good="red", Bad="redd", Wrong=["red"])
    assert [properties.choice(name, Color) for name in ("Good", "Bad", "Wrong", "Absent")] == [Color.RED, *[None] * 3]
    assert [(problem.message, problem.hint) for problem in findings.problems] == [
        ("there is no Bad 'redd'", "did you mean red?"),
        ("Wrong must be text", ""),
    ]


def test_mappings_of_texts() -> None:
    properties, findings = properties_of(Map={"a": 1, "b": [], "c": "d"}, Text="x")
    assert properties.text_by_name("Map") == {"a": "1", "c": "d"}
    assert properties.text_by_name("Text") == {}
    assert properties.text_by_name("Absent") == {}
    assert [problem.message for problem in findings.problems] == ["b must be text", "Text must be a mapping"]


def test_lists_of_mappings() -> None:
    properties, findings = properties_of(List=[{"a": 1}, {"b": 2}], One={"a": 3}, Odd=[{"a": 1}, 2])
    assert [entry.text("a") for entry in properties.entries("List")] == ["1", None]
    assert [entry.text("a") for entry in properties.entries("One")] == ["3"]
    assert properties.entries("Odd") == []
    assert properties.entries("Absent") == []
    assert [problem.message for problem in findings.problems] == ["Odd must be a list of mappings"]


def test_an_unknown_name_is_told_of_what_holds_it() -> None:
    properties, findings = properties_of(Colour=1, Inner={"deep": 1}, List=[{"Nme": 1}])
    properties.check_names(("Color", "Inner", "List"))
    inner = properties.nested("Inner")
    assert inner is not None
    inner.check_names(())
    (entry,) = properties.entries("List")
    entry.check_names(("Name",))
    assert [(problem.message, problem.hint) for problem in findings.problems] == [
        ("AWS::Some::Thing has no property 'Colour'", "did you mean Color?"),
        ("Inner has no property 'deep'", "it has none"),
        ("List has no property 'Nme'", "did you mean Name?"),
    ]
