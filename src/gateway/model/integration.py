"""What a route calls and how: the integration with AWS's own property names, its target already understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.model.ids import FunctionName
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS


class IntegrationType(Enum):
    """Integration.IntegrationType (parity 5)."""

    AWS_PROXY = "AWS_PROXY"
    AWS = "AWS"
    HTTP_PROXY = "HTTP_PROXY"
    HTTP = "HTTP"
    MOCK = "MOCK"


class PassthroughBehavior(Enum):
    """What a request without a matching template becomes (parity 5)."""

    WHEN_NO_MATCH = "WHEN_NO_MATCH"
    WHEN_NO_TEMPLATES = "WHEN_NO_TEMPLATES"
    NEVER = "NEVER"


class ContentHandling(Enum):
    """ContentHandlingStrategy (parity 5): base64 text to bytes for the backend, bytes to base64 text for the client."""

    CONVERT_TO_BINARY = "CONVERT_TO_BINARY"
    CONVERT_TO_TEXT = "CONVERT_TO_TEXT"


@dataclass(frozen=True, slots=True)
class LambdaTarget:
    """A function that an integration or authorizer calls; ``qualifier`` is a version or alias, if one was named.

    ``${stageVariables.x}`` may stand in either; it is replaced per stage when a definition is compiled.
    """

    function_name: FunctionName
    qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Any web server. ``url`` may hold ``{path}`` parameters and ``${stageVariables.x}``; ``server_name`` is
    TlsConfig.ServerNameToVerify."""

    url: str
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """An AWS service by its protocol: exactly one of ``action`` (``DynamoDB``'s ``PutItem``) and ``path`` (without its
    leading slash, ``{account}/{queue}``) is set. ``service`` is the URI's own name, lower case: ``dynamodb``,
    ``sqs``, ``states``, ``events``; ``region`` may be empty for "here"."""

    region: str
    service: str
    action: str | None = None
    path: str | None = None
    subdomain: str | None = None


@dataclass(frozen=True, slots=True)
class MockTarget:
    """No backend at all."""


Target = LambdaTarget | HttpTarget | ServiceTarget | MockTarget


@dataclass(frozen=True, slots=True)
class IntegrationResponse:
    """``key`` is ``$default`` or a pattern in slashes (``/4\\d\\d/``) matched on the status, or on a Lambda error's
    message (parity 5). ``response_parameters`` keep AWS's text on both sides."""

    logical_id: str
    key: str
    response_templates: Mapping[str, str] = field(default_factory=dict)
    template_selection_expression: str | None = None
    response_parameters: Mapping[str, str] = field(default_factory=dict)
    content_handling: ContentHandling | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """``target`` is what ``integration_uri`` resolved to; ``request_parameters`` and ``request_templates`` keep AWS's
    text. ``domain_name`` replaces the stage's in events when the handler cannot be led to this gateway by host name
    (``provided.*`` runtimes), None otherwise."""

    logical_id: str
    integration_type: IntegrationType
    integration_uri: str
    target: Target
    integration_method: str = "POST"
    timeout_ms: int = MAX_INTEGRATION_TIMEOUT_MS
    domain_name: str | None = None
    credentials_arn: str | None = None
    content_handling: ContentHandling | None = None
    passthrough_behavior: PassthroughBehavior = PassthroughBehavior.WHEN_NO_MATCH
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    request_templates: Mapping[str, str] = field(default_factory=dict)
    template_selection_expression: str | None = None
    responses: Mapping[str, IntegrationResponse] = field(default_factory=dict)

    @property
    def is_proxy(self) -> bool:
        """Whether the backend's answer reaches the client as it is."""
        return self.integration_type in (IntegrationType.AWS_PROXY, IntegrationType.HTTP_PROXY)
