from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.model.api import Integration
from gateway.model.ids import RouteKey
from template_texts import loaded, problems_of, text_of


def text(uri: str, **variables: Mapping[str, str]) -> str:
    """A template with a stage per argument and an HTTP integration at ``uri``."""
    stages: dict[str, Any] = {
        f"Stage{name}": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": name, "StageVariables": dict(values)},
        }
        for name, values in variables.items()
    }
    properties = {
        "ApiId": {"Ref": "Api"},
        "IntegrationType": "HTTP_PROXY",
        "IntegrationMethod": "GET",
        "IntegrationUri": uri,
    }
    integration = {"Type": "AWS::ApiGatewayV2::Integration", "Properties": properties}
    return text_of({"Stage": {"Type": "AWS::S3::Bucket"}, "Integration": integration, **stages})


def integration(template: str) -> Integration:
    route = loaded(template).apis[0].route(RouteKey("$default"))
    assert route is not None
    assert route.integration is not None
    return route.integration


URI = "https://${stageVariables.host}/${stageVariables.path}"


@pytest.mark.parametrize(
    ("stages", "url"),
    [
        ({"dev": {"host": "a.b", "path": "x"}}, "https://a.b/x"),
        ({"dev": {"host": "a.b", "path": "x"}, "prod": {"host": "a.b", "path": "x", "more": "y"}}, "https://a.b/x"),
        ({"dev": {"host": "a.b", "path": "x"}, "prod": {"host": "c.d", "path": "x"}}, URI),
        ({"dev": {"host": "a.b", "path": "${stageVariables.host}"}}, "https://a.b/${stageVariables.host}"),
    ],
)
def test_what_all_stages_agree_on_is_settled(stages: dict[str, dict[str, str]], url: str) -> None:
    found = integration(text(URI, **stages))
    assert found.integration_uri == URI
    assert getattr(found.target, "url", None) == url


def test_every_stage_must_have_every_variable() -> None:
    assert problems_of(text(URI, dev={"host": "a.b"}, prod={"host": "a.b", "path": "x"}, test={})) == [
        "stage dev has no variable 'path' for IntegrationUri",
        "stage test has no variable 'host' for IntegrationUri",
        "stage test has no variable 'path' for IntegrationUri",
    ]


def test_every_stage_must_lead_somewhere() -> None:
    stages = {"dev": {"host": "a.b", "path": "x"}, "prod": {"host": "", "path": "x"}}
    assert problems_of(text(URI, **stages)) == ["'https:///x' is no http or https URL"]


def test_a_variable_nobody_reads_is_nothing_to_anybody() -> None:
    assert problems_of(text("https://a.b", dev={"unused": "1"}, prod={})) == []
