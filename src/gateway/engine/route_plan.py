"""A route compiled for one stage: whatever can be understood before a message arrives is."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.access.identity import IdentitySource
from gateway.access.identity import parse as parse_identity_source
from gateway.engine.endpoint import Endpoint
from gateway.engine.integrations.plan import IntegrationPlan, plan_integration
from gateway.engine.required_parameters import RequiredParameter, required_parameters
from gateway.engine.stage_variables import lambda_target
from gateway.engine.throttling import route_throttle
from gateway.engine.validation import Validation, plan_validation
from gateway.model.api import AuthorizationType, Route
from gateway.model.ids import CONNECT
from gateway.model.integration import LambdaTarget
from gateway.model.plan import Throttle


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """``integration`` is None when the route has none; ``identity_sources`` are those of its authorizer; None for
    ``validation`` and ``throttle`` where there is nothing of the kind, which then costs nothing."""

    route: Route
    integration: IntegrationPlan | None
    identity_sources: tuple[IdentitySource, ...] = ()
    authorizer: LambdaTarget | None = None
    required: tuple[RequiredParameter, ...] = ()
    validation: Validation | None = None
    throttle: Throttle | None = None

    @property
    def is_guarded(self) -> bool:
        """Whether there is more to using the route than asking for it."""
        signs = self.route.authorization_type is AuthorizationType.AWS_IAM
        guards = (self.authorizer, self.required, self.throttle, self.route.api_key_required, signs)
        return any(guards)


def plan_route(route: Route, endpoint: Endpoint) -> RoutePlan:
    """Raises ExpressionError or ValueError for what a loaded definition cannot hold."""
    authorizer, stage = route.authorizer, endpoint.stage
    if authorizer is None and route.authorization_type is AuthorizationType.CUSTOM:
        raise ValueError(f"{route.route_key} has no authorizer to be CUSTOM by")
    validates = route.route_key != CONNECT and not endpoint.api.disable_schema_validation
    return RoutePlan(
        route,
        None if route.integration is None else plan_integration(route.integration, endpoint),
        () if authorizer is None else tuple(map(parse_identity_source, authorizer.identity_source)),
        None if authorizer is None else lambda_target(authorizer.target, stage.stage_variables),
        required_parameters(route.request_parameters) if route.route_key == CONNECT else (),
        plan_validation(route) if validates else None,
        route_throttle(stage, route.route_key),
    )
