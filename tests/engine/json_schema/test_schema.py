"""Draft 4 on ordinary and on hostile documents; the library itself is the judge where nothing of ours is meant."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from gateway.engine.json_schema.schema import Schema, schema_problems
from gateway.model.json_text import Json, NotJson, read

MESSAGE = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "properties": {
        "action": {"type": "string", "pattern": "^[a-z]+$"},
        "room": {"type": "string", "maxLength": 8},
        "count": {"type": "integer", "minimum": 0},
    },
    "required": ["action"],
    "additionalProperties": False,
}
TREE = {
    "definitions": {"node": {"type": "object", "properties": {"child": {"$ref": "#/definitions/node"}}}},
    "$ref": "#/definitions/node",
}
BRANCHING = {"anyOf": [{"properties": {"a": {"$ref": "#"}, "x": {"type": "null"}}}] * 2, "not": {"required": ["no"]}}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"action": "join"}, None),
        ({"action": "join", "room": "r", "count": 3}, None),
        ({"action": "join", "count": Decimal("1" * 5000)}, None),
        ([], '$ does not satisfy type: "object"'),
        ({}, '$ does not satisfy required: ["action"]'),
        ({"action": 1}, '$.action does not satisfy type: "string"'),
        ({"action": "join\n"}, '$.action does not satisfy pattern: "^[a-z]+$"'),
        ({"action": "join", "room": "secret value"}, "$.room does not satisfy maxLength: 8"),
        ({"action": "join", "count": 1.5}, '$.count does not satisfy type: "integer"'),
        ({"action": "join", "count": True}, '$.count does not satisfy type: "integer"'),
        ({"action": "join", "more": 1}, "$.more does not satisfy additionalProperties: false"),
    ],
)
def test_violation(document: Any, why: str | None) -> None:
    assert Schema(MESSAGE).violation(document) == why


@pytest.mark.parametrize(
    ("schema", "document", "valid"),
    [
        ({"multipleOf": 0.1}, 0.3, True),
        ({"multipleOf": 0.1}, 0.35, False),
        ({"multipleOf": 3}, 9, True),
        ({"multipleOf": 3}, 9.0, True),
        ({"multipleOf": 0.5}, Decimal("9" * 9000), True),
        ({"multipleOf": 2}, Decimal("9" * 9000), False),
        ({"multipleOf": 2}, float("inf"), False),
        ({"multipleOf": 1e-300}, 1e300, True),
        ({"multipleOf": 2}, True, True),
        ({"multipleOf": 2}, "x", True),
        ({"uniqueItems": True}, [1, 2, "1", True, None, [1], [True], {"a": 1}], True),
        ({"uniqueItems": True}, [1, 1.0], False),
        ({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], False),
        ({"uniqueItems": True}, [["dict"], {}], True),
        ({"uniqueItems": False}, [1, 1], True),
        ({"pattern": "a$"}, "a\n", False),
        ({"pattern": r"^\d$"}, "\u0663", False),
        ({"pattern": "[$]"}, "$", True),
        ({"pattern": r"\$"}, "$", True),
        ({"pattern": "b"}, "abc", True),
        ({"pattern": "b"}, 1, True),
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, {"n1": 1}, True),
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, {"n1": "x"}, False),
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}, {"m": 1}, False),
        ({"additionalProperties": {"type": "null"}, "properties": {"a": {}}}, {"a": 1, "b": None}, True),
        ({"additionalProperties": {"type": "null"}, "properties": {"a": {}}}, {"b": 1}, False),
        ({"minimum": 1, "exclusiveMinimum": True}, 1, False),
        ({"maximum": 10}, Decimal("9" * 9000), False),
        ({"enum": [1, "a"]}, True, False),
        ({"format": "email"}, "nobody", True),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "c": 1}, False),
        (TREE, {"child": {"child": {}}}, True),
        (TREE, {"child": {"child": 1}}, False),
        ({}, None, True),
    ],
)
def test_keywords(schema: Any, document: Any, valid: bool) -> None:
    assert (Schema(schema).violation(document) is None) is valid


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0]) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {"type": "object"},
            {"type": ["array", "null"]},
            {"type": "integer"},
            {"pattern": "^a"},
            {"uniqueItems": True},
            {"minItems": 1, "maxItems": 2},
            {"required": ["a"]},
            {"multipleOf": 2},
            {"enum": [1, "a", None, [True]]},
            {"minLength": 1},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, b: {"properties": {"a": a}, "additionalProperties": b}, inner, inner | st.booleans()),
        st.builds(lambda a: {"patternProperties": {"b$": a}, "additionalProperties": False}, inner),
        st.builds(lambda a: {"items": a}, inner),
        st.builds(lambda a, b: {"items": [a], "additionalItems": b}, inner, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        st.builds(lambda a, b: {"oneOf": [a, b]}, inner, inner),
        st.builds(lambda a, b: {"allOf": [a], "not": b}, inner, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(SCHEMAS, JSON)
def test_it_agrees_with_the_library(schema: dict[str, Any], document: Any) -> None:
    assert (Schema(schema).violation(document) is None) == Draft4Validator(schema).is_valid(document)


@settings(max_examples=100)
@given(SCHEMAS, st.text(max_size=40) | JSON.map(json.dumps))
def test_no_text_raises(schema: dict[str, Any], text: str) -> None:
    try:
        document = read(text)
    except NotJson:
        return
    Schema(schema).violation(document)


def nested(depth: int, opening: str, closing: str) -> Json:
    return read(f"{opening * depth}null{closing * depth}")


@pytest.mark.parametrize(
    ("schema", "document", "why"),
    [
        (TREE, nested(700, '{"child":', "}"), "nested too deeply"),
        ({"uniqueItems": True, "items": {"$ref": "#"}}, nested(700, "[", "]"), "nested too deeply"),
        (BRANCHING, nested(60, '{"x":1,"a":', "}"), "steps"),
        ({"pattern": r"^(a|aa)+$"}, "a" * 80 + "b", "a pattern"),
        ({"items": {"type": "number"}, "uniqueItems": True}, [*range(60_000), "x"], 'type: "number"'),
    ],
)
def test_hostile_documents_are_refused_in_bounded_time(schema: Any, document: Any, why: str) -> None:
    assert why in (Schema(schema).violation(document) or "")


def test_a_mixed_array_of_128_kb_is_compared_in_one_pass() -> None:
    document: Any = [value for number in range(20_000) for value in (number, str(number))]
    assert Schema({"uniqueItems": True}).violation(document) is None


def test_one_refusal_leaves_the_schema_as_it_was() -> None:
    schema = Schema(BRANCHING)
    assert "steps" in (schema.violation(nested(60, '{"x":1,"a":', "}")) or "")
    assert schema.violation({"a": {}}) is None


CYCLE: dict[str, Any] = {"type": "object"}
CYCLE["properties"] = {"self": CYCLE}


@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        (MESSAGE, []),
        (TREE, []),
        (BRANCHING, []),
        ({}, []),
        ({"definitions": {"a": {"id": "#a", "type": "string"}}, "properties": {"b": {"$ref": "#a"}}}, []),
        ({"enum": [{"$ref": "nowhere"}]}, []),
        ({"properties": {"$ref": {"type": "string"}}}, []),
        ([], ["$: a schema is an object"]),
        ("text", ["$: a schema is an object"]),
        (None, ["$: a schema is an object"]),
        ({"default": object}, ["$.default: a type is no JSON value"]),
        ({"minimum": float("nan")}, ["$.minimum: a float is no JSON value"]),
        ({"properties": {1: {}}}, ["$.properties: every name in it must be a text"]),
        (CYCLE, ["$.properties.self: it contains itself, or is nested too deeply"]),
        ({"type": "strng"}, ["$.type: 'strng' is not valid under any of the given schemas"]),
        ({"required": True}, ["$.required: True is not of type 'array'"]),
        ({"minimum": 1, "exclusiveMinimum": 5}, ["$.exclusiveMinimum: 5 is not of type 'boolean'"]),
        ({"pattern": "("}, ["$: '(' is no pattern: "]),
        ({"properties": {"a": {"patternProperties": {"[": {}}}}}, ["$.properties.a: '[' is no pattern: "]),
        (
            {"items": {"$ref": "https://apigateway.amazonaws.com/restapis/a1/models/Other"}},
            ["$.items: $ref 'https://apigateway.amazonaws.com/restapis/a1/models/Other' leads nowhere; only the "],
        ),
        ({"$ref": "#/definitions/missing"}, ["$: $ref '#/definitions/missing' leads nowhere; only the schema's own "]),
        ({"$ref": "file:///etc/passwd"}, ["$: $ref 'file:///etc/passwd' leads nowhere; only the schema's own parts "]),
        ({"id": "http://a/", "properties": {"a": {"id": "http://["}}}, ["$: an id in it is no URI: "]),
        ({"$ref": 5}, ["$: $ref must be a text"]),
        ({"$ref": None}, ["$: $ref must be a text"]),
        ({"title": "x", "not": {"$ref": "#/title"}}, ["$.not: $ref '#/title' leads to no schema"]),
        ({"$ref": "#"}, ["$: a $ref leads back to itself without going into the message"]),
        ({"allOf": [{"not": {"$ref": "#"}}]}, ["$: a $ref leads back to itself without going into the message"]),
        (
            {
                "definitions": {"a": {"anyOf": [{}, {"$ref": "#/definitions/b"}]}, "b": {"$ref": "#/definitions/a"}},
                "properties": {"x": {"$ref": "#/definitions/a"}},
            },
            ["$: a $ref leads back to itself without going into the message"],
        ),
        ({"required": True, "minLength": -1}, ["$.minLength: -1 is less than", "$.required: True is not of type"]),
    ],
)
def test_schema_problems(schema: Any, problems: list[str]) -> None:
    found = sorted(schema_problems(schema))
    assert len(found) == len(problems)
    assert all(text.startswith(expected) for text, expected in zip(found, problems, strict=True)), found
    if problems:
        with pytest.raises(ValueError, match=r"\$"):
            Schema(schema)


PIECES = st.sampled_from(
    [
        "$ref",
        "#",
        "#/definitions/a",
        "type",
        "object",
        "items",
        "allOf",
        "not",
        "properties",
        "pattern",
        "(a",
        "id",
        "http://[",
        1,
    ]
)


@settings(max_examples=300)
@given(
    st.recursive(
        PIECES | st.none() | st.booleans(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PIECES.map(str), inner, max_size=4),
        max_leaves=15,
    ),
    JSON,
)
def test_what_has_no_problems_validates_anything_without_raising(schema: Any, document: Any) -> None:
    if not schema_problems(schema):
        Schema(schema).violation(document)
