"""The definition of a WebSocket API: immutable, references resolved, with AWS's own property names.

``template`` builds these values from SAM or CloudFormation, ``control`` hands them to the node. A route holds its
integration and authorizer themselves, so nothing downstream can meet a dangling ID.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.model.ids import ApiId, FunctionName, RouteKey, StageName
from gateway.model.limits import MAX_INTEGRATION_TIMEOUT_MS

DEFAULT_API_KEY_SELECTION = "$request.header.x-api-key"


class AuthorizationType(Enum):
    """Route.AuthorizationType (parity 11.1)."""

    NONE = "NONE"
    AWS_IAM = "AWS_IAM"
    CUSTOM = "CUSTOM"


class IntegrationType(Enum):
    """Integration.IntegrationType (parity 5)."""

    AWS_PROXY = "AWS_PROXY"
    AWS = "AWS"
    HTTP_PROXY = "HTTP_PROXY"
    HTTP = "HTTP"
    MOCK = "MOCK"


@dataclass(frozen=True, slots=True)
class LambdaTarget:
    """A function that an integration or authorizer calls; ``qualifier`` is a version or alias, if one was named."""

    function_name: FunctionName
    qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """``target`` is what ``integration_uri`` resolved to; ``domain_name`` replaces the stage's in events when the
    handler cannot be led to this gateway by host name (``provided.*`` runtimes), None otherwise."""

    logical_id: str
    integration_type: IntegrationType
    integration_uri: str
    target: LambdaTarget
    integration_method: str = "POST"
    timeout_ms: int = MAX_INTEGRATION_TIMEOUT_MS
    domain_name: str | None = None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A REQUEST authorizer (parity 6). ``identity_source`` entries keep AWS's text: ``route.request.header.X``,
    ``route.request.querystring.X``, ``context.X``, ``stageVariables.X``."""

    logical_id: str
    name: str
    target: LambdaTarget
    identity_source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """``two_way`` says whether a ``$default`` RouteResponse is deployed (parity fact 6), nothing else does."""

    logical_id: str
    route_key: RouteKey
    integration: Integration | None = None
    authorization_type: AuthorizationType = AuthorizationType.NONE
    authorizer: Authorizer | None = None
    two_way: bool = False
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed stage; ``stage_variables`` are the ones events carry."""

    logical_id: str
    stage_name: StageName
    stage_variables: Mapping[str, str] = field(default_factory=dict)
    auto_deploy: bool = False


@dataclass(frozen=True, slots=True)
class Api:
    """One WebSocket API of a template. ``api_id`` is 10 characters ``[a-z0-9]``, derived from stack and logical ID."""

    api_id: ApiId
    logical_id: str
    name: str
    route_selection_expression: str
    routes: Mapping[RouteKey, Route]
    stages: Mapping[StageName, Stage]
    api_key_selection_expression: str = DEFAULT_API_KEY_SELECTION
    description: str | None = None
    disable_execute_api_endpoint: bool = False

    def route(self, key: RouteKey) -> Route | None:
        """The route of exactly this key, or None."""
        return self.routes.get(key)
