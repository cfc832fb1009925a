"""AWS::ApiGatewayV2::Integration: what a route calls, how it is asked and, with its responses, what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from gateway.model.api import Stage
from gateway.model.integration import (
    ContentHandling,
    HttpTarget,
    Integration,
    IntegrationType,
    LambdaTarget,
    MockTarget,
    PassthroughBehavior,
    ServiceTarget,
    Target,
)
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS
from gateway.template.apigatewayv2.integration_problems import check_integration
from gateway.template.apigatewayv2.integration_response import read_responses
from gateway.template.apigatewayv2.target import read_aim
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
    "IntegrationType",
    "IntegrationUri",
    "PassthroughBehavior",
    "PayloadFormatVersion",
    "RequestParameters",
    "RequestTemplates",
    "TemplateSelectionExpression",
    "TimeoutInMillis",
    "TlsConfig",
)
_HTTP_ONLY: Final = ("IntegrationSubtype", "ResponseParameters")
_TEMPLATES: Final = ("RequestTemplates", "TemplateSelectionExpression")
# What a kind of integration leaves unused, as AWS does.
_WITHOUT_EFFECT: Final[Mapping[IntegrationType, tuple[str, ...]]] = {
    IntegrationType.AWS_PROXY: ("RequestParameters", *_TEMPLATES),
    IntegrationType.HTTP_PROXY: _TEMPLATES,
    IntegrationType.MOCK: ("RequestParameters",),
}
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_POST: Final = "POST"


class ConnectionType(Enum):
    """Integration.ConnectionType (parity 5)."""

    INTERNET = "INTERNET"
    VPC_LINK = "VPC_LINK"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an integration is read with: the API's stages, the functions there are and its own responses."""

    stages: tuple[Stage, ...]
    catalogue: Catalogue
    responses: tuple[Declared, ...]


def read_integration(
    template: Template, declared: Declared, surroundings: Surroundings, findings: Findings
) -> Integration | None:
    """The integration, or None after reporting why it cannot be served."""
    properties = template.properties(declared, findings)
    _check_names(properties)
    _check_connection(properties)
    kind = _type(properties)
    described = _described(properties, kind or IntegrationType.MOCK)
    described = replace(
        described, responses=read_responses(template, surroundings.responses, described.is_proxy, findings)
    )
    if kind is None:
        return None
    aim = read_aim(kind, properties, surroundings.stages, surroundings.catalogue)
    if aim is None:
        check_integration(described, findings)
        return None
    integration = replace(
        described,
        target=aim.target,
        integration_method=_method(properties, aim.target),
        request_parameters={**aim.parameters, **described.request_parameters},
    )
    check_integration(integration, findings)
    _warn(properties, integration)
    return integration


def _described(properties: Properties, kind: IntegrationType) -> Integration:
    """Everything but what is called and what it answers."""
    timeout = properties.integer("TimeoutInMillis", MIN_INTEGRATION_TIMEOUT_MS, MAX_INTEGRATION_TIMEOUT_MS)
    passthrough = properties.choice("PassthroughBehavior", PassthroughBehavior)
    return Integration(
        logical_id=properties.declared.logical_id,
        integration_type=kind,
        integration_uri=properties.text("IntegrationUri") or "",
        target=MockTarget(),
        timeout_ms=MAX_INTEGRATION_TIMEOUT_MS if timeout is None else timeout,
        credentials_arn=properties.text("CredentialsArn"),
        content_handling=_content_handling(properties, kind),
        passthrough_behavior=passthrough or PassthroughBehavior.WHEN_NO_MATCH,
        request_parameters=properties.text_by_name("RequestParameters"),
        request_templates=properties.text_by_name("RequestTemplates"),
        template_selection_expression=properties.text("TemplateSelectionExpression"),
    )


def _check_names(properties: Properties) -> None:
    properties.check_names((*_PROPERTIES, *_HTTP_ONLY))
    for name in _HTTP_ONLY:
        if properties.value(name) is not None:
            properties.problem(f"{name} cannot be set for WEBSOCKET protocol Apis.", name, "remove it")


def _check_connection(properties: Properties) -> None:
    kind = properties.choice("ConnectionType", ConnectionType)
    if kind is ConnectionType.VPC_LINK:
        hint = "there is no VPC here: write INTERNET and an address that this machine can reach"
        properties.unsupported(f"ConnectionType {kind.value}", "ConnectionType", hint)


def _type(properties: Properties) -> IntegrationType | None:
    name = "IntegrationType"
    written = properties.required(name, "for example IntegrationType: AWS_PROXY")
    return None if written is None else properties.choice(name, IntegrationType)


def _content_handling(properties: Properties, kind: IntegrationType) -> ContentHandling | None:
    handling = properties.choice("ContentHandlingStrategy", ContentHandling)
    if handling is ContentHandling.CONVERT_TO_BINARY and kind is IntegrationType.AWS_PROXY:
        what = f"ContentHandlingStrategy {handling.value} of an AWS_PROXY integration"
        properties.unsupported(what, "ContentHandlingStrategy", "a function gets the message's text in body")
    return handling


def _method(properties: Properties, target: Target) -> str:
    name = "IntegrationMethod"
    written = properties.text(name)
    match target:
        case HttpTarget():
            written = properties.required(name, f"it is one of {', '.join(_METHODS)}")
        case LambdaTarget() if written not in (None, _POST):
            properties.warning(f"functions are invoked by {_POST}, not by {written}", name, f"AWS needs {_POST} here")
            return _POST
    if written not in (None, *_METHODS):
        properties.problem(f"there is no {name} {written!r}", name, f"it is one of {', '.join(_METHODS)}")
    return written or _POST


def _warn(properties: Properties, integration: Integration) -> None:
    kind, target = integration.integration_type, integration.target
    ignored = [name for name in _WITHOUT_EFFECT.get(kind, ()) if properties.value(name)]
    if ignored:
        what = f"no effect on a {'proxy' if integration.is_proxy else kind.value} integration: {', '.join(ignored)}"
        properties.warning(what, ignored[0])
    if isinstance(target, ServiceTarget) and integration.credentials_arn is None:
        properties.warning("AWS calls a service only with a CredentialsArn", hint="name the role that may call it")
