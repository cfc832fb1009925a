"""A route compiled for one stage: whatever can be understood before a message arrives is."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.access.identity import IdentitySource
from gateway.access.identity import parse as parse_identity_source
from gateway.engine.endpoint import Endpoint
from gateway.engine.integrations.plan import IntegrationPlan, plan_integration
from gateway.model.api import Route


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """``integration`` is None when the route has none; ``identity_sources`` are those of its authorizer."""

    route: Route
    integration: IntegrationPlan | None
    identity_sources: tuple[IdentitySource, ...] = ()


def plan_route(route: Route, endpoint: Endpoint) -> RoutePlan:
    """Raises ExpressionError for what a loaded definition cannot hold."""
    sources = () if route.authorizer is None else map(parse_identity_source, route.authorizer.identity_source)
    integration = None if route.integration is None else plan_integration(route.integration, endpoint)
    return RoutePlan(route, integration, tuple(sources))
