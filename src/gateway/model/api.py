"""The definition of a WebSocket API: immutable, references resolved, with AWS's own property names.

``template`` builds these values from SAM or CloudFormation, ``control`` hands them to the node. A route holds its
integration, authorizer and models themselves, so nothing downstream can meet a dangling ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gateway.model.ids import ApiId, RouteKey, StageName
from gateway.model.integration import Integration as Integration
from gateway.model.integration import IntegrationType as IntegrationType
from gateway.model.integration import LambdaTarget as LambdaTarget

DEFAULT_API_KEY_SELECTION = "$request.header.x-api-key"


class AuthorizationType(Enum):
    """Route.AuthorizationType (parity 11.1)."""

    NONE = "NONE"
    AWS_IAM = "AWS_IAM"
    CUSTOM = "CUSTOM"


class LoggingLevel(Enum):
    """RouteSettings.LoggingLevel (parity 10)."""

    OFF = "OFF"
    ERROR = "ERROR"
    INFO = "INFO"


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A REQUEST authorizer (parity 6). ``identity_source`` entries keep AWS's text: ``route.request.header.X``,
    ``route.request.querystring.X``, ``context.X``, ``stageVariables.X``."""

    logical_id: str
    name: str
    target: LambdaTarget
    identity_source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A JSON Schema (draft 4) that messages are validated against; ``schema`` is the parsed document."""

    logical_id: str
    name: str
    schema: Mapping[str, Any]
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """``two_way`` says whether a ``$default`` RouteResponse is deployed (parity fact 6), nothing else does.

    ``request_models`` maps a value of ``model_selection_expression`` (or ``$default``) to its model;
    ``request_parameters`` maps ``route.request.header.X`` and ``route.request.querystring.X`` to "is required".
    """

    logical_id: str
    route_key: RouteKey
    integration: Integration | None = None
    authorization_type: AuthorizationType = AuthorizationType.NONE
    authorizer: Authorizer | None = None
    two_way: bool = False
    operation_name: str | None = None
    api_key_required: bool = False
    model_selection_expression: str | None = None
    request_models: Mapping[str, Model] = field(default_factory=dict)
    request_parameters: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteSettings:
    """Settings of a stage or of one route in it; None means "as the level above says" (parity 10).

    Rates are requests per second, bursts requests.
    """

    throttling_rate_limit: float | None = None
    throttling_burst_limit: int | None = None
    logging_level: LoggingLevel | None = None
    data_trace_enabled: bool | None = None
    detailed_metrics_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessLogSettings:
    """``destination_arn`` names the log; ``format`` is the line with its ``$context`` variables."""

    destination_arn: str
    format: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed stage; ``stage_variables`` are the ones events carry."""

    logical_id: str
    stage_name: StageName
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    auto_deploy: bool = False
    default_route_settings: RouteSettings = field(default_factory=RouteSettings)
    route_settings: Mapping[RouteKey, RouteSettings] = field(default_factory=dict)
    access_log_settings: AccessLogSettings | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """One WebSocket API of a template. ``api_id`` is 10 characters ``[a-z0-9]``, derived from stack and logical ID.

    ``disable_schema_validation`` turns models off for the whole API.
    """

    api_id: ApiId
    logical_id: str
    name: str
    route_selection_expression: str
    routes: Mapping[RouteKey, Route]
    stages: Mapping[StageName, Stage]
    api_key_selection_expression: str = DEFAULT_API_KEY_SELECTION
    description: str | None = None
    disable_execute_api_endpoint: bool = False
    disable_schema_validation: bool = False

    def route(self, key: RouteKey) -> Route | None:
        """The route of exactly this key, or None."""
        return self.routes.get(key)
