"""AWS::ApiGatewayV2::Authorizer of a WebSocket API: REQUEST authorizers, judged on $connect only (parity 6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.access.identity import parse
from gateway.model.api import Authorizer, Stage
from gateway.model.errors import ExpressionError
from gateway.template.apigatewayv2.lambda_uri import read_function
from gateway.template.apigatewayv2.stage_variables import read_for_stages
from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.functions.catalogue import Catalogue
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = (
    "ApiId",
    "AuthorizerCredentialsArn",
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "AuthorizerType",
    "AuthorizerUri",
    "EnableSimpleResponses",
    "IdentitySource",
    "IdentityValidationExpression",
    "JwtConfiguration",
    "Name",
)
_HTTP_ONLY: Final = (
    "AuthorizerPayloadFormatVersion",
    "AuthorizerResultTtlInSeconds",
    "EnableSimpleResponses",
    "JwtConfiguration",
)
_SOURCE_HINT: Final = "for example route.request.header.Auth or route.request.querystring.token"


def read_authorizer(
    template: Template,
    declared: Declared,
    catalogue: Catalogue,
    stages: Iterable[Stage],
    findings: Findings,
) -> Authorizer | None:
    """The authorizer, or None after reporting why it cannot be served."""
    properties = template.properties(declared, findings)
    properties.check_names(_PROPERTIES)
    _check_type(properties)
    name = properties.required("Name")
    sources = _identity_source(properties)
    uri = properties.required("AuthorizerUri", "name the function's invocations ARN")
    reading = None if uri is None else read_for_stages(uri, stages, properties, "AuthorizerUri")
    target = None if reading is None else read_function(reading, properties, "AuthorizerUri", catalogue)
    if name is None or target is None:
        return None
    return Authorizer(declared.logical_id, name, target, sources)


def _check_type(properties: Properties) -> None:
    kind = properties.required("AuthorizerType", "it is REQUEST")
    if kind is not None and kind != "REQUEST":
        message = "Invalid authorizer type. Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis."
        properties.problem(message, "AuthorizerType", "it is REQUEST")
    for name in _HTTP_ONLY:
        if properties.value(name) is not None:
            properties.problem(f"{name} cannot be set for WEBSOCKET protocol Apis.", name, "remove it")


def _identity_source(properties: Properties) -> tuple[str, ...]:
    sources = properties.texts("IdentitySource") or ()
    for source in sources:
        try:
            parse(source)
        except ExpressionError as error:
            what = f"{source!r} is no identity source: {error.message}"
            properties.problem(what, "IdentitySource", _SOURCE_HINT)
    return sources
