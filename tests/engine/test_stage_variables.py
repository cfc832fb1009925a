"""Stage variables in names of functions."""

from __future__ import annotations

import pytest

from gateway.engine.stage_variables import lambda_target, substitute
from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget

VARIABLES = {"name": "chat", "alias": "live", "nested": "${stageVariables.name}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${stageVariables.name}", "chat"),
        ("a-${stageVariables.name}-${stageVariables.alias}", "a-chat-live"),
        ("${stageVariables.missing}!", "!"),
        ("${stageVariables.nested}", "${stageVariables.name}"),
        ("$stageVariables.name ${other.name}", "$stageVariables.name ${other.name}"),
    ],
)
def test_substitute(text: str, expected: str) -> None:
    assert substitute(text, VARIABLES) == expected


@pytest.mark.parity("P-229")
def test_a_function_and_its_qualifier() -> None:
    target = LambdaTarget(FunctionName("${stageVariables.name}"), "${stageVariables.alias}")
    assert lambda_target(target, VARIABLES) == LambdaTarget(FunctionName("chat"), "live")
    assert lambda_target(target, {"name": "chat"}) == LambdaTarget(FunctionName("chat"), None)
    assert lambda_target(LambdaTarget(FunctionName("f")), VARIABLES) == LambdaTarget(FunctionName("f"))
