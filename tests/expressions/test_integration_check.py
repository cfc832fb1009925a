"""What is found wrong with an integration when it is loaded, one line each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.expressions.integration_check import doubts_of, problems_of
from gateway.model.ids import FunctionName
from gateway.model.integration import (
    HttpTarget,
    Integration,
    IntegrationResponse,
    IntegrationType,
    LambdaTarget,
    MockTarget,
    PassthroughBehavior,
    ServiceTarget,
    Target,
)

RESPONSES = {"$default": IntegrationResponse("Done", "$default")}
HTTP = HttpTarget("https://example.com/")


def integration(kind: str = "HTTP", target: Target = HTTP, **changes: Any) -> Integration:
    made = Integration("Post", IntegrationType(kind), "uri", target, responses=RESPONSES)
    return replace(made, **changes)


def response(**changes: Any) -> dict[str, IntegrationResponse]:
    return {"key": replace(IntegrationResponse("Failed", "/4\\d\\d/"), **changes)}


@pytest.mark.parametrize(
    "sound",
    [
        integration(),
        integration("AWS", LambdaTarget(FunctionName("f"))),
        integration("MOCK", MockTarget(), request_templates={"$default": '{"statusCode": 200}'}),
        integration("AWS_PROXY", LambdaTarget(FunctionName("f")), responses={}),
        integration(
            "HTTP_PROXY", responses={}, request_parameters={"integration.request.header.id": "context.connectionId"}
        ),
        integration("HTTP_PROXY", responses={}, request_templates={"$default": "#if("}),
        integration(
            "AWS",
            ServiceTarget("", "sqs", path="{account}/${stageVariables.queue}"),
            request_parameters={"integration.request.path.account": "'1'"},
        ),
        integration(
            request_templates={"$default": "$input.body"},
            template_selection_expression="${request.body.kind}",
            responses=response(
                response_templates={"200": "$input.body"},
                template_selection_expression="${integration.response.statuscode}",
                response_parameters={"method.response.header.x": "integration.response.body.x"},
            ),
        ),
    ],
)
def test_sound_integrations_have_no_problems(sound: Integration) -> None:
    assert problems_of(sound) == []


@pytest.mark.parametrize(
    ("unsound", "problem"),
    [
        (
            integration(request_templates={"$default": "a\n#if(true)"}),
            "RequestTemplates $default: line 2: expected #else, #elseif or #end, got the end",
        ),
        (
            integration(template_selection_expression="$request.header.x"),
            "TemplateSelectionExpression: TemplateSelectionExpression may only use $request.body, "
            "not $request.header.x",
        ),
        (
            integration(request_parameters={"integration.request.header.x": "context.nope"}),
            "RequestParameters integration.request.header.x: there is no context variable nope",
        ),
        (
            integration("HTTP_PROXY", request_parameters={"header.x": "'1'"}, responses={}),
            "RequestParameters header.x: header.x must be integration.request.header, .querystring or .path "
            "with a name",
        ),
        (
            integration(target=HttpTarget("https://example.com/{room}")),
            "IntegrationUri: nothing is mapped to {room}; add integration.request.path.room",
        ),
        (
            integration("AWS", ServiceTarget("", "sqs", path="{account}/q")),
            "IntegrationUri: nothing is mapped to {account}; add integration.request.path.account",
        ),
        (
            integration(responses=response(response_templates={"$default": "#end"})),
            "Failed: ResponseTemplates $default: line 1: unexpected '#end'",
        ),
        (
            integration(responses=response(response_parameters={"x": "'1'"})),
            "Failed: ResponseParameters x: x must be method.response.header with a name",
        ),
        (
            integration(responses=response(template_selection_expression="${context.x}")),
            "Failed: TemplateSelectionExpression: TemplateSelectionExpression may only use "
            "$integration.response.header or $integration.response.multivalueheader or "
            "$integration.response.statuscode or $request.body, not $context.x",
        ),
    ],
)
def test_each_problem_is_one_line_that_names_the_property(unsound: Integration, problem: str) -> None:
    assert problems_of(unsound) == [problem]


def test_a_key_that_is_no_pattern() -> None:
    (problem,) = problems_of(integration(responses=response(key="/4(/")))
    assert problem.startswith("Failed: IntegrationResponseKey: not a regular expression: 4( (")


def test_all_problems_are_told_at_once() -> None:
    unsound = integration(request_templates={"a": "#if(", "b": "#end"}, responses=response(key="("))
    assert len(problems_of(unsound)) == 3


@pytest.mark.parametrize(
    ("hopeless", "doubt"),
    [
        (
            integration("MOCK", MockTarget()),
            'RequestTemplates: a MOCK integration without a template that renders {"statusCode": 200} always fails',
        ),
        (
            integration(passthrough_behavior=PassthroughBehavior.NEVER),
            "PassthroughBehavior: NEVER without RequestTemplates refuses every request",
        ),
    ],
)
def test_what_can_only_fail_when_it_is_called_is_a_doubt_and_no_problem(hopeless: Integration, doubt: str) -> None:
    assert doubts_of(hopeless) == [doubt]
    assert problems_of(hopeless) == []
