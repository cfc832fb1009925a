"""AWS::ApiGatewayV2::Authorizer of a WebSocket API: REQUEST authorizers, judged on $connect only (parity 6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model.api import Authorizer
from gateway.template.apigatewayv2.lambda_uri import read_target
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
_SOURCE: Final = re.compile(
    r"(?:route\.request\.(?:header|querystring)|context|stageVariables)\.[a-zA-Z0-9._-]+"
)  # fmt: skip
_SOURCE_HINT: Final = "for example route.request.header.Auth or route.request.querystring.token"


def read_authorizer(
    template: Template,
    declared: Declared,
    catalogue: Catalogue,
    stage_variables: Iterable[Mapping[str, str]],
    findings: Findings,
) -> Authorizer | None:
    """The authorizer, or None after reporting why it cannot be served."""
    properties = template.properties(declared, findings)
    properties.check_names(_PROPERTIES)
    _check_type(properties)
    name = properties.required("Name")
    sources = _identity_source(properties)
    uri = properties.required("AuthorizerUri", "name the function's invocations ARN")
    target = read_target(uri, properties, "AuthorizerUri", stage_variables) if uri is not None else None
    if name is None or target is None or not catalogue.call(target, properties, "AuthorizerUri"):
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
        if not _SOURCE.fullmatch(source):
            properties.problem(f"{source!r} is no identity source", "IdentitySource", _SOURCE_HINT)
    return sources
