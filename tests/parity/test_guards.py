"""What templates say about domains, models, mappings and required parameters (parity table, sections 1, 5 and 11)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model.ids import ApiId, RouteKey, StageName
from gateway.model.integration import ContentHandling, Integration
from template_texts import API, loaded, problems_of, text_of, warnings_of

RAW = "AWS::ApiGatewayV2::"
DOMAIN = "ws.example.com"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"{RAW}{kind}", "Properties": properties}


def mapped(key: str | None = None, domain: dict[str, Any] | None = None, **more: Any) -> str:
    """The small template with a custom domain that leads to its stage."""
    mapping: dict[str, Any] = {"ApiId": {"Ref": "Api"}, "DomainName": {"Ref": "Domain"}, "Stage": {"Ref": "Stage"}}
    if key is not None:
        mapping["ApiMappingKey"] = key
    named = resource("DomainName", DomainName=DOMAIN, **(domain or {}))
    return text_of({"Domain": named, "Mapping": resource("ApiMapping", **mapping), **more})


# -- custom domains ----------------------------------------------------------------------------------------------------


@pytest.mark.parity("P-012", "P-013", "P-520", "P-521")
@pytest.mark.parametrize("key", [None, "chat"])
def test_a_domain_and_its_mapping(key: str | None) -> None:
    definition = loaded(mapped(key))
    (api,) = definition.apis
    (domain,) = definition.domain_names
    assert (domain.domain_name, domain.mappings) == (DOMAIN, {key or "": (api.api_id, StageName("prod"))})
    assert problems_of(mapped(domain={"Certificate": "x"})) == [f"{RAW}DomainName has no property 'Certificate'"]


@pytest.mark.parity("P-015")
@pytest.mark.parametrize(
    ("key", "good"),
    [("a-Z_0.9", True), ("it's-(a)!*+$", True), ("x" * 300, True), ("x" * 301, False), ("a b", False), ("ü", False)],
)
def test_base_paths(key: str, good: bool) -> None:
    assert problems_of(mapped(key)) == ([] if good else [f"{key!r} is no ApiMappingKey"])


@pytest.mark.parity("P-020")
@pytest.mark.parametrize("key", ["ping", "sping"])
def test_reserved_base_paths(key: str) -> None:
    assert problems_of(mapped(key)) == [f"ApiMappingKey {key} is reserved by API Gateway"]


@pytest.mark.parity("P-016")
def test_domains_are_regional() -> None:
    assert problems_of(mapped(domain={"DomainNameConfigurations": [{"EndpointType": "REGIONAL"}]})) == []
    assert problems_of(mapped(domain={"DomainNameConfigurations": [{"EndpointType": "EDGE"}]})) == [
        "a WebSocket API's domain name is REGIONAL, not EDGE"
    ]


@pytest.mark.parity("P-018")
def test_mutual_tls_is_refused() -> None:
    assert problems_of(mapped(domain={"MutualTlsAuthentication": {"TruststoreUri": "s3://a/b"}})) == [
        "Mutual TLS domain name association is not supported for Websocket APIs."
    ]


@pytest.mark.parity("P-019")
def test_a_domain_is_for_websocket_apis_or_for_others() -> None:
    http = {
        "Http": resource("Api", Name="http", ProtocolType="HTTP"),
        "HttpMapping": resource("ApiMapping", ApiId={"Ref": "Http"}, DomainName={"Ref": "Domain"}, Stage="$default"),
    }
    (problem,) = problems_of(mapped("chat", **http))
    assert "cannot lead to a REST or HTTP API as well" in problem


@pytest.mark.parity("P-534")
def test_a_domain_of_sam() -> None:
    function = {"Runtime": "python3.13", "Handler": "app.handler", "CodeUri": "src"}
    chat = {
        "RouteSelectionExpression": "$request.body.action",
        "Domain": {
            "DomainName": DOMAIN,
            "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/a",
            "BasePath": ["a", "b"],
        },
        "Routes": {"$default": {"FunctionArn": {"Fn::GetAtt": ["Handler", "Arn"]}}},
    }
    resources = {
        "Ws": {"Type": "AWS::Serverless::WebSocketApi", "Properties": chat},
        "Handler": {"Type": "AWS::Serverless::Function", "Properties": function},
    }
    definition = loaded(sam_text(resources))
    (api,) = definition.apis
    (domain,) = definition.domain_names
    assert domain.mappings == {key: (ApiId(api.api_id), StageName("default")) for key in ("a", "b")}


def sam_text(resources: dict[str, Any]) -> str:
    return json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources})


# -- routes and models -------------------------------------------------------------------------------------------------


def connecting(**changes: Any) -> str:
    route = API["Route"]["Properties"] | {"RouteKey": "$connect", **changes}
    return text_of({"Route": {**API["Route"], "Properties": route}})


@pytest.mark.parity("P-510")
def test_required_parameters_of_connect() -> None:
    parameters = {
        "route.request.header.Auth": {"Required": True},
        "route.request.querystring.room": {"Required": False},
    }
    (api,) = loaded(connecting(RequestParameters=parameters)).apis
    assert api.routes[RouteKey("$connect")].request_parameters == {
        "route.request.header.Auth": True,
        "route.request.querystring.room": False,
    }
    (problem,) = problems_of(connecting(RequestParameters={"route.request.body.x": {"Required": True}}))
    assert problem == "'route.request.body.x' is no request parameter of a route"


@pytest.mark.parity("P-517")
@pytest.mark.parametrize(
    "schema", [{"type": "object", "required": ["room"]}, '{"type": "object", "required": ["room"]}']
)
def test_a_model_is_a_schema(schema: object) -> None:
    model = {"Model": resource("Model", ApiId={"Ref": "Api"}, Name="Join", Schema=schema)}
    route = API["Route"]["Properties"] | {
        "ModelSelectionExpression": "$request.body.action",
        "RequestModels": {"join": "Join"},
    }
    text = text_of({**model, "Route": {**API["Route"], "Properties": route}})
    (api,) = loaded(text).apis
    assert api.routes[RouteKey("$default")].request_models["join"].schema == {"type": "object", "required": ["room"]}
    (problem,) = problems_of(
        text_of({"Model": resource("Model", ApiId={"Ref": "Api"}, Name="J", Schema={"type": "x"})})
    )
    assert problem.startswith("Schema: $.type: ")


# -- integrations ------------------------------------------------------------------------------------------------------


def integrated(responses: dict[str, Any] | None = None, **properties: Any) -> str:
    """The small template with an HTTP integration on a two-way route."""
    made = {"ApiId": {"Ref": "Api"}, "IntegrationType": "HTTP", "IntegrationMethod": "POST"}
    made |= {"IntegrationUri": "https://example.com/hook", **properties}
    two_way = resource("RouteResponse", ApiId={"Ref": "Api"}, RouteId={"Ref": "Route"}, RouteResponseKey="$default")
    answers = {
        f"Answer{number}": resource(
            "IntegrationResponse",
            ApiId={"Ref": "Api"},
            IntegrationId={"Ref": "Integration"},
            IntegrationResponseKey=key,
            **more,
        )
        for number, (key, more) in enumerate((responses or {}).items())
    }
    return text_of({"Integration": resource("Integration", **made), "TwoWay": two_way, **answers})


def the_integration(text: str) -> Integration:
    (api,) = loaded(text).apis
    integration = api.routes[RouteKey("$default")].integration
    assert integration is not None
    return integration


@pytest.mark.parity("P-233")
def test_a_two_way_route_without_an_integration_response_is_warned_of() -> None:
    said = [warning.message for warning in loaded(integrated()).warnings]
    assert any(message.startswith("no IntegrationResponse") for message in said)
    assert loaded(integrated({"$default": {}})).warnings == ()


@pytest.mark.parity("P-513")
def test_integration_responses_with_their_properties() -> None:
    said = {
        "ContentHandlingStrategy": "CONVERT_TO_TEXT",
        "ResponseTemplates": {"$default": "$input.body"},
        "TemplateSelectionExpression": "${integration.response.statuscode}",
    }
    responses = the_integration(integrated({"$default": {}, "/4\\d\\d/": said})).responses
    assert list(responses) == ["$default", "/4\\d\\d/"]
    chosen = responses["/4\\d\\d/"]
    assert chosen.content_handling is ContentHandling.CONVERT_TO_TEXT
    assert chosen.response_templates == said["ResponseTemplates"]
    assert chosen.template_selection_expression == said["TemplateSelectionExpression"]
    (problem,) = problems_of(integrated({"$default": {}, "/(/": {}}))
    assert problem.startswith("IntegrationResponseKey: not a regular expression")


@pytest.mark.parity("P-241")
def test_an_undeclared_parameter_of_the_handshake_is_warned_of() -> None:
    source = "route.request.header.Auth"
    route = API["Route"]["Properties"] | {"RouteKey": "$connect"}
    web = resource(
        "Integration",
        ApiId={"Ref": "Api"},
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="POST",
        IntegrationUri="https://example.com/hook",
        RequestParameters={"integration.request.header.Auth": source},
    )
    declared = route | {"RequestParameters": {source: {"Required": False}}}
    (warning,) = warnings_of(text_of({"Route": {**API["Route"], "Properties": route}, "Integration": web}))
    assert source in warning
    assert warnings_of(text_of({"Route": {**API["Route"], "Properties": declared}, "Integration": web})) == []
