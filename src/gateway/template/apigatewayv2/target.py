"""What an Integration calls: the IntegrationUri as its IntegrationType understands it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.model.api import Stage
from gateway.model.integration import HttpTarget, IntegrationType, MockTarget, Target
from gateway.template.apigatewayv2.http_uri import is_url
from gateway.template.apigatewayv2.lambda_uri import is_function, read_function
from gateway.template.apigatewayv2.service_uri import parse_service
from gateway.template.apigatewayv2.stage_variables import Reading, read_for_stages
from gateway.template.functions.catalogue import Catalogue
from gateway.template.properties import Properties

_NAME: Final = "IntegrationUri"
_HINTS: Final = {
    IntegrationType.AWS: "for example !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:dynamodb:action/PutItem",
    IntegrationType.AWS_PROXY: "name the function's invocations ARN",
    IntegrationType.HTTP: "for example https://example.com/path",
    IntegrationType.HTTP_PROXY: "for example https://example.com/path",
}


@dataclass(frozen=True, slots=True)
class Aim:
    """``parameters`` are request parameters that it implies."""

    target: Target
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_aim(
    kind: IntegrationType,
    properties: Properties,
    stages: Iterable[Stage],
    catalogue: Catalogue,
) -> Aim | None:
    """None after reporting why there is nothing to call."""
    if kind is IntegrationType.MOCK:
        return Aim(MockTarget())
    uri = properties.required(_NAME, _HINTS[kind])
    reading = None if uri is None else read_for_stages(uri, stages, properties, _NAME)
    if reading is None:
        return None
    if kind in (IntegrationType.HTTP, IntegrationType.HTTP_PROXY):
        return _http(reading, properties)
    if kind is IntegrationType.AWS_PROXY or all(map(is_function, reading.variants)):
        return _function(reading, properties, catalogue)
    return _service(reading, properties)


def _http(reading: Reading, properties: Properties) -> Aim | None:
    for url in reading.variants:
        if not is_url(url):
            properties.problem(f"{url!r} is no http or https URL", _NAME, _HINTS[IntegrationType.HTTP])
            return None
    tls = properties.nested("TlsConfig")
    if tls is not None:
        tls.check_names(("ServerNameToVerify",))
    return Aim(HttpTarget(reading.text, None if tls is None else tls.text("ServerNameToVerify")))


def _function(reading: Reading, properties: Properties, catalogue: Catalogue) -> Aim | None:
    if any(parse_service(uri) and not is_function(uri) for uri in reading.variants):
        message = "Integrations of type 'AWS_PROXY' currently only supports Lambda function invocations."
        properties.problem(message, _NAME, "write IntegrationType: AWS to call another service")
        return None
    target = read_function(reading, properties, _NAME, catalogue)
    return None if target is None else Aim(target)


def _service(reading: Reading, properties: Properties) -> Aim | None:
    for uri in reading.variants:
        if parse_service(uri) is None:
            what = f"{uri!r} is neither a function nor an action or path of an AWS service"
            properties.problem(what, _NAME, _HINTS[IntegrationType.AWS])
            return None
    parsed = parse_service(reading.text)
    if parsed is None:
        properties.unsupported(f"a stage variable at this place of {_NAME}", _NAME, "write the service and action out")
        return None
    return Aim(parsed.target, parsed.parameters)
