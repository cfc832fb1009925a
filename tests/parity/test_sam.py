"""What SAM makes of ``AWS::Serverless::WebSocketApi`` (parity table, section 11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.api import Api
from gateway.model.ids import RouteKey
from template_texts import loaded, problems_of

FUNCTION_ARN = {"Fn::GetAtt": ["Function", "Arn"]}
Document = dict[str, Any]


def sam(routes: Document | None = None, resources: Document | None = None, **properties: Any) -> str:
    """A template with one SAM API called ``Ws`` and one function, as text; ``Globals`` is a section, not a property."""
    sections = {"Globals": properties.pop("Globals")} if "Globals" in properties else {}
    made = {
        "RouteSelectionExpression": "$request.body.action",
        "Routes": routes or {key: {"FunctionArn": FUNCTION_ARN} for key in ("$connect", "$default", "join")},
        **properties,
    }
    function = {"Runtime": "python3.13", "Handler": "app.handler", "CodeUri": "src"}
    return json.dumps(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            **sections,
            "Resources": {
                "Ws": {"Type": "AWS::Serverless::WebSocketApi", "Properties": made},
                "Function": {"Type": "AWS::Serverless::Function", "Properties": function},
                **(resources or {}),
            },
        },
        indent=1,
    )


def the_api(text: str) -> Api:
    (api,) = loaded(text).apis
    return api


@pytest.mark.parity("P-172", "P-525", "P-527")
def test_routes_and_integrations_have_sams_logical_ids_and_are_one_way() -> None:
    api = the_api(sam())
    names = {
        key: (route.logical_id, route.integration and route.integration.logical_id, route.two_way)
        for key, route in api.routes.items()
    }
    assert names == {
        "$connect": ("WsConnectRoute", "WsConnectIntegration", False),
        "$default": ("WsDefaultRoute", "WsDefaultIntegration", False),
        "join": ("WsJoinRoute", "WsJoinIntegration", False),
    }
    assert api.logical_id == "Ws"


@pytest.mark.parity("P-172", "P-527")
def test_the_expression_alone_leaves_a_route_one_way_and_a_route_response_opens_it() -> None:
    routes = {"$default": {"FunctionArn": FUNCTION_ARN, "RouteResponseSelectionExpression": "$default"}}
    assert not the_api(sam(routes)).routes[RouteKey("$default")].two_way
    response = {
        "Answer": {
            "Type": "AWS::ApiGatewayV2::RouteResponse",
            "Properties": {
                "ApiId": {"Ref": "Ws"},
                "RouteId": {"Ref": "WsDefaultRoute"},
                "RouteResponseKey": "$default",
            },
        }
    }
    assert the_api(sam(routes, response)).routes[RouteKey("$default")].two_way


@pytest.mark.parity("P-526", "P-533")
def test_the_stage_its_name_and_its_variables() -> None:
    (stage,) = the_api(sam()).stages.values()
    assert (stage.stage_name, stage.logical_id, stage.auto_deploy) == ("default", "WsDefaultStage", True)
    api = the_api(sam(StageName="live", StageVariables={"color": "red"}, Name="chat", Description="about"))
    (stage,) = api.stages.values()
    assert (stage.stage_name, stage.stage_variables) == ("live", {"color": "red"})
    assert (api.name, api.description) == ("chat", "about")


@pytest.mark.parity("P-011", "P-526")
def test_the_stage_is_never_called_default_with_a_dollar() -> None:
    (problem,) = problems_of(sam(StageName="$default"))
    assert "$default" in problem


@pytest.mark.parity("P-528")
def test_auth_makes_the_authorizer_of_connect_and_of_no_other_route() -> None:
    sources = ["route.request.querystring.token"]
    api = the_api(sam(Auth={"AuthType": "CUSTOM", "AuthArn": FUNCTION_ARN, "IdentitySource": sources}))
    guarded = {key: route.authorizer for key, route in api.routes.items() if route.authorizer is not None}
    assert list(guarded) == ["$connect"]
    assert guarded[RouteKey("$connect")].identity_source == tuple(sources)


@pytest.mark.parity("P-529")
def test_auth_needs_a_connect_route() -> None:
    auth = {"AuthType": "CUSTOM", "AuthArn": FUNCTION_ARN}
    (problem,) = problems_of(sam({"$default": {"FunctionArn": FUNCTION_ARN}}, Auth=auth))
    assert "$connect" in problem


@pytest.mark.parity("P-530")
def test_a_routes_integration_timeout_is_bounded() -> None:
    def timed(timeout_ms: int) -> str:
        return sam({"$default": {"FunctionArn": FUNCTION_ARN, "IntegrationTimeout": timeout_ms}})

    integration = the_api(timed(29_000)).routes[RouteKey("$default")].integration
    assert integration is not None and integration.timeout_ms == 29_000
    assert len(problems_of(timed(29_001))) == 1


@pytest.mark.parity("P-531")
@pytest.mark.parametrize("key", ["chat/join", "join-room", "größe"])
def test_keys_of_ones_own_are_alphanumeric(key: str) -> None:
    (problem,) = problems_of(sam({key: {"FunctionArn": FUNCTION_ARN}}))
    assert "lphanumeric" in problem


@pytest.mark.parity("P-532")
def test_globals_of_websocket_apis() -> None:
    api = the_api(sam(Globals={"WebSocketApi": {"StageVariables": {"color": "red"}}}))
    assert [stage.stage_variables for stage in api.stages.values()] == [{"color": "red"}]
