"""AWS::ApiGatewayV2::Integration and AWS::ApiGatewayV2::IntegrationResponse.

Served is the Lambda proxy; every other type is named as unsupported by the route that leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model.api import Integration, IntegrationType
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS
from gateway.template.apigatewayv2.lambda_uri import read_target
from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.functions.catalogue import Catalogue
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = (
    "ApiId",
    "ConnectionId",
    "ConnectionType",
    "ContentHandlingStrategy",
    "CredentialsArn",
    "Description",
    "IntegrationMethod",
    "IntegrationSubtype",
    "IntegrationType",
    "IntegrationUri",
    "PassthroughBehavior",
    "PayloadFormatVersion",
    "RequestParameters",
    "RequestTemplates",
    "ResponseParameters",
    "TemplateSelectionExpression",
    "TimeoutInMillis",
    "TlsConfig",
)
_RESPONSE_PROPERTIES: Final = (
    "ApiId",
    "ContentHandlingStrategy",
    "IntegrationId",
    "IntegrationResponseKey",
    "ResponseParameters",
    "ResponseTemplates",
    "TemplateSelectionExpression",
)
_NOT_OF_A_PROXY: Final = ("RequestParameters", "RequestTemplates", "TemplateSelectionExpression")
_CONVERT_TO_BINARY: Final = "CONVERT_TO_BINARY"


def read_integration(
    template: Template,
    declared: Declared,
    catalogue: Catalogue,
    stage_variables: Iterable[Mapping[str, str]],
    findings: Findings,
) -> Integration | None:
    """The integration, or None after reporting why it cannot be served."""
    properties = template.properties(declared, findings)
    properties.check_names(_PROPERTIES)
    timeout = properties.integer("TimeoutInMillis", MIN_INTEGRATION_TIMEOUT_MS, MAX_INTEGRATION_TIMEOUT_MS)
    method = properties.text("IntegrationMethod") or "POST"
    if _type(properties) is not IntegrationType.AWS_PROXY:
        return None
    _check_proxy(properties)
    uri = properties.required("IntegrationUri", "name the function's invocations ARN")
    target = read_target(uri, properties, "IntegrationUri", stage_variables) if uri is not None else None
    if uri is None or target is None or not catalogue.call(target, properties, "IntegrationUri"):
        return None
    return Integration(
        logical_id=declared.logical_id,
        integration_type=IntegrationType.AWS_PROXY,
        integration_uri=uri,
        target=target,
        integration_method=method,
        timeout_ms=MAX_INTEGRATION_TIMEOUT_MS if timeout is None else timeout,
    )


def check_integration_responses(template: Template, responses: Iterable[Declared], findings: Findings) -> None:
    """Integration responses change nothing about a proxy: check their spelling and say so."""
    for declared in responses:
        properties = template.properties(declared, findings)
        properties.check_names(_RESPONSE_PROPERTIES)
        properties.warning("an IntegrationResponse has no effect on a proxy integration")


def _type(properties: Properties) -> IntegrationType | None:
    name = properties.required("IntegrationType", "for example IntegrationType: AWS_PROXY")
    known = [kind.value for kind in IntegrationType]
    if name is None:
        return None
    if name not in known:
        hint = did_you_mean(name, known, f"it is one of {', '.join(known)}")
        properties.problem(f"there is no IntegrationType {name!r}", "IntegrationType", hint)
        return None
    kind = IntegrationType(name)
    if kind is not IntegrationType.AWS_PROXY:
        hint = "this version serves AWS_PROXY integrations of Lambda functions"
        properties.unsupported(f"IntegrationType {name}", "IntegrationType", hint)
    return kind


def _check_proxy(properties: Properties) -> None:
    if properties.text("ConnectionType") == "VPC_LINK":
        properties.unsupported("ConnectionType VPC_LINK", "ConnectionType")
    if properties.text("ContentHandlingStrategy") == _CONVERT_TO_BINARY:
        properties.unsupported(f"ContentHandlingStrategy {_CONVERT_TO_BINARY}", "ContentHandlingStrategy")
    ignored = [name for name in _NOT_OF_A_PROXY if properties.has(name)]
    if ignored:
        properties.warning(f"no effect on a proxy integration: {', '.join(ignored)}", ignored[0])
