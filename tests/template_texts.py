"""Small templates for the tests of template loading, and short ways to load them."""

from __future__ import annotations

import json
from typing import Any, Final

from gateway.model.definition import Definition
from gateway.model.errors import DefinitionError
from gateway.model.function import Function
from gateway.template.load import load
from gateway.template.options import LoadOptions

OPTIONS: Final = LoadOptions(stack_name="app", region="us-east-1")

API: Final[dict[str, Any]] = {
    "Api": {
        "Type": "AWS::ApiGatewayV2::Api",
        "Properties": {
            "Name": "api",
            "ProtocolType": "WEBSOCKET",
            "RouteSelectionExpression": "$request.body.action",
        },
    },
    "Route": {
        "Type": "AWS::ApiGatewayV2::Route",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "RouteKey": "$default",
            "Target": {"Fn::Sub": "integrations/${Integration}"},
        },
    },
    "Integration": {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": {"Ref": "Api"},
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": {"Fn::GetAtt": ["Function", "Arn"]},
        },
    },
    "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "prod"}},
}
FUNCTION: Final[dict[str, Any]] = {"Runtime": "python3.13", "Handler": "app.handler", "Code": "src"}


def text_of(resources: dict[str, Any] | None = None, **sections: Any) -> str:
    """A template with one working API whose route calls ``Function``; ``resources`` are added or replace its own."""
    function = {"Function": {"Type": "AWS::Lambda::Function", "Properties": FUNCTION}}
    return json.dumps({**sections, "Resources": API | function | (resources or {})}, indent=1)


def function_text(properties: dict[str, Any], resources: dict[str, Any] | None = None, **sections: Any) -> str:
    """The same with these properties of the function added or replaced; None takes one away."""
    merged = {name: value for name, value in (FUNCTION | properties).items() if value is not None}
    return text_of(
        {"Function": {"Type": "AWS::Lambda::Function", "Properties": merged}} | (resources or {}), **sections
    )


def loaded(text: str, options: LoadOptions = OPTIONS, path: str = "template.json") -> Definition:
    return load(text, path=path, options=options)


def the_function(text: str, options: LoadOptions = OPTIONS, path: str = "template.json") -> Function:
    """The function that the API calls."""
    functions = loaded(text, options, path).functions.values()
    return next(function for function in functions if function.logical_id == "Function")


def problems_of(text: str, options: LoadOptions = OPTIONS) -> list[str]:
    """What is wrong, one message each; empty when it loads."""
    try:
        loaded(text, options)
    except DefinitionError as error:
        return [problem.message for problem in error.problems]
    return []


def warnings_of(text: str, options: LoadOptions = OPTIONS) -> list[str]:
    return [warning.message for warning in loaded(text, options).warnings]
