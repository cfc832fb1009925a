"""Which model a message is held against, and what then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.validation import Validation, plan_validation
from gateway.model.api import Model, Route
from gateway.model.errors import ExpressionError
from sample_definitions import route

JOIN = Model("Join", "Join", {"type": "object", "required": ["room"]})
ANY = Model("Any", "Any", {"type": "object"})


def validated(expression: str | None, **models: Model) -> Route:
    named = {key.replace("DEFAULT", "$default"): model for key, model in models.items()}
    return replace(route("$default"), model_selection_expression=expression, request_models=named)


def validation(expression: str, **models: Model) -> Validation:
    planned = plan_validation(validated(expression, **models))
    assert planned is not None
    return planned


@pytest.mark.parity("P-154", "P-208")
@pytest.mark.parametrize(
    ("models", "body", "violation"),
    [
        ({"join": JOIN}, '{"action":"join","room":1}', None),
        ({"join": JOIN}, '{"action":"join"}', '$ does not satisfy required: ["room"]'),
        ({"join": JOIN, "DEFAULT": ANY}, '{"action":"other"}', None),
        ({"join": JOIN, "DEFAULT": ANY}, "[]", '$ does not satisfy type: "object"'),
        ({"join": JOIN, "DEFAULT": ANY}, '{"action":"join"}', '$ does not satisfy required: ["room"]'),
        (
            {"join": JOIN},
            '{"action":"other"}',
            "no model is chosen by $request.body.action, and there is no $default",
        ),
        ({}, "{}", "no model is chosen by $request.body.action, and there is no $default"),
        ({"DEFAULT": ANY}, "hello", "the message is not JSON"),
        ({"DEFAULT": ANY}, "", "the message is not JSON"),
        ({"DEFAULT": ANY}, '{"action":' + "[" * 5_000 + "]" * 5_000 + "}", "the message is not JSON"),
        ({"1": JOIN}, '{"action":1,"room":1}', None),
    ],
)
def test_violation(models: dict[str, Model], body: str, violation: str | None) -> None:
    assert validation("$request.body.action", **models).violation(body) == violation


def test_a_static_expression_and_one_of_parts() -> None:
    assert validation("fixed", fixed=JOIN).violation('{"room":1}') is None
    parts = validation("${request.body.a}/${request.body.b}", **{"x/": JOIN})
    assert parts.violation('{"a":"x","room":1}') is None


def test_without_an_expression_nothing_is_validated() -> None:
    assert plan_validation(validated(None, join=JOIN)) is None


def test_what_no_loaded_definition_holds() -> None:
    with pytest.raises(ValueError, match="strng"):
        plan_validation(validated("x", x=Model("M", "M", {"type": "strng"})))
    with pytest.raises(ExpressionError):
        plan_validation(validated("$request.header.x"))


CHOSEN: Any = st.sampled_from(["join", "other", 1, None, [1], {"a": 1}])


@given(st.text(max_size=60) | CHOSEN.map(lambda value: str({"action": value}).replace("'", '"')))
def test_no_message_raises(body: str) -> None:
    validation("$request.body.action", join=JOIN, DEFAULT=ANY).violation(body)
