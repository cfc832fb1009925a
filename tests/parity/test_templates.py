"""What templates say and what is refused (parity table, sections 1, 3 to 6, 8, 10 and 11)."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.api import Api, LambdaTarget
from gateway.model.ids import FunctionName, RouteKey
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS
from template_texts import API, loaded, problems_of, text_of, warnings_of

RAW = "AWS::ApiGatewayV2::"
FUNCTION_ARN = {"Fn::GetAtt": ["Function", "Arn"]}
Resources = dict[str, Any]


def with_properties(name: str, **changes: Any) -> str:
    """The small template with properties of one resource changed; None takes one away."""
    resource = API[name]
    merged = {key: value for key, value in (resource["Properties"] | changes).items() if value is not None}
    return text_of({name: {**resource, "Properties": merged}})


def added(kind: str, **properties: Any) -> Resources:
    return {kind: {"Type": f"{RAW}{kind}", "Properties": {"ApiId": {"Ref": "Api"}, **properties}}}


def the_api(text: str) -> Api:
    (api,) = loaded(text).apis
    return api


def the_route(text: str, key: str = "$default") -> Any:
    return the_api(text).routes[RouteKey(key)]


def guarded(**properties: Any) -> str:
    """The small template with an authorizer before its ``$connect`` route."""
    authorizer = {"Name": "guard", "AuthorizerType": "REQUEST", "AuthorizerUri": FUNCTION_ARN, **properties}
    route = API["Route"]["Properties"] | {
        "RouteKey": "$connect",
        "AuthorizationType": "CUSTOM",
        "AuthorizerId": {"Ref": "Authorizer"},
    }
    return text_of({"Route": {**API["Route"], "Properties": route}, **added("Authorizer", **authorizer)})


# -- APIs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-500")
def test_an_api_takes_its_own_properties_and_no_other() -> None:
    assert problems_of(with_properties("Api", Descriptoin="x")) == [f"{RAW}Api has no property 'Descriptoin'"]
    refused = problems_of(with_properties("Api", CorsConfiguration={"AllowOrigins": ["*"]}))
    assert refused == ["CorsConfiguration cannot be set for WEBSOCKET protocol Apis."]


@pytest.mark.parity("P-505")
def test_properties_that_change_nothing_here_are_accepted() -> None:
    api = the_api(with_properties("Api", IpAddressType="ipv4", Version="1", Tags={"a": "b"}, Description="about"))
    assert api.description == "about"


@pytest.mark.parity("P-503", "P-504")
def test_what_an_api_must_say() -> None:
    assert problems_of(with_properties("Api", RouteSelectionExpression=None)) == ["RouteSelectionExpression is missing"]
    assert problems_of(with_properties("Api", ProtocolType="SOCKET")) == ["there is no ProtocolType 'SOCKET'"]
    http = {"Http": {"Type": f"{RAW}Api", "Properties": {"Name": "http", "ProtocolType": "HTTP"}}}
    assert [api.logical_id for api in loaded(text_of(http)).apis] == ["Api"]


@pytest.mark.parity("P-536")
@pytest.mark.parametrize(
    "target",
    [
        {"Fn::Sub": "integrations/${Integration}"},
        {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
        {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
        {"Fn::Sub": ["integrations/${Id}", {"Id": {"Ref": "Integration"}}]},
    ],
)
def test_a_raw_template_may_spell_a_reference_in_any_way(target: Any) -> None:
    assert the_route(with_properties("Route", Target=target)).integration is not None


# -- routes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-507", "P-508")
def test_a_route_takes_its_own_properties_and_an_integration_of_its_api() -> None:
    assert f"{RAW}Route has no property 'Targets'" in problems_of(with_properties("Route", Targets="x"))
    elsewhere = problems_of(with_properties("Route", Target="integrations/abcdefg"))
    assert elsewhere == ["Target 'integrations/abcdefg' is no integration of this API"]


@pytest.mark.parity("P-148")
@pytest.mark.parametrize("key", ["$conect", "$mine", "$"])
def test_a_key_of_ones_own_must_not_begin_with_a_dollar(key: str) -> None:
    assert problems_of(with_properties("Route", RouteKey=key)) == [f"route key {key!r} must not start with $"]


@pytest.mark.parity("P-509")
def test_a_route_key_is_an_apis_once() -> None:
    again = {"Again": API["Route"]}
    assert problems_of(text_of(again)) == ["Route with key $default already exists for this API"]


@pytest.mark.parity("P-158", "P-172", "P-514")
def test_a_route_response_makes_a_route_two_way_and_its_expression_does_not() -> None:
    assert not the_route(with_properties("Route", RouteResponseSelectionExpression="$default")).two_way
    response = added("RouteResponse", RouteId={"Ref": "Route"}, RouteResponseKey="$default")
    assert the_route(text_of(response)).two_way
    assert problems_of(with_properties("Route", RouteResponseSelectionExpression="$other")) == [
        "RouteResponseSelectionExpression must be $default, not $other"
    ]
    other = added("RouteResponse", RouteId={"Ref": "Route"}, RouteResponseKey="$other")
    assert problems_of(text_of(other)) == ["RouteResponseKey must be $default, not $other"]


# -- integrations ------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-228")
@pytest.mark.parametrize(("tail", "qualifier"), [("", None), (":1", "1"), (":live", "live"), (":$LATEST", "$LATEST")])
@pytest.mark.parametrize(
    "form",
    [
        "${Function.Arn}%s",
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}%s/invocations",
    ],
)
def test_a_function_is_named_by_its_arn_or_its_invocations_uri(form: str, tail: str, qualifier: str | None) -> None:
    versions = {
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"Name": "live", "FunctionName": {"Ref": "Function"}, "FunctionVersion": "$LATEST"},
        },
    }
    integration = API["Integration"]["Properties"] | {"IntegrationUri": {"Fn::Sub": form % tail}}
    text = text_of({**versions, "Integration": {**API["Integration"], "Properties": integration}})
    assert the_route(text).integration.target == LambdaTarget(FunctionName("app-Function"), qualifier)


@pytest.mark.parity("P-227", "P-512")
@pytest.mark.parametrize("changes", [{"IntegrationMethod": "GET"}, {"PayloadFormatVersion": "2.0"}])
def test_what_has_no_effect_on_a_function_is_accepted(changes: dict[str, str]) -> None:
    plain, changed = the_route(text_of()), the_route(with_properties("Integration", **changes))
    assert changed.integration.target == plain.integration.target


@pytest.mark.parity("P-230", "P-530")
def test_integration_timeouts_have_bounds_and_a_default() -> None:
    for timeout_ms in (MIN_INTEGRATION_TIMEOUT_MS, MAX_INTEGRATION_TIMEOUT_MS):
        assert (
            the_route(with_properties("Integration", TimeoutInMillis=timeout_ms)).integration.timeout_ms == timeout_ms
        )
    for timeout_ms in (MIN_INTEGRATION_TIMEOUT_MS - 1, MAX_INTEGRATION_TIMEOUT_MS + 1):
        (problem,) = problems_of(with_properties("Integration", TimeoutInMillis=timeout_ms))
        assert problem.startswith("TimeoutInMillis must be a whole number from 50 to 29000")
    assert the_route(text_of()).integration.timeout_ms == MAX_INTEGRATION_TIMEOUT_MS


@pytest.mark.parity("P-511")
def test_an_integration_takes_its_own_properties_and_no_other() -> None:
    (problem,) = problems_of(with_properties("Integration", IntegrationUrl="x"))
    assert problem == f"{RAW}Integration has no property 'IntegrationUrl'"


@pytest.mark.parity("P-232")
def test_mappings_on_a_proxy_are_told_to_have_no_effect() -> None:
    response = added("IntegrationResponse", IntegrationId={"Ref": "Integration"}, IntegrationResponseKey="$default")
    (warning,) = warnings_of(text_of(response))
    assert "no effect on a proxy" in warning
    (warning,) = warnings_of(with_properties("Integration", RequestTemplates={"$default": "{}"}))
    assert "no effect on a proxy" in warning


# -- authorizers -------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-295")
def test_authorization_is_for_connect_alone() -> None:
    problems = problems_of(guarded().replace('"$connect"', '"join"'))
    assert problems == ["Currently, authorization is restricted to the $connect route only"]


@pytest.mark.parity("P-296", "P-516")
def test_an_authorizer_is_of_type_request() -> None:
    assert problems_of(guarded()) == []
    assert problems_of(guarded(AuthorizerType="JWT")) == [
        "Invalid authorizer type. Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis."
    ]
    assert problems_of(guarded(IdentitySources=[])) == [f"{RAW}Authorizer has no property 'IdentitySources'"]


@pytest.mark.parity("P-297")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AuthorizerPayloadFormatVersion", "2.0"),
        ("AuthorizerResultTtlInSeconds", 0),
        ("EnableSimpleResponses", False),
        ("JwtConfiguration", {}),
    ],
)
def test_what_only_http_apis_know_is_refused_whatever_its_value(name: str, value: object) -> None:
    assert problems_of(guarded(**{name: value})) == [f"{name} cannot be set for WEBSOCKET protocol Apis."]


@pytest.mark.parity("P-300", "P-304")
def test_identity_sources_are_checked_and_a_validation_expression_is_ignored() -> None:
    sources = ["route.request.header.Auth", "route.request.querystring.token", "context.routeKey", "stageVariables.v"]
    route = the_route(guarded(IdentitySource=sources, IdentityValidationExpression="^x$"), "$connect")
    assert list(route.authorizer.identity_source) == sources
    (problem,) = problems_of(guarded(IdentitySource=["$request.header.Auth"]))
    assert problem.startswith("'$request.header.Auth' is no identity source")


# -- stages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-010")
@pytest.mark.parametrize(
    ("name", "good"),
    [("a", True), ("A-z_09", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("a.b", False)],
)
def test_names_of_stages(name: str, good: bool) -> None:
    expected = [] if good else [f"{name!r} is no name for a stage"]
    assert problems_of(with_properties("Stage", StageName=name)) == expected


@pytest.mark.parity("P-011")
def test_no_stage_is_called_default_with_a_dollar() -> None:
    assert problems_of(with_properties("Stage", StageName="$default")) == [
        "Stages cannot be named $default for WebSocket APIs."
    ]


@pytest.mark.parity("P-518")
def test_a_stage_takes_its_own_properties_and_no_other() -> None:
    assert problems_of(with_properties("Stage", StageVariable={})) == [f"{RAW}Stage has no property 'StageVariable'"]


@pytest.mark.parity("P-450", "P-451", "P-519")
def test_what_is_declared_is_deployed_by_stage_and_by_deployment() -> None:
    more = {
        **added("Deployment", StageName="v1"),
        **added("Stage", StageName="manual", DeploymentId={"Ref": "Deployment"}, AutoDeploy=False),
        "Auto": {
            "Type": f"{RAW}Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "auto", "AutoDeploy": True},
        },
    }
    assert set(the_api(text_of(more)).stages) == {"manual", "auto", "v1"}
