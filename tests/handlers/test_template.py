"""The sample's template: every reference resolves once SAM has expanded it, and policies grant no more than is used."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from samtranslator.translator.transform import transform

from chat_double import PROJECT

POLICIES_OF_MANAGED_NAMES: dict[str, str] = {}


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return POLICIES_OF_MANAGED_NAMES


@pytest.fixture(scope="session")
def expanded(template: dict[str, Any]) -> dict[str, Any]:
    source = copy.deepcopy(template)
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"  # SAM takes local paths only through `sam build`
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        result: dict[str, Any] = transform(source, {}, NoManagedPolicies())
    return result


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.partition(".")[0]
            else:
                yield from references(inner)


def test_every_reference_resolves(expanded: dict[str, Any]) -> None:
    known = set(expanded["Resources"])
    dangling = {name for name in references(expanded) if name not in known and not name.startswith("AWS::")}
    assert dangling == set()


def test_the_default_route_has_a_route_response(expanded: dict[str, Any]) -> None:
    responses = [r["Properties"] for r in expanded["Resources"].values() if r["Type"].endswith("::RouteResponse")]
    (response,) = responses
    assert response["RouteResponseKey"] == "$default"
    route = expanded["Resources"][response["RouteId"]["Ref"]]
    assert (route["Type"], route["Properties"]["RouteKey"]) == ("AWS::ApiGatewayV2::Route", "$default")


def test_every_handler_exists(template: dict[str, Any]) -> None:
    functions = [r for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
    code = PROJECT / template["Globals"]["Function"]["CodeUri"]
    assert len(functions) == 5
    for function in functions:
        module, _, name = function["Properties"]["Handler"].partition(".")
        assert f"\ndef {name}(" in (code / f"{module}.py").read_text(encoding="utf-8")


def test_only_posting_to_this_apis_connections_is_allowed(template: dict[str, Any]) -> None:
    statements = [
        statement
        for resource in template["Resources"].values()
        for policy in resource.get("Properties", {}).get("Policies", [])
        for statement in policy.get("Statement", [])
    ]
    assert statements
    for statement in statements:
        assert statement["Action"] == "execute-api:ManageConnections"
        assert json.dumps(statement["Resource"]).endswith(':${ChatApi}/dev/POST/@connections/*"}')
